package live_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/internal/live"
	"meridian/pkg/protocol"
)

var update = flag.Bool("update", false, "rewrite the golden files of this package")

// size is the size of a terminal.
type size struct{ width, height int }

func (s size) String() string { return fmt.Sprintf("%dx%d", s.width, s.height) }

func sizes() []size { return []size{{80, 24}, {40, 15}, {200, 50}} }

// many is a run with many failures and many attempts in flight. It began two hours before now.
func many(now time.Time) *script {
	s := &script{State: live.New(live.Settings{Timeout: 10 * time.Hour}), at: now.Add(-2*time.Hour - 30*time.Second).Sub(begin())}
	s.run(120, 2)
	accounts := []string{"111122223333", "222233334444"}
	regions := []string{"ap-northeast-1", "ap-south-1", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "sa-east-1", "us-east-1", "us-west-2"}
	errors := []string{protocol.ErrorTimeout, protocol.ErrorTimeout, "AccessDeniedException", protocol.ErrorTimeout, "Bad\x1b[2JName"}
	for i := range 5 * len(regions) {
		account, region := fmt.Sprint(accounts[i%2][:10], 10+i/len(regions)), regions[i%len(regions)]
		s.at += time.Minute
		s.start(1, account, region)
		switch {
		case i < 30:
			s.end(1, errors[i%len(errors)], 0, account, region)
			s.settle(protocol.StatusFailed, errors[i%len(errors)], account, region)
		case i < 33:
			s.end(1, protocol.ErrorLambdaThrottled, 9*time.Hour, account, region)
		case i < 36:
			s.hedge(account, region)
		case i > 40:
			s.end(1, "", 0, account, region)
			s.settle(protocol.StatusSucceeded, "", account, region)
		}
	}
	return s
}

// What a person sees of a run with many failures, on terminals of three sizes. The golden
// files are the whole screen; -update rewrites them.
func TestFrames(t *testing.T) {
	t.Parallel()
	for _, size := range sizes() {
		t.Run(size.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				now := time.Now()
				compare(t, size.String()+".txt", live.Frame(many(now).State, now, size.width, size.height)+"\n")
			})
		})
	}
}

// An event that was read may have any numbers.
func TestAFrameOfAbsurdNumbersIsDrawn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, regions := range []int{-1, 1} {
			s := &script{State: live.New(live.Settings{Timeout: -time.Hour})}
			s.run(regions, -1)
			for _, region := range []string{"eu-west-1", "eu-west-2", ""} {
				s.settle(protocol.StatusSucceeded, "", "", region)
			}
			if frame := live.Frame(s.State, time.Now(), 80, 24); !strings.Contains(frame, "3 succeeded") {
				t.Errorf("the frame of %d Regions is %q, want what succeeded", regions, frame)
			}
		}
	})
}

// The view of docs/cli.md is one that Draw draws.
func TestTheViewInTheDocumentation(t *testing.T) {
	t.Parallel()
	documentation, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		<-time.After(time.Until(begin()))
		rows := func(string) func(json.RawMessage) int { return func(json.RawMessage) int { return 1204 } }
		s := &script{State: live.New(live.Settings{Timeout: time.Minute, Rows: rows}), waits: true}
		s.run(17, 0)
		s.start(1, "", "ap-south-1")
		s.end(1, protocol.ErrorTimeout, time.Second, "", "ap-south-1")
		s.start(1, "", "us-east-1")
		s.at = 2100 * time.Millisecond
		s.start(2, "", "ap-south-1")
		for region := range strings.FieldsSeq("ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-southeast-1 ca-central-1 eu-central-1 eu-west-2 eu-west-3 us-west-1") {
			s.settle(protocol.StatusSucceeded, "", "", region)
		}
		s.at = 5900 * time.Millisecond
		s.start(1, "", "eu-west-1")
		s.settle(protocol.StatusFailed, "AccessDeniedException", "", "eu-south-1")
		s.settle(protocol.StatusTimedOut, protocol.ErrorTimeout, "", "sa-east-1")
		s.at = 12 * time.Second
		s.hedge("", "eu-west-1")
		answer := attempt(protocol.EventAttemptEnded, 1, "", []string{"eu-north-1"})
		answer.Answer = &protocol.Answer{Targets: []byte(`[{"output":[]}]`)}
		s.event(answer)
		s.settle(protocol.StatusSucceeded, "", "", "eu-north-1")
		s.end(1, protocol.ErrorLambdaThrottled, 4300*time.Millisecond, "", "us-east-1")
		s.at = 13 * time.Second
		s.start(1, "", "us-west-2")
		frame := live.Frame(s.State, begin().Add(14200*time.Millisecond), 80, 16)
		if !strings.Contains(string(documentation), frame) {
			t.Errorf("docs/cli.md does not have the view\n%s", frame)
		}
	})
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// Everything that has failed, retries or runs is on the screen: in a row of its own, or counted. A
// terminal of less than 20 columns or 8 lines has no room for that.
// No line is as long as a line of the terminal, and no frame as high as the terminal.
func TestWhatFailedOrIsOutIsOnTheScreen(t *testing.T) {
	t.Parallel()
	counted := regexp.MustCompile(`^(\d+) (?:more )?(failed|retrying|running)\b`)
	rapid.Check(t, func(rt *rapid.T) {
		s := &script{State: live.New(live.Settings{})}
		items := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 200).Draw(rt, "items")
		accounts := rapid.Bool().Draw(rt, "accounts")
		s.run(len(items)+1, 0)
		want := map[string]int{}
		for i, kind := range items {
			account, region := "", fmt.Sprint("region-", i)
			if accounts {
				account = fmt.Sprint("1111222233", 10+i%90)
			}
			if kind > 0 {
				s.start(1, account, region)
			}
			failure := rapid.SampledFrom([]string{"States.Timeout", "AccessDeniedException", strings.Repeat("Long", 20), "A\nB"}).Draw(rt, "error")
			switch kind {
			case 1:
				want["▸"]++
			case 2:
				s.end(1, failure, time.Minute, account, region)
				want["↻"]++
			case 3:
				s.settle(protocol.StatusFailed, failure, account, region)
				want["✗"]++
			case 4:
				s.settle(protocol.StatusSucceeded, "", account, region)
			}
		}
		width, height := rapid.IntRange(1, 220).Draw(rt, "width"), rapid.IntRange(1, 60).Draw(rt, "height")
		frame := live.Frame(s.State, begin().Add(30*time.Second), width, height)
		lines := strings.Split(frame, "\n")
		if len(lines) >= max(2, height) {
			rt.Errorf("%d lines on a terminal of %d", len(lines), height)
		}
		got := map[string]int{}
		for _, line := range lines {
			if ansi.StringWidth(line) >= max(2, width) {
				rt.Errorf("%q is as long as a line of %d", line, width)
			}
			mark, rest, _ := strings.Cut(line, " ")
			n := 1
			if more := counted.FindStringSubmatch(rest); more != nil {
				n, _ = strconv.Atoi(more[1])
			}
			if strings.Contains("✗ ↻ ▸", mark) && mark != "" {
				got[mark] += n
			}
		}
		if diff := cmp.Diff(want, got); diff != "" && width >= 20 && height >= 8 {
			rt.Errorf("rows and counts of %dx%d (-want +got):\n%s\n%s", width, height, diff, frame)
		}
	})
}
