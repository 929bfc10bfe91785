package protocol

// Metrics are what one invocation took, in the words of Lambda's platform.report.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#ReportMetrics
type Metrics struct {
	// BilledDurationMs is the time that is billed, in whole milliseconds, with
	// that of the cold start.
	BilledDurationMs float64 `json:"billedDurationMs"`

	// MemorySizeMB is the memory that the function has, and MaxMemoryUsedMB the
	// most that its environment has used. Zero means that it is not known.
	MemorySizeMB    int `json:"memorySizeMB,omitzero"`    //nolint:tagliatelle // Lambda's spelling
	MaxMemoryUsedMB int `json:"maxMemoryUsedMB,omitzero"` //nolint:tagliatelle // Lambda's spelling

	// InitDurationMs is how long a cold start took, and RestoreDurationMs the same
	// of a function with SnapStart. Zero means that the environment was warm.
	InitDurationMs    float64 `json:"initDurationMs,omitzero"`
	RestoreDurationMs float64 `json:"restoreDurationMs,omitzero"`

	// Estimated means that there was no report of Lambda's: BilledDurationMs is
	// how long the answer was waited for, and MemorySizeMB what the other
	// invocations have or the worker is set to. An invocation that nobody waited
	// for any longer may have gone on and cost more.
	Estimated bool `json:"estimated,omitzero"`
}

// A Usage is what some invocations took of Lambda together.
type Usage struct {
	// Requests counts the invocations that Lambda bills. Throttled ones, and those
	// that did not arrive, cost nothing.
	Requests int `json:"requests"`

	// Estimated counts those of Requests of which there was no report.
	Estimated int `json:"estimated,omitzero"`

	// ColdStarts counts those of Requests for which an environment was started.
	ColdStarts int `json:"coldStarts,omitzero"`

	// BilledDurationMs is the sum of their billed durations, in milliseconds.
	BilledDurationMs float64 `json:"billedDurationMs"`

	// MemorySizeMB is the memory of the largest of their functions, and
	// MaxMemoryUsedMB the most that any of them used. Zero means not known.
	MemorySizeMB    int `json:"memorySizeMB,omitzero"`    //nolint:tagliatelle // Lambda's spelling
	MaxMemoryUsedMB int `json:"maxMemoryUsedMB,omitzero"` //nolint:tagliatelle // Lambda's spelling

	// GBSeconds is what is billed: each one's seconds times its memory, in units
	// of 1,024 MB. It is 0 when the memory of one is not known.
	GBSeconds float64 `json:"gbSeconds"`

	// USD is the price of that and of the requests, in US dollars. It is left out
	// when a price or the memory of one is not known.
	USD float64 `json:"usd,omitzero"`
}

// A Cost is what a run cost on Lambda, at the prices of the first tier and
// without the free one. What came before and after it is not in it: the HTTP API
// or the schedule, traces, logs, data transfer.
type Cost struct {
	// USD is the sum of both, in US dollars. It is left out when that of one is not
	// known.
	USD float64 `json:"usd,omitzero"`

	// Workers is what the invocations took, all attempts included.
	Workers Usage `json:"workers"`

	// Coordinator is what the coordinator itself took, which is always estimated:
	// from the run's start until its result is gathered, without a cold start.
	Coordinator Usage `json:"coordinator"`

	// Region is where the coordinator is, and WorkerRegion where the one worker is
	// that serves every Region, if that is elsewhere: the prices are theirs. With a
	// worker in each Region the workers have each Region's own.
	Region       string `json:"region"`
	WorkerRegion string `json:"workerRegion,omitzero"`

	// Architecture is that of both functions: arm64 or x86_64.
	Architecture string `json:"architecture"`

	// PriceDate is the day that the prices were read, as in 2026-11-23.
	PriceDate string `json:"priceDate"`

	// Note says of which Regions no price is known, and whose memory is not, in a
	// sentence.
	Note string `json:"note,omitzero"`
}
