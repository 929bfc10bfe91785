package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// A share is a part of a core that a function has, in percent, and the memory for
// which Lambda gives it.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
type share struct{ percent, memory int }

func shares() []share { return []share{{100, 1769}, {29, 512}, {14, 256}, {7, 128}} }

// run measures every way on every share.
func run(ctx context.Context, out io.Writer, s settings) error {
	directory, err := os.MkdirTemp("", "reserve")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(directory) }()
	l, err := newLab(ctx, directory)
	if err != nil {
		return err
	}
	defer l.close()
	_, _ = fmt.Fprintf(out, "%8s %7s %9s  %-8s %10s %10s %10s %10s %9s\n",
		"units", "share", "memory", "answered", "run, ms", "end, ms", "encode, ms", "margin, ms", "peak, MiB")
	var failed error
	for _, share := range shares() {
		if share.percent < 100 && l.holds != nil {
			_, _ = fmt.Fprintf(out, "not held to %d %%: %v\n", share.percent, l.holds)
			continue
		}
		for _, w := range ways() {
			if s.share != 0 && s.share != share.percent || s.way != "" && s.way != w.name {
				continue
			}
			m, err := l.measure(ctx, s, share, w)
			if err != nil {
				return fmt.Errorf("%d %%, %s: %w", share.percent, w.name, err)
			}
			_, _ = fmt.Fprintf(out, "%8d %5d %% %6d MB  %-8s %10.0f %10.0f %10.0f %10.0f %9.0f  %s\n", s.units, share.percent, share.memory, w.name,
				ms(m.run), ms(m.end), ms(m.encode), ms(m.margin), m.peakMiB, m.counts)
			if m.margin < 0 {
				failed = errors.New("an answer was late")
			}
		}
	}
	return failed
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
