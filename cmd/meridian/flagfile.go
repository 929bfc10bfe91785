package main

import (
	"context"
	"strings"

	"meridian/pkg/protocol"
)

// A flagText is the value of a flag that takes JSON or a list.
type flagText struct {
	flag string
	text *string
}

// texts returns the values of the flags that take JSON or a list.
func (f *runFlags) texts() []flagText {
	all := []flagText{
		{"parameters", &f.parameters},
		{"payload", &f.worker.payload},
		{"retry", &f.retry},
		{"target-retry", &f.targetRetry},
		{"hedge", &f.hedge},
		{"input", &f.call.input},
		{"waves", &f.accounts.waves},
	}
	for _, list := range []struct {
		flag  string
		texts texts
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
			all = append(all, flagText{list.flag, &list.texts[i]})
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
			return usage("--%s: %s: more than %d bytes (1 MiB), the most of a request", value.flag, shownFile(path), protocol.MaxRequestBytes)
		}
		if f.files == nil {
			f.files = map[*string]string{}
		}
		*value.text, f.files[value.text] = string(data), path
	}
	return nil
}
