package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"meridian/pkg/protocol"
)

// A group has the outcomes with one status and reason. Failures are grouped by account;
// other outcomes of several accounts share a group.
type group struct {
	status                     protocol.Status
	why                        string // of the first
	accounts, regions, targets names
}

// names are texts, each once, in the order in which they were added.
type names struct {
	list []string
	has  map[string]bool
}

// add adds a text that is not empty.
func (n *names) add(text string) {
	if text == "" || n.has[text] {
		return
	}
	if n.has == nil {
		n.has = map[string]bool{}
	}
	n.has[text] = true
	n.list = append(n.list, text)
}

// String returns the names if they are few, else how many there are.
func (n *names) String(few int, noun string) string {
	if len(n.list) > few {
		return count(len(n.list), noun, noun+"s")
	}
	return clean(strings.Join(n.list, ", "))
}

// groups are what did not succeed, in groups: what failed in the order in which it was
// added, then what was skipped or not started.
type groups struct {
	failures, others []*group
	index            map[string]*group
}

// add adds a target in a Region of an account to its group. The reason may name the Region.
// Without a status it is a failure.
func (gs *groups) add(r protocol.RegionOutcome, target string, status protocol.Status, why string) {
	own := accountOf(r).String()
	key := string(status) + "\x00" + why
	if r.Region != "" {
		key = string(status) + "\x00" + strings.ReplaceAll(why, r.Region, "\x00")
	}
	list := &gs.others
	if failed(status) || status == "" {
		key += "\x00" + own
		list = &gs.failures
	}
	g := gs.index[key]
	if g == nil {
		g = &group{status: status, why: why}
		*list = append(*list, g)
		if gs.index == nil {
			gs.index = map[string]*group{}
		}
		gs.index[key] = g
	}
	g.accounts.add(own)
	g.regions.add(r.Region)
	g.targets.add(target)
}

// addOutcome adds what did not succeed of an outcome. A target that is its only one is not
// named.
func (gs *groups) addOutcome(r protocol.RegionOutcome) {
	if r.Status == protocol.StatusSucceeded {
		return
	}
	all := failures(r)
	for _, f := range all {
		if len(r.Targets) == 1 {
			f.target = ""
		}
		gs.add(r, f.target, f.status, f.why)
	}
	if len(all) > 0 {
		return
	}
	why := reason(r.Error, r.Cause)
	for _, t := range r.Targets {
		why = cmp.Or(why, reason(t.Error, t.Cause))
	}
	gs.add(r, "", r.Status, why)
}

// addRow adds a row with an error of a listing.
func (gs *groups) addRow(row map[string]json.RawMessage, targets bool) {
	r := protocol.RegionOutcome{
		Account: cellOf(row[columnAccount]), AccountName: cellOf(row[columnAccountName]), Region: cellOf(row[columnRegion]),
	}
	target := ""
	if targets {
		target = cellOf(row[columnTarget])
	}
	gs.add(r, target, "", cellOf(row[columnError]))
}

// shownNames is how many accounts or Regions a group names.
const shownNames = 3

// line returns a group on one line: which account, the target if it has several, in which
// Regions, the status, why.
func (g *group) line(p palette) string {
	in := g.regions.String(shownNames, "Region")
	if in != "" {
		in = "in " + in
	}
	parts := []string{
		g.accounts.String(shownNames, "account"), g.targets.String(1, "target"), in,
		p.status[g.status].Render(clean(string(g.status))), clean(g.why),
	}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "  ")
}

// write writes a line for each group, wrapped at the width. It reports whether there is any.
func (gs *groups) write(b *strings.Builder, o Options, p palette) bool {
	all := slices.Concat(gs.failures, gs.others)
	more := max(0, len(all)-maxFailures)
	for _, g := range all[:len(all)-more] {
		b.WriteString(indented(g.line(p), o.Width))
	}
	if more > 0 {
		b.WriteString(paragraph(fmt.Sprintf("… and %d more (-o wide has them all)", more), o.Width, lipgloss.NewStyle()))
	}
	return len(all) > 0
}

// groupsOf returns what did not succeed of outcomes.
func groupsOf(outcomes []protocol.RegionOutcome) *groups {
	var gs groups
	for _, r := range outcomes {
		gs.addOutcome(r)
	}
	return &gs
}

// indented returns a line, wrapped at the width and indented from its second line on.
func indented(line string, width int) string {
	if width > 0 {
		line = strings.ReplaceAll(ansi.Wrap(line, max(width-gap, 1), " "), "\n", "\n"+strings.Repeat(" ", gap))
	}
	return line + "\n"
}
