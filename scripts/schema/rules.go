package main

import (
	"maps"
	"math"
	"strings"

	"meridian/pkg/protocol"
)

const (
	maxWhole = 1 << 53 // as DecodeStrict has it

	// What strings can be, as package protocol checks it, in regular expressions that Go,
	// ECMAScript and Python read alike.
	noControls = `[^\x00-\x1f\x7f-\x9f]*`
	entryForm  = `^` + noControls + `[^\x00-\x20\x7f-\xa0]` + noControls + `$`
	roleName   = `([A-Za-z0-9_+=,.@/-]*/)?[A-Za-z0-9_+=,.@-]{1,64}`
	roleForm   = `^((arn:(\{partition\}|[a-z-]+):iam::(\{account\}|[0-9]{12}):role/)?` + roleName + `)?$`
	externalID = `^([A-Za-z0-9_+=,.@:/-]{2,})?$`
	account    = `[0-9]{12}`
	function   = `^(arn:[^:]+:lambda:[^:]+:[0-9]{12}:function:)?[A-Za-z0-9_-]{1,64}(:(\$LATEST|[A-Za-z0-9_-]{1,128}))?$`
	runID      = `^([0-7][0-9A-HJKMNP-TV-Z]{25})?$`
	unit       = `^(r-[a-z0-9]{4,32}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32})$`

	maxExternalID = 1224 // more than a regular expression of Go can count
)

// openSets names the sets that can have other values than the ones that are known.
func openSets() map[string]bool {
	return map[string]bool{errorNames: true, "Hint": true, "EventType": true}
}

// shortForms returns the other form that some types have in JSON.
func shortForms() map[string]object {
	return map[string]object{
		"Account":      {{"type", "string"}, {"pattern", "^" + account + "$"}},
		"Organization": {{"const", true}},
		"Target":       entry(),
	}
}

// entry is the schema of an element of a list of names. A limit in bytes bounds characters
// too: there are no more of them.
func entry() object {
	return object{{"type", "string"}, {"maxLength", protocol.MaxTargetLength}, {"pattern", entryForm}}
}

// rules returns what package protocol checks besides types and tags, by type, and by type
// and field. An optional string can be empty, which means the same as to leave it out.
func rules() map[string]object {
	all := requestRules()
	maps.Copy(all, accountRules())
	maps.Copy(all, workerRules())
	maps.Copy(all, retryRules())
	maps.Copy(all, regionRequestRules())
	maps.Copy(all, keptRules())
	return all
}

func upTo(most int) object       { return object{{"minimum", 0}, {"maximum", most}} }
func seconds() object            { return upTo(protocol.MaxSeconds) }
func unique() object             { return object{{"uniqueItems", true}} }
func role() object               { return object{{"pattern", roleForm}} }
func external() object           { return object{{"pattern", externalID}, {"maxLength", maxExternalID}} }
func has(names ...string) object { return object{{"required", names}} }

// word returns the schema of ASCII letters, digits and punctuation.
func word(punctuation string, most int) object {
	return object{
		{"pattern", `^[A-Za-z0-9` + strings.ReplaceAll(punctuation, "-", `\-`) + `]*$`}, {"maxLength", most},
	}
}

func name() object { return word(protocol.NamePunctuation, protocol.MaxNameLength) }

// where returns the schema of an object with a field that has a schema, if it has it.
func where(name string, schema object) object {
	return object{{"properties", object{{name, schema}}}}
}

// hasText returns the schema of an object with a string that is not empty.
func hasText(name string) object {
	return where(name, object{{"minLength", 1}}).with(has(name)...)
}

func requestRules() map[string]object {
	return map[string]object{
		"Request": {{"dependentSchemas", object{
			{"organization", object{
				{"properties", object{{"role", object{{"minLength", 1}}}, {"accounts", false}}},
				{"required", []string{"role"}},
			}},
			{"waves", where("minSuccessful", object{{"maximum", 0}})},
			{"worker", object{
				{"if", where("worker", where("protocol", object{{"const", true}}).with(has("protocol")...))},
				{"else", object{{"properties", object{
					{"task", object{{"const", ""}}},
					{"parameters", false},
					{"retry", false},
					{"regionTimeoutSeconds", object{{"maximum", 0}}},
					{"accounts", object{{"items", object{{"properties", object{{"parameters", false}}}}}}},
				}}}},
			}},
		}}},
		"Request.name":                       name(),
		"Request.key":                        word(protocol.KeyPunctuation, protocol.MaxKeyLength),
		"Request.role":                       role(),
		"Request.externalId":                 external(),
		"Request.sessionName":                {{"pattern", `^([A-Za-z0-9_+=,.@-]{2,64})?$`}},
		"Request.targets":                    unique(),
		"Request.maxConcurrency":             upTo(math.MaxInt32),
		"Request.targetMaxConcurrency":       upTo(protocol.MaxTargets),
		"Request.maxTargetsPerInvocation":    upTo(protocol.MaxTargets),
		"Request.timeoutSeconds":             seconds(),
		"Request.regionTimeoutSeconds":       seconds(),
		"Request.targetTimeoutSeconds":       seconds(),
		"Request.toleratedFailurePercentage": upTo(100),
		"Request.toleratedFailureCount":      upTo(maxWhole),
		"Request.minSuccessful":              upTo(protocol.MaxItems),
	}
}

