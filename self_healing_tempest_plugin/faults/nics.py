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
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import restoring
from self_healing_tempest_plugin.faults import snapshots
from self_healing_tempest_plugin.faults import targets
from self_healing_tempest_plugin.faults import timers

# The flag that "ip link" shows while a NIC is up.
_UP = r'[<,]UP[,>]'

_OPTIONS = ('[self_healing] host_management_nic, host_data_nic and '
            'host_data_addresses')

# The SSH session ends before the NIC that carries it does.
_HEAD_START = 0.3

# Tenths of seconds that pass; at once when the blip is taken back.
_PAUSE = ('left=%d; while [ "$left" -gt 0 ] && [ -e "$base.armed" ]; do '
          'sleep 0.1; left=$((left - 1)); done')


def data_nic_down(target, transports):
    """Plan to take down the NIC that the servers' network goes through.

    :param target: :class:`.targets.Target`
    :param transports: :class:`.transports.Transports`, for the network that
        must be put back
    :returns: :class:`.plans.Plan`
    """
    nic, fault_id = _data_nic(target), plans.new_id()
    before = _before(target, (nic,), transports)
    return _plan(
        target, fault_id, 'data-nic-down', 'data NIC %s of host %s down' % (
            nic, target.host), before,
        inject=timers.act(fault_id, target, _down(nic)),
        witnesses=(_link(target, nic, False), *_pings(target, False)),
        checks=(_link(target, nic), *_pings(target)))


def data_nic_blip(target, transports):
    """Plan to take that NIC down for a moment that no monitor minds.

    The host ends it by itself, so that it does not last longer because the
    runner is slow. All that is left of it is the count of the kernel.
    """
    nic, seconds = _data_nic(target), target.settings.timeouts.blip
    fault_id = plans.new_id()
    before = _before(target, (nic,), transports)
    count = target.ssh('cat', '/sys/class/net/%s/carrier_changes' % nic)
    changes = _output(transports, count).strip()
    restore = _restore(target, before)
    return _plan(
        target, fault_id, 'data-nic-blip',
        'data NIC %s of host %s down for %g s' % (nic, target.host, seconds),
        before,
        inject=timers.act(fault_id, target, (
            'restore() {\n%s\n}\n%s && { %s; restore; }') % (
                restore, _down(nic), _PAUSE % round(seconds * 10))),
        witnesses=(plans.Check('link of NIC %s has changed' % nic, count,
                               r'\A(?!%s\s*\Z)' % changes),),
        checks=(_link(target, nic), *_pings(target)))


def management_nic_down(target, transports):
    """Plan to take down the NIC that also carries SSH.

    The timer on the host is the only way back.
    """
    nic, fault_id = _management_nic(target), plans.new_id()
    before = _before(target, (nic,), transports)
    return _plan(
        target, fault_id, 'management-nic-down',
        'management NIC %s of host %s down' % (nic, target.host), before,
        inject=_cut_off(fault_id, target, nic),
        witnesses=(target.alive(False),),
        checks=(target.alive(), _link(target, nic)))


def host_isolated(target, transports):
    """Plan to take down both NICs: the host lives on, and nobody sees it.

    The timer on the host is the only way back.
    """
    nics = (_management_nic(target), _data_nic(target))
    fault_id = plans.new_id()
    before = _before(target, nics, transports)
    return _plan(
        target, fault_id, 'host-isolated',
        'host %s without its NICs %s and %s' % (target.host, *nics), before,
        inject=_cut_off(fault_id, target, *nics),
        witnesses=(target.alive(False), *_pings(target, False)),
        checks=(target.alive(), *(_link(target, nic) for nic in nics),
                *_pings(target)))


def _plan(target, fault_id, kind, description, before, *, inject, witnesses,
          checks):
    nics = before['nics']
    return plans.Plan(
        id=fault_id, kind=kind, host=target.host, description=description,
        look_at='%s, and NIC %s of host %s' % (
            _OPTIONS, ' and '.join(nics), target.host),
        checks=(*checks, plans.Check(
            'network of host %s is as before' % target.host,
            snapshots.command(target), before=before)),
        inject=(inject,), witnesses=witnesses,
        **timers.reverters(fault_id, target, _restore(target, before)))


def _data_nic(target):
    return targets.needed(target.settings.network.data_nic, 'host_data_nic')


def _management_nic(target):
    return targets.needed(target.settings.network.management_nic,
                          'host_management_nic')


def _down(nic):
    return shlex.join(('ip', 'link', 'set', 'dev', nic, 'down'))


def _cut_off(fault_id, target, *nics):
    # Whatever becomes of one of them, the other one goes as well.
    return timers.act_later(fault_id, target, _HEAD_START,
                            '; '.join(map(_down, nics)))


def _link(target, nic, holds=True):
    return plans.Check(
        'NIC %s of %s is %s' % (nic, target.host, 'up' if holds else 'down'),
        target.ssh('ip', '-oneline', 'link', 'show', 'dev', nic), _UP, holds)


def _pings(target, holds=True):
    """Return the check by a neighbour, where there is one and an address."""
    address = target.settings.network.data_addresses.get(target.host)
    if not address or not target.peers:
        return ()
    ping = target.peer_ssh('ping', '-n', '-c', '1', '-W', '1', address)
    return (plans.Check('%s %s a ping of %s' % (
        address, 'answers' if holds else 'does not answer', ping.target),
        ping, holds=holds),)


def _before(target, nics, transports):
    """Return a snapshot of the network of a host, see :mod:`.snapshots`."""
    targets.probe(target, transports)
    command = snapshots.command(target)
    try:
        return snapshots.take(nics, _output(transports, command))
    except snapshots.Unreadable as error:
        raise commands.Hopeless(('ip', '-j'), '%s on host %s; look at: %s' % (
            error, target.host, _OPTIONS)) from None


def _restore(target, before):
    """Return the lines that put the network of a host back.

    A NIC that goes down loses its routes but those of its own addresses, its
    neighbours and the addresses of IPv6.
    """
    template = target.settings.network.restore
    try:
        return restoring.lines(before, [
            commands.fill(template, nic=nic) for nic in before['nics']
            if template])
    except restoring.Unknown as error:
        raise commands.Hopeless(('ip',), (
            '%s on host %s; set [self_healing] '
            'host_network_restore_command') % (error, target.host)) from None


def _output(transports, command):
    result = transports.run(command)
    if result.exit_status != 0:
        raise commands.CommandFailed(command.argv, '%s; look at: %s' % (
            result.stderr.strip(), _OPTIONS))
    return result.stdout
