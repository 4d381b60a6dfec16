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

"""The network of a host before and after a fault, on the real kernel.

This kernel has neither VLANs nor dummies: bridges, macvlans and VXLANs stand
on the NICs here.
"""

import copy
import difflib
import json
import re
import threading

import testtools

from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import lifecycle
from self_healing_tempest_plugin.faults import restoring
from self_healing_tempest_plugin.faults import snapshots
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.tests.unit import namespaces
from self_healing_tempest_plugin.tests.unit import test_lifecycle
from self_healing_tempest_plugin.tests.unit import test_plans
from self_healing_tempest_plugin import waiting

# What eth0 and eth1 have in every test: lines for the shell.
BASE = """
ip address add 198.51.100.5/24 dev eth0
ip -6 address add fd00:2::5/64 dev eth0
ip address add 192.0.2.5/24 dev eth1
ip -6 address add fd00:1::5/64 dev eth1
"""

# Until the kernel is sure of its addresses.
READY = """
while ip -6 -oneline address | grep -q tentative; do sleep 0.05; done
"""

# What a fault takes away and must bring back, by a name: lines for the shell.
# Where the name ends in a NIC, or two, these are hurt; else eth1 is.
INPUTS = {
    'plain route': 'ip route add 10.1.0.0/16 via 192.0.2.1',
    'default route with a metric':
        'ip route add default via 192.0.2.1 metric 100',
    'onlink': 'ip route add 10.1.0.0/16 via 10.77.0.1 dev eth1 onlink',
    'gateway by another route': 'ip route add 10.77.0.1 dev eth1; '
        'ip route add 10.1.0.0/16 via 10.77.0.1',
    'source of IPv4': 'ip address add 192.0.2.6/24 dev eth1; '
        'ip route add 10.1.0.0/16 via 192.0.2.1 src 192.0.2.6',
    'source of IPv6':
        'ip -6 route add fd00:70::/64 via fd00:1::1 src fd00:1::5',
    'source of IPv6 on the other NIC': 'ip -6 route add fd00:70::/64 '
        'via fd00:2::1 dev eth0 src fd00:1::5',
    'several addresses of IPv6': 'for i in 6 7 8 9; do ip -6 address add '
        'fd00:1::$i/64 dev eth1; done',
    'address without the route of its prefix':
        'ip -6 address add fd00:9::1/64 dev eth1 noprefixroute; '
        'ip address add 10.2.0.1/24 dev eth1 noprefixroute',
    'that route, made by a network manager': 'ip address add 10.2.0.1/24 '
        'dev eth1 noprefixroute; ip route add 10.2.0.0/24 dev eth1 '
        'proto kernel scope link src 10.2.0.1 metric 101',
    'prefix whose route was deleted': 'ip -6 route del fd00:1::/64 dev eth1; '
        'ip route del 192.0.2.0/24 dev eth1',
    'peer addresses': 'ip address add 10.1.1.1 peer 10.1.1.2/32 dev eth1; '
        'ip -6 address add fd00:9::1 peer fd00:9::2/128 dev eth1',
    'address with a lifetime': 'ip -6 address add fd00:8::1/64 dev eth1 '
        'valid_lft 300 preferred_lft 200; ip -6 address add fd00:8::2/64 '
        'dev eth1 valid_lft 300 preferred_lft 0',
    'deprecated address':
        'ip -6 address add fd00:8::1/64 dev eth1 preferred_lft 0',
    'address with a label and a metric':
        'ip address add 10.3.0.1/24 dev eth1 label eth1:x metric 50; '
        'ip -6 address add fd00:8::1/64 dev eth1 metric 51',
    'address without search for duplicates':
        'ip -6 address add fd00:8::1/64 dev eth1 nodad',
    'local address by hand': 'ip -6 address flush dev eth1 scope link; '
        'ip -6 address add fe80::5/64 dev eth1',
    'local address of the scope of a site':
        'ip -6 address add fec0::5/64 dev eth1',
    'nexthop object': 'ip nexthop add id 5 via 192.0.2.9 dev eth1; '
        'ip route add 10.1.0.0/16 nhid 5',
    'nexthop object of IPv6': 'ip nexthop add id 8 via fd00:1::9 dev eth1; '
        'ip -6 route add fd00:70::/64 nhid 8',
    'nexthop object as FRR makes it': 'ip nexthop add id 30 via 192.0.2.9 '
        'dev eth1 proto zebra; ip route add 10.1.0.0/16 nhid 30 proto bgp '
        'metric 20',
    'group of nexthops': 'ip nexthop add id 5 via 192.0.2.9 dev eth1; '
        'ip nexthop add id 6 via 198.51.100.9 dev eth0; '
        'ip nexthop add id 7 group 5,3/6; ip route add 10.1.0.0/16 nhid 7',
    'group that loses all': 'ip nexthop add id 5 via 192.0.2.9 dev eth1; '
        'ip nexthop add id 6 via 192.0.2.8 dev eth1; '
        'ip nexthop add id 7 group 5/6; ip route add 10.1.0.0/16 nhid 7',
    'resilient group': 'ip nexthop add id 5 via 192.0.2.9 dev eth1; '
        'ip nexthop add id 6 via 198.51.100.9 dev eth0; ip nexthop add '
        'id 7 group 5/6 type resilient buckets 8 idle_timer 60; '
        'ip route add 10.1.0.0/16 nhid 7',
    'group of IPv6': 'ip nexthop add id 8 via fd00:1::9 dev eth1; '
        'ip nexthop add id 9 via fd00:2::9 dev eth0; '
        'ip nexthop add id 10 group 8/9; '
        'ip -6 route add fd00:70::/64 nhid 10',
    'two ways': 'ip route add 10.1.0.0/16 nexthop via 192.0.2.1 weight 2 '
        'nexthop via 198.51.100.1',
    'two ways by one NIC': 'ip route add 10.1.0.0/16 '
        'nexthop via 192.0.2.1 weight 2 nexthop via 192.0.2.2 weight 5',
    'two ways of IPv6': 'ip -6 route add fd00:70::/64 nexthop via '
        'fd00:1::1 weight 2 nexthop via fd00:2::1',
    'two ways onlink': 'ip route add 10.1.0.0/16 nexthop via 10.77.0.1 '
        'dev eth1 onlink nexthop via 10.78.0.1 dev eth0 onlink',
    'gateway of the other family':
        'ip route add 10.1.0.0/16 via inet6 fd00:1::3 dev eth1',
    'gateway that is local': 'ip -6 route add default via fe80::1 dev eth1',
    'tables and rules': 'ip route add default via 192.0.2.1 table 77; '
        'ip rule add from 192.0.2.0/24 lookup 77; ip rule add iif eth1 '
        'fwmark 0x1/0xff lookup 78; ip -6 rule add oif eth1 lookup 80 '
        'suppress_prefixlength 0; ip rule add not from 10.0.0.0/8 ipproto '
        'tcp dport 80-90 lookup 77',
    'metrics of a route': 'ip route add 10.1.0.0/16 via 192.0.2.1 mtu lock '
        '1400 advmss 1300 initcwnd 20; ip -6 route add fd00:70::/64 '
        'via fd00:1::1 mtu 1400 pref high',
    'type of service': 'ip route add 10.1.0.0/16 tos 0x10 via 192.0.2.1; '
        'ip route add 10.1.0.0/16 via 192.0.2.2',
    'protocol with a number only':
        'ip route add 10.1.0.0/16 via 192.0.2.1 proto 196',
    'local prefix': 'ip route add local 10.66.0.0/24 dev eth1',
    'route that ends': 'ip -6 route add fd00:70::/64 via fd00:1::1 '
        'expires 300',
    'alike, the lost one first': 'ip route add 10.1.0.0/16 via 192.0.2.1; '
        'ip route append 10.1.0.0/16 via 198.51.100.1',
    'alike, the lost one last': 'ip route add 10.1.0.0/16 via 198.51.100.1; '
        'ip route append 10.1.0.0/16 via 192.0.2.1',
    'alike but for the metric': 'for m in 1 2 3; do ip route add '
        '10.1.0.0/16 via 192.0.2.$m metric $m; ip -6 route add '
        'fd00:70::/64 via fd00:1::$m metric $m; done',
    'one subnet on both NICs': 'ip address add 198.51.100.6/24 dev eth1',
    'neighbours': 'ip neighbour add 192.0.2.7 lladdr 02:00:00:00:00:01 dev '
        'eth1 nud permanent; ip -6 neighbour add fd00:1::7 lladdr '
        '02:00:00:00:00:02 dev eth1 nud permanent router; ip neighbour add '
        '192.0.2.8 lladdr 02:00:00:00:00:03 dev eth1 nud noarp',
    'proxies': 'ip neighbour add proxy 192.0.2.7 dev eth1; '
        'ip -6 neighbour add proxy fd00:1::7 dev eth1',
    'bridge on it': 'ip link add br0 type bridge; ip address flush dev eth1; '
        'ip link set eth1 master br0; ip link set br0 up; '
        'ip address add 172.16.0.1/24 dev br0; ip -6 address add '
        'fd00:b::1/64 dev br0; ip route add 10.1.0.0/16 via 172.16.0.9; '
        'ip nexthop add id 11 via 172.16.0.9 dev br0; '
        'ip route add 10.2.0.0/16 nhid 11; ip -6 route add fd00:70::/64 '
        'via fd00:b::9 src fd00:b::1; ip neighbour add 172.16.0.7 lladdr '
        '02:00:00:00:00:01 dev br0 nud permanent',
    'macvlan on it': 'ip link add mv0 link eth1 type macvlan; '
        'ip link set mv0 up; ip address add 172.16.0.1/24 dev mv0; '
        'ip -6 address add fd00:b::1/64 dev mv0; '
        'ip route add 10.1.0.0/16 via 172.16.0.9',
    'macvlan that is down': 'ip link add mv0 link eth1 type macvlan',
    'VXLAN on it': 'ip link add vx0 type vxlan id 7 dev eth1 dstport 4789; '
        'ip link set vx0 up; ip address add 172.16.0.1/24 dev vx0; '
        'ip route add 10.1.0.0/16 via 172.16.0.9',
    'macvlan on a bridge on it': 'ip link add br0 type bridge; '
        'ip link set eth1 master br0; ip link set br0 up; ip link add mv0 '
        'link br0 type macvlan; ip link set mv0 up; '
        'ip -6 address add fd00:b::1/64 dev mv0; '
        'ip -6 route add fd00:70::/64 via fd00:b::9',
    'nexthop object of management, eth0 eth1':
        'ip nexthop add id 5 via 198.51.100.9 dev eth0; '
        'ip route add 10.1.0.0/16 nhid 5; '
        'ip -6 route add fd00:70::/64 via fd00:1::1 src fd00:1::5',
    'two ways by both, eth0 eth1': 'ip route add 10.1.0.0/16 '
        'nexthop via 192.0.2.1 nexthop via 198.51.100.1; '
        'ip -6 route add fd00:70::/64 nexthop via fd00:1::1 '
        'nexthop via fd00:2::1',
    'group over both, eth0 eth1': 'ip nexthop add id 5 via 192.0.2.9 '
        'dev eth1; ip nexthop add id 6 via 198.51.100.9 dev eth0; '
        'ip nexthop add id 7 group 5/6; ip route add 10.1.0.0/16 nhid 7',
}

