package record_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"meridian/internal/record"
	"meridian/internal/store"
	"meridian/pkg/protocol"

	"github.com/oklog/ulid/v2"
	"pgregory.net/rapid"
)

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// newID returns the id of a run that started then. The last character tells runs of the same
// millisecond apart.
func newID(at time.Time, n byte) string {
	return ulid.MustNew(ulid.Timestamp(at), strings.NewReader("abcdefghi"+string([]byte{n}))).String()
}

// start is when the runs of the tests start, and id the id of one of them.
func start() time.Time { return time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC) }

func runID() string { return newID(start(), 0) }

// recordOf returns the record of a run.
func recordOf(id, name, key string) protocol.RunRecord {
	return protocol.RunRecord{
		Version: protocol.RecordVersion, RunID: id, StartedAt: start(), Request: protocol.Request{Name: name, Key: key, Keep: true},
	}
}

// text draws any text, mostly one that a name or a key can be.
func text(r *rapid.T, label string) string {
	return rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune(letters+protocol.KeyPunctuation)), 1, protocol.MaxKeyLength, -1),
		rapid.StringOfN(rapid.RuneFrom([]rune("a./%F2E")), 0, 8, -1),
		rapid.Map(rapid.IntRange(55, 120), func(n int) string { return strings.Repeat("/", n) }),
		rapid.String(),
	).Draw(r, label)
}

// keysOf returns the keys that all methods together use for a run.
func keysOf(r *rapid.T, id, name, key, output string) []string {
	r.Helper()
	s := &memory{}
	runs := &record.Runs{Store: s}
	ctx := r.Context()
	_, _, err := runs.Claim(ctx, key, recordOf(id, name, key))
	_, err2 := runs.CreatePlan(ctx, id, nil)
	_, err3 := runs.PutTargets(ctx, id, output, nil)
	_, err4 := runs.Hold(ctx, id, record.Position{File: 9}, protocol.Generation{Number: 1})
	err = errors.Join(err, err2, err3, err4, runs.Create(ctx, recordOf(id, name, key)), runs.Stop(ctx, id, 0), runs.Stop(ctx, id, 1),
		createResult(ctx, runs, id, 0), createResult(ctx, runs, id, 2), runs.Reopen(ctx, id, 3))
	if err != nil {
		r.Fatal(err)
	}
	return s.keys()
}

func TestNoTextGivesAKeyThatAStoreRefuses(t *testing.T) {
	t.Parallel()
	d := &store.Dir{Path: t.TempDir()}
	rapid.Check(t, func(r *rapid.T) {
		for _, key := range keysOf(r, runID(), text(r, "name"), text(r, "key"), text(r, "output")) {
			if _, err := d.Read(r.Context(), key, 0); !errors.Is(err, fs.ErrNotExist) {
				r.Errorf("key %s: %v", key, err)
			}
		}
	})
}

func TestNoTextReachesAnotherPrefix(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		count := map[string]int{}
		for _, key := range keysOf(r, runID(), "n"+text(r, "name"), text(r, "key"), text(r, "output")) {
			segments := strings.Split(key, "/")
			count[segments[0]]++
			want := map[string]int{"runs": 3, "keys": 2, "names": 3, "days": 3, "open": 2}[segments[0]]
			if segments[0] == "runs" && (segments[2] == "outputs" || segments[2] == "events") {
				want++
			}
			if len(segments) != want || segments[0] == "runs" && segments[1] != runID() {
				r.Errorf("key %s has %d segments, want %d", key, len(segments), want)
			}
		}
		if count["runs"] != 8 || count["keys"] != 1 || count["names"] != 1 || count["days"] != 1 || count["open"] != 1 {
			r.Errorf("keys: %v", count)
		}
	})
}

