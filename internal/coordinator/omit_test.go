package coordinator_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"meridian/internal/coordinator"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// askedTasks counts the questions whether a target is left out.
type askedTasks struct {
	coordinator.Tasks

	asked int
}

func (a *askedTasks) Omits(string, json.RawMessage) func(string, bool, string, []string) string {
	return func(string, bool, string, []string) string { a.asked++; return "" }
}

func TestAPlanThatIsTooLargeIsNotAskedForEachTarget(t *testing.T) {
	t.Parallel()
	organization := protocol.OrganizationOutput{}
	for i := range 1000 {
		organization.Accounts = append(organization.Accounts, protocol.OrganizationAccount{ID: fmt.Sprintf("%012d", i), State: "ACTIVE"})
	}
	tasks := &askedTasks{Tasks: task.Builtin()}
	c := &coordinator.Coordinator{Invoker: &bank{do: listing(organization, nil)}, Tasks: tasks}
	r := protocol.Request{Task: "sleep", Parameters: json.RawMessage(`{"seconds":1}`), Role: "reader", Targets: protocol.Targets(numbered(100)...), Regions: []string{"us-*"}}
	r.Accounts = manyAccounts(1000)
	if _, err := c.Plan(r, protocol.MaxPayloadBytes); err == nil {
		t.Error("the accounts are not refused")
	}
	r.Accounts, r.Organization = nil, new(protocol.Organization)
	p, err := c.Plan(r, protocol.MaxPayloadBytes)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Execute(t.Context(), p); got.Status != protocol.StatusFailed {
		t.Errorf("the organization: %s, want it refused", got.Status)
	}
	if tasks.asked != 0 {
		t.Errorf("asked for %d targets, want none", tasks.asked)
	}
}
