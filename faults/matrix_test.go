package faults_test

import (
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"log"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

var loopback = flag.Bool("loopback", false, "run the matrix over the loopback interface, and print it")

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // net/http logs answers without a request
	m.Run()
}

// A pattern decides which calls, and which connections, have a fault.
type pattern struct {
	name  string
	calls func(c invoketest.Call) bool
	dials func(region string, number int) bool
}

// faultyRegion is the Region with a fault if only one has it.
const faultyRegion = "eu-west-1"

func patterns() []pattern {
	tenth := func(key ...any) bool {
		h := fnv.New32a()
		_, _ = fmt.Fprint(h, key...)
		return h.Sum32()%10 == 0
	}
	return []pattern{
		{
			"first call", func(c invoketest.Call) bool { return c.Attempt == 1 },
			func(_ string, number int) bool { return number <= batches },
		},
		{
			"every call", func(invoketest.Call) bool { return true },
			func(string, int) bool { return true },
		},
		{
			"10 % of calls", func(c invoketest.Call) bool { return tenth(c.Unit.Region, c.Unit.Batch, c.Attempt) },
			func(region string, number int) bool { return tenth(region, number) },
		},
		{
			"one Region", func(c invoketest.Call) bool { return c.Unit.Region == faultyRegion },
			func(region string, _ int) bool { return region == faultyRegion },
		},
	}
}

// A scale is the size and the speed of the matrix.
type scale struct {
	regions int
	beat    time.Duration
	server  func(testing.TB, invoketest.Worker) *invoketest.Server
}

// batches is how many invocations a Region takes.
const batches = 3

// limitBeats is the deadline of a run.
const limitBeats = 40

func (s scale) request() protocol.Request {
	return protocol.Request{
		Task: "tell",
		Regions: []string{
			"us-east-1", faultyRegion, "ap-south-1", "sa-east-1", "eu-north-1", "us-west-2", "ap-northeast-1", "ca-central-1",
		}[:s.regions],
		Targets:                 protocol.Targets("dynamodb", "s3", "sqs", "sns", "kms", "ec2"),
		MaxTargetsPerInvocation: 6 / batches,
		RegionTimeoutSeconds:    (8 * s.beat).Seconds(),
		Retry: []protocol.Retrier{{
			ErrorEquals: []string{protocol.ErrorAll}, IntervalSeconds: s.beat.Seconds(), MaxAttempts: new(3),
		}},
	}
}

// A row is one fault in one pattern, and the outcome.
type row struct {
	hazard, pattern string
	account         account
	answer          answer
	units           int
	problems        []string
}

// No fault of a call and no interrupt makes a run lose an outcome, count one twice, mix
// two up or answer late. A fault in one Region does not affect the others.
func TestEveryFault(t *testing.T) {
	s := scale{regions: 2, beat: time.Second, server: invoketest.NewMemoryServer}
	if *loopback {
		s = scale{regions: 8, beat: 50 * time.Millisecond, server: invoketest.NewServer}
	}
	var rows []*row
	t.Run("matrix", func(t *testing.T) {
		for _, h := range hazards() {
			for _, p := range patterns() {
				if h.server != nil && p.name != "every call" || h.crowd > 0 && p.name != "one Region" || h.large && !*loopback ||
					h.once && p.name != "first call" && p.name != "every call" {
					continue
				}
				r := &row{hazard: h.name, pattern: p.name}
				rows = append(rows, r)
				t.Run(h.name+", "+p.name, func(t *testing.T) {
					if !h.large { // it would take the CPU time of the others
						t.Parallel()
					}
					if *loopback {
						s.run(t, h, p, r)
					} else {
						synctest.Test(t, func(t *testing.T) {
							s.run(t, h, p, r)
							time.Sleep(time.Hour) // until abandoned attempts have ended, as the bubble requires
						})
					}
					for _, problem := range r.problems {
						t.Error(problem)
					}
				})
			}
		}
	})
	t.Run("interrupts", func(t *testing.T) {
		for _, beats := range interrupts() {
			for _, overHTTP := range []bool{false, true} {
				r := &row{hazard: fmt.Sprintf("interrupted after %v beats", beats), pattern: map[bool]string{false: "in process", true: "over HTTP"}[overHTTP]}
				rows = append(rows, r)
				t.Run(r.hazard+", "+r.pattern, func(t *testing.T) {
					t.Parallel()
					if *loopback {
						s.interrupt(t, beats, overHTTP, r)
					} else {
						synctest.Test(t, func(t *testing.T) { s.interrupt(t, beats, overHTTP, r) })
					}
					for _, problem := range r.problems {
						t.Error(problem)
					}
				})
			}
		}
	})
	if *loopback {
		printMatrix(os.Stdout, rows)
	}
}

