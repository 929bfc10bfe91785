"""Writes the requests that botocore sends, as JSON lines: one for each operation with
its required members, and one with all members, with random values. Nothing is sent over
a network.

    python3 operations.py every-nth-operation file-of-regions seed
"""

import base64
import datetime
import json
import math
import pathlib
import random
import sys

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config

LETTERS = 'abzAZ09-_.~ éß€𝄞/%+&=?#:@!$\'()*,;"<>[]{}|^`'
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
    """Random values for shapes, for botocore and as Meridian has them. The same seed gives
    the same values."""

    def __init__(self, service, whole, seed):
        self.whole = whole
        self.random = random.Random(seed)
        # Route 53 takes the last part of some ids; the unit tests show that.
        self.letters = LETTERS.replace('/', '') if service == 'route53' else LETTERS

    def text(self, least, letters=None):
        """A text without blanks at its ends, which headers do not keep."""
        return 'a' + ''.join(self.random.choices(letters or self.letters, k=self.random.randint(least, least + 8))) + 'z'

    def count(self, shape):
        least = max(1, shape.metadata.get('min', 1))
        return self.random.randint(least, least + 2)

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
            items = [self.of(shape.member, name, depth + 1) for _ in range(self.count(shape))]
            return [a for a, _ in items], [b for _, b in items]
        if kind == 'map':
            # In order, as Meridian sends them: in XML the order can be seen.
            if shape.serialization.get('location') == 'headers':
                keys = sorted(self.text(0, 'abz09-') for _ in range(self.count(shape)))
            else:
                keys = sorted(self.of(shape.key)[0] for _ in range(self.count(shape)))
            items = {key: self.of(shape.value, '', depth + 1) for key in keys}
            return {key: a for key, (a, _) in items.items()}, {key: b for key, (_, b) in items.items()}
        if kind == 'timestamp':
            time = datetime.datetime.fromtimestamp(self.random.randrange(1 << 32), datetime.timezone.utc)
            return time, time.strftime('%Y-%m-%dT%H:%M:%SZ')
        if kind == 'blob':
            data = self.random.randbytes(self.count(shape))
            return data, base64.b64encode(data).decode()
        if kind == 'boolean':
            return (self.random.random() < 0.5,) * 2
        if kind in ('integer', 'long'):
            # A test's numbers go through JSON, so they are exact in 53 bits.
            least = shape.metadata.get('min', -(1 << 20))
            return (self.random.choice([least, self.random.randint(least, max(least, 2**31 - 1 if kind == 'integer' else 2**53))]),) * 2
        if kind in ('float', 'double'):
            # With a fraction: 2 and 2.0 are the same number in two forms.
            return (math.ceil(max(0, shape.metadata.get('min', 0))) + self.random.randrange(1000) + self.random.choice([0.125, 0.5, 0.75]),) * 2
        if shape.serialization.get('jsonvalue'):
            return {'a': 1}, {'a': 1}
        text = NAMES.get(name) or (self.random.choice(shape.enum) if getattr(shape, 'enum', None) else self.text(shape.metadata.get('min', 0)))
        return text, text

    def structure(self, shape, depth):
        names = [n for n in shape.members if n not in LEFT_OUT or n in shape.required_members]
        if 'Events' in names and 'Event' in names:
            names.remove('Event')  # they are one element of S3, and the list is what is known
        if getattr(shape, 'is_tagged_union', False):
            names = [self.random.choice(names)]
        elif not self.whole or depth > 3:
            names = [n for n in names if n in shape.required_members or shape.members[n].metadata.get('idempotencyToken')]
        values = {n: self.of(shape.members[n], n, depth + 1) for n in names if depth < 12}
        return {n: a for n, (a, _) in values.items()}, {n: b for n, (_, b) in values.items()}


def main():
    nth = int(sys.argv[1])
    regions = json.loads(pathlib.Path(sys.argv[2]).read_text())
    seed = sys.argv[3]
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
            if count % nth and client.meta.service_model.resolved_protocol != 'smithy-rpc-v2-cbor':  # of which there are few
                continue
            model = client.meta.service_model.operation_model(operation)
            for whole in (False, True):
                sent.clear()
                given, value = Sample(name, whole, f'{seed} {name} {operation} {whole}').of(model.input_shape) if model.input_shape else ({}, {})
                error = ''
                try:
                    client._make_api_call(operation, given)
                except Exception as e:  # of the answer, which is empty, or before the request
                    error = f'{type(e).__name__}: {e}'
                line = {'service': name, 'region': regions[name], 'operation': operation, 'whole': whole, 'input': value, 'error': '' if sent else error}
                print(json.dumps(line | sent))


if __name__ == '__main__':
    main()
