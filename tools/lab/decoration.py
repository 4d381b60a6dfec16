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

"""More network than the hosts of the lab have, as hosts elsewhere have it.

More addresses, routes by nexthop objects and over several of them, routes
with a source, rules, neighbours, and a link that is stacked on the data NIC:
a VLAN where the kernel has them, else a bridge on a macvlan. All of it is
gone when the host loses its power.
"""

import contextlib

from tools.lab import errors

#: How a fault on a NIC may find a host. Each line may fail where the kernel
#: lacks something, but for those that begin with "+".
LINES = """
+ip address add 10.78.1.{n}/24 dev {data}
+ip address add 10.78.1.1{n}/24 dev {data}
+ip address add 10.78.2.{n}/32 dev {data} scope link
+ip address add fd00:78::{n}/64 dev {data} nodad
+ip address add fd00:78::1{n}/64 dev {data} nodad
+ip address add 10.77.1.{n}/24 dev {management}
+ip address add fd00:77::{n}/64 dev {management} nodad
+ip -6 route add fd00:99::/64 via fd00:78::fe dev {data} src fd00:78::1{n}
+ip -6 route add fd00:98::/64 via fd00:77::fe dev {management} \
src fd00:77::{n}
+ip route add 198.18.1.0/24 via 10.78.1.254 dev {data} src 10.78.1.1{n} \
metric 7
ip nexthop add id 7801 via 10.78.1.254 dev {data}
ip nexthop add id 7701 via 10.77.1.254 dev {management}
ip route add 198.18.2.0/24 nhid 7801
ip route add 198.18.3.0/24 nhid 7701
+ip route add 198.18.4.0/24 nexthop via 10.78.1.253 dev {data} weight 1 \
nexthop via 10.78.1.254 dev {data} weight 3
+ip route add 198.18.5.0/24 nexthop via 10.78.1.254 dev {data} \
nexthop via 10.77.1.254 dev {management}
+ip route add 198.18.6.0/24 via 10.78.1.254 dev {data} table 78
+ip rule add from 10.78.1.{n} lookup 78 priority 1078
+ip neighbour replace 10.78.1.254 lladdr 02:00:00:00:78:fe dev {data} \
nud permanent
+ip neighbour replace fd00:78::fe lladdr 02:00:00:00:78:fe dev {data} \
nud permanent
"""
VLAN = """
+ip link add link {data} name deco7 type vlan id 7
+ip address add 10.78.7.{n}/24 dev deco7
+ip link set deco7 up
"""
BRIDGE = """
+ip link add link {data} name deco7m type macvlan mode private
+ip link add deco7 address 02:00:00:07:00:0{n} type bridge
+ip link set deco7m master deco7
+ip address add 10.78.7.{n}/24 dev deco7
+ip link set deco7m up
+ip link set deco7 up
"""
STACKED = """
+ip route add 198.18.7.0/24 via 10.78.7.254 dev deco7
"""
#: The links take their addresses and routes with them, and the rest goes by
#: itself with the addresses.
AWAY = """
ip link delete deco7
ip link delete deco7m
ip rule delete priority 1078
ip neighbour delete 10.78.1.254 dev {data}
ip neighbour delete fd00:78::fe dev {data}
ip route flush table 78
ip -6 route delete fd00:99::/64
ip -6 route delete fd00:98::/64
ip route delete 198.18.1.0/24 metric 7
ip route delete 198.18.2.0/24
ip route delete 198.18.3.0/24
ip route delete 198.18.4.0/24
ip route delete 198.18.5.0/24
ip nexthop delete id 7801
ip nexthop delete id 7701
ip address delete 10.78.1.1{n}/24 dev {data}
ip address delete 10.78.1.{n}/24 dev {data}
ip address delete 10.78.2.{n}/32 dev {data}
ip address delete fd00:78::{n}/64 dev {data}
ip address delete fd00:78::1{n}/64 dev {data}
ip address delete 10.77.1.{n}/24 dev {management}
ip address delete fd00:77::{n}/64 dev {management}
"""

MANAGEMENT, DATA = 'eth0', 'eth1'


@contextlib.contextmanager
def decorated(lab):
    """Give the compute hosts of a lab more network, and take it away again.

    :param lab: :class:`.labs.Lab`
    :raises LabError: when a host lacks what it needs for that
    """
    with contextlib.ExitStack() as undo:
        for number, host in enumerate(lab.compute_hosts, 1):
            undo.callback(_run, lab, host, AWAY, number)
            stacked = VLAN if _has_vlan(lab, host) else BRIDGE
            _run(lab, host, LINES + stacked + STACKED, number)
        yield


def _has_vlan(lab, host):
    return not lab.entered(host, 'sh', '-c', (
        'ip link add link lo name deco8 type vlan id 8 && '
        'ip link delete deco8')).returncode


def _run(lab, host, lines, number):
    for line in lines.strip().splitlines():
        needed, line = line.startswith('+'), line.removeprefix('+').format(
            n=number, management=MANAGEMENT, data=DATA)
        done = lab.entered(host, 'sh', '-c', line)
        if needed and done.returncode:
            raise errors.LabError('%s: %s: %s' % (
                host, line, done.stderr.strip()))
