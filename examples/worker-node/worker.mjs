// A Meridian worker: a Lambda function with the handler worker.handler, for Node.js 18 or later.
//
// Put your own work into the function work; the rest speaks the protocol of docs/worker.md.
// Run as a program, it serves one invocation: request on standard input, answer on standard
// output.

import { realpathSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const VERSION = 4; // the newest version of the protocol that this worker knows
const MAX_ANSWER = 6_291_556; // bytes of a Lambda function's response

// work does the work for one target. What it returns is the target's output, as JSON. An error
// is its failure, with the error's name. The signal aborts when the target's time is over.
async function work(region, target, input, parameters, signal) {
  await sleep((parameters.seconds ?? 0.1) * 1000, undefined, { signal });
  if (target === "broken") throw new RangeError(`${target} is broken`);
  return { message: `${target} in ${region}`, input };
}

export async function handler(request, context) {
  const begin = performance.now();
  check(request);
  const end = begin + timeForWork(request, context);
  const { version, runId, region, batch } = request;
  const targets = await run(request, begin, end);
  const answer = { version, runId, region, batch, workerVersion: VERSION, targets };
  conclude(answer, performance.now() >= end);
  answer.elapsedMs = ms(performance.now() - begin);
  return fit(answer);
}

// check refuses, before any work, what this worker does not know.
function check({ version, account }) {
  if (!Number.isInteger(version) || version < 1 || version > VERSION) {
    throw refusal("Meridian.UnsupportedVersion", `version: ${version}: this worker knows 1 to ${VERSION}`);
  }
  if (account !== undefined) { // its work would be done in the wrong account
    throw refusal("Meridian.InvalidRequest", "account: this worker has its own credentials only");
  }
}

// refusal returns an error under the name that Lambda tells.
function refusal(name, message) {
  return Object.assign(new Error(message), { name });
}

// timeForWork returns the milliseconds to the end of the budget, or of the function's own time,
// without the reserve for the answer.
function timeForWork({ budgetMs }, context) {
  const budget = Math.min(budgetMs || 900_000, context?.getRemainingTimeInMillis() ?? 900_000);
  return budget - Math.min(1000, budget / 10);
}

// run works through the targets, policy.maxConcurrency at once, and returns an outcome for each.
// What is not done at the end is told as it was then.
async function run(request, begin, end) {
  const { policy = {}, parameters = {}, inputs = {} } = request;
  const items = (request.regions ?? [request]).flatMap(({ region, targets }) =>
    targets.map((target) => ({ region, target })));
  const outcomes = items.map(({ target }) => ({ target, status: "NOT_STARTED", elapsedMs: 0 }));
  let next = 0;
  const slot = async () => {
    while (next < items.length && performance.now() < end) {
      const i = next++;
      const { region, target } = items[i];
      const input = Object.hasOwn(inputs, target) ? inputs[target] : undefined;
      const call = (signal) => work(region, target, input, parameters, signal);
      await tries(call, policy, begin, end, outcomes, i);
    }
  };
  const slots = Math.min(policy.maxConcurrency || 64, items.length);
  const all = Promise.all(Array.from({ length: slots }, slot));
  await within(end - performance.now(), all);
  return [...outcomes];
}

// within waits for a promise, but no longer than some milliseconds.
async function within(milliseconds, promise, over) {
  const timer = new AbortController();
  const limit = sleep(Math.min(milliseconds, 2 ** 31 - 1), over, { signal: timer.signal }).catch(() => {});
  try {
    return await Promise.race([promise, limit]);
  } finally {
    timer.abort();
  }
}

// tries attempts one target until it succeeds or no retrier applies.
async function tries(call, policy, begin, end, outcomes, i) {
  const { target } = outcomes[i];
  const late = { target, status: "TIMED_OUT", error: "States.Timeout", cause: "the time for this target ran out" };
  const first = performance.now();
  const used = []; // the retries made, by retrier
  for (let attempts = []; ;) {
    const start = performance.now();
    const limit = Math.min(end, start + (policy.timeoutSeconds || Infinity) * 1000);
    outcomes[i] = { ...late, elapsedMs: ms(limit - first), attempts };
    const result = await attempt(call, limit - start);
    const now = performance.now();
    const { error } = result;
    const last = { startMs: ms(start - begin), elapsedMs: ms(now - start), error };
    attempts = [...attempts, last];
    const wait = error && waitAfter(policy.retry ?? [], error, used);
    if (wait === undefined || now + wait >= end) {
      outcomes[i] = { ...(error === late.error ? late : result), target, elapsedMs: ms(now - first), attempts };
      return;
    }
    last.waitMs = ms(wait);
    await sleep(wait);
  }
}

// attempt makes one call, and gives up on it after some milliseconds. Work that does not heed
// its signal runs on.
async function attempt(call, milliseconds) {
  const stop = new AbortController();
  const body = async () => {
    try {
      const output = await call(stop.signal);
      JSON.stringify(output); // fails here, for this target alone
      return { status: "SUCCEEDED", output };
    } catch (e) {
      return { status: "FAILED", error: String(e?.name ?? "Error"), cause: String(e?.message ?? e).slice(0, 1000) };
    }
  };
  const result = await within(milliseconds, body(), { error: "States.Timeout" });
  stop.abort();
  return result;
}

// waitAfter returns the milliseconds to wait before the next attempt, or undefined if there is
// none.
function waitAfter(retriers, error, used) {
  const n = retriers.findIndex(({ errorEquals: names }) => names.includes(error) ||
    names.includes("States.ALL") || names.includes("States.TaskFailed") && error !== "States.Timeout");
  if (n < 0) return undefined;
  const { intervalSeconds = 1, backoffRate = 2, maxAttempts = 3, maxDelaySeconds = Infinity, jitterStrategy } = retriers[n];
  used[n] ??= 0;
  if (used[n] >= maxAttempts) return undefined;
  const wait = Math.min(intervalSeconds * backoffRate ** used[n]++, maxDelaySeconds) * 1000;
  return jitterStrategy === "FULL" ? Math.random() * wait : wait;
}

// conclude sets the status of the answer by those of its targets, and by whether the time ended.
function conclude(answer, stopped) {
  const failed = answer.targets.filter(({ status }) => status !== "SUCCEEDED").length;
  answer.status = failed === 0 ? "SUCCEEDED" : stopped ? "TIMED_OUT" : "FAILED";
  if (failed > 0) {
    answer.error = stopped ? "States.Timeout" : "States.ExceedToleratedFailureThreshold";
    answer.cause = `${failed} of ${answer.targets.length} targets did not succeed`;
  }
}

// fit drops the largest outputs until the answer is no longer than Lambda allows.
function fit(answer) {
  const size = (value) => Buffer.byteLength(JSON.stringify(value) ?? "");
  let over = size(answer) - MAX_ANSWER + 1000;
  if (over <= 0) return answer;
  for (const target of [...answer.targets].sort((a, b) => size(b.output) - size(a.output))) {
    if (over <= 0 || target.output === undefined) break;
    target.droppedOutputBytes = size(target.output);
    delete target.output;
    answer.truncated = true;
    over -= target.droppedOutputBytes - 40;
  }
  return answer;
}

function ms(milliseconds) {
  return Math.max(0, Math.round(milliseconds * 1000) / 1000);
}

async function main() {
  console.log = console.error; // what the work prints is not the answer
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk;
  let answer;
  try {
    answer = await handler(JSON.parse(text));
  } catch (e) { // as Lambda tells it
    answer = { errorType: e.name, errorMessage: e.message };
  }
  process.stdout.write(JSON.stringify(answer), () => process.exit()); // without the work that runs on
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) main();
