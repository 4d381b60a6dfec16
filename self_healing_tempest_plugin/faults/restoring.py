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

"""The lines that put the network of a host back as a snapshot has it.

Links come first, each in a line of its own. What the kernel has lost with
them comes after: addresses of IPv6, nexthop objects, routes, neighbours. No
line depends on another: each is tried in rounds until it is done, for what one
needs may come with a later one, and all that is left fails the script.
"""

import ipaddress
import shlex

from self_healing_tempest_plugin.faults import snapshots

# Seconds of the host that the rounds may take.
_ROUNDS = 20

_FOREVER = 4294967295

# A step that is done is not done again in this run. What is there already is
# done, too.
_HEAD = """
now() { read -r up rest </proc/uptime; echo "${up%%%%.*}"; }
left() { echo "$(($1 - ($(now) - %(up)d)))"; }
try() {
    number=$1
    shift
    case $finished in *" $number "*) return ;; esac
    if said=$("$@" 2>&1); then
        finished="$finished$number "
        return
    fi
    case $said in
        *'File exists'*|*'already assigned'*) finished="$finished$number " ;;
        *) failed="$failed
$*: $said" ;;
    esac
}
"""

_ROUND = """
finished=' ' end=$(($(now) + %(rounds)d)) round=0
while :; do
    failed= round=$((round + 1))
    every_round
    [ -n "$failed" ] || return 0
    [ "$(now)" -lt "$end" ] || break
    sleep 0.5
done
echo "not restored:$failed" >&2
return 1
"""

# Words of a route or nexthop that are said as they are read.
_ROUTE_WORDS = (
    ('from', 'from'), ('tos', 'tos'), ('nhid', 'nhid'), ('table', 'table'),
    ('protocol', 'proto'), ('scope', 'scope'), ('prefsrc', 'src'),
    ('metric', 'metric'), ('pref', 'pref'))
_ROUTE_KNOWN = frozenset([
    'type', 'dst', 'gateway', 'via', 'dev', 'flags', 'metrics', 'expires',
    'nexthops', 'nh_info', 'family', 'wins', 'alone', 'cache', 'weight', *(
        name for name, _ in _ROUTE_WORDS)])
_METRICS = frozenset([
    'mtu', 'advmss', 'window', 'cwnd', 'ssthresh', 'reordering', 'hoplimit',
    'initcwnd', 'initrwnd', 'quickack'])
_LEG_KNOWN = frozenset(['gateway', 'via', 'dev', 'weight', 'flags'])
_NEXTHOP_KNOWN = frozenset([
    'id', 'gateway', 'via', 'dev', 'scope', 'protocol', 'flags', 'blackhole',
    'group', 'type', 'resilient_args', 'fdb'])
_RULE_WORDS = (
    ('priority', 'priority'), ('tos', 'tos'), ('iif', 'iif'), ('oif', 'oif'),
    ('ipproto', 'ipproto'), ('table', 'lookup'),
    ('suppress_prefixlength', 'suppress_prefixlength'),
    ('suppress_prefixlen', 'suppress_prefixlength'), ('protocol', 'protocol'))
_RULE_KNOWN = frozenset([
    'family', 'not', 'src', 'srclen', 'dst', 'dstlen', 'fwmark', 'fwmask',
    'action', 'sport', 'dport', 'sport_start', 'sport_end', 'dport_start',
    'dport_end', 'uid_start', 'uid_end', 'l3mdev', *(
        name for name, _ in _RULE_WORDS)])


class Unknown(ValueError):
    """A part of the network that these lines could not put back."""


def lines(before, by_host=()):
    """Return the lines for the host's shell that restore its network.

    :param before: as :func:`.snapshots.take` has returned it
    :param by_host: words of the host's own command that does it, with
        ``{nic}`` filled, one for each NIC; empty: it is done by ``ip``
    :raises Unknown: when something cannot be put back by ``ip``
    """
    steps = _Steps()
    for nic in before['nics']:
        steps.add('ip', 'link', 'set', 'dev', nic, 'up', always=True)
    if by_host:
        for words in by_host:
            steps.add(*words)
    else:
        for add in (_links, _addresses, _nexthops, _routes, _rules,
                    _neighbours, _carriers, _forget_local):
            add(before, steps)
    head = _HEAD % {'up': int(before['up'])}
    return '\n'.join((head.strip(), *steps.functions, 'every_round() {',
                      *steps.lines, '}',
                      (_ROUND % {'rounds': _ROUNDS}).strip()))


