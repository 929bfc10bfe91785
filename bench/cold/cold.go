// Package cold measures how long Meridian's functions take to start, and what each
// memory size costs.
//
// It builds both functions as make build does, and a bare handler of aws-lambda-go to
// compare them with. It starts each as Lambda does, with a Runtime API and a Lambda
// API on the loopback interface, and measures from exec until the function asks for
// its first invocation, and until it has answered it, on a whole core. Lambda gives a
// function a share of a core with its memory, so for the sizes a cgroup limits the
// functions to 57, 28, 14 and 7 % of a core. Where no cgroup can be made, it says so and
// measures without a limit. The servers are in this process, outside the limit.
//
// The programs take turns; what is printed and written to COLD.md are medians. All of
// them include the machine's noise: compare the ratios, not the absolute figures.
package cold

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"meridian/bench/figure"
	"meridian/bench/rig"
)

// The programs.
const (
	bare        = "bare"
	worker      = "regionworker"
	coordinator = "coordinator"
)

// Run measures everything and writes COLD.md. Its files go to directory. If quick is
// true it measures little, and only prints.
func Run(ctx context.Context, directory string, quick bool) error {
	debug.SetGCPercent(1000) // see lab.once
	l := &lab{directory: directory}
	for _, p := range []struct{ module, path, name string }{
		{".", "./bare", bare}, {"..", "./functions/regionworker", worker}, {"..", "./functions/coordinator", coordinator},
	} {
		if err := rig.Build(ctx, p.module, p.path, filepath.Join(directory, p.name)); err != nil {
			return err
		}
	}
	var err error
	if l.unlimited = rig.CanLimit(); l.unlimited != nil {
		fmt.Fprintf(os.Stderr, "No limit can be set here, so only a whole machine of %d CPUs is measured: %v\n",
			runtime.NumCPU(), l.unlimited)
	}
	if l.lambda, err = newLambda(ctx, directory); err != nil {
		return err
	}
	defer l.lambda.Close()
	r, err := l.measureAll(ctx, quick)
	if err != nil || quick {
		return err
	}
	var b bytes.Buffer
	b.WriteString(notes)
	if l.unlimited != nil {
		_, _ = fmt.Fprintf(&b, "\nOnly the largest size was measured, because no limit can be set here (%v).\n", l.unlimited)
	}
	r.write(&b)
	return figure.Save("COLD.md", "What a cold start takes", "make bench-cold", b.Bytes())
}

const notes = `
Times are from exec, and medians of starts that took turns: compare the ratios, not the
absolute figures. The time that Lambda takes to create an environment is not included.

The bare handler is aws-lambda-go and a hello. The workers that the coordinator calls
answer at once, over TLS and HTTP/2. Their certificate is the last one in a file with all
certificates that the machine trusts.

The parts of a start are from starts of their own on a whole core, with
GODEBUG=inittrace=1, without the time of printing that trace.

The sizes have the share of a core that Lambda gives them, and a whole core until the
function asks for its first invocation. A share is handed out every 20 ms, which is a
judgement: Lambda's period is not documented. The coordinator's workers take 1 s each; the worker that is measured itself
does not wait. Prices are us-east-1's for arm64, for a million invocations with their
requests, and include the start where it is cold.
`
