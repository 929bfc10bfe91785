package workercheck

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"meridian/pkg/protocol"
)

// A check is one promise of a worker.
type check struct {
	name string
	run  func(*knowledge, context.Context) Finding
}

// checks returns the checks, in their order. The first says whether the worker speaks the
// protocol at all; the others use what those before them have found out.
func checks() []check {
	return []check{
		{"handshake", (*knowledge).handshake},
		{"repeated fields", (*knowledge).repeated},
		{"batch", (*knowledge).batch},
		{"partial failure", (*knowledge).partialFailure},
		{"budget", (*knowledge).budget},
		{"wrong version", (*knowledge).wrongVersion},
		{"unknown field", (*knowledge).unknownField},
		{"several Regions", (*knowledge).severalRegions},
		{"inputs", (*knowledge).inputs},
	}
}

// handshake sends one target. The answer has to be one that a coordinator accepts.
func (k *knowledge) handshake(ctx context.Context) Finding {
	r := k.request(k.Targets[0])
	answer, took, err := k.ask(ctx, r, "")
	if err != nil && nameOf(err) == protocol.ErrorInvalidRequest {
		return noAnswer(err, "give --task, --target and --parameters that the worker takes")
	}
	_, foreign := errors.AsType[*noResultError](err)
	if err != nil && !foreign {
		return noAnswer(err, "mend that error; an answer is a RegionResult, as docs/worker.md shows")
	}
	if err == nil {
		err = protocol.CheckAnswer(&r, &answer)
	}
	if err != nil {
		mend := "answer as docs/worker.md shows: `meridian schema region-result` prints the schema"
		if foreign || answer.Version == 0 {
			mend += "; a function that does not speak the protocol needs no check: `meridian run --worker-function` invokes it as it is"
		}
		return failed(mend, "%v", err)
	}
	k.alone[answer.Targets[0].Target] = answer.Targets[0]
	k.version, k.start = answer.WorkerVersion, max(0, took-protocol.Duration(answer.ElapsedMs))
	knows := "does not say which version it knows"
	if k.version > 0 {
		knows = fmt.Sprintf("knows version %d", k.version)
	}
	return passed("the worker answers, and %s; %s", knows, described(answer.Targets[0]))
}

// repeated sends a request in which the fields that the answer repeats have other values than
// in the handshake.
func (k *knowledge) repeated(ctx context.Context) Finding {
	r := k.request(k.Targets[0])
	r.Region, r.Batch, r.Attempt = k.otherRegion(), 7, 2
	answer, _, err := k.ask(ctx, r, "")
	if err == nil {
		err = protocol.CheckAnswer(&r, &answer)
	} else if f := noAnswer(err, ""); f.Verdict == NotChecked {
		return f
	}
	if err != nil {
		return failed("repeat version, runId, region and batch of the request in the answer", "%v", err)
	}
	return passed("version, runId, region and batch are those of the request")
}

// batch sends all targets, one at a time. How long each takes is kept.
func (k *knowledge) batch(ctx context.Context) Finding {
	if len(k.Targets) < 2 {
		return notChecked("give two or more targets with --target", "there is only one target")
	}
	r := k.request(k.Targets...)
	r.Policy.MaxConcurrency = 1
	answer, took, err := k.ask(ctx, r, "")
	const mend = "list every target of the request once, in its order, whatever became of it"
	if err != nil {
		return noAnswer(err, mend)
	}
	if err := protocol.CheckAnswer(&r, &answer); err != nil {
		return failed(mend, "%v", err)
	}
	for _, t := range answer.Targets {
		k.alone[t.Target] = t
	}
	k.start = max(k.start, took-max(protocol.Duration(answer.ElapsedMs), k.timeAlone()))
	return passed("%d targets, each once and in order; %s", len(r.Targets), statuses(answer.Targets))
}

// partialFailure sends a target that fails among others.
func (k *knowledge) partialFailure(ctx context.Context) Finding {
	if k.FailingTarget == "" {
		return notChecked("give --failing-target NAME, a target that the worker fails for", "there is no target that fails")
	}
	others := slices.DeleteFunc(slices.Clone(k.Targets), func(t string) bool { return t == k.FailingTarget })
	at := len(others) / 2
	r := k.request(slices.Insert(others, at, k.FailingTarget)...)
	answer, _, err := k.ask(ctx, r, "")
	if err != nil {
		return noAnswer(err, "catch the error of a target and report it in its outcome, so that the others keep theirs")
	}
	if err := protocol.CheckAnswer(&r, &answer); err != nil {
		return failed("report a target that failed as FAILED, with its error and cause, and the answer as FAILED, too", "%v", err)
	}
	failing := answer.Targets[at]
	good := slices.Delete(slices.Clone(answer.Targets), at, at+1)
	switch lost := slices.IndexFunc(good, func(t protocol.TargetOutcome) bool { return !fine(t) && fine(k.alone[t.Target]) }); {
	case failing.Status != protocol.StatusFailed:
		return failed("report a target that failed as FAILED; or give a --failing-target that fails with an error", "%s", described(failing))
	case failing.Error == "":
		return failed("give the outcome of a target that failed an error name, which retriers match", "%s has no error", described(failing))
	case lost >= 0:
		return failed("report what was finished as finished, whatever failed beside it", "beside one that failed, %s", described(good[lost]))
	case !slices.ContainsFunc(good, fine):
		return notChecked("give targets that succeed with --target", "no target succeeded: %s", statuses(good))
	}
	return passed("%s; the others: %s", described(failing), statuses(good))
}

