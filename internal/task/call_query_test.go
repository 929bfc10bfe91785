package task_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"meridian/internal/race"
	"meridian/internal/task"
)

// A query that would take the process's stack is refused before anything is sent.
func TestAQueryThatIsTooLongOrTooDeepIsRefused(t *testing.T) {
	t.Parallel()
	const deep = "is nested too deeply: it has more than 250 levels"
	for _, test := range []struct{ name, query, want string }{
		{"many !", strings.Repeat("!", 450_000) + "@", "is too long: it has 450001 bytes; want at most 10240"},
		{"many objects", strings.Repeat("{a:", 200_000), "is too long: it has 600000 bytes; want at most 10240"},
		{"many brackets", strings.Repeat("(", 400_000), "is too long: it has 400000 bytes; want at most 10240"},
		{"! in the length", strings.Repeat("!", 10_000) + "@", deep},
		{"objects in the length", strings.Repeat("{a:", 2500) + "@" + strings.Repeat("}", 2500), deep},
		{"a chain", strings.Repeat("@|", 5000) + "@", deep},
		{"indices", "@" + strings.Repeat("[0]", 3000), deep},
		{"251 levels", strings.Repeat("!", 250) + "@", deep},
		{"250 levels", strings.Repeat("!", 249) + "@", ""},
		{"brackets", strings.Repeat("(", 5000) + "@" + strings.Repeat(")", 5000), ""},
		{"a let of no variable", "let $v in $v", "is not JMESPath: let takes variables, as in let $name = Name in $name"},
		{"a let of a member", "let $v = Vpcs, a = Vpcs in $v", "is not JMESPath: let takes variables, as in let $name = Name in $name"},
		{"a character that ends the parser", "Vpcs\u0080", "is not JMESPath: it has the control character U+0080"},
	} {
		parameters, _ := json.Marshal(map[string]string{"query": test.query})
		faults := task.Builtin().Check("call", parameters, []string{"ec2:DescribeVpcs"})
		got := ""
		if len(faults) > 0 {
			got = faults[0].Detail
		}
		if got != test.want || len(faults) > 1 {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// A query takes no more memory than it may. The measure is all that the process has taken,
// garbage too, so nothing runs beside it.
//
//nolint:paralleltest // see above
func TestAQueryTakesNoMoreMemoryThanItMay(t *testing.T) {
	race.Skip(t, "takes much memory")
	const memoryMB = 128
	list := "`[" + strings.Repeat("1,", 1000) + "1]`"
	for _, test := range []struct{ name, query, want string }{
		{"a wide text", "pad_left('a', `300000000`, 'x')", "Call.Query"},
		{"a text of half the width, which is copied", "pad_left('a', `16000000`, 'x')", "Call.Query"},
		{"a text of any width", "pad_right('a', `1e300`, 'x')", "Call.Query"},
		{"lists of lists", "@" + strings.Repeat("|[@,@]", 22), "Call.TooLarge"},
		{"objects of objects", "@" + strings.Repeat("|{a:@,b:@}", 22), "Call.TooLarge"},
		{"lists of lists as a text", "@" + strings.Repeat("|[@,@]", 22) + "|to_string(@)", "Call.Query"},
		{"a list that doubles", "Vpcs" + strings.Repeat("|[@,@][]", 30), "Call.Query"},
		{"a text that grows", "'aaaaaaaa'" + strings.Repeat("|replace(@,'a','aaaaaaaa')", 10), "Call.Query"},
		{"a text of texts", "'aaaaaaaa'" + strings.Repeat("|join(@,[@,@,@])", 10), "Call.Query"},
		{"every letter", "pad_left('a', `6000000`) | split(@, '')", "Call.Query"},
		{"products", fmt.Sprintf("let $l = %s in $l[].[$l[].[$l[]]]", list), "Call.Query"},
		{"products by a function", fmt.Sprintf("let $l = %s in map(&map(&map(&[@], $l), $l), $l)", list), "Call.Query"},
		{"conditions of conditions", fmt.Sprintf("let $l = %s in $l[?$l[?$l[?@==`2`]]]", list), "Call.Query"},
		{"searches", fmt.Sprintf("let $l = %s in $l[?contains($l[?contains($l, `2`)], @)]", list), "Call.Query"},
		{"where errors are dropped", "[[pad_left('a', `300000000`)][][?@]]", "Call.Query"},
		{"a wide text that fits", "pad_left('a', `1000`) | length(@)", ""},
	} {
		tasks := calling(t, "reads", cloudWithin(t, memoryMB, &stub{t: t, answers: []answer{{body: fmt.Sprintf(vpcs, "")}}}))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := call(t, tasks, "ec2:DescribeVpcs", parametersOf(t, test.query))
		runtime.ReadMemStats(&after)
		name := ""
		if failed, ok := errors.AsType[*task.CallError](err); ok {
			name = failed.Name
		}
		if name != test.want || (err != nil) != (test.want != "") {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
		took := (after.TotalAlloc - before.TotalAlloc) >> 20
		t.Logf("%s: %d MiB, %v", test.name, took, err)
		if took > memoryMB {
			t.Errorf("%s: took %d MiB, want at most %d", test.name, took, memoryMB)
		}
	}
}

// parametersOf returns the parameters of a query.
func parametersOf(t *testing.T, query string) string {
	t.Helper()
	parameters, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	return string(parameters)
}

// The longest answer that a small worker reads has room for a table of all of it.
func TestAQueryOfALongAnswerHasRoomForItsTable(t *testing.T) {
	t.Parallel()
	const items = 14_000
	body := `{"logGroups":[` + strings.Repeat(`{"logGroupName":"/aws/lambda/function","arn":"arn:aws:logs:eu-west-1:111122223333:log-group","storedBytes":1},`, items-1) + `{}]}`
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	query := "sort_by(logGroups[?logGroupName].{name: logGroupName, arn: arn, bytes: storedBytes, a: arn, b: arn}, &name)[].{name: name, bytes: bytes, arn: arn} | length(@)"
	out, err := call(t, calling(t, "reads", cloudWithin(t, 128, handler)), "logs:DescribeLogGroups", parametersOf(t, query))
	if want := fmt.Sprintf(`{"result":%d,"pages":1}`, items-1); err != nil || string(out) != want {
		t.Errorf("output %s, %v, want %s", out, err, want)
	}
}

// The errors of a query say in plain words what it does wrongly.
func TestTheErrorsOfAQueryAreInPlainWords(t *testing.T) {
	t.Parallel()
	const infinite = "query: a number in its result is infinite or no number, as after a division by zero"
	for _, test := range []struct{ query, want string }{
		{"length(`null`)", "query: length takes a string, an array or an object"},
		{"abs(Vpcs)", "query: abs takes a number"},
		{"join(Vpcs, `1`)", "query: join takes a string, then an array of strings"},
		{"sum(Vpcs)", "query: sum takes an array of numbers"},
		{"sort_by(`1`, &a)", "query: sort_by takes an array, then an expression such as &Name"},
		{"sort_by(Vpcs, &Tags)", "query: sort_by compares numbers with numbers, or strings with strings"},
		{"max_by(`[1, \"a\"]`, &@)", "query: max_by compares numbers with numbers, or strings with strings"},
		{"length()", "query: the function 'length' expects 1 argument but none were supplied"},
		{"`1` / `0`", infinite},
		{"[`0` / `0`]", infinite},
		{"to_string(`1` / `0`)", infinite},
		{"&VpcId", "query: its result is an expression, such as &Name, and no value"},
	} {
		tasks := calling(t, "reads", cloud(t, &stub{t: t, answers: []answer{{body: fmt.Sprintf(vpcs, "")}}}))
		_, err := call(t, tasks, "ec2:DescribeVpcs", parametersOf(t, test.query))
		if failed, ok := errors.AsType[*task.CallError](err); !ok || failed.Name != "Call.Query" || failed.Error() != test.want {
			t.Errorf("%s: %v, want %s", test.query, err, test.want)
		}
	}
}

// The functions with which the library panics, or changes what others use, answer what
// JMESPath says.
func TestFunctionsOfAQueryHoldForAllArguments(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ query, want string }{
		{"contains(Vpcs, Vpcs[0])", "true"},
		{"contains(Vpcs, `{}`)", "false"},
		{"contains(`[[1]]`, `[1]`)", "true"},
		{"contains('abc', 'b')", "true"},
		{"find_first('ab', 'b', `9`)", "null"},
		{"find_first('ab', 'b', `1`, `0`)", "null"},
		{"find_last('abab', 'b', `0`, `-1`)", "null"},
		{"find_last('abab', 'b', `-5`, `1e300`)", "3"},
		{"find_last('abab', 'b', `0`, `3`)", "1"},
		{"find_first('abab', 'b', `2`)", "3"},
		{"find_first('abab', 'b', to_number('inf'))", "null"},
		{"`[2,1]` | [sort_by(@, &@), @]", "[[1,2],[2,1]]"},
	} {
		tasks := calling(t, "reads", cloud(t, &stub{t: t, answers: []answer{{body: fmt.Sprintf(vpcs, "")}}}))
		out, err := call(t, tasks, "ec2:DescribeVpcs", parametersOf(t, test.query))
		if want := `{"result":` + test.want + `,"pages":1}`; err != nil || string(out) != want {
			t.Errorf("%s: %s, %v, want %s", test.query, out, err, want)
		}
	}
}