class _Steps:
    """Lines of one round, and the functions that they call."""

    def __init__(self):
        self.functions, self.lines, self._number = [], [], 0

    def add(self, *words, always=False):
        """Add a command; one that is always needed is run in each round."""
        self._number += 1
        number = '%d.$round' if always else '%d'
        self.lines.append('try %s %s' % (
            number % self._number, shlex.join(words)))

    def add_function(self, *body):
        """Add several lines as one step."""
        name = 'step_%d' % (self._number + 1)
        self.functions.extend(('%s() {' % name, *body, '}'))
        self.add(name)


def _links(before, steps):
    # A VLAN goes up with its NIC, whatever it was before.
    for link in before['links']:
        if link['ifname'] not in before['nics']:
            steps.add('ip', 'link', 'set', 'dev', link['ifname'],
                      'up' if link['up'] else 'down')


def _addresses(before, steps):
    # The newest is listed first, and is to be the newest again.
    for address in reversed([address for address in before['addresses']
                             if address['family'] == 'inet6']):
        _address6(address, steps)
    for address in before['addresses']:
        if address['family'] == 'inet' and not address.get('dynamic'):
            steps.add('ip', '-4', 'address', 'replace', *_address(address))


def _address6(address, steps):
    add = shlex.join(('ip', '-6', 'address', 'replace', *_address(address)))
    seconds = [name for name in ('valid_life_time', 'preferred_life_time')
               if address.get(name, _FOREVER) != _FOREVER]
    lifetimes = ''.join(
        ' %s_lft "%s"' % (name.split('_')[0], '$valid' if name.startswith(
            'valid') else '$preferred') for name in seconds)
    body = []
    for name in seconds:
        variable = name.split('_')[0]
        body.append('%s=$(left %d)' % (variable, address[name]))
        body.append('[ "$%s" -gt 0 ] || %s' % (
            variable, 'return 0' if variable == 'valid' else 'preferred=0'))
    if address.get('scope') == 'link':
        # The kernel makes most of these by itself, a moment later.
        body.append('case $(ip -6 -oneline address show dev %s to %s) in '
                    '?*) return 0 ;; esac' % (
                        shlex.quote(address['dev']),
                        shlex.quote(address['local'])))
        body.append('[ "$round" -gt 4 ] || { echo it may come; return 1; }')
    # Its duplicates need not be looked for, it was here; and routes can have
    # it as their source at once.
    body.append('%s%s nodad || return' % (add, lifetimes))
    if not address.get('nodad'):
        body.append('%s%s' % (add, lifetimes))
    steps.add_function(*body)


def _address(address):
    local, length = address['local'], address['prefixlen']
    words = ['%s/%d' % (local, length)]
    if address.get('address'):
        words = [local, 'peer', '%s/%d' % (address['address'], length)]
    for name, word in (('broadcast', 'broadcast'), ('label', 'label'),
                       ('scope', 'scope'), ('metric', 'metric')):
        if address.get(name) and (
                name != 'label' or address[name] != address['dev']):
            words.extend((word, str(address[name])))
    words.extend(flag for flag in ('home', 'mngtmpaddr', 'noprefixroute',
                                   'autojoin') if address.get(flag))
    if not str(address.get('protocol', 'kernel')).startswith('kernel'):
        words.extend(('proto', address['protocol']))
    return (*words, 'dev', address['dev'])


def _nexthops(before, steps):
    for grouped in (False, True):
        for nexthop in before['nexthops']:
            if ('group' in nexthop) == grouped:
                steps.add('ip', 'nexthop', 'replace', *_nexthop(nexthop))


def _nexthop(nexthop):
    _refuse_unknown(nexthop, _NEXTHOP_KNOWN, 'nexthop %s' % nexthop['id'])
    words = ['id', str(nexthop['id'])]
    if 'group' in nexthop:
        words.extend(('group', '/'.join(
            str(member['id']) + (',%d' % member['weight'] if member.get(
                'weight', 1) != 1 else '') for member in nexthop['group'])))
        if nexthop.get('type'):
            arguments = nexthop.get('resilient_args', {})
            words.extend(('type', nexthop['type']))
            for name in ('buckets', 'idle_timer', 'unbalanced_timer'):
                if arguments.get(name):
                    words.extend((name, '%g' % arguments[name]))
    elif 'blackhole' in nexthop:
        words.append('blackhole')
    else:
        words.extend(_way(nexthop))
    if 'fdb' in nexthop:
        words.append('fdb')
    if nexthop.get('protocol') not in (None, 'unspec'):
        words.extend(('proto', str(nexthop['protocol'])))
    return words


