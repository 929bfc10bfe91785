package protocol_test

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"meridian/pkg/protocol"
)

// messageTypes returns every struct type that crosses the wire.
func messageTypes() []reflect.Type {
	var types []reflect.Type
	seen := map[reflect.Type]bool{}
	var visit func(reflect.Type)
	visit = func(t reflect.Type) {
		switch {
		case seen[t]:
		case t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice:
			visit(t.Elem())
		case t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]():
			seen[t] = true
			types = append(types, t)
			for f := range t.Fields() {
				visit(f.Type)
			}
		}
	}
	visit(reflect.TypeFor[protocol.Request]())
	visit(reflect.TypeFor[protocol.RegionRequest]())
	visit(reflect.TypeFor[protocol.RegionResult]())
	visit(reflect.TypeFor[protocol.Result]())
	visit(reflect.TypeFor[protocol.Event]())
	visit(reflect.TypeFor[protocol.Fault]())
	visit(reflect.TypeFor[protocol.Command]())
	visit(reflect.TypeFor[protocol.RunPage]())
	visit(reflect.TypeFor[protocol.EventPage]())
	visit(reflect.TypeFor[protocol.KeyRecord]())
	visit(reflect.TypeFor[protocol.LogHeader]())
	visit(reflect.TypeFor[protocol.ResultRecord]())
	return types
}

// Every message is JSON in lowerCamelCase; durations are numbers with a unit in
// their name; no field holds an error or anything else without a fixed form.
func TestEveryMessageIsJSONInLowerCamelCase(t *testing.T) {
	t.Parallel()
	tagged := regexp.MustCompile(`^[a-z][a-z0-9]*([A-Z][a-z0-9]*)*(,omitzero)?$`)
	for _, typ := range messageTypes() {
		for f := range typ.Fields() {
			if f.Anonymous {
				continue // its fields are those of a message of their own
			}
			tag := f.Tag.Get("json")
			if !tagged.MatchString(tag) {
				t.Errorf("%s.%s has tag %q, want a name in lowerCamelCase, and omitzero or nothing", typ, f.Name, tag)
			}
			name, _, _ := strings.Cut(tag, ",")
			if !strings.EqualFold(name, f.Name) {
				t.Errorf("%s.%s is %q in JSON, want the same words", typ, f.Name, name)
			}
			if !plain(f.Type) {
				t.Errorf("%s.%s is a %s, want a type whose JSON has a fixed form", typ, f.Name, f.Type)
			}
			unit := strings.HasSuffix(name, "Ms") || strings.HasSuffix(name, "Seconds")
			if unit && f.Type != reflect.TypeFor[float64]() && f.Type != reflect.TypeFor[*float64]() {
				t.Errorf("%s.%s is a %s, want a float64: a time may be a fraction", typ, f.Name, f.Type)
			}
		}
	}
}

// plain reports whether t is a type of ours or a string, bool, int, float64,
// time.Time or raw JSON, or a slice of or a pointer to such, or the inputs of targets.
func plain(t reflect.Type) bool {
	if t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[json.RawMessage]() {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Float64:
		return true
	case reflect.Struct:
		return t.PkgPath() == reflect.TypeFor[protocol.Request]().PkgPath()
	case reflect.Slice, reflect.Pointer:
		return plain(t.Elem())
	case reflect.Map:
		return t == reflect.TypeFor[protocol.Inputs]()
	default:
		return false
	}
}

