package fanout

import "time"

// A pace limits how many attempts a lane starts per second. A lane has none until it is
// throttled for its rate, see [RateError]. Then it starts nothing until the other throttles
// of the burst have come, and continues at the rate that was accepted until then.
//
// From then on it counts its attempts in samples. The rate falls by the share of a sample
// that was throttled, and grows after one without a throttle, twice as much each time.
type pace struct {
	rate float64   // attempts per second; zero before the first sample
	next time.Time // when the next attempt may start; zero means that there is no pace

	lag time.Duration // the longest time of a throttle

	step   float64 // by what share rate grows next
	proven float64 // rate before it grew; zero when it has not since the last throttle
	sample int     // how many attempts a sample has

	since     time.Time // when the sample began
	before    int       // the number of the last attempt before it
	last      int       // the number of its last attempt that was throttled
	throttled int       // its attempts that were throttled
}

// The measures of a pace.
const (
	// firstSpan is the least time that the first rate is measured over. A server saves
	// up what was not used of its rate, for a second or a tenth of one: without it a
	// first burst would look like a rate of thousands.
	firstSpan = 300 * time.Millisecond

	// leastSample is how many attempts show a twentieth too much. A sample is half as
	// large while the rate is far off, and doubles with each growth that a throttle
	// ends, up to mostSample, where probes cost a throttle in a hundred attempts. It
	// takes sampleTime for each of its attempts at most: a low rate has to grow, too.
	leastSample = 20
	mostSample  = 320
	sampleTime  = 50 * time.Millisecond

	// throttledSample is the number of throttles that ends a sample: they show by how much
	// to fall.
	throttledSample = 3

	// leastStep and mostStep bound a growth. More would go past the limit of a server
	// that has saved up some of its rate before that is seen.
	leastStep = 0.05
	mostStep  = 0.5

	// slowest and fastest bound the rate: one attempt in two seconds, and a rate that no
	// longer limits anything.
	slowest = 0.5
	fastest = 1e6

	// catchUp is how much delay of the loop is made up for.
	catchUp = 10 * time.Millisecond
)

// plan decides when the lane may start an attempt after the one that starts now.
func (l *lane) plan(now time.Time) {
	p := &l.pace
	if p.next.IsZero() {
		return
	}
	sent, took := l.started-1-p.before, now.Sub(p.since)
	whole := sent >= p.sample || sent > 0 && took > time.Duration(p.sample)*sampleTime
	switch {
	case p.rate == 0:
		accepted := float64(l.started - 1 - l.throttled)
		p.sample, p.step = leastSample/2, mostStep
		l.setRate(accepted/max(now.Sub(l.begun), firstSpan).Seconds(), now)
	case !whole || took <= 2*p.lag: // the throttles of half the sample have come
	case p.throttled > 0:
		l.slowDown(sent, now)
	default:
		p.proven = p.rate
		l.setRate(p.rate*(1+p.step), now)
		p.sample, p.step = min(p.sample, leastSample), min(2*p.step, mostStep)
	}
	if late := now.Add(-catchUp); p.next.Before(late) {
		p.next = late
	}
	p.next = p.next.Add(time.Duration(float64(time.Second) / p.rate))
}

// tooFast counts an attempt that was throttled for the rate.
func (l *lane) tooFast(s sending, now time.Time) {
	p := &l.pace
	p.lag = max(p.lag, now.Sub(s.start))
	switch {
	case p.next.IsZero():
		p.next = now.Add(p.lag)
	case p.rate > 0 && s.number > p.before:
		p.throttled++
		p.last = max(p.last, s.number)
		if p.throttled >= throttledSample {
			l.slowDown(p.last-p.before, now)
		}
	}
}

// slowDown ends a sample of a number of attempts, some of them throttled.
func (l *lane) slowDown(attempts int, now time.Time) {
	p := &l.pace
	accepted := 1 - float64(p.throttled)/float64(attempts+1)
	rate := p.rate * accepted
	p.step = leastStep
	switch {
	case accepted < 0.5:
		p.sample, p.step = leastSample/2, mostStep
	case p.proven > 0:
		p.sample = min(2*p.sample, mostSample)
		rate = min(rate, p.proven)
	}
	p.proven = 0
	l.setRate(rate, now)
}

// setRate begins a sample.
func (l *lane) setRate(rate float64, now time.Time) {
	p := &l.pace
	p.rate = min(max(rate, slowest), fastest)
	p.since, p.before, p.last, p.throttled = now, l.started, 0, 0
}
