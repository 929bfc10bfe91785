package task

import "context"

// as returns what calls AWS in a Region for the invocation of a context.
func (a *AWS) as(_ context.Context, _ string) *AWS { return a }

// concealed returns the error of a target without the secrets of credentials.
func (a *AWS) concealed(err error) error {
	if a == nil {
		return err
	}
	api, _ := a.ready.known("")
	if api.value == nil {
		return err
	}
	text := err.Error()
	if hidden := api.value.Client.Conceal(text); hidden != text {
		return &concealedError{err, hidden}
	}
	return err
}

// A concealedError is an error with another text.
type concealedError struct {
	err  error
	text string
}

// Error returns the text.
func (e *concealedError) Error() string { return e.text }

// Unwrap returns the error.
func (e *concealedError) Unwrap() error { return e.err }
