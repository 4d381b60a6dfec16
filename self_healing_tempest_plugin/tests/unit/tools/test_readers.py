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

"""What commands print on a host, as they print it."""

import testtools

from tools.lab.fingerprint import readers

LO = """[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],
"mtu":65536,"qdisc":"noqueue","operstate":"UNKNOWN","group":"default",
"txqlen":1000,"link_type":"loopback","address":"00:00:00:00:00:00",
"addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,
"scope":"host","label":"lo","valid_life_time":4294967295},
{"family":"inet6","local":"::1","prefixlen":128,"scope":"host"}]}]"""

ETH1 = """[{"ifindex":3,"ifname":"eth1","flags":["BROADCAST","MULTICAST",
"UP"],"mtu":1500,"master":"ovs-system","operstate":"DOWN",
"address":"02:00:00:02:00:01","addr_info":[
{"family":"inet","local":"10.78.0.11","prefixlen":24,"scope":"global"},
{"family":"inet6","local":"fe80::2:ff:fe02:1","prefixlen":64,
"scope":"link"}]}]"""

ROUTES = """[{"dst":"10.78.0.0/24","dev":"eth1","protocol":"kernel",
"scope":"link","prefsrc":"10.78.0.11","flags":[]}]"""

ROUTES6 = """[{"dst":"fe80::/64","dev":"eth1","protocol":"kernel",
"metric":256,"flags":[],"pref":"medium"},
{"type":"local","dst":"fe80::2:ff:fe02:1","dev":"eth1","table":"local",
"protocol":"kernel","metric":0,"flags":[],"pref":"medium"},
{"dst":"default","gateway":"fe80::1","dev":"eth0","protocol":"ra",
"metric":1024,"flags":[],"expires":1790,"pref":"medium"}]"""

NEIGHBOUR = """[{"dst":"10.78.1.254","dev":"eth1",
"lladdr":"02:00:00:00:78:fe","used":%d,"confirmed":12,"probes":1,
"state":["PERMANENT"]}]"""

QDISCS = """\
qdisc noqueue 0: dev lo root refcnt 2
qdisc mq 0: dev eth0 root refcnt 3
qdisc fq_codel %s: dev eth0 parent :1 limit 10240p flows 1024
"""

RULESET = """\
table inet filter {
    chain input {
        type filter hook input priority filter; policy accept;
        ip saddr 10.77.0.1 drop
        ip saddr 10.77.0.1 drop
    }

    chain output {
        ip saddr 10.77.0.1 drop
    }
}
""".replace('    ', '\t')

PROCESSES = """\
Ss   /usr/sbin/ovs-vswitchd --pidfile
Tl   /opt/venv/bin/nova-compute
Tl   /opt/venv/bin/nova-compute
S    /usr/bin/sh /run/self-healing-timer-7f
S    sleep infinity self-healing-9c
S    vi my-self-healing-notes
"""


def read(section, text):
    """Return what comes of a command's output."""
    return readers.READERS[section](text)


class LinksTest(testtools.TestCase):
    """``ip -j -d address``."""

    def test_link(self):
        self.assertEqual({'lo': {
            'up': True, 'carrier': True, 'mtu': 65536, 'master': None,
            'mac': '00:00:00:00:00:00',
            'addresses': {'127.0.0.1/8': 'host', '::1/128': 'host'}},
        }, read('links', LO))

    def test_without_carrier(self):
        """Link-local addresses do not count: they are made of the MAC."""
        self.assertEqual({
            'up': True, 'carrier': False, 'mtu': 1500,
            'master': 'ovs-system', 'mac': '02:00:00:02:00:01',
            'addresses': {'10.78.0.11/24': 'global'},
        }, read('links', ETH1)['eth1'])

    def test_address_that_is_made_up(self):
        """Open vSwitch makes up one at each start."""
        links = read('links', LO.replace('"lo",', '"ovs-netdev",', 1))
        self.assertIsNone(links['ovs-netdev']['mac'])


