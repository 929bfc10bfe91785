package cold

import (
	"context"
	"fmt"
	"os"
	"slices"

	"meridian/bench/figure"
)

// A series has the measurements of a scenario.
type series struct {
	scenario
	runs []*measurement
}

// median returns the median of a figure.
func (s series) median(figureOf func(*measurement) float64) float64 {
	return figure.Median(s.runs, figureOf)
}

// A table has the measurements with one memory size.
type table struct {
	size int // in MB
	rows []series
}

// row returns the series of a scenario.
func (t table) row(name string) series {
	return t.rows[slices.IndexFunc(t.rows, func(s series) bool { return s.name == name })]
}

// times returns a scenario's figure divided by the bare handler's.
func (t table) times(name string, figureOf func(*measurement) float64) float64 {
	return t.row(name).median(figureOf) / t.row(hello).median(figureOf)
}

// The results are everything that was measured.
type results struct {
	cold, parts table
	sizes       []table // one for each of memorySizes, or for the last alone
}

// memorySizes returns the sizes that are measured, in MB.
func memorySizes() []int { return []int{128, 256, 512, 1024, wholeCore} }

// wholeCore is the size in MB that has a whole core.
const wholeCore = 1769

// share returns the share of a core, in percent, that comes with a size.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
func share(size int) int { return size * 100 / wholeCore }

// measureAll measures everything, and prints it.
func (l *lab) measureAll(ctx context.Context, quick bool) (r results, err error) {
	starts, wholes := 31, 5
	if quick {
		starts, wholes = 5, 1
	}
	if r.cold, err = l.table(ctx, start{size: wholeCore}, coldStarts(), starts); err != nil {
		return r, err
	}
	if r.parts, err = l.table(ctx, start{size: wholeCore, traced: true}, coldStarts(), starts); err != nil {
		return r, err
	}
	for _, size := range memorySizes() {
		if l.unlimited != nil && size < wholeCore {
			continue
		}
		t, err := l.table(ctx, start{size: size, warm: 2}, wholeRuns(), wholes)
		if err != nil {
			return r, err
		}
		r.sizes = append(r.sizes, t)
	}
	r.write(os.Stdout)
	return r, nil
}

// table measures scenarios with one memory size, in turn.
func (l *lab) table(ctx context.Context, s start, scenarios []scenario, rounds int) (table, error) {
	t := table{size: s.size}
	for _, s := range scenarios {
		t.rows = append(t.rows, series{scenario: s})
	}
	for round := range rounds {
		for i := range t.rows {
			row := &t.rows[(i+round)%len(t.rows)]
			s.scenario = row.scenario
			m, err := l.once(ctx, s)
			if err != nil {
				return t, fmt.Errorf("%s with %d MB: %w", row.name, s.size, err)
			}
			row.runs = append(row.runs, m)
		}
	}
	return t, nil
}
