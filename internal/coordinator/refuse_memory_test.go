package coordinator_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"meridian/internal/race"
	"meridian/pkg/protocol"
)

// A request of 1 MiB can have some 100,000 faults. To refuse it takes some tens of its
// bytes, not gigabytes: a list that is too long is not expanded, and the nearest name is
// looked for only for the faults that are told. The measure is what the whole process
// allocates, so nothing runs beside it.
//
//nolint:paralleltest // see above
func TestRefusingALongRequestTakesLittleMemory(t *testing.T) {
	race.Skip(t, "takes much memory")
	many := func(n int, format string) string {
		texts := make([]string, n)
		for i := range texts {
			texts[i] = fmt.Sprintf(format, i)
		}
		return strings.Join(texts, ",")
	}
	regions := strings.Split(many(75_000, "eu-wst-%d"), ",")
	for _, tt := range []struct {
		name    string
		request string
		direct  protocol.Request // when there is no JSON
		faults  int
	}{
		{name: "75,000 Regions", request: `{"regions":[` + many(75_000, `"eu-%d"`) + `]}`, faults: 1},
		{name: "75,000 Regions to leave out", request: `{"excludeRegions":[` + many(75_000, `"eu-%d"`) + `]}`, faults: 1},
		{name: "75,000 Regions of a command line", direct: protocol.Request{Regions: regions, ExcludeRegions: regions}, faults: 2},
		{name: "90,000 unknown fields", request: `{` + many(90_000, `"u%d":1`) + `}`, faults: 101},
		{name: "90,000 unknown parameters", request: `{"task":"probe","parameters":{` + many(90_000, `"u%d":1`) + `}}`, faults: 101},
		{name: "150,000 retriers", request: `{"retry":[` + many(150_000, `{}`) + `]}`, faults: 1},
		{name: "10,000 unknown services", request: `{"targets":[` + many(10_000, `"dynamodbb%d"`) + `]}`, faults: 101},
		{name: "160,000 unknown placeholders", request: `{"worker":{"function":"f","payload":[` + strings.Repeat(`"{x}",`, 160_000) + `0]}}`, faults: 101},
		{
			name:    "40,000,000 outcomes",
			request: `{"worker":{"function":"f"},"maxTargetsPerInvocation":5000,"role":"r","regions":["eu-*"],"accounts":[` + many(1000, `{"id":"%012d"}`) + `],"targets":[` + many(5000, `"t%d"`) + `]}`,
			faults:  1,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := refusing(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, faults := tt.direct, protocol.Faults(nil)
			if tt.request != "" {
				r, faults = protocol.DecodeRequest([]byte(tt.request))
			} else {
				faults = r.Validate()
			}
			_, err := c.Answer(t.Context(), r, faults, protocol.MaxPayloadBytes)
			runtime.ReadMemStats(&after)
			const most = 60 << 20
			if took := after.TotalAlloc - before.TotalAlloc; took > most {
				t.Errorf("to refuse %d bytes took %d bytes of memory, want at most %d", len(tt.request), took, most)
			}
			if invalid, ok := errors.AsType[*protocol.InvalidRequestError](err); !ok || len(invalid.Faults) != tt.faults {
				t.Errorf("Answer = %.200v, want %d faults", err, tt.faults)
			}
		})
	}
}
