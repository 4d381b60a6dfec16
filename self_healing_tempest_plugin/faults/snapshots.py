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

"""The state of the network of a host: read as JSON, compared as data.

The state of the NICs that are hurt is kept, and of the links that are stacked
on them: bridges, VLANs, bonds, macvlans, tunnels. That goes into the journal
with the plan.

State that comes and goes by itself is no part of it:

- counters, lifetimes, and neighbours that the kernel has found;
- addresses and routes of a router's advertisement: they come with the next
  one, which a host asks for when its NIC goes up;
- the kernel's own table "local", a shadow of addresses and links;
- what hardware or a missing carrier does to a route (offload, linkdown, dead):
  the carrier is compared by itself.

A routing daemon goes on while a host is broken. Its routes must be there
again, but the ids of its nexthop objects are its own, and what it has
learned meanwhile is no remains of the fault.
"""

import collections
import ipaddress
import json

from self_healing_tempest_plugin.faults import plans

# One JSON object; each part is one question. A kernel without IPv6 or without
# nexthop objects has none of them.
_READ = """
part() {
    name=$1
    shift
    if ! said=$("$@" 2>/dev/null); then
        said=$("$@" 2>&1 >/dev/null)
        case $said in
            *'not supported'*|*'is unknown'*) said= ;;
            *) echo "$*: $said" >&2; exit 1 ;;
        esac
    fi
    printf ',"%s":%s\\n' "$name" "${said:-[]}"
}
PATH=$PATH:/usr/sbin:/sbin
LC_ALL=C; export LC_ALL
read -r up rest </proc/uptime || exit
printf '{"up":%s\\n' "$up"
part links ip -j -d link show
part addresses ip -j -d address show
part routes-4 ip -j -d -4 route show table all
part routes-6 ip -j -d -6 route show table all
part rules-4 ip -j -d -4 rule show
part rules-6 ip -j -d -6 rule show
part nexthops ip -j -d nexthop show
part neighbours ip -j neighbour show nud permanent
part quiet ip -j neighbour show nud noarp
part proxies ip -j neighbour show proxy
printf '}\\n'
"""

#: Protocols of routing daemons, as /etc/iproute2/rt_protos has them.
DAEMONS = frozenset([
    'babel', 'bgp', 'bird', 'eigrp', 'gated', 'isis', 'openr', 'ospf', 'rip',
    'xorp', 'zebra'])

# What the kernel learns from routers.
_ROUTERS = frozenset(['ra', 'redirect'])

# Flags of a route, a leg or a nexthop that somebody has set.
_SET = frozenset(['onlink', 'pervasive'])

# Of a NIC whose members decide on its address that is no property.
_BORROWED = frozenset(['bond', 'team'])

_DROPPED = {
    'addresses': ('valid_life_time', 'preferred_life_time', 'optimistic'),
    'routes': ('expires', 'nh_info', 'cache', 'age', 'used', 'alone'),
    'neighbours': ('offload', 'state')}


class Unreadable(ValueError):
    """The answer of a host about its network cannot be read."""


def command(target):
    """Return the command that reads the network of a host.

    :param target: :class:`.targets.Target`
    """
    return plans.Command(target.ssh().transport, target.address,
                         ('sh', '-c', _READ.strip()))


def take(nics, text):
    """Return the state of the network around some NICs.

    :param nics: names of the NICs that will be hurt
    :param text: standard output of :func:`command`
    :returns: dict that JSON can hold
    :raises Unreadable: when that is no answer, or a NIC is missing
    """
    raw = _parsed(text)
    missing = set(nics) - {link['ifname'] for link in raw['links']}
    if missing:
        raise Unreadable('there is no NIC %s' % ', '.join(sorted(missing)))
    devices = _stacked(nics, raw['links'])
    return dict(_around(devices, raw), up=raw['up'], nics=list(nics),
                devices=devices)


def differences(before, text):
    """Return how the network differs from what it was, as a list of lines.

    :param before: as :func:`take` has returned it, maybe by way of JSON
    :param text: standard output of :func:`command`
    :raises Unreadable: when that is no answer
    """
    raw = _parsed(text)
    after = _around(before['devices'], raw, _own6(before['addresses']))
    return [line for kind in _KINDS
            for line in _compared(kind, before, after, raw['up'])]


