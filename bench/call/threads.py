"""Prints the VPCs of some Regions as JSON, one line each, as people do it with boto3.

    python threads.py REGION...

One session makes the clients, because a session is not for several threads and a client
is. That is also faster than a session in each thread, which loads EC2's model anew.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3


def vpcs(region, client):
    pages = client.get_paginator("describe_vpcs").paginate()
    return [{"Region": region, **vpc} for page in pages for vpc in page["Vpcs"]]


regions = sys.argv[1:]
session = boto3.Session()
clients = [session.client("ec2", region_name=region) for region in regions]
with ThreadPoolExecutor(len(regions)) as threads:
    for found in threads.map(vpcs, regions, clients):
        for vpc in found:
            print(json.dumps(vpc))
