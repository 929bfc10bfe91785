// Command coordinator is the Lambda function that runs a request in every Region, by
// invoking regionworkers.
//
// # Settings
//
// WORKER_FUNCTION is the regionworker's name or ARN; required. WORKER_PLACEMENT is
// "home" when one worker in this Region serves every Region, which is the default, or
// "regional" when each Region has its own worker of that name. WORKER_REGIONS then lists
// those Regions, with commas between them: "*" in a request means these, and others are
// refused; without it any Region may have a worker. WORKER_MEMORY_MB is the worker's
// memory: costs are estimated with it when the invocations' logs do not have it.
// WORKER_FUNCTIONS lists the functions that requests may name as their worker, with commas
// between them; without it there is none.
// STORE_BUCKET is the bucket in which runs are kept; without it none is. MAX_RUN_SECONDS and
// MAX_GENERATIONS bound a kept run; without them a day and 100 invocations do.
// METRICS says what has metrics in the function's log: NONE, which is the default, RUNS, REGIONS or
// TARGETS, see internal/metrics. METRICS_NAMES lists the names of runs that have series of their
// own, with commas between them; without it none has.
// FAILED_RUN_IS_ERROR is ENABLED if a direct invoke or an event whose run ends without success ends
// as a function error, or DISABLED, which is the default. With ENABLED every such run is kept, if
// there is a store.
// The SDK's own variables apply, as in AWS_ENDPOINT_URL_LAMBDA.
//
// With a setting of any other form the function does not start, and its log says why.
package main
