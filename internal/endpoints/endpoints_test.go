package endpoints_test

import (
	"slices"
	"strings"
	"testing"

	"meridian/internal/endpoints"
)

// partitions are the partitions that the catalogue must have, with the number of
// Regions of each when this was written.
func partitions() map[string]int {
	return map[string]int{
		"aws": 34, "aws-cn": 2, "aws-us-gov": 2, "aws-eusc": 1,
		"aws-iso": 2, "aws-iso-b": 2, "aws-iso-e": 1, "aws-iso-f": 2,
	}
}

func TestPartitionsAreInCatalogueOrder(t *testing.T) {
	t.Parallel()

	got := endpoints.Partitions()

	var ids []string

	for _, p := range got {
		ids = append(ids, p.ID)

		if p.Name == "" || p.DNSSuffix == "" || p.DualStackDNSSuffix == "" {
			t.Errorf("Partitions() has %+v, want all fields", p)
		}
	}

	if len(ids) < 3 || ids[0] != "aws" || ids[1] != "aws-cn" || ids[2] != "aws-us-gov" {
		t.Errorf("Partitions() = %v, want aws, aws-cn and aws-us-gov first", ids)
	}

	for id, regions := range partitions() {
		if !slices.Contains(ids, id) {
			t.Errorf("Partitions() = %v, want %s too", ids, id)
		}

		if n := len(endpoints.Regions(id)); n < regions {
			t.Errorf("Regions(%q) has %d Regions, want %d or more", id, n, regions)
		}
	}
}

func TestPseudoRegionsAreNotRegions(t *testing.T) {
	t.Parallel()

	for _, p := range endpoints.Partitions() {
		for _, name := range []string{p.ID + "-global", "fips-" + p.ID + "-global"} {
			if got, ok := endpoints.PartitionOf(name); ok {
				t.Errorf("PartitionOf(%q) = %v, want none", name, got)
			}
		}

		for _, r := range endpoints.Regions(p.ID) {
			if strings.Contains(r.Name, "global") || strings.Contains(r.Name, "fips") {
				t.Errorf("Regions(%q) has %q, want no pseudo-Region", p.ID, r.Name)
			}

			if got, ok := endpoints.PartitionOf(r.Name); !ok || got != p || r.Partition != p.ID {
				t.Errorf("PartitionOf(%q) = %v, %v, want %v", r.Name, got, ok, p)
			}

			if r.Description == "" {
				t.Errorf("Regions(%q) has %q without a description", p.ID, r.Name)
			}
		}
	}
}

func TestAnnouncedRegionBelongsToItsPartitionButIsInNoList(t *testing.T) {
	t.Parallel()

	announced := 0

	for line := range strings.SplitSeq(endpoints.Embedded(), "\n") {
		name, ok := strings.CutPrefix(line, "A ")
		if !ok {
			continue
		}

		announced++
		name, _, _ = strings.Cut(name, " ")

		p, ok := endpoints.PartitionOf(name)
		if !ok {
			t.Errorf("PartitionOf(%q) = none, want a partition", name)
		}

		if slices.ContainsFunc(endpoints.Regions(p.ID), func(r endpoints.Region) bool { return r.Name == name }) {
			t.Errorf("Regions(%q) has %q, want no announced Region", p.ID, name)
		}

		if got := endpoints.Services(name); len(got) > 0 {
			t.Errorf("Services(%q) = %v, want none", name, got)
		}
	}

	if announced == 0 {
		t.Skip("no Region is announced")
	}
}

func TestGlobalServiceIsListedInEveryRegionOfItsPartition(t *testing.T) {
	t.Parallel()

	for _, p := range []string{"aws", "aws-cn", "aws-us-gov", "aws-iso"} {
		for _, r := range endpoints.Regions(p) {
			got := endpoints.Services(r.Name)
			for _, want := range []string{"iam", "route53", "organizations"} {
				if !slices.Contains(got, want) {
					t.Errorf("Services(%q) lacks %q", r.Name, want)
				}
			}
		}
	}
}

