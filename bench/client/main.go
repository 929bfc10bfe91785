// Command client makes a number of calls at once in one of four ways, and
// prints what they took as one line of JSON. Each measurement is a process of
// its own, so that CPU time and memory are its own too.
//
// The ways: "coordinator", a whole run from the request to the result as JSON;
// "path", the engine and the invoke path alone; "sdk", the AWS SDK with an errgroup,
// as people write it; "floor", signed requests of net/http over HTTP/2 connections
// that were opened first.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	var s settings
	flag.StringVar(&s.way, "way", "coordinator", "coordinator, path, sdk or floor")
	flag.StringVar(&s.url, "url", "", "the server")
	flag.StringVar(&s.certificate, "certificate", "", "the `file` of its certificate")
	flag.IntVar(&s.calls, "calls", 35, "how many calls")
	flag.IntVar(&s.streams, "streams", 100, "how many calls a connection of the floor's takes")
	flag.BoolVar(&s.warm, "warm", false, "measure the second run")
	flag.BoolVar(&s.retry, "retry", false, "retry throttled calls")
	flag.Uint64Var(&s.files, "files", 0, "the limit on open files")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	m, err := measure(ctx, s)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(m)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/client:", err)
		os.Exit(1)
	}
}
