// Package invocation measures what an invocation costs beside its work: whole runs of
// Meridian, the AWS SDK as people write it, and signed requests of net/http over
// connections opened first, which are the floor.
//
// A server with Lambda's Invoke API, which takes 100 ms for each call, runs in a
// process of its own on the loopback interface. So does each measurement, to have its
// own CPU time and memory. The ways of calling take turns; what is printed and written
// to RESULTS.md are medians. All of them include the machine's noise: compare the
// ratios, not the absolute figures.
package invocation

import (
	"bytes"
	"context"
	"os"

	"meridian/bench/figure"
)

// Run measures everything and writes RESULTS.md. Its files go to directory. If quick
// is true it measures little, and only prints.
func Run(ctx context.Context, directory string, quick bool) error {
	l, err := newLab(ctx, directory)
	if err != nil {
		return err
	}
	defer l.close()
	results, err := l.measureAll(ctx, scenarios(quick))
	judge(os.Stdout, results)
	if err != nil || quick {
		return err
	}
	var b bytes.Buffer
	b.WriteString(notes)
	for _, missing := range l.missing {
		b.WriteString("Not measured: " + missing + ".\n")
	}
	summarize(&b, results)
	judge(&b, results)
	for _, r := range results {
		r.write(&b)
	}
	return figure.Save("RESULTS.md", "What an invocation costs", "make bench", b.Bytes())
}

const notes = `
Each call takes the server 100 ms. Overhead is the time that all the calls together take
beyond that and beyond the network. A far server takes 200 ms longer for a connection: two
round trips of 100 ms. In the regional scenario each of 34 Regions has its own endpoint,
with a round trip of 200 ms: a connection takes 400 ms, and the call 200 ms more.

The figures are medians of runs that took turns: compare the ratios, not the absolute
figures. The targets are judged by the medians; "in rounds" is in how many of the rounds the
target was met by that round alone. The server's CPU time is in every overhead, and brings the
ratios nearer to 1; CPU per call is the client's alone. Cold means without connections. What a
function does once as it starts, like making its client or reading the coordinator's tables, is
done before, and the floor's requests are encoded. Peak memory is the whole process's.

- *floor*: requests of net/http, signed by the SDK's signer, over HTTP/2 connections opened
  first. It reads the answers and does nothing with them.
- *Meridian*: a whole run, from the request to the result as JSON.
- *SDK client, prepared*: lambda.Client over the floor's connections, without its retries and
  without JSON.
- *SDK + errgroup*: the AWS SDK for Go with encoding/json, as people write it. *Node.js* and
  *Python* are the same with their SDKs. That of Node.js has 50 connections by default: 1,000
  calls of 100 ms take at least 2 s over them.

The first three collect garbage as the coordinator's function does; that would save SDK +
errgroup 5 to 9 % of its CPU time. On the same machine a connection is open before most calls
have started, so the SDK's number of connections is a matter of luck; to a far server every call
that starts in the meantime opens one. The overhead of 35 calls is mostly one handshake, the
floor's too. While the connections to a far server are opened, Meridian plans its run and the
floor waits. Over plain HTTP, which is HTTP/1.1, the floor and Meridian have 900 connections,
because Lambda allows 1,024 file descriptors: 5,000 calls take at least 600 ms over them, 500 of
which count as overhead.

`
