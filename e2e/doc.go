// Package e2e deploys Meridian to an AWS of its own and tries everything there.
//
// Its tests have the build tag e2e, because they need Node, Python and npm's
// packages besides Go; none of them is ever skipped. "make e2e" runs them:
//
//   - TestTemplate packages every kind of deployment and reads the
//     CloudFormation template that would be sent to AWS: what no emulator
//     enforces (throttling, retries of a schedule, the schedule's own role,
//     tracing) is asserted there, beside the rules about roles.
//   - TestDeployment starts the emulator ministack on a free port of the loopback
//     interface, with IAM enforced, deploys with the real commands, and calls
//     what was deployed in every way there is.
//
// It is written in Go and not as a shell script for its time limits: every
// command runs in a process group that is killed when its step's time is up, and
// the emulator ends with the test however the test ends.
//
// No step can reach AWS: commands get an environment made from nothing, with
// the emulator as their endpoint and credentials that only it knows.
package e2e