// run makes the run of one row.
func (s scale) run(t *testing.T, h hazard, p pattern, r *row) {
	t.Helper()
	server := s.server(t, handler())
	server.Log(invoketest.JSONLog, 256)
	if h.server != nil {
		h.server(server, s.beat)
	}
	if h.fault != nil {
		fault := h.fault(s.beat)
		server.Decide(func(c invoketest.Call) invoketest.Fault {
			switch {
			case p.calls(c):
				return fault
			case h.crowd > 0:
				return invoketest.After(invoketest.Fixed(s.beat), nil)
			}
			return nil
		})
	}
	server.DecideConnections(func(region string, number int) invoketest.ConnectionFault {
		if p.dials(region, number) {
			return h.connection
		}
		return invoketest.Connects
	})
	request := s.request()
	r.units = s.regions * batches
	if h.once {
		request.Retry = nil
	}
	if h.limit > 0 {
		server.Decide(func(invoketest.Call) invoketest.Fault { return invoketest.After(invoketest.Fixed(s.beat), nil) })
		r.units = (2*h.limit/s.regions + 1) * s.regions
	}
	if h.crowd > 0 {
		request.MaxConcurrency, r.units = h.crowd, 2*h.crowd*s.regions
		slices.Reverse(request.Regions) // so that another comes after the faulty one
	}
	if h.limit > 0 || h.crowd > 0 {
		request.Retry, request.RegionTimeoutSeconds, request.MaxTargetsPerInvocation, request.Targets = nil, 0, 1, nil
		for i := range r.units / s.regions {
			request.Targets = append(request.Targets, protocol.Target{Name: fmt.Sprintf("target-%d", i)})
		}
	}
	r.answer = carryOut(t.Context(), t, newFleet(t, server, request.Regions, h.home || h.server != nil), request, limitBeats*s.beat, *loopback)
	r.account = accountOf(request, r.answer.result)
	r.problems = append(r.account.check(r.answer), r.account.compareAttempts(server.Attempts(), h.hidesCalls, *loopback)...)
	r.problems = append(r.problems, compareReports(r.answer.result, server.Counts())...)
	if h.once {
		r.problems = append(r.problems, r.checkOnce(h.ran)...)
	}
	if h.limit > 0 {
		r.problems = append(r.problems, r.checkThrottling(h.limit, server.Counts())...)
	}
	if p.name == "one Region" && r.account.unsuccessful > 1 {
		r.problems = append(r.problems, fmt.Sprintf("%d Regions did not succeed, but only one had the fault", r.account.unsuccessful))
	}
}

// checkThrottling returns what is wrong with a run of more calls than the account's
// limit: it must succeed, and report how often it was throttled.
func (r *row) checkThrottling(limit int, saw invoketest.Counts) (problems []string) {
	s := r.answer.result.Summary
	if status := r.answer.result.Status; status != protocol.StatusSucceeded {
		problems = append(problems, fmt.Sprintf("the run is %s: %s", status, r.answer.result.Cause))
	}
	const connections = 900 // the most calls at once without HTTP/2
	throttles := s.Throttled > 0 && s.Concurrency > 0 && s.Concurrency <= limit+limit/5
	if throttles != (limit < connections) || s.Throttled != saw.Throttled || saw.Peak > limit {
		problems = append(problems, fmt.Sprintf("throttled %d times, settled at %d; the account of %d throttled %d times, %d at once at most",
			s.Throttled, s.Concurrency, limit, saw.Throttled, saw.Peak))
	}
	return problems
}

// printMatrix prints the rows and their number.
func printMatrix(w io.Writer, rows []*row) {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(tab, "fault\tpattern\tunits\tcalls\textra\toutcomes\tlost\ttwice\trepeated\tmisplaced\tsucceeded\trun\tbefore the deadline by\t")
	lost, twice, repeated, late, unsound := 0, 0, 0, 0, 0
	for _, r := range rows {
		a := r.account
		_, _ = fmt.Fprintf(tab, "%s\t%s\t%d\t%d\t%d\t%d of %d\t%d\t%d\t%d\t%d\t%d\t%s\t%d ms\t%s\n", r.hazard, r.pattern, r.units, a.attempts,
			a.attempts-r.units, a.counted, a.asked, a.lost, a.duplicates, a.repeated, a.misplaced, a.succeeded, r.answer.result.Status,
			r.answer.margin.Milliseconds(), strings.Join(r.problems, "; "))
		lost += a.lost
		twice += a.duplicates
		repeated += a.repeated
		if r.answer.late() {
			late++
		}
		if len(r.problems) > 0 {
			unsound++
		}
	}
	_ = tab.Flush()
	_, _ = fmt.Fprintf(w, "%d rows: %d lost, %d twice, %d repeated that may have run, %d late, %d unsound\n", len(rows), lost, twice, repeated, late, unsound)
}
