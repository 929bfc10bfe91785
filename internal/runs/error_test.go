package runs_test

import (
	"testing"

	"meridian/internal/runs"
)

func TestARefusalHasANameAStatusAndARun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err interface {
			error
			ErrorName() string
			HTTPStatus() int
			Run() string
		}
		name   string
		status int
		text   string
	}{
		{&runs.ConflictError{Key: "k", RunID: "r"}, "Meridian.Conflict", 409, "key k belongs to run r, which another request has started; use a new key, or send the same request"},
		{&runs.NotFoundError{RunID: "r"}, "Meridian.NotFound", 404, "there is no run r"},
		{&runs.StateError{RunID: "r", Cause: "has ended"}, "Meridian.WrongState", 409, "run r has ended"},
	} {
		if e := tt.err; e.ErrorName() != tt.name || e.HTTPStatus() != tt.status || e.Run() != "r" || e.Error() != tt.text {
			t.Errorf("%T: %s, %d, %s, %v, want %+v", e, e.ErrorName(), e.HTTPStatus(), e.Run(), e, tt)
		}
	}
}
