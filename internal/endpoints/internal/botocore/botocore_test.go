package botocore_test

import (
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meridian/internal/endpoints/internal/botocore"
)

// made opens the made-up botocore.
func made(t *testing.T) *botocore.Data {
	t.Helper()

	return open(t, "../../testdata/made")
}

func open(t *testing.T, dir string) *botocore.Data {
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

	return d
}

func service(t *testing.T, d *botocore.Data, name string) *botocore.Service {
	t.Helper()

	s, err := d.Service(name)
	if err != nil {
		t.Fatal(err)
	}

	return s
}

func TestEverythingIsInAFixedOrder(t *testing.T) {
	t.Parallel()

	d := made(t)

	services, err := d.Services()
	if want := "acm deaf everyday ledger neptune-graph world"; err != nil || strings.Join(services, " ") != want {
		t.Errorf("Services() = %v, %v, want %s", services, err, want)
	}

	var regions []string

	for _, p := range d.Partitions {
		for _, r := range p.Regions {
			regions = append(regions, p.ID+":"+r.Name)

			if want := r.Name == "xx-south-1"; r.Announced != want {
				t.Errorf("%s is announced: %v, want %v", r.Name, r.Announced, want)
			}
		}
	}

	want := "aws:xx-east-1 aws:xx-north-1 aws:xx-south-1 aws:xx-west-1 aws-yy:yy-south-1"
	if got := strings.Join(regions, " "); got != want || d.Version != "9.8.7" {
		t.Errorf("Regions of %s = %s, want %s", d.Version, got, want)
	}
}

func TestRegionsOfAService(t *testing.T) {
	t.Parallel()

	d := made(t)

	tests := []struct {
		name   string
		global bool
		want   string
		listed bool
	}{
		{"everyday", false, "xx-east-1 xx-west-1", true}, // and no pseudo-Region
		{"world", true, "xx-east-1 xx-north-1 xx-west-1", true},
		{"world", false, "xx-east-1 xx-north-1 xx-west-1", true}, // it says it is not regional
		{"acm", true, "xx-east-1 xx-north-1 xx-west-1", true},
		{"deaf", true, "", false},
	}

	for _, tt := range tests {
		s := service(t, d, tt.name)
		got := strings.Join(s.Regions(d.Partitions[0], tt.global), " ")

		if got != tt.want || s.Listed() != tt.listed {
			t.Errorf("Regions(%s, %v) = %q, listed %v, want %q, %v", tt.name, tt.global, got, s.Listed(), tt.want, tt.listed)
		}
	}
}

func TestOpenReadsPackedFiles(t *testing.T) {
	t.Parallel()

	dir := copyOf(t)
	version := filepath.Join(dir, "data/world/2020-01-01")

	for _, name := range []string{"service-2.json", "endpoint-rule-set-1.json"} {
		text, err := os.ReadFile(filepath.Join(version, name))
		if err != nil {
			t.Fatal(err)
		}

		var b strings.Builder

		z := gzip.NewWriter(&b)
		if _, err := z.Write(text); err != nil {
			t.Fatal(err)
		}

		if err := errors.Join(z.Close(), os.Remove(filepath.Join(version, name))); err != nil {
			t.Fatal(err)
		}

		write(t, filepath.Join(version, name+".gz"), b.String())
	}

	d := open(t, dir)

	got, err := service(t, d, "world").Resolve(d.Partitions[0], botocore.Query{Region: "xx-west-1"})
	if err != nil || got.Host != "world.example.com" {
		t.Errorf("Resolve() = %+v, %v, want world.example.com", got, err)
	}
}

func TestOpenRefusesWhatIsNoBotocore(t *testing.T) {
	t.Parallel()

	tests := []struct{ file, text, want string }{
		{"__init__.py", "nothing", "__init__.py has none"},
		{"data/endpoints.json", "{", "read data/endpoints.json"},
		{"data/partitions.json", "{", "read data/partitions.json"},
		{"data/partitions.json", `{"partitions":[]}`, "partition aws is not in partitions.json"},
		{"data/partitions.json", `{"partitions":[{"id":"aws","regionRegex":"(","outputs":{}}]}`, "partition aws: error parsing regexp"},
		{"data/endpoints.json", `{"partitions":[]}`, "endpoints.json has 0 partitions, partitions.json 2"},
	}

	for _, tt := range tests {
		dir := copyOf(t)
		write(t, filepath.Join(dir, tt.file), tt.text)

		if _, err := botocore.Open(dir); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Open() with another %s = %v, want %s", tt.file, err, tt.want)
		}
	}

	if _, err := botocore.Open(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("Open(none) = nil, want an error")
	}
}

func TestFictitiousRegionsDoNotExist(t *testing.T) {
	t.Parallel()

	for _, p := range made(t).Partitions {
		name := p.Fictitious()
		if !strings.HasSuffix(name, "-99") || slices.ContainsFunc(p.Regions, func(r botocore.Region) bool { return r.Name == name }) {
			t.Errorf("Fictitious() of %s = %s, want a Region that does not exist", p.ID, name)
		}
	}
}

// copyOf returns a copy of the made-up botocore.
func copyOf(t *testing.T) string {
	t.Helper()

	dir := filepath.Join(t.TempDir(), "botocore")
	if err := os.CopyFS(dir, os.DirFS("../../testdata/made")); err != nil {
		t.Fatal(err)
	}

	return dir
}

func write(t *testing.T, file, text string) {
	t.Helper()

	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}
