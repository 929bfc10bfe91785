package task

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"meridian/internal/awsapi"
	"meridian/pkg/protocol"

	"golang.org/x/sync/errgroup"
)

var _ = register(protocol.OrganizationTask, "list the accounts of the organization", organization, Idempotent, CallsAWS)

// OrganizationParameters are the parameters of the task "organization". Its target is only a
// label. The coordinator runs it for a request for an organization.
type OrganizationParameters struct {
	// Units lists the ids of organizational units and roots. Nil means all of the
	// organization.
	Units []string `json:"units,omitzero" max:"100" help:"organizational units and roots to list, with those below (default all of the organization)"`
}

const (
	// maxListPages limits a listing to 10,000 accounts, ten times as many as a run
	// may have: AWS gives 20 in a page. Their output is less than 4 MB.
	// Source: https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html
	maxListPages = 500

	// unitsAtOnce is how many units are listed at once: Organizations throttles soon.
	unitsAtOnce = 8
)

// A unit is what was found in an organizational unit.
type unit struct {
	accounts []protocol.OrganizationAccount
	children []string
	runID    string // of the run that listed it
}

// organization is the function of the task "organization". The operator need not allow
// what it calls: the request does not choose it.
func organization(ctx context.Context, in Input[OrganizationParameters]) (protocol.OrganizationOutput, error) {
	if _, err := in.AWS.api(ctx); err != nil {
		return protocol.OrganizationOutput{}, err
	}
	found := map[string]protocol.OrganizationAccount{}
	add := func(accounts []protocol.OrganizationAccount) {
		for _, a := range accounts {
			found[a.ID] = a
		}
	}
	if in.Parameters.Units == nil {
		accounts, err := in.AWS.accountsOf(ctx, in.Region, "organizations:ListAccounts", nil)
		if err != nil {
			return protocol.OrganizationOutput{}, err
		}
		add(accounts)
	}
	for level := in.Parameters.Units; len(level) > 0; { // units are nested five deep
		units, err := in.AWS.units(ctx, in.Region, in.RunID, level)
		if err != nil {
			return protocol.OrganizationOutput{}, err
		}
		level = nil
		for _, u := range units {
			add(u.accounts)
			level = append(level, u.children...)
		}
	}
	out := protocol.OrganizationOutput{Accounts: make([]protocol.OrganizationAccount, 0, len(found))}
	active := 0
	for _, a := range found {
		out.Accounts = append(out.Accounts, a)
		if a.State == protocol.StateActive {
			active++
		}
	}
	slices.SortFunc(out.Accounts, func(a, b protocol.OrganizationAccount) int { return strings.Compare(a.ID, b.ID) })
	out.Message = fmt.Sprintf("accounts in the organization: %d, active: %d", len(out.Accounts), active)
	return out, nil
}

// units lists units. When AWS throttles one, the others are listed all the same: the next
// attempt does not list them again. A permanent error takes precedence over a transient one.
func (a *AWS) units(ctx context.Context, region, runID string, ids []string) ([]unit, error) {
	units := make([]unit, len(ids))
	var mu sync.Mutex
	var failed error
	var group errgroup.Group
	group.SetLimit(unitsAtOnce)
	for i, id := range ids {
		group.Go(func() (err error) {
			mu.Lock()
			permanent := failed != nil && !transient(failed)
			mu.Unlock()
			if permanent {
				return nil
			}
			units[i], err = a.unit(ctx, region, runID, id)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && (failed == nil || transient(failed)) {
				failed = err
			}
			return nil
		})
	}
	_ = group.Wait()
	return units, failed
}

// unit lists a unit, once for a run.
func (a *AWS) unit(ctx context.Context, region, runID, id string) (unit, error) {
	if kept, ok := a.listed.Load(id); ok {
		if u, _ := kept.(unit); u.runID == runID {
			return u, nil
		}
	}
	input := map[string]any{"ParentId": id}
	u := unit{runID: runID}
	var err error
	if u.accounts, err = a.accountsOf(ctx, region, "organizations:ListAccountsForParent", input); err != nil {
		return unit{}, err
	}
	const below = "organizations:ListOrganizationalUnitsForParent"
	children, err := a.list(ctx, region, below, "OrganizationalUnits", input)
	if err != nil {
		return unit{}, unlisted(below, err)
	}
	for _, child := range children {
		id, _ := child["Id"].(string)
		u.children = append(u.children, id)
	}
	a.listed.Store(id, u)
	return u, nil
}

// accountsOf lists accounts with an operation.
func (a *AWS) accountsOf(ctx context.Context, region, target string, input map[string]any) ([]protocol.OrganizationAccount, error) {
	list, err := a.list(ctx, region, target, "Accounts", input)
	accounts := make([]protocol.OrganizationAccount, len(list))
	for i, item := range list {
		text := func(name string) string { s, _ := item[name].(string); return s }
		accounts[i] = protocol.OrganizationAccount{ID: text("Id"), Name: text("Name"), State: cmp.Or(text("State"), text("Status"))}
	}
	return accounts, unlisted(target, err)
}

// list calls an operation that lists items.
func (a *AWS) list(ctx context.Context, region, target, member string, input map[string]any) ([]map[string]any, error) {
	answer, err := a.ask(ctx, region, target, input, func(api *awsapi.API) { api.MaxPages = maxListPages })
	if err != nil {
		return nil, err
	}
	found, _ := answer[member].([]any)
	list := make([]map[string]any, len(found))
	for i := range found {
		list[i], _ = found[i].(map[string]any)
	}
	return list, nil
}

// unlisted returns the error of an operation that lists an organization: with its name, and, if
// AWS refused it, what to allow. It returns nil for nil.
func unlisted(target string, err error) error {
	failed, ok := errors.AsType[*CallError](err)
	if !ok {
		return err
	}
	named := *failed // which others may have, too
	named.Err = fmt.Errorf("%s: %w", target, failed.Err)
	if failed.Name == "AccessDeniedException" {
		named.Err = fmt.Errorf("%w; allow it for these credentials, and use those of the management account or of a delegated administrator", named.Err)
	}
	return &named
}
