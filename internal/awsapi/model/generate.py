"""Writes models.bin, which package model embeds, from botocore.

models.bin has every operation of every AWS service: its name, method and path, the
shapes of its input and output, and its paginator. Documentation, enumerations,
patterns and lengths are left out. read.go describes the format.

The same botocore gives the same bytes. The program stops at the first thing in a
model that it does not know; it leaves nothing out by accident.

`make generate` runs it with the version in internal/endpoints/botocore.pin:

    python3 generate.py [--check]
"""

import argparse
import collections
import pathlib
import re
import sys

import botocore
from botocore.endpoint_provider import RuleSet
from botocore.exceptions import EndpointProviderError, UnknownServiceError
from botocore.loaders import Loader

HERE = pathlib.Path(__file__).resolve().parent
PIN = HERE.parent.parent / 'endpoints' / 'botocore.pin'
MAGIC = b'meridian models 1\n'

# In the order of the constants in read.go.
PROTOCOLS = ['json', 'query', 'ec2', 'rest-json', 'rest-xml', 'smithy-rpc-v2-cbor']
METHODS = ['POST', 'GET', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS']
SCALARS = ['string', 'boolean', 'integer', 'long', 'float', 'double', 'blob', 'timestamp', 'document']
KINDS = ['structure', 'union', 'list', 'map']
FORMATS = ['', 'iso8601', 'unixTimestamp', 'rfc822']
LOCATIONS = ['', 'header', 'headers', 'uri', 'querystring', 'statusCode']
SIGNATURES = ['v4', 's3', 's3v4']

# What makes an operation one that Meridian does not call, in the order of read.go.
UNSIGNED, UNSIGNED_BODY, OTHER_HOST, DISCOVERY = 1, 2, 3, 4

XML = {'query', 'ec2', 'rest-xml'}
REST = {'rest-json', 'rest-xml'}

# What a model says for people, or for checks that only the service makes.
IGNORED_REF = {'documentation', 'deprecated', 'deprecatedMessage', 'deprecatedSince', 'box', 'enum', 'contextParam'}
KNOWN_REF = IGNORED_REF | {
    'shape', 'location', 'locationName', 'queryName', 'timestampFormat', 'streaming', 'flattened',
    'xmlAttribute', 'xmlNamespace', 'idempotencyToken', 'hostLabel', 'jsonvalue', 'eventheader',
    'eventpayload', 'resultWrapper',
}  # fmt: skip


def number(n):
    """A number in seven bits a byte, the lowest first, as in encoding/binary."""
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def table(records):
    """Records that can be read one by one: each has its length before it, and every
    sixteenth its offset at the front."""
    body, anchors = bytearray(), bytearray()
    for i, record in enumerate(records):
        if i % 16 == 0:
            anchors += len(body).to_bytes(4, 'little')
        body += number(len(record)) + record
    return number(len(records)) + number(len(body)) + bytes(anchors) + bytes(body)


class Strings:
    """Every text of all models, the most frequent first."""

    def __init__(self):
        self.counts, self.index = collections.Counter(), None

    def __call__(self, text):
        if self.index is None:  # the first pass counts
            self.counts[text] += 1
            return b'\0'
        return number(self.index[text])

    def sort(self):
        ordered = sorted(self.counts, key=lambda text: (-self.counts[text], text))
        self.index = {text: i for i, text in enumerate(ordered)}
        self.ordered = ordered


def words(text):
    """The parts of a text that other texts have too: Describe, Db, Instances."""
    return re.findall(r'[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^A-Za-z0-9]+', text)


def texts(ordered):
    """A table of words, the most frequent first, and one of texts made of them."""
    counts = collections.Counter(word for text in ordered for word in words(text))
    numbers = {word: i for i, word in enumerate(sorted(counts, key=lambda word: (-counts[word], word)))}
    made = [b''.join(number(numbers[word]) for word in words(text)) for text in ordered]
    return table([word.encode() for word in numbers]) + table(made)


def lowered(name):
    return name[:1].lower() + name[1:]


class Service:
    """The model of one service, and its paginators."""

    def __init__(self, name, model, paginators=None, rules=None):
        self.name, self.model, self.paginators, self.rules = name, model, paginators or {}, rules
        self.metadata = model['metadata']
        self.protocol = self.metadata['protocol']
        # Emulators and proxies know the older protocols better.
        for older in PROTOCOLS:
            if self.protocol == 'smithy-rpc-v2-cbor' and older in self.metadata.get('protocols', []):
                self.protocol = older
        self.shapes = model['shapes']
        self.classes = {}
        self.number_shapes()

    def scalar(self, name):
        """The number of a shape without members, or None."""
        shape = self.shapes[name]
        kind = shape['type']
        if shape.get('document') or kind == 'document':
            kind = 'document'
        kind = {'character': 'string'}.get(kind, kind)
        return SCALARS.index(kind) if kind in SCALARS else None

    def target(self, ref):
        scalar = self.scalar(ref['shape'])
        return scalar if scalar is not None else len(SCALARS) + self.classes[ref['shape']]

    def roots(self):
        for operation in self.model['operations'].values():
            for part in ('input', 'output'):
                if part in operation:
                    yield operation[part]
            yield from operation.get('errors', [])

    def refs(self, shape):
        yield from shape.get('members', {}).values()
        for part in ('member', 'key', 'value'):
            if part in shape:
                yield shape[part]

    def number_shapes(self):
        """Numbers the shapes that operations use: equal ones alike, the most used
        first. Shapes are equal when their descriptions are, once the shapes that they
        refer to are replaced by their numbers; recursive ones too."""
        uses, todo = collections.Counter(), collections.deque(self.roots())
        seen = {}
        while todo:
            ref = todo.popleft()
            name = ref['shape']
            if self.scalar(name) is not None:
                continue
            uses[name] += 1
            if name not in seen:
                seen[name] = None
                todo.extend(self.refs(self.shapes[name]))
        self.classes = dict.fromkeys(seen, 0)
        strings = {}
        intern = lambda text: number(strings.setdefault(text, len(strings)))  # noqa: E731
        count = 1
        while seen:
            forms = {}
            classes = {name: forms.setdefault((self.classes[name], self.shape(name, intern)), len(forms)) for name in seen}
            self.classes = classes
            if len(forms) == count:
                break
            count = len(forms)
        total, first = collections.Counter(), {}
        for name in seen:
            total[self.classes[name]] += uses[name]
            first.setdefault(self.classes[name], name)
        ordered = sorted(total, key=lambda c: (-total[c], c))
        renumbered = {c: i for i, c in enumerate(ordered)}
        self.classes = {name: renumbered[c] for name, c in self.classes.items()}
        self.distinct = [first[c] for c in ordered]

    def shape(self, name, strings):
        shape = self.shapes[name]
        kind = shape['type']
        if shape.get('union') or shape.get('eventstream'):
            kind = 'union'
        flags, more = 0, b''
        for bit, key in enumerate(['flattened', 'sparse', 'eventstream']):
            if shape.get(key):
                flags |= 1 << bit
        # The root of an XML document has a name; a list of the old form, that of
        # its members.
        label = shape.get('locationName') or (name if self.protocol == 'rest-xml' and kind == 'structure' else None)
        if label:
            flags |= 8
            more += strings(label)
        if 'xmlNamespace' in shape:
            flags |= 16
            more += self.namespace(shape['xmlNamespace'], strings)
        out = number(KINDS.index(kind) | flags << 2) + more
        if kind == 'list':
            return out + self.ref('', shape['member'], strings)
        if kind == 'map':
            return out + self.ref('', shape['key'], strings) + self.ref('', shape['value'], strings)
        members = self.members(shape)
        payload = list(members).index(shape['payload']) + 1 if 'payload' in shape else 0
        out += number(len(members)) + number(payload)
        for member, ref in members.items():
            out += self.ref(member, ref, strings, member in shape.get('required', []))
        return out

    def members(self, shape):
        """The members of a structure. Of two members that are one element in XML, it
        is the list that can hold what there is; S3 kept the other for old callers."""
        members = shape['members']
        if self.protocol not in XML:
            return members
        lists = {
            r.get('locationName', m).lower()
            for m, r in members.items()
            if self.shapes[r['shape']]['type'] == 'list' and 'location' not in r
        }
        return {
            m: r
            for m, r in members.items()
            if self.scalar(r['shape']) is None or 'location' in r or r.get('locationName', m).lower() not in lists
        }

    def namespace(self, namespace, strings):
        if isinstance(namespace, str):
            namespace = {'uri': namespace}
        return strings(namespace['uri']) + strings(namespace.get('prefix', ''))

    def ref(self, name, ref, strings, required=False):
        """A member of a structure, of a list (without a name) or of a map."""
        if unknown := ref.keys() - KNOWN_REF:
            sys.exit(f'{self.name}: a reference has {sorted(unknown)}')
        target = self.shapes[ref['shape']]
        flags, more = 0, b''
        label = ref.get('locationName')
        if label is not None and name and label == lowered(name) and label != name:
            flags |= 1
        elif label is not None:
            flags |= 2
            more += strings(label)
        flags |= LOCATIONS.index(ref.get('location', '')) << 2
        form = FORMATS.index(ref.get('timestampFormat') or (target.get('timestampFormat', '') if target['type'] == 'timestamp' else ''))
        flags |= form << 5
        flags |= bool(ref.get('idempotencyToken')) << 7
        flags |= bool(ref.get('hostLabel')) << 8
        flags |= bool(ref.get('streaming') or (target['type'] == 'blob' and target.get('streaming'))) << 9
        flags |= bool(ref.get('flattened')) << 10
        flags |= bool(ref.get('xmlAttribute')) << 11
        flags |= bool(ref.get('jsonvalue')) << 12
        flags |= bool(ref.get('eventheader')) << 13
        flags |= bool(ref.get('eventpayload')) << 14
        if 'queryName' in ref:
            flags |= 1 << 15
            more += strings(ref['queryName'])
        flags |= bool(self.rules and self.rules.member_decides(ref.get('contextParam'))) << 17
        if 'xmlNamespace' in ref:
            flags |= 1 << 16
            more += self.namespace(ref['xmlNamespace'], strings)
        head = number(required << 1 | bool(flags))
        if name:
            # Numbers of texts are shifted, so that a name and its flags share bytes.
            head = self.shifted(strings(name), required << 1 | bool(flags))
        return head + number(self.target(ref)) + (number(flags) + more if flags else b'')

    @staticmethod
    def shifted(encoded, low):
        n = sum((b & 0x7F) << 7 * i for i, b in enumerate(encoded))
        return number(n << 2 | low)

    def root(self, ref, strings):
        return b'\0' if ref is None else b'\1' + self.ref('', {k: v for k, v in ref.items() if k != 'resultWrapper'}, strings)

    def operation(self, name, strings):
        op = self.model['operations'][name]
        refused = self.refused(name, op)
        prefix = op.get('endpoint', {}).get('hostPrefix')
        pages = self.paginators.get(name)
        flags = bool(op.get('readonly')) | bool(op.get('idempotent')) << 1 | bool(prefix) << 2 | bool(pages) << 3
        flags |= bool(op.get('httpChecksumRequired') or op.get('httpChecksum', {}).get('requestChecksumRequired')) << 4
        flags |= ('requestAlgorithmMember' in op.get('httpChecksum', {})) << 6
        flags |= ('gzip' in op.get('requestcompression', {}).get('encodings', [])) << 5
        flags |= refused << 7
        out = strings(name) + number(METHODS.index(op['http']['method'])) + strings(op['http']['requestUri']) + number(flags)
        if prefix:
            out += strings(prefix)
        out += self.root(op.get('input'), strings) + self.root(op.get('output'), strings)
        if pages:
            out += self.pages(pages, strings)
        return out

    def refused(self, name, op):
        if op.get('authtype') == 'none' or op.get('auth') == ['smithy.api#noAuth']:
            return UNSIGNED
        if op.get('authtype') == 'v4-unsigned-body' or op.get('unsignedPayload'):
            return UNSIGNED_BODY
        if op.get('endpointdiscovery', {}).get('required'):
            return DISCOVERY
        return OTHER_HOST if self.rules and self.rules.operation_decides(op, self.shapes) else 0

    def pages(self, pages, strings):
        known = {'input_token', 'output_token', 'result_key', 'non_aggregate_keys', 'limit_key', 'more_results'}
        if unknown := pages.keys() - known:
            sys.exit(f'{self.name}: a paginator has {sorted(unknown)}')
        out = b''
        for key in ('input_token', 'output_token', 'result_key', 'non_aggregate_keys', 'limit_key', 'more_results'):
            values = pages.get(key, [])
            values = [values] if isinstance(values, str) else values
            out += number(len(values)) + b''.join(strings(v) for v in values)
        return out

    def error(self, name, strings):
        code = self.shapes[name].get('error', {}).get('code', '')
        return strings(name) + strings(code) + number(len(SCALARS) + self.classes[name])

    def record(self, strings):
        m = self.metadata
        signature = m.get('signatureVersion', 'v4')
        auth = m.get('auth', ['aws.auth#sigv4'])
        signed = signature in SIGNATURES and 'aws.auth#sigv4' in auth
        flags = (m.get('jsonVersion') == '1.1') | ('awsQueryCompatible' in m) << 1 | (not signed) << 2
        flags |= (signature in ('s3', 's3v4')) << 3
        out = strings(self.name) + strings(m.get('serviceId', '')) + strings(m.get('apiVersion', ''))
        out += number(PROTOCOLS.index(self.protocol)) + number(flags)
        out += strings(m.get('targetPrefix', '')) + strings(m.get('signingName', m['endpointPrefix']))
        errors = sorted({e['shape'] for o in self.model['operations'].values() for e in o.get('errors', [])})
        out += table([self.error(name, strings) for name in errors])
        out += table([self.operation(name, strings) for name in sorted(self.model['operations'])])
        return out + table([self.shape(name, strings) for name in self.distinct])


def encode(source, services):
    """The bytes of models.bin with some services, which are sorted by name."""
    strings = Strings()
    for service in services:
        service.record(strings)
    strings.sort()
    records = [service.record(strings) for service in services]
    return MAGIC + number(len(source)) + source.encode() + texts(strings.ordered) + table(records)


class Rules:
    """The endpoint rules of a service, which for some operations give a host that the
    catalogue of endpoints does not have."""

    def __init__(self, loader, name, partitions):
        self.name, self.decides = name, {}
        self.rules = RuleSet(**loader.load_service_model(name, 'endpoint-rule-set-1'), partitions=partitions)
        # As generate.py of package endpoints has it.
        self.usual = {'acm': {'ServiceType': 'ACM'}, 'neptune-graph': {'ApiType': 'ControlPlane'}}.get(name, {})

    def host(self, parameters):
        given = {'Region': 'us-west-2', 'UseFIPS': False, 'UseDualStack': False}
        try:
            return self.rules.evaluate(given | self.usual | parameters).url
        except EndpointProviderError:
            return None

    def operation_decides(self, operation, shapes):
        """Whether the operation's static parameters make another host. Those of S3 do it
        for some kinds of buckets, which Meridian refuses."""
        static = {name: p['value'] for name, p in operation.get('staticContextParams', {}).items()}
        given = {}
        if self.name == 's3' and 'Bucket' in shapes[operation['input']['shape']]['members']:
            given = {'Bucket': 'a-bucket', 'ForcePathStyle': True}
        return bool(static) and self.host(given | static) not in (None, self.host(given))

    def member_decides(self, context):
        """Whether a member of the input does. S3's buckets are in the path, and the
        account of S3 Control is in the host prefix."""
        if not context or self.name == 's3' or (self.name, context['name']) == ('s3control', 'AccountId'):
            return False
        name = context['name']
        if name not in self.decides:
            arn = f'arn:aws:{self.name}:us-west-2:123456789012:stream/a'
            self.decides[name] = self.host({name: arn if name.lower().endswith('arn') else 'a'}) != self.host({})
        return self.decides[name]


def load():
    loader = Loader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    partitions = loader.load_data('partitions')
    for name in sorted(loader.list_available_services('service-2')):
        try:
            paginators = loader.load_service_model(name, 'paginators-1')['pagination']
        except UnknownServiceError:
            paginators = {}
        model = loader.load_service_model(name, 'service-2')
        yield Service(name, model, paginators, Rules(loader, name, partitions))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--check', action='store_true', help='write nothing; fail if the file would change')
    check = parser.parse_args().check

    pin = PIN.read_text().strip()
    version = pin.split()[0]
    if botocore.__version__ != version:
        sys.exit(f'botocore is {botocore.__version__}, {version} is pinned: run make generate')
    data = encode(pin, list(load()))
    file = HERE / 'models.bin'
    if not check:
        file.write_bytes(data)
    elif file.read_bytes() != data:
        sys.exit(f'models.bin is not what botocore {version} gives: run make generate')


if __name__ == '__main__':
    main()