_VOLATILE = re.compile(
    r'"(valid_life_time|preferred_life_time|expires|unbalanced_time)":\d+,?')

_ALL = ('address', '-4 route show table all', '-6 route show table all',
        '-4 rule', '-6 rule', 'nexthop', 'neighbour show nud permanent',
        'neighbour show proxy')


def all_of(namespace):
    """Return all that a host has: the judge, which knows nothing of faults.

    """
    # One process for all: it is asked often.
    done = namespace.run('set -e\n' + '\n'.join(
        'ip -j -d %s; printf "\\0"' % words for words in _ALL))
    if done.returncode:
        raise AssertionError(done.stderr)
    texts = _VOLATILE.sub('', done.stdout).replace(',}', '}').split('\0')
    listings = {words: json.loads(text.strip() or '[]')
                for words, text in zip(_ALL, texts[:-1], strict=True)}
    # Several of these are in no order.
    for words in list(listings)[2:]:
        for entry in listings[words]:
            if 'nexthops' in entry and words.startswith('-6'):
                entry['nexthops'].sort(key=str)
        listings[words].sort(key=str)
    for entry in listings['address']:
        entry['addr_info'].sort(key=str)
        # The timers of bridges.
        entry.pop('linkinfo', None)
    return listings


class NetworkTestCase(testtools.TestCase):
    """Two NICs in a namespace."""

    def two_nics(self, lines='', duplicates=False):
        """Return a new namespace.

        :param lines: for the shell, see :data:`INPUTS`
        :param duplicates: whether NICs search for duplicates of addresses
        """
        namespace = self.useFixture(namespaces.Namespace())
        if duplicates:
            namespace.search_duplicates()
        for nic in ('eth0', 'eth1'):
            namespace.add_nic(nic)
        # The kernel makes these a moment after the NICs are up.
        waiting.wait_for(
            lambda: namespace.ip('-6', '-oneline', 'address', 'show', 'scope',
                                 'link'), lambda text: text.count('\n') == 4,
            what='local addresses', timeout=5, interval=0.05)
        self.run_in(namespace, '\n'.join((
            'set -e', BASE, READY, lines, READY)))
        return namespace

    def run_in(self, namespace, script):
        done = namespace.run(script)
        self.assertEqual(0, done.returncode, done.stderr)

    def read(self, namespace):
        """Return what the host says of its network."""
        done = namespace.run(snapshots._READ)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def take(self, namespace, nics=('eth1',)):
        """Return a snapshot by way of JSON, as from a journal."""
        return json.loads(json.dumps(snapshots.take(
            nics, self.read(namespace))))

    def restore(self, namespace, before, by_host=()):
        """Run the lines that restore."""
        return namespace.run('repair() {\n%s\n}\nrepair' % restoring.lines(
            before, by_host))

    def down(self, namespace, nics):
        for nic in nics:
            namespace.ip('link', 'set', 'dev', nic, 'down')

    def settle(self, namespace, before):
        """Wait until the kernel is done with a NIC that went up."""
        return waiting.wait_for(
            lambda: snapshots.differences(before, self.read(namespace)),
            lambda differences: not differences, what='the network as before',
            timeout=8, interval=0.2)


