package protocol

// A Plan says what a run would do, as far as that is known before it: nothing
// has been invoked for it. It does not cross the wire between coordinator and
// workers.
type Plan struct {
	// Task is the kind of work.
	Task string `json:"task"`

	// Targets, Invocations and MaxConcurrency say how much there is to do, and
	// how many invocations would be in flight at once.
	Targets        int `json:"targets"`
	Invocations    int `json:"invocations"`
	MaxConcurrency int `json:"maxConcurrency"`

	// TimeoutSeconds bounds the run, RegionTimeoutSeconds an attempt of an
	// invocation and TargetTimeoutSeconds one of a target, as in the request;
	// zero means what is left of the time around it.
	TimeoutSeconds       float64 `json:"timeoutSeconds,omitzero"`
	RegionTimeoutSeconds float64 `json:"regionTimeoutSeconds,omitzero"`
	TargetTimeoutSeconds float64 `json:"targetTimeoutSeconds,omitzero"`

	// PayloadBytes is the length of the longest invocation, of which
	// MaxPayloadBytes may be sent.
	PayloadBytes    int `json:"payloadBytes"`
	MaxPayloadBytes int `json:"maxPayloadBytes"`

	// AnswerBytes is how long the result can get without outputs and causes, of
	// which MaxAnswerBytes may be answered by a function. What outputs there is
	// room for is kept.
	AnswerBytes    int `json:"answerBytes"`
	MaxAnswerBytes int `json:"maxAnswerBytes"`

	// Notices says which limits change how the run is done, a sentence each.
	Notices []string `json:"notices,omitzero"`

	// Regions lists the Regions in the order asked for.
	Regions []RegionPlan `json:"regions"`
}

// A RegionPlan says what a run would do in one Region.
type RegionPlan struct {
	Region string `json:"region"`

	// Targets counts its targets, and Batches those of each invocation.
	Targets int   `json:"targets"`
	Batches []int `json:"batches"`

	// Skips lists the targets for which there is nothing to do. Nil means that
	// none is known: some tasks find out only when they are there.
	Skips []Skip `json:"skips,omitzero"`
}

// A Skip is a target for which there is nothing to do.
type Skip struct {
	Target string `json:"target"`

	// Cause says why.
	Cause string `json:"cause"`
}
