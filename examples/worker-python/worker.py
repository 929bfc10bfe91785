"""A Meridian worker: a Lambda function with the handler worker.handler, in Python 3.9 or later.

Put your own work into the function work; the rest speaks the protocol of docs/worker.md.
Run as a program, it serves one invocation: request on standard input, answer on standard
output.
"""

import functools
import json
import random
import sys
import threading
import time

VERSION = 4  # the newest version of the protocol that this worker knows
MAX_ANSWER = 6_291_556  # bytes of a Lambda function's response


def work(region, target, input, parameters):
    """Does the work for one target. What it returns is the target's output, as JSON. An
    exception is its failure, with the name of its class. Many threads call it at once."""
    time.sleep(parameters.get("seconds", 0.1))
    if target == "broken":
        raise ValueError(f"{target} is broken")
    return {"message": f"{target} in {region}", "input": input}


def handler(request, context=None):
    begin = time.monotonic()
    check(request)
    end = begin + time_for_work(request, context)
    answer = {key: request[key] for key in ("version", "runId", "region", "batch")}
    answer["workerVersion"] = VERSION
    answer["targets"] = run(request, begin, end)
    conclude(answer, time.monotonic() >= end)
    answer["elapsedMs"] = ms(time.monotonic() - begin)
    return fit(answer)


def check(request):
    """Refuses, before any work, what this worker does not know."""
    version = request.get("version")
    if not isinstance(version, int) or not 1 <= version <= VERSION:
        raise refusal("Meridian.UnsupportedVersion", f"version: {version}: this worker knows 1 to {VERSION}")
    if "account" in request:  # its work would be done in the wrong account
        raise refusal("Meridian.InvalidRequest", "account: this worker has its own credentials only")


def refusal(name, message):
    """Lambda's name of an error is the name of its class."""
    return type(name, (Exception,), {})(message)


def time_for_work(request, context):
    """Returns the seconds to the end of the budget, or of the function's own time, without
    the reserve for the answer."""
    budgets = [request["budgetMs"] / 1000] if request.get("budgetMs") else []
    if context is not None:
        budgets.append(context.get_remaining_time_in_millis() / 1000)
    budget = min(budgets, default=900)  # a function runs no longer
    return budget - min(1, budget / 10)


def run(request, begin, end):
    """Works through the targets, policy.maxConcurrency at once, and returns an outcome for
    each. What is not done at the end is told as it was then."""
    items, inputs = [], request.get("inputs") or {}
    for region in request.get("regions") or [request]:
        items += [(region["region"], target) for target in region["targets"]]
    outcomes = [{"target": target, "status": "NOT_STARTED", "elapsedMs": 0} for _, target in items]
    policy, parameters = request.get("policy") or {}, request.get("parameters") or {}
    waiting = iter(enumerate(items))
    lock = threading.Lock()

    def slot():
        while time.monotonic() < end:
            with lock:
                i, (region, target) = next(waiting, (None, (None, None)))
            if i is None:
                return
            call = functools.partial(work, region, target, inputs.get(target), parameters)
            tries(call, policy, begin, end, outcomes, i)

    # The threads are daemons: one that does not end holds back neither the answer nor the exit.
    count = min(policy.get("maxConcurrency") or 64, len(items))
    threads = [threading.Thread(target=slot, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))
    return [dict(outcome) for outcome in outcomes]


def tries(call, policy, begin, end, outcomes, i):
    """Attempts one target until it succeeds or no retrier applies."""
    first, attempts, used = time.monotonic(), [], {}
    while True:
        start = time.monotonic()
        limit = min(end, start + (policy.get("timeoutSeconds") or 1e9))
        late = {"target": outcomes[i]["target"], "status": "TIMED_OUT", "error": "States.Timeout"}
        late["cause"] = "the time for this target ran out"
        outcomes[i] = dict(late, elapsedMs=ms(limit - first), attempts=attempts)
        result = attempt(call, max(0, limit - start))
        now = time.monotonic()
        error = result.get("error", "")
        attempts = attempts + [{"startMs": ms(start - begin), "elapsedMs": ms(now - start)}]
        done = dict(late if error == "States.Timeout" else result, target=late["target"])
        done["elapsedMs"], done["attempts"] = ms(now - first), attempts
        wait = None
        if error:
            attempts[-1]["error"] = error
            wait = wait_after(policy.get("retry") or [], error, used)
        if wait is None or now + wait >= end:
            outcomes[i] = done
            return
        attempts[-1]["waitMs"] = ms(wait)
        time.sleep(wait)


def attempt(call, seconds):
    """Makes one call, and gives up on it after some seconds. Python cannot stop a thread: what
    was given up runs on."""
    result = {}

    def body():
        try:
            output = call()
            json.dumps(output, allow_nan=False, ensure_ascii=False).encode()  # fails here, for this target alone
            result.update(status="SUCCEEDED", output=output)
        except BaseException as e:  # also sys.exit
            result.update(status="FAILED", error=type(e).__name__, cause=str(e)[:1000])

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(seconds)
    return dict(result) or {"error": "States.Timeout"}


def wait_after(retriers, error, used):
    """Returns the seconds to wait before the next attempt, or None if there is none. used has
    the retries made, by retrier."""
    for n, r in enumerate(retriers):
        names = r["errorEquals"]
        any_error = "States.ALL" in names or "States.TaskFailed" in names and error != "States.Timeout"
        if not any_error and error not in names:
            continue
        if used.get(n, 0) >= r.get("maxAttempts", 3):
            return None
        wait = r.get("intervalSeconds", 1) * r.get("backoffRate", 2) ** used.get(n, 0)
        used[n] = used.get(n, 0) + 1
        wait = min(wait, r.get("maxDelaySeconds", wait))
        return random.uniform(0, wait) if r.get("jitterStrategy") == "FULL" else wait
    return None


def conclude(answer, stopped):
    """Sets the status of the answer by those of its targets, and by whether the time ended."""
    failed = sum(t["status"] != "SUCCEEDED" for t in answer["targets"])
    answer["status"] = "SUCCEEDED" if not failed else "TIMED_OUT" if stopped else "FAILED"
    if failed:
        answer["error"] = "States.Timeout" if stopped else "States.ExceedToleratedFailureThreshold"
        answer["cause"] = f"{failed} of {len(answer['targets'])} targets did not succeed"


def fit(answer):
    """Drops the largest outputs until the answer is no longer than Lambda allows."""
    size = lambda value: len(json.dumps(value).encode())
    over = size(answer) - MAX_ANSWER + 1000
    for target in sorted(answer["targets"], key=lambda t: -size(t.get("output"))) if over > 0 else []:
        if over <= 0 or "output" not in target:
            break
        target["droppedOutputBytes"] = size(target.pop("output"))
        answer["truncated"] = True
        over -= target["droppedOutputBytes"] - 40
    return answer


def ms(seconds):
    return max(0, round(seconds * 1000, 3))


def main():
    stdout, sys.stdout = sys.stdout, sys.stderr  # what the work prints is not the answer
    try:
        json.dump(handler(json.load(sys.stdin)), stdout)
    except Exception as e:  # as Lambda tells it
        json.dump({"errorType": type(e).__name__, "errorMessage": str(e)}, stdout)
    stdout.flush()


if __name__ == "__main__":
    main()
