"""What botocore says about endpoints, asked through its own classes.

Its answer is the one its clients send requests to: that of the service's
endpoint rules. (client.meta.endpoint_url is an older one, which no request
uses.) Creating a client for each of eighty thousand cells would take long, so
the resolver inside the clients is asked directly, with what a client that was
given nothing but the Region and the variant gives it.
"""

import botocore.session
from botocore.client import ClientEndpointBridge
from botocore.config import Config
from botocore.exceptions import EndpointProviderError, EndpointVariantError
from botocore.regions import EndpointResolverBuiltins as Builtin
from botocore.regions import EndpointRulesetResolver


class Session:
    """What is asked of botocore, through its own classes."""

    def __init__(self):
        self.session = botocore.session.Session()
        self.session.set_config_variable('metadata_service_num_attempts', 0)
        self.loader = self.session.get_component('data_loader')
        self.legacy = self.session.get_component('endpoint_resolver')
        self.rule_partitions = self.loader.load_data('partitions')
        self.partition_of = {}
        for p in self.rule_partitions['partitions']:
            for region in p['regions']:
                if region != p['id'] + '-global':
                    self.partition_of[region] = p['id']

    def regions(self):
        return sorted(self.partition_of)

    def fictitious(self, partition):
        region = min(r for r, p in self.partition_of.items() if p == partition)
        return region.rstrip('0123456789') + '99'

    def config(self, fips, dual, **more):
        return Config(
            use_fips_endpoint=fips, use_dualstack_endpoint=dual, **more
        )


class Service:
    """One service of botocore."""

    def __init__(self, botocore_, name, operations):
        self.b, self.name = botocore_, name
        self.model = botocore_.session.get_service_model(name)
        self.operation = self.an_operation(operations)
        self.resolver = EndpointRulesetResolver(
            endpoint_ruleset_data=botocore_.loader.load_service_model(
                name, 'endpoint-rule-set-1'
            ),
            partition_data=botocore_.rule_partitions,
            service_model=self.model,
            builtins={},
            client_context={},
            event_emitter=botocore_.session.get_component('event_emitter'),
        )

    def an_operation(self, operations):
        """The operation named for the service, or else the first that says
        nothing of its own about endpoints."""
        if self.name in operations:
            return self.model.operation_model(operations[self.name])
        for name in sorted(self.model.operation_names):
            op = self.model.operation_model(name)
            if not op.static_context_parameters:
                return op
        raise SystemExit(f'all operations of {self.name} differ: name one')

    def listed(self):
        """The Regions in which botocore lists the service, or None if it lists
        it nowhere."""
        everything, found = [], set()
        for partition in self.b.session.get_available_partitions():
            names = self.b.session.get_available_regions(
                self.name, partition, allow_non_regional=True
            )
            everything += names
            regional = set(
                self.b.session.get_available_regions(self.name, partition)
            )
            real = {
                r
                for p in self.b.legacy._endpoint_data['partitions']
                if p['partition'] == partition
                for r in p['regions']
            }
            data = next(
                p['services'].get(self.model.endpoint_prefix, {})
                for p in self.b.legacy._endpoint_data['partitions']
                if p['partition'] == partition
            )
            whole = (
                'partitionEndpoint' in data
                and data.get('isRegionalized') is False
            )
            if names and (whole or self.is_global(partition, False, False)):
                regional = real
            found |= regional
        return found if everything else None

    def resolve(self, region, fips, dual):
        """Host and signing Region, or the reason why there are none."""
        self.resolver._builtins = {
            Builtin.AWS_REGION: region,
            Builtin.AWS_USE_FIPS: fips,
            Builtin.AWS_USE_DUALSTACK: dual,
            Builtin.AWS_STS_USE_GLOBAL_ENDPOINT: False,
            Builtin.AWS_S3_USE_GLOBAL_ENDPOINT: region == 'us-east-1',
            Builtin.AWS_S3_ACCELERATE: False,
            Builtin.AWS_S3_FORCE_PATH_STYLE: False,
            Builtin.AWS_S3_USE_ARN_REGION: True,
            Builtin.AWS_S3CONTROL_USE_ARN_REGION: False,
            Builtin.AWS_S3_DISABLE_MRAP: False,
            Builtin.ACCOUNT_ID_ENDPOINT_MODE: 'preferred',
        }
        try:
            found = self.resolver.construct_endpoint(self.operation, {}, {})
        except EndpointProviderError as err:
            return '', str(err)
        signing = None
        schemes = found.properties.get('authSchemes')
        if schemes is not None:
            _, context = self.resolver.auth_schemes_to_signing_ctx(schemes)
            signing = context.get('region')
        if signing is None:
            signing = self.legacy_signing(region, fips, dual)
        assert found.url.startswith('https://'), found.url
        return found.url.removeprefix('https://'), signing

    def legacy_signing(self, region, fips, dual):
        bridge = ClientEndpointBridge(
            self.b.legacy,
            client_config=self.b.config(fips, dual),
            service_signature_version='v4',
        )
        try:
            return bridge.resolve(self.model.endpoint_prefix, region)[
                'signing_region'
            ]
        except EndpointVariantError:
            return 'EndpointVariantError'

    def is_global(self, partition, fips, dual):
        regions = [
            r for r, p in self.b.partition_of.items() if p == partition
        ] + [self.b.fictitious(partition)]
        hosts = {self.resolve(r, fips, dual)[0] for r in regions}
        return len(hosts) == 1 and '' not in hosts
