package meridian_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/metrics"
	"meridian/internal/record"
	"meridian/internal/runs"
	"meridian/internal/store"
	"meridian/pkg/protocol"
)

// An unreliable store fails to create and to list some objects while it is broken.
type unreliable struct {
	record.Store

	broken atomic.Pointer[string] // a part of their keys; nil means none
}

func (s *unreliable) Create(ctx context.Context, key string, data []byte) error {
	if part := s.broken.Load(); part != nil && strings.Contains(key, *part) {
		return errors.New("the store is broken")
	}
	return s.Store.Create(ctx, key, data)
}

func (s *unreliable) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	if part := s.broken.Load(); part != nil && strings.Contains("list "+prefix, *part) {
		return nil, errors.New("the store is broken")
	}
	return s.Store.List(ctx, prefix, after, limit)
}

// keeper returns what keeps the runs of the deployment. next is what becomes of the call of the next generation.
func (d *deployment) keeper(s record.Store, next func() error) *runs.Keeper {
	k := d.runner(metrics.LevelTargets)
	k.Store, k.Once, k.Next = s, func(context.Context) string { return "8a1f4c3e" }, func(context.Context, string) error { return next() }
	return k
}

// logEverything has the deployment write each line that it can write about a run, and those about none.
func (d *deployment) logEverything(t *testing.T, directory string) {
	t.Helper()
	kept := &unreliable{Store: &store.Dir{Path: directory}}
	breaks := func(part string) { kept.broken.Store(&part) }
	handle := func(next func() error, request map[string]any) (protocol.Result, error) {
		return d.handle(t, d.keeper(kept, next), request)
	}
	d.act = func(region, target string) (time.Duration, error) {
		switch {
		case target == "bug":
			panic("the task has a bug")
		case target == "slow":
			return 18 * time.Second, nil
		case region == "eu-west-1":
			return time.Second, denied{}
		}
		return time.Second, nil
	}
	accounts := map[string]any{
		"task": "act", "name": "reachable", "role": "reader", "accounts": []string{"111122223333", "444455556666"},
		"regions": []string{"us-east-1", "eu-west-1", "sa-east-1"}, "targets": []string{"ec2", "bug"}, "toleratedFailurePercentage": 100,
	}
	for _, d.panics = range []string{"", "sa-east-1"} {
		for _, request := range []map[string]any{accounts, {"task": "act", "regions": []string{"us-east-1", "sa-east-1"}, "targets": []string{"bug"}}} {
			if _, err := handle(nil, request); err != nil {
				t.Fatal(err)
			}
		}
	}
	slow := map[string]any{"task": "act", "keep": true, "regions": []string{"us-east-1", "eu-west-1"}, "maxConcurrency": 1, "targets": []string{"slow"}}
	for _, next := range []func() error{func() error { breaks("/events/"); return nil }, func() error { return errors.New("throttled") }} {
		if r, err := handle(next, slow); err != nil || r.Status != protocol.StatusRunning {
			t.Errorf("the run is %s, %v; want it handed over", r.Status, err)
		}
		kept.broken.Store(nil)
	}
	for _, part := range []string{"request.json", "result.json"} {
		breaks(part)
		if _, err := handle(nil, map[string]any{"task": "act", "keep": true, "regions": []string{"us-east-1"}, "targets": []string{"ec2"}}); err == nil {
			t.Errorf("a run whose %s cannot be kept has an answer", part)
		}
	}
	breaks("list names/")
	if _, err := handle(nil, map[string]any{"task": "act", "keep": true, "name": "reachable", "regions": []string{"us-east-1"}, "targets": []string{"ec2"}}); err != nil {
		t.Fatal(err)
	}
	breaks("keys/")
	if _, err := handle(nil, map[string]any{"task": "once", "regions": []string{"us-east-1"}, "targets": []string{"ec2"}}); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []map[string]any{{"tasks": "act"}, {"task": "act", "command": 1}} {
		if _, err := handle(nil, bad); err == nil {
			t.Errorf("%v was not refused", bad)
		}
	}
}

