package fanout

// Restate returns an error with this name and text that otherwise says the same to the
// engine as err. It does not hold err. An attempt's error is kept until the run's end, so
// an error that takes much memory can be replaced by its name and a short text.
func Restate(err error, name, text string) error {
	f := failureOf(err)
	if !f.skip { // which has no name
		f.name = name
	}
	return &restatedError{f, text}
}

// A restatedError is what is left of an error: its text, and what failureOf returns of it.
type restatedError struct {
	failure
	text string
}

func (e *restatedError) Error() string { return e.text }

// ErrorName implements [NamedError].
func (e *restatedError) ErrorName() string { return e.name }
