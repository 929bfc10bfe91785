package wire

import "time"

// Scan returns the scan method of a scanner, with which calls see.
func Scan(see func(kind byte, stream uint32)) func([]byte) {
	var s scanner
	return func(p []byte) { s.scan(p, see) }
}

// Freeze makes it as if the process had been frozen for so long.
func (p *Pool) Freeze(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.endpoints {
		for _, c := range e.conns {
			c.tap.heard.Add(-int64(d))
		}
	}
}