class RestoringTest(NetworkTestCase):
    """faults.restoring and faults.snapshots."""

    def assert_restored(self, name, lines):
        """Take NICs down, see that this shows, and put all back, twice."""
        namespace = self.two_nics(lines)
        nics = re.findall(r'\beth\d', name) or ['eth1']
        before, all_before = self.take(namespace, nics), all_of(namespace)
        self.assertEqual([], snapshots.differences(
            before, self.read(namespace)), name)
        self.down(namespace, nics)
        self.assertNotEqual([], snapshots.differences(
            before, self.read(namespace)), name)
        for _ in range(2):
            done = self.restore(namespace, before)
            self.assertEqual((0, ''), (done.returncode, done.stderr), name)
            self.settle(namespace, before)
            self.assert_same(all_before, namespace, name)

    def assert_same(self, before, namespace, name=''):
        # The kernel is done with an address a moment after it was added.
        waiting.wait_for(
            lambda: self.changes(before, all_of(namespace)),
            lambda text: not text, what=name, timeout=5, interval=0.1)

    def changes(self, before, after):
        old, new = (json.dumps(snapshot, indent=1, sort_keys=True).splitlines()
                    for snapshot in (before, after))
        return '\n'.join(difflib.unified_diff(old, new, lineterm=''))

    def test_duplicates_are_searched_for(self):
        """The search is not waited for: the routes come with the address."""
        namespace = self.two_nics(
            INPUTS['source of IPv6'].replace(
                'ip -6 route', 'sleep 2.2; ip -6 route'), duplicates=True)
        # Not even as long as the search takes.
        self.patch(restoring, '_ROUNDS', 0)
        before, all_before = self.take(namespace), all_of(namespace)
        self.down(namespace, ['eth1'])
        done = self.restore(namespace, before)
        self.assertEqual((0, ''), (done.returncode, done.stderr))
        self.settle(namespace, before)
        self.assert_same(all_before, namespace)

    def test_one_that_cannot_come_back(self):
        """Such an address keeps nothing else away; the script fails."""
        namespace = self.two_nics(
            'ip route add 10.1.0.0/16 via 192.0.2.1; '
            'ip route add 10.2.0.0/16 via 198.51.100.1; '
            'ip -6 route add fd00:70::/64 via fd00:1::1')
        before = self.take(namespace, ('eth0', 'eth1'))
        self.down(namespace, ('eth0', 'eth1'))
        namespace.ip('address', 'del', '198.51.100.5/24', 'dev', 'eth0')
        for address in before['addresses']:
            if address['local'] == '198.51.100.5':
                address['dynamic'] = True
        self.patch(restoring, '_ROUNDS', 1)
        done = self.restore(namespace, before)
        self.assertEqual(1, done.returncode)
        self.assertIn('route replace 10.2.0.0/16', done.stderr)
        self.assertNotIn('10.1.0.0', done.stderr)
        left = snapshots.differences(before, self.read(namespace))
        self.assertTrue(all('198.51.100' in line for line in left), left)

    def test_one_nic_is_gone(self):
        """The other NIC comes back all the same."""
        namespace = self.two_nics(
            'ip route add 10.1.0.0/16 via 192.0.2.1')
        before = self.take(namespace, ('eth0', 'eth1'))
        self.down(namespace, ('eth1',))
        namespace.ip('link', 'delete', 'eth0')
        self.patch(restoring, '_ROUNDS', 1)
        done = self.restore(namespace, before)
        self.assertEqual(1, done.returncode)
        self.assertIn('eth0', done.stderr)
        left = snapshots.differences(before, self.read(namespace))
        self.assertTrue(left and all('eth0' in line or '198.51.100' in line
                                     or 'fd00:2:' in line for line in left),
                        left)

    def test_what_is_needed_comes_later(self):
        """The rounds go on until it is there."""
        namespace = self.two_nics('ip route add 10.1.0.0/16 via 192.0.2.1')
        before = self.take(namespace)
        self.down(namespace, ('eth1',))
        namespace.ip('address', 'del', '192.0.2.5/24', 'dev', 'eth1')
        later = copy.deepcopy(before)
        for address in later['addresses']:
            if address['local'] == '192.0.2.5':
                address['dynamic'] = True
        helper = threading.Timer(1, namespace.ip, (
            'address', 'add', '192.0.2.5/24', 'dev', 'eth1'))
        helper.start()
        done = self.restore(namespace, later)
        helper.join()
        self.assertEqual((0, ''), (done.returncode, done.stderr))
        self.settle(namespace, before)

    def test_daemon_was_faster(self):
        """A route of a daemon that is there again, by another object."""
        namespace = self.two_nics(INPUTS['nexthop object as FRR makes it'])
        before = self.take(namespace)
        self.down(namespace, ('eth1',))
        self.run_in(namespace, 'set -e; ip link set eth1 up; '
                    'ip -6 address add fd00:1::5/64 dev eth1; ip nexthop add '
                    'id 31 via 192.0.2.9 dev eth1 proto zebra; ip route add '
                    '10.1.0.0/16 nhid 31 proto bgp metric 20; ip route add '
                    '10.9.0.0/16 nhid 31 proto bgp metric 20')
        self.settle(namespace, before)
        done = self.restore(namespace, before)
        self.assertEqual((0, ''), (done.returncode, done.stderr))
        self.assertEqual([], snapshots.differences(
            before, self.read(namespace)))
        self.assertEqual(1, namespace.ip('route').count('10.1.0.0/16'))

    def test_what_is_left_shows(self):
        """Each kind of remains is a difference; both ways."""
        for name, lines in {
                'link': 'ip link set eth1 mtu 1400',
                'address': 'ip address add 192.0.2.9/24 dev eth1',
                'address gone': 'ip address del 192.0.2.5/24 dev eth1',
                'IPv6': 'ip -6 address del fd00:1::5/64 dev eth1',
                'duplicate': 'ip -6 address add fd00:1::6/64 dev eth1',
                'route': 'ip route add 10.9.0.0/16 via 192.0.2.1',
                'gateway': 'ip route replace 10.1.0.0/16 via 192.0.2.2',
                'metric': 'ip route add 10.1.0.0/16 via 192.0.2.1 metric 9',
                'mtu': 'ip route replace 10.1.0.0/16 via 192.0.2.1 mtu 999',
                'table': 'ip route add 10.1.0.0/16 via 192.0.2.1 table 5',
                'nexthop': 'ip nexthop add id 9 via 192.0.2.4 dev eth1',
                'rule': 'ip rule add iif eth1 lookup 7',
                'rule gone': 'ip rule del oif eth1 lookup 8',
                'neighbour': 'ip neighbour add 192.0.2.7 lladdr '
                             '02:00:00:00:00:01 dev eth1 nud permanent',
                'proxy': 'ip neighbour add proxy 192.0.2.7 dev eth1'}.items():
            namespace = self.two_nics('ip rule add oif eth1 lookup 8; '
                                      'ip route add 10.1.0.0/16 '
                                      'via 192.0.2.1')
            before = self.take(namespace)
            self.run_in(namespace, lines)
            self.assertNotEqual([], snapshots.differences(
                before, self.read(namespace)), name)

    def test_what_others_do_does_not(self):
        """Other NICs, what the kernel learns, and what daemons add."""
        namespace = self.two_nics()
        before = self.take(namespace)
        self.run_in(namespace, '\n'.join((
            'set -e', 'ip route add 10.1.0.0/16 via 198.51.100.1',
            'ip neighbour add 192.0.2.7 lladdr 02:00:00:00:00:01 dev eth1 '
            'nud stale', 'ip rule add from 10.0.0.0/8 lookup 99',
            'ip -6 route add default via fe80::9 dev eth1 proto ra',
            'ip route add 10.2.0.0/16 via 192.0.2.1 proto bgp',
            'ip -6 address add fd00:7::7/64 dev eth1 valid_lft 90 '
            'preferred_lft 90 mngtmpaddr')))
        self.assertEqual([], snapshots.differences(
            before, self.read(namespace)))

    def test_words_of_the_host(self):
        """Its own command does it, once for each NIC, and may fail."""
        namespace = self.two_nics('ip route add 10.1.0.0/16 via 192.0.2.1')
        before = self.take(namespace, ('eth0', 'eth1'))
        self.down(namespace, ('eth0', 'eth1'))
        own = ('ip', '-6', 'address', 'replace')
        done = self.restore(namespace, before, (
            (*own, 'fd00:2::5/64', 'dev', 'eth0'),
            (*own, 'fd00:1::5/64', 'dev', 'eth1')))
        self.assertEqual((0, ''), (done.returncode, done.stderr))
        left = snapshots.differences(before, self.read(namespace))
        self.assertTrue(left and all('10.1.0.0' in line for line in left),
                        left)
        self.patch(restoring, '_ROUNDS', 1)
        done = self.restore(namespace, before, (('false', "it's $x"),))
        self.assertEqual(1, done.returncode)
        self.assertIn("false it's $x", done.stderr)

    def test_addresses_end_in_time(self):
        """An address whose lifetime is over is neither restored nor missed."""
        namespace = self.two_nics('ip -6 address add fd00:8::1/64 dev eth1 '
                                  'valid_lft 300 preferred_lft 300')
        before = self.take(namespace)
        self.down(namespace, ('eth1',))
        before['up'] -= 400
        done = self.restore(namespace, before)
        self.assertEqual((0, ''), (done.returncode, done.stderr))
        self.assertNotIn('fd00:8::1', namespace.ip('address'))
        self.settle(namespace, before)

    def test_unknown(self):
        """A network that these lines could not put back is refused before."""
        namespace = self.two_nics('ip route add 10.1.0.0/16 via 192.0.2.1')
        for change in ({'encap': 'mpls'}, {'metrics': [{'rto_min': 200}]},
                       {'nexthops': [{'dev': 'eth1', 'encap': 'seg6',
                                      'flags': []}]}):
            before = self.take(namespace)
            before['routes'][-1].update(change)
            error = self.assertRaises(restoring.Unknown, restoring.lines,
                                      before)
            self.assertIn('cannot be put back', str(error))
            restoring.lines(before, (('true', 'eth1'),))

    def test_no_answer(self):
        """A text that is no answer is never taken for one."""
        good = json.loads(self.read(self.two_nics()))
        before = snapshots.take(('eth1',), json.dumps(good))
        for name, text in {
                'nothing': '', 'noise': 'Shell 1.0\n', 'list': '[]',
                'cut off': json.dumps(good)[:-5], 'number': '7',
                'a part is missing': json.dumps(
                    {key: good[key] for key in good if key != 'routes-6'}),
                'a part is none': json.dumps(dict(good, nexthops=None)),
                'noise before': 'hello\n' + json.dumps(good)}.items():
            self.assertRaises(snapshots.Unreadable, snapshots.differences,
                              before, text)
            self.assertRaises(snapshots.Unreadable, snapshots.take,
                              ('eth1',), text)
        error = self.assertRaises(snapshots.Unreadable, snapshots.take,
                                  ('eth1', 'eth7'), json.dumps(good))
        self.assertIn('no NIC eth7', str(error))


