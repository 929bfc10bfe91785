package main

import (
	"bytes"
	"context"
	"strings"

	"meridian/pkg/protocol"
)

// A flagText is the value of a flag that takes JSON or a list.
type flagText struct {
	flag   string
	text   *string
	isList bool
}

// texts returns the values of the flags that take JSON or a list.
func (f *runFlags) texts() []flagText {
	all := []flagText{
		{"parameters", &f.parameters, false},
		{"payload", &f.worker.payload, false},
		{"retry", &f.retry, false},
		{"target-retry", &f.targetRetry, false},
		{"hedge", &f.hedge, false},
		{"input", &f.call.input, false},
		{"waves", &f.accounts.waves, false},
	}
	for _, list := range []struct {
		flag  string
		texts []string
	}{
		{"region", f.regions},
		{"exclude-region", f.excludeRegions},
		{"target", f.targets},
		{"account", f.accounts.ids},
		{"exclude-account", f.accounts.exclude},
		{"unit", f.accounts.units},
		{"profile", f.accounts.profiles},
		{"canary-region", f.accounts.canaryRegions},
	} {
		for i := range list.texts {
			all = append(all, flagText{list.flag, &list.texts[i], true})
		}
	}
	return all
}

// readFlagFiles replaces each value that begins with "@" by the contents of the file whose
// path follows, or of standard input for "@-".
func (c *cli) readFlagFiles(ctx context.Context, f *runFlags) error {
	reader := "" // the flag that reads standard input
	if f.file == "-" {
		reader = "file"
	}
	if f.accounts.file == "-" {
		if reader != "" {
			return usage("--accounts: standard input is read for --%s already", reader)
		}
		reader = "accounts"
	}
	if f.accounts.file != "" {
		var err error
		if f.accounts.content, err = c.awaitFile(ctx, "accounts", f.accounts.file); err != nil {
			return err
		}
	}
	for _, value := range f.texts() {
		path, isFile := strings.CutPrefix(*value.text, "@")
		if name := fileIn(*value.text); !isFile && value.isList && name != "" {
			return usage("--%s: %q: a file is read by a flag of its own: --%[1]s a --%[1]s @file", value.flag, name).
				hint("quote a name that begins with @: '\"@home\"'")
		}
		if !isFile {
			continue
		}
		if path == "-" && reader != "" {
			return usage("--%s: standard input is read for --%s already", value.flag, reader)
		}
		if path == "-" {
			reader = value.flag
		}
		data, err := c.awaitFile(ctx, value.flag, path)
		if err != nil {
			return err
		}
		if len(data) > protocol.MaxRequestBytes {
			return usage("--%s: %s: more than %d bytes (1 MiB), the most of a request; line %d is too long, or too many lines are before it",
				value.flag, shownFile(path), protocol.MaxRequestBytes, 1+bytes.Count(data, []byte("\n")))
		}
		if f.files == nil {
			f.files = map[*string]string{}
		}
		*value.text, f.files[value.text] = string(data), path
	}
	return nil
}

// fileIn returns the first name in a list that begins with "@" and is not quoted, or "".
func fileIn(list string) string {
	for {
		list = strings.TrimLeftFunc(list, separates)
		if list == "" {
			return ""
		}
		name, rest, err := nextName(list)
		if err != nil { // JSON, or to be refused
			return ""
		}
		if strings.HasPrefix(list, "@") {
			return name
		}
		list = rest
	}
}