// wrongVersion sends a version that does not exist.
func (k *knowledge) wrongVersion(ctx context.Context) Finding {
	const mend = "refuse a version above those that the worker knows, before any work, with an error named " + protocol.ErrorUnsupportedVersion
	r := k.request(k.Targets...)
	r.Version, r.Policy.MaxConcurrency = 99, 1
	answer, took, err := k.ask(ctx, r, "")
	late := 2*k.start + k.timeAlone()/2
	switch {
	case err == nil:
		return failed(mend, "version 99 was answered with %s", statuses(answer.Targets))
	case nameOf(err) != protocol.ErrorUnsupportedVersion:
		return noAnswer(err, mend)
	case k.timeAlone() >= leastTime && took > late:
		return k.timingFailed(mend, "refused after %v, which is as long as work takes", rounded(took))
	}
	return passed("version 99 was refused with %s after %v", protocol.ErrorUnsupportedVersion, rounded(took))
}

// unknownField sends a field that does not exist. A worker may be strict or not.
func (k *knowledge) unknownField(ctx context.Context) Finding {
	r := k.request(k.Targets[0])
	answer, _, err := k.ask(ctx, r, `,"unknownField":true`)
	if err != nil && nameOf(err) == protocol.ErrorInvalidRequest {
		return passed("refused with %s", protocol.ErrorInvalidRequest)
	}
	const mend = "ignore a field that the worker does not know, or refuse it with an error named " + protocol.ErrorInvalidRequest
	if err != nil {
		return noAnswer(err, mend)
	}
	if err := protocol.CheckAnswer(&r, &answer); err != nil {
		return failed(mend, "%v", err)
	}
	return passed("ignored")
}

// severalRegions sends targets in two Regions, which version 3 has.
func (k *knowledge) severalRegions(ctx context.Context) Finding {
	r := k.request()
	r.Region, r.Targets = "", nil
	r.Regions = []protocol.RegionTargets{{Region: k.Region, Targets: k.Targets}, {Region: k.otherRegion(), Targets: k.Targets[:1]}}
	return k.newer(ctx, r, "answer the targets of one Region after the other")
}

// inputs sends an input of one of the targets, which version 4 has.
func (k *knowledge) inputs(ctx context.Context) Finding {
	r := k.request(k.Targets...)
	r.Inputs = protocol.Inputs{k.Targets[0]: json.RawMessage(`{"check":"worker"}`)}
	return k.newer(ctx, r, "take inputs as an object of inputs by target")
}

// newer sends a request with a field that version 1 does not have. A worker may refuse it.
func (k *knowledge) newer(ctx context.Context, r protocol.RegionRequest, mend string) Finding {
	r.Version = r.Needs()
	mend = fmt.Sprintf("%s, or refuse version %d with an error named %s", mend, r.Version, protocol.ErrorUnsupportedVersion)
	answer, _, err := k.ask(ctx, r, "")
	switch name := nameOf(err); {
	case name == protocol.ErrorUnsupportedVersion && k.version < r.Version, name == protocol.ErrorInvalidRequest:
		return passed("refused with %s", name)
	case name == protocol.ErrorUnsupportedVersion:
		return failed("say the newest version that the worker knows, and do what it asks, or refuse a field with "+protocol.ErrorInvalidRequest,
			"the worker knows version %d, and refuses version %d", k.version, r.Version)
	case err != nil:
		return noAnswer(err, mend)
	}
	if err := protocol.CheckAnswer(&r, &answer); err != nil {
		return failed(mend, "%v", err)
	}
	return passed("version %d is answered; %s", r.Version, statuses(answer.Targets))
}

// otherRegion returns a Region that is not the one of most requests.
func (k *knowledge) otherRegion() string {
	if k.Region == "us-east-1" {
		return "eu-west-1"
	}
	return "us-east-1"
}

// fine reports whether nothing is wrong with a target.
func fine(t protocol.TargetOutcome) bool {
	return t.Status == protocol.StatusSucceeded || t.Status == protocol.StatusSkipped
}

// described returns an outcome in a few words.
func described(t protocol.TargetOutcome) string {
	if t.Error == "" && t.Cause == "" {
		return fmt.Sprintf("%s is %s", t.Target, t.Status)
	}
	return fmt.Sprintf("%s is %s (%s)", t.Target, t.Status, strings.Trim(t.Error+": "+t.Cause, ": "))
}

// statuses returns how many outcomes have each status: "7 SUCCEEDED, 1 FAILED".
func statuses(outcomes []protocol.TargetOutcome) string {
	var counts protocol.Counts
	for _, t := range outcomes {
		counts.Add(t.Status)
	}
	var texts []string
	for _, s := range protocol.Statuses() {
		if n := counts.Of(s); n > 0 {
			texts = append(texts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(texts, ", ")
}
