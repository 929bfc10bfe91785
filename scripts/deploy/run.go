package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"
)

// run does what the arguments say, with the settings that getenv has, and returns the
// exit status: 0, 1 if it failed, 2 if the arguments or the settings are wrong.
func run(ctx context.Context, args []string, getenv func(string) string) int {
	f := fleet{out: os.Stdout}
	flags := flag.NewFlagSet("deploy", flag.ContinueOnError)
	flags.StringVar(&f.Root, "root", ".", "the directory of serverless.yml, `dir`")
	flags.IntVar(&f.AtOnce, "at-once", 4, "the `number` of Regions at once; each is one Node.js process")
	flags.DurationVar(&f.Limit, "limit", 15*time.Minute, "the time limit of one Region")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	s, err := newSettings(f.Root, getenv)
	switch {
	case err != nil:
	case flags.NArg() != 1:
		err = errors.New("want one of deploy, remove, deploy-workers and remove-workers")
	case f.AtOnce < 1:
		err = errors.New("-at-once must be at least 1")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "deploy:", err)
		return 2
	}
	if err := s.do(ctx, flags.Arg(0), &f); err != nil {
		fmt.Fprintln(os.Stderr, "deploy:", err)
		if errors.Is(err, errUsage) {
			return 2
		}
		return 1
	}
	return 0
}

// errUsage is wrapped by the errors of arguments that are wrong.
var errUsage = errors.New("wrong use")

// do does one action, and keeps what was given for it once it is deployed.
func (s *settings) do(ctx context.Context, action string, f *fleet) error {
	var err error
	switch action {
	case "deploy":
		// The Regions of the workers are a parameter of the coordinator's deployment.
		s.give("regions", s.regions)
		if err = s.checkSchedules(); err == nil {
			err = s.build(ctx)
		}
		if err == nil {
			err = s.framework(ctx, "deploy")
		}
	case "remove":
		return s.framework(ctx, "remove")
	case "deploy-workers", "remove-workers":
		f.Action, f.Stage, f.Home, f.Args = action[:len("deploy")], s.stage, s.region, s.args()
		f.Regions = words(s.regions)
		if s.regions == "" {
			f.Regions = words(s.value("regions"))
		}
		if len(f.Regions) == 0 {
			return fmt.Errorf(`%w: no Regions: set REGIONS="eu-west-1 us-east-1"`, errUsage)
		}
		if f.Action == "remove" {
			return f.run(ctx)
		}
		if err = s.build(ctx, "--config", "serverless.worker.yml"); err == nil {
			err = f.run(ctx)
		}
	default:
		return fmt.Errorf("%w: %q: want deploy, remove, deploy-workers or remove-workers", errUsage, action)
	}
	if err != nil {
		return err
	}
	return s.keep(f.out)
}