def _way(hop):
    words = []
    if 'via' in hop:
        words.extend(('via', hop['via']['family'], hop['via']['host']))
    elif 'gateway' in hop:
        words.extend(('via', hop['gateway']))
    if 'dev' in hop:
        words.extend(('dev', hop['dev']))
    return (*words, *hop.get('flags', ()))


def _routes(before, steps):
    groups = {}
    for route in before['routes']:
        groups.setdefault(snapshots.route_key(route), []).append(route)
    for alike in groups.values():
        first = alike[0]
        if first['family'] == 6:
            for route in alike:
                _route6(route, before, steps)
        elif first['alone']:
            steps.add('ip', '-4', 'route', 'add' if _is_left_alone(first)
                      else 'replace', *_route(first))
        else:
            _routes4(alike, before, steps)
    _forget_prefixes(before, steps)


def _is_left_alone(route):
    """Return whether the maker of a route may have made it anew by now."""
    return route.get('protocol') == 'kernel' or snapshots.of_daemon(route)


def _route6(route, before, steps):
    alone = route['alone']
    words = ['ip', '-6', 'route', None, *_route(route)]
    lost_source = route.get('prefsrc') in {
        address['local'] for address in before['addresses']}
    if route.get('protocol') == 'kernel' or not (alone or lost_source):
        words[3] = 'append'
    elif alone and (lost_source or not snapshots.of_daemon(route)):
        words[3] = 'replace'
    elif alone:
        words[3] = 'add'
    else:
        steps.add_function(*_anew('-6', route, 'append'))
        return
    if 'expires' in route:
        steps.add_function(
            'left=$(left %d)' % route['expires'],
            '[ "$left" -gt 0 ] || return 0',
            '%s expires "$left"' % shlex.join(words))
    else:
        steps.add(*words)


def _routes4(alike, before, steps):
    """Add steps for routes of which the first one wins.

    A route that still stands, on a NIC that is not hurt, is not touched.
    """
    ahead = [route for route in alike if route.get('wins')]
    for route in alike:
        if not _lost(route, before):
            continue
        steps.add_function(*_anew(
            '-4', route, 'prepend' if route in ahead else 'append'))


def _lost(route, before):
    return any(leg.get('dev') in before['devices']
               for leg in snapshots.legs(route))


def _anew(family, route, how):
    words = shlex.join(_route(route))
    return ('ip %s route delete %s 2>/dev/null' % (family, words),
            'ip %s route %s %s' % (family, how, words))


def _route(route):
    _refuse_unknown(route, _ROUTE_KNOWN, 'route %s' % route['dst'])
    words = [] if route.get('type', 'unicast') == 'unicast' else [
        route['type']]
    words.append(route['dst'])
    for name, word in _ROUTE_WORDS:
        if name in route and not (name == 'scope' and route['family'] == 6):
            words.extend((word, str(route[name])))
    for metrics in route.get('metrics', ()):
        words.extend(_metrics(route, metrics))
    if 'nhid' in route:
        # The object has the way; what is shown beside it is a copy.
        return words
    if 'nexthops' not in route:
        return [*words, *_way(route)]
    for leg in route['nexthops']:
        _refuse_unknown(leg, _LEG_KNOWN, 'route %s' % route['dst'])
        words.extend(('nexthop', *_way(dict(leg, flags=()))))
        words.extend(('weight', str(leg.get('weight', 1)), *leg['flags']))
    return words


def _metrics(route, metrics):
    locked = metrics.get('lock', ())
    _refuse_unknown(metrics, {*_METRICS, 'lock'}, 'route %s' % route['dst'])
    for name, value in metrics.items():
        if name != 'lock':
            yield from (name, *(('lock',) if name in locked else ()),
                        str(value))


def _forget_prefixes(before, steps):
    """Add steps that take away routes of the kernel that nobody wanted.

    With an address it makes the route of its prefix, also where somebody has
    deleted that.
    """
    there = {(route['family'], route['dst'], route.get('dev'))
             for route in before['routes']
             if route.get('protocol') == 'kernel'}
    done = set()
    for address in before['addresses']:
        if address.get('noprefixroute') or address.get('secondary') or (
                address.get('address')):
            continue
        network = ipaddress.ip_interface('%s/%d' % (
            address['local'], address['prefixlen'])).network
        family = network.version
        key = family, str(network), address['dev']
        if network.prefixlen == network.max_prefixlen or key in done | there:
            continue
        if address.get('dynamic'):
            continue
        done.add(key)
        steps.add_function(
            'ip -%d route delete %s dev %s proto kernel 2>/dev/null' % (
                family, network, shlex.quote(address['dev'])), 'return 0')


