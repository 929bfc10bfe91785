// Package call measures what calling AWS takes: whole processes that ask every Region,
// and the decoding of one long answer.
//
// A server that answers DescribeVpcs runs in this process on the loopback interface.
// meridian call, a loop around the AWS CLI, and boto3 with a thread for each Region take
// turns to ask it; their time is from exec to exit, their CPU time that of the process and
// of those that it started. The AWS CLI and boto3 are installed in build/. Where that does
// not work, they are left out, and it says why.
//
// DescribeInstances is decoded in this process, without a network, and compared with the
// SDK's typed client. That client takes minutes to compile, so it is left out without
// -tags ec2.
//
// What is printed and written to CALL.md are medians. All of them include the machine's
// noise: compare the ratios, not the absolute figures.
package call

import (
	"bytes"
	"context"
	"os"

	"meridian/bench/figure"
)

// Run measures everything and writes CALL.md. Its files go to directory. If quick is true
// it measures little, and only prints.
func Run(ctx context.Context, directory string, quick bool) error {
	rounds := 7
	if quick {
		rounds = 1
	}
	asked, err := measureAsking(ctx, directory, rounds)
	if err != nil {
		return err
	}
	decoded, err := measureDecoding(ctx, rounds)
	if err != nil {
		return err
	}
	r := results{asked: asked, decoded: decoded}
	r.write(os.Stdout)
	if quick {
		return nil
	}
	var b bytes.Buffer
	b.WriteString(notes)
	r.write(&b)
	return figure.Save("CALL.md", "What calling AWS takes", "make bench-call", b.Bytes())
}

const notes = `
The figures are medians of runs that took turns: compare the ratios, not the absolute
figures. On a busy machine a long process waits for a CPU more than a short one, which makes the
ratios of the times larger, but not those of the CPU.

ec2:DescribeVpcs is asked of a server that answers each Region after 20 ms, over HTTP, without
TLS. Each way is a whole process, from exec to exit, with a cold start:

- *Meridian*: meridian call, with one command line for all Regions.
- *boto3 in threads*: a Python program with a client and a thread for each Region
  ([threads.py](call/threads.py)).
- *AWS CLI loop*: a shell that runs the AWS CLI once for each Region. It is version 1, because
  version 2 is not on PyPI.

DescribeInstances is decoded from an answer with 1,000 instances as EC2 writes them, each with
three tags, a volume and a network interface, from the bytes of the HTTP body to the output.
*Typed client* is the client of the AWS SDK for Go, service/ec2. Meridian has the models of all
operations as data, and makes maps; the typed client is generated code and makes structures.
`
