package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

// run deploys or removes as the arguments say, and returns the exit status: 0, 1 if a
// Region failed, 2 if the arguments are wrong.
func run(ctx context.Context, args []string) int {
	f := fleet{out: os.Stdout}
	flags := flag.NewFlagSet("workers", flag.ContinueOnError)
	flags.StringVar(&f.Root, "root", ".", "the directory of serverless.worker.yml, `dir`")
	flags.StringVar(&f.Stage, "stage", "dev", "the `stage`")
	flags.StringVar(&f.Home, "home", "", "the `Region` of serverless.yml, to skip: its worker is deployed with it")
	flags.IntVar(&f.AtOnce, "at-once", 4, "the `number` of Regions at once; each is one Node.js process")
	flags.DurationVar(&f.Limit, "limit", 15*time.Minute, "the time limit of one Region")
	flags.Func("param", "a `key=value` for the framework; may be repeated", func(s string) error {
		f.Params = append(f.Params, s)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		f.Action = flags.Arg(0)
		// Make passes a list as one argument.
		f.Regions = strings.FieldsFunc(strings.Join(flags.Args()[1:], " "), func(r rune) bool { return r == ' ' || r == ',' })
	}
	if err := f.check(); err != nil {
		fmt.Fprintln(os.Stderr, "workers:", err)
		return 2
	}
	if err := f.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "workers:", err)
		return 1
	}
	return 0
}
