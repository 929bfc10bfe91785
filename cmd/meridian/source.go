package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"meridian/pkg/protocol"
)

// A source says where each field of a request was set, so that a fault names the
// flag or the place in the file.
type source struct {
	// file is the name to show for the file. Empty means that there was no file.
	file string

	// flags has the flag that set a field, by the field's JSON name. The field
	// "parameters" may have been set by --param or --parameters or both; a parameter that
	// has a flag of its own is "parameters.query", and a field of the worker "worker.function".
	flags map[string]string

	// targetPlaces has the place of each target in a file of --target, or "".
	targetPlaces *[]string

	// accounts are the flags that set accounts and waves.
	accounts *accountFlags

	// arguments says that the targets are arguments of the command.
	arguments bool
}

// flagOf returns the flag that sets a field, or the field's name if none does.
func flagOf(field string) string {
	for _, s := range (&runFlags{}).settings() {
		if s.field == field {
			return s.flag
		}
	}
	return field
}

// explain turns the error of a refused request into a usage error. It returns other
// errors unchanged.
func (s source) explain(err error) error {
	if invalid, ok := errors.AsType[*protocol.InvalidRequestError](err); ok {
		return refuse(s.placed(invalid.Faults))
	}
	return err
}

// refuse returns the usage error of faults whose paths are from placed.
func refuse(faults protocol.Faults) error {
	lines := make([]string, len(faults))
	regions := false
	for i, fault := range faults {
		lines[i] = fault.String()
		regions = regions || fault.Path == "--region" || fault.Path == "--exclude-region" || fault.Path == "--canary-region" || strings.Contains(fault.Path, "egions[")
	}
	complaint := faulty("the request has", lines)
	if regions {
		complaint = complaint.hint("run `meridian regions` to list the Regions")
	}
	for _, list := range []struct{ detail, hint string }{
		{"is not a service", "meridian services` to list the services"},
		{"is not a task", "meridian tasks` to list the tasks"},
		{"is not an operation", "meridian operations --search word` to find operations"},
	} {
		if slices.ContainsFunc(faults, func(f protocol.Fault) bool { return strings.HasPrefix(f.Detail, list.detail) }) {
			complaint = complaint.hint("run `%s", list.hint)
		}
	}
	return complaint
}

// placed returns the faults with the user's places for paths: flags, or the file.
func (s source) placed(faults protocol.Faults) protocol.Faults {
	placed := slices.Clone(faults)
	for i := range placed {
		placed[i].Path = s.place(placed[i].Path)
		placed[i].Detail = s.inFlags(placed[i].Detail)
	}
	return placed
}

// inFlags returns the detail of a fault with the user's names for what it names: flags for
// fields of a request without a file, and places in a file of targets.
func (s source) inFlags(detail string) string {
	detail = regexp.MustCompile(`targets\[\d+\]`).ReplaceAllStringFunc(detail, func(path string) string {
		return cmp.Or(s.targetPlace(path), path)
	})
	if s.file != "" && s.flags["worker.function"] == "" {
		return detail
	}
	return strings.NewReplacer("combined with worker.protocol", "combined with --worker-protocol", "use parameters", "use --parameters",
		"combined with worker", "combined with --worker-function",
		"worker.function", "--worker-function", "worker.payload", "--payload", "worker.idempotent", "--worker-idempotent",
		"targetRetry", "--target-retry", "targetTimeoutSeconds", "--target-timeout",
		"maxTargetsPerInvocation", "--max-targets-per-invocation").Replace(detail)
}

// targetPlace returns the place of a target in its file, or "". path begins with
// "targets[i]".
func (s source) targetPlace(path string) string {
	number, _, _ := strings.Cut(strings.TrimPrefix(path, "targets["), "]")
	if i, err := strconv.Atoi(number); err == nil && s.targetPlaces != nil && i < len(*s.targetPlaces) {
		return (*s.targetPlaces)[i]
	}
	return ""
}

// place returns the flag of a path in the request, or its place in the file.
func (s source) place(path string) string {
	field := fieldOf(path)
	rest := path[len(field):]
	flag, byFlag := s.flags[field]
	switch {
	case s.file != "" && !byFlag:
		return strings.TrimSuffix(s.file+": "+path, ": ")
	case path == "":
		return ""
	}
	if s.accounts != nil {
		if place := s.accounts.place(path, flag); place != "" {
			return place
		}
	}
	switch {
	case field == "targets" && s.arguments:
		return "" // the fault's value shows which
	case field == "parameters" && strings.HasPrefix(rest, "."):
		name := fieldOf(rest[1:])
		flag, set := s.flags[field+"."+name]
		if !set && s.arguments {
			flag = flagOf(field + "." + name) // that is not set
			set = flag != field+"."+name
		}
		if set {
			return strings.TrimSuffix(fmt.Sprintf("--%s: %s", flag, strings.TrimPrefix(rest[1+len(name):], ".")), ": ")
		}
		return "--param " + rest[1:]
	case !byFlag:
		flag = flagOf(field)
	}
	switch field {
	case "targets":
		return strings.TrimSuffix("--"+flag+": "+s.targetPlace(path), ": ")
	case "regions", "excludeRegions":
		return "--" + flag // the fault's value shows which entry it is
	}
	if rest != "" {
		return fmt.Sprintf("--%s: %s", flag, strings.TrimPrefix(rest, "."))
	}
	return "--" + flag
}

// fieldOf returns the field of the request at the start of a path, or of its worker.
func fieldOf(path string) string {
	if field, ofWorker := strings.CutPrefix(path, "worker."); ofWorker {
		return "worker." + fieldOf(field)
	}
	if end := strings.IndexAny(path, ".["); end >= 0 {
		return path[:end]
	}
	return path
}
