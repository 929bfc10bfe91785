package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"meridian/internal/endpoints"
	"meridian/internal/task"
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

// completeRegions offers every Region, behind the Regions that are already in the
// list.
func completeRegions(typed string) []cobra.Completion {
	before := typed[:strings.LastIndex(typed, ",")+1]
	var regions []cobra.Completion
	for _, p := range endpoints.Partitions() {
		for _, r := range endpoints.Regions(p.ID) {
			regions = append(regions, cobra.CompletionWithDesc(before+r.Name, r.Description))
		}
	}
	return regions
}

func completeServices(string) []cobra.Completion { return endpoints.AllServices() }

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
