package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"golang.org/x/sync/errgroup"

	"meridian/internal/fanout"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// identifyTimeout bounds the look-up of the accounts of profiles. One that takes longer,
// as a process that asks for a code may, is looked up again by its items.
const identifyTimeout = 10 * time.Second

// profilesAtOnce is how many profiles are looked up at once: each may start a process.
const profilesAtOnce = 16

// identifyProfiles fills in the ids of the request's accounts that have a profile and no
// id. A profile with credentials that cannot be used keeps an empty id, and only its items
// fail. A profile that does not exist is an error.
func (c *cli) identifyProfiles(ctx context.Context, f *runFlags, request *protocol.Request) error {
	wanted := func(a protocol.Account) bool { return a.Profile != "" && a.ID == "" }
	if !slices.ContainsFunc(request.Accounts, wanted) {
		return nil
	}
	if err := request.Validate().Err(); err != nil {
		return err
	}
	watch := c.await(ctx, "looking up the accounts of the profiles", f.verbose)
	defer watch.stop()
	ctx, cancel := context.WithTimeoutCause(ctx, identifyTimeout, &fanout.TimeoutError{What: "look-up", After: identifyTimeout})
	defer cancel()
	accounts := slices.Clone(request.Accounts)
	missing := make([]error, len(accounts))
	var group errgroup.Group
	group.SetLimit(profilesAtOnce)
	for i := range accounts {
		if wanted(accounts[i]) {
			group.Go(func() error {
				accounts[i].ID, missing[i] = accountOfProfile(ctx, accounts[i].Profile)
				return nil
			})
		}
	}
	_ = group.Wait()
	request.Accounts = accounts
	if err := cmp.Or(missing...); err != nil {
		return usage("%v", explainConfig(err)).hint("run `aws configure list-profiles` to list the profiles")
	}
	return nil
}

// accountOfProfile returns the id of the account of a profile, or "" if its credentials
// cannot be used. The error says that there is no such profile.
func accountOfProfile(ctx context.Context, name string) (string, error) {
	cfg, err := profile(ctx, name)
	if _, missing := errors.AsType[config.SharedConfigProfileNotExistError](err); missing {
		return "", err //nolint:wrapcheck // it says which
	}
	if err != nil {
		return "", nil //nolint:nilerr // its items fail with it
	}
	own := task.NewAWS(0, func(context.Context) (aws.Config, error) { return cfg, nil }, nil)
	id, err := own.Account(ctx, cfg.Region)
	if err != nil || !protocol.ValidAccount(id) {
		return "", nil //nolint:nilerr // its items fail with it
	}
	return id, nil
}
