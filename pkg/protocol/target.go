package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// A Target is a target of a request. In JSON it is an object, or only its name.
type Target struct {
	// Name is what outcomes call the target, up to MaxTargetLength bytes.
	Name string `json:"name"`

	// Input is any JSON for the task or the worker. Nil means none.
	Input json.RawMessage `json:"input,omitzero" any:"JSON"`
}

// targetFields is a Target without its methods.
type targetFields Target

// UnmarshalJSON reads a target, or its name. It is as strict as [DecodeStrict].
func (t *Target) UnmarshalJSON(data []byte) error {
	if data = bytes.TrimSpace(data); kindOf(data) == "a string" {
		*t = Target{Name: unquoted(data)}
		return nil
	}
	if kindOf(data) != "an object" {
		return Faults{NewFault("", json.RawMessage(data), "want a target's name, or an object with name and input, got "+kindOf(data))}.Err()
	}
	return DecodeStrict(data, (*targetFields)(t)).Err()
}

// MarshalJSON writes the name of a target without an input, else an object.
func (t Target) MarshalJSON() ([]byte, error) {
	if t.Input == nil {
		return Marshal(t.Name)
	}
	return Marshal(targetFields(t))
}

// Targets returns targets with these names, and without inputs.
func Targets(names ...string) []Target {
	targets := make([]Target, len(names))
	for i, name := range names {
		targets[i].Name = name
	}
	return targets
}

// TargetNames returns the names of targets. Nil stays nil.
func TargetNames(targets []Target) []string {
	if targets == nil {
		return nil
	}
	names := make([]string, len(targets))
	for i, t := range targets {
		names[i] = t.Name
	}
	return names
}

// targets checks the targets of a request.
func (f *Faults) targets(targets []Target) {
	if targets != nil && len(targets) == 0 {
		f.add("targets", targets, `is empty; leave it out for the default, "`+DefaultTarget+`"`)
	}
	if f.tooMany("targets", len(targets), MaxTargets) {
		return
	}
	for i, t := range targets {
		at := fmt.Sprintf("targets[%d]", i)
		if t.Name == "" || t.Input != nil { // an object, or as good as one
			at += ".name"
		}
		f.entry(at, t.Name)
		if t.Name == EveryService && t.Input != nil {
			f.add(fmt.Sprintf("targets[%d].input", i), t.Input, "is for one target, and %q stands for many; name each", EveryService)
		}
	}
	f.unique("targets", TargetNames(targets))
}

// Inputs has the inputs of targets by their names. A target without one is not in it.
type Inputs map[string]json.RawMessage

// InputsOf returns the inputs of targets, or nil if none has one.
func InputsOf(targets []Target) (inputs Inputs) {
	for _, t := range targets {
		if t.Input == nil {
			continue
		}
		if inputs == nil {
			inputs = make(Inputs, len(targets))
		}
		inputs[t.Name] = t.Input
	}
	return inputs
}

// Of returns the inputs of the targets of work, or nil if none has one.
func (i Inputs) Of(work []RegionTargets) (some Inputs) {
	if i == nil {
		return nil
	}
	for _, region := range work {
		for _, name := range region.Targets {
			input, ok := i[name]
			if ok && some == nil {
				some = make(Inputs, len(region.Targets))
			}
			if ok {
				some[name] = input
			}
		}
	}
	return some
}

// inputFields is Inputs without its methods.
type inputFields Inputs

// UnmarshalJSON reads an object.
func (i *Inputs) UnmarshalJSON(data []byte) error {
	if kind := kindOf(bytes.TrimSpace(data)); kind != "an object" {
		return fmt.Errorf("want an object, got %s", kind)
	}
	return json.Unmarshal(data, (*inputFields)(i)) //nolint:wrapcheck // the data is valid JSON
}
