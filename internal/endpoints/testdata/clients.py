"""Prints where botocore's own clients send requests, one JSON object a line.

The end-to-end test compares package endpoints with it. For each service, Region
and variant it creates a client as an application does, calls an operation, and
catches the request before it is sent. generate.py works differently: it calls the
rules engine itself, with parameters of its own.

    python clients.py [--whole]

Without --whole each service is asked in one Region, the next service in the next one.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import re

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import EndpointVariantError
from botocore.tokens import FrozenAuthToken

# Services with operations that go to different endpoints, and for each an operation
# that goes to the endpoint in the catalogue.
OPERATIONS = {
    'acm': 'ListCertificates',  # 21 of 40 operations; the others are ACME's, at acm-acme
    'kinesis': 'ListStreams',  # 45 of 57; the others are queues', at kinesis-queues
    'neptune-graph': 'ListGraphs',  # 29 of 34; the others go to the host of one graph
    'signin': 'CreateOAuth2Token',  # where people sign in; the others are the control plane and OAuth
}


class BearerToken:
    """A token for the services that take no signatures."""

    def load_token(self, signing_name=None):
        return None if signing_name else FrozenAuthToken('example')


class Clients:
    """The clients of one session."""

    def __init__(self, whole):
        self.whole = whole
        self.session = botocore.session.Session()
        self.session.set_credentials('AKIDEXAMPLE', 'example')
        self.session.register_component('token_provider', BearerToken())
        partitions = self.session.get_component('data_loader').load_data('partitions')
        self.regions = {
            p['id']: sorted(p['regions'].keys() - {p['id'] + '-global'})
            for p in partitions['partitions']
        }
        # EC2 is in every Region except those that are only announced.
        self.open = {p: self.session.get_available_regions('ec2', p) for p in self.regions}
        self.legacy = self.session.get_component('endpoint_resolver')

    def lines(self, index, name):
        """A line for each Region and variant of a service."""
        model = self.session.get_service_model(name)
        operation = an_operation(model)
        named = {
            partition: self.session.get_available_regions(name, partition, allow_non_regional=True)
            for partition in self.regions
        }
        listed = any(named.values())
        asked = self.regions
        if not self.whole:
            regions = [(p, r) for p in self.regions for r in self.regions[p]]
            partition, region = regions[index % len(regions)]
            asked = {partition: [region]}
        for partition, regions in asked.items():
            # A Region that does not exist but might: a global service has the same
            # host there too.
            fictitious = regions[0].rstrip('0123456789') + '99'
            everywhere = None
            for fips, dual in itertools.product([False, True], repeat=2):
                answers = {}
                if named[partition] or not listed:
                    answers = {r: self.ask(operation, r, fips, dual) for r in [*regions, fictitious]}
                hosts = {a.get('host') for a in answers.values()}
                is_global = len(hosts) == 1 and None not in hosts
                if everywhere is None:  # the plain variant comes first
                    everywhere = is_global
                for region in regions:
                    offered = region in named[partition]
                    if named[partition] and region in self.open[partition]:
                        legacy = self.legacy.construct_endpoint(model.endpoint_prefix, region, partition)
                        offered |= everywhere or legacy['endpointName'] != region
                    yield {
                        'service': name,
                        'region': region,
                        'partition': self.session.get_partition_for_region(region),
                        'fips': fips,
                        'dualStack': dual,
                        'listed': listed,
                        'offered': offered or not listed,
                        'global': is_global,
                        **answers.get(region, {}),
                    }

    def ask(self, operation, region, fips, dual):
        """The host and signing Region of a request, or the error."""
        config = Config(
            use_fips_endpoint=fips,
            use_dualstack_endpoint=dual,
            inject_host_prefix=False,
            retries={'total_max_attempts': 1},
        )
        name = operation.service_model.service_name
        try:
            client = self.session.create_client(name, region, config=config)
        except EndpointVariantError as err:
            return {'error': str(err)}
        requests = []

        def catch(request, **_):
            requests.append(request)
            return AWSResponse(request.url, 500, {}, None)

        client.meta.events.register('before-send', catch)
        methods = {o: m for m, o in client.meta.method_to_api_mapping.items()}
        try:
            getattr(client, methods[operation.name])(**arguments(operation.input_shape))
        except Exception as err:  # there is no answer, so every call fails
            error = f'{type(err).__name__}: {err}'
        if not requests:
            return {'error': error}
        header = requests[0].headers.get('Authorization', '')
        header = header.decode() if isinstance(header, bytes) else header
        signed = re.search(r'Credential=[^/]+/\d+/([^/]+)/', header)
        return {
            'host': re.match('https://([^/]+)', requests[0].url)[1],
            'signing': signed[1] if signed else '',  # bearer tokens and version 2 name no Region
        }


def an_operation(model):
    """The operation in OPERATIONS, or else a signed one that influences its endpoint
    least and requires few arguments."""
    operations = [model.operation_model(name) for name in sorted(model.operation_names)]
    if model.service_name in OPERATIONS:
        return next(o for o in operations if o.name == OPERATIONS[model.service_name])
    return min(
        operations,
        key=lambda o: (
            bool(o.static_context_parameters)
            + bool(o.context_parameters)
            + bool(o.operation_context_parameters),
            o.resolved_auth_type == 'none',
            len(o.input_shape.required_members) if o.input_shape else 0,
        ),
    )


def arguments(shape):
    """The smallest value that a shape accepts."""
    if shape is None:
        return {}
    least = shape.metadata.get('min', 1)
    match shape.type_name:
        case 'structure':
            needed = shape.required_members or (list(shape.members)[:1] if shape.is_tagged_union else [])
            return {name: arguments(shape.members[name]) for name in needed}
        case 'list':
            return [arguments(shape.member)] * least
        case 'map':
            return {}
        case 'string':
            return shape.enum[0] if shape.enum else 'a' * max(1, least)
        case 'blob':
            return b'a' * least
        case 'boolean':
            return True
        case _:
            return least


def start(whole):
    global clients
    clients = Clients(whole)


def run(job):
    return [json.dumps(line) for line in clients.lines(*job)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--whole', action='store_true', help='ask in every Region')
    whole = parser.parse_args().whole

    for name in [name for name in os.environ if name.startswith('AWS_')]:
        del os.environ[name]
    os.environ['AWS_CONFIG_FILE'] = os.devnull
    services = botocore.session.Session().get_available_services()
    with multiprocessing.Pool(initializer=start, initargs=[whole]) as pool:
        for lines in pool.imap(run, enumerate(services)):
            print('\n'.join(lines))


if __name__ == '__main__':
    main()
