"""Compares package endpoints with botocore, whole.

Every service, Region and variant that botocore knows is resolved by both, and
what they say is compared: whether the service is listed in the Region, the
host, the Region that is signed for, the partition, and whether the host serves
all of it. Each difference is named, with its reason, in exceptions.txt, or the
comparison fails; an exception that nothing needs fails it too.

oracle.py asks botocore's resolver; that real clients send to the same hosts and
sign for the same Regions is shown on a sample of them, whose requests are
caught before they leave.

Run it in a virtual environment with the botocore of botocore.pin, from anywhere:

    python internal/endpoints/testdata/compare.py [--sample N]
"""

import argparse
import collections
import fnmatch
import json
import pathlib
import re
import subprocess
import sys
import time

import botocore
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointVariantError
from oracle import Service, Session

HERE = pathlib.Path(__file__).resolve().parent
VARIANTS = {
    (False, False): 'plain',
    (True, False): 'fips',
    (False, True): 'dualstack',
    (True, True): 'fips+dualstack',
}


class Exceptions:
    """exceptions.txt: what may differ."""

    def __init__(self, path):
        self.operations, self.rules, self.used = {}, [], collections.Counter()
        for line in path.read_text().splitlines():
            if line.startswith('operation '):
                _, service, operation, _ = line.split(None, 3)
                self.operations[service] = operation
            elif line and not line.startswith('#'):
                self.rules.append(line.split(None, 4))

    def take(self, what, service, region, variant):
        for i, rule in enumerate(self.rules):
            if (
                what == rule[0]
                and fnmatch.fnmatch(service, rule[1])
                and (rule[2] == '*' or variant in rule[2].split(','))
                and any(fnmatch.fnmatch(region, r) for r in rule[3].split(','))
            ):
                self.used[i] += 1
                return True
        return False

    def print(self):
        for i, rule in enumerate(self.rules):
            print(f'named: {self.used[i]:5} {" ".join(rule[:4])}: {rule[4]}')

    def unused(self):
        return [
            f'nothing needs the exception {" ".join(rule[:4])}'
            for i, rule in enumerate(self.rules)
            if not self.used[i]
        ]


def ours(regions):
    run = subprocess.run(
        ['go', 'run', './internal/dump', *regions],
        cwd=HERE.parent,
        check=True,
        capture_output=True,
        text=True,
    )
    return [json.loads(line) for line in run.stdout.splitlines()]


def compare(b, exceptions):
    """Compares all cells, and returns how many there are and what differs."""
    count, wrong = collections.Counter(), []
    cells = collections.defaultdict(list)
    for cell in ours(b.regions()):
        cells[cell['service']].append(cell)

    names = set(b.session.get_available_services())
    for name in sorted(names ^ set(cells)):
        wrong.append(f'service {name} is known to one of the two only')

    def differ(what, cell, variant, mine, theirs):
        if mine == theirs:
            return
        count['differ'] += 1
        if not exceptions.take(what, cell['service'], cell['region'], variant):
            wrong.append(
                f'{what} of {cell["service"]} {cell["region"]} {variant}: '
                f'{mine!r}, botocore {theirs!r}'
            )

    for name in sorted(names & set(cells)):
        service = Service(b, name, exceptions.operations)
        listed = service.listed()
        count['services'] += 1
        worldwide = {}
        for cell in cells[name]:
            region = cell['region']
            fips, dual = cell['fips'], cell['dualStack']
            variant = VARIANTS[fips, dual]
            count['cells'] += 1
            here = cell['error'] != 'endpoints.NotInRegionError'
            expected = listed is None or region in listed
            if variant == 'plain':
                count['pairs'] += 1
                count['pairs listed'] += expected and listed is not None
                count['pairs unlisted'] += listed is None
            differ('listing', cell, variant, here, expected)
            if not (here and expected):
                continue
            count['hosts'] += 1
            host, signing = service.resolve(region, fips, dual)
            differ('host', cell, variant, cell['host'], host)
            if not (host and cell['host']):
                count['without endpoint'] += not host
                continue
            count['signing Regions'] += 1
            differ('signing', cell, variant, cell['signingRegion'], signing)
            partition = b.partition_of[region]
            key = partition, fips, dual
            if key not in worldwide:
                worldwide[key] = service.is_global(*key)
            differ('global', cell, variant, cell['global'], worldwide[key])
            differ('partition', cell, variant, cell['partition'], partition)
            differ('listed', cell, variant, cell['listed'], listed is not None)
    return count, wrong


