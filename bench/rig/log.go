package rig

import "fmt"

// tail returns the end of a call's log, as Lambda sends it: the log of a regionworker
// with one target, in the log format JSON and with tracing. It has about 1 KB.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
func tail(call int64) []byte {
	return fmt.Appendf(nil, `{"time":"2026-11-23T09:30:00.123Z","type":"platform.start","record":{"requestId":"%[1]s",`+
		`"functionArn":"arn:aws:lambda:us-east-1:123456789012:function:worker","version":"$LATEST",`+
		`"tracing":{"spanId":"24cd7d670fa455f0","type":"X-Amzn-Trace-Id","value":"Root=1-6352a70e-%024[2]x;Parent=35465b3a9e2f7c6a;Sampled=1"}}}
{"time":"2026-11-23T09:30:00.223Z","level":"INFO","msg":"slept 0.1 seconds","requestId":"%[1]s","runId":"01KB0000000000000000000000",`+
		`"region":"us-east-1","batch":%[2]d,"attempt":1,"task":"sleep","target":"target-%[2]d","elapsedMs":100.125}
{"time":"2026-11-23T09:30:00.224Z","type":"platform.report","record":{"requestId":"%[1]s","metrics":{"durationMs":101.25,`+
		`"billedDurationMs":102,"memorySizeMB":256,"maxMemoryUsedMB":31},`+
		`"tracing":{"spanId":"24cd7d670fa455f0","type":"X-Amzn-Trace-Id","value":"Root=1-6352a70e-%024[2]x;Parent=35465b3a9e2f7c6a;Sampled=1"},`+
		`"status":"success"}}
`, RequestID(call), call)
}
