package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"meridian/pkg/protocol"
)

// texts returns a list of n different strings.
func texts(n int) string {
	var list strings.Builder
	for i := range n {
		_, _ = fmt.Fprintf(&list, `,"t%d"`, i)
	}
	return "[" + list.String()[1:] + "]"
}

// The schema of a request and DecodeRequest agree on both sides of each limit.
func TestTheSchemaHasTheLimitsOfDecodeRequest(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return `"` + strings.Repeat("a", n) + `"` }
	lists := func(n int, element string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]"
	}
	const retrier = `{"retry":[{"errorEquals":["a"],%}]}`
	agree(t, "request", func(document []byte) error {
		_, faults := protocol.DecodeRequest(document)
		return faults.Err()
	}, []limit{
		{`{"name":%}`, `""`, `"a b"`},
		{`{"name":%}`, long(80), long(81)},
		{`{"key":%}`, `"arn:aws:s3:::a/b@c=+"`, `"a%b"`},
		{`{"key":%}`, long(120), long(121)},
		{`{"keep":%}`, `true`, `1`},
		{`{"regions":%}`, texts(200), texts(201)},
		{`{"excludeRegions":%}`, `["a"]`, `[]`},
		{`{"targets":["a",%]}`, `"b"`, `"a"`},
		{`{"targets":[%]}`, long(2048), long(2049)},
		{`{"targets":[%]}`, `"a b"`, `"a\u0085b"`},
		{`{"targets":[%]}`, `"é"`, `""`},
		{`{"targets":[%]}`, `" a"`, `" \u00a0 "`},
		{`{"targets":%}`, texts(10_000), texts(10_001)},
		{`{"maxConcurrency":%}`, `2147483647`, `2147483648`},
		{`{"targetMaxConcurrency":%}`, `10000`, `10001`},
		{`{"maxTargetsPerInvocation":%}`, `0`, `-1`},
		{`{"maxTargetsPerInvocation":%}`, `10000`, `10001`},
		{`{"timeoutSeconds":%}`, `99999999`, `99999999.5`},
		{`{"regionTimeoutSeconds":%}`, `0`, `-0.5`},
		{`{"targetTimeoutSeconds":%}`, `99999999`, `1e8`},
		{`{"toleratedFailurePercentage":%}`, `100`, `100.5`},
		{`{"toleratedFailureCount":%}`, `9007199254740992`, `9007199254740993`},
		{`{"minSuccessful":%}`, `0`, `-1`},
		{`{"minSuccessful":%,"waves":[{"regions":["eu-*"]}]}`, `0`, `1`},
		{`{"parameters":%}`, `{"a":null}`, `[]`},
		{`{"hedge":%}`, `{"afterSeconds":1}`, `{}`},
		{`{"hedge":{"afterPercentile":%}}`, `99.5`, `100`},
		{`{"hedge":{"afterSeconds":%}}`, `99999999`, `0`},
		{`{"hedge":{"afterSeconds":1,"maxExtraPercentage":%}}`, `100`, `100.5`},
		{`{"retry":%}`, `[]`, `[{}]`},
		{`{"targetRetry":%}`, lists(100, `{"errorEquals":["a"]}`), lists(101, `{"errorEquals":["a"]}`)},
		{`{"retry":[{"errorEquals":[%]}]}`, `"States.ALL"`, `"States.ALL","a"`},
		{`{"retry":[{"errorEquals":[%]}]}`, `"States.Timeout"`, `"States.Runtime"`},
		{`{"retry":[{"errorEquals":[%]}]}`, long(256), long(257)},
		{`{"retry":[{"errorEquals":%}]}`, texts(100), texts(101)},
		{retrier, `"intervalSeconds":99999999`, `"intervalSeconds":0`},
		{retrier, `"maxAttempts":99999999`, `"maxAttempts":100000000`},
		{retrier, `"intervalSeconds":0.5,"maxAttempts":1000`, `"intervalSeconds":0.5,"maxAttempts":1001`},
		{retrier, `"backoffRate":1`, `"backoffRate":0.5`},
		{retrier, `"maxDelaySeconds":31622400.5`, `"maxDelaySeconds":31622401`},
		{retrier, `"jitterStrategy":""`, `"jitterStrategy":"full"`},
		{`{"accounts":%}`, `["111122223333"]`, `["11112222333"]`},
		{`{"accounts":[{%}]}`, `"id":"111122223333"`, `"id":""`},
		{`{"accounts":[{%}]}`, `"id":"","profile":"a"`, `"name":"a"`},
		{`{"accounts":[{"profile":%}]}`, long(200), long(201)},
		{`{"accounts":[{"profile":"a","name":%}]}`, `""`, `" "`},
		{`{"accounts":["111122223333"],"role":%}`, `"/a/b"`, `"a/"`},
		{`{"accounts":["111122223333"],"role":%}`, `"arn:{partition}:iam::{account}:role/a"`, `"arn:aws:iam::{account}:user/a"`},
		{`{"accounts":["111122223333"],"role":%}`, `""`, long(65)},
		{`{"accounts":["111122223333"],"externalId":%}`, long(1224), long(1225)},
		{`{"accounts":["111122223333"],"externalId":%}`, `"a:"`, `"a"`},
		{`{"accounts":["111122223333"],"sessionName":%}`, long(64), long(65)},
		{`{"organization":%,"role":"a"}`, `true`, `false`},
		{`{"organization":true,"role":%}`, `"a"`, `""`},
		{`{"organization":true,"role":"a"%}`, ``, `,"accounts":["111122223333"]`},
		{`{"organization":{"units":[%]},"role":"a"}`, `"ou-ab12-cdef3456"`, `"ou-ab12"`},
		{`{"organization":{"exclude":[%]},"role":"a"}`, `"111122223333"`, `"prod"`},
		{`{"waves":[%]}`, `{"regions":["a"]}`, `{}`},
		{`{"waves":%}`, lists(100, `{"regions":["a"]}`), lists(101, `{"regions":["a"]}`)},
		{`{"failFast":%}`, `true`, `null`},
		{`{"targets":[%]}`, `{"name":"a"}`, `{"input":1}`},
		{`{"targets":[{"name":%}]}`, long(2048), long(2049)},
		{`{"targets":[{"name":"a",%}]}`, `"input":false`, `"input":null`},
		{`{"targets":[{"name":"a",%}]}`, `"input":[]`, `"inputs":[]`},
		{`{"targets":[%]}`, `"a",{"name":"b"}`, `1`},
		{`{"worker":%}`, `{"function":"f"}`, `{}`},
		{`{"worker":{"function":%}}`, long(64), long(65)},
		{`{"worker":{"function":%}}`, `"f:$LATEST"`, `"f:$latest"`},
		{`{"worker":{"function":%}}`, `"f:` + strings.Repeat("q", 128) + `"`, `"f:` + strings.Repeat("q", 129) + `"`},
		{`{"worker":{"function":%}}`, `"arn:aws:lambda:eu-west-1:111122223333:function:f:1"`, `"arn:aws:lambda:eu-west-1:111122223333:layer:f:1"`},
		{`{"worker":{"function":%}}`, `"arn:x:lambda:y:111122223333:function:f"`, `"arn:x:lambda:y:11112222333:function:f"`},
		{`{"worker":{"function":"f","placement":%}}`, `"regional"`, `"Regional"`},
		{`{"worker":{"function":"f","placement":%}}`, `""`, `" "`},
		{`{"worker":{"placement":"regional","function":%}}`, `"f"`, `"arn:aws:lambda:eu-west-1:111122223333:function:f"`},
		{`{"worker":{"placement":"home","function":%}}`, `"arn:aws:lambda:eu-west-1:111122223333:function:f"`, `"f "`},
		{`{"worker":{"function":"f","payload":%}}`, `"{target}"`, `null`},
		{`{"worker":{"function":"f","protocol":true%}}`, ``, `,"payload":{}`},
		{`{"worker":{"function":"f","protocol":%},"task":"sleep","parameters":{},"retry":[],"regionTimeoutSeconds":1}`, `true`, `false`},
		{`{"worker":{"function":"f"},%}`, `"task":""`, `"task":"sleep"`},
		{`{"worker":{"function":"f"},%}`, `"regionTimeoutSeconds":0`, `"regionTimeoutSeconds":0.5`},
		{`{"worker":{"function":"f"},%}`, `"targetRetry":[]`, `"retry":[]`},
		{`{"worker":{"function":"f"},%}`, `"targets":["a"]`, `"parameters":{}`},
		{`{"worker":{"function":"f"},"role":"r","accounts":["111122223333",{"id":"444455556666"%}]}`, ``, `,"parameters":{}`},
	})
}

