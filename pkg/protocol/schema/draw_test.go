package schema_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"pgregory.net/rapid"

	"meridian/pkg/protocol"
)

// maybe draws a value, or the zero value.
func maybe[T any](t *rapid.T, g *rapid.Generator[T]) (value T) {
	if rapid.Bool().Draw(t, "given") {
		value = g.Draw(t, "value")
	}
	return value
}

// some draws one element or several.
func some[T any](g *rapid.Generator[T]) *rapid.Generator[[]T] { return rapid.SliceOfN(g, 1, 4) }

// entries draws elements of lists: any text with a letter and without control characters.
func entries() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"*", "all", "eu-*", "eu-west-1", "dynamodb", "ec2:DescribeVpcs", " a b ", "é\u2003\U0001f600"}),
		rapid.StringMatching(`[^\pC\pZ]{0,40}[a-z]\pL{0,40}`),
	)
}

func targets() *rapid.Generator[[]string] { return rapid.SliceOfNDistinct(entries(), 1, 6, rapid.ID) }

// inputs draws targets of a request, some with an input.
func inputs() *rapid.Generator[[]protocol.Target] {
	return rapid.Custom(func(t *rapid.T) []protocol.Target {
		all := protocol.Targets(targets().Draw(t, "targets")...)
		for i := range all {
			if all[i].Name != protocol.EveryService { // which stands for many
				all[i].Input = maybe(t, anyJSON())
			}
		}
		return all
	})
}

// workers draws functions that do the work, with arns also by their ARNs.
func workers(arns bool) *rapid.Generator[*protocol.Worker] {
	return rapid.Custom(func(t *rapid.T) *protocol.Worker {
		w := &protocol.Worker{
			Function:   rapid.StringMatching(`[A-Za-z0-9_-]{1,64}(:(\$LATEST|[A-Za-z0-9_-]{1,128}))?`).Draw(t, "function"),
			Placement:  rapid.SampledFrom([]protocol.Placement{"", protocol.PlacementHome, protocol.PlacementRegional}).Draw(t, "placement"),
			Payload:    maybe(t, anyJSON()),
			Idempotent: rapid.Bool().Draw(t, "idempotent"),
		}
		if arns && w.Placement != protocol.PlacementRegional && rapid.Bool().Draw(t, "arn") {
			w.Function = rapid.StringMatching(`arn:aws(-cn)?:lambda:[a-z]{2}-[a-z]{4,9}-[1-9]:[0-9]{12}:function:`).Draw(t, "of") + w.Function
		}
		return w
	})
}

// withWorker gives a request a worker, and takes from it what cannot be beside one.
func withWorker(t *rapid.T, r *protocol.Request) {
	r.Worker = workers(r.Accounts == nil && r.Organization == nil).Draw(t, "worker")
	if r.Worker.Payload == nil && rapid.Bool().Draw(t, "protocol") {
		r.Worker.Protocol = true
		return
	}
	r.Task, r.Parameters, r.Retry, r.RegionTimeoutSeconds = "", nil, nil, 0
	for i := range r.Accounts {
		r.Accounts[i].Parameters = nil
	}
}

// anyJSON draws JSON that is not null.
func anyJSON() *rapid.Generator[json.RawMessage] {
	return rapid.OneOf(objects(), rapid.SampledFrom([]json.RawMessage{
		json.RawMessage(`"text"`), json.RawMessage(`[1,{"a":null}]`), json.RawMessage(`false`), json.RawMessage(`-1.5e3`),
	}))
}

func objects() *rapid.Generator[json.RawMessage] {
	return rapid.Map(rapid.MapOfN(rapid.String(), rapid.Float64(), 0, 3), func(m map[string]float64) json.RawMessage {
		text, err := json.Marshal(m)
		if err != nil {
			panic(err)
		}
		return text
	})
}

func seconds() *rapid.Generator[float64] { return rapid.Float64Range(0, protocol.MaxSeconds) }

// positive draws numbers above 0, which may be most too.
func positive(most float64) *rapid.Generator[float64] {
	return rapid.Float64Range(math.SmallestNonzeroFloat64, most)
}

func retriers() *rapid.Generator[[]protocol.Retrier] {
	one := rapid.Custom(func(t *rapid.T) protocol.Retrier {
		names := rapid.OneOf(entries(), rapid.Just(protocol.ErrorLambdaThrottled))
		r := protocol.Retrier{
			ErrorEquals: some(names).Draw(t, "errorEquals"), IntervalSeconds: maybe(t, positive(1e7)),
			BackoffRate: maybe(t, rapid.Float64Range(1, 1e300)), JitterStrategy: rapid.SampledFrom([]string{"", "NONE", "FULL"}).Draw(t, "jitter"),
		}
		most := protocol.MaxAttempts
		if r.IntervalSeconds != 0 && r.IntervalSeconds < 1 {
			most = protocol.MaxQuickAttempts
		}
		r.MaxAttempts = maybe(t, rapid.Ptr(rapid.IntRange(0, most), true))
		if rapid.Bool().Draw(t, "delayed") {
			r.MaxDelaySeconds = rapid.Float64Range(max(r.IntervalSeconds, 1)+0.5, protocol.MaxDelaySeconds-0.5).Draw(t, "maxDelaySeconds")
		}
		return r
	})
	return rapid.Custom(func(t *rapid.T) []protocol.Retrier {
		all := rapid.SliceOfN(one, 0, 3).Draw(t, "retriers")
		if rapid.Bool().Draw(t, "last") {
			all = append(all, protocol.Retrier{ErrorEquals: []string{protocol.ErrorAll}})
		}
		return all
	})
}