def of_daemon(one):
    """Return whether a routing daemon has made a route or nexthop."""
    return one.get('protocol') in DAEMONS


def legs(route):
    """Return the nexthops of a route: a list of dicts, of one at least."""
    return route.get('nexthops') or [route]


def route_key(route):
    """Return the key of a route among those of its family and table."""
    return tuple(str(route.get(name)) for name in (
        'family', 'table', 'dst', 'from', 'tos', 'metric'))


def _parsed(text):
    try:
        raw = json.loads(text)
        parsed = {name: [item for item in raw[name] if item] for name in (
            'links', 'addresses', 'rules-4', 'rules-6', 'routes-4',
            'routes-6', 'nexthops', 'neighbours', 'quiet', 'proxies')}
        return dict(parsed, up=float(raw['up']))
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable('%r is no answer: %s' % (
            text[:80], error)) from None


def _stacked(nics, links):
    """Return NICs and the links that stand on them, the lower ones first."""
    stacked, grown = list(nics), True
    while grown:
        masters = {link.get('master') for link in links
                   if link['ifname'] in stacked}
        more = [link['ifname'] for link in links
                if link['ifname'] not in stacked
                and (link['ifname'] in masters or link.get('link') in stacked)]
        stacked.extend(more)
        grown = bool(more)
    return stacked


def _around(devices, raw, own=()):
    """Return the part of the network that belongs to some NICs."""
    addresses = [dict(address, dev=link['ifname'])
                 for link in raw['addresses'] if link['ifname'] in devices
                 for address in link.get('addr_info', ())
                 if 'local' in address and not _of_router(address)]
    own = {*own, *_own6(addresses)}
    routes = [route for family in (4, 6)
              for route in _routes(raw['routes-%d' % family], family)
              if _belongs(route, devices, own)]
    nexthops = _nexthops(raw['nexthops'], devices)
    tables = {route['table'] for route in routes} - {
        'main', 'local', 'default'}
    return {
        'links': [_link(link) for link in raw['links']
                  if link['ifname'] in devices],
        'addresses': addresses, 'routes': routes, 'nexthops': nexthops,
        'rules': [dict(rule, family=family) for family in (4, 6)
                  for rule in raw['rules-%d' % family]
                  if rule.get('table') in tables or {
                      rule.get('iif'), rule.get('oif')} & set(devices)],
        'neighbours': [
            neighbour for name in ('neighbours', 'quiet', 'proxies')
            for neighbour in raw[name] if neighbour.get('dev') in devices
            and not (name == 'quiet' and _of_kernel(neighbour))]}


def _own6(addresses):
    return {address['local'] for address in addresses
            if address['family'] == 'inet6'}


def _link(link):
    kind = link.get('linkinfo', {}).get('info_kind', '')
    kept = {
        'ifname': link['ifname'], 'up': 'UP' in link['flags'],
        'carrier': 'LOWER_UP' in link['flags'], 'mtu': link.get('mtu'),
        'master': link.get('master'), 'kind': kind}
    if kind not in _BORROWED:
        kept['address'] = link.get('address')
    return kept


def _of_router(address):
    return bool(address.get('temporary') or address.get('dynamic') and (
        address.get('mngtmpaddr') or address.get('protocol') == 'kernel_ra'))


def _of_kernel(neighbour):
    """Return whether the kernel makes a neighbour without ARP by itself."""
    try:
        if ipaddress.ip_address(neighbour['dst']).is_multicast:
            return True
    except ValueError:
        return False
    return neighbour.get('lladdr', '') in ('', 'ff:ff:ff:ff:ff:ff',
                                           '00:00:00:00:00:00')


def _routes(listed, family):
    """Return routes with their family, and whether each wins.

    Of routes of IPv4 that are alike but for the way the first one is used.
    """
    seen = set()
    counts = collections.Counter(
        route_key(dict(entry, family=family)) for entry in listed)
    for entry in listed:
        route = dict(entry, family=family, flags=_flags(entry))
        route['alone'] = counts[route_key(route)] == 1
        if 'nexthops' in route:
            route['nexthops'] = [dict(leg, flags=_flags(leg))
                                 for leg in route['nexthops']]
        key = route_key(route)
        if family == 4 and key not in seen:
            route['wins'] = True
        seen.add(key)
        yield route


