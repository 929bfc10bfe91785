"""Writes the requests that botocore sends, as JSON lines: one for each operation with
its required members, and one with all members. Nothing is sent over a network.

    python3 operations.py every-nth-operation file-of-regions
"""

import base64
import datetime
import json
import pathlib
import sys

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config

TIME = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
# What a name of the input has to look like, for botocore to take it.
NAMES = {
    'AccountId': '123456789012',
    'Bucket': 'a-bucket',
    'ChecksumAlgorithm': 'CRC32',
    'CopySource': 'a-bucket/a-key',
    'graphIdentifier': 'g-abc',
    'spaceId': 'a-space',
}
# Members that Meridian refuses, and checksums that both would have to compute.
LEFT_OUT = {
    'ContentMD5',
    'CopySourceSSECustomerKey',
    'EndpointId',
    'SourceRegion',
    'SSECustomerKey',
    'StreamARN',
    *(f'Checksum{a}' for a in ('CRC32', 'CRC32C', 'CRC64NVME', 'MD5', 'SHA1', 'SHA256', 'SHA512', 'XXHASH3', 'XXHASH64', 'XXHASH128')),
}


class Sample:
    """A value for a shape, for botocore and as Meridian has it."""

    def __init__(self, service, whole):
        self.whole = whole
        # Route 53 takes the last part of some ids; the unit tests show that.
        self.text = 'te xt-é' if service == 'route53' else 'te xt/é'

    def of(self, shape, name='', depth=0):
        """Two values; None for a shape that would not end."""
        kind = shape.type_name
        if shape.metadata.get('document') or getattr(shape, 'is_document_type', False):
            return {'a': [1, [2]]}, {'a': [1, [2]]}
        if kind == 'structure':
            return self.structure(shape, depth)
        if kind in ('list', 'map') and depth > 6:
            return ([], []) if kind == 'list' else ({}, {})
        if kind == 'list':
            items = [self.of(shape.member, name, depth + 1) for _ in range(max(1, shape.metadata.get('min', 1)))]
            return [a for a, _ in items], [b for _, b in items]
        if kind == 'map':
            key = self.of(shape.key)[0]
            a, b = self.of(shape.value, '', depth + 1)
            return {key: a}, {key: b}
        if kind == 'timestamp':
            return TIME, '2026-01-02T03:04:05Z'
        if kind == 'blob':
            text = b'bytes' * max(1, shape.metadata.get('min', 1))
            return text, base64.b64encode(text).decode()
        if kind == 'boolean':
            return True, True
        if kind in ('integer', 'long'):
            number = max(1, shape.metadata.get('min', 1))
            return number, number
        if kind in ('float', 'double'):
            number = max(1.5, shape.metadata.get('min', 1.5))
            return number, number
        if shape.serialization.get('jsonvalue'):
            return {'a': 1}, {'a': 1}
        text = NAMES.get(name) or (shape.enum[0] if getattr(shape, 'enum', None) else self.text.ljust(shape.metadata.get('min', 0), 'x'))
        return text, text

    def structure(self, shape, depth):
        names = [n for n in shape.members if n not in LEFT_OUT or n in shape.required_members]
        if 'Events' in names and 'Event' in names:
            names.remove('Event')  # they are one element of S3, and the list is what is known
        if getattr(shape, 'is_tagged_union', False):
            names = names[:1]
        elif not self.whole or depth > 3:
            names = [n for n in names if n in shape.required_members or shape.members[n].metadata.get('idempotencyToken')]
        values = {n: self.of(shape.members[n], n, depth + 1) for n in names if depth < 12}
        return {n: a for n, (a, _) in values.items()}, {n: b for n, (_, b) in values.items()}


def main():
    nth = int(sys.argv[1])
    regions = json.loads(pathlib.Path(sys.argv[2]).read_text())
    session = botocore.session.get_session()
    session.set_credentials('AKIDEXAMPLE', 'example')
    config = Config(
        retries={'total_max_attempts': 1},
        s3={'addressing_style': 'path'},
        request_checksum_calculation='when_required',
        disable_request_compression=False,
        request_min_compression_size_bytes=1,
    )
    count = 0
    for name in session.get_available_services():
        client = session.create_client(name, regions[name], config=config)
        sent = {}

        def keep(request, sent=sent, **_):
            body = request.body or b''
            if hasattr(body, 'read'):
                body = body.read()
            if isinstance(body, str):
                body = body.encode()
            headers = {k: v.decode() if isinstance(v, bytes) else v for k, v in request.headers.items()}
            sent.update(method=request.method, url=request.url, headers=headers, body=base64.b64encode(body).decode())
            raw = type('raw', (), {'stream': lambda self, *a, **k: [], 'read': lambda self, *a: b''})()
            return AWSResponse(request.url, 200, {}, raw)

        client.meta.events.register('before-send', keep)
        for operation in client.meta.service_model.operation_names:
            count += 1
            if count % nth:
                continue
            model = client.meta.service_model.operation_model(operation)
            for whole in (False, True):
                sent.clear()
                given, value = Sample(name, whole).of(model.input_shape) if model.input_shape else ({}, {})
                error = ''
                try:
                    client._make_api_call(operation, given)
                except Exception as e:  # of the answer, which is empty, or before the request
                    error = f'{type(e).__name__}: {e}'
                line = {'service': name, 'region': regions[name], 'operation': operation, 'whole': whole, 'input': value, 'error': '' if sent else error}
                print(json.dumps(line | sent))


if __name__ == '__main__':
    main()
