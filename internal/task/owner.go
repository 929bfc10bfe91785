package task

import (
	"context"
	"errors"
	"sync"
)

// An owner is the account that the credentials belong to.
type owner struct {
	asked lookup[string] // by Region
	once  sync.Once
	known chan struct{} // closed when id is known
	id    string
}

// Account returns the id of the account that the credentials belong to. The credentials
// may have it; else each Region asks AWS, once, and the first answer is every Region's.
// That needs no permission.
func (a *AWS) Account(ctx context.Context, region string) (string, error) {
	if a == nil {
		_, err := a.api(ctx)
		return "", err
	}
	o := &a.owner
	select {
	case <-o.known: // before an error that is kept
		return o.id, nil
	default:
	}
	_, err := o.asked.get(ctx, region, 0, o.known, func(ctx context.Context) (string, error) {
		id, err := a.askAccount(ctx, region)
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
func (a *AWS) askAccount(ctx context.Context, region string) (string, error) {
	api, err := a.api(ctx)
	if err != nil {
		return "", err
	}
	if id := api.Client.Account(ctx); id != "" {
		return id, nil
	}
	answer, err := a.ask(ctx, region, "sts:GetCallerIdentity", nil, nil)
	if err != nil {
		return "", err
	}
	id, _ := answer["Account"].(string)
	if id == "" {
		return "", &CallError{Name: ErrorCallAnswer, Err: errors.New("sts:GetCallerIdentity answered without an account")}
	}
	return id, nil
}