class RoutesTest(testtools.TestCase):
    """``ip -j route``, ``rule``, ``nexthop`` and ``neigh``."""

    def test_both_families(self):
        """Two documents, one for each; what comes by itself is left out."""
        self.assertEqual({
            '{"dev": "eth1", "dst": "10.78.0.0/24", "flags": [], '
            '"prefsrc": "10.78.0.11", "protocol": "kernel", '
            '"scope": "link"}': 1,
            '{"dev": "eth1", "dst": "fe80::/64", "flags": [], '
            '"metric": 256, "pref": "medium", "protocol": "kernel"}': 1,
            '{"dev": "eth0", "dst": "default", "flags": [], '
            '"gateway": "fe80::1", "metric": 1024, "pref": "medium", '
            '"protocol": "ra"}': 1,
        }, read('routes', ROUTES + '\n' + ROUTES6))

    def test_nothing(self):
        """Some versions of ip print nothing, others objects without keys."""
        for text in ('', '\n', '[]\n[]', '[{},{}]\n[]'):
            self.assertEqual({}, read('routes', text), text)
            self.assertEqual({}, read('nexthops', text), text)

    def test_twice(self):
        rule = '{"priority":1078,"src":"10.78.1.1","table":"78"}'
        self.assertEqual(
            {'{"priority": 1078, "src": "10.78.1.1", "table": "78"}': 2},
            read('rules', '[%s,%s]' % (rule, rule)))

    def test_order_of_keys(self):
        """The order of keys is no part of a rule."""
        self.assertEqual(read('rules', '[{"a":1,"b":2}]'),
                         read('rules', '[{"b":2,"a":1}]'))

    def test_neighbour(self):
        """When it was used last is no property of it; its address is."""
        before = read('neighbours', NEIGHBOUR % 3)
        self.assertEqual(before, read('neighbours', NEIGHBOUR % 4711))
        self.assertNotEqual(before, read(
            'neighbours', (NEIGHBOUR % 3).replace('78:fe', '78:ff')))


class LinesTest(testtools.TestCase):
    """What no command prints as JSON."""

    def test_qdiscs(self):
        """Without the numbers that the kernel hands out."""
        self.assertEqual({
            'qdisc noqueue dev lo root': 1, 'qdisc mq dev eth0 root': 1,
            'qdisc fq_codel dev eth0 parent :1 limit 10240p flows 1024': 1,
        }, read('qdiscs', QDISCS % '8001'))
        self.assertEqual(read('qdiscs', QDISCS % '0'),
                         read('qdiscs', QDISCS % '8002'))

    def test_netem(self):
        """A queue that loses packets is another one."""
        netem = 'qdisc netem 8003: dev eth1 root refcnt 2 limit 1000 loss %s'
        self.assertNotEqual(read('qdiscs', netem % '100%'),
                            read('qdiscs', netem % '10%'))

    def test_ruleset(self):
        """A rule belongs to its chain, and counts."""
        table, drop = 'table inet filter {', 'ip saddr 10.77.0.1 drop'
        self.assertEqual({
            table: 1,
            '%s chain input {' % table: 1,
            '%s chain input { type filter hook input priority filter; '
            'policy accept;' % table: 1,
            '%s chain input { %s' % (table, drop): 2,
            '%s chain output {' % table: 1,
            '%s chain output { %s' % (table, drop): 1,
        }, read('nftables', RULESET))

    def test_two_tables(self):
        """The end of one is not in the next."""
        rules = read('nftables', RULESET + 'table ip nat {\n}\n')
        self.assertEqual(1, rules['table ip nat {'])

    def test_processes(self):
        """Processes that are stopped, and those of the plugin."""
        self.assertEqual({
            'stopped': {'/opt/venv/bin/nova-compute': 2},
            'own': {'/usr/bin/sh /run/self-healing-timer-7f': 1,
                    'sleep infinity self-healing-9c': 1},
        }, read('processes', PROCESSES))

    def test_files(self):
        self.assertEqual({}, read('files', ''))
        self.assertEqual({'/run/self-healing-7f': 1},
                         read('files', '/run/self-healing-7f\n'))

    def test_bridges(self):
        """OVN makes and drops pairs of patch ports when it comes to it."""
        self.assertEqual(
            {'br-ex': {'eth1': 1}, 'br-int': {'tap1': 1, 'tap2': 1},
             'br-tun': {}},
            read('bridges', 'br-ex eth1 patch-provnet-1-to-br-int\n'
                            'br-int patch-br-int-to-provnet-1 tap1 tap2\n'
                            'br-tun\n'))

    def test_queues(self):
        self.assertEqual(
            {'p1.queues_set': {'p1.q1': 1, 'p1.q2': 1}},
            read('queues', 'p1.queues_set p1.q1 p1.q2\n'))

    def test_domains(self):
        self.assertEqual({'u-1': 'running', 'u-2': 'shut off'}, read(
            'domains', 'u-1 running\nu-2 shut off\n'))
