package main

import "slices"

// A mutant is a plausible mistake in the engine: a file of internal/fanout, a text that
// the file has once, and its replacement.
type mutant struct {
	mistake        string
	file, old, new string
}

// mutants returns all of them. If a change of the engine removes a text, rewrite the
// mutant; do not remove it.
func mutants() []mutant {
	return slices.Concat(ofTheLoop(), ofTheEnd(), ofLanesAndHedges(), ofPieces())
}

func ofTheLoop() []mutant {
	return []mutant{
		{
			"one attempt more than MaxConcurrency", "queue.go",
			"return free > 0 &&", "return free >= 0 &&",
		},
		{"an attempt that returned keeps its slot", "loop.go", "l.running--", "_ = l.running"},
		{"an abandoned attempt settles its item again", "loop.go", "if a.givenUp {", "if false {"},
		{"an attempt's end is reported without the wait", "settle.go", "Attempt: o.Attempts[len(o.Attempts)-1], Value", "Attempt: ended, Value"},
		{"an attempt starts at the very deadline", "stop.go", "|| now.Before(l.startBy)", "|| !now.After(l.startBy)"},
		{"the end at the deadline is for want of useful time", "stop.go", "if l.policy.UsefulTime == 0 {", "if false {"},
		{
			"a retry starts at the very deadline", "settle.go",
			"if wait >= left {", "if wait > left {",
		},
		{"a hedge has the number of the slow attempt", "loop.go", "a.number++", "_ = a.number"},
		{"an attempt does not know those before", "loop.go", "prior := slices.Clip(l.outcomes[i].Attempts)", "prior := slices.Clip(l.outcomes[i].Attempts[:0])"},
		{"nothing to do is a failure", "settle.go", "case f.skip:", "case false:"},
		{"a panic is retried", "settle.go", "case f.panicked:", "case false:"},
		{"an attempt may take twice its time", "attempt.go", "by := a.start.Add(l.policy.Timeout)", "by := a.start.Add(2 * l.policy.Timeout)"},
		{
			"a panic is a success", "attempt.go",
			"a.err = &PanicError{Value: v, Stack: debug.Stack()}", "a.err, a.failure, _ = nil, failure{}, debug.Stack()",
		},
		{"one retry more than MaxAttempts", "retrier.go", "if retries >= attempts {", "if retries > attempts {"},
		{"the first wait is backed off already", "retrier.go", "math.Pow(rate, float64(retries))", "math.Pow(rate, float64(retries+1))"},
		{"the cap is no cap", "retrier.go", "seconds = min(seconds, r.MaxDelaySeconds)", "seconds = max(seconds, r.MaxDelaySeconds)"},
		{"the wait that the other side asks for is ignored", "settle.go", "wait = max(wait, asked)", "wait = max(wait, 0*asked)"},
		{"the other side may ask for an hour", "settle.go", "min(f.retryAfter, wait+mostAsked)", "min(f.retryAfter, longest)"},
		{"more is retried than attempts are kept", "settle.go", "most > 0 && l.started >= most", "most > 0 && l.started > 10*most"},
		{"a wait past the deadline is the end", "settle.go", "asked = left / 2 //", "return false //"},
		{
			"States.TaskFailed matches a timeout", "retrier.go",
			"want == NameTaskFailed && name != NameTimeout", "want == NameTaskFailed",
		},
		{
			"a wildcard matches what has to be named", "retrier.go",
			"wildcard && name != NameDataLimitExceeded", "wildcard",
		},
		{"a panic is retried by its name", "retrier.go", "if name == NameRuntime {", "if name == NameAll {"},
		{
			"the longest wait comes first", "stop.go",
			"cmp.Compare(a.item, b.item)) < 0", "cmp.Compare(a.item, b.item)) > 0",
		},
		{"what is final is retried", "settle.go", "if !ok || f.final {", "if !ok {"},
		{"the tolerated count is too many", "tally.go", "failed > *t.FailureCount", "failed >= *t.FailureCount"},
		{
			"the tolerated percentage is too many", "tally.go",
			"float64(failed)*100 > *t.FailurePercentage", "float64(failed)*100 >= *t.FailurePercentage",
		},
	}
}

