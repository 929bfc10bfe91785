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
	runs []measurement
}

// median returns the median of a figure.
func (s series) median(figureOf func(*measurement) float64) float64 {
	all := make([]float64, len(s.runs))
	for i := range s.runs {
		all[i] = figureOf(&s.runs[i])
	}
	return figure.Median(all...)
}

// A condition is the share of a core. That Lambda gives more of it until the first
// invocation, though not with provisioned concurrency, was observed and is not
// documented: https://github.com/DataDog/datadog-lambda-extension/pull/700
type condition struct {
	share int  // in percent
	burst bool // a whole core until the function asks for its first invocation
}

// size returns the memory in MB with which Lambda gives the share.
func (c condition) size() int {
	for _, size := range memorySizes() {
		if size*100/wholeCore == c.share {
			return size
		}
	}
	return wholeCore
}

// A table has the measurements under one condition.
type table struct {
	condition
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
	cold  []table
	parts table
	sizes []table // one for each of memorySizes, or for the last alone
}

// memorySizes returns the sizes that are measured, in MB.
func memorySizes() []int { return []int{128, 256, 512, 1024, wholeCore} }

// wholeCore is the size in MB that has a whole core; others have their share.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
const wholeCore = 1769

// measureAll measures everything, and prints it.
func (l *lab) measureAll(ctx context.Context, quick bool) (r results, err error) {
	starts, wholes := 31, 5
	if quick {
		starts, wholes = 5, 1
	}
	conditions := []condition{{100, false}}
	if l.unlimited == nil {
		for _, share := range []int{57, 14, 7} {
			conditions = append(conditions, condition{share, false}, condition{share, true})
		}
	}
	for _, c := range conditions {
		t, err := l.table(ctx, start{condition: c}, coldStarts(), starts)
		if err != nil {
			return r, err
		}
		r.cold = append(r.cold, t)
		t.writeStarts(os.Stdout)
	}
	if r.parts, err = l.table(ctx, start{condition: conditions[0], traced: true}, coldStarts(), starts); err != nil {
		return r, err
	}
	r.parts.writeParts(os.Stdout)
	for _, size := range memorySizes() {
		c := condition{share: size * 100 / wholeCore, burst: true}
		if l.unlimited != nil && c.share < 100 {
			continue
		}
		t, err := l.table(ctx, start{condition: c, warm: 2}, wholeRuns(), wholes)
		if err != nil {
			return r, fmt.Errorf("%d MB: %w", size, err)
		}
		r.sizes = append(r.sizes, t)
	}
	r.writeSizes(os.Stdout)
	r.judge(os.Stdout)
	return r, nil
}

// table measures scenarios under one condition, in turn.
func (l *lab) table(ctx context.Context, s start, scenarios []scenario, rounds int) (table, error) {
	t := table{condition: s.condition}
	for _, s := range scenarios {
		t.rows = append(t.rows, series{scenario: s})
	}
	for round := range rounds {
		for i := range t.rows {
			row := &t.rows[(i+round)%len(t.rows)]
			s.scenario = row.scenario
			m, err := l.once(ctx, s)
			if err != nil {
				return t, fmt.Errorf("%s at %d %% of a core: %w", row.name, s.share, err)
			}
			row.runs = append(row.runs, m)
		}
	}
	return t, nil
}
