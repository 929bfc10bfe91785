package trigger_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"meridian/internal/trigger"
	"meridian/pkg/protocol"
)

// checked has what can reach a Keeper from a path and a query: the id of a run, and values
// of the alphabets of names, statuses, times and numbers.
var checked = regexp.MustCompile(`^((show|stop|resume) [0-9A-HJKMNP-TV-Z]{26}( 0s)?|events [0-9A-HJKMNP-TV-Z]{26} \d+|` +
	`redrive [0-9A-HJKMNP-TV-Z]{26} \{\}|list name=[A-Za-z0-9._:+-]{0,80} status=[A-Z_]* since=[0-9TZ:+-]+ limit=\d{1,3} next=([0-9A-HJKMNP-TV-Z]{26})?)$`)

// Nothing of a caller's path and query reaches the Keeper unchecked, whatever they are, and
// every request has an answer.
func FuzzAPathAndAQueryReachTheKeeperOnlyChecked(f *testing.F) {
	for _, route := range keptRoutes {
		method, path, _ := strings.Cut(route, " ")
		f.Add(method, path, "", "$default")
		f.Add(method, "/prod"+path, "after=1", "prod")
	}
	f.Add("GET", "/runs", "name=a&status=FAILED&since=2026-11-30T09:00:00Z&limit=5&next="+runID, "")
	f.Add("GET", "/runs/../keys/k", "next=../x", "")
	f.Add("POST", "/runs/"+runID+"%2f..", "limit=%zz;", "runs")
	f.Fuzz(func(t *testing.T, method, path, query, stage string) {
		k := &keeper{state: state(protocol.StatusRunning)}
		event := request("GET /")
		event.RequestContext.HTTP.Method, event.RawPath, event.RawQueryString, event.RequestContext.Stage = method, path, query, stage
		data, err := (&trigger.Handler{Runner: &runner{answer: []byte(`{}`)}, Keeper: k}).Handle(t.Context(), marshal(t, event))
		if err != nil {
			return // a method that is "" is no HTTP request
		}
		got := response(t, data)
		for _, call := range k.calls {
			if !checked.MatchString(call) {
				t.Errorf("%s %s?%s: the keeper is asked to %q", method, path, query, call)
			}
		}
		if len(k.calls) > 0 && got.StatusCode >= http.StatusMultipleChoices || len(k.calls) > 1 {
			t.Errorf("%s %s?%s: answer %+v after the calls %q", method, path, query, got, k.calls)
		}
	})
}
