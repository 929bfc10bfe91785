package protocol_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"meridian/pkg/protocol"

	"github.com/google/go-cmp/cmp"
)

// Strict at the door: each bad request, and everything that is said of it.
func TestDecodeRequestReportsEveryFault(t *testing.T) {
	t.Parallel()
	const noTarget = "want a target's name, or an object with name and input, got a number"
	const known = "known are name, key, keep, task, parameters, worker, partition, regions, excludeRegions, accounts, organization, role, externalId, sessionName, sessionTags, waves, targets, maxConcurrency, " +
		"targetMaxConcurrency, maxTargetsPerInvocation, timeoutSeconds, regionTimeoutSeconds, targetTimeoutSeconds, " +
		"retry, hedge, targetRetry, toleratedFailurePercentage, toleratedFailureCount, failFast, minSuccessful"
	const aNull = "null is not allowed; leave the field out"
	tests := []struct {
		name, in string
		want     protocol.Faults
	}{
		// The document as a whole.
		{"an empty document", ``, faults("", "", "empty; want a JSON object")},
		{"nothing but white space", " \n\t", faults("", "", "empty; want a JSON object")},
		{"an array at the top", `[{}]`, faults("", `[{}]`, "want an object, got an array")},
		{"a string at the top", `"{}"`, faults("", `"{}"`, "want an object, got a string")},
		{"null at the top", `null`, faults("", `null`, aNull)},
		{"not JSON", `{name: "x"}`, faults("", `{name: "x"}`,
			"not JSON at line 1, column 2")},
		{"not JSON, further down", "{\n  \"name\": \"é\", x\n}", faults("", `{·  "name": "é", x·}`,
			"not JSON at line 2, column 16")},
		{"a line break in a string", "{\"name\": \"a\nb\"}", faults("", `{"name": "a·b"}`,
			`not JSON at line 1, column 12`)},
		{"cut off", `{"name":`, faults("", `{"name":`, "not JSON at line 1, column 8")},
		{"a comma too many", `{"failFast":true,}`, faults("", `{"failFast":true,}`,
			"not JSON at line 1, column 18")},
		{"trailing garbage", `{} {}`, faults("", `{} {}`,
			"not JSON at line 1, column 4")},
		{"a number that is not JSON's", `{"minSuccessful":01}`, faults("", `{"minSuccessful":01}`,
			"not JSON at line 1, column 19")},
		{"invalid UTF-8", "{\n\"name\":\"\xff\"}", faults("", "", "not UTF-8 at line 2, column 9")},
		{"a byte order mark", "\ufeff{}", faults("", "",
			"begins with a byte order mark, which JSON does not have; save it as UTF-8 without one")},
		{"too large", `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, faults("", "",
			"1048587 bytes are too many; at most 1048576 (1 MiB)")},

		// Fields.
		{"an unknown field with a near miss", `{"region":["eu-west-1"]}`, faults("region", `["eu-west-1"]`,
			`unknown field; did you mean "regions"?`)},
		{"an unknown field that is part of one", `{"concurrency":5}`, faults("concurrency", "5",
			`unknown field; did you mean "maxConcurrency"?`)},
		{"an unknown field without one", `{"colour":"red"}`, faults("colour", `"red"`, "unknown field; "+known)},
		{"a field in another case", `{"Regions":["eu-west-1"]}`, faults("Regions", `["eu-west-1"]`,
			`unknown field; did you mean "regions"?`)},
		{"a field without a name", `{"":1}`, faults(`[""]`, `1`, "unknown field; "+known)},
		{"a field whose name is no word", `{"a\nb c":1}`, faults(`["a\nb c"]`, `1`, "unknown field; "+known)},
		{"a field whose name is very long", `{"` + strings.Repeat("n", 200) + `":1}`, faults(
			`["`+strings.Repeat("n", 79)+`…]`, `1`, "unknown field; "+known)},
		{"an unknown field deeper down", `{"retry":[{"errorEquals":["X"],"backOffRate":2}]}`, faults(
			"retry[0].backOffRate", "2", `unknown field; did you mean "backoffRate"?`)},
		{"a field given twice", `{"name":"a","name":"b"}`, faults("name", `"b"`, "given twice")},
		{"an unknown field without one deeper down", `{"retry":[{"errorEquals":["X"],"colour":1}]}`, faults("retry[0].colour",
			"1", "unknown field; known are errorEquals, intervalSeconds, maxAttempts, backoffRate, maxDelaySeconds, jitterStrategy")},
		{"a field given twice in an element", `{"retry":[{"errorEquals":["X"],"errorEquals":["Y"]}]}`, faults(
			"retry[0].errorEquals", `["Y"]`, "given twice")},

		// Types.
		{"a number for a string", `{"name":5}`, faults("name", "5", "want a string, got a number")},
		{"an array for a string", `{"task":["resolve"]}`, faults("task", `["resolve"]`, "want a string, got an array")},
		{"true for a string", `{"task":true}`, faults("task", "true", "want a string, got true or false")},
		{"a string for an object", `{"parameters":"x"}`, faults("parameters", `"x"`, "want an object, got a string")},
		{"an array for an object", `{"parameters":[ 1, 2 ]}`, faults("parameters", `[1,2]`, "want an object, got an array")},
		{"a string for an array", `{"regions":"eu-west-1"}`, faults("regions", `"eu-west-1"`, "want an array, got a string")},
		{"an object for an array", `{"targets":{}}`, faults("targets", `{}`, "want an array, got an object")},
		{"numbers in an array of strings", `{"targets":["s3",1,2]}`, faults(
			"targets[1]", "1", noTarget, "targets[2]", "2", noTarget)},
		{"an input of many targets", `{"targets":[{"name":"*","input":{"n":1}}]}`, faults(
			"targets[0].input", `{"n":1}`, `is for one target, and "*" stands for many; name each`)},
		{"a string in an array of objects", `{"retry":["States.ALL"]}`, faults(
			"retry[0]", `"States.ALL"`, "want an object, got a string")},
		{"a string for a whole number", `{"maxConcurrency":"5"}`, faults("maxConcurrency", `"5"`,
			"want a whole number, got a string")},
		{"a string for a number", `{"timeoutSeconds":"60s"}`, faults("timeoutSeconds", `"60s"`, "want a number, got a string")},
		{"an object for a number", `{"toleratedFailurePercentage":{}}`, faults("toleratedFailurePercentage", `{}`,
			"want a number, got an object")},
		{"a number for true or false", `{"failFast":1}`, faults("failFast", "1", "want true or false, got a number")},
		{"a string for true or false", `{"failFast":"true"}`, faults("failFast", `"true"`,
			"want true or false, got a string")},
		{"nulls", `{"name":null,"regions":[null],"toleratedFailureCount":null,"parameters":null,"failFast":null}`, faults(
			"name", "null", aNull, "regions[0]", "null", aNull, "toleratedFailureCount", "null", aNull,
			"parameters", "null", aNull, "failFast", "null", aNull)},

		{"a hedge of nothing", `{"hedge":{}}`, faults("hedge", "{}", "want either afterSeconds or afterPercentile")},
		{"a hedge of both", `{"hedge":{"afterSeconds":1,"afterPercentile":95}}`, faults(
			"hedge", `{"afterSeconds":1,"afterPercentile":95}`, "want either afterSeconds or afterPercentile")},
		{"a hedge out of range", `{"hedge":{"afterPercentile":100,"maxExtraPercentage":101}}`, faults(
			"hedge.afterPercentile", "100", "out of range; want more than 0, less than 100",
			"hedge.maxExtraPercentage", "101", "out of range; want more than 0, at most 100")},
		{"a hedge of zero", `{"hedge":{"afterSeconds":0,"afterPercentile":95}}`, faults(
			"hedge.afterSeconds", "0", "out of range; leave it out for afterPercentile")},

		// Numbers.
		{"a fraction for a whole number", `{"maxConcurrency":1.5}`, faults("maxConcurrency", "1.5",
			"want a whole number, without fraction or exponent")},
		{"a whole number with a fraction of 0", `{"minSuccessful":2.0}`, faults("minSuccessful", "2.0",
			"want a whole number, without fraction or exponent")},
		{"a whole number with an exponent", `{"minSuccessful":1e2}`, faults("minSuccessful", "1e2",
			"want a whole number, without fraction or exponent")},
		{"1e400", `{"timeoutSeconds":1e400}`, faults("timeoutSeconds", "1e400", "out of range; want a number up to 1.8e+308")},
		{"2⁶⁰", `{"maxConcurrency":1152921504606846976}`, faults("maxConcurrency", "1152921504606846976",
			"out of range; want a whole number up to 2⁵³")},
		{"2⁵³+1", `{"maxConcurrency":9007199254740993}`, faults("maxConcurrency", "9007199254740993",
			"out of range; want a whole number up to 2⁵³")},
		{"10³⁰", `{"maxConcurrency":-1000000000000000000000000000000}`, faults(
			"maxConcurrency", "-1000000000000000000000000000000", "out of range; want a whole number up to 2⁵³")},
		{"2⁵³", `{"maxConcurrency":9007199254740992}`, faults("maxConcurrency", "9007199254740992",
			"out of range; want 0 to 2147483647 (0 means as many as there are)")},
		{"a negative whole number", `{"maxConcurrency":-1}`, faults("maxConcurrency", "-1",
			"out of range; want 0 to 2147483647 (0 means as many as there are)")},
		{"too many at once in a worker", `{"targetMaxConcurrency":10001}`, faults("targetMaxConcurrency", "10001",
			"out of range; want 0 to 10000 (0 means 64)")},
		{"too large a batch", `{"maxTargetsPerInvocation":10001}`, faults("maxTargetsPerInvocation", "10001",
			"out of range; want 0 to 10000 (0 means 500)")},
		{"a negative time", `{"timeoutSeconds":-0.5}`, faults("timeoutSeconds", "-0.5",
			"out of range; want 0 to 99999999 seconds (0 means what the function's deadline leaves)")},
		{"too long a time", `{"regionTimeoutSeconds":100000000}`, faults("regionTimeoutSeconds", "100000000",
			"out of range; want 0 to 99999999 seconds (0 means what is left of the run)")},
		{"a huge time", `{"targetTimeoutSeconds":1e300}`, faults("targetTimeoutSeconds", "1e+300",
			"out of range; want 0 to 99999999 seconds (0 means what is left of the invocation)")},
		{"a negative percentage", `{"toleratedFailurePercentage":-1}`, faults("toleratedFailurePercentage", "-1",
			"out of range; want 0 to 100")},
		{"more than all", `{"toleratedFailurePercentage":100.5}`, faults("toleratedFailurePercentage", "100.5",
			"out of range; want 0 to 100")},
		{"a negative count", `{"toleratedFailureCount":-1}`, faults("toleratedFailureCount", "-1",
			"out of range; want 0 or more")},
		{"more successes than Regions can be", `{"minSuccessful":201}`, faults("minSuccessful", "201",
			"out of range; want 0 to 200 (0 means all)")},

		// Names and lists.
		{"a name with a space", `{"name":"my run"}`, faults("name", `"my run"`, "want 1 to 80 of A-Z a-z 0-9 . _ - : +")},
		{"a name with a line break at its end", `{"name":"run\n"}`, faults("name", `"run\n"`, "want 1 to 80 of A-Z a-z 0-9 . _ - : +")},
		{"a name too long", `{"name":"` + strings.Repeat("é", 81) + `"}`, faults("name", `"`+strings.Repeat("é", 39)+"…",
			"want 1 to 80 of A-Z a-z 0-9 . _ - : +")},
		{"empty lists", `{"regions":[],"excludeRegions":[ ],"targets":[]}`, faults(
			"regions", "[]", "is empty; leave it out for every commercial Region that needs no opt-in",
			"excludeRegions", "[]", "is empty; leave it out for none",
			"targets", "[]", `is empty; leave it out for the default, "dynamodb"`)},
		{"blank entries", `{"regions":["",  "eu-west-1"],"targets":["\t"," "," "]}`, faults(
			"regions[0]", `""`, "is blank", "targets[0]", `"\t"`, "is blank", "targets[1]", `" "`, "is blank",
			"targets[2]", `" "`, "is blank")},
		{"targets listed twice", `{"targets":["s3","sqs","s3","s3"]}`, faults(
			"targets[2]", `"s3"`, "is listed twice, first as targets[0]",
			"targets[3]", `"s3"`, "is listed twice, first as targets[0]")},
		{"control characters", `{"targets":["a\u0000b","\u007f"],"regions":["eu\nwest"]}`, faults(
			"regions[0]", `"eu\nwest"`, "has control characters", "targets[0]", `"a\u0000b"`, "has control characters",
			"targets[1]", `"·"`, "has control characters")},
		{"a target too long", `{"targets":["` + strings.Repeat("<", 2049) + `"]}`, faults(
			"targets[0]", `"`+strings.Repeat("<", 79)+"…", "has 2049 bytes; at most 2048")},
		{"more than 10,000 targets", `{"targets":` + listOf(10_001) + `}`, faults(
			"targets", "", "has 10001 entries; at most 10000")},
		{"more than 200 Regions", `{"regions":` + listOf(201) + `,"excludeRegions":` + listOf(201) + `}`, faults(
			"regions", "", "has 201 entries; at most 200", "excludeRegions", "", "has 201 entries; at most 200")},
		{"more than 200 Regions, all of them wrong", `{"regions":[` + times("7", 201) + `]}`, faults("regions", "", "has 201 entries; at most 200")},

		// Retriers.
		{"more than 100 retriers", `{"retry":[` + times("7", 101) + `],"targetRetry":[` + times(`{"errorEquals":["X"]}`, 101) + `]}`, faults(
			"retry", "", "has 101 entries; at most 100", "targetRetry", "", "has 101 entries; at most 100")},
		{"a retrier of more than 100 error names", `{"targetRetry":[{"errorEquals":` + listOf(101) + `}]}`, faults(
			"targetRetry[0].errorEquals", "", "has 101 entries; at most 100")},
		{"an error name of more than 256 bytes", `{"retry":[{"errorEquals":["` + strings.Repeat("é", 128) + `","` + strings.Repeat("E", 257) + `"]}]}`, faults(
			"retry[0].errorEquals[1]", `"`+strings.Repeat("E", 79)+"…", "has 257 bytes; at most 256")},
		{"a retrier without errorEquals", `{"retry":[{}]}`, faults("retry[0].errorEquals", "",
			`name at least one error; "States.ALL" matches any error`)},
		{"a retrier with empty errorEquals", `{"targetRetry":[{"errorEquals":[]}]}`, faults("targetRetry[0].errorEquals", "[]",
			`name at least one error; "States.ALL" matches any error`)},
		{"a retrier with a blank error name", `{"retry":[{"errorEquals":["X"," "]}]}`, faults("retry[0].errorEquals[1]", `" "`,
			"is blank")},
		{"a retrier for a panic", `{"targetRetry":[{"errorEquals":["States.DataLimitExceeded","States.Runtime"]}]}`, faults(
			"targetRetry[0].errorEquals[1]", `"States.Runtime"`, "is never retried: the code panicked; leave it out")},
		{"an error name with a control character", `{"retry":[{"errorEquals":["E\u0001"]}]}`, faults(
			"retry[0].errorEquals[0]", `"E\u0001"`, "has control characters")},
		{"States.ALL not alone", `{"retry":[{"errorEquals":["X","States.ALL"]}]}`, faults("retry[0].errorEquals",
			`["X","States.ALL"]`, `"States.ALL" must be alone in its list`)},
		{"States.ALL not last", `{"retry":[{"errorEquals":["States.ALL"]},{"errorEquals":["X"]}]}`, faults(
			"retry[0].errorEquals", `["States.ALL"]`,
			`"States.ALL" is allowed only in the last retrier; those after it would never apply`)},
		{"States.ALL twice", `{"retry":[{"errorEquals":["States.ALL"]},{"errorEquals":["States.ALL"]}]}`, faults(
			"retry[0].errorEquals", `["States.ALL"]`,
			`"States.ALL" is allowed only in the last retrier; those after it would never apply`)},
		{"backoffRate below 1", retrier(`"backoffRate":0.99`), faults("retry[0].backoffRate", "0.99",
			"out of range; want at least 1")},
		{"backoffRate an explicit 0", retrier(`"backoffRate":0.0`), faults("retry[0].backoffRate", "0.0",
			"out of range; the language wants at least 1; leave it out for the default, 2")},
		{"backoffRate an explicit -0", retrier(`"backoffRate":-0`), faults("retry[0].backoffRate", "-0",
			"out of range; the language wants at least 1; leave it out for the default, 2")},
		{"intervalSeconds an explicit 0", retrier(`"intervalSeconds":0`), faults("retry[0].intervalSeconds", "0",
			"out of range; leave it out for the default, 1")},
		{"intervalSeconds negative", retrier(`"intervalSeconds":-1`), faults("retry[0].intervalSeconds", "-1",
			"out of range; want more than 0, at most 99999999")},
		{"intervalSeconds too long", retrier(`"intervalSeconds":1e8`), faults("retry[0].intervalSeconds", "100000000",
			"out of range; want more than 0, at most 99999999")},
		{"maxAttempts negative", retrier(`"maxAttempts":-1`), faults("retry[0].maxAttempts", "-1",
			"out of range; want 0 to 99999999 (0 means never)")},
		{"maxAttempts too many", retrier(`"maxAttempts":100000000`), faults("retry[0].maxAttempts", "100000000",
			"out of range; want 0 to 99999999 (0 means never)")},
		{"maxAttempts too many with a short interval", retrier(`"maxAttempts":1001,"intervalSeconds":0.999`), faults("retry[0].maxAttempts", "1001",
			"out of range; want at most 1000 with an interval below 1 s, which the language does not have")},
		{"maxDelaySeconds below intervalSeconds", retrier(`"intervalSeconds":5,"maxDelaySeconds":4.5`), faults("retry[0].maxDelaySeconds", "4.5",
			"out of range; want more than intervalSeconds, which is 5")},
		{"maxDelaySeconds that is intervalSeconds", retrier(`"intervalSeconds":0.2,"maxDelaySeconds":0.2`), faults("retry[0].maxDelaySeconds", "0.2",
			"out of range; want more than intervalSeconds, which is 0.2")},
		{"maxDelaySeconds below the default interval", retrier(`"maxDelaySeconds":0.5`), faults("retry[0].maxDelaySeconds", "0.5",
			"out of range; want more than intervalSeconds, which is 1")},
		{"maxDelaySeconds an explicit 0", retrier(`"maxDelaySeconds":0`), faults("retry[0].maxDelaySeconds", "0",
			"out of range; leave it out for no cap")},
		{"maxDelaySeconds negative", retrier(`"maxDelaySeconds":-2`), faults("retry[0].maxDelaySeconds", "-2",
			"out of range; want more than 0, less than 31622401")},
		{"maxDelaySeconds at its bound", retrier(`"maxDelaySeconds":31622401`), faults("retry[0].maxDelaySeconds", "31622401",
			"out of range; want more than 0, less than 31622401")},
		{"jitterStrategy unknown", retrier(`"jitterStrategy":"full"`), faults("retry[0].jitterStrategy", `"full"`,
			`want "NONE" or "FULL"`)},

		// Several at once.
		{
			"faults of the form in the order of the document, then those of the values in the order of the fields",
			`{"targets":["s3","s3"],"failFast":"no","retry":[{"errorEquals":["X"],"jitter":"FULL"},{"backoffRate":0}],
			  "minSuccessful":-1,"regoins":["*"],"name":"a b"}`,
			faults(
				"failFast", `"no"`, "want true or false, got a string",
				"retry[0].jitter", `"FULL"`, `unknown field; did you mean "jitterStrategy"?`,
				"retry[1].backoffRate", "0", "out of range; the language wants at least 1; leave it out for the default, 2",
				"regoins", `["*"]`, `unknown field; did you mean "regions"?`,
				"name", `"a b"`, "want 1 to 80 of A-Z a-z 0-9 . _ - : +",
				"targets[1]", `"s3"`, "is listed twice, first as targets[0]",
				"retry[1].errorEquals", "", `name at least one error; "States.ALL" matches any error`,
				"minSuccessful", "-1", "out of range; want 0 to 200 (0 means all)",
			),
		},
		{
			"a value that could not be read is one fault",
			`{"retry":[{"errorEquals":"States.ALL"},null,{"errorEquals":[5]}],"targets":["",7,7]}`,
			faults(
				"retry[0].errorEquals", `"States.ALL"`, "want an array, got a string",
				"retry[1]", "null", aNull,
				"retry[2].errorEquals[0]", "5", "want a string, got a number",
				"targets[1]", "7", noTarget,
				"targets[2]", "7", noTarget,
				"targets[0].name", `""`, "is blank",
			),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, got := protocol.DecodeRequest([]byte(tt.in))
			if diff := cmp.Diff(tt.want, withoutHabitsIn(got)); diff != "" {
				t.Errorf("DecodeRequest(%.200s) faults (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

// A document that is nested too deep for encoding/json is refused as a whole.
func TestDecodeRequestRefusesADocumentThatIsTooDeep(t *testing.T) {
	t.Parallel()
	deep := `{"parameters":` + strings.Repeat(`{"a":`, 20_000) + `1` + strings.Repeat(`}`, 20_000) + `}`
	_, got := protocol.DecodeRequest([]byte(deep))
	if len(got) != 1 || got[0].Path != "" || !strings.HasPrefix(got[0].Detail, "not JSON") {
		t.Errorf("DecodeRequest(20,000 objects deep) = %v, want one fault of the whole document", got)
	}
}

// faults makes Faults of paths, values and details in turn.
func faults(triples ...string) protocol.Faults {
	var f protocol.Faults
	for triple := range slices.Chunk(triples, 3) {
		f = append(f, protocol.Fault{Path: triple[0], Value: triple[1], Detail: triple[2]})
	}
	return f
}

// retrier returns a request whose one retrier has the given further field.
func retrier(field string) string {
	return `{"retry":[{"errorEquals":["X"],` + field + `}]}`
}

// listOf returns a JSON array of n different strings.
func listOf(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"t%d"`, i)
	}
	return "[" + strings.Join(list, ",") + "]"
}

// One output that is too deep would make the whole result unreadable.
func TestAnOutputThatIsTooDeepIsAnError(t *testing.T) {
	t.Parallel()
	for depth, good := range map[int]bool{1: true, 1000: true, 1001: false, 9_990: false} {
		output := strings.Repeat(`[`, depth) + strings.Repeat(`]`, depth)
		got, err := protocol.DecodeRegionResult([]byte(`{"targets":[{"output":` + output + `}]}`))
		if (err == nil) != good {
			t.Fatalf("DecodeRegionResult(depth %d) error = %v, want good %t", depth, err, good)
		}
		if !good {
			if want := "region result: targets[0].output: arrays and objects are nested more than 1000 deep"; err.Error() != want {
				t.Errorf("DecodeRegionResult(depth %d) error = %v, want %s", depth, err, want)
			}
			continue
		}
		result := protocol.Result{Status: protocol.StatusSucceeded, Regions: []protocol.RegionOutcome{{Targets: got.Targets}}}
		if _, err := protocol.DecodeResult(encode(t, result)); err != nil {
			t.Errorf("DecodeResult(depth %d) error = %v", depth, err)
		}
	}
}

// Only arrays and objects that are in each other count, and none that is in a string.
func TestCheckOutputCountsWhatIsNested(t *testing.T) {
	t.Parallel()
	nested := func(depth int) string { return strings.Repeat(`[{"a":`, depth/2) + "1" + strings.Repeat(`}]`, depth/2) }
	for output, good := range map[string]bool{
		"[" + times(nested(10), 500) + "]": true,
		nested(1000):                       true,
		nested(1002):                       false,
		`["\"` + strings.Repeat("[{", 1000) + `\\",` + nested(998) + `]`:            true,
		`{"` + strings.Repeat("}]", 1000) + `\\\"":[` + nested(1000) + `]}`:         false,
		`[[` + strings.Repeat("{},", 1000) + nested(998) + `],` + nested(998) + `]`: true,
	} {
		if err := protocol.CheckOutput(json.RawMessage(output)); (err == nil) != good || !json.Valid([]byte(output)) {
			t.Errorf("CheckOutput(%.40s…) = %v, want good %t", output, err, good)
		}
	}
}

// A function error in the place of an answer is told in the function's words.
func TestDecodeResultTellsAFunctionError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, name, want string }{
		{`{"errorType":"KeyError","errorMessage":"'regions'","stackTrace":[]}`, "KeyError", "the function failed: KeyError: 'regions'"},
		{
			`{"errorMessage":"2026-11-29T00:00:00Z 1 Task timed out after 3.00 seconds"}`, "Lambda.Unknown",
			"the function failed: 2026-11-29T00:00:00Z 1 Task timed out after 3.00 seconds",
		},
		{`{"errorType":"Boom","errorMessage":""}`, "", ""},
		{`{"status":"FAILED","errorMessage":"an unknown field"}`, "", ""},
		{`{"errorMessage":{"a":1}}`, "", ""},
	} {
		_, ofRun := protocol.DecodeResult([]byte(tt.in))
		_, ofRegion := protocol.DecodeRegionResult([]byte(tt.in))
		for _, err := range []error{ofRun, ofRegion} {
			failure, ok := errors.AsType[*protocol.FunctionError](err)
			if ok != (tt.want != "") || ok && (failure.Error() != tt.want || failure.ErrorName() != tt.name) {
				t.Errorf("decode %s = %v, want %s: %s", tt.in, err, tt.name, tt.want)
			}
		}
	}
}

// The fields of a Request in the order of its definition.
func TestRequestFields(t *testing.T) {
	t.Parallel()
	got := protocol.RequestFields()
	if len(got) != reflect.TypeFor[protocol.Request]().NumField() || got[0] != "name" || got[len(got)-1] != "minSuccessful" {
		t.Errorf("RequestFields() = %v, want name to minSuccessful", got)
	}
}

func TestWithoutValues(t *testing.T) {
	t.Parallel()
	faulty := faults("task", `"hunter2"`, "is not a task", "name", `"hunter2"`, "want less")
	if diff := cmp.Diff(faults("task", "", "is not a task", "name", "", "want less"), faulty.WithoutValues()); diff != "" {
		t.Errorf("WithoutValues() (-want +got):\n%s", diff)
	}
	if faulty[0].Value == "" || protocol.Faults(nil).WithoutValues() != nil {
		t.Errorf("WithoutValues changed its faults to %v, or made some", faulty)
	}
}
