package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"meridian/pkg/protocol"
)

// A source says where the parts of a request came from, so that what is wrong
// with one is told in the words in which it was given.
type source struct {
	// file is the file's name as it is shown. Empty means that there was none.
	file string

	// flags has the flag that set a field, by the field's JSON name. The field
	// "parameters" may have been set by --param or --parameters or both.
	flags map[string]string
}

// flagOf returns the flag that would set a field, the field's own name when
// there is none.
func flagOf(field string) string {
	for _, s := range (&runFlags{}).settings() {
		if s.field == field {
			return s.flag
		}
	}
	return field
}

// explain makes a complaint of a refused request. It returns any other error as
// it is.
func (s source) explain(err error) error {
	if invalid, ok := errors.AsType[*protocol.InvalidRequestError](err); ok {
		return refuse(s.placed(invalid.Faults))
	}
	return err
}

// refuse makes a complaint of faults that are placed.
func refuse(faults protocol.Faults) error {
	lines := make([]string, len(faults))
	regions, services := false, false
	for i, fault := range faults {
		lines[i] = fault.String()
		regions = regions || fault.Path == "--region" || fault.Path == "--exclude-region" || strings.Contains(fault.Path, "egions[")
		services = services || strings.HasPrefix(fault.Detail, "is not a service")
	}
	complaint := usage("%s", lines[0])
	if n := len(lines); n > 1 {
		complaint = usage("the request has %d faults\n%s", n, strings.Join(lines, "\n"))
	}
	if regions {
		complaint = complaint.hint("meridian regions lists the Regions there are")
	}
	if services {
		complaint = complaint.hint("meridian services lists the services there are")
	}
	return complaint
}

// placed returns the faults with their paths as the user knows the places.
func (s source) placed(faults protocol.Faults) protocol.Faults {
	placed := slices.Clone(faults)
	for i := range placed {
		placed[i].Path = s.place(placed[i].Path)
	}
	return placed
}

// place says where a fault is: at which flag, or where in the file.
func (s source) place(path string) string {
	field := fieldOf(path)
	rest := path[len(field):]
	flag, byFlag := s.flags[field]
	switch {
	case s.file != "" && !byFlag:
		return strings.TrimSuffix(s.file+": "+path, ": ")
	case path == "":
		return ""
	case field == "parameters" && strings.HasPrefix(rest, "."):
		return "--param " + rest[1:]
	case !byFlag:
		flag = flagOf(field)
	}
	switch field {
	case "regions", "excludeRegions", "targets":
		return "--" + flag // which one it is, its value says
	}
	if rest != "" {
		return fmt.Sprintf("--%s: %s", flag, strings.TrimPrefix(rest, "."))
	}
	return "--" + flag
}

// fieldOf returns the field of the request that a path leads into.
func fieldOf(path string) string {
	if end := strings.IndexAny(path, ".["); end >= 0 {
		return path[:end]
	}
	return path
}
