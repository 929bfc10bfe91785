package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"meridian/internal/invoke"
	"meridian/internal/price"
	"meridian/pkg/protocol"
)

// facts returns the tables that are facts of the code, by name.
func facts() map[string]func() string {
	return map[string]func() string{"limits": limits, "default-retry": defaultRetry, "break-even": breakEven}
}

// limits returns the limits of the messages.
func limits() string {
	var table strings.Builder
	table.WriteString("| of | at most |\n|---|--:|\n")
	for _, row := range []struct {
		of   string
		most int
		unit string
	}{
		{"Regions in a run", protocol.MaxRegions, ""},
		{"accounts in a run", protocol.MaxAccounts, ""},
		{"items in a run, one for each account and Region", protocol.MaxItems, ""},
		{"waves of a run", protocol.MaxWaves, ""},
		{"targets in a Region", protocol.MaxTargets, ""},
		{"a request", protocol.MaxRequestBytes, " bytes"},
		{"the message to a worker", protocol.MaxInvocationBytes, " bytes"},
		{"a result, or a worker's answer", protocol.MaxPayloadBytes, " bytes"},
		{"a run's name", protocol.MaxNameLength, " characters"},
		{"a target's name", protocol.MaxTargetLength, " bytes"},
		{"retriers in a list", protocol.MaxRetriers, ""},
		{"error names in a retrier", protocol.MaxErrorNames, ""},
		{"retries by one retrier", protocol.MaxAttempts, ""},
		{"retries by one retrier with an interval below 1 s", protocol.MaxQuickAttempts, ""},
		{"a timeout or an interval", protocol.MaxSeconds, " s"},
		{"levels of nested arrays and objects in an output", protocol.MaxOutputDepth, ""},
		{"an error name", protocol.MaxErrorNameBytes, " bytes"},
		{"a cause in a result", protocol.MaxCauseBytes, " bytes"},
	} {
		_, _ = fmt.Fprintf(&table, "| %s | %s%s |\n", row.of, thousands(row.most), row.unit)
	}
	return table.String()
}

// thousands formats a number with a comma before each three digits.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// defaultRetry returns the retriers of a request that gives none.
func defaultRetry() string {
	data, err := json.MarshalIndent(invoke.DefaultRetry(), "", "  ")
	if err != nil {
		panic("figures: " + err.Error()) // strings and numbers always encode
	}
	return "```json\n" + string(data) + "\n```\n"
}

// breakEven returns from which length of the workers on another way to fan out is
// cheaper than a coordinator, for 28 Regions and the deployment's defaults.
func breakEven() string {
	const regions, memoryMB = 28, 256
	from := map[string]string{}
	var names []string
	for seconds := 1; seconds <= price.MaxLambdaSeconds; seconds++ {
		c, ok := price.Compare(price.Job{
			Regions: regions, Seconds: float64(seconds), Every: time.Hour, Region: "us-east-1",
			Architecture: price.ARM64, WorkerMB: memoryMB, CoordinatorMB: memoryMB,
		})
		if !ok {
			panic("figures: no prices in us-east-1")
		}
		for _, w := range c.Ways[1:] {
			if seconds == 1 {
				names = append(names, w.Name)
			}
			if _, known := from[w.Name]; !known && w.Reason == "" && price.Sum(w.Items) < price.Sum(c.Ways[0].Items) {
				from[w.Name] = fmt.Sprintf("%d s", seconds)
			}
		}
	}
	var table strings.Builder
	table.WriteString("| cheaper than a coordinator | for workers of at least |\n|---|--:|\n")
	for _, name := range names {
		if from[name] == "" {
			from[name] = "never"
		}
		_, _ = fmt.Fprintf(&table, "| %s | %s |\n", name, from[name])
	}
	return table.String()
}