// The same for what a worker reads.
func TestTheSchemaHasTheLimitsOfDecodeRegionRequest(t *testing.T) {
	t.Parallel()
	const form = `{"version":1,"runId":"r","attempt":1,"task":"t",%}`
	agree(t, "region-request", func(document []byte) error {
		_, err := protocol.DecodeRegionRequest(document)
		return err
	}, []limit{
		{`{"version":%,"runId":"r","attempt":1,"task":"t","region":"a","targets":["b"]}`, fmt.Sprint(protocol.Version), fmt.Sprint(protocol.Version + 1)},
		{`{"version":1,"runId":"r","attempt":%,"task":"t","region":"a","targets":["b"]}`, `1`, `0`},
		{`{"version":1,"runId":"r","attempt":1,"task":%,"region":"a","targets":["b"]}`, `"t"`, `""`},
		{form, `"region":"a","targets":["b"]`, `"region":"a"`},
		{form, `"region":"a","targets":["b"],"batch":0`, `"region":"a","targets":["b"],"batch":-1`},
		{form, `"region":"a","targets":["b"],"budgetMs":99999999000`, `"region":"a","targets":["b"],"budgetMs":99999999001`},
		{form, `"region":"a","targets":["b"],"policy":{"maxConcurrency":10000}`, `"region":"a","targets":["b"],"policy":{"maxConcurrency":10001}`},
		{form, `"regions":[{"region":"a","targets":["b"]}]`, `"region":"","targets":["b"]`},
		{form, `"region":"","regions":[{"region":"a","targets":["b"]}]`, `"region":"a","regions":[{"region":"a","targets":["b"]}]`},
		{form, `"regions":[{"region":"a","targets":["b"]},{"region":"a","targets":["b"]}]`, `"targets":["b"],"regions":[{"region":"a","targets":["b"]}]`},
		{form, `"region":"a","targets":["b"],"inputs":{"b":null}`, `"region":"a","targets":["b"],"inputs":[]`},
		{form, `"region":"c","targets":["b"]`, `"region":"c","targets":["b"],"regions":[{"region":"a","targets":["b"]}]`},
		{form, `"regions":[{"region":"a","targets":["b","c"]}]`, `"regions":[{"region":"","targets":["b","b"]}]`},
	})
}

