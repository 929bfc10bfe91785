package task_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/task"
	"meridian/pkg/protocol"
)

func TestProbeChecksWhatItExpects(t *testing.T) {
	t.Parallel()
	const (
		status  = "want a status from 200 to 599, or a class of them such as 2xx"
		pattern = "want a regular expression, as a string"
		large   = "is too large a regular expression; want fewer or smaller repetitions"
		noBody  = "needs another method: an answer to HEAD has no body"
	)
	tests := []struct {
		parameters string
		want       protocol.Faults
	}{
		{`{"expectStatus":204}`, nil},
		{`{"expectStatus":"2xx"}`, nil},
		{`{"expectStatus":[200,"301","4xx"]}`, nil},
		{`{"expectStatus":100}`, protocol.Faults{{Path: "parameters.expectStatus", Value: "100", Detail: status}}},
		{`{"expectStatus":0}`, protocol.Faults{{Path: "parameters.expectStatus", Value: "0", Detail: status}}},
		{`{"expectStatus":[200,"6xx",true]}`, protocol.Faults{
			{Path: "parameters.expectStatus[1]", Value: `"6xx"`, Detail: status}, {Path: "parameters.expectStatus[2]", Value: "true", Detail: status},
		}},
		{
			`{"expectStatus":[` + strings.Repeat("200,", 100) + `200]}`,
			protocol.Faults{{Path: "parameters.expectStatus", Detail: "has 101 elements; at most 100"}},
		},
		{`{"expectStatus":[]}`, protocol.Faults{{Path: "parameters.expectStatus", Value: "[]", Detail: "is empty; leave it out"}}},
		{`{"expectBody":"ok","refuseBody":["down","(?i)maintenance"]}`, nil},
		{`{"expectBody":["ok",1]}`, protocol.Faults{{Path: "parameters.expectBody[1]", Value: "1", Detail: pattern}}},
		{`{"refuseBody":""}`, protocol.Faults{{Path: "parameters.refuseBody", Value: `""`, Detail: pattern}}},
		{`{"expectBody":"x{600}y{600}"}`, protocol.Faults{{Path: "parameters.expectBody", Value: `"x{600}y{600}"`, Detail: large}}},
		{
			`{"expectBody":["a","b","c","d","e","f","g","h","i","j","k"]}`,
			protocol.Faults{{Path: "parameters.expectBody", Detail: "has 11 elements; at most 10"}},
		},
		{`{"method":"HEAD","expectBody":"ok","refuseBody":"down","body":"x"}`, protocol.Faults{
			{Path: "parameters.body", Detail: "is not sent with HEAD"},
			{Path: "parameters.expectBody", Detail: noBody},
			{Path: "parameters.refuseBody", Detail: noBody},
		}},
		{`{"method":"POST","body":"x","headers":{"content-type":"text/plain","Host":"a.example"}}`, nil},
		{`{"maxLatencyMs":0.5,"minCertificateDays":14}`, nil},
		{`{"maxLatencyMs":0,"minCertificateDays":1001}`, protocol.Faults{
			{Path: "parameters.maxLatencyMs", Value: "0", Detail: "out of range; leave it out for no bound"},
		}},
		{`{"maxLatencyMs":-1,"minCertificateDays":1001}`, protocol.Faults{
			{Path: "parameters.maxLatencyMs", Value: "-1", Detail: "out of range; want more than 0, to 900000"},
			{Path: "parameters.minCertificateDays", Value: "1001", Detail: "out of range; want 1 to 1000"},
		}},
		{fmt.Sprintf(`{"method":"PUT","body":%q}`, strings.Repeat("x", 64<<10+1)), protocol.Faults{
			{Path: "parameters.body", Detail: "is longer than 64 KiB"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.parameters[:min(60, len(tt.parameters))], func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, task.Builtin().Check("probe", json.RawMessage(tt.parameters), nil)); diff != "" {
				t.Errorf("Check(probe, %s) (-want +got):\n%s", tt.parameters, diff)
			}
		})
	}
	faults := task.Builtin().Check("probe", json.RawMessage(`{"expectBody":"(ok"}`), nil)
	if len(faults) != 1 || faults[0].Path != "parameters.expectBody" {
		t.Errorf("Check of a pattern that is not one = %v, want a fault at parameters.expectBody", faults)
	}
}