func TestRegionsLaunchedAfter20March2019NeedOptIn(t *testing.T) {
	t.Parallel()

	// Every Region of the partition is here; a new one needs a line.
	optIn := map[string]bool{
		"af-south-1": true, "ap-east-1": true, "ap-east-2": true,
		"ap-northeast-1": false, "ap-northeast-2": false, "ap-northeast-3": false,
		"ap-south-1": false, "ap-south-2": true,
		"ap-southeast-1": false, "ap-southeast-2": false, "ap-southeast-3": true,
		"ap-southeast-4": true, "ap-southeast-5": true, "ap-southeast-6": true, "ap-southeast-7": true,
		"ca-central-1": false, "ca-west-1": true,
		"eu-central-1": false, "eu-central-2": true, "eu-north-1": false,
		"eu-south-1": true, "eu-south-2": true,
		"eu-west-1": false, "eu-west-2": false, "eu-west-3": false,
		"il-central-1": true, "me-central-1": true, "me-south-1": true, "mx-central-1": true,
		"sa-east-1": false,
		"us-east-1": false, "us-east-2": false, "us-west-1": false, "us-west-2": false,
	}

	for _, r := range endpoints.Regions("aws") {
		want, ok := optIn[r.Name]
		if !ok || r.OptIn != want {
			t.Errorf("Regions(aws) has %s with OptIn %v, want %v, in the table %v", r.Name, r.OptIn, want, ok)
		}

		delete(optIn, r.Name)
	}

	if len(optIn) > 0 {
		t.Errorf("Regions(aws) lacks %v", optIn)
	}

	for _, p := range endpoints.Partitions()[1:] {
		for _, r := range endpoints.Regions(p.ID) {
			if r.OptIn {
				t.Errorf("Regions(%q) has %s with OptIn, want it in the commercial partition only", p.ID, r.Name)
			}
		}
	}
}

func TestListsAreSortedAndBelongToTheCaller(t *testing.T) {
	t.Parallel()

	lists := map[string]func() []string{
		"AllServices":       endpoints.AllServices,
		"Services":          func() []string { return endpoints.Services("eu-west-1") },
		"Regions":           func() []string { return endpoints.Names(endpoints.Regions("aws")) },
		"RegionsOf(sqs)":    func() []string { return endpoints.Names(endpoints.RegionsOf("sqs"))[:34] },
		"Services(unknown)": func() []string { return endpoints.Services("eu-west-99") },
	}

	for name, list := range lists {
		got := list()
		if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("%s() = %v, want it sorted and without duplicates", name, got)
		}

		for i := range got {
			got[i] = "changed"
		}

		if slices.Contains(list(), "changed") {
			t.Errorf("%s() returned its internal list", name)
		}
	}

	p := endpoints.Partitions()
	p[0].ID = "changed"

	r := endpoints.Regions("aws")
	r[0].Name = "changed"

	if endpoints.Partitions()[0].ID != "aws" || endpoints.Regions("aws")[0].Name == "changed" {
		t.Error("Partitions() or Regions() returned its internal list")
	}
}

func TestRegionsOfAndServicesAgree(t *testing.T) {
	t.Parallel()

	got := map[string][]string{}

	for _, s := range endpoints.AllServices() {
		for _, r := range endpoints.RegionsOf(s) {
			got[r.Name] = append(got[r.Name], s)
		}
	}

	for _, p := range endpoints.Partitions() {
		for _, r := range endpoints.Regions(p.ID) {
			if want := endpoints.Services(r.Name); !slices.Equal(got[r.Name], want) {
				t.Errorf("%s is in RegionsOf of %v, Services(%q) = %v", r.Name, got[r.Name], r.Name, want)
			}
		}
	}
}

func TestServicesThatShareAPrefixAnswerAtTheSameHosts(t *testing.T) {
	t.Parallel()

	byPrefix := map[string][]string{}

	for line := range strings.SplitSeq(endpoints.Embedded(), "\n") {
		if f := strings.Fields(line); len(f) > 2 && f[0] == "S" {
			byPrefix[f[2]] = append(byPrefix[f[2]], f[1])
		}
	}

	for prefix, ids := range byPrefix {
		want, ok := endpoints.ServiceID(prefix)
		if !ok {
			t.Errorf("ServiceID(%q) = none, want %v", prefix, ids[0])
		}

		if want != ids[0] && want != prefix {
			t.Errorf("ServiceID(%q) = %q, want it or %q", prefix, want, ids[0])
		}

		for _, id := range ids {
			if got, ok := endpoints.ServiceID(id); !ok || got != id {
				t.Errorf("ServiceID(%q) = %q, want itself", id, got)
			}

			if want != prefix {
				sameHosts(t, prefix, id)
			}
		}
	}
}

// sameHosts checks that two services have the same hosts wherever both have one.
func sameHosts(t *testing.T, a, b string) {
	t.Helper()

	for _, p := range endpoints.Partitions() {
		for _, r := range endpoints.Regions(p.ID) {
			for i := range 4 {
				v := endpoints.Variant{FIPS: i&1 != 0, DualStack: i&2 != 0}
				x, errX := endpoints.Resolve(a, r.Name, v)
				y, errY := endpoints.Resolve(b, r.Name, v)

				if errX == nil && errY == nil && x.Host != y.Host {
					t.Errorf("Resolve(%s, %s).Host = %s, Resolve(%s).Host = %s, want the same", a, r.Name, x.Host, b, y.Host)
				}
			}
		}
	}
}

func TestDataSourceIsThePinnedRelease(t *testing.T) {
	t.Parallel()

	got := endpoints.DataSource()
	if want := pinned(t); got.Botocore+" "+got.Released != want {
		t.Errorf("DataSource() = %+v, want %s", got, want)
	}
}
