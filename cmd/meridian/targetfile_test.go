package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/pkg/protocol"
)

// The form of a file follows from its name and its beginning. What was a list of names
// before there were rows is one still.
func TestReadTargets(t *testing.T) {
	t.Parallel()
	const bom = "\ufeff"
	for _, tt := range []struct{ name, path, text, want string }{
		{"names on the command line", "", "s3, sqs\tiam", `["s3","sqs","iam"]`},
		{"names in an array", "", ` ["s3","a, b"] `, `["s3","a, b"]`},
		{"an object", "", `{"name":"s3","input":[1]}`, `[{"name":"s3","input":[1]}]`},
		{"an object that is a row", "", `{"id":7}`, `[{"name":"7","input":{"id":7}}]`},
		{"names like a header", "", "id,name", `["id","name"]`},
		{"a file of names", "list", bom + "s3,\nsqs\n\n\"@home\" iam", `["s3","sqs","@home","iam"]`},
		{"a file of names with commas", "list.txt", "s3,sqs\niam,ec2\n", `["s3","sqs","iam","ec2"]`},
		{"an array of names", "-", bom + `["s3"]`, `["s3"]`},
		{"an array of a request's targets", "a.json", `["a",{"name":"b"},{"name":"c","input":0}]`, `["a",{"name":"b"},{"name":"c","input":0}]`},
		{"an array of rows", "a.json", `[{"name":"d","x":1},{"x":2},6]`, `[{"name":"d","input":{"name":"d","x":1}},{"name":"2","input":{"x":2}},{"name":"3","input":6}]`},
		{"an empty array", "a.json", "[]", "[]"},
		{"JSON lines", "-", bom + " {\"name\":\"a\",\"input\":1}\r\n\n{\"id\":[]}", `[{"name":"a","input":{"name":"a","input":1}},{"name":"3","input":{"id":[]}}]`},
		{"JSON lines with numbers", "-", `{"id":12345678901234567890,"name":null}`, `[{"name":"12345678901234567890","input":{"id":12345678901234567890,"name":null}}]`},
		{"JSON lines of any value", "a.JSONL", bom + "\"s3\"\n[1]\n\n7", `[{"name":"1","input":"s3"},{"name":"2","input":[1]},{"name":"4","input":7}]`},
		{"CSV by its name", "a.csv", "url,n\n\"a,b\",1\n\n<&>,\n", `[{"name":"2","input":{"n":"1","url":"a,b"}},{"name":"4","input":{"n":"","url":"<&>"}}]`},
		{"CSV by its header", "-", bom + "\"id\",name\r\n7,a\r\n", `[{"name":"a","input":{"id":"7","name":"a"}}]`},
		{"CSV by a header in capitals", "-", "ID , Name\n7, a\n", `[{"name":" a","input":{"ID":"7","Name":" a"}}]`},
		{"CSV with an id in capitals", "a.csv", " Id\n7\n", `[{"name":"7","input":{"Id":"7"}}]`},
		{"CSV with an id", "a.csv", "id\n7\n", `[{"name":"7","input":{"id":"7"}}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var l targetList
			if err := l.read(tt.path, tt.text); err != nil {
				t.Fatalf("read(%q, %q) = %v", tt.path, tt.text, err)
			}
			var want []protocol.Target
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, append([]protocol.Target{}, l.targets...)); diff != "" {
				t.Errorf("read(%q, %q) (-want +got):\n%s", tt.path, tt.text, diff)
			}
		})
	}
}

// An error names the file and the line, and says what to write. Texts of the standard
// library are not compared.
func TestReadTargetsRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ path, text, want string }{
		{"", `["s3"`, `"[\"s3\"": a name with a quote in it is quoted, and the quote is doubled: "a""b"`},
		{"", `["s3",]`, "not JSON: … at line 1, column 7; want one JSON array"},
		{"", `{"name"`, `not JSON: … at line 1, column 7; a name that begins with a brace is quoted: '"{name"'`},
		{"", "[null]", "null is no target; leave it out"},
		{"a.json", "[1]\n[2]", "a.json: not JSON: … at line 2, column 1; want one JSON array"},
		{"a.json", `["a",null]`, "element 2 of a.json: null is no target; leave it out"},
		{"-", "{\"a\":1}\n\n{\"é\": ]}\n", "standard input: not JSON: … at line 3, column 7; want one JSON value on each line, as jq -c prints them"},
		{"-", "{\n  \"a\":1\n}", "standard input: not JSON: … at line 1, column 2; want one JSON value on each line, as jq -c prints them"},
		{"a.jsonl", "7\n null", "line 2 of a.jsonl: null is no target; leave it out"},
		{"list", "s3\nb\xe4r", "list: not UTF-8 at line 2, column 2; save it as UTF-8"},
		{"a.csv", "", "a.csv: has no rows; want a header, and a line for each target"},
		{"-", "id,url\n", "standard input: has no rows; want a header, and a line for each target"},
		{"a.csv", "a,b\n1,2\n\n1,2,3\n", "line 4 of a.csv: has 3 fields, and the header has 2; quote a field with a comma in it"},
		{"a.csv", "a,b\n1\n", "line 2 of a.csv: has 1 field, and the header has 2; quote a field with a comma in it"},
		{"a.csv", "a,\n1,2\n", "line 1 of a.csv, the header: a column has no name; the first line has the names of the columns"},
		{"a.csv", "a,a\n1,2\n", "line 1 of a.csv, the header: two columns have the same name; rename one"},
		{"a.csv", "a, a\n1,2\n", "line 1 of a.csv, the header: two columns have the same name; rename one"},
		{"a.csv", "a;b\n1;2\n", "line 1 of a.csv, the header: want commas between the columns"},
		{"a.csv", "a,b\n1,2\"3\n", "a.csv: … line 2, … ; quote a field with a quote in it, and double the quote"},
	} {
		var l targetList
		err := l.read(tt.path, tt.text)
		if err == nil || !hasParts(err.Error(), strings.Split(tt.want, "…")) {
			t.Errorf("read(%q, %q) = %v, want %s", tt.path, tt.text, err, tt.want)
		}
	}
}

// hasParts reports whether text begins with the first of parts, ends with the last, and has
// the others in between.
func hasParts(text string, parts []string) bool {
	if !strings.HasPrefix(text, parts[0]) || !strings.HasSuffix(text, strings.TrimSpace(parts[len(parts)-1])) {
		return false
	}
	for _, part := range parts {
		_, after, found := strings.Cut(text, strings.TrimSpace(part))
		if text = after; !found {
			return false
		}
	}
	return true
}

// What does not fit into a request is refused, not cut. Rows of CSV are longer as JSON.
func TestTargetsFitIntoARequest(t *testing.T) {
	t.Parallel()
	rows := func(n int) string {
		var b strings.Builder
		b.WriteString("id," + strings.Repeat("x", 1000))
		for i := range n {
			fmt.Fprintf(&b, "\n%d,", i)
		}
		return b.String()
	}
	for _, tt := range []struct{ name, text, want string }{
		{"a file as long as it may be", "s3" + strings.Repeat(" ", protocol.MaxRequestBytes-2), ""},
		{"a file that is longer", "s3" + strings.Repeat(" ", protocol.MaxRequestBytes-1), "meridian: --target: standard input: more than 1048576 bytes (1 MiB), the most of a request; line 1 is too long, or too many lines are before it\n"},
		{"rows that fit", rows(900), ""},
		{"rows that are longer", rows(1100), "bytes as JSON are too many; a request has at most 1048576 (1 MiB): run them in several runs\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr strings.Builder
			run(t.Context(), []string{"run", "--dry-run", "--region", "eu-west-1", "--target", "@-"}, strings.NewReader(tt.text), &stdout, &stderr, nil)
			if got := stderr.String(); tt.want == "" && strings.Contains(got, "1 MiB") || !strings.HasSuffix(got, tt.want) {
				t.Errorf("run with %d bytes says %.300s, want %q", len(tt.text), got, tt.want)
			}
		})
	}
}

// Whatever a file has, it is read or refused. What a request takes has names that are
// unique, and inputs that are JSON.
func FuzzReadTargets(f *testing.F) {
	for path, texts := range map[string][]string{
		"":        {"s3,sqs", `["s3"]`, `{"name":"a","input":{"b":1}}`, `[null,{"id":1}]`, `"a, b"`},
		"-":       {"id,name\n1,a\n2,\"b\"\"\n", "{\"id\":1}\n{\"id\":1}\n", `[{"name":"a"},{"name":"a","input":1}]`, "\ufeff\xff"},
		"a.csv":   {"url\na\n", "a,b\n1\n", "\"a\n\",b\n\"1\n\",2\n", ""},
		"a.jsonl": {"1\n\n\"a\"\nnull", "[1]\n]", "{\"name\":\"\\ud800\"}"},
	} {
		for _, text := range texts {
			f.Add(path, text)
		}
	}
	f.Fuzz(func(t *testing.T, path, text string) {
		var l targetList
		if err := l.read(path, text); err != nil {
			return
		}
		if len(l.places) != len(l.targets) {
			t.Fatalf("read(%q, %q) has %d places of %d targets", path, text, len(l.places), len(l.targets))
		}
		valid := (protocol.Request{Targets: l.targets}).Validate() == nil
		seen := map[string]bool{}
		for _, target := range l.targets {
			if valid && seen[target.Name] || target.Input != nil && (!json.Valid(target.Input) || string(target.Input) == "null") {
				t.Errorf("read(%q, %q) has the target %q with the input %s", path, text, target.Name, target.Input)
			}
			seen[target.Name] = true
		}
	})
}