func ofTheEnd() []mutant {
	return []mutant{
		{"the last error is lost when the time ends", "attempt.go", "return &endError{cause, last}", "return cause"},
		{"what was never started was aborted", "settle.go", "l.close(i, NotStarted, cause, true)", "l.close(i, Aborted, cause, true)"},
		{"the end is not waited for", "stop.go", "l.endBy = time.Now().Add(l.policy.Grace)", "l.endBy = time.Now()"},
		{"attempts are not cancelled at the end", "stop.go", "l.cancel(cause)", "_ = l.cancel"},
		{"what the run's end interrupted has failed", "settle.go", "case f.interrupted:", "case false:"},
		{"an attempt is made after the run's end", "attempt.go", "a.err != nil || !a.claimed", "false || !a.claimed"},
		{"an attempt that was not made is recorded", "loop.go", "if a.failure.notStarted && l.end", "if false && l.end"},
		{"what failed before the run's end was interrupted", "settle.go", "f.late && !f.own", "!f.own"},
		{"what failed by itself was interrupted", "settle.go", "f.late && !f.own", "f.late"},
		{"a retry is waited for after the run's end", "settle.go", "if l.end != \"\" { // it failed", "if false { // it failed"},
		{"an item starts with too little time", "stop.go", "now.Before(l.startBy)", "now.Before(l.startBy.Add(1))"},
		{"an item is kept waiting with too little time", "stop.go", "l.startBy.After(l.checkedAt))", "false)"},
		{"what is not started in time has failed", "stop.go", "l.interrupted = cause", "_ = cause"},
	}
}

func ofLanesAndHedges() []mutant {
	return []mutant{
		{
			"a limit that an earlier run has shown is forgotten", "lane.go",
			"known.Limit || float64(known.AtOnce) > l.window", "known.Limit && false",
		},
		{
			"attempts that failed show a window", "lane.go",
			"float64(l.succeeded) >= mostAccepted*float64(l.peak)", "l.succeeded >= 0",
		},
		{"a throttle does not lower the limit", "lane.go", "l.window = max(1, min(l.window, ", "l.window = max(1, max(l.window, "},
		{"a throttle is judged when it is heard", "lane.go", "float64(max(before, l.running))", "float64(max(0*before, l.running))"},
		{"the last items lower what the run settled at", "lane.go", "l.window > l.settled || float64(l.open) >= l.settled", "l.window > 0"},
		{"the first throttle among the last items is the limit", "lane.go", "float64(l.accepted) >= mostAccepted*float64(l.peak)", "false"},
		{"a limit that has risen is not found", "lane.go", "l.step *= 2", "l.step *= 1"},
		{"a probe that is throttled is repeated at once", "lane.go", "l.patience = min(2*l.patience, mostPatience)", "_ = l.patience"},
		{"what is refused wholly is asked without a pause", "lane.go", "l.pausedUntil = now.Add(l.longestPause() / 2)", "l.pausedUntil = now"},
		{"a burst does not wait for its throttles", "lane.go", "return roundTrip + min(leastMargin+roundTrip/2, mostMargin), known", "return leastMargin + 0*roundTrip, known"},
		{"a full lane holds up the hedges of others", "hedge.go", "if len(l.queues) == 1 {", "if len(l.queues) > 0 {"},
		{"a window that is not used grows", "lane.go", "float64(l.running+1) < l.window/2", "false"},
		{"a throttle for the rate lowers the window", "failure.go", "f.rate = e.RateLimited()", "f.rate = false && e.RateLimited()"},
		{"a few throttles for the rate slow a lane down", "lane.go", "if rate && !l.pace.next.IsZero() {", "if rate {"},
		{"a rate that has risen is not found", "pace.go", "l.setRate(p.rate*(1+p.step), now)", "l.setRate(p.rate, now)"},
		{"a rate does not fall", "pace.go", "rate := p.rate * accepted\n", "rate := p.rate + 0*accepted\n"},
		{"the rate grows before the throttles of its last growth have come", "pace.go", "took <= 2*p.lag", "took <= 0*p.lag"},
		{"throttled attempts are counted", "settle.go", "if a.CountRetries || !a.throttles(f.name)", "if true || !a.throttles(f.name)"},
		{"a group holds the slots of others", "queue.go", "free -= n", "free -= 0 * n"},
		{"a group holds the places of others in their lane", "queue.go", "keptInLane += n", "keptInLane += 0 * n"},
		{"a group that waits before its retries has nothing to start", "queue.go", "+q.waiting,", "+0*q.waiting,"},
		{"a burst never grows", "lane.go", "l.window += l.burst\n", "l.window += 0\n"},
		{"what became due in the meantime is missed", "stop.go", "if now := l.checkedAt;", "if now := time.Now();"},
		{"attempts that failed count for the percentile", "hedge.go", "if a.returned && a.err == nil {", "if a.returned {"},
		{"a hedge finds no room where items do not either", "lane.go", "max(l.open, l.running+1)", "l.open"},
		{"more is hedged than is allowed", "hedge.go", "h.left--", "_ = h.left"},
		{"the loser runs on", "hedge.go", "a.cancel(cause)", "_ = cause"},
		{"the loser settles its item again", "hedge.go", "other.givenUp, other.lostAt = true, a.end", "other.lostAt = a.end"},
		{"the end of an attempt that lost is not reported", "hedge.go", "l.report(Event[R]{Item: a.item, Number: other.number, NotMade: !made, Attempt: lost})", "_ = lost"},
		{"an attempt that has just started is slow", "hedge.go", "max(1, after)", "max(0, after)"},
		{"a loser that was not made is recorded", "hedge.go", "!other.claimed.CompareAndSwap(false, true)", "true"},
		{"the first of two to fail decides", "hedge.go", "return len(others) == 0\n", "return true\n"},
		{"the loser is not waited for", "loop.go", "l.awaitLosers()", "_ = l.awaitLosers"},
		{"the loser is waited for past the run's end", "hedge.go", "by = l.endBy", "_ = by"},
		{"an item starts with what ended first", "settle.go", "Sub(o.Started())", "Sub(o.Attempts[0].Start)"},
	}
}