func hedges() *rapid.Generator[*protocol.Hedge] {
	return rapid.Custom(func(t *rapid.T) *protocol.Hedge {
		h := &protocol.Hedge{MaxExtraPercentage: maybe(t, positive(100))}
		if rapid.Bool().Draw(t, "after") {
			h.AfterSeconds = positive(protocol.MaxSeconds).Draw(t, "afterSeconds")
		} else {
			h.AfterPercentile = positive(99.99).Draw(t, "afterPercentile")
		}
		return h
	})
}

// accounts draws accounts with a role or a profile each, at most one of each id.
func accounts() *rapid.Generator[[]protocol.Account] {
	one := rapid.Custom(func(t *rapid.T) protocol.Account {
		a := protocol.Account{
			ID: rapid.StringMatching(`[0-9]{12}`).Draw(t, "id"), Name: maybe(t, rapid.StringMatching(`[^\pC]{0,20}[a-z]`)),
			ExternalID: maybe(t, externalIDs()), Regions: maybe(t, some(entries())), ExcludeRegions: maybe(t, some(entries())),
			Parameters: maybe(t, objects()),
		}
		if rapid.Bool().Draw(t, "profiled") {
			a.ID, a.Profile = maybe(t, rapid.Just(a.ID)), "p"+a.ID
		} else {
			a.Role = maybe(t, roles(rapid.SampledFrom([]string{"{account}", a.ID})))
		}
		return a
	})
	return rapid.SliceOfNDistinct(one, 1, 4, func(a protocol.Account) string { return a.ID + a.Profile })
}

// roles draws names and ARNs of roles, in accounts of account.
func roles(account *rapid.Generator[string]) *rapid.Generator[string] {
	name := rapid.StringMatching(`([A-Za-z0-9+=,.@_-]{1,9}/){0,3}[A-Za-z0-9+=,.@_-]{1,64}`)
	return rapid.Custom(func(t *rapid.T) string {
		switch own := name.Draw(t, "name"); rapid.IntRange(0, 2).Draw(t, "form") {
		case 0:
			return own
		case 1:
			return "/" + own
		default:
			partition := rapid.SampledFrom([]string{"{partition}", "aws", "aws-us-gov"}).Draw(t, "partition")
			return fmt.Sprintf("arn:%s:iam::%s:role/%s", partition, account.Draw(t, "account"), own)
		}
	})
}

func externalIDs() *rapid.Generator[string] {
	return rapid.StringMatching(`[A-Za-z0-9_+=,.@:/-]{2,100}`)
}

// requests draws requests that DecodeRequest accepts.
func requests() *rapid.Generator[protocol.Request] {
	return rapid.Custom(func(t *rapid.T) (r protocol.Request) {
		count := rapid.IntRange(0, protocol.MaxRegions)
		r = protocol.Request{
			Name: maybe(t, rapid.StringMatching(`[A-Za-z0-9._:+-]{0,80}`)), Key: maybe(t, rapid.StringMatching(`[A-Za-z0-9._:+=@/-]{0,120}`)),
			Keep: rapid.Bool().Draw(t, "keep"), Task: maybe(t, rapid.String()), Parameters: maybe(t, objects()),
			Partition: maybe(t, rapid.String()), Regions: maybe(t, some(entries())), ExcludeRegions: maybe(t, some(entries())),
			Targets: maybe(t, inputs()), MaxConcurrency: maybe(t, rapid.IntRange(0, math.MaxInt32)),
			TargetMaxConcurrency: maybe(t, rapid.IntRange(0, protocol.MaxTargets)), MaxTargetsPerInvocation: maybe(t, rapid.IntRange(0, protocol.MaxTargets)),
			TimeoutSeconds: maybe(t, seconds()), RegionTimeoutSeconds: maybe(t, seconds()), TargetTimeoutSeconds: maybe(t, seconds()),
			Retry: maybe(t, retriers()), TargetRetry: maybe(t, retriers()), Hedge: maybe(t, hedges()),
			ToleratedFailurePercentage: maybe(t, rapid.Ptr(rapid.Float64Range(0, 100), true)), ToleratedFailureCount: maybe(t, rapid.Ptr(count, true)),
			FailFast: rapid.Bool().Draw(t, "failFast"),
		}
		if rapid.Bool().Draw(t, "worker") {
			defer withWorker(t, &r)
		}
		switch rapid.IntRange(0, 2).Draw(t, "accounts") {
		case 0:
			r.MinSuccessful = maybe(t, count)
			return r
		case 1:
			r.Accounts = accounts().Draw(t, "accounts")
			r.Role = roles(rapid.Just("{account}")).Draw(t, "role")
		default:
			r.Organization = &protocol.Organization{
				Units:   maybe(t, some(rapid.StringMatching(`r-[a-z0-9]{4,32}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}`))),
				Exclude: maybe(t, some(rapid.StringMatching(`[0-9]{12}`))),
			}
			r.Role = roles(rapid.Just("{account}")).Draw(t, "role")
		}
		r.ExternalID, r.SessionTags = maybe(t, externalIDs()), rapid.Bool().Draw(t, "sessionTags")
		r.SessionName = maybe(t, rapid.StringMatching(`[A-Za-z0-9_+=,.@-]{2,64}`))
		r.Waves = maybe(t, some(rapid.Custom(func(t *rapid.T) protocol.Wave {
			return protocol.Wave{Accounts: maybe(t, some(entries())), Regions: some(entries()).Draw(t, "regions")}
		})))
		return r
	})
}

