package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"

	"meridian/internal/awsapi"
	"meridian/internal/awsapi/model"
	"meridian/internal/fanout"
	"meridian/internal/wire"
	"meridian/pkg/protocol"
)

// identifyTimeout bounds the look-up of the accounts of profiles. One that takes longer,
// as a process that asks for a code may, is looked up again by its items.
const identifyTimeout = 10 * time.Second

// profilesAtOnce is how many profiles are looked up at once: each may start a process.
const profilesAtOnce = 16

// identifyProfiles fills in the ids of the request's accounts that have a profile and no
// id. A profile whose credentials cannot be used keeps an empty id; its items fail on their
// own. A profile that does not exist is an error.
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
	slots := make(chan struct{}, profilesAtOnce)
	var done sync.WaitGroup
	for i := range accounts {
		if wanted(accounts[i]) {
			done.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				accounts[i].ID, missing[i] = accountOfProfile(ctx, accounts[i].Profile)
			})
		}
	}
	done.Wait()
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
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return "", nil //nolint:nilerr // its items fail with it
	}
	if protocol.ValidAccount(credentials.AccountID) {
		return credentials.AccountID, nil
	}
	return callerAccount(ctx, cfg), nil
}

// callerAccount asks STS for the account of credentials. It returns "" without an answer.
func callerAccount(ctx context.Context, cfg aws.Config) string {
	at, err := awsapi.EndpointsOf(ctx, cfg)
	if err != nil {
		return ""
	}
	op, err := model.Lookup("sts", "GetCallerIdentity")
	if err != nil {
		return ""
	}
	base, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		base = awshttp.NewBuildableClient()
	}
	t := base.GetTransport()
	pool := wire.New(wire.Config{TLS: t.TLSClientConfig, Proxy: t.Proxy})
	api := awsapi.API{Client: awsapi.New(pool, cfg.Credentials), Endpoints: at}
	answer, err := api.Call(ctx, op, cfg.Region, nil)
	if err != nil {
		return ""
	}
	id, _ := answer.Value["Account"].(string)
	if !protocol.ValidAccount(id) {
		return ""
	}
	return id
}
