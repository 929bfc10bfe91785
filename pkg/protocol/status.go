package protocol

// A Status says how a run, a Region or a target ended. The first four and RUNNING are the
// statuses of an execution in AWS Step Functions; it has nothing like the other two. A run
// is never NOT_STARTED or SKIPPED, and nothing that a worker answers is RUNNING.
//
// Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
type Status string

const (
	// StatusSucceeded means that the work was done. For a run it means that no more
	// Regions failed or timed out than were tolerated.
	StatusSucceeded Status = "SUCCEEDED"

	// StatusFailed means that the work ended with an error and no retry was left.
	StatusFailed Status = "FAILED"

	// StatusTimedOut means that the work started and its time ran out.
	StatusTimedOut Status = "TIMED_OUT"

	// StatusAborted means that the work started and was then given up, because the run
	// was cancelled or no longer needed it.
	StatusAborted Status = "ABORTED"

	// StatusNotStarted means that the run ended before the work started.
	StatusNotStarted Status = "NOT_STARTED"

	// StatusSkipped means that there was nothing to do. The cause says why.
	StatusSkipped Status = "SKIPPED"

	// StatusRunning means that the work has not ended: a kept run continues in another
	// invocation of the coordinator, with the Regions and targets that have started.
	StatusRunning Status = "RUNNING"
)

// Statuses returns every status, in the order in which reports list them.
func Statuses() []Status {
	return []Status{
		StatusSucceeded, StatusFailed, StatusTimedOut, StatusAborted, StatusNotStarted, StatusSkipped, StatusRunning,
	}
}

// IsFailure reports whether the work failed or timed out. What was aborted, not started or skipped
// does not say whether it works.
func (s Status) IsFailure() bool { return s == StatusFailed || s == StatusTimedOut }

// Counts says how many items have each status. The fields add up to Total. The
// names are from itemCounts of a Step Functions Map Run.
type Counts struct {
	// Total counts all items, and each other field the items with the status of its name.
	Total      int `json:"total"`
	Succeeded  int `json:"succeeded"`
	Failed     int `json:"failed"`
	TimedOut   int `json:"timedOut"`
	Aborted    int `json:"aborted"`
	NotStarted int `json:"notStarted"`
	Skipped    int `json:"skipped"`
	Running    int `json:"running,omitzero"`
}

// Add counts one item with status s. An unknown status is counted only in
// Total.
func (c *Counts) Add(s Status) {
	c.Total++
	switch s {
	case StatusSucceeded:
		c.Succeeded++
	case StatusFailed:
		c.Failed++
	case StatusTimedOut:
		c.TimedOut++
	case StatusAborted:
		c.Aborted++
	case StatusNotStarted:
		c.NotStarted++
	case StatusSkipped:
		c.Skipped++
	case StatusRunning:
		c.Running++
	}
}

// Of returns how many items have status s. It returns 0 for an unknown status.
func (c *Counts) Of(s Status) int {
	switch s {
	case StatusSucceeded:
		return c.Succeeded
	case StatusFailed:
		return c.Failed
	case StatusTimedOut:
		return c.TimedOut
	case StatusAborted:
		return c.Aborted
	case StatusNotStarted:
		return c.NotStarted
	case StatusSkipped:
		return c.Skipped
	case StatusRunning:
		return c.Running
	}
	return 0
}
