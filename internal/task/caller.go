package task

import (
	"context"
	"errors"
	"fmt"

	"meridian/internal/awsapi"
)

// newCall returns the function of the task "call".
func newCall(s Settings) (Func[CallParameters, CallOutput], error) {
	allowed, err := parseAllow(s.Lookup(SettingCallAllow))
	if err != nil {
		return nil, err
	}
	return allowed.call, nil
}

// call calls the operation that is the target.
func (a allow) call(ctx context.Context, in Input[CallParameters]) (CallOutput, error) {
	op, problem := lookUpOperation(in.Target.Name) // Parameters are shared by goroutines
	if problem != "" {
		return CallOutput{}, fmt.Errorf("%s %s", in.Target.Name, problem)
	}
	if err := a.check(op); err != nil {
		return CallOutput{}, err
	}
	p, account := in.Parameters, ""
	if p.ofAccount {
		var err error
		if account, err = in.AWS.Account(ctx, in.Region); err != nil {
			return CallOutput{}, in.AWS.explain(ctx, in.Region, err)
		}
	}
	var of *room // nil before anything is sent
	defer func() { of.free() }()
	input := p.filled(op, in.RunID, in.Region, account, in.Target.Name)
	answer, err := in.AWS.send(ctx, op, in.Region, input, op.Idempotent(input), func(api *awsapi.API) {
		of = in.AWS.rooms.room(op, p.MaxBytes)
		api.MaxPages, api.MaxBytes, api.Hold = p.MaxPages, of.answer, of.hold
	})
	if failed, ok := errors.AsType[*CallError](err); ok && failed.Name == ErrorCallTooLarge {
		failed.Err = of.tooLarge()
	}
	if err != nil {
		return CallOutput{}, in.AWS.explain(ctx, in.Region, err)
	}
	b, end := in.AWS.budget(ctx)
	defer end()
	return p.output(answer, of, b)
}
