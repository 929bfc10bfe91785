package mcp

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"meridian/pkg/protocol"
)

// A Listing is a result with its rows.
type Listing struct {
	// Result is the whole result, and Kept says that show finds it again.
	Result protocol.Result
	Kept   bool

	// Rows lists it, a JSON object each, and Summary says in a few lines what the rows do not.
	Rows    []json.RawMessage
	Summary string
}

// An Answer is a result as an agent gets it: counts, errors by name, and rows.
type Answer struct {
	RunID     string           `json:"runId" jsonschema:"the id of the run"`
	Kept      bool             `json:"kept" jsonschema:"whether show finds the run again"`
	Status    protocol.Status  `json:"status" jsonschema:"how the run ended: SUCCEEDED, FAILED, TIMED_OUT or ABORTED; RUNNING if it has not"`
	Error     string           `json:"error,omitzero" jsonschema:"the name of what went wrong with the run"`
	Cause     string           `json:"cause,omitzero" jsonschema:"why the run did not succeed"`
	ElapsedMs float64          `json:"elapsedMs" jsonschema:"how long the run took, in milliseconds"`
	CostUSD   float64          `json:"costUsd,omitzero" jsonschema:"what the run cost on Lambda, in US dollars"`
	Regions   protocol.Counts  `json:"regions" jsonschema:"how many Regions ended how; with accounts, each Region counts in each account"`
	Accounts  *protocol.Counts `json:"accounts,omitzero" jsonschema:"how many accounts ended how"`
	Targets   protocol.Counts  `json:"targets" jsonschema:"how many targets ended how, over all Regions"`
	Errors    []ErrorGroup     `json:"errors,omitzero" jsonschema:"what failed, by the name of the error, the most frequent first"`
	Notices   []string         `json:"notices,omitzero" jsonschema:"limits that changed how the run was done"`
	Summary   string           `json:"summary" jsonschema:"counts in a sentence, and what the rows lack: values that were too large, items beyond a limit, columns that no row has"`
	Page
}

// An ErrorGroup counts the targets that failed with one error.
type ErrorGroup struct {
	Error   string   `json:"error" jsonschema:"the name of the error"`
	Targets int      `json:"targets" jsonschema:"how many targets have it, over all Regions"`
	Regions []string `json:"regions" jsonschema:"the Regions that have it, at most ten"`
	Cause   string   `json:"cause,omitzero" jsonschema:"what one of them says"`
}

// Bounds of what an answer has beside its rows. Texts count as they are in JSON.
const (
	maxGroups       = 10
	maxGroupRegions = 10
	maxNotices      = 10
	maxTextBytes    = 400
	maxSummaryBytes = 3 << 10
)

// answerOf returns the answer of a listing. A run that is kept can be asked for the rest of its rows.
func answerOf(l Listing, offset, maxRows int) (Answer, error) {
	r := l.Result
	rest := "the run is not kept; call again with fewer columns, a query, countBy or fewer Regions"
	if l.Kept {
		rest = `call show with run "` + r.RunID + `" and offset %d, or with columns, countBy, regions, targets or failedOnly`
	}
	page, err := pageOf(l.Rows, offset, maxRows, rest)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{
		RunID: r.RunID, Kept: l.Kept, Status: r.Status, Error: clip(r.Error, maxTextBytes), Cause: clip(r.Cause, maxTextBytes), ElapsedMs: r.ElapsedMs,
		Regions: r.Summary.Regions, Accounts: r.Summary.Accounts, Targets: r.Summary.Targets,
		Errors: groupsOf(r), Page: page, Summary: clip(strings.TrimSpace(l.Summary), maxSummaryBytes),
	}
	if r.Summary.Cost != nil {
		a.CostUSD = r.Summary.Cost.USD
	}
	for _, notice := range r.Notices[:min(len(r.Notices), maxNotices)] {
		a.Notices = append(a.Notices, clip(notice, maxTextBytes))
	}
	return a, nil
}

// groupsOf counts the targets that did not succeed by their errors.
func groupsOf(r protocol.Result) []ErrorGroup {
	groups := map[string]*ErrorGroup{}
	for _, region := range r.Regions {
		for _, target := range region.Targets {
			if target.Status == protocol.StatusSucceeded || target.Status == protocol.StatusSkipped {
				continue
			}
			name := clip(cmp.Or(target.Error, region.Error, string(target.Status)), maxTextBytes)
			g := groups[name]
			if g == nil {
				g = &ErrorGroup{Error: name, Cause: clip(cmp.Or(target.Cause, region.Cause), maxTextBytes)}
				groups[name] = g
			}
			g.Targets++
			if len(g.Regions) < maxGroupRegions && !slices.Contains(g.Regions, region.Region) {
				g.Regions = append(g.Regions, region.Region)
			}
		}
	}
	var all []ErrorGroup
	for _, g := range groups {
		all = append(all, *g)
	}
	slices.SortFunc(all, func(a, b ErrorGroup) int { return cmp.Or(b.Targets-a.Targets, strings.Compare(a.Error, b.Error)) })
	return all[:min(len(all), maxGroups)]
}

// clip returns the beginning of a text, in at most most bytes of JSON.
func clip(text string, most int) string {
	size := 0
	for i, r := range text {
		before := size
		switch {
		case r < ' ' || r == utf8.RuneError || r == '\u2028' || r == '\u2029':
			size += len(`\u0000`)
		case r == '"' || r == '\\':
			size += 2
		default:
			size += utf8.RuneLen(r)
		}
		if size > most {
			for before > most-len("…") { // make room; each character takes a byte or more
				_, last := utf8.DecodeLastRuneInString(text[:i])
				i, before = i-last, before-last
			}
			return text[:i] + "…"
		}
	}
	return text
}

// text implements output.
func (a Answer) text() string {
	text := a.Summary + "\nrun " + a.RunID + ": " + string(a.Status)
	if a.Cut != "" {
		text += "\n" + a.Cut
	}
	return text
}

// A Filter keeps a part of a result.
type Filter struct {
	Regions    []string `json:"regions,omitzero" max:"200" jsonschema:"Only rows of these Regions."`
	Accounts   []string `json:"accounts,omitzero" max:"1000" jsonschema:"Only rows of the accounts with these ids."`
	Targets    []string `json:"targets,omitzero" max:"10000" jsonschema:"Only rows of these targets."`
	FailedOnly bool     `json:"failedOnly,omitzero" jsonschema:"Only targets that did not succeed and were not skipped."`
}

// Apply returns the result with the outcomes that the filter keeps. The counts still cover the
// whole result.
func (f Filter) Apply(r protocol.Result) protocol.Result {
	keeps := func(list []string, value string) bool { return list == nil || slices.Contains(list, value) }
	regions := r.Regions
	r.Regions = []protocol.RegionOutcome{}
	for _, region := range regions {
		if !keeps(f.Regions, region.Region) || !keeps(f.Accounts, region.Account) {
			continue
		}
		region.Targets = slices.DeleteFunc(slices.Clone(region.Targets), func(t protocol.TargetOutcome) bool {
			fine := t.Status == protocol.StatusSucceeded || t.Status == protocol.StatusSkipped
			return !keeps(f.Targets, t.Target) || f.FailedOnly && fine
		})
		r.Regions = append(r.Regions, region)
	}
	return r
}