def _rules(before, steps):
    # A NIC that goes down takes no rule with it; a network manager may.
    for rule in before['rules']:
        if not set(rule) - _RULE_KNOWN:
            steps.add('ip', '-%d' % rule['family'], 'rule', 'add',
                      *_rule(rule))


def _rule(rule):
    words = ['not'] if 'not' in rule else []
    for name, word in (('src', 'from'), ('dst', 'to')):
        if name in rule:
            length = rule.get(name + 'len')
            words.extend((word, rule[name] if length is None
                          else '%s/%s' % (rule[name], length)))
    if 'fwmark' in rule:
        words.extend(('fwmark', rule['fwmark'] + (
            '/' + rule['fwmask'] if 'fwmask' in rule else '')))
    for name in ('sport', 'dport'):
        if name in rule:
            words.extend((name, str(rule[name])))
        elif name + '_start' in rule:
            words.extend((name, '%s-%s' % (
                rule[name + '_start'], rule[name + '_end'])))
    if 'uid_start' in rule:
        words.extend(('uidrange', '%s-%s' % (
            rule['uid_start'], rule['uid_end'])))
    for name, word in _RULE_WORDS:
        if name in rule and rule[name] != 'unspec':
            words.extend((word, str(rule[name])))
    if 'l3mdev' in rule:
        words.append('l3mdev')
    if 'action' in rule:
        words.append(rule['action'])
    return words


def _neighbours(before, steps):
    for neighbour in before['neighbours']:
        if 'proxy' in neighbour:
            steps.add('ip', 'neighbour', 'replace', 'proxy', neighbour['dst'],
                      'dev', neighbour['dev'])
            continue
        words = [neighbour['dst'],
                 *(('lladdr', neighbour['lladdr'])
                   if 'lladdr' in neighbour else ()),
                 'dev', neighbour['dev']]
        words.extend(flag for flag in ('router', 'extern_learn')
                     if flag in neighbour)
        steps.add('ip', 'neighbour', 'replace', *words, 'nud',
                  neighbour['state'][0].lower())


def _carriers(before, steps):
    # The kernel makes the rest of its own when there is a carrier.
    for link in before['links']:
        if link['carrier']:
            steps.add_function(
                'case $(ip -oneline link show dev %s) in *LOWER_UP*) '
                'return 0 ;; esac' % shlex.quote(link['ifname']),
                'echo no carrier on %s' % shlex.quote(link['ifname']),
                'return 1')


def _forget_local(before, steps):
    """Add steps that take away local addresses that nobody wanted.

    The kernel makes one when a NIC goes up, also where it was deleted.
    """
    for link in before['links']:
        addresses = [address for address in before['addresses']
                     if address['dev'] == link['ifname']
                     and address['family'] == 'inet6'
                     and address.get('scope') == 'link']
        own = _of_hardware(link.get('address') or '')
        if any(address.get('stable-privacy') or address['local'] == own
               for address in addresses):
            continue
        wanted = '|'.join('%s/%d' % (address['local'], address['prefixlen'])
                          for address in addresses) or "''"
        device = shlex.quote(link['ifname'])
        steps.add_function(
            'ip -6 -oneline address show dev %s scope link | '
            'while read -r _ _ _ own _; do' % device,
            '    case $own in %s) ;; *)' % wanted,
            '        ip -6 address delete "$own" dev %s ;;' % device,
            '    esac', 'done', '[ "$round" -gt 1 ]')


def _of_hardware(address):
    """Return the local address that the kernel makes of a MAC, or None."""
    parts = address.split(':')
    if len(parts) != 6:
        return None
    numbers = [int(part, 16) for part in parts]
    numbers[0] ^= 2
    numbers[3:3] = [0xff, 0xfe]
    return str(ipaddress.IPv6Address(
        bytes([0xfe, 0x80, *[0] * 6, *numbers])))


def _refuse_unknown(item, known, what):
    unknown = sorted(set(item) - known)
    if unknown:
        raise Unknown('%s has %s, which cannot be put back' % (
            what, ', '.join(unknown)))
