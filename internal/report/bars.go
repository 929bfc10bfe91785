package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strings"

	"charm.land/lipgloss/v2"

	"meridian/pkg/protocol"
)

// The measures of a timeline of attempts, in cells.
const (
	usualWidth = 80 // without a terminal
	leastBar   = 8
)

// A Bar is what a cell of a timeline shows. The zero Bar is blank.
type Bar rune

// The bars, in the order of the legend.
const (
	BarFirst  Bar = '━'
	BarRetry  Bar = '═'
	BarHedge  Bar = '~'
	BarCold   Bar = '░'
	BarFailed Bar = 'x'
	BarGiven  Bar = '-'
	BarWait   Bar = '·'
)

// legend has the bars in words, each with the status whose color it has.
//
//nolint:gochecknoglobals // a constant
var legend = []struct {
	bar    Bar
	name   string
	status protocol.Status
}{
	{BarFirst, "first attempt", protocol.StatusSucceeded},
	{BarRetry, "retry", protocol.StatusSucceeded},
	{BarHedge, "hedge", protocol.StatusSucceeded},
	{BarCold, "cold start", protocol.StatusSkipped},
	{BarFailed, "failed", protocol.StatusFailed},
	{BarGiven, "given up", protocol.StatusAborted},
	{BarWait, "wait", protocol.StatusSkipped},
}

// Bars returns the bars in the order of the legend.
func Bars() []Bar {
	var bars []Bar
	for _, l := range legend {
		bars = append(bars, l.bar)
	}
	return bars
}

// String returns the bar in words, as in the legend.
func (b Bar) String() string {
	for _, l := range legend {
		if l.bar == b {
			return l.name
		}
	}
	return string(rune(b))
}

// Timeline writes the attempts of r as bars on one time axis: a line for each look-up and
// each Region, in the result's order, and one for each batch and its hedges if a Region has
// several. A failed attempt is never hidden by another one. No line is wider than
// [Options].Width, of at least 40; zero means 80. Times between generations are cut out of the
// axis if nothing ran for a second or more. It returns the error of w.
func Timeline(w io.Writer, r protocol.Result, o Options) error {
	o.Width = cmp.Or(o.Width, usualWidth)
	p := o.palette()
	var b strings.Builder
	if r.Message != "" {
		b.WriteString(p.strong.Render(clean(r.Message)) + "\n")
	}
	b.WriteString("\n")
	if lanes := Lanes(r); len(lanes) > 0 {
		newChart(r, lanes, o.Width, p).write(&b, lanes)
		b.WriteString("\n")
	}
	if groupsOf(r.Regions).write(&b, o, p) {
		b.WriteString("\n")
	}
	writeSummary(&b, r, o, p)
	_, err := io.WriteString(w, b.String())
	return err
}

// A chart draws lanes on one axis.
type chart struct {
	label, cells, end int // the widths of its columns
	axis              Axis
	p                 palette
	used              map[Bar]bool
}

// newChart returns the chart of lanes with a width.
func newChart(r protocol.Result, lanes []Lane, width int, p palette) *chart {
	c := &chart{axis: NewAxis(r), p: p, used: map[Bar]bool{}}
	for _, l := range lanes {
		c.label, c.end = max(c.label, lipgloss.Width(l.Label)), max(c.end, lipgloss.Width(l.End))
	}
	c.label = min(c.label, max(leastLabel+2, width/3)) // ap-southeast-2 is not cut
	c.cells = max(leastBar, width-c.label-c.end-2*gap)
	return c
}

// write writes the axis, the lanes and the legend.
func (c *chart) write(b *strings.Builder, lanes []Lane) {
	blank := strings.Repeat(" ", gap)
	ruler := []rune("0" + strings.Repeat(" ", c.cells-1))
	for _, g := range c.axis.Gaps {
		ruler[min(max(1, int(c.cell(g.StartMs))), c.cells-1)] = '/'
	}
	total := span(c.axis.LengthMs)
	copy(ruler[max(2, c.cells-len(total)):], []rune(total))
	head := strings.Repeat(" ", c.label) + blank + string(ruler)
	b.WriteString(strings.TrimRight(c.p.quiet.Render(head), " ") + "\n")
	for _, l := range lanes {
		label := cut(l.Label, c.label)
		label += strings.Repeat(" ", c.label-lipgloss.Width(label))
		b.WriteString(label + blank + c.draw(l) + blank + c.p.status[l.Status].Render(l.End) + "\n")
	}
	c.writeLegend(b, c.label+c.cells+c.end+2*gap)
}

// writeLegend writes the bars that were used, in lines of a width, and what was cut out.
func (c *chart) writeLegend(b *strings.Builder, width int) {
	var lines []string
	for _, l := range legend {
		entry, last := string(rune(l.bar))+" "+l.name, len(lines)-1
		switch {
		case !c.used[l.bar]:
		case last >= 0 && lipgloss.Width(lines[last]+"   "+entry) <= width:
			lines[last] += "   " + entry
		default:
			lines = append(lines, entry)
		}
	}
	if lines != nil {
		b.WriteString("\n" + paragraph(strings.Join(lines, "\n"), 0, c.p.quiet))
	}
	if c.axis.IdleMs > 0 {
		line := fmt.Sprintf("/ %s cut out in which nothing carried the run on", span(c.axis.IdleMs))
		b.WriteString(paragraph(line, width, c.p.quiet))
	}
}

// draw returns the bars of a lane: waits first, then attempts over them, the failed ones last.
func (c *chart) draw(l Lane) string {
	cells := make([]Bar, c.cells)
	for _, a := range l.Pieces {
		if a.WaitMs > 0 {
			c.fill(cells, a.StartMs+a.ElapsedMs, a.WaitMs, BarWait)
		}
	}
	for _, failing := range []bool{false, true} {
		for _, a := range l.Pieces {
			if (a.Bar == BarFailed) == failing {
				c.attempt(cells, a)
			}
		}
	}
	var b strings.Builder
	for i, n := 0, 0; i < len(cells); i += n {
		for n = 1; i+n < len(cells) && cells[i+n] == cells[i]; n++ {
		}
		b.WriteString(c.render(cells[i], n))
	}
	return b.String()
}

// render returns n cells with a bar.
func (c *chart) render(kind Bar, n int) string {
	for _, l := range legend {
		if l.bar == kind {
			c.used[kind] = true
			return c.p.status[l.status].Render(strings.Repeat(string(rune(kind)), n))
		}
	}
	return strings.Repeat(" ", n)
}

// attempt draws one attempt. One that failed keeps a cell of its bar beside its cold start.
func (c *chart) attempt(cells []Bar, a Piece) {
	first, end := c.fill(cells, a.StartMs, a.ElapsedMs, a.Bar)
	if cold := a.ColdMs(); cold > 0 && end-first > 1 {
		c.fill(cells[:end-1], a.StartMs, cold, BarCold)
	}
}

// fill sets the cells from startMs on, at least one of them, and returns which they are.
func (c *chart) fill(cells []Bar, startMs, elapsedMs float64, kind Bar) (first, end int) {
	first = min(int(c.cell(startMs)), len(cells)-1)
	end = min(max(first+1, int(math.Round(c.cell(startMs+elapsedMs)))), len(cells))
	for i := first; i < end; i++ {
		cells[i] = kind
	}
	return first, end
}

// cell returns the cell of a time of the run, with the fraction of it that has passed.
func (c *chart) cell(ms float64) float64 {
	if c.axis.LengthMs <= 0 {
		return 0
	}
	return min(max(0, c.axis.At(ms)/c.axis.LengthMs), 1) * float64(c.cells)
}
