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
import secrets
import shlex
import socket

from tempest.lib import exceptions

from self_healing_tempest_plugin.faults import checks
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import passwords
from self_healing_tempest_plugin.faults import ssh
from self_healing_tempest_plugin.faults import tries

LOCAL, SSH, TCP = 'local', 'ssh', 'tcp'

# Seconds that a living host may need to answer a TCP connection.
CONNECT_TIMEOUT = 2.0

# What is between us and a command says things of its own: a login shell, its
# start-up files, sudo. So the command is framed by a mark that nobody else
# knows, with its exit status: what is outside is not its answer, and without
# the mark it has not been run. One line, without what a shell other than
# POSIX's would read in another way.
#
# Arguments: the mark, the command.
_FRAME = ('mark=$1; shift; echo "$mark begin"; "$@"; '
          'echo "$mark end $?"')

# How much is told of what a session has printed, from its end.
_TOLD = 300

_DEAD = frozenset([errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETUNREACH,
                   errno.ECONNRESET])


class Unreachable(commands.CommandFailed):
    """The target did not answer; it may later."""


class NotRun(commands.CommandFailed):
    """Something on the way to a command has ended instead of running it.

    :ivar said: what it has said, in one line
    """

    def __init__(self, argv, said, option):
        super().__init__(argv, '%s; see [self_healing] %s' % (said, option))
        self.said = said


class Transports:
    """Runs the commands of plans, see :class:`.plans.Command`.

    ``local`` runs on the runner, without a shell. ``ssh`` runs on the target,
    each word quoted for the shell there. ``tcp`` knocks at the port that is
    the only argument, from the jump host where there is one: exit status 0
    means that somebody is alive there.
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
        :raises NotRun: when sudo, or a shell, has not run it
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
        def attempt(seconds):
            return commands.run(command.argv, seconds, started, breaks,
                                variables, stdin)

        try:
            variables = passwords.environment(command.environment)
            stdin = command.stdin
            if command.parameters:
                stdin = passwords.parameters(command.parameters) + stdin
                # What an agent of fence-agents says is the last of what it
                # prints, and its Python may warn of the agent before.
                variables['PYTHONWARNINGS'] = 'ignore'
        except passwords.UnfitFile as error:
            raise commands.Hopeless(command.argv, str(error)) from None
        if not command.again:
            return attempt(self._access.local_timeout)
        return tries.insist(
            command, attempt, self._access.local_timeout,
            lambda check: not checks.complaint(check, self))

    def _run_tcp(self, command):
        port = int(command.argv[0])
        alive = self._knock(command.target, port) if (
            self._access.jump_host) else answers(command.target, port)
        return commands.Result(command.argv, int(not alive), '', '')

    def _knock(self, address, port):
        """Return whether anybody is alive behind the jump host.

        The runner may have no way of its own to the hosts: that nobody
        answers it would tell nothing.
        """
        argv, jump = ('tcp', address, str(port)), self._access.jump_host
        self._want_key(argv)
        try:
            return self._way(jump).knock(address, port, CONNECT_TIMEOUT)
        except ssh.ConnectionFailed as error:
            raise _failure(error)(argv, str(error)) from None
        except ssh.Unclear as error:
            kind = commands.CommandFailed if error.transient else (
                commands.Hopeless)
            raise kind(argv, 'jump host %s: %s; see [self_healing] '
                       'host_ssh_jump_host and host_witness_port' % (
                           jump.address, error)) from None

    def _run_ssh(self, command):
        words = ('sudo', '-n', '--') if self._access.sudo else ()
        argv = (*words, *command.argv)
        self._want_key(argv)
        mark = 'answer-%s' % secrets.token_hex(8)
        try:
            answer = self._client(command.target).execute(shlex.join(
                (*words, 'sh', '-c', _FRAME, 'sh', mark, *command.argv)),
                command.stdin)
        except ssh.ConnectionFailed as error:
            raise _failure(error)(argv, str(error)) from None
        except exceptions.SSHClientProxyClientLoop as error:
            raise commands.Hopeless(
                argv, '%s, see [self_healing] host_ssh_jump_host' % error
            ) from None
        return _unframed(argv, mark, answer, self._access)

    def _want_key(self, argv):
        if not self._access.key_file:
            raise commands.Hopeless(
                argv, '[self_healing] host_ssh_key_file and '
                'host_ssh_known_hosts_file must be set')

    def _client(self, address):
        access = self._access
        return ssh.Client(address, access.user, access.port, access,
                          self._way(access.jump_host))

    def _way(self, jump):
        """Return the client of a jump host, None where there is none."""
        return jump and ssh.Client(jump.address, jump.user, jump.port,
                                   self._access, self._way(jump.through))


def _failure(error):
    return Unreachable if error.transient else commands.Hopeless


def _unframed(argv, mark, answer, access):
    """Return the result of a command out of what a session has printed.

    :param argv: the command, for people
    :param mark: that frames its output
    :param answer: exit status, standard output, standard error
    :param access: :class:`..config.HostAccess`
    :raises NotRun: when it has not been run
    :raises .commands.CommandFailed: when it has not come to its end: the exit
        status of the session is that of somebody else
    """
    status, stdout, stderr = answer
    _, begun, rest = stdout.partition('%s begin\n' % mark)
    said = ' '.join((stderr.strip() or stdout.strip()).split())[-_TOLD:] or (
        'it says nothing')
    if not begun:
        raise NotRun(argv, '%s (exit status %d)' % (said, status),
                     'host_ssh_sudo' if access.sudo else 'host_ssh_user')
    stdout, ended, status = rest.rpartition('%s end ' % mark)
    if not ended:
        raise commands.CommandFailed(
            argv, 'it began, and nobody knows how it ended: %s' % said)
    return commands.Result(argv, int(status.split()[0]), stdout, stderr)


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
