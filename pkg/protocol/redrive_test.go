package protocol_test

import (
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/pkg/protocol"
)

// Each value of a redrive replaces the request's field of the same name, and no other.
func TestApplyReplacesTheRequestsFieldsOfTheSameNames(t *testing.T) {
	t.Parallel()
	request, full := requestFull(), *redriveFull()
	selects := map[string]bool{"Regions": true, "Accounts": true, "Errors": true}
	for field, value := range reflect.ValueOf(full).Fields() {
		t.Run(field.Name, func(t *testing.T) {
			t.Parallel()
			var d protocol.Redrive
			reflect.ValueOf(&d).Elem().FieldByIndex(field.Index).Set(value)
			want := request
			if !selects[field.Name] {
				by := value
				if by.Kind() == reflect.Pointer {
					by = by.Elem()
				}
				reflect.ValueOf(&want).Elem().FieldByName(field.Name).Set(by)
			}
			if diff := cmp.Diff(want, d.Apply(request)); diff != "" {
				t.Errorf("Apply (-want +got):\n%s", diff)
			}
		})
	}
}

// Nil means that the request's value stays.
func TestApplyOfNothingChangesNothing(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(requestFull(), protocol.Redrive{}.Apply(requestFull())); diff != "" {
		t.Errorf("Apply (-want +got):\n%s", diff)
	}
}

// Selects goes by the Region, the account and the errors, and not by the status.
func TestSelects(t *testing.T) {
	t.Parallel()
	o := protocol.RegionOutcome{
		Account: "111122223333", AccountName: "prod", Region: "eu-west-1", Error: "States.TaskFailed",
		Targets: []protocol.TargetOutcome{{Error: "AccessDenied"}, {Status: protocol.StatusSucceeded}},
	}
	for _, tt := range []struct {
		name string
		d    protocol.Redrive
		want bool
	}{
		{"nothing", protocol.Redrive{}, true},
		{"the Region", protocol.Redrive{Regions: []string{"us-east-1", "eu-west-1"}}, true},
		{"a pattern", protocol.Redrive{Regions: []string{"eu-*"}}, true},
		{"a pattern that is none", protocol.Redrive{Regions: []string{"[eu-west-1"}}, false},
		{"another Region", protocol.Redrive{Regions: []string{"eu-west-2"}}, false},
		{"the account", protocol.Redrive{Accounts: []string{"111122223333"}}, true},
		{"the account's name", protocol.Redrive{Accounts: []string{"prod"}}, true},
		{"another account", protocol.Redrive{Accounts: []string{"dev"}}, false},
		{"the Region's error", protocol.Redrive{Errors: []string{"States.*"}}, true},
		{"a target's error", protocol.Redrive{Errors: []string{"AccessDenied"}}, true},
		{"another error", protocol.Redrive{Errors: []string{"States.Timeout"}}, false},
		{"one of two", protocol.Redrive{Regions: []string{"eu-west-1"}, Errors: []string{"States.Timeout"}}, false},
	} {
		if got := tt.d.Selects(&o); got != tt.want {
			t.Errorf("%s: Selects = %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestEveryBadFormOfARedriveIsRefusedByItsField(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", `{}`, ""},
		{"everything", string(encode(t, redriveFull())), ""},
		{"zeros, which mean what they mean in a request", `{"timeoutSeconds":0,"maxConcurrency":0,"retry":[]}`, ""},
		{"no Regions", `{"regions":[]}`, `regions: []: is empty; leave it out for any Region`},
		{"no accounts", `{"accounts":[]}`, `accounts: []: is empty; leave it out for any account`},
		{"no errors", `{"errors":[]}`, `errors: []: is empty; leave it out for any error`},
		{"a blank Region", `{"regions":[" "]}`, `regions[0]: " ": is blank`},
		{"a number for an account", `{"accounts":[111122223333]}`, `accounts[0]: 111122223333: want a string, got a number`},
		{"too many Regions", `{"regions":[` + times(`"a"`, 201) + `]}`, `regions: has 201 entries; at most 200`},
		{"too many accounts", `{"accounts":[` + times(`"a"`, 1001) + `]}`, `accounts: has 1001 entries; at most 1000`},
		{"too many errors", `{"errors":[` + times(`"a"`, 101) + `]}`, `errors: has 101 entries; at most 100`},
		{"a time", `{"timeoutSeconds":-1}`, `timeoutSeconds: -1: out of range; want 0 to 99999999 seconds (0 means what the function's deadline leaves)`},
		{"a Region's time", `{"regionTimeoutSeconds":1e8}`, `regionTimeoutSeconds: 100000000: out of range; want 0 to 99999999 seconds (0 means what is left of the run)`},
		{"a target's time", `{"targetTimeoutSeconds":"1"}`, `targetTimeoutSeconds: "1": want a number, got a string`},
		{"a bound", `{"maxConcurrency":-1}`, `maxConcurrency: -1: out of range; want 0 to 2147483647 (0 means as many as there are)`},
		{"a bound of targets", `{"targetMaxConcurrency":10001}`, `targetMaxConcurrency: 10001: out of range; want 0 to 10000 (0 means 64)`},
		{"a retrier", `{"retry":[{}]}`, `retry[0].errorEquals: name at least one error; "States.ALL" matches any error`},
		{"too many retriers", `{"targetRetry":[` + times(`{"errorEquals":["a"]}`, 101) + `]}`, `targetRetry: has 101 entries; at most 100`},
		{"a field of the request", `{"task":"sleep"}`, `task: "sleep": unknown field; known are regions, accounts, errors, timeoutSeconds, ` +
			`regionTimeoutSeconds, targetTimeoutSeconds, maxConcurrency, targetMaxConcurrency, retry, targetRetry`},
		{"null", `{"regions":null}`, `regions: null: null is not allowed; leave the field out`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var d protocol.Redrive
			faults := protocol.DecodeStrict([]byte(tt.in), &d)
			if got := faultText(faults.And(d.Validate())); got != tt.want {
				t.Errorf("faults of %.200s = %s, want %s", tt.in, got, tt.want)
			}
		})
	}
}

