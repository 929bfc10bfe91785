package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"meridian/internal/awsapi/model"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// An operationListing is one operation in the output of "operations".
type operationListing struct {
	Operation string `json:"operation"`

	// Kind is what kindOf returns. It is left out of a list of several services: reading
	// all models takes seconds.
	Kind string `json:"kind,omitzero"`
}

// kindOf returns the kind of an operation, as the rules of MERIDIAN_CALL_ALLOW distinguish.
func kindOf(op *model.Operation) string {
	switch refused := op.Refused(); {
	case refused != "":
		return "cannot be called: " + refused
	case op.Secret():
		return "reads secrets"
	case op.ReadOnly():
		return "reads"
	}
	return "changes"
}

func (c *cli) operationsCommand() *cobra.Command {
	var service, word string
	var depth int
	var output format
	cmd := &cobra.Command{
		Use:   "operations [service:Operation]",
		Short: "List the operations that can be called, or the input and output of one",
		Long: `List the operations of AWS that "meridian call" can call, or describe one: what it
takes as its input, and what its answer has for a query.`,
		Example: `  meridian operations --service ec2 --search vpc
  meridian operations ec2:DescribeInstances`,
		Args: cobra.ArbitraryArgs,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return completeOperations(cmd, args, typed)
		},
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return c.describeOperation(strings.Join(args, " "), depth, output)
		}
		listing, err := listOperations(service, word)
		if err != nil {
			return err
		}
		if output == formatJSON {
			return c.printJSON(listing)
		}
		if len(listing) == 0 {
			return usage("--search %q: no operation has all of these words in its name", word).
				hint("search for a part of a word: `meridian operations --search volume`")
		}
		rows := [][]string{{"OPERATION", "KIND"}}
		if service == "" {
			rows[0][1] = ""
		}
		for _, o := range listing {
			rows = append(rows, []string{o.Operation, o.Kind})
		}
		return c.printColumns(rows)
	}
	cmd.Flags().StringVar(&service, "service", "", "list only the operations of the service with this `id`")
	cmd.Flags().StringVar(&word, "search", "", "list only the operations with all of these `words` in their name")
	cmd.Flags().IntVar(&depth, "depth", outlineDepth, "describe structures in structures down to `n` levels")
	complete(cmd, "service", func(string) []cobra.Completion { return model.Services() })
	addOutput(cmd, &output)
	return cmd
}

// listOperations returns the operations that have all of these words in their names: those
// of one service, or of all services when service is empty.
func listOperations(service, words string) ([]operationListing, error) {
	services := model.Services()
	if service != "" {
		if model.Operations(service) == nil {
			return nil, usage("%s", protocol.UnknownFault("--service", service, "a service", services))
		}
		services = []string{service}
	}
	listing := []operationListing{}
	for _, s := range services {
		for _, name := range model.Operations(s) {
			found := operationListing{Operation: s + ":" + name}
			if !containsAll(found.Operation, words) {
				continue
			}
			if service != "" {
				op, err := model.Lookup(s, name)
				if err != nil {
					return nil, failure("%v", err)
				}
				found.Kind = kindOf(op)
			}
			listing = append(listing, found)
		}
	}
	return listing, nil
}

// containsAll reports whether a name has each of some words in it, in any case.
func containsAll(name, words string) bool {
	name = strings.ToLower(name)
	return !slices.ContainsFunc(strings.Fields(strings.ToLower(words)), func(word string) bool { return !strings.Contains(name, word) })
}

// lookUpOperation returns the operation of a name, or a usage error with the nearest one.
func lookUpOperation(name string) (*model.Operation, error) {
	service, operation, _ := model.Split(name) // empty names are unknown too
	op, err := model.Lookup(service, operation)
	if err == nil {
		return op, nil
	}
	if _, unknown := errors.AsType[model.UnknownError](err); !unknown {
		return nil, failure("%v", err)
	}
	faults := task.Builtin().Check(callTask, nil, []string{name}) // they hint at the name for a spelling of the AWS CLI
	for i := range faults {
		faults[i].Path = ""
	}
	return nil, refuse(faults)
}