def _flags(item):
    return sorted(_SET.intersection(item.get('flags', ())))


def _belongs(route, devices, own):
    protocol = route.get('protocol')
    if protocol in _ROUTERS or protocol == 'kernel' and (
            route.get('table') == 'local' or 'expires' in route):
        return False
    return route.get('prefsrc') in own and route['family'] == 6 or any(
        leg.get('dev') in devices for leg in legs(route))


def _nexthops(listed, devices):
    """Return the objects of some NICs, and the groups that they are in."""
    own = {nexthop['id'] for nexthop in listed
           if nexthop.get('dev') in devices}
    return [dict(nexthop, flags=_flags(nexthop)) for nexthop in listed
            if nexthop['id'] in own or own.intersection(
                member['id'] for member in nexthop.get('group', ()))]


def _compared(kind, before, after, now):
    # A host that was not yet sure of an address may be by now.
    unsure = {(address['dev'], address['local'])
              for address in before['addresses'] if address.get('tentative')}
    old = _counted(kind, before, unsure)
    new = _counted(kind, after, unsure)
    for text, (item, count) in old.items():
        short = count - new.get(text, (None, 0))[1]
        if short > 0 and not _over(kind, item, now - before['up']):
            yield '%s is gone: %s' % (_KINDS[kind], _told(item))
    for text, (item, count) in new.items():
        more = count - old.get(text, (None, 0))[1]
        if more > 0 and not of_daemon(item):
            yield '%s is new: %s' % (_KINDS[kind], _told(item))


_KINDS = {'links': 'link', 'addresses': 'address', 'nexthops': 'nexthop',
          'routes': 'route', 'rules': 'rule', 'neighbours': 'neighbour'}


def _counted(kind, network, unsure):
    """Return the items to compare: a dict of text to item and count."""
    counted = {}
    for item in network[kind]:
        kept = _essence(kind, item, network)
        if kind == 'addresses' and (item['dev'], item['local']) in unsure:
            kept.pop('tentative', None)
        text = json.dumps(kept, sort_keys=True)
        counted[text] = (item, counted.get(text, (None, 0))[1] + 1)
    return counted


def _essence(kind, item, network):
    kept = {name: value for name, value in item.items()
            if name not in _DROPPED.get(kind, ())}
    if kind == 'addresses' and item.get('dynamic'):
        kept.pop('deprecated', None)
    if kind == 'routes':
        # The kernel keeps the legs of IPv6 in an order of its own.
        if item['family'] == 6 and 'nexthops' in kept:
            kept['nexthops'] = sorted(
                kept['nexthops'], key=lambda leg: json.dumps(leg, sort_keys=1))
        if of_daemon(item):
            kept.pop('nhid', None)
            kept.pop('wins', None)
    if kind == 'nexthops':
        kept = _essence_of_nexthop(kept, network)
    return kept


def _essence_of_nexthop(nexthop, network):
    by_id = {listed['id']: listed for listed in network['nexthops']}
    if 'resilient_args' in nexthop:
        nexthop['resilient_args'] = dict(nexthop['resilient_args'],
                                         unbalanced_time=0)
    if not of_daemon(nexthop):
        return nexthop
    nexthop = dict(nexthop, id=None)
    if 'group' in nexthop:
        nexthop['group'] = [dict(by_id.get(member['id'], member), id=None,
                                 weight=member.get('weight', 1))
                            for member in nexthop['group']]
    return nexthop


def _over(kind, item, passed):
    """Return whether the time of an address or route would be over."""
    left = {'addresses': item.get('valid_life_time') if item.get(
        'dynamic') else None, 'routes': item.get('expires')}.get(kind)
    return left is not None and left <= passed + 1


def _told(item):
    return ' '.join('%s %s' % (name, value if isinstance(
        value, (str, int)) else json.dumps(value))
        for name, value in item.items()
        if value not in ([], '', None) and name not in (
            'valid_life_time', 'preferred_life_time', 'nh_info', 'alone',
            'wins'))
