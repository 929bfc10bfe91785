// Package faults shows that a run answers in time and loses nothing, whatever
// happens between the coordinator and its workers.
//
// Its tests put the real coordinator, the real way to Lambda and the real worker
// together, with the server of internal/invoke/invoketest between them.
//
//   - TestEveryFault is the fault matrix: every fault, met by the first call of
//     each invocation, by every call, by a tenth of them, by all of one Region.
//     "go test" runs it in virtual time over HTTP in memory; "make faults" over
//     the loopback interface, against the clock, and prints a table.
//   - TestSoak is many runs of many Regions with faults drawn at random from a
//     seed that is printed: "make soak". "go test" replays the seeds of
//     testdata/seeds.txt, to which every seed that ever failed is added.
package faults
