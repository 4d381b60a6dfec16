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
    """Something of the network that these lines could not put back."""


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
    for one in reversed([one for one in before['addresses']
                         if one['family'] == 'inet6']):
        _address6(one, steps)
    for one in before['addresses']:
        if one['family'] == 'inet' and not one.get('dynamic'):
            steps.add('ip', '-4', 'address', 'replace', *_address(one))


def _address6(one, steps):
    add = shlex.join(('ip', '-6', 'address', 'replace', *_address(one)))
    seconds = [name for name in ('valid_life_time', 'preferred_life_time')
               if one.get(name, _FOREVER) != _FOREVER]
    lifetimes = ''.join(
        ' %s_lft "%s"' % (name.split('_')[0], '$valid' if name.startswith(
            'valid') else '$preferred') for name in seconds)
    body = []
    for name in seconds:
        variable = name.split('_')[0]
        body.append('%s=$(left %d)' % (variable, one[name]))
        body.append('[ "$%s" -gt 0 ] || %s' % (
            variable, 'return 0' if variable == 'valid' else 'preferred=0'))
    if one.get('scope') == 'link':
        # The kernel makes most of these by itself, a moment later.
        body.append('case $(ip -6 -oneline address show dev %s to %s) in '
                    '?*) return 0 ;; esac' % (
                        shlex.quote(one['dev']), shlex.quote(one['local'])))
        body.append('[ "$round" -gt 4 ] || { echo it may come; return 1; }')
    # Its duplicates need not be looked for, it was here; and routes can have
    # it as their source at once.
    body.append('%s%s nodad || return' % (add, lifetimes))
    if not one.get('nodad'):
        body.append('%s%s' % (add, lifetimes))
    steps.add_function(*body)


def _address(one):
    local, length = one['local'], one['prefixlen']
    words = ['%s/%d' % (local, length)]
    if one.get('address'):
        words = [local, 'peer', '%s/%d' % (one['address'], length)]
    for name, word in (('broadcast', 'broadcast'), ('label', 'label'),
                       ('scope', 'scope'), ('metric', 'metric')):
        if one.get(name) and (name != 'label' or one[name] != one['dev']):
            words.extend((word, str(one[name])))
    words.extend(flag for flag in ('home', 'mngtmpaddr', 'noprefixroute',
                                   'autojoin') if one.get(flag))
    if not str(one.get('protocol', 'kernel')).startswith('kernel'):
        words.extend(('proto', one['protocol']))
    return (*words, 'dev', one['dev'])


def _nexthops(before, steps):
    for grouped in (False, True):
        for one in before['nexthops']:
            if ('group' in one) == grouped:
                steps.add('ip', 'nexthop', 'replace', *_nexthop(one))


def _nexthop(one):
    _refuse_unknown(one, _NEXTHOP_KNOWN, 'nexthop %s' % one['id'])
    words = ['id', str(one['id'])]
    if 'group' in one:
        words.extend(('group', '/'.join(
            str(member['id']) + (',%d' % member['weight'] if member.get(
                'weight', 1) != 1 else '') for member in one['group'])))
        if one.get('type'):
            arguments = one.get('resilient_args', {})
            words.extend(('type', one['type']))
            for name in ('buckets', 'idle_timer', 'unbalanced_timer'):
                if arguments.get(name):
                    words.extend((name, '%g' % arguments[name]))
    elif 'blackhole' in one:
        words.append('blackhole')
    else:
        words.extend(_way(one))
    if 'fdb' in one:
        words.append('fdb')
    if one.get('protocol') not in (None, 'unspec'):
        words.extend(('proto', str(one['protocol'])))
    return words


def _way(one):
    words = []
    if 'via' in one:
        words.extend(('via', one['via']['family'], one['via']['host']))
    elif 'gateway' in one:
        words.extend(('via', one['gateway']))
    if 'dev' in one:
        words.extend(('dev', one['dev']))
    return (*words, *one.get('flags', ()))


def _routes(before, steps):
    groups = {}
    for one in before['routes']:
        groups.setdefault(snapshots.route_key(one), []).append(one)
    for alike in groups.values():
        one = alike[0]
        if one['family'] == 6:
            for other in alike:
                _route6(other, before, steps)
        elif one['alone']:
            steps.add('ip', '-4', 'route', 'add' if _is_left_alone(one)
                      else 'replace', *_route(one))
        else:
            _routes4(alike, before, steps)
    _forget_prefixes(before, steps)


def _is_left_alone(route):
    """Return whether who has made a route may have made it anew by now."""
    return route.get('protocol') == 'kernel' or snapshots.of_daemon(route)


def _route6(one, before, steps):
    alone = one['alone']
    words = ['ip', '-6', 'route', None, *_route(one)]
    lost_source = one.get('prefsrc') in {
        address['local'] for address in before['addresses']}
    if one.get('protocol') == 'kernel' or not (alone or lost_source):
        words[3] = 'append'
    elif alone and (lost_source or not snapshots.of_daemon(one)):
        words[3] = 'replace'
    elif alone:
        words[3] = 'add'
    else:
        steps.add_function(*_anew('-6', one, 'append'))
        return
    if 'expires' in one:
        steps.add_function(
            'left=$(left %d)' % one['expires'],
            '[ "$left" -gt 0 ] || return 0',
            '%s expires "$left"' % shlex.join(words))
    else:
        steps.add(*words)


