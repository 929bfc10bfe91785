// Package invocation measures what an invocation costs beside its work: whole runs of
// Meridian, the AWS SDK as people write it, and signed requests of net/http over
// connections opened first, which are the floor.
//
// A server with Lambda's Invoke API, which takes 100 ms for each call, runs in this
// process on the loopback interface. Each measurement runs in a process of its own, to
// have its own CPU time and memory. The ways of calling take turns; what is printed and
// written to RESULTS.md are medians. All of them include the machine's noise: compare
// the ratios, not the absolute figures.
package invocation

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"meridian/bench/client"
	"meridian/bench/figure"
	"meridian/bench/server"
)

// Run measures everything and writes RESULTS.md. Its files go to directory. If quick
// is true it measures little, and only prints.
func Run(ctx context.Context, directory string, quick bool) error {
	var results []result
	for _, s := range scenarios(quick) {
		r, err := s.measure(ctx, filepath.Join(directory, "certificate.pem"))
		if err != nil {
			return fmt.Errorf("%s, %d calls: %w", s.name, s.Calls, err)
		}
		r.write(os.Stdout)
		results = append(results, r)
	}
	judge(os.Stdout, results)
	if quick {
		return nil
	}
	var b bytes.Buffer
	b.WriteString(notes)
	summarize(&b, results)
	judge(&b, results)
	for _, r := range results {
		r.write(&b)
	}
	return figure.Save("RESULTS.md", "What an invocation costs", "make bench", b.Bytes())
}

// measure has the ways take turns, in a random order in each round: what one leaves
// behind does not always affect the same other one.
func (s scenario) measure(ctx context.Context, certificate string) (r result, err error) {
	r = result{scenario: s, runs: map[string][]client.Measurement{}}
	lambda, err := server.Start(ctx, s.server, certificate)
	if err != nil {
		return r, err
	}
	defer lambda.Close()
	s.URLs, s.Certificate = lambda.URLs, certificate
	for range s.rounds {
		for _, i := range rand.Perm(len(s.ways)) {
			s.Way = s.ways[i]
			m, err := s.Measure(ctx)
			if err != nil {
				return r, fmt.Errorf("%s: %w", s.Way, err)
			}
			m.OverheadMs = max(m.WallMs-figure.Milliseconds(s.ideal()), 0.001)
			r.runs[s.Way] = append(r.runs[s.Way], m)
		}
	}
	return r, nil
}

const notes = `
Each call takes the server 100 ms. Overhead is the time that all the calls together take
beyond that and beyond the network. A far server takes 200 ms longer for a connection: two
round trips of 100 ms. In the regional scenario each of 34 Regions has its own endpoint,
with a round trip of 200 ms: a connection takes 400 ms, and the call 200 ms more.

The figures are medians of runs that took turns: compare the ratios, not the absolute
figures. The targets are judged by the medians. The server's CPU time is in every overhead, and brings the
ratios nearer to 1; CPU per call is the client's alone. Cold means without connections. What a
function does once as it starts, like making its client or reading the coordinator's tables, is
done before, and the floor's requests are encoded. Peak memory is the whole process's.

- *floor*: requests of net/http, signed by the SDK's signer, over HTTP/2 connections opened
  first. It reads the answers and does nothing with them.
- *Meridian*: a whole run, from the request to the result as JSON.
- *SDK + errgroup*: the AWS SDK for Go with encoding/json, as people write it.

The first two collect garbage as the coordinator's function does; that would save SDK +
errgroup 5 to 9 % of its CPU time. On the same machine a connection is open before most calls
have started, so the SDK's number of connections is a matter of luck; to a far server every call
that starts in the meantime opens one. The overhead of 35 calls is mostly one handshake, the
floor's too. While the connections to a far server are opened, Meridian plans its run and the
floor waits.

`
