// The AWS SDK for JavaScript as people write it: one client, Promise.all.
// node node.mjs URL CALLS
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";

const [endpoint, calls] = process.argv.slice(2);
const client = new LambdaClient({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "example" },
});
const payload = "1".repeat(256);
const invoke = () => client.send(new InvokeCommand({ FunctionName: "worker", LogType: "Tail", Payload: payload }));

const cpu = process.cpuUsage();
const begin = performance.now();
const results = await Promise.allSettled(Array.from({ length: Number(calls) }, invoke));
const wallMs = performance.now() - begin;
const used = process.cpuUsage(cpu);
const failed = results.filter((r) => r.status === "rejected");
console.log(
  JSON.stringify({
    wallMs,
    cpuMs: (used.user + used.system) / 1000,
    peakMiB: process.resourceUsage().maxRSS / 1024,
    connections: -1,
    sent: -1,
    lost: failed.length,
    cause: failed[0] ? String(failed[0].reason) : "",
  }),
);
process.exit(0);