// A header's value may be a secret. A fault names the header only.
func TestNoFaultRepeatsAHeadersValue(t *testing.T) {
	t.Parallel()
	for headers, want := range map[string]protocol.Fault{
		`"Authorization: hunter2"`:                           {Path: "parameters.headers", Detail: "want an object with a string for each header"},
		`["hunter2"]`:                                        {Path: "parameters.headers", Detail: "want an object with a string for each header"},
		`{"Authorization: hunter2":""}`:                      {Path: "parameters.headers", Detail: "name 1 is not the name of a header"},
		`{"A":"b","":"hunter2"}`:                             {Path: "parameters.headers", Detail: "name 2 is not the name of a header"},
		`{"X-Token":["hunter2"]}`:                            {Path: "parameters.headers.X-Token", Detail: "want a string"},
		`{"X-Token":null}`:                                   {Path: "parameters.headers.X-Token", Detail: "want a string"},
		`{"X-Token":"hunter2\n"}`:                            {Path: "parameters.headers.X-Token", Detail: "has blanks around its value"},
		`{"X-Token":"hunter2\r\nX-Other: x"}`:                {Path: "parameters.headers.X-Token", Detail: "has control characters in its value"},
		`{"x-token":"hunter2","X-Token":"hunter2"}`:          {Path: "parameters.headers.X-Token", Detail: "given twice"},
		`{"transfer-encoding":"hunter2"}`:                    {Path: "parameters.headers.transfer-encoding", Detail: "is set by the probe itself; leave it out"},
		`{"Host":"hunter2@example.com"}`:                     {Path: "parameters.headers.Host", Detail: "is not a host"},
		`{"A":"hunter2` + strings.Repeat("x", 17<<10) + `"}`: {Path: "parameters.headers", Detail: "want at most 50 headers with 16384 bytes"},
	} {
		got := task.Builtin().Check("probe", json.RawMessage(`{"headers":`+headers+`}`), nil)
		if diff := cmp.Diff(protocol.Faults{want}, got); diff != "" {
			t.Errorf("Check of headers %.60s (-want +got):\n%s", headers, diff)
		}
	}
}

// Without targets, a URL is probed under the name of its host.
func TestTheTargetOfAURLIsItsHost(t *testing.T) {
	t.Parallel()
	for parameters, want := range map[string]string{
		`{"url":"https://example.com/"}`:                           "example.com",
		`{"url":"http://[2001:db8::1]:8080/a?b"}`:                  "2001:db8::1",
		`{"url":"https://api.{region}.example.com:8443/{region}"}`: "api.{region}.example.com",
		`{"url":"https://{target}.example.com/"}`:                  "dynamodb",
		`{"url":"https://exa mple.com/"}`:                          "dynamodb",
		`{"path":"/ping"}`:                                         "dynamodb",
		`{}`:                                                       "dynamodb",
		`{"url":1}`:                                                "dynamodb",
	} {
		got := task.Builtin().DefaultTarget("probe", json.RawMessage(parameters))
		if got != want {
			t.Errorf("DefaultTarget(probe, %s) = %q, want %q", parameters, got, want)
		}
		if faults := task.Builtin().Check("probe", json.RawMessage(parameters), []string{got}); faults != nil && strings.Contains(faults.Err().Error(), "targets") {
			t.Errorf("Check(probe, %s, %s) = %v, want no fault of the target", parameters, got, faults)
		}
	}
	for _, name := range []string{"resolve", "nothing"} {
		if got := task.Builtin().DefaultTarget(name, nil); got != "dynamodb" {
			t.Errorf("DefaultTarget(%s) = %q, want dynamodb", name, got)
		}
	}
}
