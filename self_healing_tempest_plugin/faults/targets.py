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

"""The host that a fault is planned for."""

import dataclasses
import typing

from tempest.lib import exceptions

from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import transports as ways


@dataclasses.dataclass(frozen=True)
class Target:
    """A host, and what is known of it.

    :ivar host: the Nova host name
    :ivar address: where it is reached
    :ivar peers: addresses of other hosts that may be used as witnesses
    :ivar settings: :class:`..config.Settings`
    :ivar server_id: the server on it whose fault it is; empty before there is
        one
    """

    host: str
    address: str
    peers: tuple[str, ...]
    settings: typing.Any
    server_id: str = ''

    def ssh(self, *argv):
        """Return a command that runs on the host."""
        return plans.Command(ways.SSH, self.address, argv)

    def peer_ssh(self, *argv):
        """Return a command that runs on another host, None without one."""
        return plans.Command(ways.SSH, self.peers[0], argv) if (
            self.peers) else None

    def local(self, *argv):
        """Return a command that runs on the runner."""
        return plans.Command(ways.LOCAL, '', argv)

    def alive(self, holds=True):
        """Return the check that the host answers, or that it does not."""
        port = self.settings.witness_port
        what = '%s port %d %s' % (self.address, port,
                                  'answers' if holds else 'is silent')
        return plans.Check(what, plans.Command(
            ways.TCP, self.address, (str(port),)), holds=holds)


def target(host, settings, address_of, server_id=''):
    """Return a host as the target of a fault.

    :param host: the Nova host name
    :param settings: :class:`..config.Settings`
    :param address_of: returns the address of a host by its name, or None;
        asked only for hosts that are not in [self_healing] host_addresses
    :param server_id: see :class:`Target`
    :returns: :class:`Target`
    :raises tempest.lib.exceptions.InvalidConfiguration: when it, or another
        host of [self_healing] fault_hosts, has no address
    """
    def address(name):
        known = settings.access.addresses.get(name) or address_of(name)
        if not known:
            raise exceptions.InvalidConfiguration(
                'Nova knows no address of host %s, see [self_healing] '
                'fault_hosts and host_addresses' % name)
        return known

    peers = [address(name) for name in settings.fault_hosts if name != host]
    return Target(host, address(host), tuple(peers), settings, server_id)


# Characters that a shell, or a terminal, might change on the way.
_STRANGE = 'a b\nc\\d\\\\e $HOME `id` \'"!*?~'
_NEEDED = ('setsid', 'flock', 'pgrep', 'pkill')


def probe(target, transports):
    """Refuse a host whose shell does not do what it is told.

    Part of a repair would be missing.

    :param target: :class:`Target`
    :param transports: :class:`.transports.Transports`
    :raises .commands.CommandFailed: with one line that says what to do
    """
    command = target.ssh('sh', '-c', _PROBE, 'sh', _STRANGE, *_NEEDED)
    who = 'the shell of [self_healing] host_ssh_user %s on host %s' % (
        target.settings.access.user, target.host)
    try:
        result = transports.run(command)
    except ways.NotRun as error:
        hint = ('see host_ssh_sudo: it must allow sh without a password'
                if target.settings.access.sudo else 'let it be a POSIX shell')
        raise commands.Hopeless(
            ('probe',), '%s does not run what it is told: %s; %s' % (
                who, error.said, hint)) from None
    if result.exit_status != 0:
        raise commands.Hopeless(('probe',), '%s: exit status %d, %s' % (
            who, result.exit_status, _line(result.stderr)))
    if result.stdout != _STRANGE + '\n':
        raise commands.Hopeless(('probe',), (
            '%s answers "%s": it does not pass on words as they are; let it '
            'be a POSIX shell') % (who, _line(result.stdout.replace(
                _STRANGE, ''))))


_PROBE = """
printf '%s\\n' "$1"
shift
PATH=$PATH:/usr/sbin:/sbin
for one; do
    command -v "$one" >/dev/null || { echo "needs $one" >&2; exit 1; }
done
""".strip()


def _line(text):
    return ' '.join(text.split())[:80] or 'empty'


def needed(value, option):
    """Return the value of an option that a fault cannot do without.

    :param option: its name in [self_healing]
    :raises tempest.lib.exceptions.InvalidConfiguration: when it is not set
    """
    if not value:
        raise exceptions.InvalidConfiguration(
            '[self_healing] %s must be set' % option)
    return value
