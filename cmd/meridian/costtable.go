package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"meridian/internal/price"
)

// A costListing is the output of "cost -o json". Amounts are US dollars.
type costListing struct {
	Regions             int                `json:"regions"`
	Seconds             float64            `json:"seconds"`
	EverySeconds        float64            `json:"everySeconds"`
	Region              string             `json:"region"`
	Architecture        price.Architecture `json:"architecture"`
	WorkerMemoryMB      int                `json:"workerMemoryMb"`
	CoordinatorMemoryMB int                `json:"coordinatorMemoryMb"`
	Kept                bool               `json:"kept,omitzero"`
	PricesAsOf          string             `json:"pricesAsOf"`
	MonthHours          float64            `json:"monthHours"`
	Runs                int                `json:"runs"`

	// Workers is the cost of the workers. It is part of every way's total.
	Workers costParts `json:"workers"`

	Ways []wayListing `json:"ways"`

	// Relays is the cost of functions that call workers in other Regions for a way
	// that cannot. It is in no total.
	Relays costParts `json:"relays"`
}

// A wayListing is one way to run the job, with its total.
type wayListing struct {
	Name     string  `json:"name"`
	RunUSD   float64 `json:"runUsd,omitzero"`
	MonthUSD float64 `json:"monthUsd,omitzero"`

	// Reason says why there is no total.
	Reason string `json:"reason,omitzero"`

	// Beside is what the way costs in addition to the workers.
	Beside *costParts `json:"beside,omitzero"`
	Notes  []string   `json:"notes,omitzero"`
}

// costParts lists parts of the cost of a run, with their sum.
type costParts struct {
	RunUSD   float64       `json:"runUsd"`
	MonthUSD float64       `json:"monthUsd"`
	Items    []itemListing `json:"items"`
}

// An itemListing is one part of the cost.
type itemListing struct {
	Name    string  `json:"name"`
	RunUSD  float64 `json:"runUsd"`
	Formula string  `json:"formula"`
	Source  string  `json:"source"`
}

// listCost returns the comparison for -o json.
func listCost(job price.Job, c price.Comparison) costListing {
	listing := costListing{
		Regions: job.Regions, Seconds: job.Seconds, EverySeconds: job.Every.Seconds(),
		Region: job.Region, Architecture: job.Architecture,
		WorkerMemoryMB: job.WorkerMB, CoordinatorMemoryMB: job.CoordinatorMB, Kept: job.Kept,
		PricesAsOf: price.Date, MonthHours: price.Month.Hours(), Runs: c.Runs,
		Workers: listParts(c.Workers, c.Runs), Relays: listParts(c.Relays, c.Runs),
	}
	for _, w := range c.Ways {
		way := wayListing{Name: w.Name, Reason: w.Reason, Notes: w.Notes}
		if w.Reason == "" {
			total := price.Sum(c.Workers) + price.Sum(w.Items)
			way.RunUSD, way.MonthUSD = rounded(total), rounded(total*float64(c.Runs))
			way.Beside = new(listParts(w.Items, c.Runs))
		}
		listing.Ways = append(listing.Ways, way)
	}
	return listing
}

func listParts(items []price.Item, runs int) costParts {
	sum := price.Sum(items)
	parts := costParts{RunUSD: rounded(sum), MonthUSD: rounded(sum * float64(runs))}
	for _, i := range items {
		parts.Items = append(parts.Items, itemListing{i.Name, rounded(i.USD()), i.Formula(), i.Source})
	}
	return parts
}

// rounded removes the error of binary fractions. It rounds to a millionth of the
// price of the cheapest request.
func rounded(usd float64) float64 { return math.Round(usd*1e13) / 1e13 }

// printCostTable prints the comparison as a table.
func (c *cli) printCostTable(job price.Job, comparison price.Comparison) error {
	if err := c.print(`%s of %v s every %v: %s in a month of %.0f hours
%s, %s, workers of %d MB, coordinator of %d MB
US dollars, list prices as of %s, before any free tier

`, count(job.Regions, "Region"), job.Seconds, shortly(job.Every), count(comparison.Runs, "run"), price.Month.Hours(),
		job.Region, job.Architecture, job.WorkerMB, job.CoordinatorMB, price.Date); err != nil {
		return err
	}
	t := costTable{runs: float64(comparison.Runs), rows: [][]string{{"", "A RUN", "A MONTH", "FORMULA OF A RUN"}}}
	t.section("the workers, in every way", price.Sum(comparison.Workers), comparison.Workers)
	var notes strings.Builder
	for _, w := range comparison.Ways {
		if w.Reason != "" {
			t.rows = append(t.rows, []string{w.Name, "", "", w.Reason})
			continue
		}
		t.section(w.Name+", workers included", price.Sum(comparison.Workers)+price.Sum(w.Items), w.Items)
		for _, note := range w.Notes {
			fmt.Fprintf(&notes, "%s: %s\n", w.Name, note)
		}
	}
	t.section("relays, for workers elsewhere", price.Sum(comparison.Relays), comparison.Relays)
	t.alignRight(1)
	t.alignRight(2)
	if err := c.printColumns(t.rows); err != nil {
		return err
	}
	for i, source := range t.sources {
		fmt.Fprintf(&notes, "[%d] %s\n", i+1, source)
	}
	return c.print("\n%s", relayNote+notes.String())
}

// relayNote explains the relays.
const relayNote = `relays: a state machine and a durable function invoke only functions of their own
Region; each worker elsewhere needs a relay that waits for it (not in the totals)
`

// A costTable collects the rows of the table, and the sources of its prices.
type costTable struct {
	runs    float64
	rows    [][]string
	sources []string
}

// section adds a row with a sum and, below it, a row for each item.
func (t *costTable) section(name string, sum float64, items []price.Item) {
	t.rows = append(t.rows, []string{name, perRun(sum), perMonth(sum * t.runs), ""})
	for _, i := range items {
		if !slices.Contains(t.sources, i.Source) {
			t.sources = append(t.sources, i.Source)
		}
		formula := fmt.Sprintf("%s [%d]", i.Formula(), slices.Index(t.sources, i.Source)+1)
		t.rows = append(t.rows, []string{"  " + i.Name, perRun(i.USD()), perMonth(i.USD() * t.runs), formula})
	}
}

// alignRight pads the cells of a column on the left to the same width.
func (t *costTable) alignRight(column int) {
	width := 0
	for _, row := range t.rows {
		width = max(width, len(row[column]))
	}
	for _, row := range t.rows {
		row[column] = fmt.Sprintf("%*s", width, row[column])
	}
}

// shortly formats a duration without zeros at its end: 5m, not 5m0s.
func shortly(d time.Duration) string {
	s := d.String()
	if short, found := strings.CutSuffix(s, "m0s"); found {
		s = short + "m"
	}
	if short, found := strings.CutSuffix(s, "h0m"); found {
		s = short + "h"
	}
	return s
}

// perRun formats an amount to a tenth of the price of the cheapest request.
func perRun(usd float64) string { return strconv.FormatFloat(usd, 'f', 8, 64) }

// perMonth formats an amount to the cent.
func perMonth(usd float64) string {
	if usd > 0 && usd < 0.005 {
		return "<0.01"
	}
	return strconv.FormatFloat(usd, 'f', 2, 64)
}
