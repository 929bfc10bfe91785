"""Writes catalogue.txt, which package endpoints embeds, from botocore.

botocore is the core of the AWS SDK for Python. For every service, Region and
variant this program evaluates the service's endpoint rules with botocore's own
code. The lists of Regions come from botocore's endpoints.json. decode.go
describes the format of the catalogue.

The same botocore gives the same bytes. Each service has one line, so that the
diff of an upgrade can be read. The program stops at the first service with rules
that it cannot evaluate; it leaves none out.

`make generate` runs it with the version in botocore.pin:

    python3 generate.py [--check]
"""

import argparse
import collections
import pathlib
import re
import sys

import botocore
from botocore.endpoint_provider import RuleSet
from botocore.exceptions import EndpointProviderError, EndpointVariantError
from botocore.loaders import Loader
from botocore.regions import EndpointResolver

HERE = pathlib.Path(__file__).resolve().parent

# The variants in the order of Variant.index in resolve.go: (FIPS, dual-stack).
VARIANTS = [(False, False), (True, False), (False, True), (True, True)]

# Values of rule parameters that botocore takes from the operation and without which
# a service has no endpoint: the values for what most people mean by the service.
PARAMETERS = {
    'acm': {'ServiceType': 'ACM'},  # the other is ACM-ACME
    'neptune-graph': {'ApiType': 'ControlPlane'},  # the other puts a graph's id before the host
}


class Partition:
    """A partition, as endpoints.json and partitions.json together describe it."""

    def __init__(self, listing, rules):
        self.id, self.name = listing['partition'], listing['partitionName']
        self.suffix = rules['outputs']['dnsSuffix']
        self.dual_suffix = rules['outputs']['dualStackDnsSuffix']
        self.services = listing['services']

        regions = rules['regions'] | listing['regions']
        regions.pop(self.id + '-global', None)
        self.regions = {name: regions[name]['description'] for name in sorted(regions)}
        # No service is listed yet in a Region that only the rules know.
        self.announced = regions.keys() - listing['regions'].keys()
        # A Region that does not exist but might. A host that is the same for it is
        # the same for the whole partition, including Regions that AWS adds later.
        self.fictitious = min(regions).rstrip('0123456789') + '99'

    def lines(self):
        yield f'P {self.id} {self.suffix} {self.dual_suffix} {self.name}'
        for name, description in self.regions.items():
            yield f'{"A" if name in self.announced else "R"} {name} {description}'

    def listed(self, prefix, is_global):
        """The Regions in which the service with this endpoint prefix is listed."""
        if prefix not in self.services:
            return set()
        service = self.services[prefix]
        not_regional = 'partitionEndpoint' in service and not service.get('isRegionalized', True)
        if is_global or not_regional:
            return self.regions.keys() - self.announced
        return service['endpoints'].keys() & self.regions.keys()


class Botocore:
    """The data of the installed botocore, without a user's additions to it."""

    def __init__(self):
        self.loader = Loader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
        self.rule_partitions = self.loader.load_data('partitions')
        listings = self.loader.load_data('endpoints')
        self.legacy = EndpointResolver(listings)

        rules = {p['id']: p for p in self.rule_partitions['partitions']}
        ids = [p['partition'] for p in listings['partitions']]
        if sorted(ids) != sorted(rules):
            sys.exit(f'endpoints.json has the partitions {ids}, partitions.json {list(rules)}')
        self.partitions = [Partition(p, rules[p['partition']]) for p in listings['partitions']]

    def lines(self):
        for partition in self.partitions:
            yield from partition.lines()
        names = self.loader.list_available_services('service-2')
        if missing := PARAMETERS.keys() - set(names):
            sys.exit(f'PARAMETERS has {sorted(missing)}, which are no services')
        for name in sorted(names):
            yield Service(self, name).line()


