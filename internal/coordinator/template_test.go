package coordinator_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/coordinator"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A payload has the values of its invocation in the place of what stands for them.
func TestThePayloadOfAWorkerIsFilledIn(t *testing.T) {
	t.Parallel()
	named := []protocol.Target{{Name: `a"b`, Input: json.RawMessage(`{"x": [1, "é<"], "y": "\u0041"}`)}, {Name: "plain"}}
	for name, test := range map[string]struct {
		payload string
		batch   int
		targets []protocol.Target
		want    []string
	}{
		"none": {
			targets: named,
			want: []string{
				`{"region":"eu-west-1","target":"a\"b","input":{"x":[1,"é<"],"y":"\u0041"},"runId":"RUN","attempt":1}`,
				`{"region":"eu-west-1","target":"plain","input":null,"runId":"RUN","attempt":1}`,
			},
		},
		"none, in a batch": {
			targets: named, batch: 10,
			want: []string{`{"region":"eu-west-1","targets":[{"target":"a\"b","input":{"x":[1,"é<"],"y":"\u0041"}},{"target":"plain","input":null}],"runId":"RUN","attempt":1}`},
		},
		"a value alone, and as text": {
			payload: `{"i": "{target.input}", "t": ["in {region}: {target.input}/{attempt}"], "n": "{attempt}"}`, targets: named[:1],
			want: []string{`{"i":{"x":[1,"é<"],"y":"\u0041"},"t":["in eu-west-1: {\"x\":[1,\"é<\"],\"y\":\"\\u0041\"}/1"],"n":1}`},
		},
		"a text as text": {
			payload: `"{target.input}-{target}"`, targets: []protocol.Target{{Name: `q"q`, Input: json.RawMessage(`"a\nb"`)}},
			want: []string{`"a\nb-q\"q"`},
		},
		"braces, and names of members": {
			payload: `{"{region}": "{{region}} and \u007bregion}", "{": 1}`, targets: named[1:],
			want: []string{`{"{region}":"{region}} and eu-west-1","{":1}`},
		},
		"members of an input": {
			payload: `{"all": "{target.input.a}", "n": "{target.input.a.b}", "t": "/{target.input.a.b}/{target.input.s}"}`,
			targets: []protocol.Target{{Name: "x", Input: json.RawMessage(`{"a": {"b": 1}, "s": "q\"q"}`)}},
			want:    []string{`{"all":{"b":1},"n":1,"t":"/1/q\"q"}`},
		},
		"no string": {payload: `[1, true, null, {}]`, targets: named[1:], want: []string{`[1,true,null,{}]`}},
		"run":       {payload: `"{run}"`, targets: named[1:], want: []string{`"RUN"`}},
		"a batch as a value and text": {
			payload: `{"all": "{targets}", "text": "{targets}!"}`, batch: 2, targets: []protocol.Target{{Name: "a"}, {Name: "b", Input: json.RawMessage(`1`)}},
			want: []string{`{"all":[{"target":"a","input":null},{"target":"b","input":1}],"text":"[{\"target\":\"a\",\"input\":null},{\"target\":\"b\",\"input\":1}]!"}`},
		},
		"a batch without a place for it": {payload: `{"in": "{region}"}`, batch: 2, targets: named[1:], want: []string{`{"in":"eu-west-1","targets":[{"target":"plain","input":null}]}`}},
		"a batch in an empty object":     {payload: `{}`, batch: 2, targets: named[1:], want: []string{`{"targets":[{"target":"plain","input":null}]}`}},
		"no targets":                     {payload: `"{target}"`, want: []string{`"my-check"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := protocol.Request{
				Worker: &protocol.Worker{Function: "my-check:live"}, Regions: []string{"eu-west-1"}, Targets: test.targets, MaxTargetsPerInvocation: test.batch,
			}
			if test.payload != "" {
				r.Worker.Payload = json.RawMessage(test.payload)
			}
			f := &callers{answer: func(context.Context, string) (string, error) { return `{"failures":[]}`, nil }}
			result := f.employ(t, r)
			for i := range f.payloads {
				f.payloads[i] = strings.ReplaceAll(f.payloads[i], result.RunID, "RUN")
			}
			if diff := cmp.Diff(test.want, f.payloads); diff != "" {
				t.Errorf("payloads (-want +got):\n%s", diff)
			}
			c := &coordinator.Coordinator{Tasks: task.Builtin(), Functions: f.functions}
			preview, err := c.Preview(r, 0)
			longest := 0
			for _, payload := range f.payloads {
				longest = max(longest, len(payload))
			}
			if least := strings.Count(r.Worker.FunctionName()+test.payload, "{run}") * (26 - len("RUN")); err != nil || preview.PayloadBytes < longest+least || preview.PayloadBytes > longest+40*3 {
				t.Errorf("Preview = %d bytes, %v; want about %d", preview.PayloadBytes, err, longest)
			}
		})
	}
}
