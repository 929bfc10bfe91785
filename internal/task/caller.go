package task

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"meridian/internal/awsapi"
	"meridian/internal/awsapi/model"
	"meridian/pkg/protocol"
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
	return &caller{allowed: allowed, aws: a, owner: owner{known: make(chan struct{})}}, nil
}

// A caller calls operations of AWS for the tasks.
type caller struct {
	allowed allow
	aws     *AWS
	enabled lookup[protocol.EnabledRegionsOutput] // by partition
	owner   owner
}

// call calls the operation that is the target.
func (c *caller) call(ctx context.Context, in Input[CallParameters]) (CallOutput, error) {
	op, problem := lookUpOperation(in.Target) // Parameters are shared by goroutines
	if problem != "" {
		return CallOutput{}, fmt.Errorf("%s %s", in.Target, problem)
	}
	if err := c.allowed.check(op); err != nil {
		return CallOutput{}, err
	}
	p, account := in.Parameters, ""
	if p.ofAccount {
		var err error
		if account, err = c.account(ctx, in.Region); err != nil {
			return CallOutput{}, c.explain(ctx, in.Region, err)
		}
	}
	var of *room // nil before anything is sent
	defer func() { of.free() }()
	answer, err := c.send(ctx, op, in.Region, p.filled(op, in.RunID, in.Region, account, in.Target), func(api *awsapi.API) {
		of = c.aws.rooms.room(op, p.MaxBytes)
		api.MaxPages, api.MaxBytes, api.Hold = p.MaxPages, of.answer, of.hold
	})
	if failed, ok := errors.AsType[*CallError](err); ok && failed.Name == ErrorCallTooLarge {
		failed.Err = of.tooLarge()
	}
	if err != nil {
		return CallOutput{}, c.explain(ctx, in.Region, err)
	}
	b, end := c.aws.budget(ctx)
	defer end()
	return p.output(answer, of, b)
}

// send calls an operation, which has to be allowed, or one of the tasks' own. limit sets the
// limits of the call; nil means the defaults.
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
		return awsapi.Answer{}, c.aws.withoutSecrets(ctx, callError(ctx, op, input, err))
	}
	return answer, nil
}

// An owner is the account that the credentials belong to.
type owner struct {
	asked lookup[string] // by Region
	once  sync.Once
	known chan struct{} // closed when id is known
	id    string
}

// account returns the id of the account that the credentials belong to. The credentials
// may have it; else each Region asks AWS, once, and the first answer is every Region's.
// That needs no permission.
func (c *caller) account(ctx context.Context, region string) (string, error) {
	o := &c.owner
	select {
	case <-o.known: // before an error that is kept
		return o.id, nil
	default:
	}
	_, err := o.asked.get(ctx, region, 0, o.known, func(ctx context.Context) (string, error) {
		id, err := c.askAccount(ctx, region)
		if err == nil {
			o.once.Do(func() { o.id = id; close(o.known) })
		}
		return id, err
	})
	select {
	case <-o.known:
		return o.id, nil
	default:
		return "", err
	}
}

// askAccount returns the id of the account that the credentials have, or that AWS answers
// in a Region.
func (c *caller) askAccount(ctx context.Context, region string) (string, error) {
	api, err := c.aws.api(ctx)
	if err != nil {
		return "", err
	}
	if id := api.Client.Account(ctx); id != "" {
		return id, nil
	}
	op, problem := lookUpOperation("sts:GetCallerIdentity")
	if problem != "" {
		return "", errors.New(problem)
	}
	answer, err := c.send(ctx, op, region, nil, nil)
	if err != nil {
		return "", err
	}
	id, _ := answer.Value["Account"].(string)
	if id == "" {
		return "", &CallError{Name: ErrorCallAnswer, Err: errors.New("sts:GetCallerIdentity answered without an account")}
	}
	return id, nil
}