def caught(b, name, region, fips, dual):
    """The host and signing Region of a request that a real client makes."""
    client = b.session.create_client(
        name,
        region_name=region,
        aws_access_key_id='AKIDEXAMPLE',
        aws_secret_access_key='example',
        config=b.config(
            fips,
            dual,
            inject_host_prefix=False,
            retries={'total_max_attempts': 1},
        ),
    )
    seen = []

    def catch(request, **_):
        seen.append(request)
        return AWSResponse(request.url, 500, {}, None)

    client.meta.events.register('before-send', catch)
    for op in sorted(client.meta.service_model.operation_names):
        model = client.meta.service_model.operation_model(op)
        shape = model.input_shape
        if model.static_context_parameters or (shape and shape.required_members):
            continue
        method = next(
            m for m, o in client.meta.method_to_api_mapping.items() if o == op
        )
        try:
            getattr(client, method)()
        except Exception:  # the answer is none, and no answer is wanted
            pass
        if seen:
            break
    if not seen:
        return None
    auth = seen[0].headers.get('Authorization', b'')
    auth = auth.decode() if isinstance(auth, bytes) else auth
    signed = re.search(r'Credential=[^/]+/\d+/([^/]+)/', auth)
    return re.match(r'https://([^/]+)', seen[0].url)[1], signed and signed[1]


def sample(b, size, operations):
    """Shows on real clients that the resolver is asked as they ask it."""
    count, wrong = collections.Counter(), []
    regions = b.regions()
    names = b.session.get_available_services()
    for i in range(size):
        name = names[i * 7 % len(names)]
        region = regions[i * 11 % len(regions)]
        fips, dual = list(VARIANTS)[i % 4]
        where = f'{name} {region} {VARIANTS[fips, dual]}'
        try:
            request = caught(b, name, region, fips, dual)
        except EndpointVariantError:
            # Older data, of the partitions us-iso, is asked first.
            count['refused by older data'] += 1
            continue
        if request is None:
            count['not askable without arguments'] += 1
            continue
        count['requests'] += 1
        host, signing = Service(b, name, operations).resolve(region, fips, dual)
        if request[0] != host or request[1] not in (None, signing):
            wrong.append(f'{where}: {request}, resolver {(host, signing)}')
    return count, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--sample', type=int, default=440)
    args = parser.parse_args()

    pinned = (HERE.parent / 'botocore.pin').read_text().split()[0]
    if botocore.__version__ != pinned:
        sys.exit(f'botocore is {botocore.__version__}, {pinned} is pinned')

    b, started = Session(), time.monotonic()
    exceptions = Exceptions(HERE / 'exceptions.txt')
    count, wrong = compare(b, exceptions)
    real, wrong_real = sample(b, args.sample, exceptions.operations)
    wrong += wrong_real + exceptions.unused()
    for line in wrong:
        print(line)
    exceptions.print()
    print(f'botocore {pinned}: ' + ', '.join(f'{n} {k}' for k, n in count.items()))
    print('real clients: ' + ', '.join(f'{n} {k}' for k, n in real.items()))
    print(
        f'{count["differ"]} differ, {exceptions.used.total()} of them named; '
        f'{len(wrong_real)} real clients differ; '
        f'{time.monotonic() - started:.0f} s'
    )
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()
