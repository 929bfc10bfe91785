package main

import (
	"fmt"
	"sync"

	"meridian/pkg/protocol"
)

// attempts are the attempts in accounts that are running.
type attempts struct {
	mu      sync.Mutex
	running map[string]protocol.Event // by what names an attempt of a run
}

// event follows the start or the end of an attempt. Without an account it does nothing.
func (a *attempts) event(e protocol.Event) {
	if e.Account == "" || e.Attempt == nil {
		return
	}
	key := fmt.Sprint(e.Account, " ", e.Region, " ", e.Attempt.Batch, " ", e.Number)
	a.mu.Lock()
	defer a.mu.Unlock()
	if e.Type == protocol.EventAttemptEnded {
		delete(a.running, key)
		return
	}
	if a.running == nil {
		a.running = map[string]protocol.Event{}
	}
	a.running[key] = e
}

// where returns in how many accounts attempts are running, or the last account with its
// Region, or "".
func (a *attempts) where() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	accounts, regions := map[string]bool{}, map[string]bool{}
	account, region := "", ""
	for _, e := range a.running {
		account, region = e.Account, e.Region
		accounts[account] = true
		regions[region] = true
		for _, r := range e.Regions {
			regions[r] = true
		}
	}
	switch {
	case len(accounts) > 1:
		return count(len(accounts), "account")
	case len(regions) > 1:
		return account + ", " + count(len(regions), "Region")
	}
	if account == "" {
		return ""
	}
	return account + " " + region
}
