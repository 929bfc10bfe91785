package protocol

// Metrics are what Lambda reports about one invocation, under the names of its
// platform.report event.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#ReportMetrics
type Metrics struct {
	// BilledDurationMs is the billed time in whole milliseconds, including the cold
	// start.
	BilledDurationMs float64 `json:"billedDurationMs"`

	// MemorySizeMB is the memory of the function, and MaxMemoryUsedMB the most that
	// its environment has used. Zero means unknown.
	MemorySizeMB    int `json:"memorySizeMB,omitzero"`    //nolint:tagliatelle // Lambda's spelling
	MaxMemoryUsedMB int `json:"maxMemoryUsedMB,omitzero"` //nolint:tagliatelle // Lambda's spelling

	// InitDurationMs is how long a cold start took, and RestoreDurationMs how long
	// the restore of a function with SnapStart took. Zero means a warm environment.
	InitDurationMs    float64 `json:"initDurationMs,omitzero"`
	RestoreDurationMs float64 `json:"restoreDurationMs,omitzero"`

	// Estimated means that there was no report. BilledDurationMs is then how long
	// the coordinator waited for the answer, and MemorySizeMB is the memory of the
	// other invocations or of the worker's configuration. An invocation that the
	// coordinator gave up may have continued and cost more.
	Estimated bool `json:"estimated,omitzero"`
}

// A Usage is the total of what several invocations used on Lambda.
type Usage struct {
	// Requests counts the invocations that Lambda bills. Invocations that were
	// throttled or did not arrive cost nothing.
	Requests int `json:"requests"`

	// Estimated counts the Requests without a report.
	Estimated int `json:"estimated,omitzero"`

	// ColdStarts counts the Requests that started an environment.
	ColdStarts int `json:"coldStarts,omitzero"`

	// BilledDurationMs is the sum of their billed durations, in milliseconds.
	BilledDurationMs float64 `json:"billedDurationMs"`

	// MemorySizeMB is the memory of the largest of their functions, and
	// MaxMemoryUsedMB the most that any of them used. Zero means unknown.
	MemorySizeMB    int `json:"memorySizeMB,omitzero"`    //nolint:tagliatelle // Lambda's spelling
	MaxMemoryUsedMB int `json:"maxMemoryUsedMB,omitzero"` //nolint:tagliatelle // Lambda's spelling

	// GBSeconds is the billed amount: the sum of seconds times memory in units of
	// 1,024 MB. It is 0 when the memory of an invocation is unknown.
	GBSeconds float64 `json:"gbSeconds"`

	// USD is the price of the GBSeconds and of the Requests, in US dollars. It is
	// left out when a price or the memory of an invocation is unknown.
	USD float64 `json:"usd,omitzero"`
}

// A StoreUsage counts the requests to S3 of a kept run. It lacks the requests of a generation
// that died, and those that are made after the result is in the store.
type StoreUsage struct {
	// Writes counts the requests that create an object or list keys, and Reads those that read
	// one.
	Writes int `json:"writes"`
	Reads  int `json:"reads"`

	// USD is the price of the requests, in US dollars. It is left out when it is not known.
	USD float64 `json:"usd,omitzero"`
}

// A Cost is what a run cost on Lambda, at the prices of the first tier and without
// the free tier. It does not include the HTTP API, the schedule, traces, logs or data
// transfer.
type Cost struct {
	// USD is the sum of Workers, Coordinator and Store, in US dollars. It is left out when
	// the cost of the workers or of the coordinator is unknown.
	USD float64 `json:"usd,omitzero"`

	// Workers is what the invocations used, all attempts included.
	Workers Usage `json:"workers"`

	// Coordinator is what the coordinator itself used. It is always an estimate: from
	// the start of the run until its result is gathered, without a cold start.
	Coordinator Usage `json:"coordinator"`

	// Store is what keeping the run cost. Nil means that it is not kept.
	Store *StoreUsage `json:"store,omitzero"`

	// Region is the coordinator's Region, and its prices apply. Empty means that the
	// coordinator is no Lambda function, and only the workers cost something. WorkerRegion
	// is the Region of a worker that serves every Region, if it is another one. With a
	// worker in each Region, each is billed at the prices of its own Region.
	Region       string `json:"region,omitzero"`
	WorkerRegion string `json:"workerRegion,omitzero"`

	// Architecture is the architecture of both functions: arm64 or x86_64.
	Architecture string `json:"architecture"`

	// PriceDate is the date of the prices, as in 2026-11-23.
	PriceDate string `json:"priceDate"`

	// Note says in a sentence what is not known, and what is assumed instead.
	Note string `json:"note,omitzero"`
}
