//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"

	"meridian/internal/awsapi"
	"meridian/internal/awsapi/model"
)

// TestAnswers compares the answers of AWS's reads with botocore's, member by member and
// with all pages: of the reads without required input that an emulator serves, in two
// Regions with resources. testdata/answers.txt lists them. E2E_FULL=1 calls the other reads
// too: it compares their errors, and says what the list lacks.
func TestAnswers(t *testing.T) {
	part(t, "answers", "python3")
	repo, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{repo: repo, dir: filepath.Join(repo, "e2e"), env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	}}
	s.machine(t.Context(), t, "make", "build/botocore/pin")
	tools := s.tools(t.Context(), t)
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	c := &answersTest{
		site: s, listed: strings.Fields(s.read(t, "testdata", "answers.txt")),
		served: map[string]bool{}, answered: map[string]bool{}, services: map[string]bool{}, protocols: map[string]int{},
	}
	emulators := []*emulator{startMoto(ctx, t, tools), startEmulator(ctx, t, tools)}
	regions := []string{"eu-west-1"} // at home a client's Region is the one that global services sign for
	if full() {
		regions = append(regions, home)
	}
	for _, step := range []struct {
		name string
		do   func(ctx context.Context, t *testing.T, e *emulator, region string)
	}{{"seed", c.seed}, {"compare", c.compare}} { // not Region by Region: some resources are in all Regions
		t.Run(step.name, func(t *testing.T) {
			for _, region := range regions {
				for _, e := range emulators {
					t.Run(e.name+" "+region, func(t *testing.T) {
						t.Parallel()
						step.do(ctx, t, e, region)
					})
				}
			}
		})
	}
	c.conclude(t)
}

// An answersTest is the state that the steps of TestAnswers share.
type answersTest struct {
	*site

	listed []string // the operations of answers.txt

	mu        sync.Mutex      // guards the rest
	served    map[string]bool // the operations that botocore has an answer for
	answered  map[string]bool // those that both have
	services  map[string]bool
	protocols map[string]int // answers by protocol
	errors    int
	pages     int                   // of answers with several pages
	paged     int                   // answers with several pages
	differing int                   // answers with differences that are listed
	used      [len(differences)]int // members
}

// script runs one of the Python programs in testdata with botocore.
func (c *answersTest) script(ctx context.Context, t *testing.T, input string, line func([]byte), name string, args ...string) {
	t.Helper()
	c.each(ctx, t, input, line, filepath.Join(c.repo, "build", "botocore", "bin", "python"), append([]string{filepath.Join("testdata", name)}, args...)...)
}

// seed creates resources.
func (c *answersTest) seed(ctx context.Context, t *testing.T, e *emulator, region string) {
	c.script(ctx, t, "", func(line []byte) { t.Logf("%s", line) }, "seed.py", e.url(), region)
}

// compare calls the operations of an emulator in a Region.
func (c *answersTest) compare(ctx context.Context, t *testing.T, e *emulator, region string) {
	operations := c.listed
	if full() {
		operations = reads(t)
	}
	c.call(ctx, t, e, region, operations, "")
	if e.name == "ministack" {
		// The only service that it speaks CBOR for.
		c.call(ctx, t, e, region, slices.DeleteFunc(slices.Clone(operations), func(name string) bool {
			return !strings.HasPrefix(name, "cloudwatch:")
		}), filepath.Join(t.TempDir(), "models.bin"))
	}
}

// reads lists the reads of AWS that need no input.
func reads(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, service := range model.Services() {
		for _, name := range model.Operations(service) {
			op, err := model.Lookup(service, name)
			if err != nil {
				t.Fatal(err)
			}
			// botocore calls signin at AWS, whatever endpoint is set.
			if op.ReadOnly() && op.Refused() == "" && op.Check(nil) == nil && service != "signin" {
				names = append(names, service+":"+name)
			}
		}
	}
	return names
}

// A botocoreAnswer is a line of answers.py.
type botocoreAnswer struct {
	Service   string         `json:"service"`
	Operation string         `json:"operation"`
	Input     map[string]any `json:"input"`
	Value     map[string]any `json:"value"`
	Error     string         `json:"error"`
	Detail    string         `json:"detail"`
	Pages     int            `json:"pages"`
}

// call calls operations with botocore, and each with Meridian as soon as botocore has its
// answer. Both speak CBOR if there is a file for its models.
func (c *answersTest) call(ctx context.Context, t *testing.T, e *emulator, region string, operations []string, models string) {
	t.Helper()
	var refusal []byte // the body of the last one
	send := sendFunc(func(r *http.Request) (*http.Response, error) {
		response, err := http.DefaultTransport.RoundTrip(r)
		if err == nil && response.StatusCode != http.StatusOK {
			refusal, err = io.ReadAll(response.Body)
			_ = response.Body.Close()
			response.Body = io.NopCloser(bytes.NewReader(refusal))
		}
		return response, err
	})
	api := &awsapi.API{
		Client:    awsapi.New(send, credentials.StaticCredentialsProvider{Value: root}),
		Endpoints: awsapi.Endpoints{URL: func(context.Context, string) (string, error) { return e.url(), nil }},
		MaxPages:  1000,
	}
	lookup, args := model.Lookup, []string{e.url(), region}
	if models != "" {
		args = append(args, models)
		lookup = func(service, operation string) (*model.Operation, error) {
			blob, err := os.ReadFile(models)
			if err != nil {
				return nil, err
			}
			data, err := model.Open(string(blob))
			if err != nil {
				return nil, err
			}
			return data.Lookup(service, operation)
		}
	}
	c.script(ctx, t, strings.Join(operations, "\n"), func(line []byte) {
		var want botocoreAnswer
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.UseNumber()
		if err := decoder.Decode(&want); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		op, err := lookup(want.Service, want.Operation)
		if err != nil {
			t.Fatal(err)
		}
		if op.Pages != nil {
			op.Pages.Limit = "" // to follow small pages too
		}
		refusal = nil
		answer, err := api.Call(ctx, op, region, want.Input)
		for again := 0; again < 2 && want.Error == "" && failedInside(err); again++ { // now and then an emulator does
			t.Logf("%s answered Meridian: %s", e.name, refusal)
			answer, err = api.Call(ctx, op, region, want.Input)
		}
		if !c.judge(t, e.name, op, &want, &answer, err) && refusal != nil {
			t.Logf("%s answered Meridian: %s", e.name, refusal)
		}
	}, "answers.py", args...)
}

