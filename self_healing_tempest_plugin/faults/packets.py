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

"""A host and the control plane lose all packets between them."""

import ipaddress
import shlex

from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import targets
from self_healing_tempest_plugin.faults import timers


def packets_dropped(target, transports):
    """Plan to drop all packets from and to the control plane.

    A table of its own in nftables does it, before any other; nothing of
    anybody else's tables is read or changed.

    :param target: :class:`.targets.Target`
    :param transports: :class:`.transports.Transports`
    :returns: :class:`.plans.Plan`
    """
    addresses = targets.needed(target.settings.network.control_plane,
                               'control_plane_addresses')
    targets.probe(target, transports)
    fault_id = plans.new_id()
    table = 'inet self_healing_%s' % fault_id
    # Made where it is missing and deleted, in one step: right for a host
    # that has it and for one that does not.
    delete = 'add table %s; delete table %s' % (table, table)
    return plans.Plan(
        id=fault_id, kind='packets-dropped', host=target.host,
        description='packets between host %s and %s dropped' % (
            target.host, ', '.join(addresses)),
        look_at='[self_healing] control_plane_addresses, and nftables on '
                'host %s' % target.host,
        checks=(_has_table(target, table, False),
                *(_reaches(target, address) for address in addresses)),
        inject=(timers.act(fault_id, target, shlex.join(
            ('nft', _ruleset(table, addresses)))),),
        witnesses=(_has_table(target, table, True),
                   *(_reaches(target, address, False)
                     for address in addresses)),
        **timers.reverters(fault_id, target, "nft '%s'" % delete))


def _ruleset(table, addresses):
    lines = ['add table %s' % table]
    for chain, side in (('input', 'saddr'), ('output', 'daddr')):
        lines.append('add chain %s %s { type filter hook %s priority -300; }'
                     % (table, chain, chain))
        lines.extend('add rule %s %s %s %s %s drop' % (
            table, chain, _family(address), side, address)
            for address in addresses)
    return '; '.join(lines)


def _family(address):
    return {4: 'ip', 6: 'ip6'}[ipaddress.ip_address(address).version]


def _has_table(target, table, holds):
    what = 'host %s has %s table %s' % (
        target.host, 'the' if holds else 'no', table)
    return plans.Check(what, target.ssh('nft', 'list', 'tables'),
                       r'table %s$' % table, holds)


def _reaches(target, address, holds=True):
    what = '%s %s a ping of host %s' % (
        address, 'answers' if holds else 'does not answer', target.host)
    return plans.Check(what, target.ssh(
        'ping', '-n', '-c', '1', '-W', '1', address), holds=holds)