// What is zero is left out, but for what every reader may count on.
func TestOptionalFieldsAreOmittedWhenZero(t *testing.T) {
	t.Parallel()
	const counts = `{"total":0,"succeeded":0,"failed":0,"timedOut":0,"aborted":0,"notStarted":0,"skipped":0}`
	const usage = `{"requests":0,"billedDurationMs":0,"gbSeconds":0}`
	const summary = `{"regions":` + counts + `,"targets":` + counts +
		`,"attempts":0,"retries":0,"targetAttempts":0,"targetRetries":0}`
	const run = `{"version":0,"runId":"","startedAt":"0001-01-01T00:00:00Z","request":{}}`
	tests := []struct {
		value any
		want  string
	}{
		{protocol.Request{}, `{}`},
		{protocol.Worker{}, `{"function":""}`},
		{protocol.Failures{}, `{"failures":null}`},
		{protocol.Failure{}, `{"target":""}`},
		{protocol.Target{}, `""`},
		{protocol.Retrier{}, `{"errorEquals":null}`},
		{protocol.TargetPolicy{}, `{}`},
		{protocol.Hedge{}, `{}`},
		{protocol.RegionRequest{}, `{"version":0,"runId":"","region":"","batch":0,"attempt":0,"task":""}`},
		{protocol.RegionTargets{}, `{"region":"","targets":null}`},
		{protocol.Access{}, `{}`},
		{protocol.Account{}, `{}`},
		{protocol.Organization{}, `true`},
		{protocol.Wave{}, `{}`},
		{protocol.RegionResult{}, `{"version":0,"runId":"","region":"","batch":0,"status":"","elapsedMs":0,"targets":null}`},
		{protocol.Result{}, `{"runId":"","status":"","startedAt":"0001-01-01T00:00:00Z","elapsedMs":0,"message":"","summary":` +
			summary + `,"regions":null}`},
		{protocol.Summary{}, summary},
		{protocol.Counts{}, counts},
		{protocol.RegionOutcome{}, `{"region":"","status":"","startMs":0,"elapsedMs":0,"attempts":null,"targets":null}`},
		{protocol.TargetOutcome{}, `{"target":"","status":"","elapsedMs":0}`},
		{protocol.Attempt{}, `{"startMs":0,"elapsedMs":0}`},
		{protocol.Metrics{}, `{"billedDurationMs":0}`},
		{protocol.Usage{}, usage},
		{protocol.StoreUsage{}, `{"writes":0,"reads":0}`},
		{protocol.Cost{}, `{"workers":` + usage + `,"coordinator":` + usage + `,"architecture":"","priceDate":""}`},
		{protocol.Event{}, `{"version":0,"runId":"","sequence":0,"time":"0001-01-01T00:00:00Z","type":""}`},
		{protocol.RunStarted{}, `{"task":"","regions":0,"targets":0,"invocations":0}`},
		{protocol.RunEnded{}, `{"status":"","elapsedMs":0,"message":"","summary":` + summary + `}`},
		{protocol.Fault{}, `{"path":"","detail":""}`},
		{protocol.Generation{}, `{"number":0}`},
		{protocol.Redrive{}, `{}`},
		{protocol.Answer{}, `{}`},
		{protocol.Command{}, `{"command":""}`},
		{protocol.RunQuery{}, `{}`},
		{protocol.RunState{}, `{"runId":"","status":"","startedAt":"0001-01-01T00:00:00Z","elapsedMs":0,"regions":` + counts +
			`,"targets":` + counts + `,"events":0}`},
		{protocol.RunPage{}, `{"runs":null}`},
		{protocol.EventPage{}, `{"events":null,"after":0}`},
		{protocol.RunRecord{}, run},
		{protocol.KeyRecord{}, `{"version":0,"key":"","run":` + run + `}`},
		{protocol.LogHeader{}, `{"version":0,"runId":"","number":0,"after":0,"generation":0,"holder":"","time":"0001-01-01T00:00:00Z"}`},
		{protocol.ResultRecord{}, `{"version":0,"runId":"","status":"","startedAt":"0001-01-01T00:00:00Z","elapsedMs":0,"message":"","summary":` +
			summary + `,"regions":null}`},
	}
	tested := map[reflect.Type]bool{}
	for _, tt := range tests {
		tested[reflect.TypeOf(tt.value)] = true
		if got := string(encode(t, tt.value)); got != tt.want {
			t.Errorf("json.Marshal(%T{}) = %s, want %s", tt.value, got, tt.want)
		}
	}
	for _, typ := range messageTypes() {
		if !tested[typ] {
			t.Errorf("no test of what an empty %s is in JSON", typ)
		}
	}
}

// Every field of every message is in a golden file, so that none is renamed by
// mistake.
func TestEveryFieldIsInAGolden(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	var visit func(reflect.Value)
	visit = func(v reflect.Value) {
		switch {
		case v.Kind() == reflect.Pointer && !v.IsNil():
			visit(v.Elem())
		case v.Kind() == reflect.Slice:
			for i := range v.Len() {
				visit(v.Index(i))
			}
		case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
			for f, value := range v.Fields() {
				if !value.IsZero() {
					seen[v.Type().Name()+"."+f.Name] = true
				}
				visit(value)
			}
		}
	}
	for _, golden := range goldens() {
		visit(reflect.ValueOf(golden))
	}
	for _, typ := range messageTypes() {
		for f := range typ.Fields() {
			if name := typ.Name() + "." + f.Name; typ != reflect.TypeFor[protocol.Fault]() && !seen[name] {
				t.Errorf("no golden has %s", name)
			}
		}
	}
}
