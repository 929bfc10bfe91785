// Package faults tests that a run answers in time and loses nothing, whatever fails
// between the coordinator and its workers.
//
// Its tests use the real coordinator, invoker and worker, with the server of
// internal/invoke/invoketest between them.
//
//   - TestEveryFault is the fault matrix: every fault in the first call of each
//     invocation, in every call, in a tenth of them, in all calls of one Region. "go
//     test" runs it in virtual time over HTTP in memory. "make faults" runs it in real
//     time over the loopback interface, and prints a table.
//   - TestEveryLoadFitsIntoTheMemory has runs that are many times the memory of a
//     function, each in a process of its own: outputs, answers and requests. "make faults"
//     prints how much memory each took.
//   - TestSoak makes many runs of many Regions. The faults are drawn from a seed, which
//     is printed: "make soak". "go test" replays the seeds of testdata/seeds.txt. Add
//     every seed that fails to that file. TestSoakOfAccounts makes runs over accounts.
package faults
