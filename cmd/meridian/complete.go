package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"meridian/internal/endpoints"
	"meridian/internal/task"
)

// complete gives the shell values for a flag: those that begin with what has been
// typed, of a list separated by commas its last entry.
func complete(cmd *cobra.Command, flag string, values func(typed string) []cobra.Completion) {
	err := cmd.RegisterFlagCompletionFunc(flag,
		func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			offered := slices.DeleteFunc(values(typed), func(value cobra.Completion) bool {
				return !strings.HasPrefix(value, typed)
			})
			return offered, cobra.ShellCompDirectiveNoFileComp
		})
	if err != nil {
		panic(fmt.Sprintf("meridian: %v", err)) // a flag that the command does not have
	}
}

// completeRegions offers every Region, after those that a list has already.
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

// completeServices offers every service.
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

// completeNothing offers neither values nor files.
func completeNothing(string) []cobra.Completion { return nil }
