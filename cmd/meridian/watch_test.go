package main

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/pkg/protocol"
)

// A scriptedKeep answers with one page or error after the other. Then there is nothing new.
type scriptedKeep struct {
	keep // the methods that are not called

	pages []any // of protocol.EventPage or error
	state protocol.RunState
	shown int
}

func (k *scriptedKeep) events(_ context.Context, _ string, after int) (protocol.EventPage, error) {
	if len(k.pages) == 0 {
		return protocol.EventPage{After: after}, nil
	}
	next := k.pages[0]
	k.pages = k.pages[1:]
	if err, ok := next.(error); ok {
		return protocol.EventPage{}, err
	}
	return next.(protocol.EventPage), nil //nolint:forcetypeassert // a test's own value
}

func (k *scriptedKeep) show(context.Context, string) (protocol.RunState, error) {
	k.shown++
	return k.state, nil
}

// A look for events that fails is repeated, three times in a row. A run is looked at when its
// events are silent at first, and after 20 seconds. What ends a run ends the wait for events.
func TestPoll(t *testing.T) {
	t.Parallel()
	page := func(after int, ended bool, lines ...string) protocol.EventPage {
		p := protocol.EventPage{After: after, Ended: ended}
		for _, line := range lines {
			p.Events = append(p.Events, json.RawMessage(line))
		}
		return p
	}
	running, throttled := protocol.RunState{Status: protocol.StatusRunning}, failure("throttled")
	for _, tt := range []struct {
		name   string
		keep   scriptedKeep
		lines  []string
		ended  bool
		failed bool
		took   time.Duration
		shown  int
	}{
		{"ended", scriptedKeep{pages: []any{page(2, false, "1", "2"), page(3, true, "3")}}, []string{"1", "2", "3"}, true, false, 0, 0},
		{
			"redriven behind a page that ends with an end",
			scriptedKeep{pages: []any{page(1, true, "1"), page(2, false, "2"), page(3, true, "3")}},
			[]string{"1", "2", "3"},
			true, false, 0, 0,
		},
		{
			"three failures",
			scriptedKeep{pages: []any{throttled, throttled, throttled, page(1, true, "1")}},
			[]string{"1"},
			true, false, 3 * time.Second, 0,
		},
		{"four failures", scriptedKeep{pages: []any{throttled, throttled, throttled, throttled}}, nil, false, true, 3 * time.Second, 0},
		{"refused", scriptedKeep{pages: []any{usage("there is no such run")}}, nil, false, true, 0, 0},
		{"interrupted", scriptedKeep{state: protocol.RunState{Status: protocol.StatusRunning, Interrupted: true}}, nil, false, false, 0, 1},
		{
			"without the last event",
			scriptedKeep{pages: []any{page(1, false, "1")}, state: protocol.RunState{Status: protocol.StatusFailed}},
			[]string{"1"},
			true, false, 0, 1,
		},
		{
			"ended between a look for events and one at the run",
			scriptedKeep{pages: []any{page(1, false, "1"), page(1, false), page(2, true, "2")}, state: protocol.RunState{Status: protocol.StatusSucceeded}},
			[]string{"1", "2"},
			true, false, 0, 1,
		},
		{"silent", scriptedKeep{state: running}, nil, false, true, 50 * time.Second, 3}, // until its context ends
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Second, errors.New("over"))
				defer cancel()
				var lines []string
				begin := time.Now()
				ended, err := (&cli{}).poll(ctx, &tt.keep, "", func(page []json.RawMessage) error {
					for _, line := range page {
						lines = append(lines, string(line))
					}
					return nil
				})
				if ended != tt.ended || (err != nil) != tt.failed {
					t.Errorf("poll = %t, %v; want %t, and an error %t", ended, err, tt.ended, tt.failed)
				}
				if took := time.Since(begin); took != tt.took || tt.keep.shown != tt.shown {
					t.Errorf("poll took %v and looked %d times at the run; want %v and %d", took, tt.keep.shown, tt.took, tt.shown)
				}
				if diff := cmp.Diff(tt.lines, lines); diff != "" {
					t.Errorf("poll hands over (-want +got):\n%s", diff)
				}
			})
		})
	}
}
