package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A place is a root with a fake of the framework and of make. Each writes its arguments
// to the file "calls". The framework refuses stages that begin with "bad".
type place struct{ root string }

func newPlace(t *testing.T) place {
	t.Helper()
	p := place{t.TempDir()}
	// Without --param architecture=…, the configuration of the stage "intel" says x86_64.
	write(t, filepath.Join(p.root, "node_modules", ".bin", "serverless"), `#!/bin/sh
case "$PWD" in */build/workers/*) calls=../../../../calls;; *) calls=calls;; esac
{ printf %s "$1"; shift; printf '|%s' "$@"; echo "${PURGE:+|PURGE=$PURGE}"; } >> $calls
case "$*" in
*stage?bad*) exit 1;;
*intel*|*architecture=x86_64*) echo x86_64;;
*) echo arm64;;
esac
! test -e fail
`)
	write(t, filepath.Join(p.root, "Makefile"), ".PHONY: build\nbuild:\n\t@echo \"build $(ARCH)\" >> calls\n")
	for _, name := range []string{"serverless.yml", "serverless.worker.yml", "deploy/values.js", "dist/regionworker.zip"} {
		write(t, filepath.Join(p.root, filepath.FromSlash(name)), "")
	}
	return p
}

// make runs the program as make does, with variables "NAME=value", and returns its exit
// status and the calls that it made.
func (p place) make(t *testing.T, action string, variables ...string) (status int, calls []string) {
	t.Helper()
	name := filepath.Join(p.root, "calls")
	write(t, name, "")
	status = run(t.Context(), []string{"-root", p.root, action}, func(name string) string {
		for _, v := range variables {
			if value, found := strings.CutPrefix(v, name+"="); found {
				return value
			}
		}
		return ""
	})
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return status, strings.Split(strings.TrimSpace(string(content)), "\n")
}

// want checks the calls of one run.
func (p place) want(t *testing.T, calls []string, action string, variables ...string) {
	t.Helper()
	status, got := p.make(t, action, variables...)
	if diff := cmp.Diff(calls, got); status != 0 || diff != "" {
		t.Errorf("%s %q = %d, calls (-want +got):\n%s", action, variables, status, diff)
	}
}

func TestAStageIsDeployedWithWhatItWasDeployedWith(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	deployed := func(region string, params ...string) []string {
		var args strings.Builder
		for _, param := range params {
			args.WriteString("|--param|" + param)
		}
		settings := "|--stage|prod|--region|" + region + args.String()
		return []string{"check" + settings, "build arm64", "deploy" + settings}
	}
	every := "sweepExpression=rate(5 minutes)"
	p.want(t, deployed("eu-west-1", "architecture=arm64", "placement=regional", "regions=eu-west-1 us-east-1", "schedule=ENABLED", every),
		"deploy", "STAGE=prod", "REGION=eu-west-1", "GIVEN_ARCH=arm64", "PLACEMENT=regional", "REGIONS=eu-west-1 us-east-1",
		"PARAMS=--param schedule=ENABLED --param 'sweepExpression=rate(5 minutes)'")
	p.want(t, deployed("eu-west-1", "architecture=arm64", "placement=regional", "regions=eu-west-1 us-east-1", "schedule=ENABLED", every),
		"deploy", "STAGE=prod")

	// Only what is given changes.
	p.want(t, deployed("eu-west-1", "architecture=arm64", "placement=regional", "regions=eu-west-1 us-east-1", "schedule=DISABLED", every),
		"deploy", "STAGE=prod", "PARAMS=--param=schedule=DISABLED")
	p.want(t, deployed("eu-west-1", "architecture=arm64", "placement=home", "regions=eu-west-1 us-east-1", "schedule=DISABLED", every),
		"deploy", "STAGE=prod", "PLACEMENT=home")

	// Another Region for once, another stage, and the removal.
	p.want(t, deployed("us-west-2", "architecture=arm64", "placement=home", "regions=eu-west-1 us-east-1", "schedule=DISABLED", every),
		"deploy", "STAGE=prod", "REGION=us-west-2")
	p.want(t, []string{
		"check|--stage|dev|--region|us-east-1", "build arm64", "deploy|--stage|dev|--region|us-east-1",
	}, "deploy")
	_, calls := p.make(t, "remove", "STAGE=prod")
	if len(calls) != 1 || !strings.HasPrefix(calls[0], "remove|--stage|prod|--region|eu-west-1|") {
		t.Errorf("remove calls %q, want the removal from eu-west-1", calls)
	}
}

func TestOnlyTheRemovalThatSaysSoDeletesTheKeptRuns(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.want(t, []string{"remove|--stage|dev|--region|us-east-1"}, "remove")
	p.want(t, []string{"remove|--stage|dev|--region|us-east-1|PURGE=1"}, "remove", "PURGE=1")
}

func TestTheProgramHasNoDefaultThatOverridesAStagesOwn(t *testing.T) {
	t.Parallel()
	newPlace(t).want(t, []string{
		"check|--stage|intel|--region|us-east-1", "build amd64", "deploy|--stage|intel|--region|us-east-1",
	}, "deploy", "STAGE=intel")
}

