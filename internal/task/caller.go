package task

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"meridian/internal/awsapi"
	"meridian/internal/awsapi/model"
)

// newCall returns the function of the task "call".
func newCall(s Settings, a *AWS) (Func[CallParameters, CallOutput], error) {
	c, err := newCaller(s, a)
	if err != nil {
		return nil, err
	}
	return c.call, nil
}

// newCaller returns a caller of the operations that the settings allow.
func newCaller(s Settings, a *AWS) (*caller, error) {
	allowed, err := parseAllow(s.Lookup(SettingCallAllow))
	if err != nil {
		return nil, err
	}
	c := &caller{allowed: allowed, aws: a}
	c.enabled.list = c.listEnabled
	return c, nil
}

// A caller calls operations of AWS for the tasks.
type caller struct {
	allowed allow
	aws     *AWS
	enabled enabledRegions
	owner   owner
}

// call calls the operation that is the target.
func (c *caller) call(ctx context.Context, in Input[CallParameters]) (CallOutput, error) {
	op, problem := lookUpOperation(in.Target) // Parameters are shared by goroutines
	if problem != "" {
		return CallOutput{}, fmt.Errorf("%s %s", in.Target, problem)
	}
	p, account := in.Parameters, ""
	if bytes.Contains(p.Input, []byte(accountPlaceholder)) {
		var err error
		if account, err = c.account(ctx, in.Region); err != nil {
			return CallOutput{}, c.explain(ctx, in.Region, err)
		}
	}
	var held int64
	defer func() { // when the answer has become an output
		if held > 0 {
			c.aws.answers.Release(held)
		}
	}()
	answer, err := c.ask(ctx, op, in.Region, p.filled(op, in.RunID, in.Region, account, in.Target), func(api *awsapi.API) {
		api.MaxPages, api.MaxBytes = p.MaxPages, int64(p.MaxBytes)
		api.Hold = func(ctx context.Context) (err error) {
			held, err = c.aws.hold(ctx, cmp.Or(api.MaxBytes, awsapi.DefaultMaxBytes))
			return err
		}
	})
	if err != nil {
		return CallOutput{}, c.explain(ctx, in.Region, err)
	}
	return p.output(answer)
}

// ask calls an operation if it is allowed. limit sets the limits of the call; nil means the
// defaults.
func (c *caller) ask(
	ctx context.Context, op *model.Operation, region string, input map[string]any, limit func(*awsapi.API),
) (awsapi.Answer, error) {
	if err := c.allowed.check(op); err != nil {
		return awsapi.Answer{}, err
	}
	return c.send(ctx, op, region, input, limit)
}

// send calls an operation without asking whether it is allowed.
func (c *caller) send(
	ctx context.Context, op *model.Operation, region string, input map[string]any, limit func(*awsapi.API),
) (awsapi.Answer, error) {
	api, err := c.aws.api(ctx)
	if err != nil {
		return awsapi.Answer{}, err
	}
	limited := *api
	if limit != nil {
		limit(&limited)
	}
	answer, err := limited.Call(ctx, op, region, input)
	if err != nil {
		return awsapi.Answer{}, callError(ctx, op, input, err)
	}
	return answer, nil
}

// An owner is the account that the credentials belong to, once it is known.
type owner struct {
	mu sync.Mutex
	id string
}

// account returns the id of the account that the credentials belong to. The credentials
// may have it; else AWS is asked, once. That needs no permission.
func (c *caller) account(ctx context.Context, region string) (string, error) {
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	if c.owner.id != "" {
		return c.owner.id, nil
	}
	api, err := c.aws.api(ctx)
	if err != nil {
		return "", err
	}
	if c.owner.id = api.Client.Account(ctx); c.owner.id != "" {
		return c.owner.id, nil
	}
	op, problem := lookUpOperation("sts:GetCallerIdentity")
	if problem != "" {
		return "", errors.New(problem)
	}
	answer, err := c.send(ctx, op, region, nil, nil)
	if err != nil {
		return "", err
	}
	c.owner.id, _ = answer.Value["Account"].(string)
	return c.owner.id, nil
}
