package coordinator

import (
	"slices"

	"meridian/pkg/protocol"
)

// A Preview says what a run would do, as far as that is known before it.
type Preview struct {
	// Task is the kind of work. Empty means that Function does it.
	Task string `json:"task,omitzero"`

	// Function is the request's own function that does the work.
	Function string `json:"function,omitzero"`

	// Targets, Invocations and MaxConcurrency say how much there is to do, and
	// how many invocations would be in flight at once.
	Targets        int `json:"targets"`
	Invocations    int `json:"invocations"`
	MaxConcurrency int `json:"maxConcurrency"`

	// TimeoutSeconds bounds the run, RegionTimeoutSeconds an attempt of an
	// invocation and TargetTimeoutSeconds one of a target, as in the request;
	// zero means what is left of the time around it.
	TimeoutSeconds       float64 `json:"timeoutSeconds,omitzero"`
	RegionTimeoutSeconds float64 `json:"regionTimeoutSeconds,omitzero"`
	TargetTimeoutSeconds float64 `json:"targetTimeoutSeconds,omitzero"`

	// PayloadBytes is the length of the longest invocation, and MaxPayloadBytes
	// the most that can be sent.
	PayloadBytes    int `json:"payloadBytes"`
	MaxPayloadBytes int `json:"maxPayloadBytes"`

	// AnswerBytes is how long the result can get without outputs and causes, and
	// MaxAnswerBytes the most that a function can answer. The rest is for outputs.
	AnswerBytes    int `json:"answerBytes"`
	MaxAnswerBytes int `json:"maxAnswerBytes"`

	// Notices says which limits change how the run is done, a sentence each.
	Notices []string `json:"notices,omitzero"`

	// Regions lists the Regions in the order asked for.
	Regions []RegionPreview `json:"regions"`
}

// A RegionPreview says what a run would do in one Region.
type RegionPreview struct {
	// Account is the id of its account, and AccountName its name. Empty means none.
	Account     string `json:"account,omitzero"`
	AccountName string `json:"accountName,omitzero"`

	Region string `json:"region"`

	// Wave is the number of its wave, from 0.
	Wave int `json:"wave,omitzero"`

	// Targets counts its targets, and Batches the targets of each invocation.
	Targets int   `json:"targets"`
	Batches []int `json:"batches"`

	// Skips lists the targets for which there is nothing to do. Nil means that
	// none is known: some tasks find out only in the Region.
	Skips []Skip `json:"skips,omitzero"`
}

// A Skip is a target for which there is nothing to do.
type Skip struct {
	Target string `json:"target"`

	// Cause says why.
	Cause string `json:"cause"`
}

// Preview returns what Run would do with a request, or Answer within a function's
// limit. Nothing is invoked. The error is nil or a
// [protocol.InvalidRequestError], the same one that those would return.
func (c *Coordinator) Preview(r protocol.Request, limit int) (Preview, error) {
	p, faults := c.plan(r, r.Validate(), limit)
	if err := faults.Err(); err != nil {
		return Preview{}, err
	}
	preview := Preview{
		Task:                 p.Request.Task,
		Function:             p.Request.Function(),
		Targets:              p.targetCount(),
		Invocations:          p.invocations(),
		MaxConcurrency:       min(p.MaxConcurrency, p.invocations()),
		TimeoutSeconds:       r.TimeoutSeconds,
		RegionTimeoutSeconds: r.RegionTimeoutSeconds,
		TargetTimeoutSeconds: r.TargetTimeoutSeconds,
		PayloadBytes:         p.longest(),
		MaxPayloadBytes:      protocol.MaxInvocationBytes,
		AnswerBytes:          p.leastBytes(),
		MaxAnswerBytes:       protocol.MaxPayloadBytes,
		Notices:              p.Notices,
		Regions:              make([]RegionPreview, len(p.Regions)),
	}
	if p.AskEnabled {
		preview.Notices = append(slices.Clip(preview.Notices), "a worker lists the Regions that are enabled in the account first; the run leaves out the others")
	}
	if p.AskOrganization {
		preview.Notices = append(slices.Clip(preview.Notices), "a worker lists the accounts of the organization first; the run has these Regions in each of them")
	}
	skip := c.tasks(p.Request).Skips(p.Request.Task, p.Request.Parameters)
	for i, region := range p.Regions {
		o := p.outcome(&region)
		preview.Regions[i] = RegionPreview{
			Account: o.Account, AccountName: o.AccountName, Region: region.Region, Wave: region.Wave,
			Targets: len(region.Targets) + len(region.Omitted), Batches: region.Batches,
		}
		for _, o := range region.Omitted {
			preview.Regions[i].Skips = append(preview.Regions[i].Skips, Skip{Target: o.Target, Cause: o.Cause})
		}
		for _, target := range region.Targets {
			if cause := skip(region.Region, target); cause != "" {
				preview.Regions[i].Skips = append(preview.Regions[i].Skips, Skip{Target: target, Cause: cause})
			}
		}
	}
	return preview, nil
}

// longest returns how many bytes the longest payload can have.
func (p *Plan) longest() int {
	dialect, _ := p.dialect() // divide has made it, too
	most := 0
	for _, u := range p.units() {
		first, regions := p.Regions[u.region], []protocol.RegionTargets{{Region: p.Regions[u.region].Region, Targets: u.targets}}
		if u.regions > 1 {
			regions = p.split(u, nil)
		}
		most = max(most, dialect.bytes(first.Account, u.batch, regions))
	}
	return most
}
