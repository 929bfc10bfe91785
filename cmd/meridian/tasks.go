package main

import (
	"github.com/spf13/cobra"

	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A taskListing is one task in the output of "tasks -o json".
type taskListing struct {
	Task    string `json:"task"`
	Summary string `json:"summary"`

	// Idempotent says that an invocation that may have run is repeated.
	Idempotent bool `json:"idempotent"`

	// PerRequest says that it is repeated if the request allows it.
	PerRequest bool `json:"perRequest,omitzero"`

	Parameters []parameterListing `json:"parameters"`
}

// A parameterListing is one parameter of a task.
type parameterListing struct {
	Parameter string `json:"parameter"`
	Value     string `json:"value"`
	Help      string `json:"help,omitzero"`
}

func (c *cli) tasksCommand() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "tasks [name]",
		Short: "List the tasks that a request can name, or the parameters of one",
		Example: `  meridian tasks
  meridian tasks probe`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return completeTasks(typed), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			tasks := task.Builtin().All()
			if len(args) > 0 {
				t, known := task.Builtin().Task(args[0])
				if !known {
					return usage("%s", protocol.UnknownFault("", args[0], "a task", task.Builtin().Names())).
						hint("run `meridian tasks` to list the tasks")
				}
				tasks = []task.Task{t}
			}
			listing := listTasks(tasks)
			if output == formatJSON {
				return c.printJSON(listing)
			}
			if len(args) > 0 {
				return c.printTask(listing[0])
			}
			rows := [][]string{{"TASK", "WHAT IT DOES"}}
			for _, t := range listing {
				rows = append(rows, []string{t.Task, t.Summary})
			}
			return c.printColumns(rows)
		},
	}
	addOutput(cmd, &output)
	return cmd
}

func listTasks(tasks []task.Task) []taskListing {
	var all []taskListing
	for _, t := range tasks {
		listing := taskListing{Task: t.Name, Summary: t.Summary, Idempotent: t.Idempotent, PerRequest: t.PerRequest, Parameters: []parameterListing{}}
		for _, p := range t.Parameters {
			listing.Parameters = append(listing.Parameters, parameterListing{p.Name, p.Kind, p.Help})
		}
		all = append(all, listing)
	}
	return all
}

// printTask prints a task with its parameters.
func (c *cli) printTask(t taskListing) error {
	repeated := "an invocation that may have run is repeated"
	switch {
	case t.PerRequest:
		repeated = "an invocation that may have run is repeated if each of its targets may be done twice"
	case !t.Idempotent:
		repeated = "an invocation that may have run is not repeated, unless the request has retriers"
	}
	if err := c.print("%s: %s\n%s\n\n", t.Task, t.Summary, repeated); err != nil {
		return err
	}
	if len(t.Parameters) == 0 {
		return c.print("it has no parameters\n")
	}
	rows := [][]string{{"PARAMETER", "VALUE", "WHAT IT MEANS"}}
	for _, p := range t.Parameters {
		rows = append(rows, []string{p.Parameter, p.Value, p.Help})
	}
	return c.printColumns(rows)
}
