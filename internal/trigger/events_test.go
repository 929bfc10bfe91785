package trigger_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/trigger"
	"meridian/pkg/protocol"
)

// The requests of events/, one for each way of calling, are what the documentation
// and the end-to-end test send.
func TestEveryReadyRequestIsRecognised(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../events/*.json")
	if err != nil || len(files) != 3 {
		t.Fatalf("events/ has %d files, %v; want 3", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			payload, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r := &runner{answer: []byte(`{}`)}
			if answer, err := (&trigger.Handler{Runner: r}).Handle(t.Context(), payload); err != nil || len(r.asked) != 1 {
				t.Fatalf("Handle = %s, %v; asked %d times, want once", answer, err, len(r.asked))
			}
			want := []string{"us-east-1", "eu-west-1", "ap-southeast-2"}
			if diff := cmp.Diff(want, r.asked[0].Regions); diff != "" || !cmp.Equal(r.asked[0].Targets, protocol.Targets(protocol.DefaultTarget)) {
				t.Errorf("asked %+v; Regions (-want +got):\n%s", r.asked[0], diff)
			}
		})
	}
}