func TestTheWorkersHaveTheSettingsOfTheStage(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.make(t, "deploy", "GIVEN_ARCH=amd64", "PLACEMENT=regional", "REGIONS=us-east-1,eu-west-1", "PARAMS=--param workerMemory=512")
	const params = "|--param|architecture=x86_64|--param|placement=regional|--param|regions=us-east-1,eu-west-1|--param|workerMemory=512"
	const check = "check|--stage|dev|--region|us-east-1" + params + "|--config|serverless.worker.yml"
	p.want(t, []string{check, "build amd64", "deploy|--config|serverless.worker.yml|--stage|dev|--region|eu-west-1" + params}, "deploy-workers")
	// One Region more is not yet a Region that the coordinator may call.
	p.want(t, []string{check, "build amd64", "deploy|--config|serverless.worker.yml|--stage|dev|--region|eu-west-2" + params},
		"deploy-workers", "REGIONS=eu-west-2")
	p.want(t, []string{"remove|--config|serverless.worker.yml|--stage|dev|--region|eu-west-1" + params}, "remove-workers")
}

func TestNothingIsBuiltIfTheSettingsAreWrong(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for _, action := range []string{"deploy", "deploy-workers"} {
		status, calls := p.make(t, action, "STAGE=bad", "REGIONS=eu-west-1")
		if status != 1 || len(calls) != 1 || !strings.HasPrefix(calls[0], "check|--stage|bad|") {
			t.Errorf("%s = %d, calls %q; want 1 and only a check", action, status, calls)
		}
	}
}

func TestWhatFailedIsNotKept(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	write(t, filepath.Join(p.root, "fail"), "")
	if status, _ := p.make(t, "deploy", "GIVEN_ARCH=arm64", "PARAMS=--param apiRate=5"); status != 1 {
		t.Errorf("status %d, want 1", status)
	}
	if _, err := os.Stat(filepath.Join(p.root, "deploy", "stages")); !os.IsNotExist(err) {
		t.Errorf("something is kept: %v", err)
	}
}

func TestThePersonsOwnLinesAreKept(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	file := filepath.Join(p.root, "deploy", "stages", "dev.params")
	write(t, file, "# On call is asleep.\n\nschedule = DISABLED\n# Last.\n")
	p.make(t, "deploy", "PARAMS=--param schedule=ENABLED --param 'tags={\"team\":\"on call\"}' --verbose")
	content, err := os.ReadFile(file)
	want := "# On call is asleep.\n\nschedule=ENABLED\n# Last.\ntags={\"team\":\"on call\"}\n"
	if diff := cmp.Diff(want, string(content)); err != nil || diff != "" {
		t.Errorf("%v; kept (-want +got):\n%s", err, diff)
	}
}

func TestNoShellReadsASetting(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	const code = `$(touch pwned);touch${IFS}pwned;` + "`touch pwned`"
	const settings = "|--stage|dev|--region|us-east-1|" + code + "|--param|architecture=arm64|--param|sweepExpression=" + code
	p.want(t, []string{"check" + settings, "build arm64", "deploy" + settings},
		"deploy", "GIVEN_ARCH=arm64", "PARAMS='"+code+"' --param 'sweepExpression="+code+"'")
	if _, err := os.Stat(filepath.Join(p.root, "pwned")); !os.IsNotExist(err) {
		t.Errorf("a setting was run: %v", err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		action    string
		variables []string
	}{
		{"destroy", nil},
		{"remove", []string{"STAGE=feature;touch${IFS}x;"}},
		{"remove", []string{"STAGE=../../prod"}},
		{"remove", []string{"STAGE=--force"}},
		{"remove", []string{"REGION=mars"}},
		{"remove", []string{"PURGE=yes"}},
		{"deploy", []string{"REGIONS=eu-west-1 ../eu-west-1"}},
		{"deploy", []string{"PLACEMENT=everywhere"}},
		{"deploy", []string{"GIVEN_ARCH=mips"}},
		{"deploy", []string{"PARAMS=--param schedule="}},
		{"deploy", []string{"PARAMS=--param schedule"}},
		{"deploy", []string{"PARAMS=--param region=eu-west-1"}},
		{"deploy", []string{"PARAMS=--param 'a b=c'"}},
		{"deploy", []string{"PARAMS=--param 'schedule=ENABLED\nplacement=home'"}},
		{"deploy", []string{"PARAMS=--param 'schedule=ENABLED"}},
		{"deploy-workers", nil},
		{"remove-workers", []string{"REGIONS= , "}},
	} {
		p := newPlace(t)
		if status, calls := p.make(t, tt.action, tt.variables...); status != 2 || !slices.Equal(calls, []string{""}) {
			t.Errorf("%s %q = %d, calls %q; want 2 and none", tt.action, tt.variables, status, calls)
		}
	}
	p := newPlace(t)
	for _, line := range []string{"schedule", "schedule=", "regions=../eu-west-1", "region=mars"} {
		write(t, filepath.Join(p.root, "deploy", "stages", "dev.params"), line+"\n")
		if status, _ := p.make(t, "deploy"); status != 2 {
			t.Errorf("a file with the line %q: status %d, want 2", line, status)
		}
	}
	p = newPlace(t)
	for _, args := range [][]string{{}, {"deploy", "eu-west-1"}, {"-at-once", "0", "deploy"}, {"-colour", "red"}} {
		if got := run(t.Context(), append([]string{"-root", p.root}, args...), func(string) string { return "" }); got != 2 {
			t.Errorf("run(%q) = %d, want 2", args, got)
		}
	}
}
