package main

import (
	"context"
	"fmt"
	"os"
	"slices"
)

// A series is what a scenario took, each time.
type series struct {
	scenario
	runs []measurement
}

// median returns the median of a figure.
func (s series) median(figure func(measurement) float64) float64 {
	all := make([]float64, len(s.runs))
	for i, m := range s.runs {
		all[i] = figure(m)
	}
	return median(all)
}

func (m measurement) toNext() float64   { return m.next }
func (m measurement) toAnswer() float64 { return m.answer }
func (m measurement) cpuTime() float64  { return m.cpu }
func (m measurement) memory() float64   { return m.peak }

// billed is what Lambda bills for, of a cold and of a warm invocation: what a
// start takes is a part of it. Source:
// https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/
func (m measurement) billedCold() float64 { return m.next + m.first }
func (m measurement) billedWarm() float64 { return m.warm }

// A condition is how much of a core there was. That Lambda gives more of it until
// the first invocation, though not with provisioned concurrency, was observed and
// is not documented: https://github.com/DataDog/datadog-lambda-extension/pull/700
type condition struct {
	share int  // in percent
	burst bool // the whole core until the function asks for its first invocation
}

// size returns the memory that has the share, in MB. Without a quota there is
// that of a whole core.
func (c condition) size() int {
	for _, size := range memorySizes() {
		if size*100/wholeCore == c.share {
			return size
		}
	}
	return wholeCore
}

// A table is what the scenarios took under one condition.
type table struct {
	condition
	rows []series
}

// row returns the series of a scenario.
func (t table) row(name string) series {
	return t.rows[slices.IndexFunc(t.rows, func(s series) bool { return s.name == name })]
}

// times returns how many times the bare handler's figure a scenario's is.
func (t table) times(name string, figure func(measurement) float64) float64 {
	return t.row(name).median(figure) / t.row(hello).median(figure)
}

// The results are everything that was measured.
type results struct {
	held   string
	unheld error
	cold   []table
	sizes  []table // one for each of memorySizes, or for the last alone
}

// memorySizes are the sizes that are measured, in MB.
func memorySizes() []int { return []int{128, 256, 512, 1024, wholeCore} }

// wholeCore is the size that has a whole core, in MB; others have their share.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
const wholeCore = 1769

// measureAll measures everything, and prints it as it is done.
func (l *lab) measureAll(ctx context.Context, quick bool) (results, error) {
	r := results{held: l.held, unheld: l.unheld}
	starts, wholes := 31, 5
	if quick {
		starts, wholes = 5, 1
	}
	conditions := []condition{{100, false}}
	if l.unheld == nil {
		for _, share := range []int{57, 14, 7} {
			conditions = append(conditions, condition{share, false}, condition{share, true})
		}
	}
	for _, c := range conditions {
		t, err := l.table(ctx, c, coldStarts(), starts, 0)
		if err != nil {
			return r, err
		}
		r.cold = append(r.cold, t)
		t.writeStarts(os.Stdout)
	}
	for _, size := range memorySizes() {
		c := condition{share: size * 100 / wholeCore, burst: true}
		if l.unheld != nil && c.share < 100 {
			continue
		}
		t, err := l.table(ctx, c, wholeRuns(), wholes, 2)
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
func (l *lab) table(ctx context.Context, c condition, scenarios []scenario, rounds, warm int) (table, error) {
	t := table{condition: c}
	for _, s := range scenarios {
		t.rows = append(t.rows, series{scenario: s})
	}
	for round := range rounds {
		for i := range t.rows {
			row := &t.rows[(i+round)%len(t.rows)]
			m, err := l.once(ctx, start{scenario: row.scenario, condition: c, warm: warm})
			if err != nil {
				return t, fmt.Errorf("%s at %d %% of a core: %w", row.name, c.share, err)
			}
			row.runs = append(row.runs, m)
		}
	}
	return t, nil
}

// median returns the median of some figures, or 0 of none.
func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}
