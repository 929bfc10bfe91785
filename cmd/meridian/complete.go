package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"meridian/internal/endpoints"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// complete offers the shell values for a flag. The shell picks those that match
// what has been typed.
func complete(cmd *cobra.Command, flag string, values func(typed string) []cobra.Completion) {
	err := cmd.RegisterFlagCompletionFunc(flag,
		func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return values(typed), cobra.ShellCompDirectiveNoFileComp
		})
	if err != nil {
		panic(fmt.Sprintf("meridian: %v", err)) // the command has no such flag
	}
}

// behind returns the part of a list that is complete: all up to its last comma.
func behind(typed string) string { return typed[:strings.LastIndex(typed, ",")+1] }

// completeRunRegions offers the words for several Regions, too.
func completeRunRegions(typed string) []cobra.Completion {
	before := behind(typed)
	return append(completeRegions(typed),
		cobra.CompletionWithDesc(before+protocol.EnabledRegions, "every Region that is enabled in the account"),
		cobra.CompletionWithDesc(before+protocol.AllRegions, "every Region of the partition"))
}

// completeRegions offers every Region, behind the Regions that are already in the
// list.
func completeRegions(typed string) []cobra.Completion {
	before := behind(typed)
	var regions []cobra.Completion
	for _, r := range endpoints.AllRegions() {
		regions = append(regions, cobra.CompletionWithDesc(before+r.Name, r.Description))
	}
	return regions
}

func completeServices(string) []cobra.Completion { return endpoints.AllServices() }

// completeTargets offers every service, behind the targets that are already in the list.
// A task can have other targets too.
func completeTargets(typed string) []cobra.Completion {
	before := behind(typed)
	targets := []cobra.Completion{cobra.CompletionWithDesc(before+protocol.EveryService, "every service listed in the Region")}
	for _, id := range endpoints.AllServices() {
		targets = append(targets, before+id)
	}
	return targets
}

// completeParameters offers the parameters of the task of --task, or the values of one
// that is true or false.
func completeParameters(cmd *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	name, err := cmd.Flags().GetString("task")
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	key, _, named := strings.Cut(typed, "=")
	var offered []cobra.Completion
	t, _ := task.Builtin().Task(cmp.Or(name, protocol.DefaultTask))
	for _, p := range t.Parameters {
		switch {
		case !named:
			offered = append(offered, cobra.CompletionWithDesc(p.Name+"=", p.Kind+": "+p.Help))
		case p.Name == key && p.Kind == "true or false":
			return []cobra.Completion{key + "=true", key + "=false"}, cobra.ShellCompDirectiveNoFileComp
		}
	}
	return offered, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

func completePartitions(string) []cobra.Completion {
	var partitions []cobra.Completion
	for _, p := range endpoints.Partitions() {
		partitions = append(partitions, cobra.CompletionWithDesc(p.ID, p.DNSSuffix))
	}
	return partitions
}

func completeTasks(string) []cobra.Completion {
	var tasks []cobra.Completion
	for _, t := range task.Builtin().All() {
		tasks = append(tasks, cobra.CompletionWithDesc(t.Name, t.Summary))
	}
	return tasks
}