// aboutNoRun are the lines that have no runId, and why.
func aboutNoRun() map[string]string {
	return map[string]string{
		"request refused":                        "there is no run",
		"answer lost":                            "the run could not be begun; one that has begun is named",
		"not started":                            "the function has not got as far as an invocation",
		"invocation ended with a function error": "the runtime library writes it, which knows no run",
	}
}

// Each line of a run has the run's id; those of workers, and the coordinator's about a Region, the Region, and the
// account if the request has any.
func TestEachLineOfARunHasItsRunItsAccountAndItsRegion(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	directory := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment(slog.LevelDebug)
		d.logEverything(t, directory)
		withAccounts, metricsOfRegions := map[any]bool{}, false
		for _, e := range d.events(t) {
			if e["account"] != nil {
				withAccounts[e["runId"]] = true
			}
		}
		for _, e := range d.events(t) {
			message, isOurs := e["message"].(string)
			if !isOurs { // Lambda's
				continue
			}
			seen[message] = true
			line := e["@message"]
			if id, _ := e["runId"].(string); !protocol.ValidRunID(id) && aboutNoRun()[message] == "" {
				t.Errorf("a line without a run: %s", line)
			}
			if cause := fmt.Sprint(e["cause"]); message == "answer lost" && (e["runId"] == nil) != strings.Contains(cause, "nothing has been invoked") {
				t.Errorf("a lost answer with the wrong run: %s", line)
			}
			aboutRegion := e["@log"] == d.works.name || e["batch"] != nil || message == "region did not succeed"
			if aboutRegion && !regexp.MustCompile(`^[a-z]{2}-[a-z]+-1(,[a-z]{2}-[a-z]+-1)*$`).MatchString(fmt.Sprint(e["region"])) {
				t.Errorf("a line without a Region: %s", line)
			}
			if account, _ := e["account"].(string); aboutRegion && withAccounts[e["runId"]] && len(account) != 12 {
				t.Errorf("a line without an account: %s", line)
			}
			if message == "metrics" { // its dimensions have capitals, and Lambda's request id is not known where it is written
				metricsOfRegions = metricsOfRegions || e["Region"] != nil && e["Account"] != nil
				continue
			}
			if e["requestId"] == nil {
				t.Errorf("a line without a request id: %s", line)
			}
		}
		if !metricsOfRegions {
			t.Error("no line of metrics has an account and a Region")
		}
	})
	for _, text := range []string{"metrics", "the task has a bug", "the invoker has a bug", "target did not succeed", "target succeeded", "of 6 targets succeeded", "That took"} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(seen)), func(message string) bool { return strings.Contains(message, text) }) {
			t.Errorf("no line says %q", text)
		}
	}
	unwritten := []string{"not started", "invocation ended with a function error"} // not in this process
	var missing []string
	for message, in := range messages(t) {
		if !seen[message] && !slices.Contains(unwritten, message) {
			missing = append(missing, message+" of "+in)
		}
	}
	if len(missing) > 0 || len(messages(t)) < 10 {
		t.Errorf("of %d lines that the code has, this test has not seen %q", len(messages(t)), missing)
	}
}

// messages returns the messages that stand in the code of the functions, and in which file.
func messages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	eachGoFile(t, func(path string, source []byte) {
		ofFunctions := regexp.MustCompile(`^(functions|internal/(coordinator|runs|trigger|regionworker|function|invoke|wire|store|awsapi|task))/`).MatchString(path)
		if !ofFunctions || strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, m := range regexp.MustCompile(`(?i)\b\w*log(?:ger)?(?:\([^()]*(?:\([^()]*\))?[^()]*\))?\.(?:Debug|Info|Warn|Error)(?:Context\(ctx, |\()"([^"]+)"`).FindAllSubmatch(source, -1) {
			all[string(m[1])] = path
		}
	})
	return all
}
