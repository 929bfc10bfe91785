package main

import (
	"bytes"
	"fmt"
)

// work answers a request as a regionworker would whose work on each target was
// done, in at least so many bytes. It takes what it needs out of the request as
// it stands: the server is on the same processors as what is measured.
func work(request []byte, length int) []byte {
	var b bytes.Buffer
	_, _ = fmt.Fprintf(&b, `{"version":1,"runId":%s,"region":%s,"batch":%s,"status":"SUCCEEDED","elapsedMs":100,"targets":[`,
		field(request, "runId", ','), field(request, "region", ','), field(request, "batch", ','))
	targets := bytes.Split(bytes.Trim(field(request, "targets", ']'), "[]"), []byte(","))
	for i, target := range targets {
		if i > 0 {
			b.WriteByte(',')
		}
		_, _ = fmt.Fprintf(&b, `{"target":%s,"status":"SUCCEEDED","elapsedMs":99.5,"attempts":[{"startMs":0.1,"elapsedMs":99.5}]`, target)
		if i == len(targets)-1 {
			b.WriteString(`,"output":"`)
			for b.Len() < length-len(`"}]}`) {
				b.WriteByte('x')
			}
			b.WriteByte('"')
		}
		b.WriteByte('}')
	}
	b.WriteString("]}")
	return b.Bytes()
}

// field returns the value of a field of the request as it is written there, up
// to the first end of it.
func field(request []byte, name string, end byte) []byte {
	_, value, _ := bytes.Cut(request, []byte(`"`+name+`":`))
	before, _, _ := bytes.Cut(value, []byte{end})
	return before
}
