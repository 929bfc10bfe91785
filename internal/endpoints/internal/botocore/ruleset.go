package botocore

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A ruleset is an endpoint-rule-set-1.json: a tree of rules, of which the first
// whose conditions all hold decides. The language is specified at
// https://smithy.io/2.0/additional-specs/rules-engine/specification.html
type ruleset struct {
	Parameters map[string]parameter `json:"parameters"`
	Rules      []rule               `json:"rules"`
}

// A parameter is an input of the rules.
type parameter struct {
	Default  any  `json:"default"`
	Required bool `json:"required"`
}

// A rule is an endpoint, an error, or a tree of further rules.
type rule struct {
	Type       string     `json:"type"`
	Conditions []call     `json:"conditions"`
	Rules      []rule     `json:"rules"`
	Error      string     `json:"error"`
	Endpoint   ruleTarget `json:"endpoint"`
}

// A ruleTarget is the endpoint that a rule leads to.
type ruleTarget struct {
	URL        any `json:"url"`
	Properties struct {
		AuthSchemes []struct {
			Name          string `json:"name"`
			SigningRegion string `json:"signingRegion"`
		} `json:"authSchemes"`
	} `json:"properties"`
}

// A call of a function; its result may get a name.
type call struct {
	Fn     string `json:"fn"`
	Argv   []any  `json:"argv"`
	Assign string `json:"assign"`
}

// A RefusedError says that the rules of a service rule the endpoint out.
type RefusedError struct {
	// Reason is the text of the rule.
	Reason string
}

// Error gives the reason.
func (e RefusedError) Error() string { return e.Reason }

// A ParameterError says that the rules want a parameter that has no value.
type ParameterError struct {
	// Name is the name of the parameter.
	Name string
}

// Error names the parameter.
func (e ParameterError) Error() string {
	return fmt.Sprintf("the rules want the parameter %s", e.Name)
}

// scope is what the names in a rule mean.
type scope struct {
	values     map[string]any
	partitions []rulePartition
}

// clone returns a scope that may get further names.
func (s scope) clone() scope {
	return scope{values: maps.Clone(s.values), partitions: s.partitions}
}

// resolve returns the host and the signing Region, which is empty if the rules
// name none.
func (r ruleset) resolve(partitions []rulePartition, q Query) (host, signing string, err error) {
	s := scope{values: map[string]any{}, partitions: partitions}

	given := map[string]any{"Region": q.Region, "UseFIPS": q.FIPS, "UseDualStack": q.DualStack}
	for name, value := range q.Parameters {
		given[name] = value
	}

	for _, name := range slices.Sorted(maps.Keys(r.Parameters)) {
		value := r.Parameters[name].Default
		if g, ok := given[name]; ok {
			value = g
		}

		if value == nil && r.Parameters[name].Required {
			return "", "", ParameterError{Name: name}
		}

		if value != nil {
			s.values[name] = value
		}
	}

	t, in, err := first(r.Rules, s)
	if err != nil {
		return "", "", err
	}

	if t == nil {
		return "", "", errors.New("no rule applies")
	}

	return t.read(in)
}

// first returns the target of the first rule that applies, with the names that
// its conditions gave a meaning, or nil if none does.
func first(rules []rule, outer scope) (*ruleTarget, scope, error) {
	for i := range rules {
		r := &rules[i]
		s := outer.clone()

		ok, err := s.all(r.Conditions)
		if err != nil {
			return nil, s, err
		}

		if !ok {
			continue
		}

		switch r.Type {
		case "endpoint":
			return &r.Endpoint, s, nil
		case "error":
			return nil, s, RefusedError{Reason: r.Error}
		case "tree":
			if t, in, err := first(r.Rules, s); t != nil || err != nil {
				return t, in, err
			}
		default:
			return nil, s, fmt.Errorf("a rule of type %q", r.Type)
		}
	}

	return nil, outer, nil
}

// all says whether all conditions hold, and gives names to their results.
func (s scope) all(conditions []call) (bool, error) {
	for _, c := range conditions {
		v, err := s.call(c)
		if err != nil {
			return false, err
		}

		if v == nil || v == false {
			return false, nil
		}
	}

	return true, nil
}

// read makes a host and a signing Region of a target.
func (t *ruleTarget) read(s scope) (host, signing string, err error) {
	v, err := s.value(t.URL)
	if err != nil {
		return "", "", err
	}

	url, _ := v.(string)

	host, ok := strings.CutPrefix(url, "https://")
	if !ok || strings.ContainsAny(host, "/:?#@ ") {
		return "", "", fmt.Errorf("%q is not https and a host alone", url)
	}

	for _, scheme := range t.Properties.AuthSchemes {
		// Without its native extension botocore cannot sign for many Regions at
		// once, and takes the scheme that stands next.
		if scheme.Name == "sigv4a" {
			continue
		}

		signing, err = s.expand(scheme.SigningRegion)

		break
	}

	return host, signing, err
}
