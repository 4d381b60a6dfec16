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

"""What switches the power of a host: the operator's commands, or a BMC.

Each driver says the same in its own way: how the power is taken, how it is
given back, and how it is seen whether it is there.
"""

import dataclasses
import os

from self_healing_tempest_plugin.config import types
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import plans

# Last words of "ipmitool chassis power status".
_ON, _OFF = r'\b(?P<on>on)\s*\Z', r'\b(?P<off>off)\s*\Z'

# Exit statuses of the action "status", see FenceAgentAPI: 0 is on and 2 is
# off; 1 is no answer.
_IS_OFF = 2

# Agents that write the address into a URL as they are told it.
_IN_URLS = frozenset([
    'fence_cisco_ucs', 'fence_docker', 'fence_pve', 'fence_redfish',
    'fence_rhevm', 'fence_vmware_rest', 'fence_vmware_soap',
    'fence_vmware_vcloud'])

# By which parameter an agent knows the host, where that is not "plug": what
# fence_redfish is not told, it chooses among all systems of a BMC.
_PLUGS = {'fence_redfish': 'systems_uri'}


@dataclasses.dataclass(frozen=True)
class Driver:
    """What switches one host.

    :ivar name: of the program, for people
    :ivar take: :class:`.plans.Command` that takes the power
    :ivar give: gives it back
    :ivar seen_on: :class:`.plans.Check` that the host has power
    :ivar seen_off: that it has none
    :ivar look_at: where to look when it does not do what it should
    """

    name: str
    take: plans.Command
    give: plans.Command
    seen_on: plans.Check
    seen_off: plans.Check
    look_at: str

    def on(self, what):
        """Return the check that the host has power.

        It is asked again for some time where no answer comes.

        :param what: what it says when it holds
        """
        return dataclasses.replace(
            self.seen_on, what=what, command=dataclasses.replace(
                self.seen_on.command, again=self.take.again))

    def off(self, what):
        """Return the check that the host has no power, asked once.

        :param what: see :meth:`on`
        """
        return dataclasses.replace(self.seen_off, what=what)


def of(power, target):
    """Return what switches a host.

    :param power: :class:`..config.types.HostPower`,
        :class:`..config.types.Ipmitool` or
        :class:`..config.types.FenceAgent`
    :param target: :class:`.targets.Target`
    :returns: :class:`Driver`
    """
    return _DRIVERS[type(power)](power, target)


def _commands(power, target):
    """Return the driver of the operator's own commands."""
    path = power.password_file and power.password_file.replace(
        '{host}', target.host)

    def command(template):
        argv = commands.fill(template, host=target.host, **(
            {'password_file': path} if path else {}))
        return dataclasses.replace(target.local(*argv), environment=(
            ((power.password_variable, path),) if path else ()))

    status = command(power.status)
    return Driver(
        'host_power_status_command', command(power.off), command(power.on),
        plans.Check('on', status, _ON, opposite=_OFF),
        plans.Check('off', status, _OFF, opposite=_ON),
        'the host_power commands')


def _ipmitool(power, target):
    """Return the driver of IPMI over a network.

    ``-E`` rather than ``-f``: the password is that of the file which was
    looked at, and none of an exchanged one.
    """
    bmc = power.bmcs[target.host]

    def command(action):
        port = ('-p', str(bmc.port)) if bmc.port else ()
        suite = ('-C', str(power.cipher_suite)) if power.cipher_suite else ()
        return dataclasses.replace(target.local(
            'ipmitool', '-I', 'lanplus', *suite, '-H', bmc.address, *port,
            '-U', power.user, '-E', 'chassis', 'power', action),
            environment=(('IPMI_PASSWORD', bmc.file),))

    def seen(pattern, opposite):
        return plans.Check(pattern, command('status'), pattern,
                           asked=_asked(bmc), opposite=opposite)

    return _of_bmc('ipmitool', command, seen(_ON, _OFF), seen(_OFF, _ON),
                   'host_power_password_file and the other options of '
                   'host_power_driver, %s' % _where(bmc, target.host))


def _fence(power, target):
    """Return the driver of an agent of fence-agents, see FenceAgentAPI.

    Parameters are lines on its standard input: those of the file first, then
    those that are no secret.
    """
    bmc, name = power.bmcs[target.host], os.path.basename(power.agent)
    address = '[%s]' % bmc.address if (
        ':' in bmc.address and name in _IN_URLS) else bmc.address
    known = {'ip': address, 'ipport': bmc.port, 'username': power.user,
             _PLUGS.get(name, 'plug'): bmc.plug}

    def command(action, answers=(0,)):
        lines = [*('%s=%s\n' % pair for pair in known.items() if pair[1]),
                 'action=%s\n' % action]
        return dataclasses.replace(
            target.local(power.agent), stdin=''.join(lines),
            parameters=bmc.file, answers=answers)

    def seen(holds):
        return plans.Check(
            'status', command('status', (0, _IS_OFF)), no=_IS_OFF,
            holds=holds, asked=_asked(bmc))

    return _of_bmc(name, command, seen(True), seen(False),
                   'host_power_parameters_file and the other options of '
                   'host_power_driver, %s' % _where(bmc, target.host))


def _of_bmc(name, command, seen_on, seen_off, look_at):
    """Return a driver that insists, since a BMC may need several tries.

    Off is what counts, and on, not the answer: a BMC may refuse what is the
    case already, such as with 409 in Redfish.
    """
    def insist(action, goal):
        return dataclasses.replace(command(action), again=True, done=goal)

    return Driver(name, insist('off', seen_off), insist('on', seen_on),
                  seen_on, seen_off, look_at)


def _asked(bmc):
    return 'its BMC%s' % (' at %s' % _at(bmc) if bmc.address else '')


def _where(bmc, host):
    return 'the BMC of host %s%s' % (
        host, ' at %s' % _at(bmc) if bmc.address else '')


def _at(bmc):
    return '%s port %d' % (bmc.address, bmc.port) if bmc.port else bmc.address


_DRIVERS = {types.HostPower: _commands, types.Ipmitool: _ipmitool,
            types.FenceAgent: _fence}
