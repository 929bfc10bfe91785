package protocol_test

import (
	"encoding/json"
	"fmt"
	"time"

	"meridian/pkg/protocol"
)

// All faults are reported at once.
func ExampleDecodeRequest() {
	_, faults := protocol.DecodeRequest([]byte(`{
		"region":  ["eu-west-1"],
		"targets": ["s3", "sqs", "s3"],
		"retry":   [{"errorEquals": ["States.ALL"], "backoffRate": 0.5}]
	}`))
	for _, fault := range faults {
		fmt.Println(fault)
	}
	// Output:
	// region: ["eu-west-1"]: unknown field; did you mean "regions"?
	// targets[2]: "s3": is listed twice, first as targets[0]
	// retry[0].backoffRate: 0.5: out of range; want at least 1
}

// A command's request is read on its own, and the paths of its faults are put in place.
func ExampleDecodeCommand() {
	c, faults := protocol.DecodeCommand([]byte(`{"command": "start", "request": {"key": "nightly/2026-11-30", "regions": []}, "waitSeconds": 5}`))
	_, inRequest := protocol.DecodeRequest(c.Request)
	for _, fault := range faults.And(inRequest.Within("request")) {
		fmt.Println(fault)
	}
	// Output:
	// waitSeconds: is not for start, which takes request
	// request.regions: []: is empty; leave it out for every commercial Region that needs no opt-in
}

// A redrive changes what the run does again, and leaves the rest of the request as it is.
func ExampleRedrive_Apply() {
	d := protocol.Redrive{Errors: []string{"States.Timeout"}, TargetTimeoutSeconds: new(60.0)}
	data, _ := json.Marshal(d.Apply(protocol.Request{Task: "call", TargetTimeoutSeconds: 5}))
	fmt.Println(string(data))
	// Output:
	// {"task":"call","targetTimeoutSeconds":60}
}

// A request that a program builds is validated without JSON.
func ExampleRequest_Validate() {
	r := protocol.Request{Name: "my run", TimeoutSeconds: -1}
	fmt.Println(r.Validate().Err())
	// Output:
	// name: "my run": want 1 to 80 of A-Z a-z 0-9 . _ - : +
	// timeoutSeconds: -1: out of range; want 0 to 99999999 seconds (0 means what the function's deadline leaves)
}

// A worker reads its request, does the work and encodes an answer that Lambda accepts.
func ExampleDecodeRegionRequest() {
	r, err := protocol.DecodeRegionRequest([]byte(
		`{"version":1,"runId":"01JD","region":"eu-west-1","batch":0,"attempt":1,"task":"greet","targets":["s3"]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	answer := protocol.RegionResult{
		Version: r.Version, RunID: r.RunID, Region: r.Region, Batch: r.Batch, Status: protocol.StatusSucceeded,
	}
	for _, target := range r.Targets {
		answer.Targets = append(answer.Targets, protocol.TargetOutcome{
			Target: target, Status: protocol.StatusSucceeded, Output: json.RawMessage(`{"message":"hello"}`),
		})
	}
	data, err := protocol.Fit(&answer, protocol.MaxPayloadBytes)
	fmt.Println(string(data), err)
	// Output:
	// {"version":1,"runId":"01JD","region":"eu-west-1","batch":0,"status":"SUCCEEDED","elapsedMs":0,"targets":[{"target":"s3","status":"SUCCEEDED","output":{"message":"hello"},"elapsedMs":0}]} <nil>
}

// The output is removed and the outcome stays.
func ExampleFit() {
	answer := &protocol.RegionResult{Region: "eu-west-1", Status: protocol.StatusSucceeded, Targets: []protocol.TargetOutcome{{
		Target: "s3", Status: protocol.StatusSucceeded, Output: json.RawMessage(`"more than fits"`),
	}}}
	data, err := protocol.Fit(answer, 170)
	fmt.Println(string(data), err)

	_, err = protocol.Fit(answer, 100)
	fmt.Println(err)
	// Output:
	// {"version":0,"runId":"","region":"eu-west-1","batch":0,"status":"SUCCEEDED","elapsedMs":0,"truncated":true,"targets":[{"target":"s3","status":"SUCCEEDED","elapsedMs":0}]} <nil>
	// outcomes alone take 170 bytes, at most 100 fit: ask for fewer Regions or targets in one run
}

// A coordinator checks that an answer belongs to its request.
func ExampleCheckAnswer() {
	request := protocol.RegionRequest{Version: 1, RunID: "01JD", Region: "eu-west-1", Targets: []string{"s3"}}
	answer, err := protocol.DecodeRegionResult([]byte(`{"version":1,"runId":"01JD","region":"eu-west-2","news":"ignored"}`))
	fmt.Println(err, protocol.CheckAnswer(&request, &answer))
	// Output: <nil> answer is for Region "eu-west-2", want "eu-west-1"
}

func ExampleDecodeResult() {
	result, err := protocol.DecodeResult([]byte(`{"status":"FAILED","regions":[
		{"region":"eu-west-1","status":"SUCCEEDED"},
		{"region":"eu-west-2","status":"TIMED_OUT","error":"States.Timeout"}
	]}`))
	fmt.Println(result.Status, err)
	var counts protocol.Counts
	for _, region := range result.Regions {
		counts.Add(region.Status)
		fmt.Println(region.Region, region.Status)
	}
	fmt.Println(counts.Of(protocol.StatusTimedOut), "of", counts.Total, "timed out")
	// Output:
	// FAILED <nil>
	// eu-west-1 SUCCEEDED
	// eu-west-2 TIMED_OUT
	// 1 of 2 timed out
}

// The targets of a Region are cut into batches by number and by bytes.
func ExampleEnvelope_Divide() {
	envelope, err := protocol.EnvelopeOf(protocol.RegionRequest{Version: 1, RunID: "01JD", Task: "probe"})
	if err != nil {
		fmt.Println(err)
		return
	}
	batches, over := envelope.Divide("eu-west-1", []string{"dynamodb", "ec2", "s3", "sns", "sqs"}, 2, protocol.MaxInvocationBytes)
	fmt.Println(batches, over)
	for i, targets := range batches {
		data, err := envelope.Encode(&protocol.RegionRequest{
			Version: 1, RunID: "01JD", Task: "probe", Region: "eu-west-1", Batch: i, Attempt: 1, Targets: targets,
		})
		fmt.Println(len(data) <= envelope.Bytes("eu-west-1", i, targets), err)
	}
	// Output:
	// [[dynamodb ec2] [s3 sns] [sqs]] 0
	// true <nil>
	// true <nil>
	// true <nil>
}

// Tasks read their parameters strictly. A field that was left out has its zero value.
func ExampleDecodeStrict() {
	var parameters struct {
		Path    string  `json:"path"`
		Seconds float64 `json:"seconds" zero:"leave it out for the default, 5"`
	}
	fmt.Println(protocol.DecodeStrict([]byte(`{"path":"/ping"}`), &parameters), parameters.Path)
	fmt.Println(protocol.DecodeStrict([]byte(`{"seconds":0,"paht":"/"}`), &parameters).Within("parameters").Err())
	// Output:
	// [] /ping
	// parameters.seconds: 0: out of range; leave it out for the default, 5
	// parameters.paht: "/": unknown field; did you mean "path"?
}

func ExampleNearest() {
	fmt.Println(protocol.Nearest("eu-wst-1", []string{"eu-central-1", "eu-west-1", "us-west-1"}))
	// Output: eu-west-1
}

func ExampleReserve() {
	fmt.Println(protocol.Reserve(time.Minute), protocol.Reserve(2*time.Second))
	// Output: 1s 200ms
}
