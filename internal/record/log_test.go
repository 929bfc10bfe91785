package record_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/record"
)

// logOf returns a store with a log of files, each with the event of its number.
func logOf(numbers ...int) *memory {
	s := &memory{objects: map[string][]byte{}}
	for _, n := range numbers {
		s.objects[fmt.Sprintf("runs/%s/events/%d.jsonl", runID(), n)] = fmt.Appendf(nil,
			`{"version":1,"runId":%q,"number":%d,"generation":1,"holder":"h","time":"2026-11-30T08:00:00Z"}`+"\n"+`{"sequence":%d,"type":"NOTICE"}`+"\n",
			runID(), n, n)
	}
	return s
}

// upTo returns the numbers from 1 to n.
func upTo(n int) (all []int) {
	for i := range n {
		all = append(all, i+1)
	}
	return all
}

func TestLogYieldsTheFilesInOrderUpToTheFirstGap(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		files []int
		after int
		want  []int
	}{
		{"an empty log", nil, 0, nil},
		{"one file", upTo(1), 0, upTo(1)},
		{"many", upTo(100), 0, upTo(100)},
		{"the last ones", upTo(30), 20, upTo(30)[20:]},
		{"none after the last", upTo(30), 30, nil},
		{"none after a gap", append(upTo(10), 12, 13, 14), 0, upTo(10)},
		{"none without the first", []int{2, 3}, 0, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := &record.Runs{Store: logOf(test.files...)}
			var got []int
			for f, err := range r.Log(t.Context(), runID(), test.after) {
				if err != nil || f.Header.Holder != "h" || len(f.Events) != 1 {
					t.Errorf("file %+v, %v", f, err)
				}
				got = append(got, sequences(f.Events)...)
				if f.Header.Number != got[len(got)-1] {
					t.Errorf("file %d has events %v", f.Header.Number, got)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("Log = %v, want %v", got, test.want)
			}
		})
	}
}

func TestLogReadsUpTo32FilesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, reading, peak, reads := logOf(upTo(100)...), 0, 0, 0
		s.before = func(context.Context, string, string, []byte) error {
			s.mu.Lock()
			reads++
			reading++
			peak = max(peak, reading)
			s.mu.Unlock()
			time.Sleep(20 * time.Millisecond)
			s.mu.Lock()
			reading--
			s.mu.Unlock()
			return nil
		}
		began, files := time.Now(), 0
		for _, err := range (&record.Runs{Store: s}).Log(t.Context(), runID(), 0) {
			if files++; err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began); peak != 32 || files != 100 || took > 200*time.Millisecond {
			t.Errorf("%d files in %v, at most %d at once", files, took, peak)
		}
		reads = 0 // a look for new files is one read
		for f, err := range (&record.Runs{Store: s}).Log(t.Context(), runID(), 100) {
			t.Errorf("file %d after the last, %v", f.Header.Number, err)
		}
		if reads != 1 {
			t.Errorf("%d reads after the last file, want 1", reads)
		}
	})
}

func TestLogEndsAfterAnError(t *testing.T) {
	t.Parallel()
	s := logOf(upTo(20)...)
	s.before = func(_ context.Context, _, key string, _ []byte) error {
		if strings.HasSuffix(key, "/7.jsonl") {
			return errStore
		}
		return nil
	}
	files := 0
	var last error
	for _, err := range (&record.Runs{Store: s}).Log(t.Context(), runID(), 0) {
		if last = err; err == nil {
			files++
		}
	}
	if files != 6 || !errors.Is(last, errStore) {
		t.Errorf("%d files, then %v, want 6 and the store's error", files, last)
	}
}

func TestALogOfWhichNoMoreIsWantedLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := logOf(upTo(20)...)
		s.before = func(ctx context.Context, _, key string, _ []byte) error {
			if strings.HasSuffix(key, "/6.jsonl") {
				<-ctx.Done()
			}
			return ctx.Err()
		}
		for f, err := range (&record.Runs{Store: s}).Log(t.Context(), runID(), 0) {
			if err != nil {
				t.Error(err)
			}
			if f.Header.Number == 4 {
				break
			}
		}
	})
}

func TestAFileOfARunThatIsNotOneIsAnError(t *testing.T) {
	t.Parallel()
	of := logOf(1).objects["runs/"+runID()+"/events/1.jsonl"]
	for name, data := range map[string]string{
		"of a later version": strings.Replace(string(of), `"version":1`, `"version":2`, 1), "no JSON": "{", "empty": "",
		"of another number": strings.Replace(string(of), `"number":1`, `"number":2`, 1),
		"of another run":    strings.ReplaceAll(string(of), runID(), newID(start(), 1)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &memory{objects: map[string][]byte{"runs/" + runID() + "/events/1.jsonl": []byte(data)}}
			n := 0
			for f, err := range (&record.Runs{Store: s}).Log(t.Context(), runID(), 0) {
				if n++; err == nil || !strings.Contains(err.Error(), "events/1.jsonl") || f.Events != nil {
					t.Errorf("Log = %v, %v, want an error with the key", f, err)
				}
			}
			if n != 1 {
				t.Errorf("%d errors, want 1", n)
			}
		})
	}
}
