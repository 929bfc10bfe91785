package live

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

const (
	// wide is the width from which rows have the names of their phases, and the totals a bar.
	wide = 64

	// widest is the width from which failures have their causes.
	widest = 110

	// roomy is the height from which a blank line follows the totals.
	roomy = 12
)

// frame draws the picture in fewer lines than a terminal has, none of them as long as a line
// of the terminal. What has failed or is out is in it: as a row, or counted.
func (p *picture) frame(width, height int) string {
	p.sort()
	width, height = max(1, width-1), max(1, height-1)
	lines := p.totals(width)
	lines = lines[:min(len(lines), max(1, height/2))]
	if height >= roomy && p.regions > 0 {
		lines = append(lines, "")
	}
	lines = append(lines, p.table(width, height-len(lines))...)
	lines = lines[:min(len(lines), height)]
	for i, line := range lines {
		lines[i] = ansi.Truncate(line, width, "…")
	}
	return strings.Join(lines, "\n")
}

// table returns the rows, and counts of what has no row.
func (p *picture) table(width, height int) (lines []string) {
	room := height
	finished := p.statuses.Total
	for _, n := range []int{p.waiting, finished} {
		if n > 0 {
			room--
		}
	}
	shown := p.share(max(0, room))
	columns := columnsOf(width, shown)
	for ph := failed; ph <= running; ph++ {
		for _, r := range shown[ph] {
			lines = append(lines, columns.line(r))
		}
		if rest := p.out[ph][len(shown[ph]):]; len(rest) > 0 {
			lines = append(lines, p.more(ph, rest, width))
		}
	}
	if p.waiting > 0 {
		lines = append(lines, fmt.Sprintf("  %d waiting", p.waiting))
	}
	if finished > 0 {
		lines = append(lines, p.finished())
	}
	for _, r := range shown[done] {
		lines = append(lines, columns.line(r))
	}
	return lines
}

// share returns the rows that are shown. If there is not room for all that has failed or is out,
// each phase gets a line for a count and an equal part of the rest.
func (p *picture) share(room int) (shown [phases][]*row) {
	all, kinds := 0, 0
	for ph := failed; ph <= running; ph++ {
		if n := len(p.out[ph]); n > 0 {
			all, kinds = all+n, kinds+1
		}
	}
	if all <= room {
		copy(shown[:waiting], p.out[:waiting])
		shown[done] = p.out[done][:min(len(p.out[done]), room-all)]
		return shown
	}
	room = max(0, room-kinds) // kinds is not 0: all is more than room
	for part := room / kinds; ; part = room {
		for ph := failed; ph <= running; ph++ {
			n := min(len(p.out[ph]), len(shown[ph])+min(part, room))
			room -= n - len(shown[ph])
			shown[ph] = p.out[ph][:n]
		}
		if part == room || room == 0 {
			return shown
		}
	}
}

// more counts rows of a phase that are not shown, those with errors by their names.
func (p *picture) more(ph phase, rest []*row, width int) string {
	text := fmt.Sprintf("%d %s", len(rest), ph)
	if len(rest) < len(p.out[ph]) {
		text = fmt.Sprintf("%d more %s", len(rest), ph)
	}
	if ph != running {
		text += byError(rest, width-2-ansi.StringWidth(text))
	}
	return ph.style().Render(ph.mark()+" ") + text
}

// byError counts rows by the names of their errors, as many as fit into width, the most
// frequent first.
func byError(rows []*row, width int) string {
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.error]++
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(a, b))
	})
	text, rest := ":", len(rows)
	for i, name := range names {
		others := ""
		if rest > counts[name] {
			others = fmt.Sprintf(", %d others", rest-counts[name])
		}
		next := fmt.Sprintf(" %d %s", counts[name], clean(cmp.Or(name, "without a name")))
		if i > 0 {
			next = "," + next
		}
		if i > 0 && ansi.StringWidth(text+next+others) > width { // the first is always there
			return text + fmt.Sprintf(", %d others", rest)
		}
		text += next
		rest -= counts[name]
	}
	return text
}

// finished counts what is done, by status.
func (p *picture) finished() string {
	var parts []string
	for _, s := range statuses() {
		if n := p.statuses.Of(s); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, labelOf(s)))
		}
	}
	return done.style().Render(done.mark()+" ") + strings.Join(parts, ", ")
}

// totals returns the lines with the totals.
func (p *picture) totals(width int) []string {
	quiet, bad := lipgloss.NewStyle().Faint(true), failed.style()
	if p.regions == 0 {
		return []string{p.doing + "  " + quiet.Render(duration(p.elapsed))}
	}
	regions := fmt.Sprintf("%d of %s", p.settled, count(p.regions, "Region"))
	if p.accounts > 0 {
		regions += " of " + count(p.accounts, "account")
	}
	head := []string{regions}
	if width >= wide {
		head[0] += "  " + p.bar()
	}
	if n := len(p.out[failed]); n > 0 {
		head = append(head, bad.Render(fmt.Sprintf("%d failed", n)))
	}
	head = append(head, duration(p.elapsed))
	if p.left > 0 {
		head = append(head, duration(p.left)+" left")
	}
	tail := []string{fmt.Sprintf("%d of %s", p.targetsDone, count(p.targets, "target"))}
	if p.targetsFailed > 0 {
		tail[0] += ", " + bad.Render(fmt.Sprintf("%d failed", p.targetsFailed))
	}
	for _, t := range []struct {
		n    int
		text string
	}{
		{1, p.rowText()},
		{1, fmt.Sprintf("%d in flight", p.inFlight)},
		{p.retries, plural(p.retries, "retry waiting", "retries waiting")},
		{p.throttle, count(p.throttle, "throttle")},
	} {
		if t.n > 0 && t.text != "" {
			tail = append(tail, t.text)
		}
	}
	if width < wide {
		return pack(append(head, tail...), width)
	}
	return append(pack(head, width), pack(tail, width)...)
}

// rowText counts the rows found, or is empty if that is not known.
func (p *picture) rowText() string {
	switch {
	case !p.rowsKnown:
		return ""
	case p.rowsLost:
		return fmt.Sprintf("%d+ rows", p.rows)
	}
	return count(p.rows, "row")
}

// bar draws how many Regions have settled.
func (p *picture) bar() string {
	const cells = 24
	full := max(0, min(cells, cells*p.settled/p.regions))
	return done.style().Render(strings.Repeat("━", full)) + lipgloss.NewStyle().Faint(true).Render(strings.Repeat("─", cells-full))
}

// pack puts parts into as few lines as they need.
func pack(parts []string, width int) (lines []string) {
	for _, part := range parts {
		last := len(lines) - 1
		if last >= 0 && ansi.StringWidth(lines[last]+" · "+part) <= width {
			lines[last] += " · " + part
		} else {
			lines = append(lines, part)
		}
	}
	return lines
}
