package main

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"meridian/pkg/protocol"
)

// callTask is the task of "call".
const callTask = "call"

// callFlags are the flags of "call" that set parameters of its task.
type callFlags struct {
	input, query                string
	maxPages, maxRows, maxBytes int
	allow                       []string
}

func (c *cli) callCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "call service:Operation...",
		Short: "Call operations of AWS in every Region at once and print their answers as rows",
		Long: `Call one or several operations of any AWS API in every Region at once, with your own
credentials, and print what they answer as rows. It is "meridian run --task call" with
the operations as targets. "meridian operations" lists the operations, and describes
the input and output of one.

Operations that only read are allowed; --allow allows others. With --function, a
deployed coordinator runs the same request, and the workers' operator decides.`,
		Example: `  meridian call ec2:DescribeInstances --region enabled \
    --query 'Reservations[].Instances[].{id: InstanceId, type: InstanceType, state: State.Name}'
  meridian call ec2:DescribeVpcs sqs:ListQueues --region 'eu-*' -o csv
  meridian call ec2:DescribeVpcs --organization --role Audit --count-by accountName
  meridian call ec2:DescribeVolumes --input '{"Filters": [{"Name": "status", "Values": ["available"]}]}' \
    --query 'Volumes[]' --count-by region
  meridian call ec2:StopInstances --allow ec2:StopInstances --region eu-west-1 --input @instances.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("name the operations to call, as in meridian call ec2:DescribeVpcs").
					hint("run `meridian operations --search word` to find operations")
			}
			return nil
		},
		ValidArgsFunction: completeOperations,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f.task, f.targets, f.arguments = callTask, []string{operations(args)}, true
		return c.runRequest(cmd.Context(), &f, func(flag string) bool {
			return flag == "task" || flag == "target" || cmd.Flags().Changed(flag)
		})
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return c.suggestCallFlag(cmd, err) })
	f.registerRegions(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.call.input, "input", "", "the input of each operation as a `JSON` object; {region} and {account} in its texts are replaced (default none)")
	flags.StringVar(&f.call.query, "query", "", "a JMESPath `expression` for the answer, all pages together (default the whole answer)")
	flags.IntVar(&f.call.maxPages, "max-pages", 0, "read at most `n` pages of an answer (default 100)")
	flags.IntVar(&f.call.maxRows, "max-rows", 0, "keep at most `n` items of a list in each Region (default all)")
	flags.IntVar(&f.call.maxBytes, "max-bytes", 0, "read at most `n` bytes of an answer, all pages together (default 16 MiB)")
	flags.StringSliceVar(&f.call.allow, "allow", nil, "also allow the operations that match these `patterns`, such as ec2:StopInstances or 's3:*'; repeatable (default those that only read)")
	f.registerLimits(cmd)
	f.registerStore(cmd)
	f.registerOutput(cmd)
	f.registerCompare(cmd)
	_ = cmd.RegisterFlagCompletionFunc("input", completeInput)
	_ = cmd.RegisterFlagCompletionFunc("allow", completeOperations)
	return cmd
}

// operations returns the operations in arguments, with commas or blanks between them, as a
// list for parseNames. Words without a colon are one operation in the spelling of the AWS
// CLI; the task hints at its name.
func operations(args []string) string {
	if !slices.ContainsFunc(args, func(arg string) bool { return strings.Contains(arg, ":") }) {
		args = []string{strings.Join(args, " ")}
	}
	list, _ := json.Marshal(strings.Split(strings.Join(args, ","), ",")) // strings have no error
	return string(list)
}

// settings returns the flags of "call" that set a parameter.
func (f *callFlags) settings() []setting {
	set := func(flag, name string, value func() any) setting {
		return setting{flag, "parameters." + name, func(r *protocol.Request) protocol.Faults {
			encoded, _ := json.Marshal(value()) // strings and numbers have no error
			return setParameter(r, name, encoded)
		}}
	}
	return []setting{
		{"input", "parameters.input", func(r *protocol.Request) protocol.Faults {
			if !json.Valid([]byte(f.input)) {
				return protocol.Faults{protocol.NewFault("parameters.input", f.input, "is not JSON")}
			}
			return setParameter(r, "input", json.RawMessage(f.input))
		}},
		set("query", "query", func() any { return f.query }),
		set("max-pages", "maxPages", func() any { return f.maxPages }),
		set("max-rows", "maxRows", func() any { return f.maxRows }),
		set("max-bytes", "maxBytes", func() any { return f.maxBytes }),
	}
}

// setParameter sets a parameter of the request.
func setParameter(r *protocol.Request, name string, value json.RawMessage) protocol.Faults {
	parameters, ok := members(r.Parameters)
	if !ok {
		return nil // it is checked where it is set
	}
	parameters[name] = value
	r.Parameters, _ = json.Marshal(parameters) // valid JSON has no error
	return nil
}
