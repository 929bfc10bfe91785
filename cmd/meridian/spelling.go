package main

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"meridian/internal/awsapi/model"
)

// foreign has the flags of the AWS CLI that "call" has under another name.
//
//nolint:gochecknoglobals // a constant
var foreign = map[string]string{
	"regions":        "set --region; it takes several",
	"max-items":      "set --max-rows",
	"page-size":      "set MaxResults, or the member of that kind, in --input",
	"no-paginate":    "set --max-pages 1",
	"cli-input-json": "set --input @file",
	"endpoint-url":   "set AWS_ENDPOINT_URL",
	"ca-bundle":      "set AWS_CA_BUNDLE",
	"no-cli-pager":   "leave it out; there is no pager",
}

// suggestCallFlag hints at what to write for a flag of the AWS CLI: one of its own, or a
// member of the operation's input such as --filters.
func (c *cli) suggestCallFlag(cmd *cobra.Command, err error) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return suggestFlag(cmd, err)
	}
	name := unknown.GetSpecifiedName()
	if hint := foreign[name]; hint != "" {
		return usage("%v", err).hint("%s", hint)
	}
	for _, target := range targetsIn(c.args) {
		service, operation, _ := strings.Cut(target, ":")
		op, lookupErr := model.Lookup(service, operation)
		if lookupErr != nil {
			continue
		}
		for _, f := range op.InputFields(2) {
			if strings.EqualFold(f.Name, strings.ReplaceAll(name, "-", "")) {
				input, _ := json.Marshal(map[string]any{f.Name: placeholder(f.Type, f.Fields)}) // has no error
				return usage("%v", err).hint("write --input '%s'", input)
			}
		}
	}
	return suggestFlag(cmd, err)
}

// targetsIn returns the operations that the arguments of the program name, in Meridian's
// spelling or in that of the AWS CLI.
func targetsIn(args []string) []string {
	var targets []string
	for i, arg := range args {
		if service, operation, ok := strings.Cut(arg, ":"); ok {
			targets = append(targets, nearSpelling(service, operation))
		} else if i+1 < len(args) {
			targets = append(targets, nearSpelling(arg, args[i+1]))
		}
	}
	return targets
}

// nearSpelling returns the operation whose name differs in case and hyphens only.
func nearSpelling(service, operation string) string {
	operations := model.Operations(service)
	i := slices.IndexFunc(operations, func(name string) bool {
		return strings.EqualFold(name, strings.ReplaceAll(operation, "-", ""))
	})
	if i < 0 {
		return ""
	}
	return service + ":" + operations[i]
}

// placeholder returns a value of a type of the outline, with the members that are
// required, or all if none is.
func placeholder(kind string, fields []model.Field) any {
	of := func(prefix string) (string, bool) { return strings.CutPrefix(kind, prefix+" of ") }
	if item, ok := of("list"); ok {
		return []any{placeholder(item, fields)}
	}
	if item, ok := of("map"); ok {
		return map[string]any{"…": placeholder(item, fields)}
	}
	switch kind {
	case "structure", "union":
		value, required := map[string]any{}, slices.ContainsFunc(fields, func(f model.Field) bool { return f.Required })
		for _, f := range fields {
			if f.Required || !required {
				value[f.Name] = placeholder(f.Type, f.Fields)
			}
			if kind == "union" {
				break
			}
		}
		return value
	case "boolean":
		return true
	case "integer", "long", "number":
		return 1
	case "timestamp":
		return "2026-01-31T00:00:00Z"
	}
	return "…"
}