func ofPieces() []mutant {
	return []mutant{
		{"the wait after a prior attempt is not waited for", "prior.go", "prior.Attempts[n-1].Wait > 0", "false"},
		{"a prior wait starts when the next run does", "prior.go", "return a.Start.Add(a.Elapsed).Add(a.Wait)", "return time.Now().Add(a.Wait)"},
		{"prior attempts are not among those that are kept", "prior.go", "l.started += len(prior.Attempts)", "l.started += 0"},
		{"retriers forget an earlier run", "prior.go", "l.countPrior(i, prior.Attempts[prior.Uncounted:])", "l.countPrior(i, nil)"},
		{"retriers count what is not counted", "prior.go", "prior.Attempts[prior.Uncounted:]", "prior.Attempts"},
		{"retriers count what no retry followed", "prior.go", "if made.Wait > 0 && ", "if true && "},
		{"prior throttles use up a retrier", "prior.go", "(a.CountRetries || !a.throttles(made.Name))", "(true || !a.throttles(made.Name))"},
		{"prior throttles never use up a retrier", "prior.go", "(a.CountRetries || !a.throttles(made.Name))", "!a.throttles(made.Name)"},
		{"what has settled is tried again", "prior.go", "if prior.Status != \"\" {", "if false {"},
		{"what an earlier run has left undone is done", "prior.go", "l.close(i, prior.Status, prior.Err, true)", "l.close(i, prior.Status, prior.Err, false)"},
		{"what an earlier run has left undone is out of time", "loop.go", "l.verdict.Status == TimedOut && l.left != nil", "false"},
		{"the attempts of an earlier run are overwritten", "prior.go", "slices.Clip(prior.Attempts)", "prior.Attempts"},
		{"a retry that cannot start in time is given up", "settle.go", "longest >= left && l.policy.Continues", "false"},
		{"a retry that cannot start in time is always kept", "settle.go", "longest >= left && l.policy.Continues", "longest >= left"},
		{"a retry is kept for a run that was aborted", "settle.go", "l.policy.Continues && l.end != Aborted", "l.policy.Continues"},
		{"a retry that is kept has no wait", "prior.go", "last.Wait = wait", "last.Wait = 0*wait"},
		{"what was aborted is out of time", "settle.go", "OutOfTime = end == TimedOut", "OutOfTime = end != \"\""},
		{"what says that it was cut goes on nowhere", "settle.go", "l.outcomes[i].OutOfTime = true", "l.outcomes[i].OutOfTime = false"},
		{"an event does not say that its item was cut", "settle.go", "o.Status, o.OutOfTime", "o.Status, false"},
	}
}
