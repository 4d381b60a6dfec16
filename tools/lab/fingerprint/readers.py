# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""The output of commands on a host, as data.

Without what changes by itself while nobody touches the lab, and without what
a host does not find again after its power was off and on.
"""

import collections
import json
import re


def _lines(text):
    """Return how often each line is there."""
    return dict(collections.Counter(
        ' '.join(line.split()) for line in text.splitlines()))


def _links(text):
    return {link['ifname']: _link(link) for link in json.loads(text)}


def _link(link):
    # Open vSwitch makes up the address of its datapath's own link whenever
    # it starts.
    made_up = link['ifname'] == 'ovs-netdev'
    # Link-local addresses are made of the MAC address that a link had when it
    # came up, which is not that of today where Open vSwitch sets it later.
    return {
        'up': 'UP' in link['flags'], 'carrier': 'LOWER_UP' in link['flags'],
        'mtu': link['mtu'], 'master': link.get('master'),
        'mac': None if made_up else link['address'],
        'addresses': {
            '%(local)s/%(prefixlen)s' % address: address['scope']
            for address in link['addr_info'] if address['scope'] != 'link'}}


def _documents(text):
    """Yield the items of the JSON documents that commands print."""
    decoder, text = json.JSONDecoder(), text.strip()
    while text:
        # Where there is nothing, some versions of ip print nothing at all.
        document, end = decoder.raw_decode(text)
        text = text[end:].lstrip()
        # An older one prints empty objects for what it does not show.
        yield from filter(None, document)


def _counted(text, *passing):
    """Return how often each item is there, as JSON with sorted keys.

    :param passing: keys of what changes by itself
    """
    return dict(collections.Counter(
        json.dumps({key: value for key, value in item.items()
                    if key not in passing}, sort_keys=True)
        for item in _documents(text)))


def _routes(text):
    # Those to the link-local addresses are made with the links. A neighbour's
    # advertisement has an end.
    return {route: count for route, count in _counted(
        text, 'expires', 'cache', 'used', 'age').items()
        if not re.search(r'"dst": "fe80:[^"/]*"', route)}


def _neighbours(text):
    return _counted(text, 'used', 'confirmed', 'updated', 'refcnt', 'probes')


def _qdiscs(text):
    # Without the numbers that the kernel hands out one after the other.
    return _lines(re.sub(r' refcnt \d+| [0-9a-f]+:[0-9a-f]*(?=\s)', '',
                         text))


def _ruleset(text):
    """Return how often each line is there, after the blocks it is in."""
    blocks, counts = [], collections.Counter()
    for line in map(str.strip, text.splitlines()):
        if line == '}':
            blocks.pop()
        elif line:
            counts[' '.join([*blocks, line])] += 1
            if line.endswith('{'):
                blocks.append(line)
    return dict(counts)


def _processes(text):
    """Return which processes are stopped, and which are the plugin's."""
    pairs = [line.split(None, 1) for line in text.splitlines()]
    return {
        'stopped': _lines('\n'.join(
            command for state, command in pairs if state.startswith('T'))),
        'own': _lines('\n'.join(
            command for _, command in pairs
            if re.search(r'(\s|/run/)self-healing-', command)))}


def _bridges(text):
    # While a host has a port of an external network, OVN joins its bridges by
    # a pair of patch ports; afterwards it parts them when it comes to it.
    return {bridge: {port: 1 for port in ports
                     if not port.startswith('patch-')}
            for bridge, *ports in map(str.split, text.splitlines())}


def _sets(text):
    return {name: dict.fromkeys(members, 1)
            for name, *members in map(str.split, text.splitlines())}


def _domains(text):
    return dict(line.split(None, 1) for line in text.splitlines())


READERS = {'links': _links, 'routes': _routes, 'rules': _counted,
           'nexthops': _counted, 'neighbours': _neighbours,
           'qdiscs': _qdiscs, 'nftables': _ruleset, 'files': _lines,
           'processes': _processes, 'bridges': _bridges,
           'domains': _domains, 'queues': _sets}
