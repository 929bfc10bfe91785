"""boto3 as people write it: one client, a thread for each call.

python3 python.py URL CALLS CERTIFICATE
"""

import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

url, calls, certificate = sys.argv[1], int(sys.argv[2]), sys.argv[3]
client = boto3.client(
    "lambda",
    endpoint_url=url,
    verify=certificate,
    region_name="us-east-1",
    aws_access_key_id="AKIDEXAMPLE",
    aws_secret_access_key="example",
    config=Config(max_pool_connections=calls),
)


def invoke(_):
    try:
        client.invoke(FunctionName="worker", LogType="Tail", Payload=b"1" * 256)["Payload"].read()
    except Exception as error:  # whatever it is, the call is lost
        return str(error)
    return None


def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


cpu, begin = used(), time.monotonic()
with ThreadPoolExecutor(max_workers=calls) as pool:
    failed = [error for error in pool.map(invoke, range(calls)) if error]
print(
    json.dumps(
        {
            "wallMs": (time.monotonic() - begin) * 1000,
            "cpuMs": (used() - cpu) * 1000,
            "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "connections": -1,
            "sent": -1,
            "lost": len(failed),
            "cause": failed[0] if failed else "",
        }
    )
)