func TestDifferentTextsGiveDifferentKeys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		one, other := "n"+text(r, "one"), "n"+text(r, "other")
		if i := rapid.IntRange(0, 3).Draw(r, "like"); i < 3 {
			other = [...]string{one + "/", strings.ReplaceAll(one, "/", "%2F"), strings.ToUpper(one)}[i]
		}
		if one == other {
			return
		}
		with := func(s string) []string { return keysOf(r, runID(), s, s, s) }
		a, b := with(one), with(other)
		for _, key := range a {
			used := strings.HasPrefix(key, "keys/") || strings.HasPrefix(key, "names/") || strings.Contains(key, "/outputs/")
			if used == slices.Contains(b, key) {
				r.Errorf("%q and %q both give %s: %t", one, other, key, !used)
			}
		}
	})
}

func TestKeysCanBeReadByAPerson(t *testing.T) {
	t.Parallel()
	s := &memory{}
	r := &record.Runs{Store: s}
	id := runID()
	_, _, err := r.Claim(t.Context(), "arn:aws:s3:::b/a.txt.", recordOf(id, ".nightly", ""))
	if err := errors.Join(err, r.Create(t.Context(), recordOf(id, ".nightly", "")), r.Stop(t.Context(), id, 0), r.Stop(t.Context(), id, 2),
		r.Reopen(t.Context(), id, 1)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"days/2026-11-30/01M8NQFJ00C5H66S35CSKPGT80", "keys/arn:aws:s3:::b%2Fa.txt%2E", "names/%2Enightly/279678951110655-01M8NQFJ00C5H66S35CSKPGT80",
		"open/01M8NQFJ00C5H66S35CSKPGT80", "open/01M8NQFJ00C5H66S35CSKPGT80-1", "runs/01M8NQFJ00C5H66S35CSKPGT80/request.json",
		"runs/01M8NQFJ00C5H66S35CSKPGT80/stop", "runs/01M8NQFJ00C5H66S35CSKPGT80/stop-2",
	}
	if got := s.keys(); !slices.Equal(got, want) {
		t.Errorf("keys = %q, want %q", got, want)
	}
}

func TestAnIDThatIsNotARunsIsAnErrorOfEveryMethod(t *testing.T) {
	t.Parallel()
	s := &memory{}
	r, ctx := &record.Runs{Store: s}, t.Context()
	for _, id := range []string{
		"", "x", "../../../../../keys/aaaaaa", strings.ToLower(runID()), runID() + "0", runID()[:25], runID()[:25] + "U", runID()[:25] + "/",
		"8" + runID()[1:], "Z" + runID()[1:], strings.Repeat("ä", 13),
	} {
		_, _, claim := r.Claim(ctx, "k", recordOf(id, "", ""))
		_, request := r.Request(ctx, id)
		_, createPlan := r.CreatePlan(ctx, id, nil)
		_, plan := r.Plan(ctx, id)
		_, _, result := r.Result(ctx, id)
		_, stopped := r.Stopped(ctx, id, 0)
		_, put := r.PutTargets(ctx, id, "", nil)
		_, targets := r.Targets(ctx, id, "runs/"+id+"/outputs/a.json")
		_, hold := r.Hold(ctx, id, record.Position{}, protocol.Generation{Number: 1})
		var logged error
		for _, logged = range r.Log(ctx, id, 0) {
		}
		errs := []error{
			r.Create(ctx, recordOf(id, "", "")), claim, request, createPlan, plan, createResult(ctx, r, id, 0), result,
			r.Reopen(ctx, id, 1), r.Shut(ctx, id, 0), r.Stop(ctx, id, 0), stopped, put, targets, hold, logged, r.Delete(ctx, id),
		}
		if id != "" {
			_, _, list := r.List(ctx, protocol.RunQuery{Next: id})
			errs = append(errs, list)
		}
		for i, err := range errs {
			if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "is not the id of a run") {
				t.Errorf("method %d with the id %q: %v", i, id, err)
			}
		}
	}
	if got := s.keys(); len(got) > 0 {
		t.Errorf("objects: %q", got)
	}
}
