package page

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// History writes the page of the history of a name: a line for each Region, or for each account in it, with a cell
// for each run, and a table of the runs. It returns the error of w.
func History(w io.Writer, h report.History) error {
	return render(w, "history", report.Clean(h.Name), struct {
		Title  string
		Facts  []string
		Tiles  []tile
		Notes  []string
		Strips matrix
		Runs   table
	}{report.Clean(h.Name), periodOf(h), historyTiles(h), historyNotes(h), stripsOf(h), runsOf(h)})
}

// periodOf returns the time of the first and of the last run.
func periodOf(h report.History) []string {
	if len(h.Runs) == 0 {
		return nil
	}
	return []string{count(len(h.Runs), "run", "runs"), "from " + when(h.Runs[0].StartedAt), "to " + when(h.Runs[len(h.Runs)-1].StartedAt)}
}

// historyTiles returns the numbers of a history.
func historyTiles(h report.History) []tile {
	var runs protocol.Counts
	var times []float64
	newly, recovered, steady, interrupted := 0, 0, 0, 0
	for _, r := range h.Runs {
		if r.Interrupted {
			interrupted++
			runs.Total++ // it has the status RUNNING, and does not run
		} else {
			runs.Add(r.Status)
		}
		newly, recovered = newly+r.NewlyFailing, recovered+r.Recovered
		if r.Status != protocol.StatusRunning && r.Unreadable == "" {
			times = append(times, r.ElapsedMs)
		}
	}
	for _, s := range h.Strips {
		if s.Failed == 0 {
			steady++
		}
	}
	succeeded := countTile("Runs that succeeded", runs)
	if interrupted > 0 {
		succeeded.Details = append(succeeded.Details, plain(interrupted)+" interrupted")
	}
	tiles := []tile{
		succeeded,
		{Name: linesOf(h) + " that never failed", Value: plain(steady) + " of " + plain(len(h.Strips))},
		{Name: "Targets newly failing", Value: plain(newly), Details: []string{plain(recovered) + " recovered"}},
	}
	if len(times) > 0 {
		slices.Sort(times)
		tiles = append(tiles, tile{
			Name: "Median duration", Value: span(times[len(times)/2]), Details: []string{"longest " + span(times[len(times)-1])},
		})
	}
	return tiles
}

// historyNotes returns why runs could not be read, and that there are older ones.
func historyNotes(h report.History) []string {
	var notes []string
	for _, r := range h.Runs {
		if r.Unreadable != "" {
			notes = append(notes, "the run of "+when(r.StartedAt)+" cannot be read: "+r.Unreadable)
		}
	}
	if h.Older {
		notes = append(notes, "there are older runs")
	}
	return cleaned(notes)
}

// linesOf names the lines of a history.
func linesOf(h report.History) string {
	if len(h.Strips) > 0 && h.Strips[0].Account+h.Strips[0].AccountName != "" {
		return "Regions of accounts"
	}
	return "Regions"
}

// stripsOf returns the matrix of a history: its first column counts the runs that failed, and the others are the
// runs, the newest last.
func stripsOf(h report.History) matrix {
	m, strips := matrix{Of: linesOf(h), Columns: []string{"failed"}}, h.Strips
	for _, r := range h.Runs {
		m.Columns = append(m.Columns, strings.TrimSuffix(when(r.StartedAt), " UTC"))
	}
	if most := max(1, shownCells/max(1, len(h.Runs))); len(strips) > most {
		m.MoreLines, strips = len(strips)-most, strips[:most]
	}
	var statuses []protocol.Status
	for _, s := range strips {
		statuses = append(statuses, s.Statuses...)
		label := strings.Join(slices.DeleteFunc([]string{s.AccountName, s.Account, s.Region}, func(part string) bool { return part == "" }), " ")
		l := line{report.Clean(label), []cell{{Text: plain(s.Failed)}}}
		for _, status := range s.Statuses {
			l.Cells = append(l.Cells, statusCell(status))
		}
		m.Lines = append(m.Lines, l)
	}
	m.Statuses = append([]protocol.Status{protocol.StatusSucceeded}, statusesOf(statuses)...)
	return m
}

// runsOf returns the table of the runs of a history, the newest first. It has a column for each status that an
// outcome has.
func runsOf(h report.History) table {
	columns := []string{"started (UTC)", "status"}
	var statuses []protocol.Status
	for _, s := range protocol.Statuses() {
		if slices.ContainsFunc(h.Runs, func(r report.PastRun) bool { return r.Regions.Of(s) > 0 }) {
			statuses, columns = append(statuses, s), append(columns, words(s))
		}
	}
	columns = append(columns, "newly failing", "recovered", "ms", "error", "run")
	var cells [][]string
	failed := map[string]bool{}
	for _, r := range slices.Backward(h.Runs) {
		status := words(r.Status)
		switch {
		case r.Interrupted:
			status = "interrupted"
		case r.Status == "":
			status = "unknown"
		}
		failed[status] = report.Failed(r.Status)
		row := []string{strings.TrimSuffix(when(r.StartedAt), " UTC"), status}
		for _, s := range statuses {
			row = append(row, fmt.Sprint(r.Regions.Of(s)))
		}
		changed := []string{"", ""}
		if r.ComparedWith != "" {
			changed = []string{fmt.Sprint(r.NewlyFailing), fmt.Sprint(r.Recovered)}
		}
		row = append(row, append(changed, fmt.Sprintf("%.0f", r.ElapsedMs), r.Error, r.RunID)...)
		cells = append(cells, cleaned(row))
	}
	return tableOf("runs", "Runs, the newest first, with the outcomes of their "+linesOf(h), columns, cells, func(row []string) bool {
		return failed[row[1]]
	})
}
