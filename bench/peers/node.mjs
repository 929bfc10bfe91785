// The AWS SDK for JavaScript as people write it: one client, Promise.all, JSON both
// ways. It does what the way "sdk" of bench/client does.
// node node.mjs URL CALLS
import http from "node:http";
import https from "node:https";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";

const [endpoint, calls] = process.argv.slice(2);

// ask asks the server for one of its counts, over a connection of its own.
const ask = (path) =>
  new Promise((resolve, reject) => {
    const { get } = endpoint.startsWith("https:") ? https : http;
    get(endpoint + path, { agent: false }, async (response) => {
      let text = "";
      for await (const part of response) text += part;
      resolve(Number(text));
    }).on("error", reject);
  });

await ask("/settle");
const client = new LambdaClient({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "example" },
});
const requests = Array.from({ length: Number(calls) }, (_, batch) => ({
  version: 1,
  runId: "01KB0000000000000000000000",
  region: "us-east-1",
  batch,
  attempt: 1,
  task: "sleep",
  parameters: { seconds: 0.1 },
  targets: [`target-${batch}`],
  budgetMs: 59000,
}));
const invoke = async (request) => {
  const out = await client.send(
    new InvokeCommand({ FunctionName: "worker", LogType: "Tail", Payload: JSON.stringify(request) }),
  );
  if (out.FunctionError) throw new Error(out.FunctionError);
  return JSON.parse(out.Payload.transformToString());
};

await ask("/connections");
await ask("/calls");
const cpu = process.cpuUsage();
const begin = performance.now();
const results = await Promise.allSettled(requests.map(invoke));
const wallMs = performance.now() - begin;
const used = process.cpuUsage(cpu);
const failed = results.filter((r) => r.status === "rejected");
console.log(
  JSON.stringify({
    wallMs,
    cpuMs: (used.user + used.system) / 1000,
    peakMiB: process.resourceUsage().maxRSS / 1024,
    sent: await ask("/calls"),
    connections: (await ask("/connections")) - 3, // those of the requests for the counts
    lost: failed.length,
    cause: failed[0] ? String(failed[0].reason) : "",
  }),
);
process.exit(0);