// The same for a command.
func TestTheSchemaHasTheLimitsOfDecodeCommand(t *testing.T) {
	t.Parallel()
	const id = `"runId":"01JDCX4T9Q8Z6W3M5K7N2P0RSV"`
	const redrive = `{"command":"redrive",` + id + `,"redrive":%}`
	agree(t, "command", func(document []byte) error {
		_, faults := protocol.DecodeCommand(document)
		return faults.Err()
	}, []limit{
		{`{"command":%}`, `"sweep"`, `"swoop"`},
		{`{"command":"stop",%}`, id, `"runId":"01JDCX4T9Q8Z6W3M5K7N2P0RSU"`},
		{`{"command":"stop",%}`, id, id + `,"runID":"a"`},
		{`{"command":"start","request":%}`, `{}`, `[]`},
		{`{"command":"show",` + id + `,"waitSeconds":%}`, `20`, `20.5`},
		{`{"command":"events",` + id + `,"after":%}`, `9007199254740992`, `-1`},
		{`{"command":"list",%}`, `"name":"a:b"`, `"name":"a/b"`},
		{`{"command":"list",%}`, `"status":"RUNNING"`, `"status":"running"`},
		{`{"command":"list",%}`, `"since":"2026-11-30T09:00:00Z"`, `"since":"2026-11-30"`},
		{`{"command":"list",%}`, `"limit":100`, `"limit":101`},
		{`{"command":"list",%}`, `"next":"01JDCX4T9Q8Z6W3M5K7N2P0RSV"`, `"next":"a"`},
		{redrive, `{}`, `[]`},
		{redrive, `{"regions":["a"]}`, `{"regions":[]}`},
		{redrive, `{"accounts":` + texts(1000) + `}`, `{"accounts":` + texts(1001) + `}`},
		{redrive, `{"errors":` + texts(100) + `}`, `{"errors":` + texts(101) + `}`},
		{redrive, `{"timeoutSeconds":0}`, `{"timeoutSeconds":-1}`},
		{redrive, `{"maxConcurrency":2147483647}`, `{"maxConcurrency":2147483648}`},
		{redrive, `{"targetMaxConcurrency":10000}`, `{"targetMaxConcurrency":10001}`},
		{redrive, `{"retry":[]}`, `{"retry":[{}]}`},
	})
}

// A limit has a value on each side of it, and the document that they stand in, for %.
type limit struct{ form, accepted, refused string }

// agree checks that decode and a schema accept and refuse the same.
func agree(t *testing.T, name string, decode func([]byte) error, limits []limit) {
	t.Helper()
	compiled := compile(t, name)
	for _, l := range limits {
		for _, value := range []string{l.accepted, l.refused} {
			document := []byte(strings.ReplaceAll(l.form, "%", value))
			refusal, err := decode(document), compiled.Validate(instance(t, document))
			if want := value == l.accepted; (refusal == nil) != want || (err == nil) != want {
				t.Errorf("%.200s: decode: %v, schema: %v, want accepted %t", document, refusal, err, want)
			}
		}
	}
}
