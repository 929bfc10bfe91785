package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// framework is a fake of the Serverless Framework. It starts in a Region's directory,
// build/workers/dev/REGION, runs the script fake/REGION of the root if there is one, and
// appends its command to fake/calls.
const framework = `#!/bin/sh
region=$(basename "$PWD")
fake=../../../../fake
echo "$region $1" >> $fake/calls
test -e serverless.worker.yml && test -e serverless.yml && test -e dist/regionworker.zip && test -e deploy/worker.yml || exit 9
touch $fake/running-$region
set -- "$1" $fake/running-*
echo $(($# - 1)) >> $fake/peaks
rm $fake/running-$region
if test -e $fake/$region; then . $fake/$region; fi
`

// newFleet makes a root with the fake framework.
func newFleet(t *testing.T) (*fleet, *bytes.Buffer) {
	t.Helper()
	root := t.TempDir()
	for name, content := range map[string]string{
		"serverless.worker.yml":        "service: meridian-regionworker",
		"serverless.yml":               "service: meridian",
		"deploy/worker.yml":            "function:",
		"dist/regionworker.zip":        "a zip",
		"node_modules/.bin/serverless": framework,
		"fake/calls":                   "",
	} {
		write(t, filepath.Join(root, name), content)
	}
	var out bytes.Buffer
	return &fleet{Action: "deploy", Root: root, Stage: "dev", AtOnce: 2, Limit: time.Minute, out: &out}, &out
}

// write writes a file that may be run. A process that another test starts meanwhile would have it
// open for a moment, and then it could not be run: "text file busy".
func write(t *testing.T, name, content string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

// script sets what the framework runs in one Region.
func (f *fleet) script(t *testing.T, region, script string) {
	t.Helper()
	write(t, filepath.Join(f.Root, "fake", region), script)
}

// runIn runs the action in these Regions.
func (f *fleet) runIn(t *testing.T, regions ...string) error {
	t.Helper()
	f.Regions = regions
	return f.run(t.Context())
}

func (f *fleet) recorded(t *testing.T, name string) []string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(f.Root, "fake", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(content))
}

// seconds matches the part of a line that differs from run to run.
var seconds = regexp.MustCompile(` +\d+\.\d s`)

func lines(out *bytes.Buffer) map[string]string {
	all := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSpace(out.String()), "\n") {
		region, what, _ := strings.Cut(seconds.ReplaceAllString(line, ""), " ")
		all[region] = strings.TrimSpace(what)
	}
	return all
}

func TestOneLineForEveryRegion(t *testing.T) {
	f, out := newFleet(t)
	f.Home = "us-east-1"
	f.script(t, "eu-west-1", `echo "No changes to deploy. Deployment skipped."`)
	if err := f.runIn(t, "us-east-1", "eu-west-1", "eu-west-2", "us-gov-west-1", "eu-west-2"); err != nil {
		t.Fatal(err)
	}
	got := lines(out)
	for region, want := range map[string]string{
		"us-east-1": "home", "eu-west-1": "unchanged", "eu-west-2": "deployed", "us-gov-west-1": "deployed",
	} {
		if got[region] != want {
			t.Errorf("%s: %q, want %q", region, got[region], want)
		}
	}
	if n := strings.Count(out.String(), "\n"); n != 4 {
		t.Errorf("%d lines, want 4:\n%s", n, out)
	}
	for _, n := range f.recorded(t, "peaks") {
		if n > "2" {
			t.Errorf("%s Regions at once, want 2 at most", n)
		}
	}
}

func TestEveryFailureIsListedAndASecondRunRepairsIt(t *testing.T) {
	f, out := newFleet(t)
	f.script(t, "eu-west-1", `printf 'Error:\nthe token is invalid\nmore\n'; exit 1`)
	f.script(t, "eu-west-2", `exit 3`)
	regions := []string{"eu-west-1", "eu-west-2", "eu-west-3"}
	err := f.runIn(t, regions...)
	if err == nil {
		t.Fatal("run() = nil, want an error")
	}
	for _, want := range []string{
		"failed in 2 of 3 Regions", "\n  eu-west-1: deploy: the token is invalid (see ", "\n  eu-west-2: deploy: exit status 3 (see ",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("run() = %v, want %q in it", err, want)
		}
	}
	if got := lines(out); got["eu-west-1"] != "FAILED" || got["eu-west-3"] != "deployed" {
		t.Errorf("printed\n%s, want eu-west-1 FAILED and eu-west-3 deployed", out)
	}
	log, readErr := os.ReadFile(filepath.Join(f.Root, "build", "workers", "dev", "eu-west-1", "log"))
	if readErr != nil || !strings.Contains(string(log), "more") {
		t.Errorf("the log is %q, %v, want all that the framework printed", log, readErr)
	}

	f.script(t, "eu-west-1", "")
	f.script(t, "eu-west-2", "")
	if err := f.runIn(t, regions...); err != nil {
		t.Errorf("the second run: %v", err)
	}
}

func TestAStackThatCannotBeUpdatedIsRemovedFirst(t *testing.T) {
	for _, message := range []string{
		`Stack:arn:aws:cloudformation:eu-west-1:1:stack/s/1 is in ROLLBACK_COMPLETE state and can not be updated.`,
		`the CloudFormation stack is in the '"'REVIEW_IN_PROGRESS'"' state.`,
	} {
		f, out := newFleet(t)
		f.script(t, "eu-west-1", `
if test "$1" = remove; then touch removed; fi
if test "$1" = deploy && ! test -e removed; then printf 'Error:\n`+message+`\n'; exit 1; fi`)
		if err := f.runIn(t, "eu-west-1"); err != nil {
			t.Errorf("run() = %v, want nil", err)
		}
		want := "eu-west-1 deploy eu-west-1 remove eu-west-1 deploy"
		if got := strings.Join(f.recorded(t, "calls"), " "); got != want || lines(out)["eu-west-1"] != "deployed" {
			t.Errorf("%s: the framework ran %s, want %s; printed\n%s", message, got, want, out)
		}
	}
}

func TestARolledBackUpdateIsNotRemoved(t *testing.T) {
	f, _ := newFleet(t)
	f.script(t, "eu-west-1", `printf 'Error:\nUPDATE_ROLLBACK_COMPLETE: the stack is in UPDATE_ROLLBACK_COMPLETE state\n'; exit 1`)
	if err := f.runIn(t, "eu-west-1"); err == nil {
		t.Error("run() = nil, want an error")
	}
	if got := strings.Join(f.recorded(t, "calls"), " "); got != "eu-west-1 deploy" {
		t.Errorf("the framework ran %s, want one deploy", got)
	}
}

func TestARegionThatHangsIsStopped(t *testing.T) {
	f, _ := newFleet(t)
	f.Limit = 300 * time.Millisecond
	f.script(t, "eu-west-1", `sleep 600 & wait`)
	err := f.runIn(t, "eu-west-1")
	if err == nil || !strings.Contains(err.Error(), "more than 300ms") {
		t.Errorf("run() = %v, want that it took too long", err)
	}
}

func TestRemove(t *testing.T) {
	f, out := newFleet(t)
	f.Action, f.Home = "remove", "us-east-1"
	if err := f.runIn(t, "eu-west-1", "us-east-1"); err != nil {
		t.Fatal(err)
	}
	if got := lines(out); got["eu-west-1"] != "removed" || got["us-east-1"] != "home" {
		t.Errorf("printed\n%s", out)
	}
}
