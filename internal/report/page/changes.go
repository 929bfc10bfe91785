package page

import (
	"meridian/internal/difference"
	"meridian/internal/report"
)

// changesOf returns the tiles of a difference: how many findings each change has.
func changesOf(d difference.Difference) []tile {
	var tiles []tile
	for _, c := range difference.Changes() {
		if n := d.Counts[c]; n > 0 {
			tiles = append(tiles, tile{Name: c.Words(), Value: plain(n)})
		}
	}
	if d.NotCompared > 0 {
		tiles = append(tiles, tile{
			Name: "not compared", Value: plain(d.NotCompared), Details: []string{"aborted, not started, running, or without its output"},
		})
	}
	return tiles
}

// findingsOf returns the table of the findings of a difference, in its order: what got worse first.
func findingsOf(d difference.Difference) table {
	accounts := false
	for _, f := range d.Findings {
		accounts = accounts || f.Account != "" || f.AccountName != ""
	}
	columns := []string{"change", "region", "target", "what"}
	if accounts {
		columns = []string{"change", "account", "account name", "region", "target", "what"}
	}
	var cells [][]string
	for _, f := range d.Findings {
		row := []string{f.Change.Words(), f.Region, f.Target, report.WhatChanged(d.Key, f)}
		if accounts {
			row = []string{f.Change.Words(), f.Account, f.AccountName, f.Region, f.Target, report.WhatChanged(d.Key, f)}
		}
		cells = append(cells, cleaned(row))
	}
	newly, slower := difference.ChangeNewlyFailing.Words(), difference.ChangeSlower.Words()
	return tableOf("findings", "What changed, what got worse first", columns, cells, func(row []string) bool {
		return row[0] == newly || row[0] == slower
	})
}
