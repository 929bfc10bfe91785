package report

import (
	"fmt"
	"math"
	"strings"

	"meridian/pkg/protocol"
)

// costLine returns the line for the cost of a run, or "" if nothing of it ran on Lambda.
func costLine(c *protocol.Cost) string {
	if c == nil || c.Workers.Requests+c.Coordinator.Requests == 0 {
		return ""
	}
	text := "workers " + bill(c.Workers)
	if c.Region != "" { // else the coordinator is no function
		text += ", coordinator " + bill(c.Coordinator)
	}
	if s := c.Store; s != nil {
		text += fmt.Sprintf(", store %s", count(s.Writes+s.Reads, "request", "requests"))
	}
	if c.USD > 0 {
		text = fmt.Sprintf("about %s (%s)", Dollars(c.USD), text)
	}
	parts := []string{"cost: " + text}
	if n := c.Workers.ColdStarts; n > 0 {
		parts = append(parts, count(n, "cold start", "cold starts"))
	}
	if n := c.Workers.Estimated; n > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s estimated", n, count(c.Workers.Requests, "invocation", "invocations")))
	} else if c.Workers.Requests > 0 && c.Workers.GBSeconds == 0 { // the memory is not known
		parts = append(parts, count(c.Workers.Requests, "invocation", "invocations"))
	}
	if c.Note != "" {
		parts = append(parts, c.Note)
	} else {
		at := c.Region
		if c.WorkerRegion != "" {
			at += ", workers in " + c.WorkerRegion
		}
		parts = append(parts, fmt.Sprintf("%s in %s, prices of %s", c.Architecture, at, c.PriceDate))
	}
	return strings.Join(parts, "; ")
}

// bill formats a usage: its price, or its GB-seconds if it has no price, or its seconds
// if the memory is unknown too.
func bill(u protocol.Usage) string {
	switch {
	case u.USD > 0 || u.Requests == 0:
		return Dollars(u.USD)
	case u.GBSeconds == 0:
		return fmt.Sprintf("%.3f s", u.BilledDurationMs/1000)
	}
	return fmt.Sprintf("%.3f GB-s", u.GBSeconds)
}

// Dollars formats a price with three significant digits: that of one run begins with
// many zeros.
func Dollars(usd float64) string {
	const digits = 3
	decimals := 2
	if usd > 0 {
		decimals = max(decimals, digits-1-int(math.Floor(math.Log10(usd))))
	}
	return fmt.Sprintf("$%.*f", decimals, usd)
}
