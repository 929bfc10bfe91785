"""Calls operations with botocore and writes what they answer, as JSON lines. The
operations are read from standard input, one a line, as in ec2:DescribeVpcs.

    python3 answers.py endpoint region [models.bin]

An operation that has pages is called once more with pages as small as it allows. Values
have the form that Meridian gives them.

With models.bin the services are called in CBOR, which they have to speak. botocore and
Meridian would choose another of their protocols. Their models are written to the file, in
the form that internal/awsapi/model reads.
"""

import base64
import datetime
import json
import math
import pathlib
import sys

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / 'internal' / 'awsapi' / 'model'))
import generate  # noqa: E402

CBOR = 'smithy-rpc-v2-cbor'

# A page of the second call has this many items, or as few as the operation allows.
SMALL = 2
# A longer answer would have hundreds of them.
LONG = 100_000


def normal(value):
    """A value in Meridian's form: bytes in base64, times as in RFC 3339, and texts for
    numbers that JSON does not have."""
    if isinstance(value, dict):
        return {k: normal(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [normal(v) for v in value]
    if isinstance(value, StreamingBody):
        value = value.read()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        text = value.astimezone(datetime.timezone.utc).isoformat().removesuffix('+00:00')
        return (text.rstrip('0').rstrip('.') if '.' in text else text) + 'Z'
    if isinstance(value, float) and not math.isfinite(value):
        return 'NaN' if math.isnan(value) else 'Infinity' if value > 0 else '-Infinity'
    return value


class Caller:
    """Calls the operations of one service."""

    def __init__(self, session, name, region, endpoint):
        config = Config(
            retries={'total_max_attempts': 1},
            inject_host_prefix=False,
            endpoint_discovery_enabled=False,
            connect_timeout=3,
            read_timeout=30,
        )
        self.client = session.create_client(name, region, endpoint_url=endpoint, config=config)
        self.names = {self.client.meta.method_to_api_mapping[m]: m for m in self.client.meta.method_to_api_mapping}
        self.pages = 0
        self.client.meta.events.register('after-call', self.count)

    def count(self, **_):
        self.pages += 1

    def call(self, operation, small=False):
        """The answer to an operation, or its error; None when its pages cannot be made
        small."""
        method, given = self.names[operation], {}
        self.pages = 0
        try:
            if not self.client.can_paginate(method):
                if small:
                    return None
                value = self.client._make_api_call(operation, {})
                value.pop('ResponseMetadata', None)
            else:
                paginator = self.client.get_paginator(method)
                limit = paginator._pagination_cfg.get('limit_key')
                if small:
                    if not limit:
                        return None
                    shape = self.client.meta.service_model.operation_model(operation).input_shape.members[limit]
                    size = max(SMALL, shape.metadata.get('min', 0))
                    given = {limit: str(size) if shape.type_name == 'string' else size}
                value = paginator.paginate(PaginationConfig={'PageSize': given[limit]} if given else {}).build_full_result()
            return {'input': given, 'value': normal(value), 'pages': self.pages}
        except ClientError as e:
            return {'input': given, 'error': e.response['Error'].get('Code', ''), 'pages': self.pages}
        except Exception as e:
            return {'input': given, 'error': type(e).__name__, 'detail': str(e), 'pages': self.pages}


def cbor(session, names, file):
    """Makes a session call services in CBOR, and writes their models."""
    loader = session.get_component('data_loader')
    load = loader.load_service_model

    def patched(name, kind, *args, **kwargs):
        model = load(name, kind, *args, **kwargs)
        return model if kind != 'service-2' else model | {'metadata': model['metadata'] | {'protocol': CBOR, 'protocols': [CBOR]}}

    loader.load_service_model = patched
    paginators = [load(name, 'paginators-1')['pagination'] for name in names]
    services = [generate.Service(name, patched(name, 'service-2'), pages) for name, pages in zip(names, paginators)]
    file.write_bytes(generate.encode('', services))


def main():
    endpoint, region, *models = sys.argv[1:]
    session = botocore.session.get_session()
    session.set_credentials('test', 'test')
    wanted = {}
    for line in sys.stdin:
        service, operation = line.strip().split(':')
        wanted.setdefault(service, []).append(operation)
    if models:
        cbor(session, sorted(wanted), pathlib.Path(models[0]))
    for name in sorted(wanted):
        caller = Caller(session, name, region, endpoint)
        for operation in wanted[name]:
            answer = caller.call(operation)
            line = json.dumps({'service': name, 'operation': operation} | answer)
            print(line, flush=True)
            if 'value' in answer and len(line) < LONG and (small := caller.call(operation, small=True)):
                print(json.dumps({'service': name, 'operation': operation} | small), flush=True)


if __name__ == '__main__':
    main()
