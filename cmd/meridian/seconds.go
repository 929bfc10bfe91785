package main

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// seconds is a duration in Go's notation, "1m30s", or a number of seconds.
type seconds float64

// String, Set and Type implement pflag.Value.
func (s *seconds) String() string {
	if *s == 0 {
		return "" // so that the help shows no default
	}
	return strconv.FormatFloat(float64(*s), 'f', -1, 64) + "s"
}

// Set takes "90s", "1m30s" or "90".
func (s *seconds) Set(value string) error {
	if number, err := strconv.ParseFloat(value, 64); err == nil {
		*s = seconds(number)
		return nil
	}
	d, err := time.ParseDuration(value)
	if err != nil {
		return errors.New(`want a time like "90s" or "1m30s", or a number of seconds`)
	}
	*s = seconds(d.Seconds())
	return nil
}

// Type names the value in the help.
func (*seconds) Type() string { return "duration" }

// An interval is a time between two runs: seconds, or a rate expression of EventBridge.
type interval seconds

// String, Set and Type implement pflag.Value.
func (i *interval) String() string { return (*seconds)(i).String() }

// Set takes what seconds takes, or "rate(5 minutes)".
// Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
func (i *interval) Set(value string) error {
	trimmed := strings.TrimSpace(value)
	if strings.HasPrefix(trimmed, "cron(") || strings.HasPrefix(trimmed, "at(") {
		return errors.New("only a rate expression has a fixed interval; want the time between two runs, such as 1h")
	}
	inner, isRate := strings.CutPrefix(trimmed, "rate(")
	if !isRate {
		return (*seconds)(i).Set(value)
	}
	inner, closed := strings.CutSuffix(inner, ")")
	number, unit, _ := strings.Cut(strings.TrimSpace(inner), " ")
	n, err := strconv.ParseUint(number, 10, 31)
	length := map[string]time.Duration{
		"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour,
	}[strings.TrimSuffix(strings.TrimSpace(unit), "s")]
	if !closed || err != nil || n == 0 || length == 0 {
		return errors.New("want a rate expression such as rate(5 minutes), rate(1 hour) or rate(2 days)")
	}
	*i = interval(float64(n) * length.Seconds())
	return nil
}

// Type names the value in the help.
func (*interval) Type() string { return "duration" }
