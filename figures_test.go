package meridian_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
)

// What the README says of how fast it is are the figures of bench/RESULTS.md.
func TestTheREADMEsFiguresAreThoseOfTheBenchmark(t *testing.T) {
	t.Parallel()
	results, readme := tables(t, "bench/RESULTS.md"), read(t, "README.md")
	for _, calls := range []string{"35", "1,000", "5,000"} {
		table := results["TLS, cold: "+calls+" calls"]
		for _, way := range []struct{ name, row string }{
			{"the floor", "floor"}, {"Meridian", "coordinator"}, {"AWS SDK + errgroup", "sdk"},
		} {
			row := table.row(t, way.row)
			// Of the figures, without their ratios.
			want := fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", calls, way.name, row[1], row[3], row[5], row[6])
			if !strings.Contains(readme, want) {
				t.Errorf("the README does not have %q", want)
			}
		}
	}
	must := results["What must hold"]
	far := func(what string, calls string) float64 {
		for _, row := range must {
			if row[0] == "TLS, cold, far: "+what+", times less than the SDK's" && row[1] == calls {
				return figure(t, row[2])
			}
		}
		t.Fatalf("bench/RESULTS.md does not compare %s of %s calls with the SDK's", what, calls)
		return 0
	}
	few := results["TLS, cold, far: 35 calls"]
	want := fmt.Sprintf("1,000 calls of the SDK take %.1f times Meridian's overhead and %.1f times its CPU time, "+
		"5,000 take %.1f and %.1f times, and 35 take %.1f times the overhead: there the floor, too, is only %.1f times better.",
		tenths(far("overhead", "1,000")), tenths(far("CPU", "1,000")), tenths(far("overhead", "5,000")), tenths(far("CPU", "5,000")),
		tenths(figure(t, few.row(t, "sdk")[1])/figure(t, few.row(t, "coordinator")[1])), tenths(figure(t, few.row(t, "sdk")[2])))
	large := results["TLS, answers of 64 KiB: 1,000 calls"]
	ours, theirs := large.row(t, "coordinator"), large.row(t, "sdk")
	wants := []string{want, fmt.Sprintf(
		"With answers of 64 KiB 1,000 calls take %.1f times the floor's overhead, %.1f times its CPU time and %s; the SDK's take %.1f and %.1f times, and %s.",
		tenths(figure(t, ours[2])), tenths(figure(t, ours[4])), ours[5], tenths(figure(t, theirs[2])), tenths(figure(t, theirs[4])), theirs[5])}
	for _, want := range wants {
		if !strings.Contains(strings.Join(strings.Fields(readme), " "), want) {
			t.Errorf("the README does not say %q", want)
		}
	}
}

// What the README says of the right size are the figures of bench/COLD.md, beside
// those of the memory that is the default.
func TestTheREADMEsSizesAreThoseOfTheBenchmark(t *testing.T) {
	t.Parallel()
	sizes, readme := tables(t, "bench/COLD.md"), read(t, "README.md")
	const cold, warm, peak = 2, 3, 7
	cell := func(scenario, size string, time int) string {
		row, base := sizes[scenario].row(t, size), sizes[scenario].row(t, "256 MB")
		price := time + 2 // a million of them
		return fmt.Sprintf("%.2f / %.2f", figure(t, row[time])/figure(t, base[time]), figure(t, row[price])/figure(t, base[price]))
	}
	for _, size := range []string{"128 MB", "256 MB", "512 MB", "1024 MB", "1769 MB"} {
		most := sizes["coordinator, 5,000 invocations"].row(t, size)
		want := fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s |\n", strings.Replace(size, "1024", "1,024", 1), most[1],
			cell("coordinator, 28 Regions", size, warm), cell("coordinator, 34 Regions", size, warm),
			cell("coordinator, 5,000 invocations", size, warm), most[peak], cell("worker, 100 targets", size, cold))
		if want = strings.Replace(want, "1769", "1,769", 1); !strings.Contains(readme, want) {
			t.Errorf("the README does not have %q", want)
		}
		if row := sizes["coordinator, 28 Regions"].row(t, size); row[peak] != "12 MiB" {
			t.Errorf("28 Regions take %s at %s, and the README says 12 MiB", row[peak], size)
		}
	}
}

// A table is one of Markdown: its rows, without the head.
type table [][]string

// row returns the row that begins so.
func (rows table) row(t *testing.T, begin string) []string {
	t.Helper()
	for _, row := range rows {
		if row[0] == begin {
			return row
		}
	}
	t.Fatalf("no row begins with %q in %v", begin, rows)
	return nil
}

// tables returns the tables of a file, by the heading above each.
func tables(t *testing.T, file string) map[string]table {
	t.Helper()
	all, heading := map[string]table{}, ""
	for line := range strings.Lines(read(t, file)) {
		line = strings.TrimSpace(line)
		if title, ok := strings.CutPrefix(line, "#"); ok {
			heading = strings.TrimLeft(title, "# ")
		} else if inner, ok := strings.CutPrefix(line, "| "); ok {
			all[heading] = append(all[heading], strings.Split(strings.TrimSuffix(inner, " |"), " | "))
		}
	}
	return all
}

// figure returns a cell's number, without its unit.
func figure(t *testing.T, cell string) float64 {
	t.Helper()
	number, _, _ := strings.Cut(strings.TrimPrefix(cell, "$"), " ")
	value, err := strconv.ParseFloat(strings.ReplaceAll(number, ",", ""), 64)
	if err != nil {
		t.Fatalf("%q is no figure: %v", cell, err)
	}
	return value
}

// tenths rounds what is written in hundredths, a half up.
func tenths(x float64) float64 { return math.Round(x*10+1e-9) / 10 }
