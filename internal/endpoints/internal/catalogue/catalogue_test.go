package catalogue_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meridian/internal/endpoints/internal/botocore"
	"meridian/internal/endpoints/internal/catalogue"
)

// format writes the catalogue of a botocore.
func format(t *testing.T, dir, pin string) (string, error) {
	t.Helper()

	d, err := botocore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})

	p, err := catalogue.ParsePin(pin)
	if err != nil {
		t.Fatal(err)
	}

	return catalogue.Format(d, p)
}

const made, pin = "../../testdata/made", "9.8.7 2020-02-02"

func TestTheSameDataGivesTheSameBytes(t *testing.T) {
	t.Parallel()

	want, err := os.ReadFile("../../testdata/made.golden")
	if err != nil {
		t.Fatal(err)
	}

	for range 10 {
		if got, err := format(t, made, pin); err != nil || got != string(want) {
			t.Fatalf("Format() = %v and\n%s\nwant\n%s", err, got, want)
		}
	}
}

func TestOneLineStandsForOneService(t *testing.T) {
	t.Parallel()

	text, err := format(t, made, pin)
	if err != nil {
		t.Fatal(err)
	}

	var ids []string

	for line := range strings.Lines(text) {
		if f := strings.Fields(line); f[0] == "S" {
			ids = append(ids, f[1])
		}
	}

	if got, want := strings.Join(ids, " "), "acm deaf everyday ledger neptune-graph world"; got != want {
		t.Errorf("Format() has lines for %s, want %s", got, want)
	}
}

func TestAnotherVersionThanThePinnedIsRefused(t *testing.T) {
	t.Parallel()

	_, err := format(t, made, "9.8.8 2020-02-02")
	if want := "botocore is 9.8.7, 9.8.8 is pinned"; err == nil || err.Error() != want {
		t.Errorf("Format() = %v, want %s", err, want)
	}

	if _, err := catalogue.ParsePin("9.8.7"); err == nil {
		t.Error("ParsePin() = nil, want an error")
	}
}

func TestAServiceWhoseRulesCannotBeEvaluatedStopsTheGenerator(t *testing.T) {
	t.Parallel()

	const region = `"Region":{"type":"string"}`

	plain := `[{"type":"endpoint","conditions":[],"endpoint":{"url":"https://a.b"}}]`
	tests := []struct{ service, parameters, rules, want string }{
		{
			"world", region, `[{"type":"endpoint","conditions":[{"fn":"guess","argv":[]}]}]`,
			"service world: guess: not implemented with 0 arguments",
		},
		{
			"world", region + `,"Kind":{"type":"string","required":true}`, plain,
			"service world: the rules want the parameter Kind",
		},
		{"acm", region, plain, "service acm: it needs no choice of a parameter"},
	}

	for _, tt := range tests {
		dir := filepath.Join(t.TempDir(), "botocore")
		if err := os.CopyFS(dir, os.DirFS(made)); err != nil {
			t.Fatal(err)
		}

		file := filepath.Join(dir, "data", tt.service, "2020-01-01/endpoint-rule-set-1.json")
		if err := os.WriteFile(file, []byte(`{"parameters":{`+tt.parameters+`},"rules":`+tt.rules+`}`), 0o600); err != nil {
			t.Fatal(err)
		}

		if _, err := format(t, dir, pin); err == nil || err.Error() != tt.want {
			t.Errorf("Format() = %v, want %s", err, tt.want)
		}
	}

	dir := filepath.Join(t.TempDir(), "botocore")
	if err := os.CopyFS(dir, os.DirFS(made)); err != nil {
		t.Fatal(err)
	}

	if err := os.RemoveAll(filepath.Join(dir, "data/acm")); err != nil {
		t.Fatal(err)
	}

	_, err := format(t, dir, pin)
	if want := "service acm needs no choice of ServiceType"; err == nil || err.Error() != want {
		t.Errorf("Format() = %v, want %s", err, want)
	}
}
