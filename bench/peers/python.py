"""boto3 as people write it: one client, a thread for each call, JSON both ways.

It does what the way "sdk" of bench/client does.

python3 python.py URL CALLS CERTIFICATE
"""

import json
import resource
import ssl
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

url, calls, certificate = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def ask(path):
    """Ask the server for one of its counts, over a connection of its own."""
    trust = ssl.create_default_context(cafile=certificate or None)
    with urllib.request.urlopen(url + path, context=trust) as response:
        return int(response.read())


def invoke(request):
    try:
        out = client.invoke(
            FunctionName="worker",
            LogType="Tail",
            Payload=json.dumps(request, separators=(",", ":")),  # as the server reads it
        )
        if "FunctionError" in out:
            return None, out["FunctionError"]
        return json.loads(out["Payload"].read()), None
    except Exception as error:  # any error loses the call
        return None, str(error)


def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


ask("/settle")
client = boto3.client(
    "lambda",
    endpoint_url=url,
    verify=certificate,
    region_name="us-east-1",
    aws_access_key_id="AKIDEXAMPLE",
    aws_secret_access_key="example",
    config=Config(max_pool_connections=calls),
)
requests = [
    {
        "version": 1,
        "runId": "01KB0000000000000000000000",
        "region": "us-east-1",
        "batch": batch,
        "attempt": 1,
        "task": "sleep",
        "parameters": {"seconds": 0.1},
        "targets": [f"target-{batch}"],
        "budgetMs": 59000,
    }
    for batch in range(calls)
]
ask("/connections")
ask("/calls")
cpu, begin = used(), time.monotonic()
with ThreadPoolExecutor(max_workers=calls) as pool:
    results = list(pool.map(invoke, requests))
wall, cpu = time.monotonic() - begin, used() - cpu
failed = [error for _, error in results if error]
print(
    json.dumps(
        {
            "wallMs": wall * 1000,
            "cpuMs": cpu * 1000,
            "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "sent": ask("/calls"),
            "connections": ask("/connections") - 3,  # those of the requests for the counts
            "lost": len(failed),
            "cause": failed[0] if failed else "",
        }
    )
)