func accountRules() map[string]object {
	named := object{
		{"pattern", `^(` + strings.Trim(entryForm, "^$") + `)?$`},
		{"maxLength", protocol.MaxAccountNameLength},
	}
	return map[string]object{
		"Account":              {{"anyOf", []object{hasText("id"), hasText("profile")}}},
		"Account.id":           {{"pattern", "^(" + account + ")?$"}},
		"Account.name":         named,
		"Account.role":         role(),
		"Account.externalId":   external(),
		"Account.profile":      named,
		"Organization.units":   {{"items", object{{"type", "string"}, {"pattern", unit}}}},
		"Organization.exclude": {{"items", shortForms()["Account"]}},
		"Wave":                 {{"anyOf", []object{has("accounts"), has("regions")}}},
	}
}

func workerRules() map[string]object {
	regional := object{{"const", string(protocol.PlacementRegional)}}
	return map[string]object{
		"Target.name": entry(),
		"Worker": {
			{"if", where("placement", regional).with(has("placement")...)},
			{"then", where("function", object{{"not", object{{"pattern", "^arn:"}}}})},
			{"dependentSchemas", object{{"payload", where("protocol", object{{"const", false}})}}},
		},
		"Worker.function": {{"pattern", function}},
	}
}

func retryRules() map[string]object {
	return map[string]object{
		"Hedge":                    {{"oneOf", []object{has("afterSeconds"), has("afterPercentile")}}},
		"Hedge.afterSeconds":       {{"maximum", protocol.MaxSeconds}},
		"Hedge.afterPercentile":    {{"exclusiveMaximum", 100}},
		"Hedge.maxExtraPercentage": {{"maximum", 100}},

		"Retrier": {
			{"if", where("intervalSeconds", object{{"exclusiveMaximum", 1}}).with(has("intervalSeconds")...)},
			{"then", where("maxAttempts", object{{"maximum", protocol.MaxQuickAttempts}})},
		},
		"Retrier.errorEquals": {
			{"items", entry().with(member{"maxLength", protocol.MaxErrorNameBytes}, member{"not", object{{"const", protocol.ErrorRuntime}}})},
			{"if", object{{"contains", object{{"const", protocol.ErrorAll}}}}},
			{"then", object{{"maxItems", 1}}},
		},
		"Retrier.intervalSeconds": {{"maximum", protocol.MaxSeconds}},
		"Retrier.maxAttempts":     upTo(protocol.MaxAttempts),
		"Retrier.backoffRate":     {{"minimum", 1}},
		"Retrier.maxDelaySeconds": {{"exclusiveMaximum", protocol.MaxDelaySeconds}},
		"Retrier.jitterStrategy":  {{"enum", []string{"", protocol.JitterNone, protocol.JitterFull}}},
	}
}

func regionRequestRules() map[string]object {
	return map[string]object{
		"RegionRequest": {
			{"required", []string{"version", "runId", "attempt", "task"}},
			{"oneOf", []object{
				{
					{"properties", object{{"region", object{{"minLength", 1}}}, {"regions", false}}},
					{"required", []string{"region", "targets"}},
				},
				{
					{"properties", object{{"region", object{{"const", ""}}}, {"targets", false}}},
					{"required", []string{"regions"}},
				},
			}},
		},
		"RegionRequest.version":  {{"minimum", 1}, {"maximum", protocol.Version}},
		"RegionRequest.runId":    {{"minLength", 1}},
		"RegionRequest.batch":    upTo(maxWhole),
		"RegionRequest.attempt":  {{"minimum", 1}, {"maximum", maxWhole}},
		"RegionRequest.task":     {{"minLength", 1}},
		"RegionRequest.targets":  unique(),
		"RegionRequest.budgetMs": upTo(protocol.MaxBudgetMs),

		"RegionTargets.region":  {{"minLength", 1}},
		"RegionTargets.targets": unique(),

		"TargetPolicy.maxConcurrency": upTo(protocol.MaxTargets),
		"TargetPolicy.timeoutSeconds": seconds(),
	}
}

// keptRules are those of messages about kept runs. A command takes only some of its fields;
// its schema does not say which.
func keptRules() map[string]object {
	id := object{{"pattern", runID}}
	return map[string]object{
		"Command.runId":       id,
		"Command.after":       upTo(maxWhole),
		"Command.waitSeconds": upTo(protocol.MaxWaitSeconds),
		"RunQuery.name":       name(),
		"RunQuery.limit":      upTo(protocol.MaxRunPage),
		"RunQuery.next":       id,

		"Redrive.timeoutSeconds":       seconds(),
		"Redrive.regionTimeoutSeconds": seconds(),
		"Redrive.targetTimeoutSeconds": seconds(),
		"Redrive.maxConcurrency":       upTo(math.MaxInt32),
		"Redrive.targetMaxConcurrency": upTo(protocol.MaxTargets),
	}
}
