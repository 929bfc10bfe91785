package protocol

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// DecodeRequest reads a Request strictly and validates it. With faults it also
// returns what it could read, so that the caller can look for more.
func DecodeRequest(data []byte) (Request, Faults) {
	var r Request
	if len(data) > MaxRequestBytes {
		return r, tooLong(data)
	}
	faults := DecodeStrict(data, &r)
	return r, faults.And(r.Validate())
}

// tooLong returns the fault of a message with more than MaxRequestBytes.
func tooLong(data []byte) Faults {
	return Faults{{Detail: fmt.Sprintf("%d bytes are too many; at most %d (1 MiB)", len(data), MaxRequestBytes)}}
}

// DecodeRegionRequest reads a RegionRequest strictly and validates it. A missing
// version, or one above [Version], is an [UnsupportedVersionError], even if other
// values are invalid too. Every other fault is an [InvalidRequestError]. With an error
// it also returns what it could read, so that the answer can repeat it.
func DecodeRegionRequest(data []byte) (RegionRequest, error) {
	var r RegionRequest
	faults := DecodeStrict(data, &r)
	if (r.Version < 1 || r.Version > Version) && (r.Version != 0 || !faults.cover("version")) {
		return r, &UnsupportedVersionError{Got: r.Version}
	}
	return r, faults.And(r.Validate()).Err()
}

// DecodeRegionResult reads a worker's answer. Unknown fields are ignored. An
// output that is nested deeper than [MaxOutputDepth] is an error. The payload of a
// function error is a [FunctionError].
func DecodeRegionResult(data []byte) (RegionResult, error) {
	var r RegionResult
	if err := decodeLenient(data, &r); err != nil {
		return r, fmt.Errorf("region result: %w", err)
	}
	if r.Status == "" {
		if err := functionError(data); err != nil {
			return r, err
		}
	}
	for i, t := range r.Targets {
		if err := CheckOutput(t.Output); err != nil {
			return r, fmt.Errorf("region result: targets[%d].output: %w", i, err)
		}
	}
	return r, nil
}

// CheckOutput returns an error if a target's output, which is valid JSON, is nested
// deeper than [MaxOutputDepth]. It would make the message that carries it unreadable.
func CheckOutput(output json.RawMessage) error {
	if bytes.Count(output, []byte("["))+bytes.Count(output, []byte("{")) <= MaxOutputDepth {
		return nil // most are, and Count is fast
	}
	depth, quoted := 0, false
	for i := 0; i < len(output); i++ {
		switch c := output[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > MaxOutputDepth {
				return fmt.Errorf("arrays and objects are nested more than %d deep", MaxOutputDepth)
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return nil
}

// DecodeResult reads a coordinator's answer. Unknown fields are ignored. A message without a
// status is an error: the payload of a function error is a [FunctionError].
func DecodeResult(data []byte) (Result, error) {
	return decodeAnswer(data, "result", func(r Result) bool { return r.Status != "" })
}

// A FunctionError is a function's error that arrived in the place of its answer. Lambda
// marks such an answer with a header, but a proxy or an emulator can lose it. Its name is
// the function's own.
type FunctionError struct {
	// Type is the error's name. It can be empty.
	Type string `json:"errorType"`

	// Message says what happened. Not empty.
	Message string `json:"errorMessage"`
}

// functionError returns the FunctionError that data encodes, or nil.
func functionError(data []byte) error {
	var e FunctionError
	if json.Unmarshal(data, &e) == nil && e.Message != "" {
		return &e
	}
	return nil
}

// Error returns the name and the message.
func (e *FunctionError) Error() string {
	return "the function failed: " + strings.TrimPrefix(e.Type+": "+e.Message, ": ")
}

// ErrorName returns the name, or ErrorLambdaUnknown if there is none.
func (e *FunctionError) ErrorName() string { return cmp.Or(e.Type, ErrorLambdaUnknown) }

// decodeAnswer reads an answer of a coordinator. An answer that is not complete is an error: a
// [FunctionError] if the answer is the function's error.
func decodeAnswer[T any](data []byte, what string, complete func(T) bool) (T, error) {
	var v T
	if err := decodeLenient(data, &v); err != nil {
		return v, fmt.Errorf("%s: %w", what, err)
	}
	if !complete(v) {
		return v, cmp.Or(functionError(data), fmt.Errorf("%s: it is another message", what))
	}
	return v, nil
}

func decodeLenient(data []byte, v any) error {
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return fmt.Errorf("want a JSON object, got %s", excerpt(trimmed))
	}
	if !utf8.Valid(data) {
		return errors.New("not UTF-8")
	}
	err := json.Unmarshal(data, v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s: want %s, got %s", wrong.Field, KindFor(wrong.Type), wrong.Value)
	}
	if err != nil {
		if fault, ok := malformed(data); ok {
			return errors.New(fault.String())
		}
	}
	return err
}

// An UnsupportedVersionError refuses a message with a version that this program does
// not support. Its name is ErrorUnsupportedVersion.
type UnsupportedVersionError struct {
	// Got is the version of the message. Zero means that it has none.
	Got int
}

// Error returns both versions and what to do.
func (e *UnsupportedVersionError) Error() string {
	got := fmt.Sprintf("needs protocol version %d", e.Got)
	if e.Got == 0 {
		got = "has no protocol version"
	}
	return fmt.Sprintf("request %s, this worker has %d: deploy coordinator and worker together", got, Version)
}

// ErrorName returns ErrorUnsupportedVersion.
func (*UnsupportedVersionError) ErrorName() string { return ErrorUnsupportedVersion }
