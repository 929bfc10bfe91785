package task

import (
	"fmt"
	"path"
	"strings"

	"meridian/internal/awsapi/model"
)

// SettingCallAllow lists the operations that the task "call" may call, separated by
// commas: patterns such as "ec2:Describe*", and "reads" for every operation that only
// reads and hands out no secrets. Empty means none.
const SettingCallAllow = "MERIDIAN_CALL_ALLOW"

// reads, in SettingCallAllow, allows every operation that only reads.
const reads = "reads"

// An allow is the value of SettingCallAllow.
type allow struct {
	setting  string
	reads    bool
	patterns []string
}

// parseAllow reads the value of SettingCallAllow.
func parseAllow(setting string) (allow, error) {
	a := allow{setting: setting}
	for pattern := range strings.SplitSeq(setting, ",") {
		switch pattern = strings.TrimSpace(pattern); pattern {
		case "":
		case reads:
			a.reads = true
		default:
			if _, err := path.Match(pattern, ""); err != nil || strings.Count(pattern, ":") != 1 {
				return allow{}, fmt.Errorf("%s: %q is not a pattern such as ec2:Describe*, or %q", SettingCallAllow, pattern, reads)
			}
			a.patterns = append(a.patterns, pattern)
		}
	}
	return a, nil
}

// CheckCallAllowed returns a [NotAllowedError] for the first of the targets of the task
// "call" that a worker with a value of MERIDIAN_CALL_ALLOW would refuse.
func CheckCallAllowed(setting string, targets []string) error {
	a, err := parseAllow(setting)
	if err != nil {
		return err
	}
	for _, target := range targets {
		if op, _ := lookUpOperation(target); op != nil {
			if err := a.check(op); err != nil {
				return err
			}
		}
	}
	return nil
}

// check returns a [NotAllowedError] for an operation that is not allowed.
func (a allow) check(op *model.Operation) error {
	name := op.Service + ":" + op.Name
	if a.reads && op.ReadOnly() && !op.Secret() {
		return nil
	}
	for _, pattern := range a.patterns {
		if ok, _ := path.Match(pattern, name); ok {
			return nil
		}
	}
	why := "it does more than read"
	switch {
	case op.Secret():
		why = "it hands out secrets"
	case op.ReadOnly():
		why = "it only reads"
	}
	return &NotAllowedError{Operation: name, Rule: a.setting, Why: why}
}

// A NotAllowedError says that the worker's operator does not allow an operation. Nothing
// was sent.
type NotAllowedError struct {
	// Operation is its name, as in "ec2:RunInstances".
	Operation string

	// Rule is the setting that decides, or "".
	Rule string

	// Why says what kind of operation it is.
	Why string
}

// Error names the operation and the rule, and says what to set.
func (e *NotAllowedError) Error() string {
	rule := fmt.Sprintf("%s is %q", SettingCallAllow, e.Rule)
	if e.Rule == "" {
		rule = SettingCallAllow + " is not set, which allows nothing"
	}
	more := strings.Trim(e.Rule+","+e.Operation, ",")
	return fmt.Sprintf("%s is not allowed here (%s): %s; set %s=%s for the worker", e.Operation, e.Why, rule, SettingCallAllow, more)
}

// ErrorName returns ErrorCallNotAllowed.
func (*NotAllowedError) ErrorName() string { return ErrorCallNotAllowed }
