// Package e2e deploys Meridian to an emulated AWS and tests the deployment.
//
// Its tests have the build tag e2e, because they need Node, Python, npm's packages and
// nginx besides Go. "make e2e" runs them:
//
//   - TestTemplate packages every kind of deployment and checks the CloudFormation
//     template that would be sent to AWS: the rules about roles, and what no emulator
//     enforces (throttling, retries of a schedule, the schedule's role, tracing).
//   - TestDeployment starts the emulator ministack on a free port of the loopback
//     interface, with IAM enforced, deploys with the real commands, calls the deployment
//     by every trigger, and calls AWS's operations under a policy for two of them. It
//     deploys the previous commit's worker beside a newer coordinator.
//   - TestCatalogue compares the catalogue of endpoints with botocore's real clients.
//   - TestProtocol runs AWS's protocol tests on the models of operations, and
//     TestOperations compares the requests of AWS's operations with botocore's.
//   - TestAnswers compares the answers of AWS's reads with botocore's, on two emulators.
//   - TestNginx calls through Debian's nginx while nginx keeps ending connections.
//   - TestDead calls operations in 17 Regions. One of them accepts no connection.
//   - TestOrganization shows that an emulated organization of 50 accounts behaves as AWS,
//     and runs over it: in all accounts and Regions, from files and with profiles, with
//     faults of STS and Organizations, beside c7n-org, and on Lambda. Everything that is
//     printed and logged is searched for the secrets that were issued.
//   - TestWorker deploys functions in Python and JavaScript, with serverless files of their
//     own, into two Regions and two accounts, and runs them over 200 targets, at the command
//     line and by the deployed coordinator. It counts how often each target is worked on.
//   - TestKept keeps runs in a bucket, with a coordinator of 20 s: one that needs six of them,
//     two whose coordinators are killed, one of 10,000 targets and 60 MB, and runs that are
//     started twice, stopped and redriven. It reads their logs from the bucket.
//   - TestAlarms deploys a scheduled probe with a dashboard, alarms and a topic. What it probes
//     begins to fail, and recovers: the difference of the runs and their metrics say so, and the
//     alarm tells the topic.
//   - TestMCP asks questions over 17 Regions with the tools for agents, by the SDK's own client
//     and by the reference inspector from npm. The rows are those of the command line.
//   - TestSchema validates the messages of real runs against their JSON Schemas with Python's
//     validator, and lints the OpenAPI document.
//
// # Parts
//
// E2E names the parts to run: template, deployment, catalogue, protocol, operations,
// answers, nginx, dead, accounts, worker, kept, alarms, mcp, schema; empty means all.
// A part with a program missing is skipped by name, or fails if CI is set. What takes
// longer than two minutes runs a sample, or the whole with E2E_FULL=1.
//
// Parts with time bounds, dead and nginx, run alone, and the others then run side by side.
//
// # Time limits
//
// It is written in Go instead of shell for its time limits: every command runs in a
// process group that is killed when its step's time is up, and the emulator ends with
// the test, however the test ends.
//
// No step can reach AWS: commands start with an empty environment, to which the
// emulator's endpoint and credentials are added.
package e2e
