package call

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"meridian/bench/figure"
	"meridian/bench/meridian"
	"meridian/bench/rig"
)

// The ways to ask, as the tables call them.
const (
	ours    = "Meridian"
	threads = "boto3 in threads"
	loop    = "AWS CLI loop"
)

// A way is a command that asks some Regions and prints their VPCs.
type way struct {
	name    string
	command func(regions []string) []string
}

// An asking is what one process took.
type asking struct{ wallMs, cpuMs float64 }

// An asked has what was measured for a number of Regions, by way.
type asked struct {
	regions int
	runs    map[string][]asking
	missing error // why boto3 and the AWS CLI were left out, or nil
}

// measureAsking has the ways take turns, in a random order in each round, for ten and
// for all commercial Regions.
func measureAsking(ctx context.Context, directory string, rounds int) (all []asked, err error) {
	url, stop, err := startServer(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	program := filepath.Join(directory, "meridian")
	if err := rig.Build(ctx, "..", "./cmd/meridian", program); err != nil {
		return nil, err
	}
	ways, missing := newWays(ctx, program)
	for _, n := range []int{10, 34} {
		a := asked{regions: n, runs: map[string][]asking{}, missing: missing}
		for range rounds {
			for _, i := range rand.Perm(len(ways)) {
				took, err := ways[i].ask(ctx, meridian.Regions(n), environment(directory, url))
				if err != nil {
					return nil, fmt.Errorf("%s, %d Regions: %w", ways[i].name, n, err)
				}
				a.runs[ways[i].name] = append(a.runs[ways[i].name], took)
			}
		}
		all = append(all, a)
	}
	return all, nil
}

// newWays returns the ways. If boto3 and the AWS CLI cannot be installed, missing says why.
func newWays(ctx context.Context, program string) (ways []way, missing error) {
	ways = []way{{ours, func(regions []string) []string {
		return []string{program, "call", "ec2:DescribeVpcs", "--region", strings.Join(regions, ","), "-o", "jsonl"}
	}}}
	python, missing := newPython(ctx)
	if missing != nil {
		return ways, missing
	}
	script := filepath.Join(python, threadsFile)
	return append(ways,
		way{threads, func(regions []string) []string {
			return append([]string{filepath.Join(python, "bin", "python"), script}, regions...)
		}},
		way{loop, func(regions []string) []string {
			const text = `aws=$1; shift; for region; do "$aws" ec2 describe-vpcs --region "$region" --output json || exit; done`
			return append([]string{"/bin/sh", "-c", text, "sh", filepath.Join(python, "bin", "aws")}, regions...)
		}}), nil
}

// environment returns what the ways get: the server, and nothing of the caller's.
func environment(home, url string) []string {
	return []string{
		"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + home, "AWS_ENDPOINT_URL=" + url, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=example",
	}
}

// ask runs the command, and checks that it printed each Region's VPC.
func (w way) ask(ctx context.Context, regions, environment []string) (took asking, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	words := w.command(regions)
	command := exec.CommandContext(ctx, words[0], words[1:]...) //nolint:gosec // a way
	var stdout, stderr bytes.Buffer
	command.Env, command.Stdout, command.Stderr = environment, &stdout, &stderr
	begin := time.Now()
	if err := command.Run(); err != nil {
		return took, fmt.Errorf("%w\n%s", err, stderr.Bytes())
	}
	took.wallMs = figure.Milliseconds(time.Since(begin))
	took.cpuMs = figure.Milliseconds(command.ProcessState.UserTime() + command.ProcessState.SystemTime())
	for _, region := range regions {
		if !bytes.Contains(stdout.Bytes(), []byte(vpc(region))) {
			return took, fmt.Errorf("no VPC of %s\n%s%s", region, stdout.Bytes(), stderr.Bytes())
		}
	}
	return took, nil
}
