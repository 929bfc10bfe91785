package task_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// An organizations stands in for AWS Organizations. Each of its lists has pages of one item.
type organizations struct {
	accounts map[string][]string // their JSON, by the operation and the unit
	units    map[string][]string // their ids, by the unit
	refuse   map[string]string   // a code, by the operation and the unit

	mu    sync.Mutex
	asked map[string]int // by the operation and the unit
	at    string         // the Region of the signature
}

// ServeHTTP implements http.Handler.
func (o *organizations) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var input struct {
		Parent string `json:"ParentId"`  //nolint:tagliatelle // AWS's spelling
		Next   string `json:"NextToken"` //nolint:tagliatelle // AWS's spelling
	}
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &input) // what is wrong is not found
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	key := strings.TrimSuffix(operation+" "+input.Parent, " ")
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.asked == nil {
		o.asked = map[string]int{}
	}
	o.asked[key]++
	o.at = strings.Split(r.Header.Get("Authorization"), "/")[2]
	if code := o.refuse[key]; code != "" {
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"Message":"no"}`)
		return
	}
	member, items := "Accounts", o.accounts[key]
	if operation == "ListOrganizationalUnitsForParent" {
		member, items = "OrganizationalUnits", nil
		for _, id := range o.units[input.Parent] {
			items = append(items, fmt.Sprintf(`{"Id":%q}`, id))
		}
	}
	n := 0
	_, _ = fmt.Sscan(input.Next, &n)
	next := ""
	if n+1 < len(items) {
		next = fmt.Sprintf(`,"NextToken":"%d"`, n+1)
	}
	item := ""
	if n < len(items) {
		item = items[n]
	}
	_, _ = fmt.Fprintf(w, `{%q:[%s]%s}`, member, item, next)
}

// list returns what the task "organization" finds with parameters in a run.
func (o *organizations) list(t *testing.T, tasks *task.Registry, run, parameters string) (string, error) {
	t.Helper()
	output, err := prepare(t, tasks, protocol.OrganizationTask, json.RawMessage(parameters))(task.WithRunID(t.Context(), run), "eu-west-1", protocol.Target{Name: "accounts"})
	return string(output), err
}

// All accounts are listed, from all pages, with the State or else the Status.
func TestAnOrganizationsAccountsAreListed(t *testing.T) {
	t.Parallel()
	o := &organizations{accounts: map[string][]string{"ListAccounts": {
		`{"Id":"333333333333","Name":"new","State":"PENDING_ACTIVATION","Status":"ACTIVE"}`,
		`{"Id":"111111111111","Name":"old","Status":"ACTIVE"}`,
		`{"Id":"222222222222","Name":"closed","State":"CLOSED","Status":"SUSPENDED"}`,
	}}}
	got, err := o.list(t, calling(t, "", cloud(t, o)), "run", `{}`)
	want := `{"message":"accounts in the organization: 3, active: 1","accounts":[{"id":"111111111111","name":"old","state":"ACTIVE"},` +
		`{"id":"222222222222","name":"closed","state":"CLOSED"},{"id":"333333333333","name":"new","state":"PENDING_ACTIVATION"}]}`
	if err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	if o.at != "us-east-1" || o.asked["ListAccounts"] != 3 {
		t.Errorf("signed for %s, %v, want us-east-1, and three pages", o.at, o.asked)
	}
}

// nested is an organization with a unit in a unit in another, and one beside them.
func nested() *organizations {
	account := func(id string) string { return fmt.Sprintf(`{"Id":%q,"State":"ACTIVE"}`, strings.Repeat(id, 12)) }
	return &organizations{
		units: map[string][]string{"r-ab12": {"ou-ab12-11111111", "ou-ab12-22222222"}, "ou-ab12-11111111": {"ou-ab12-33333333"}},
		accounts: map[string][]string{
			"ListAccountsForParent r-ab12": {account("1")}, "ListAccountsForParent ou-ab12-11111111": {account("2"), account("3")},
			"ListAccountsForParent ou-ab12-33333333": {account("4")}, "ListAccountsForParent ou-ab12-22222222": {account("5")},
		},
	}
}

// The accounts of units are listed with the accounts of the units below, each once.
func TestTheAccountsOfUnitsAreListedWithThoseBelow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ units, want string }{
		{`"ou-ab12-33333333"`, "4"},
		{`"ou-ab12-11111111"`, "2 3 4"},
		{`"ou-ab12-33333333","ou-ab12-11111111"`, "2 3 4"},
		{`"r-ab12"`, "1 2 3 4 5"},
	} {
		o := nested()
		got, err := o.list(t, calling(t, "", cloud(t, o)), "run", `{"units":[`+test.units+`]}`)
		var output protocol.OrganizationOutput
		if err := errors.Join(err, json.Unmarshal([]byte(got), &output)); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, a := range output.Accounts {
			ids = append(ids, a.ID[:1])
		}
		if diff := cmp.Diff(test.want, strings.Join(ids, " ")); diff != "" {
			t.Errorf("units %s (-want +got):\n%s", test.units, diff)
		}
		for key, n := range o.asked {
			if n != max(1, len(o.accounts[key])) && !strings.HasPrefix(key, "ListOrganizationalUnitsForParent r-") {
				t.Errorf("units %s: %s was asked for %d times", test.units, key, n)
			}
		}
	}
}

// A throttle is transient, and the next attempt of the run asks only for what is missing.
func TestAThrottledOrganizationIsListedOn(t *testing.T) {
	t.Parallel()
	o := nested()
	o.refuse = map[string]string{"ListAccountsForParent ou-ab12-22222222": "TooManyRequestsException"}
	tasks := calling(t, "", cloud(t, o))
	_, err := o.list(t, tasks, "run", `{"units":["r-ab12"]}`)
	if failed, ok := errors.AsType[*task.CallError](err); !ok || failed.Name != "TooManyRequestsException" || !failed.Transient() {
		t.Errorf("throttled: %v, want a transient TooManyRequestsException", err)
	}
	o.refuse = nil
	if got, err := o.list(t, tasks, "run", `{"units":["r-ab12"]}`); err != nil || !strings.Contains(got, "accounts in the organization: 5") {
		t.Errorf("then: %s, %v, want 5 accounts", got, err)
	}
	if n, again := o.asked["ListAccountsForParent ou-ab12-11111111"], o.asked["ListAccountsForParent ou-ab12-22222222"]; n != 2 || again != 2 {
		t.Errorf("%v, want what was listed once, and the rest again", o.asked)
	}
	if _, err := o.list(t, tasks, "another run", `{"units":["r-ab12"]}`); err != nil || o.asked["ListAccountsForParent ou-ab12-11111111"] != 4 {
		t.Errorf("another run: %v, %v, want all of it again", err, o.asked)
	}
}

// A refused listing has AWS's code, names the operation, and says what to allow. It is not
// tried again; not even when others are throttled.
func TestARefusedOrganizationHasAWSsCode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		parameters string
		refuse     map[string]string
		want       string
	}{
		{`{}`, map[string]string{"ListAccounts": "AccessDeniedException"}, "AccessDeniedException"},
		{`{}`, map[string]string{"ListAccounts": "AWSOrganizationsNotInUseException"}, "AWSOrganizationsNotInUseException"},
		{
			`{"units":["ou-ab12-11111111","ou-ab12-22222222"]}`,
			map[string]string{
				"ListAccountsForParent ou-ab12-11111111": "TooManyRequestsException", "ListOrganizationalUnitsForParent ou-ab12-22222222": "ParentNotFoundException",
			},
			"ParentNotFoundException",
		},
	} {
		o := nested()
		o.refuse = test.refuse
		_, err := o.list(t, calling(t, "", cloud(t, o)), "run", test.parameters)
		if failed, ok := errors.AsType[*task.CallError](err); !ok || failed.Name != test.want || failed.Transient() {
			t.Errorf("%s: %v, want %s", test.parameters, err, test.want)
		}
		if !strings.HasPrefix(err.Error(), "organizations:List") || strings.Contains(err.Error(), "; allow it for ") != (test.want == "AccessDeniedException") {
			t.Errorf("%s: %v, want the operation, and what to allow if that is missing", test.parameters, err)
		}
	}
}
