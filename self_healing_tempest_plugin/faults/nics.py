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

"""A host loses one of its NICs, or both, or one for a moment."""

import shlex

from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import plan
from self_healing_tempest_plugin.faults import targets
from self_healing_tempest_plugin.faults import timers

# Words of a route or address that say what the kernel found out by itself.
_NOT_OURS = ('proto kernel', 'proto ra', 'expires', 'table local', 'dynamic')

# What shows among the flags of "ip link" while a NIC is up.
_UP = r'[<,]UP[,>]'

_OPTIONS = ('[self_healing] host_management_nic, host_data_nic and '
            'host_data_addresses')

# The SSH session ends before the NIC that carries it does.
_HEAD_START = 0.3


def data_nic_down(target, transports):
    """Plan to take down the NIC that the servers' network goes through.

    :param target: :class:`.targets.Target`
    :param transports: :class:`.transports.Transports`, for the routes that
        must be put back
    :returns: :class:`.plan.Plan`
    """
    nic = _data_nic(target)
    restore = _restore(target, nic, transports)
    fault_id = plan.new_id()
    return _plan(
        target, fault_id, 'data-nic-down', 'data NIC %s of host %s down' % (
            nic, target.host), (nic,), restore,
        inject=target.ssh('ip', 'link', 'set', 'dev', nic, 'down'),
        witnesses=(_link(target, nic, False), *_pings(target, False)),
        checks=(_link(target, nic), *_pings(target)))


def data_nic_blip(target, transports):
    """Plan to take that NIC down for a moment that no monitor minds.

    The host ends it by itself, so that it does not last longer because the
    runner is slow. What is left of it is the count of the kernel.
    """
    nic, seconds = _data_nic(target), target.settings.timeouts.blip
    restore = _restore(target, nic, transports)
    count = target.ssh('cat', '/sys/class/net/%s/carrier_changes' % nic)
    before = _output(transports, count).strip()
    return _plan(
        target, plan.new_id(), 'data-nic-blip',
        'data NIC %s of host %s down for %g s' % (nic, target.host, seconds),
        (nic,), restore,
        inject=target.ssh('sh', '-c', 'ip link set dev %s down && '
                          'sleep %g; %s' % (nic, seconds, restore)),
        witnesses=(plan.Check('link of NIC %s has changed' % nic, count,
                              r'\A(?!%s\s*\Z)' % before),),
        checks=(_link(target, nic), *_pings(target)))


def management_nic_down(target, transports):
    """Plan to take down the NIC that also carries SSH.

    The timer on the host is the only way back.
    """
    nic = _management_nic(target)
    restore = _restore(target, nic, transports)
    return _plan(
        target, plan.new_id(), 'management-nic-down',
        'management NIC %s of host %s down' % (nic, target.host), (nic,),
        restore, inject=_cut_off(target, nic),
        witnesses=(target.alive(False),),
        checks=(target.alive(), _link(target, nic)))


def host_isolated(target, transports):
    """Plan to take down both NICs: the host lives on, and nobody sees it.

    The timer on the host is the only way back.
    """
    nics = (_management_nic(target), _data_nic(target))
    restore = ' && '.join(_restore(target, nic, transports) for nic in nics)
    return _plan(
        target, plan.new_id(), 'host-isolated',
        'host %s without its NICs %s and %s' % (target.host, *nics), nics,
        restore, inject=_cut_off(target, *nics),
        witnesses=(target.alive(False), *_pings(target, False)),
        checks=(target.alive(), *(_link(target, nic) for nic in nics),
                *_pings(target)))


def _plan(target, fault_id, kind, description, nics, restore, *, inject,
          witnesses, checks):
    return plan.Plan(
        id=fault_id, kind=kind, host=target.host, description=description,
        look_at='%s, and NIC %s of host %s' % (
            _OPTIONS, ' and '.join(nics), target.host),
        checks=checks, inject=(inject,), witnesses=witnesses,
        revert=(target.ssh('sh', '-c', restore),),
        **timers.second_reverter(fault_id, target, restore))


def _data_nic(target):
    return targets.needed(target.settings.network.data_nic, 'host_data_nic')


def _management_nic(target):
    return targets.needed(target.settings.network.management_nic,
                          'host_management_nic')


def _cut_off(target, *nics):
    down = ' && '.join('ip link set dev %s down' % nic for nic in nics)
    return target.ssh('sh', '-c', 'setsid sh -c %s </dev/null >/dev/null '
                      '2>&1 &' % shlex.quote('sleep %g; %s' % (
                          _HEAD_START, down)))


def _link(target, nic, holds=True):
    return plan.Check(
        'NIC %s of %s is %s' % (nic, target.host, 'up' if holds else 'down'),
        target.ssh('ip', '-oneline', 'link', 'show', 'dev', nic), _UP, holds)


def _pings(target, holds=True):
    """Return the check by a neighbour, where there is one and an address."""
    address = target.settings.network.data_addresses.get(target.host)
    if not address or not target.peers:
        return ()
    ping = target.peer_ssh('ping', '-n', '-c', '1', '-W', '1', address)
    return (plan.Check('%s %s a ping of %s' % (
        address, 'answers' if holds else 'does not answer', ping.target),
        ping, holds=holds),)


def _restore(target, nic, transports):
    """Return the line that puts a NIC back as it is now.

    A NIC that goes down loses its routes but those of its own addresses, and
    the addresses of IPv6.
    """
    lines = ['ip link set dev %s up' % nic]
    show = ('ip', '-6', '-oneline', 'address', 'show', 'scope', 'global',
            'permanent', 'dev', nic)
    for line in _lines(target, transports, show):
        address = line.split()[3]
        lines.append('ip -6 address replace %s dev %s' % (address, nic))
    for family in ('-4', '-6'):
        show = ('ip', family, 'route', 'show', 'table', 'all', 'dev', nic)
        # A gateway must be on a link already, so such routes come last.
        for route in sorted(_lines(target, transports, show),
                            key=lambda line: ' via ' in line):
            words = [word for word in route.split() if word != 'linkdown']
            lines.append('ip %s route replace %s dev %s' % (
                family, shlex.join(words), nic))
    return ' && '.join(lines)


def _lines(target, transports, show):
    return [line for line
            in _output(transports, target.ssh(*show)).splitlines()
            if line.strip() and not any(word in line for word in _NOT_OURS)]


def _output(transports, command):
    result = transports.run(command)
    if result.exit_status != 0:
        raise commands.CommandFailed(command.argv, '%s; look at: %s' % (
            result.stderr.strip(), _OPTIONS))
    return result.stdout
