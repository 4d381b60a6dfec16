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

"""The ways that a command takes: to the runner, over SSH, or as a knock."""

import errno
import re
import shlex
import socket

from tempest.lib import exceptions

from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import passwords
from self_healing_tempest_plugin.faults import ssh

LOCAL, SSH, TCP = 'local', 'ssh', 'tcp'

# Seconds that a living host may need to answer a TCP connection.
CONNECT_TIMEOUT = 2.0

# Messages of sudo itself, or of a shell that does not find it.
_SUDO = re.compile(r'^(sudo: |.*\bsudo: .*not found)', re.MULTILINE)

_DEAD = frozenset([errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETUNREACH,
                   errno.ECONNRESET])


class Unreachable(commands.CommandFailed):
    """The target did not answer; it may later."""


class Transports:
    """Runs the commands of plans, see :class:`.plans.Command`.

    ``local`` runs on the runner, without a shell. ``ssh`` runs on the target,
    each word quoted for the shell there. ``tcp`` knocks at the port that is
    the only argument: exit status 0 means that somebody is alive there.
    """

    def __init__(self, access):
        """Take the settings; nothing is connected yet.

        :param access: :class:`..config.HostAccess`
        """
        self._access = access
        self._runs = {LOCAL: self._run_local, SSH: self._run_ssh,
                      TCP: self._run_tcp}

    def run(self, command, started=None, breaks=True):
        """Run a command to its end.

        :param command: :class:`.plans.Command`
        :param started: called with the :class:`.processes.Process` of a
            command on the runner before it can do anything
        :param breaks: see :class:`.processes.Process`
        :returns: :class:`.commands.Result`
        :raises .commands.Hopeless: when another try cannot help
        :raises .commands.CommandFailed: when it cannot be run or takes too
            long
        :raises Unreachable: when the target does not answer
        """
        try:
            run = self._runs[command.transport]
        except KeyError:
            raise commands.Hopeless(
                command.argv, 'there is no transport %s'
                % command.transport) from None
        if command.transport == LOCAL:
            return run(command, started, breaks)
        return run(command)

    def _run_local(self, command, started, breaks):
        try:
            variables = passwords.environment(command.environment)
        except passwords.UnfitPasswordFile as error:
            raise commands.Hopeless(command.argv, str(error)) from None
        return commands.run(command.argv, self._access.local_timeout,
                            started, breaks, variables)

    def _run_tcp(self, command):
        alive = answers(command.target, int(command.argv[0]))
        return commands.Result(command.argv, int(not alive), '', '')

    def _run_ssh(self, command):
        words = ('sudo', '-n', '--') if self._access.sudo else ()
        argv = (*words, *command.argv)
        try:
            answer = self._client(command).execute(shlex.join(argv),
                                                   command.stdin)
        except ssh.ConnectionFailed as error:
            kind = Unreachable if error.transient else commands.Hopeless
            raise kind(argv, str(error)) from None
        except exceptions.SSHClientProxyClientLoop as error:
            raise commands.Hopeless(
                argv, '%s, see [self_healing] host_ssh_jump_host' % error
            ) from None
        result = commands.Result(argv, *answer)
        if words and result.exit_status != 0 and _SUDO.search(result.stderr):
            # Its exit status would be taken for an answer of the command.
            raise commands.Hopeless(
                argv, '%s; see [self_healing] host_ssh_sudo'
                % result.stderr.strip())
        return result

    def _client(self, command):
        access = self._access
        if not access.key_file:
            raise commands.Hopeless(
                command.argv, '[self_healing] host_ssh_key_file and '
                'host_ssh_known_hosts_file must be set')
        jump = access.jump_host and ssh.Client(
            access.jump_host.address, access.jump_host.user,
            access.jump_host.port, access)
        return ssh.Client(command.target, access.user, access.port, access,
                          jump)


def answers(address, port, timeout=CONNECT_TIMEOUT):
    """Return whether anybody is alive at an address.

    A refused connection is an answer of the host's kernel, too.

    :param timeout: seconds
    """
    try:
        with socket.create_connection((address, port), timeout):
            return True
    except ConnectionRefusedError:
        return True
    except TimeoutError:
        return False
    except OSError as error:
        if error.errno in _DEAD:
            return False
        raise commands.CommandFailed(
            ('tcp', address, str(port)), str(error)) from None