// regionRequests draws requests that DecodeRegionRequest accepts.
func regionRequests() *rapid.Generator[protocol.RegionRequest] {
	return rapid.Custom(func(t *rapid.T) protocol.RegionRequest {
		r := protocol.RegionRequest{
			Version: rapid.IntRange(1, protocol.Version).Draw(t, "version"), RunID: entries().Draw(t, "runId"),
			Batch: rapid.IntRange(0, 100).Draw(t, "batch"), Attempt: rapid.IntRange(1, 100).Draw(t, "attempt"), Task: entries().Draw(t, "task"),
			Parameters: maybe(t, objects()), BudgetMs: maybe(t, rapid.Float64Range(0, protocol.MaxBudgetMs)),
			Policy: protocol.TargetPolicy{
				MaxConcurrency: maybe(t, rapid.IntRange(0, protocol.MaxTargets)), TimeoutSeconds: maybe(t, seconds()), Retry: maybe(t, retriers()),
			},
		}
		if rapid.Bool().Draw(t, "accessed") {
			r.Account = &protocol.Access{
				Account: rapid.String().Draw(t, "account"), Role: maybe(t, rapid.String()), ExternalID: maybe(t, rapid.String()),
				SessionName: maybe(t, rapid.String()), SessionTags: rapid.Bool().Draw(t, "tagged"), Profile: maybe(t, rapid.String()),
			}
		}
		if rapid.Bool().Draw(t, "several") {
			r.Regions = some(rapid.Custom(func(t *rapid.T) protocol.RegionTargets {
				return protocol.RegionTargets{Region: entries().Draw(t, "region"), Targets: targets().Draw(t, "targets")}
			})).Draw(t, "regions")
		} else {
			r.Region, r.Targets = entries().Draw(t, "region"), targets().Draw(t, "targets")
		}
		if rapid.Bool().Draw(t, "inputs") {
			r.Inputs = protocol.Inputs{}
			for _, target := range r.Work()[0].Targets {
				r.Inputs[target] = rapid.OneOf(anyJSON(), rapid.Just(json.RawMessage("null"))).Draw(t, "input")
			}
		}
		return r
	})
}

// mutant returns a JSON value with one mistake, or another value that may be right.
func mutant(t *rapid.T, value any) any {
	if deep := rapid.IntRange(0, 9).Draw(t, "deep"); deep == 0 {
		return replacements().Draw(t, "replacement")
	}
	switch v := value.(type) {
	case map[string]any:
		names := slices.Concat(slices.Sorted(maps.Keys(v)), protocol.RequestFields(), []string{"unknown"})
		name := rapid.SampledFrom(names).Draw(t, "name")
		if rapid.IntRange(0, 9).Draw(t, "delete") == 0 {
			delete(v, name)
		} else {
			v[name] = mutant(t, v[name])
		}
		return v
	case []any:
		switch i := rapid.IntRange(0, len(v)).Draw(t, "element"); {
		case i == len(v) && i > 0:
			return append(v, v[0])
		case i < len(v):
			v[i] = mutant(t, v[i])
		}
		return v
	}
	return replacements().Draw(t, "replacement")
}

func replacements() *rapid.Generator[any] {
	return rapid.SampledFrom([]any{
		nil, true, false, "", " ", "a", "\x00", "a\u0085", "\u2003", "111122223333", "States.ALL", "States.Runtime", "NONE", "all", "ou-ab12-cdef3456", "home", "f:$LATEST", "arn:aws:lambda:eu-west-1:111122223333:function:f",
		-1, -0.5, 0, 0.5, 1, 2, 100, 100.5, 200, 201, protocol.MaxTargets, protocol.MaxTargets + 1, math.MaxInt32, math.MaxInt32 + 1,
		protocol.MaxSeconds, protocol.MaxSeconds + 1, protocol.MaxDelaySeconds, 1 << 53, 1<<53 + 1,
		[]any{},
		[]any{""},
		[]any{"a"},
		[]any{"a", "a"},
		[]any{1},
		map[string]any{},
		map[string]any{"unknown": 1},
	})
}
