package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxBody is how much of an answer's body is matched at most, in bytes.
const maxBody = 64 << 10

// Expect says what an answer must be like. A sample with another answer fails
// with the name of the first field that differs. The zero Expect accepts every answer,
// and reads no body.
type Expect struct {
	// Status lists statuses, such as "200", and classes of them, such as "2xx". The
	// answer's status must be one of them; otherwise the error is ErrorStatus. Empty
	// means any.
	Status []string

	// Body lists expressions that must all match the body; otherwise the error is
	// ErrorBody. They are matched with what has arrived when the body ends, after 64
	// KiB of it, or when the time of the exchange is over.
	Body []*regexp.Regexp

	// NotBody lists expressions that must not match the body, not even one of them. The
	// rest is as for Body.
	NotBody []*regexp.Regexp
}

// CheckStatus returns what is wrong with an element of Expect.Status, or "".
func CheckStatus(text string) (problem string) {
	if len(text) == 3 && text[0] >= '2' && text[0] <= '5' {
		if n, err := strconv.Atoi(text); text[1:] == "xx" || err == nil && n <= 599 {
			return ""
		}
	}
	return "want a status from 200 to 599, or a class of them such as 2xx"
}

// meet checks the answer. The body has not been read yet.
func (h *hop) meet(ctx context.Context, body io.Reader) error {
	e, status := h.request.Expect, strconv.Itoa(h.sample.Status)
	if len(e.Status) > 0 && !slices.ContainsFunc(e.Status, func(want string) bool {
		return want == status || want == status[:1]+"xx"
	}) {
		return &Error{ErrorStatus, h.doing(), fmt.Errorf("status %s, want %s", status, strings.Join(e.Status, " or "))}
	}
	if len(e.Body)+len(e.NotBody) == 0 {
		return nil
	}
	text, whole, err := h.read(ctx, body)
	if err != nil {
		return err
	}
	problem := ""
	for _, want := range e.Body {
		if problem == "" && !want.Match(text) {
			problem = fmt.Sprintf("does not match %q", want)
		}
	}
	for _, unwanted := range e.NotBody {
		if problem == "" && unwanted.Match(text) {
			problem = fmt.Sprintf("matches %q", unwanted)
		}
	}
	if problem == "" {
		return nil
	}
	if !whole {
		problem += fmt.Sprintf(" in the %d bytes that were read", len(text))
	}
	return &Error{ErrorBody, h.doing(), errors.New("the body " + problem)}
}

// read returns the body, or the part of it that has arrived after maxBody bytes or when
// the phase's time is over.
func (h *hop) read(ctx context.Context, body io.Reader) (text []byte, whole bool, err error) {
	text, err = io.ReadAll(io.LimitReader(body, maxBody))
	if err == nil {
		return text, len(text) < maxBody, nil
	}
	if ended(ctx) {
		if _, slow := errors.AsType[*slowError](context.Cause(ctx)); slow {
			return text, false, nil
		}
	}
	return nil, false, h.answerError(err)
}