def _test(name, lines):
    def test(self):
        self.assert_restored(name, lines)

    test.__doc__ = 'Restored: %s.' % name
    return test


for _name, _lines in INPUTS.items():
    setattr(RestoringTest, 'test_restored_%s' % re.sub(
        r'\W+', '_', _name.lower()), _test(_name, _lines))


# Lines of a .bashrc, by what they do, and a word of the refusal.
START_UPS = {
    'prints': 'echo Shell started',
    'prints to nobody': 'echo to nobody >&2',
    'prints without an end of line': 'printf x',
    'prints at the end': "trap 'echo bye' EXIT",
    'prints an empty line': 'echo',
    'prints what looks like JSON': 'echo "{}"',
    'prints an escape': r"printf '\033[0m'",
    'prints another mark': 'echo answer-0123456789abcdef begin',
    'ends with a status of its own': "trap 'exit 7' EXIT",
    'is not to be used': 'alias ip=false; set -e',
    'has another printf': 'printf() { echo hi; }',
}

BAD_START_UPS = {
    'ends by itself': ('exit 0', 'it says nothing (exit status 0)'),
    'ends with an error': ('echo no way >&2; exit 7',
                           'no way (exit status 7)'),
    'reads all that is there': ('cat; exit 0', '(exit status 0)'),
    'has another shell': ('sh() { echo hi; }', 'hi (exit status 0)'),
    'has no programs': ('PATH=/nonexistent', 'exit status 127'),
}