// failedInside reports whether the server failed.
func failedInside(err error) bool {
	refusal, ok := errors.AsType[*awshttp.ResponseError](err)
	return ok && refusal.HTTPStatusCode() >= 500
}

// judge counts a call, and fails the test for differences that are not listed. It reports
// whether there were none.
func (c *answersTest) judge(t *testing.T, emulator string, op *model.Operation, botocore *botocoreAnswer, answer *awsapi.Answer, err error) (ok bool) {
	t.Helper()
	name, protocol := op.Service+":"+op.Name, op.Protocol().ID().Name
	want, got := map[string]any{}, map[string]any{}
	switch api, ok := errors.AsType[smithy.APIError](err); {
	case ok:
		got["error"] = api.ErrorCode()
	case err != nil:
		got["error"] = err.Error()
	}
	if botocore.Error != "" {
		want["error"] = botocore.Error
	}
	if len(want)+len(got) == 0 {
		leaves(want, "value", numbers(botocore.Value))
		leaves(got, "value", answer.Value)
		want["pages"], got["pages"] = botocore.Pages, answer.Pages
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	differs := false
	ok = true
	for at := range union(want, got) {
		w, g := want[at], got[at]
		i := slices.IndexFunc(differences[:], func(d listedDifference) bool { return d.covers(emulator+" "+name, at, w, g) })
		if i >= 0 {
			c.used[i]++
			differs = differs || w != g
		} else if w != g {
			ok = false
			t.Errorf("%s %v, %s: botocore has %.200q, Meridian %.200q %.200s", name, botocore.Input, at, fmt.Sprint(w), fmt.Sprint(g), botocore.Detail)
		}
	}
	if differs {
		c.differing++
	}
	if want["error"] == nil {
		c.served[name] = true
	}
	if want["error"] != nil || got["error"] != nil {
		c.errors++
		return ok
	}
	c.answered[name], c.services[op.Service] = true, true
	c.protocols[protocol]++
	if botocore.Pages > 1 {
		c.paged++
		c.pages += botocore.Pages
	}
	return ok
}

// union yields the keys of two maps, each once.
func union(a, b map[string]any) map[string]any {
	all := map[string]any{}
	for _, m := range []map[string]any{a, b} {
		for key := range m {
			all[key] = nil
		}
	}
	return all
}

// leaves adds the values that have no members, by their paths. Empty objects and lists are
// among them.
func leaves(into map[string]any, at string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			leaves(into, at+"."+key, member)
		}
		value = "{}"
		if len(v) > 0 {
			return
		}
	case []any:
		for i, item := range v {
			leaves(into, at+"["+strconv.Itoa(i)+"]", item)
		}
		value = "[]"
		if len(v) > 0 {
			return
		}
	}
	into[at] = value
}

// onlyAtHome are operations that moto answers in no Region but us-east-1.
const onlyAtHome = "connect:ListInstances connectcampaigns:ListCampaigns support:DescribeCases"

// conclude prints what was compared, and fails the test if that is too little, or if a list
// is out of date.
func (c *answersTest) conclude(t *testing.T) {
	answers := 0
	for protocol, count := range c.protocols {
		t.Logf("%s: %d answers", protocol, count)
		answers += count
	}
	t.Logf("%d answers compared, of %d operations of %d services in %d protocols; %d with several pages, %d pages in all",
		answers, len(c.answered), len(c.services), len(c.protocols), c.paged, c.pages)
	t.Logf("%d errors compared; %d answers differ as listed", c.errors, c.differing)
	if len(c.answered) < 500 || len(c.services) < 80 || len(c.protocols) < 7 {
		t.Error("want at least 500 operations of 80 services in six protocols, of which JSON has two versions")
	}
	if c.paged < 50 {
		t.Error("want at least 50 answers with several pages")
	}
	for i, d := range differences {
		t.Logf("%d members: %s %s: %s", c.used[i], d.call, d.member, d.reason)
		if c.used[i] == 0 {
			t.Error("that is listed, but not seen")
		}
	}
	for _, name := range c.listed {
		if !c.served[name] && (full() || !strings.Contains(onlyAtHome, name)) {
			t.Errorf("testdata/answers.txt has %s, which no emulator answers", name)
		}
		delete(c.served, name)
	}
	for name := range c.served {
		t.Errorf("testdata/answers.txt lacks %s", name)
	}
}
