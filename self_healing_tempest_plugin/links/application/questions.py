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

"""Link application: the new server, its port, its address, its console."""

from urllib import parse

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links import nova_inquiries
from self_healing_tempest_plugin.model import verdicts

Clue, Inquiry = context.Clue, context.Inquiry

# Lines of the console that are shown.
CONSOLE_LINES = 15

# Nova's states of power, as far as they have a name there.
_POWER = {0: 'no state', 1: 'running', 3: 'paused', 4: 'shut down',
          6: 'crashed', 7: 'suspended'}


def answers(case):
    """What did the application itself say last?"""
    probe = case.timeline.last_probe()
    if probe is None:
        return (Clue(None, 'it was never asked'),)
    url = case.ids['url']
    if probe.ok:
        return (Clue(None, '%s answers from server %s, boot %s' % (
            url, probe.server or 'without name', probe.boot)),)
    if probe.answered:
        return (Clue(
            False, '%s answers, but wrong: %s' % (url, probe.error),
            'what answers at %s: %s' % (url, probe.error)),)
    return (Clue(False, '%s does not answer: %s' % (url, probe.error)),)


def server(case):
    """Is the server that the stack has now alive, as far as Nova knows?"""
    server_id = case.current_server_id()
    current = server_id and case.clients.nova.server(server_id)
    if not current:
        return (Clue(False, 'the server of the stack (%s) is gone'
                     % server_id),)
    power = current['OS-EXT-STS:power_state']
    text = 'server %s is %s, its power state %s, on host %s' % (
        server_id, current['status'], _POWER.get(power, power),
        current['OS-EXT-SRV-ATTR:host'])
    if (current['status'], power) == ('ACTIVE', 1):
        return (Clue(True, text),)
    fault = current.get('fault', {}).get('message', '')
    return (Clue(
        False, '%s%s' % (text, fault and ': %s' % fault),
        "'openstack server show %s', and the log of nova-compute on host "
        '%s' % (server_id, current['OS-EXT-SRV-ATTR:host'])),)


def console(case):
    """What does the console of the server show last?"""
    server_id = case.current_server_id()
    lines = context.safe_lines(case.clients.nova.console(
        server_id, 2 * CONSOLE_LINES) or '', CONSOLE_LINES)
    if lines:
        return (Clue(None, 'console of server %s:\n%s' % (
            server_id, lines)),)
    return (Clue(
        False, 'the console of server %s is empty' % server_id,
        "the boot of server %s: its console is empty; see its image, its "
        'flavor, and the log of its hypervisor' % server_id),)


def ports(case):
    """Is the port of the server bound and up?"""
    server_id = case.current_server_id()
    own_ports = case.clients.neutron.ports(server_id)
    if not own_ports:
        return (Clue(
            False, 'server %s has no port' % server_id,
            "'openstack port list --server %s': there is none"
            % server_id),)
    return [_port(port, server_id) for port in own_ports]


def _port(port, server_id):
    bound = port.get('binding:vif_type') not in ('binding_failed', 'unbound')
    text = 'port %s of server %s is %s, %s on host %s' % (
        port['id'], server_id, port['status'],
        'bound as %s' % port.get('binding:vif_type') if bound
        else port.get('binding:vif_type'),
        port.get('binding:host_id') or 'none')
    if bound and port['status'] == 'ACTIVE':
        return Clue(True, text)
    return Clue(
        False, text, "'openstack port show %s', and the log of the network "
        'agent on host %s: %s' % (
            port['id'], port.get('binding:host_id'), text))


def address(case):
    """Does the floating address lead to a port of the server?"""
    where = parse.urlsplit(case.ids['url']).hostname
    floating = case.clients.neutron.floating_address(where)
    if floating is None:
        return (Clue(False, 'there is no floating address %s' % where,
                     "'openstack floating ip list': there is no %s"
                     % where),)
    server_id = case.current_server_id()
    mine = [port['id'] for port in case.clients.neutron.ports(server_id)]
    text = 'floating address %s is %s and leads to port %s' % (
        where, floating['status'], floating['port_id'])
    if floating['port_id'] in mine:
        return (Clue(floating['status'] == 'ACTIVE' or None, text),)
    return (Clue(
        False, '%s, which is none of server %s' % (text, server_id),
        "'openstack floating ip show %s': it does not lead to server %s"
        % (where, server_id)),)


_INQUIRIES = (
    Inquiry('Application', 'its last answer', answers),
    Inquiry('Nova', 'the server', server),
    Inquiry('Neutron', 'ports of the server', ports),
    Inquiry('Neutron', 'the floating address', address),
    Inquiry('Nova', 'the console', console),
)

# Two guests at one address: is the old one fenced?
_SPLIT_BRAIN = (
    Inquiry('Nova', 'compute hosts', nova_inquiries.hosts),
    Inquiry('Nova', 'the old server', nova_inquiries.old_server),
    *_INQUIRIES[:4],
)


def inquiries(case):
    """Return what to ask when the application does not answer as it should.

    :param case: :class:`..context.Case`
    """
    split = case.verdict.kind is verdicts.Kind.SPLIT_BRAIN
    return _SPLIT_BRAIN if split else _INQUIRIES
