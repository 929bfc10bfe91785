package faults_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"

	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

// errorsAfterWork returns every error that Lambda can answer with, and those of gateways
// before it, for a task that may not be done twice. Each is answered after the function
// has run.
func errorsAfterWork() (all []hazard) {
	add := func(status int, code string, ran bool) {
		fault := invoketest.Refuse(status, code, "as the test asked for")
		if code == "" {
			fault = invoketest.Answer(status, "<html>")
		}
		h := simple(strings.TrimSpace(fmt.Sprintf("once: %d %s", status, code)), invoketest.AfterWork(fault))
		h.once, h.ran = true, ran
		all = append(all, h)
	}
	for _, status := range []int{500, 502, 503, 504, 408, 409, 499} {
		add(status, "", true)
	}
	for _, status := range []int{500, 502, 503, 504, 408} {
		add(status, "SomethingNew", true)
	}
	add(http.StatusGatewayTimeout, "ServiceException", true)
	add(http.StatusServiceUnavailable, "ServiceUnavailable", true)
	add(http.StatusInternalServerError, "InternalFailure", true)
	add(http.StatusRequestTimeout, "RequestTimeoutException", true)
	add(http.StatusGatewayTimeout, "ResourceConflictException", true) // documented for 409 only
	for id, entry := range lambda.TypeRegistry.Entries {
		if answer, ok := smithy.SchemaTrait[*traits.HTTPError](entry.Schema); ok {
			_, code, _ := strings.Cut(id, "#")
			add(answer.Code, code, code == "ServiceException" || code == "EFSIOException")
		}
	}
	slices.SortStableFunc(all, func(a, b hazard) int { return strings.Compare(a.name, b.name) })
	return all
}

// checkOnce returns what is wrong with a run of a task that may not be done twice. No
// attempt may follow one that may have run, and so has metrics. With ran each attempt that
// failed must have metrics and say that it may have run.
func (r *row) checkOnce(ran bool) (problems []string) {
	for _, region := range r.answer.result.Regions {
		again := repeated(region)
		r.account.repeated += len(again)
		problems = append(problems, again...)
		for _, a := range region.Attempts {
			timedOut := a.Error == protocol.ErrorTimeout // on a busy machine, before the answer
			if ran && a.Error != "" && !timedOut && (a.Metrics == nil || !strings.Contains(a.Cause, "the function may have run")) {
				problems = append(problems, fmt.Sprintf("%s batch %d does not say that it may have run: %+v", region.Region, a.Batch, a))
			}
		}
	}
	return problems
}

// repeated returns which invocations were made again after one that may have run, and so has
// metrics.
func repeated(region protocol.RegionOutcome) (problems []string) {
	mayHaveRun := map[int]bool{}
	for _, a := range region.Attempts {
		if mayHaveRun[a.Batch] {
			problems = append(problems, fmt.Sprintf("%s batch %d is repeated after it may have run", region.Region, a.Batch))
		}
		mayHaveRun[a.Batch] = mayHaveRun[a.Batch] || a.Metrics != nil
	}
	return problems
}
