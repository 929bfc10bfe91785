package botocore_test

import (
	"errors"
	"path/filepath"
	"testing"

	"meridian/internal/endpoints/internal/botocore"
)

func TestResolve(t *testing.T) {
	t.Parallel()

	tests := []struct {
		service       string
		query         botocore.Query
		host, signing string
	}{
		{"everyday", botocore.Query{Region: "xx-west-1"}, "everyday.xx-west-1.example.com", "xx-west-1"},
		{"everyday", botocore.Query{Region: "xx-east-1"}, "everyday.example.com", "xx-east-1"},
		{"everyday", botocore.Query{Region: "xx-west-1", DualStack: true}, "everyday.xx-west-1.six.example", "xx-west-1"},
		{"everyday", botocore.Query{Region: "xx-west-1", FIPS: true}, "everyday-fips.xx-west-1.example.com", "xx-west-1"},
		{"everyday", botocore.Query{Region: "xx-north-1", FIPS: true}, "everyday.xx-north-1.example.com", "xx-north-1"},
		{"everyday", botocore.Query{Region: "yy-south-1"}, "everyday.yy-south-1.example.org", "yy-south-1"},
		{"everyday", botocore.Query{Region: "xx-middle-7"}, "everyday.xx-middle-7.example.com", "xx-middle-7"},
		{"everyday", botocore.Query{Region: "nowhere"}, "everyday.nowhere.example.com", "nowhere"},
		{"world", botocore.Query{Region: "xx-west-1"}, "world.example.com", "xx-east-1"}, // sigv4, not sigv4a
		{"world", botocore.Query{Region: "xx-west-1", FIPS: true}, "world-fips.xx-west-1.example.com", "xx-east-1"},
		{"ledger", botocore.Query{Region: "xx-east-1"}, "ledger.xx-east-1.example.com", "xx-north-1"},
		{"ledger", botocore.Query{Region: "xx-east-1", FIPS: true}, "ledger-fips.xx-east-1.example.com", "xx-east-1"},
		{"ledger", botocore.Query{Region: "xx-west-1"}, "ledger.xx-west-1.example.com", "xx-west-1"},
		{"deaf", botocore.Query{Region: "xx-west-1", FIPS: true}, "deaf.xx-west-1.api.example.com", "xx-west-1"},
		{
			"acm",
			botocore.Query{Region: "xx-west-1", Parameters: map[string]string{"ServiceType": "ACM"}},
			"acm.xx-west-1.example.com", "xx-west-1",
		},
	}

	d := made(t)

	for _, tt := range tests {
		got, err := service(t, d, tt.service).Resolve(d.Partitions[0], tt.query)
		if want := (botocore.Answer{Host: tt.host, SigningRegion: tt.signing}); err != nil || got != want {
			t.Errorf("Resolve(%s, %+v) = %+v, %v, want %+v", tt.service, tt.query, got, err, want)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	t.Parallel()

	d := made(t)

	_, err := service(t, d, "world").Resolve(d.Partitions[0], botocore.Query{Region: "xx-west-1", DualStack: true})
	if want := (botocore.RefusedError{Reason: "no dual-stack"}); !errors.Is(err, want) {
		t.Errorf("Resolve() = %v, want %v", err, want)
	}

	_, err = service(t, d, "acm").Resolve(d.Partitions[0], botocore.Query{Region: "xx-west-1"})
	if want := (botocore.ParameterError{Name: "ServiceType"}); !errors.Is(err, want) {
		t.Errorf("Resolve() = %v, want %v", err, want)
	}
}

// An oddity is a rule that cannot be followed, and what is said about it.
type oddity struct{ name, rule, want string }

func odd() []oddity {
	return []oddity{
		{
			"an unknown function",
			`{"type":"endpoint","conditions":[{"fn":"guess","argv":[]}],"endpoint":{"url":"https://a.b"}}`,
			"guess: not implemented with 0 arguments",
		},
		{
			"too many arguments",
			`{"type":"endpoint","conditions":[{"fn":"isSet","argv":[1,2]}],"endpoint":{"url":"https://a.b"}}`,
			"isSet: not implemented with 2 arguments",
		},
		{
			"a comparison of different types",
			`{"type":"endpoint","conditions":[{"fn":"stringEquals","argv":[true,"a"]}],"endpoint":{"url":"https://a.b"}}`,
			"stringEquals: an argument is of the wrong type",
		},
		{"an unknown type of rule", `{"type":"forest","conditions":[]}`, `a rule of type "forest"`},
		{"a rule that never applies", `{"type":"tree","conditions":[],"rules":[]}`, "no rule applies"},
		{
			"an unknown name", `{"type":"endpoint","conditions":[],"endpoint":{"url":"https://{Bucket}.b"}}`,
			`template "https://{Bucket}.b": Bucket is not a text`,
		},
		{
			"a template without an end", `{"type":"endpoint","conditions":[],"endpoint":{"url":"https://{Region.b"}}`,
			`template "https://{Region.b"`,
		},
		{
			"a URL with a path", `{"type":"endpoint","conditions":[],"endpoint":{"url":"https://a.b/c"}}`,
			`"https://a.b/c" is not https and a host alone`,
		},
		{
			"an unencrypted URL", `{"type":"endpoint","conditions":[],"endpoint":{"url":"http://a.b"}}`,
			`"http://a.b" is not https and a host alone`,
		},
		{
			"an odd argument",
			`{"type":"endpoint","conditions":[{"fn":"isSet","argv":[{"what":1}]}],"endpoint":{"url":"https://a.b"}}`,
			"map[what:1] is neither a reference nor a call",
		},
		{
			"a member of a text",
			`{"type":"endpoint","conditions":[{"fn":"getAttr","argv":[{"ref":"Region"},"a.b"]}],"endpoint":{"url":"https://a.b"}}`,
			`getAttr: "a.b" of something without members`,
		},
		{
			"an element of a text",
			`{"type":"endpoint","conditions":[{"fn":"getAttr","argv":[{"ref":"Region"},"[0]"]}],"endpoint":{"url":"https://a.b"}}`,
			`getAttr: "[0]" of something without elements`,
		},
	}
}

func TestWhatIsNotImplementedIsAnErrorAndNeverAGuess(t *testing.T) {
	t.Parallel()

	for _, tt := range odd() {
		dir := copyOf(t)
		write(t, filepath.Join(dir, "data/odd/2020-01-01/service-2.json"), `{"metadata":{"endpointPrefix":"odd"}}`)
		write(t, filepath.Join(dir, "data/odd/2020-01-01/endpoint-rule-set-1.json"),
			`{"parameters":{"Region":{}},"rules":[`+tt.rule+`]}`)

		d := open(t, dir)

		_, err := service(t, d, "odd").Resolve(d.Partitions[0], botocore.Query{Region: "xx-west-1"})
		if err == nil || err.Error() != tt.want {
			t.Errorf("Resolve() with %s = %v, want %s", tt.name, err, tt.want)
		}
	}
}
