package main

import (
	"strings"

	"github.com/spf13/cobra"

	"meridian/internal/awsapi/model"
)

// completeOperations offers the services, and behind a service its operations.
func completeOperations(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	service, _, named := strings.Cut(typed, ":")
	var offered []cobra.Completion
	if !named {
		for _, s := range model.Services() {
			offered = append(offered, s+":")
		}
		return offered, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	for _, operation := range model.Operations(service) {
		offered = append(offered, service+":"+operation)
	}
	return offered, cobra.ShellCompDirectiveNoFileComp
}

// completeInput offers the members of the operation's input, where the JSON that is typed
// so far has the name of a member next. The shell picks those that match.
func completeInput(_ *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if strings.HasPrefix(typed, "@") {
		return nil, cobra.ShellCompDirectiveDefault // a file
	}
	var offered []cobra.Completion
	for _, target := range args {
		service, operation, _ := strings.Cut(target, ":")
		op, err := model.Lookup(service, operation)
		if err != nil {
			continue
		}
		path, before, ok := memberAt(typed)
		if !ok {
			continue
		}
		fields := op.InputFields(len(path) + 1)
		for _, name := range path {
			fields = fieldsOf(fields, name)
		}
		for _, f := range fields {
			offered = append(offered, cobra.CompletionWithDesc(before+`"`+f.Name+`": `, f.Type))
		}
	}
	return offered, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// fieldsOf returns the members of the structure in the member called name.
func fieldsOf(fields []model.Field, name string) []model.Field {
	for _, f := range fields {
		if f.Name == name {
			return f.Fields
		}
	}
	return nil
}

// memberAt returns the names of the members that are open at the end of JSON that is not
// complete, and the JSON before the name of the next one. It returns false if a name is
// not what comes next.
func memberAt(typed string) (path []string, before string, ok bool) {
	if strings.TrimSpace(typed) == "" {
		return nil, "{", true
	}
	type level struct {
		object bool
		name   string // of the member whose value is open
	}
	var levels []level
	start, text, named := -1, "", false // of the string that is open; the last string; whether a name is complete
	for i := 0; i < len(typed); i++ {
		switch b := typed[i]; {
		case start >= 0 && b == '\\':
			i++
		case start >= 0 && b == '"':
			text, start = typed[start+1:i], -1
		case start >= 0:
		case b == '"':
			start = i
		case b == '{' || b == '[':
			levels, named = append(levels, level{object: b == '{'}), false
		case len(levels) == 0:
			return nil, "", false
		case b == '}' || b == ']':
			levels, named = levels[:len(levels)-1], true
		case b == ':':
			levels[len(levels)-1].name, named = text, true
		case b == ',':
			levels[len(levels)-1].name, named = "", false
		}
	}
	if len(levels) == 0 || !levels[len(levels)-1].object || named {
		return nil, "", false
	}
	for _, l := range levels[:len(levels)-1] {
		if l.object {
			path = append(path, l.name)
		}
	}
	before = typed
	if start >= 0 {
		before = typed[:start]
	}
	return path, before, true
}