// Shared fields have the limits of a Request: the same value is the same fault.
func TestARedrivesSharedFieldsHaveTheLimitsOfARequest(t *testing.T) {
	t.Parallel()
	bad := protocol.Redrive{
		TimeoutSeconds: new(math.NaN()), RegionTimeoutSeconds: new(-1.0), TargetTimeoutSeconds: new(math.Inf(1)), MaxConcurrency: new(-1),
		TargetMaxConcurrency: new(protocol.MaxTargets + 1), Retry: []protocol.Retrier{{}}, TargetRetry: []protocol.Retrier{{BackoffRate: 0.5}},
	}
	want := bad.Apply(protocol.Request{}).Validate()
	if diff := cmp.Diff(want, bad.Validate()); diff != "" || len(want) != 8 {
		t.Errorf("Validate = %d faults, want 8 (-request's +redrive's):\n%s", len(want), diff)
	}
}

// A redrive repeats what it selects, unless that succeeded or was skipped.
func TestRepeats(t *testing.T) {
	t.Parallel()
	repeated := map[protocol.Status]bool{
		protocol.StatusFailed: true, protocol.StatusTimedOut: true, protocol.StatusAborted: true, protocol.StatusNotStarted: true,
		protocol.StatusRunning: true,
	}
	for _, s := range protocol.Statuses() {
		o := &protocol.RegionOutcome{Region: "eu-west-1", Status: s}
		if got := (protocol.Redrive{Regions: []string{"eu-*"}}).Repeats(o); got != repeated[s] {
			t.Errorf("Repeats of %s = %v, want %v", s, got, repeated[s])
		}
		if (protocol.Redrive{Regions: []string{"us-*"}}).Repeats(o) {
			t.Errorf("Repeats of %s in a Region that is not selected", s)
		}
	}
}

// faultText returns faults as the text of their error, or "".
func faultText(faults protocol.Faults) string {
	if err := faults.Err(); err != nil {
		return fmt.Sprint(err)
	}
	return ""
}
