package record_test

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"testing"
	"time"

	"meridian/internal/record"
	"meridian/pkg/protocol"

	"github.com/google/go-cmp/cmp"
)

func TestAStartMayBeRepeatedWithTheSameRecord(t *testing.T) {
	t.Parallel()
	inEachStore(t, func(t *testing.T, r *record.Runs) {
		t.Helper()
		run := recordOf(runID(), "nightly", "k")
		run.Request.Targets = []protocol.Target{{Name: "a"}, {Name: "b", Input: []byte(`{"n":1}`)}}
		run.Request.Accounts = []protocol.Account{{ID: "111122223333"}}
		for range 2 {
			if err := r.Create(t.Context(), run); err != nil {
				t.Error(err)
			}
		}
		got, err := r.Request(t.Context(), runID())
		if diff := cmp.Diff(run, got); diff != "" || err != nil {
			t.Errorf("Request: %v (-want +got):\n%s", err, diff)
		}
		if err := r.Create(t.Context(), recordOf(runID(), "daily", "k")); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Create with another record = %v, want fs.ErrExist", err)
		}
		if _, err := r.Request(t.Context(), newID(start(), 1)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Request of a run that does not exist = %v", err)
		}
	})
}

func TestCreateWritesWhatACrashHasLeftOut(t *testing.T) {
	t.Parallel()
	run := recordOf(runID(), "nightly", "")
	whole := &memory{}
	if err := (&record.Runs{Store: whole}).Create(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	for _, missing := range whole.keys() {
		t.Run(missing, func(t *testing.T) {
			t.Parallel()
			s := &memory{}
			s.before = func(_ context.Context, _, key string, _ []byte) error {
				if key == missing {
					return errStore
				}
				return nil
			}
			r := &record.Runs{Store: s}
			if err := r.Create(t.Context(), run); !errors.Is(err, errStore) {
				t.Errorf("Create = %v, want the store's error", err)
			}
			s.before = nil
			if err := r.Create(t.Context(), run); err != nil {
				t.Errorf("Create again = %v", err)
			}
			if diff := cmp.Diff(whole.keys(), s.keys()); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOf200RunsThatClaimAKeyOneWins(t *testing.T) {
	t.Parallel()
	inEachStore(t, func(t *testing.T, r *record.Runs) {
		t.Helper()
		const claims = 200
		var done sync.WaitGroup
		owners, won := make([]string, claims), make([]bool, claims)
		for i := range claims {
			done.Go(func() {
				owner, w, err := r.Claim(t.Context(), "a/key", recordOf(newID(start(), byte(i)), "", "a/key"))
				if err != nil {
					t.Error(err)
				}
				owners[i], won[i] = owner.RunID, w
			})
		}
		done.Wait()
		wins := 0
		for i := range claims {
			if owners[i] != owners[0] {
				t.Errorf("claim %d has the owner %s, want %s", i, owners[i], owners[0])
			}
			if won[i] != (owners[0] == newID(start(), byte(i))) {
				t.Errorf("claim %d won: %t", i, won[i])
			}
			if won[i] {
				wins++
			}
		}
		if wins != 1 {
			t.Errorf("%d claims have won, want 1", wins)
		}
	})
}

func TestAClaimWhoseReplyWasLostHasWon(t *testing.T) {
	t.Parallel()
	run := recordOf(runID(), "", "k")
	s := &memory{after: func(context.Context, string, string, []byte) error { return errStore }}
	r := &record.Runs{Store: s}
	if _, _, err := r.Claim(t.Context(), "k", run); !errors.Is(err, errStore) {
		t.Errorf("Claim = %v, want the store's error", err)
	}
	s.after = nil
	owner, won, err := r.Claim(t.Context(), "k", run)
	if diff := cmp.Diff(run, owner); diff != "" || !won || err != nil {
		t.Errorf("Claim again = %t, %v (-want +got):\n%s", won, err, diff)
	}
	owner, won, err = r.Claim(t.Context(), "k", recordOf(newID(start(), 1), "", "k"))
	if diff := cmp.Diff(run, owner); diff != "" || won || err != nil {
		t.Errorf("Claim of another run = %t, %v (-want +got):\n%s", won, err, diff)
	}
}

func TestTheRecordOfAKeysOwnerIsEnoughToRepeatItsCreate(t *testing.T) {
	t.Parallel()
	inEachStore(t, func(t *testing.T, r *record.Runs) {
		t.Helper()
		run := recordOf(runID(), "nightly", "k")
		run.StartedAt = time.Now()
		run.Request.Targets = []protocol.Target{{Name: "<ä>\u2028", Input: []byte("{ \"n\" : 1e2,\n\"n\": \"<&>\" }")}}
		run.Request.Regions, run.Request.Parameters = []string{}, []byte(` {"a": [ ] } `)
		if _, _, err := r.Claim(t.Context(), "k", run); err != nil {
			t.Fatal(err)
		}
		owner, won, err := r.Claim(t.Context(), "k", recordOf(newID(start(), 1), "", "k"))
		if won || err != nil {
			t.Fatalf("Claim = %t, %v", won, err)
		}
		if err := errors.Join(r.Create(t.Context(), owner), r.Create(t.Context(), run)); err != nil {
			t.Error(err)
		}
	})
}

func TestThePlanOfTheFasterGenerationIsKept(t *testing.T) {
	t.Parallel()
	inEachStore(t, func(t *testing.T, r *record.Runs) {
		t.Helper()
		if _, err := r.Plan(t.Context(), runID()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Plan = %v, want fs.ErrNotExist", err)
		}
		for _, plan := range []string{"one", "other"} {
			if kept, err := r.CreatePlan(t.Context(), runID(), []byte(plan)); string(kept) != "one" || err != nil {
				t.Errorf("CreatePlan(%s) = %s, %v, want one", plan, kept, err)
			}
		}
		if plan, err := r.Plan(t.Context(), runID()); string(plan) != "one" || err != nil {
			t.Errorf("Plan = %s, %v, want one", plan, err)
		}
	})
}

func TestTargetsReadsOnlyWhatPutTargetsHasKeptForTheRun(t *testing.T) {
	t.Parallel()
	inEachStore(t, func(t *testing.T, r *record.Runs) {
		t.Helper()
		keys := map[string]bool{}
		for _, data := range []string{"[1]", "[1]", "[2]"} {
			key, err := r.PutTargets(t.Context(), runID(), "eu-west-1/0", []byte(data))
			if err != nil {
				t.Fatal(err)
			}
			keys[key] = true
			if got, err := r.Targets(t.Context(), runID(), key); string(got) != data || err != nil {
				t.Errorf("Targets = %s, %v, want %s", got, err, data)
			}
		}
		if len(keys) != 2 {
			t.Errorf("%d keys, want one for each data", len(keys))
		}
		if err := r.Create(t.Context(), recordOf(runID(), "", "")); err != nil {
			t.Fatal(err)
		}
		other := newID(start(), 1)
		for _, key := range []string{
			"", "runs/" + runID() + "/request.json", "runs/" + runID() + "/outputs/../request.json", "runs/" + runID() + "/outputs/a/b.json",
			"runs/" + other + "/outputs/a.json", "keys/a",
		} {
			if data, err := r.Targets(t.Context(), runID(), key); err == nil || data != nil {
				t.Errorf("Targets(%s) = %s, %v, want an error", key, data, err)
			}
		}
	})
}
