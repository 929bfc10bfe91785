package endpoints_test

import (
	"strings"
	"testing"

	"meridian/internal/endpoints"
)

// small is a catalogue with every kind of line.
const small = `meridian endpoints 1
B 1.2.3 2020-01-02
P aws amazonaws.com api.aws AWS Standard
R eu-west-1 Europe (Ireland)
A eu-west-9 Europe (Nowhere)
P aws-cn amazonaws.com.cn api.cn AWS China
R cn-north-1 China (Beijing)
S iam iam 5 aws-cn=!iam.cn.$@cn-north-1;!iam.$@us-east-1 - iam.*.% eu-west-1,aws-cn=x;-
S new new ? new.*.$ new-fips.*.$ new.*.% new-fips.*.%
`

func TestDecodeReadsEveryKindOfLine(t *testing.T) {
	t.Parallel()

	hosts, err := endpoints.Decode(small)

	got := strings.Join(hosts, " ")
	want := "iam.amazonaws.com iam.eu-west-1.api.aws x" +
		" iam.amazonaws.com iam.eu-west-9.api.aws" +
		" iam.cn.amazonaws.com.cn iam.cn-north-1.api.cn x" +
		" new.eu-west-1.amazonaws.com new-fips.eu-west-1.amazonaws.com new.eu-west-1.api.aws new-fips.eu-west-1.api.aws" +
		" new.eu-west-9.amazonaws.com new-fips.eu-west-9.amazonaws.com new.eu-west-9.api.aws new-fips.eu-west-9.api.aws" +
		" new.cn-north-1.amazonaws.com.cn new-fips.cn-north-1.amazonaws.com.cn new.cn-north-1.api.cn new-fips.cn-north-1.api.cn"

	if err != nil || got != want {
		t.Errorf("Decode() = %s, %v, want %s", got, err, want)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name, line, want string
	}{
		{"an unknown kind", "X", `line 10: unknown kind of line "X"`},
		{"an empty line", "", `line 10: unknown kind of line ""`},
		{"half a source", "B 1.2.3", "line 10: the source lacks a version or a date"},
		{"a short partition", "P aws-iso", "line 10: a partition has four fields"},
		{"a duplicate Region", "R eu-west-1 Again", `line 10: Region "eu-west-1" has no partition or no name, or is a duplicate`},
		{"a short service", "S a a ? b", `line 10: service "a" lacks a field or is a duplicate`},
		{"a long service", "S a a ? b b b b b", "line 10: a service has seven fields"},
		{"an empty field", "S a  ? b b b b", "line 10: a service has seven fields"},
		{"a duplicate service", "S iam iam ? b b b b", `line 10: service "iam" lacks a field or is a duplicate`},
		{"wrong digits", "S a a 5x b b b b", `line 10: service "a": "5x" is not hexadecimal`},
	}

	for _, tt := range tests {
		err := endpoints.DecodeOnly(small + tt.line + "\n")
		if err == nil || err.Error() != "catalogue: "+tt.want {
			t.Errorf("decode with %s = %v, want %s", tt.name, err, tt.want)
		}
	}

	for _, text := range []string{"", "meridian endpoints 2\n", "meridian endpoints 1\nR eu-west-1 Without a partition\n"} {
		if err := endpoints.DecodeOnly(text); err == nil {
			t.Errorf("decode(%q) = nil, want an error", text)
		}
	}
}

// TestCatalogueIsSmall keeps the catalogue far below the 400 KB that it may add
// to a binary.
func TestCatalogueIsSmall(t *testing.T) {
	t.Parallel()

	if n := len(endpoints.Embedded()); n > 200_000 {
		t.Errorf("the catalogue has %d bytes, want at most 200,000", n)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(small)
	f.Add(strings.ReplaceAll(small, "5", "ffff"))
	f.Add(strings.ReplaceAll(small, ";", "=;=,"))
	f.Add(endpoints.Embedded()[:4000])

	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 8000 {
			t.Skip("too long to resolve everything in")
		}

		hosts, err := endpoints.Decode(text)
		if err != nil && hosts != nil {
			t.Errorf("Decode() = %v, %v, want hosts or an error", hosts, err)
		}
	})
}

func BenchmarkFirstDecode(b *testing.B) {
	text := endpoints.Embedded()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()

	for b.Loop() {
		if err := endpoints.DecodeOnly(text); err != nil {
			b.Fatal(err)
		}
	}
}
