// Command server is the Lambda of the benchmarks: it answers Invoke on the
// loopback interface after a delay, with any function, in the words of Lambda's
// API. It speaks HTTP/2 and HTTP/1.1 over TLS with a certificate that it makes
// itself, or plain HTTP/1.1.
//
// It prints one line of JSON, its URL and the file of its certificate, and
// serves until its standard input ends, or for the hour for which its certificate
// is good. GET /calls and GET /connections say how many there were since the last
// time; GET /settle waits until no connection is open but the one that it came
// over.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	var s settings
	flag.BoolVar(&s.tls, "tls", false, "speak TLS")
	flag.StringVar(&s.certificate, "certificate", "", "the `file` to write the certificate to")
	flag.DurationVar(&s.delay, "delay", 100*time.Millisecond, "how long a function takes")
	flag.DurationVar(&s.setUp, "set-up", 0, "how long a connection takes to be set up, as over a network")
	flag.IntVar(&s.streams, "streams", 128, "how many streams a connection may have")
	flag.IntVar(&s.throttle, "throttle", 0, "refuse so many of a hundred calls with 429")
	flag.IntVar(&s.answer, "answer", 256, "how many bytes a function answers")
	flag.Parse()
	time.AfterFunc(time.Hour, func() { os.Exit(1) })
	if err := serve(context.Background(), s); err != nil {
		fmt.Fprintln(os.Stderr, "bench/server:", err)
		os.Exit(1)
	}
}
