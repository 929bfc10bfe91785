package fanout

// A tally counts the settled items by group. From these counts it knows when a run
// may stop and how it ended.
type tally struct {
	tolerance Tolerance
	of        []int // each item's group; nil means one of its own
	groups    []group

	total     int // groups that have items
	failed    int
	succeeded int
	skipped   int
}

// A group is the state of one group.
type group struct {
	left        int32 // items not settled
	failed      bool
	succeeded   bool // at least one item has succeeded
	interrupted bool // the run's end settled at least one item
}

func newTally(t Tolerance, groups []int, n int) *tally {
	size := n
	for _, g := range groups {
		size = max(size, g+1)
	}
	c := &tally{tolerance: t, of: groups, groups: make([]group, size)}
	for i := range n {
		g := &c.groups[c.groupOf(i)]
		if g.left == 0 {
			c.total++
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

// add counts item i, settled with status s. interrupted says that the run's end
// settled it.
func (c *tally) add(i int, s Status, interrupted bool) {
	g := &c.groups[c.groupOf(i)]
	g.left--
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
func (c *tally) exceeded(failed int) bool {
	t := c.tolerance
	switch {
	case t.FailureCount != nil && failed > *t.FailureCount:
		return true
	case t.FailurePercentage != nil && float64(failed)*100 > *t.FailurePercentage*float64(c.total):
		return true
	case t.MinSuccessful > 0 && c.total-c.skipped-failed < t.MinSuccessful:
		return true
	}
	return failed > 0 && t.FailureCount == nil && t.FailurePercentage == nil && t.MinSuccessful == 0
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
	if c.exceeded(c.failed) {
		return Verdict{Status: Failed, Err: c.toleranceError()}
	}
	if c.tolerance.MinSuccessful > 0 && c.succeeded >= c.tolerance.MinSuccessful {
		return Verdict{Status: Succeeded}
	}
	interrupted := 0
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

func (c *tally) toleranceError() *ToleranceError {
	tolerated := c.failed
	for tolerated > 0 && c.exceeded(tolerated) {
		tolerated--
	}
	return &ToleranceError{
		Failed: c.failed, Skipped: c.skipped, Total: c.total,
		Tolerated: tolerated, MinSuccessful: c.tolerance.MinSuccessful,
	}
}