def _routes4(alike, before, steps):
    """Add steps for routes of which the first one wins.

    Who still stands, on a NIC that is not hurt, is not touched.
    """
    ahead = [one for one in alike if one.get('wins')]
    for one in alike:
        if not _lost(one, before):
            continue
        steps.add_function(*_anew(
            '-4', one, 'prepend' if one in ahead else 'append'))


def _lost(route, before):
    return any(leg.get('dev') in before['devices']
               for leg in snapshots.legs(route))


def _anew(family, one, how):
    words = shlex.join(_route(one))
    return ('ip %s route delete %s 2>/dev/null' % (family, words),
            'ip %s route %s %s' % (family, how, words))


def _route(one):
    _refuse_unknown(one, _ROUTE_KNOWN, 'route %s' % one['dst'])
    words = [] if one.get('type', 'unicast') == 'unicast' else [one['type']]
    words.append(one['dst'])
    for name, word in _ROUTE_WORDS:
        if name in one and not (name == 'scope' and one['family'] == 6):
            words.extend((word, str(one[name])))
    for metrics in one.get('metrics', ()):
        words.extend(_metrics(one, metrics))
    if 'nhid' in one:
        # The object has the way; what is shown beside it is a copy.
        return words
    if 'nexthops' not in one:
        return [*words, *_way(one)]
    for leg in one['nexthops']:
        _refuse_unknown(leg, _LEG_KNOWN, 'route %s' % one['dst'])
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
    """Add steps that take away what the kernel makes and nobody wanted.

    With an address it makes the route of its prefix, also where somebody has
    deleted that.
    """
    there = {(one['family'], one['dst'], one.get('dev'))
             for one in before['routes'] if one.get('protocol') == 'kernel'}
    done = set()
    for one in before['addresses']:
        if one.get('noprefixroute') or one.get('secondary') or (
                one.get('address')):
            continue
        network = ipaddress.ip_interface('%s/%d' % (
            one['local'], one['prefixlen'])).network
        family = network.version
        key = family, str(network), one['dev']
        if network.prefixlen == network.max_prefixlen or key in done | there:
            continue
        if one.get('dynamic'):
            continue
        done.add(key)
        steps.add_function(
            'ip -%d route delete %s dev %s proto kernel 2>/dev/null' % (
                family, network, shlex.quote(one['dev'])), 'return 0')


def _rules(before, steps):
    # A NIC that goes down takes no rule with it; who manages the network may.
    for one in before['rules']:
        if not set(one) - _RULE_KNOWN:
            steps.add('ip', '-%d' % one['family'], 'rule', 'add',
                      *_rule(one))


def _rule(one):
    words = ['not'] if 'not' in one else []
    for name, word in (('src', 'from'), ('dst', 'to')):
        if name in one:
            length = one.get(name + 'len')
            words.extend((word, one[name] if length is None
                          else '%s/%s' % (one[name], length)))
    if 'fwmark' in one:
        words.extend(('fwmark', one['fwmark'] + (
            '/' + one['fwmask'] if 'fwmask' in one else '')))
    for name in ('sport', 'dport'):
        if name in one:
            words.extend((name, str(one[name])))
        elif name + '_start' in one:
            words.extend((name, '%s-%s' % (
                one[name + '_start'], one[name + '_end'])))
    if 'uid_start' in one:
        words.extend(('uidrange', '%s-%s' % (
            one['uid_start'], one['uid_end'])))
    for name, word in _RULE_WORDS:
        if name in one and one[name] != 'unspec':
            words.extend((word, str(one[name])))
    if 'l3mdev' in one:
        words.append('l3mdev')
    if 'action' in one:
        words.append(one['action'])
    return words


def _neighbours(before, steps):
    for one in before['neighbours']:
        if 'proxy' in one:
            steps.add('ip', 'neighbour', 'replace', 'proxy', one['dst'],
                      'dev', one['dev'])
            continue
        words = [one['dst'], *(('lladdr', one['lladdr'])
                               if 'lladdr' in one else ()), 'dev', one['dev']]
        words.extend(flag for flag in ('router', 'extern_learn')
                     if flag in one)
        steps.add('ip', 'neighbour', 'replace', *words, 'nud',
                  one['state'][0].lower())


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
        found = [one for one in before['addresses']
                 if one['dev'] == link['ifname'] and one['family'] == 'inet6'
                 and one.get('scope') == 'link']
        own = _of_hardware(link.get('address') or '')
        if any(one.get('stable-privacy') or one['local'] == own
               for one in found):
            continue
        wanted = '|'.join('%s/%d' % (one['local'], one['prefixlen'])
                          for one in found) or "''"
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


def _refuse_unknown(one, known, what):
    unknown = sorted(set(one) - known)
    if unknown:
        raise Unknown('%s has %s, which cannot be put back' % (
            what, ', '.join(unknown)))