class HostNetworkTest(test_plans.KindTestCase):
    """faults.nics over SSH, with the network of a real kernel."""

    def setUp(self):
        super().setUp()
        self.host.network.ip('nexthop', 'add', 'id', '5', 'via',
                             '198.51.100.9', 'dev', 'eth0')
        self.host.network.ip('route', 'add', '10.1.0.0/16', 'nhid', '5')
        self.host.network.ip('-6', 'route', 'add', 'fd00:70::/64', 'via',
                             'fd00:1::1', 'src', 'fd00:1::5')

    def isolated(self, seconds=60):
        """Return a plan whose fault is there, and all from before."""
        before = all_of(self.host.network)
        plan = self.make('host-isolated',
                         timeouts=self.times(host_timer=seconds))
        self.run_all((*plan.arm, *plan.inject))
        waiting.wait_for(
            lambda: not (self.host.nic('eth0')['up']
                         or self.host.nic('eth1')['up']),
            what='the NICs down', timeout=5, interval=0.05)
        return plan, before

    def assert_as_before(self, plan, before):
        waiting.wait_for(
            lambda: (lifecycle.unmet(plan, self.transports),
                     all_of(self.host.network) == before),
            lambda state: state == ((), True), what='all as before',
            timeout=15, interval=0.2)

    def test_revert(self):
        plan, before = self.isolated()
        self.run_all(plan.revert)
        self.assert_as_before(plan, before)
        self.run_all(plan.disarm)

    def test_timer_alone(self):
        plan, before = self.isolated(2)
        self.assert_as_before(plan, before)
        self.run_all((*plan.revert, *plan.disarm))
        self.assert_as_before(plan, before)

    def test_data_nic_comes_back_without_the_other(self):
        """Whatever cannot be restored of the management NIC."""
        self.patch(restoring, '_ROUNDS', 1)
        plan, _ = self.isolated()
        self.host.network.ip('link', 'delete', 'eth0')
        self.assertEqual(1, self.transports.run(
            plan.revert[0]).exit_status)
        nic = self.host.nic('eth1')
        self.assertTrue(nic['up'])
        self.assertIn('fd00:70::/64', '\n'.join(nic['routes-6']))
        text = '; '.join(lifecycle.unmet(plan, self.transports))
        self.assertIn('not so: network of host c1 is as before', text)
        self.assertIn('eth0', text)

    def test_shells(self):
        """What a shell says of its own is no answer of a command."""
        for name, line in START_UPS.items():
            self.host.start_up = line + '\n'
            plan = self.make('data-nic-down')
            self.assertEqual((), lifecycle.unmet(plan, self.transports), name)
            self.assertEqual(1, self.transports.run(
                self.target().ssh('false')).exit_status, name)

    def test_bad_shells(self):
        """One that runs nothing is refused, by every kind, before all."""
        kinds = ('data-nic-down', 'packets-dropped',
                 'compute-service-stopped')
        for name, (line, word) in BAD_START_UPS.items():
            self.host.start_up = line + '\n'
            for kind in kinds if name == 'ends by itself' else kinds[:1]:
                error = self.assertRaises(commands.Hopeless, self.make, kind)
                self.assertIn('host_ssh_user healer on host c1', str(error))
                self.assertIn(word, str(error), name)

    def test_route_that_cannot_be_rebuilt(self):
        """Refused, unless the host's own command does it."""
        self.host.network.ip('route', 'add', '10.5.0.0/16', 'via',
                             '192.0.2.1', 'rto_min', '200ms')
        error = self.assertRaises(commands.Hopeless, self.make,
                                  'data-nic-down')
        self.assertIn('route 10.5.0.0/16 has rto_min', str(error))
        self.assertIn('[self_healing] host_network_restore_command',
                      str(error))
        own = 'ip -6 address replace fd00:1::5/64 dev {nic}'
        plan = self.make('data-nic-down',
                         network=self.network(restore=tuple(own.split())))
        self.assertIn(own.format(nic='eth1'), plan.revert[0].stdin)
        self.assertNotIn('10.5.0.0', plan.revert[0].stdin)


class HostNetworkLifeTest(host_samples.HostTestCase,
                          test_lifecycle.LifeTestCase):
    """A whole life: verified is what is as before."""

    def test_not_verified(self):
        """A network that changed behind the fault keeps the entry open."""
        plan = test_lifecycle.kinds.KINDS['data-nic-down'](
            self.target(), self.transports)
        error = self.assertRaises(
            lifecycle.RevertFailed, self.live, plan,
            lambda: self.host.network.ip('neighbour', 'add', 'proxy',
                                         '192.0.2.9', 'dev', 'eth1'))
        self.assertIn('neighbour is new: dst 192.0.2.9 dev eth1', str(error))
        self.assertEqual('reverted', self.states()[-1])
        self.host.network.ip('neighbour', 'del', 'proxy', '192.0.2.9', 'dev',
                             'eth1')
        self.take_back(plan)
        self.assertEqual('verified', self.states()[-1])
