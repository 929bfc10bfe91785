package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"meridian/pkg/protocol"
)

// A group has the outcomes with one status and reason in an account, or in several accounts
// with the same Regions and targets.
type group struct {
	status                     protocol.Status
	why                        string // of the first
	shared                     string // why, without what differs between accounts
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

// some returns the names if they are few, else the first and how many more there are.
func (n *names) some() string {
	if len(n.list) <= shownNames {
		return clean(strings.Join(n.list, ", "))
	}
	return clean(strings.Join(n.list[:shownNames-1], ", ")) + fmt.Sprintf(" and %d more", len(n.list)-shownNames+1)
}

// requestID is the id of AWS's request in a cause, which may be cut there.
var requestID = regexp.MustCompile(`(\(HTTP \d+), request [^)]*`)

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
	shared := requestID.ReplaceAllString(why, "$1")
	if r.Account != "" {
		shared = strings.ReplaceAll(shared, r.Account, "{account}")
	}
	key := string(status) + "\x00" + own + "\x00" + shared
	if r.Region != "" {
		key = strings.ReplaceAll(key, r.Region, "\x00")
	}
	list := &gs.others
	if Failed(status) || status == "" {
		list = &gs.failures
	}
	g := gs.index[key]
	if g == nil {
		g = &group{status: status, why: why, shared: shared}
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
	if why == "" && (r.Status == protocol.StatusRunning || r.Status == protocol.StatusNotStarted) {
		return // the run has not ended, and the matrix says it
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
	gs.add(r, target, "", errorOf(row))
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
		g.accounts.some(), g.targets.String(1, "target"), in,
		p.status[g.status].Render(clean(string(g.status))), clean(g.why),
	}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "  ")
}

// merged returns groups with one for all accounts that share status, reason, Regions and
// targets.
func merged(all []*group) []*group {
	var list []*group
	index := map[string]*group{}
	for _, g := range all {
		key := fmt.Sprintf("%q", []any{g.status, g.shared, g.regions.list, g.targets.list})
		if first := index[key]; first != nil {
			first.accounts.add(strings.Join(g.accounts.list, ""))
			first.why = g.shared
			continue
		}
		index[key], list = g, append(list, g)
	}
	return list
}

// write writes a line for each group, wrapped at the width. It reports whether there is any.
func (gs *groups) write(b *strings.Builder, o Options, p palette) bool {
	all := merged(slices.Concat(gs.failures, gs.others))
	more := max(0, len(all)-maxFailures)
	for _, g := range all[:len(all)-more] {
		b.WriteString(indented(g.line(p), o.Width))
	}
	if more > 0 {
		b.WriteString(paragraph(fmt.Sprintf("… and %d more (-o wide has them all)", more), o.Width, lipgloss.NewStyle()))
	}
	return len(all) > 0
}

// A Group has the outcomes that share a status and a reason, and in a run over accounts the Regions
// and targets too. A list is empty if the result has one of the kind only, or none.
type Group struct {
	Status                     protocol.Status
	Accounts, Regions, Targets []string
	Why                        string
}

// Groups returns what did not succeed of a result: first what failed, then what was skipped or not
// started.
func Groups(r protocol.Result) []Group {
	gs := groupsOf(r.Regions)
	var all []Group
	for _, g := range merged(slices.Concat(gs.failures, gs.others)) {
		all = append(all, Group{g.status, g.accounts.list, g.regions.list, g.targets.list, g.why})
	}
	return all
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