class Service:
    """One service, by the name that create_client takes."""

    def __init__(self, source, name):
        self.source, self.name = source, name
        model = source.loader.load_service_model(name, 'service-2')
        self.prefix = model['metadata']['endpointPrefix']
        rules = source.loader.load_service_model(name, 'endpoint-rule-set-1')
        self.rules = RuleSet(**rules, partitions=source.rule_partitions)

        self.parameters = PARAMETERS.get(name, {})
        required = {
            parameter
            for parameter, spec in self.rules.parameters.items()
            if spec.required and spec.default is None and parameter != 'Region'
        }
        if required != self.parameters.keys():
            sys.exit(f'{name}: the rules require {sorted(required)}; correct PARAMETERS')

    def resolve(self, partition, region, fips, dual):
        """Host and signing Region, or (None, None) if there is no endpoint."""
        # Rules without the parameter would give the plain host.
        if fips and 'UseFIPS' not in self.rules.parameters:
            return None, None
        given = {'Region': region, 'UseFIPS': fips, 'UseDualStack': dual}
        try:
            found = self.rules.evaluate(given | self.parameters)
        except EndpointProviderError:  # a rule refuses the combination
            return None, None
        if found is None:
            sys.exit(f'{self.name} in {region}: no rule applies')
        host = re.fullmatch('https://([a-z0-9.-]+)', found.url)
        if not host:
            sys.exit(f'{self.name} in {region}: {found.url} is not https and a host alone')
        return host[1], self.signing(found, partition, region, fips, dual)

    def signing(self, found, partition, region, fips, dual):
        """The signing Region of the first scheme that botocore supports without
        its native extension (not sigv4a), else that of endpoints.json, which its
        clients use then."""
        for scheme in found.properties.get('authSchemes', []):
            if scheme['name'] != 'sigv4a':
                if 'signingRegion' in scheme:
                    return scheme['signingRegion']
                break
        where = self.prefix, region, partition.id
        legacy = self.source.legacy
        try:
            entry = legacy.construct_endpoint(*where, use_dualstack_endpoint=dual, use_fips_endpoint=fips)
        except EndpointVariantError:
            # endpoints.json lacks some variants that the rules have; they sign as
            # the plain endpoint does.
            entry = legacy.construct_endpoint(*where)
        return entry.get('credentialScope', {}).get('region') or region

    def line(self):
        partitions = self.source.partitions
        columns = [Column(self, fips, dual) for fips, dual in VARIANTS]
        regions = '?'
        if any(self.prefix in p.services for p in partitions):
            listed = set()
            for part in columns[0].parts:
                listed |= part.partition.listed(self.prefix, part.is_global)
            regions = digits([name in listed for p in partitions for name in p.regions])
        return ' '.join(['S', self.name, self.prefix, regions, *map(str, columns)])


class Column:
    """The hosts of a service for one variant, in every Region.

    The alternatives for single Regions come first, then those for partitions, then
    the one for the rest.
    """

    def __init__(self, service, fips, dual):
        self.parts = [Part(p, service, fips, dual) for p in service.source.partitions]

    def __str__(self):
        usual = collections.Counter()
        for part in self.parts:
            usual[part.usual] += len(part.hosts)
        rest = most_common(usual)

        regions, partitions = collections.defaultdict(list), collections.defaultdict(list)
        for part in self.parts:
            for region, host in part.hosts.items():
                if host != part.usual:
                    regions[host].append(region)
            if part.usual != rest:
                partitions[part.usual].append(part.partition.id)
        groups = [*regions.items(), *partitions.items()]
        return ';'.join([*(','.join(names) + '=' + host for host, names in groups), rest])


class Part:
    """The part of a column for one partition."""

    def __init__(self, partition, service, fips, dual):
        self.partition = partition
        answers = {
            region: service.resolve(partition, region, fips, dual)
            for region in [*partition.regions, partition.fictitious]
        }
        hosts = {host for host, _ in answers.values()}
        self.is_global = len(hosts) == 1 and None not in hosts
        self.signed_alike = len({signing for _, signing in answers.values()}) == 1
        self.hosts = {region: self.write(region, *answers[region]) for region in partition.regions}
        self.usual = most_common(collections.Counter(self.hosts.values()))

    def write(self, region, host, signing):
        if host is None:
            return '-'
        for suffix, mark in (self.partition.dual_suffix, '%'), (self.partition.suffix, '$'):
            if host.endswith('.' + suffix):
                host = host.removesuffix(suffix) + mark
                break
        host = '!' + host if self.is_global else host.replace(region, '*')
        return f'{host}@{signing}' if self.signed_alike or signing != region else host


def most_common(counter):
    """The most common text; among equals the first in the alphabet."""
    return min(counter, key=lambda text: (-counter[text], text))


def digits(bits):
    """A hexadecimal digit for each four bits, the first of the four the lowest."""
    fours = (bits[i : i + 4] for i in range(0, len(bits), 4))
    return ''.join(f'{sum(bit << i for i, bit in enumerate(four)):x}' for four in fours)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--check', action='store_true', help='write nothing; fail if the file would change')
    check = parser.parse_args().check

    pin = (HERE / 'botocore.pin').read_text().strip()
    version = pin.split()[0]
    if botocore.__version__ != version:
        sys.exit(f'botocore is {botocore.__version__}, {version} is pinned: run make generate')

    lines = ['meridian endpoints 1', f'B {pin}', *Botocore().lines()]
    text = ''.join(line + '\n' for line in lines)
    file = HERE / 'catalogue.txt'
    if not check:
        file.write_bytes(text.encode())
    elif file.read_bytes() != text.encode():
        sys.exit(f'catalogue.txt is not what botocore {version} gives: run make generate')


if __name__ == '__main__':
    main()
