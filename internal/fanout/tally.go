package fanout

// A tally counts the settled items by group. From these counts it knows when a run
// may stop and how it ended.
type tally struct {
	tolerance Tolerance
	of        []int // each item's group; nil means one of its own
	groups    []group

	total     int // groups that have items, each part counted
	failed    int
	succeeded int
	skipped   int

	interrupted int // parts of items with several
}

// A group is the state of one group whose items have one part each.
type group struct {
	left        int32 // items not settled
	failed      bool
	succeeded   bool // at least one item has succeeded
	interrupted bool // the run's end settled at least one item
}

// newTally counts n items in groups, or in the groups of t if it has any.
func newTally(t Tolerance, groups []int, n int) *tally {
	if t.Groups != nil {
		groups = t.Groups
	}
	size := n
	for _, g := range groups {
		size = max(size, g+1)
	}
	c := &tally{tolerance: t, of: groups, groups: make([]group, size)}
	for i := range n {
		g := &c.groups[c.groupOf(i)]
		if g.left == 0 {
			c.total += c.parts(i)
		}
		g.left++
	}
	return c
}

func (c *tally) groupOf(i int) int {
	if c.of == nil {
		return i
	}
	return c.of[i]
}

// parts returns how many parts item i has.
func (c *tally) parts(i int) int {
	if c.tolerance.Parts == nil {
		return 1
	}
	return c.tolerance.Parts[i]
}

// add counts item i, settled with status s. interrupted says that the run's end
// settled it, and ended that the run has ended.
func (c *tally) add(i int, s Status, interrupted, ended bool) {
	g := &c.groups[c.groupOf(i)]
	g.left--
	if parts := c.parts(i); parts > 1 {
		succeeded, skipped, cut := c.tolerance.Done(i, ended)
		c.succeeded += succeeded
		c.skipped += skipped
		rest := parts - succeeded - skipped
		if !interrupted {
			rest -= cut
			c.failed += rest
			rest = cut
		}
		c.interrupted += rest
		return
	}
	switch {
	case interrupted:
		g.interrupted = true
	case s == Failed || s == TimedOut:
		if !g.failed {
			c.failed++
		}
		g.failed = true
	case s == Succeeded:
		g.succeeded = true
	}
	if g.left > 0 || g.failed || g.interrupted {
		return
	}
	if g.succeeded {
		c.succeeded++
	} else {
		c.skipped++
	}
}

// exceeded reports whether this number of failed groups is more than is tolerated.
func (c *tally) exceeded(failed int) bool { return c.tolerance.exceeded(failed, c.skipped, c.total) }

// exceeded reports whether more groups have failed than t tolerates.
func (t Tolerance) exceeded(failed, skipped, total int) bool {
	switch {
	case t.FailureCount != nil && failed > *t.FailureCount:
		return true
	case t.FailurePercentage != nil && float64(failed)*100 > *t.FailurePercentage*float64(total):
		return true
	case t.MinSuccessful > 0 && total-skipped-failed < t.MinSuccessful:
		return true
	}
	return failed > 0 && t.FailureCount == nil && t.FailurePercentage == nil && t.MinSuccessful == 0
}

// Judge returns a [ToleranceError] if of total groups more have failed than t tolerates,
// or nil.
func (t Tolerance) Judge(failed, skipped, total int) error {
	if !t.exceeded(failed, skipped, total) {
		return nil
	}
	tolerated := failed
	for tolerated > 0 && t.exceeded(tolerated, skipped, total) {
		tolerated--
	}
	return &ToleranceError{Failed: failed, Skipped: skipped, Total: total, Tolerated: tolerated, MinSuccessful: t.MinSuccessful}
}

// enough reports whether the rest of the run is not needed.
func (c *tally) enough() bool {
	t := c.tolerance
	return t.MinSuccessful > 0 && c.succeeded >= t.MinSuccessful || t.FailFast && c.exceeded(c.failed)
}

// verdict says how the run ended, when every item has settled. end is the
// status that the context's end gives a run, with its cause; both are zero when
// the context did not end it.
func (c *tally) verdict(end Status, cause error) Verdict {
	if err := c.toleranceError(); err != nil {
		return Verdict{Status: Failed, Err: err}
	}
	if c.tolerance.MinSuccessful > 0 && c.succeeded >= c.tolerance.MinSuccessful {
		return Verdict{Status: Succeeded}
	}
	interrupted := c.interrupted
	for _, g := range c.groups {
		if g.interrupted && !g.failed {
			interrupted++
		}
	}
	if interrupted == 0 || end == TimedOut && !c.exceeded(c.failed+interrupted) {
		return Verdict{Status: Succeeded}
	}
	return Verdict{Status: end, Err: cause}
}

func (c *tally) toleranceError() error { return c.tolerance.Judge(c.failed, c.skipped, c.total) }
