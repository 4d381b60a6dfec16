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

"""The ways to a host: a real SSH server, real processes, real sockets."""

import dataclasses
import logging
import socket
import time

import fixtures

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import checks
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import targets
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin.tests.unit import fake_host
from self_healing_tempest_plugin.tests.unit import fake_ssh_host
from self_healing_tempest_plugin.tests.unit import host_samples


class SshTest(host_samples.HostTestCase):
    """Commands on a host."""

    def refused(self, *argv, **changes):
        """Return why a command cannot be run, ever."""
        error = self.assertRaises(commands.CommandFailed, self.ssh,
                                  *(argv or ('true',)), **changes)
        self.assertNotIsInstance(error, transports.Unreachable)
        return str(error)

    def unreachable(self, *argv, **changes):
        """Return why a command cannot be run now."""
        return str(self.assertRaises(transports.Unreachable, self.ssh,
                                     *(argv or ('true',)), **changes))

    def test_success(self):
        result = self.ssh('echo', 'out')
        self.assertEqual((0, 'out\n'), (result.exit_status, result.stdout))
        self.assertIs(result, result.check())

    def test_failure(self):
        """Output, error output and exit status are all read."""
        result = self.ssh('sh', '-c', 'echo out; echo trouble >&2; exit 3')
        self.assertEqual((3, 'out\n', 'trouble\n'), (
            result.exit_status, result.stdout, result.stderr))
        error = self.assertRaises(commands.CommandFailed, result.check)
        self.assertIn('exit status 3, stderr: trouble', str(error))

    def test_silent_failure(self):
        result = self.ssh('false')
        self.assertEqual((1, '', ''), (
            result.exit_status, result.stdout, result.stderr))

    def test_words_stay_words(self):
        """A text that the host's shell would read as a command is a word."""
        words = ('a b', '$HOME', '`id`', "it's", '; exit 9', '*', '%s %d')
        result = self.ssh('printf', r'%s\n', *words)
        self.assertEqual(list(words), result.stdout.splitlines())
        result = self.ssh('sh', '-c', 'printf "%s\n" "$@"; exit 4', 'sh',
                          *words)
        self.assertEqual((4, list(words)), (
            result.exit_status, result.stdout.splitlines()))

    def test_much_output(self):
        result = self.ssh('seq', '20000')
        self.assertEqual('20000', result.stdout.split()[-1])
        self.assertEqual(20000, len(result.stdout.split()))

    def test_strange_bytes(self):
        """Bytes that are no UTF-8 are read all the same, as on the runner."""
        self.assertTrue(
            self.ssh('printf', r'\377 on').stdout.endswith(' on'))
        result = self.ssh('sh', '-c', r"printf '\377 no' >&2; exit 1")
        self.assertEqual(1, result.exit_status)

    def test_no_input(self):
        """A command that asks for a password gets an end, not a hang."""
        self.assertEqual('', self.ssh('cat').stdout)

    def test_unknown_host_key(self):
        self.known_hosts.write_text(self.peer.known_host())
        self.assertIn('its host key is not in [self_healing] '
                      'host_ssh_known_hosts_file %s' % self.known_hosts,
                      self.refused())
        self.assertEqual([], self.host.commands)
        self.assertNotIn(self.host.address, self.known_hosts.read_text()
                         .replace(self.peer.address, ''))

    def test_changed_host_key(self):
        changed_key = fake_ssh_host.HOST_KEYS[1]
        self.known_hosts.write_text('[%s]:%d %s %s\n' % (
            self.host.address, self.host.port, changed_key.get_name(),
            changed_key.get_base64()))
        self.assertIn('its host key is not the one in [self_healing] '
                      'host_ssh_known_hosts_file', self.refused())
        self.assertEqual([], self.host.commands)

    def test_key_of_another_type(self):
        """The right host with a key that nobody knows is not talked to."""
        self.known_hosts.write_text('[%s]:%d ssh-ed25519 %s\n' % (
            self.host.address, self.host.port,
            'AAAAC3NzaC1lZDI1NTE5AAAAI' + 'A' * 43))
        self.assertIn('host_ssh_known_hosts_file', self.refused())
        self.assertEqual([], self.host.commands)

    def test_wrong_key(self):
        fake_ssh_host.USER_KEYS[1].write_private_key_file(str(self.key_file))
        self.assertIn('it refuses the key, see [self_healing] '
                      'host_ssh_user and host_ssh_key_file', self.refused())

    def test_wrong_user(self):
        self.assertIn('stranger@127.0.0.1 port %d: it refuses the key'
                      % self.host.port, self.refused(user='stranger'))

    def test_missing_files(self):
        for name in ('key_file', 'known_hosts_file'):
            text = self.refused(**{name: '/no/such'})
            self.assertIn('/no/such', text)
            self.assertIn('host_ssh_%s' % name, text)

    def test_key_with_passphrase(self):
        fake_ssh_host.USER_KEYS[0].write_private_key_file(
            str(self.key_file), password='secret')
        self.assertIn('[self_healing] host_ssh_key_file', self.refused())

    def test_key_that_is_none(self):
        self.key_file.write_text('nonsense\n')
        self.assertIn('[self_healing] host_ssh_key_file', self.refused())
        self.assertIn('[self_healing] host_ssh_key_file', self.refused(
            key_file=str(self.key_file.parent)))

    def test_no_key_configured(self):
        self.assertIn('[self_healing] host_ssh_key_file and '
                      'host_ssh_known_hosts_file must be set',
                      self.refused(key_file=None))

    def test_nobody_listens(self):
        self.host.refuse()
        text = self.unreachable()
        self.assertIn('[self_healing] host_addresses, host_ssh_port', text)
        self.assertIn('healer@127.0.0.1 port %d' % self.host.port, text)

    def test_silent_host(self):
        self.host.power(False)
        begin = time.monotonic()
        self.unreachable(timeout=0.5)
        self.assertLess(time.monotonic() - begin, 4)

    def test_no_ssh_server(self):
        """Somebody listens, and says nothing."""
        self.host.refuse()
        mute = fake_host.FakeHost(port=self.host.port)
        self.addCleanup(mute.close)
        self.assertIn('host_ssh_port', self.unreachable(timeout=0.5))

    def test_host_comes_back(self):
        self.host.power(False)
        self.unreachable(timeout=0.5)
        self.host.power(True)
        self.assertEqual(0, self.ssh('true').exit_status)

    def test_slow_authentication(self):
        """A host that gives no answer yet has not refused the key."""
        self.host.slow.set()
        self.addCleanup(self.host.slow.clear)
        self.unreachable(timeout=0.5)

    def test_command_without_end(self):
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.faults.ssh.COMMAND_TIMEOUT', 1))
        text = self.unreachable('sleep', '3')
        self.assertIn('gave no answer', text)
        self.assertIn('127.0.0.1', text)

    def test_connection_breaks(self):
        """Nobody knows what a command did whose connection broke."""
        self.host.before_result = lambda transport: transport.close()
        self.assertIn('the connection broke',
                      self.unreachable('sleep', '0.2'))

    def test_connection_breaks_in_output(self):
        self.host.before_result = lambda transport: transport.close()
        self.unreachable('sh', '-c', 'echo trouble >&2; sleep 0.2; exit 0')

    def test_process_is_killed(self):
        """A shell tells of a signal by an exit status."""
        result = self.ssh('sh', '-c', 'sh -c \'kill -9 $$\'; exit $?')
        self.assertEqual(137, result.exit_status)

    def test_connections_end(self):
        """Neither a command nor a failure leaves a connection open."""
        self.ssh('true')
        self.ssh('false')
        self.refused(user='stranger')
        self.assertTrue(self.host.wait_unconnected(2))


# Of real hosts: it warns, teaches, or cannot do a part of its own work.
SUDO_SAYS = (
    'sudo: unable to resolve host c1: Name or service not known\n',
    'sudo: setrlimit(RLIMIT_CORE): Operation not permitted\n',
    '\nWe trust you have received the usual lecture from the local System\n'
    'Administrator.\n',
    '/etc/sudoers:28:12: unknown defaults entry "x"\nsudo: not found in it\n',
    'sudo: PAM account management error: unknown\n')


class SudoTest(host_samples.HostTestCase):
    """[self_healing] host_ssh_sudo."""

    def test_allowed(self):
        result = self.ssh('sh', '-c', 'echo $SUDO_USER', sudo=True)
        self.assertEqual('healer\n', result.stdout)
        self.assertEqual('\n', self.ssh('sh', '-c',
                                        'echo $SUDO_USER').stdout)

    def test_exit_status(self):
        self.assertEqual(3, self.ssh('sh', '-c', 'exit 3',
                                     sudo=True).exit_status)

    def test_refused(self):
        (self.host.root / 'no-sudo').touch()
        error = self.assertRaises(transports.NotRun,
                                  lambda: self.ssh('true', sudo=True))
        self.assertIn('sudo -n -- true', str(error))
        self.assertIn('a password is required', str(error))
        self.assertIn('[self_healing] host_ssh_sudo', str(error))

    def test_probe(self):
        """Before a fault it is the first that is asked."""
        (self.host.root / 'no-sudo').touch()
        access = dataclasses.replace(self.access, sudo=True)
        error = self.assertRaises(
            commands.Hopeless, targets.probe, self.target(access=access),
            transports.Transports(access))
        self.assertIn('a password is required (exit status 1); see '
                      'host_ssh_sudo', str(error))

    def test_missing(self):
        (self.host.root / 'bin/sudo').unlink()
        # Whether this machine has it or not.
        self.host.start_up = 'PATH=%s; ' % (self.host.root / 'bin')
        error = self.assertRaises(transports.NotRun,
                                  lambda: self.ssh('true', sudo=True))
        self.assertIn('sudo: not found', str(error))
        self.assertIn('[self_healing] host_ssh_sudo', str(error))

    def complaint(self, *argv):
        """Return why a check that a command fails does not hold, or ''."""
        access = dataclasses.replace(self.access, sudo=True)
        return checks.complaint(
            plans.Check('it is gone', plans.Command(
                transports.SSH, self.host.address, argv), holds=False),
            transports.Transports(access))

    def test_sudo_says_something(self):
        """What sudo warns of is no answer, and no missing one."""
        for said in SUDO_SAYS:
            (self.host.root / 'sudo-says').write_text(said)
            self.assertEqual(
                ('', 'not so: it is gone'),
                (self.complaint('false'), self.complaint('true')), said)

    def test_sudo_says_something_and_refuses(self):
        """Its exit status is no answer of the command, whatever it says."""
        (self.host.root / 'no-sudo').touch()
        for said in ('', *SUDO_SAYS):
            (self.host.root / 'sudo-says').write_text(said)
            for command in ('true', 'false'):
                self.assertIn('unknown whether it is gone',
                              self.complaint(command), said)

    def test_sudo_warns_a_command_that_says_nothing(self):
        (self.host.root / 'sudo-says').write_text(SUDO_SAYS[0])
        result = self.ssh('sh', '-c', 'echo out; exit 4', sudo=True)
        self.assertEqual((4, 'out\n'), (result.exit_status, result.stdout))

    def test_no_such_command(self):
        """No such command is an answer of the shell, and sudo is well."""
        result = self.ssh('no-such-command', sudo=True)
        self.assertEqual(127, result.exit_status)
        self.assertIn('unknown whether', self.complaint('no-such-command'))


class FrameTest(host_samples.HostTestCase):
    """What a session says is told from what a command says."""

    def test_output_is_whole(self):
        """Byte for byte, with an end of line or without."""
        for text in ('', 'x', 'x\n', '\n', ' x \n\n', 'begin\nend 0\n'):
            result = self.ssh('printf', '%s', text)
            self.assertEqual((0, text),
                             (result.exit_status, result.stdout))

    def test_session_says_something(self):
        self.host.start_up = (
            'echo Authorized use only\n'
            'echo "setlocale: cannot change locale" >&2\n'
            "trap 'echo bye; exit 9' EXIT\n")
        for status in (0, 1, 3):
            result = self.ssh('sh', '-c', 'echo out; exit %d' % status)
            self.assertEqual((status, 'out\n'),
                             (result.exit_status, result.stdout))

    def test_session_ends_before_the_command(self):
        self.host.start_up = 'echo This account is not available; exit 1\n'
        error = self.assertRaises(transports.NotRun, self.ssh, 'true')
        self.assertIn('This account is not available (exit status 1); see '
                      '[self_healing] host_ssh_user', str(error))

    def test_command_whose_end_nobody_knows(self):
        """The exit status of its session would be a lie."""
        for signal in ('KILL', 'TERM'):
            error = self.assertRaises(
                commands.CommandFailed, self.ssh, 'sh', '-c',
                'echo some; kill -%s $PPID; sleep 0.1' % signal)
            self.assertNotIsInstance(error, transports.NotRun)
            self.assertIn('nobody knows how it ended', str(error))

    def test_input(self):
        """All of it is the command's."""
        access = dataclasses.replace(self.access, sudo=True)
        result = transports.Transports(access).run(plans.Command(
            transports.SSH, self.host.address, ('cat',), 'a\nb'))
        self.assertEqual('a\nb', result.stdout)


class JumpHostTest(host_samples.HostTestCase):
    """[self_healing] host_ssh_jump_host."""

    def setUp(self):
        super().setUp()
        self.jump = self.useFixture(
            fake_ssh_host.FakeSshHost('127.0.0.3', key=1))
        with self.known_hosts.open('a') as stream:
            stream.write(self.jump.known_host())
        self.jump_host = config.JumpHost(
            fake_ssh_host.USER, self.jump.address, self.jump.port)

    def failure(self, **changes):
        return self.assertRaises(
            commands.CommandFailed, self.ssh, 'true',
            **dict({'jump_host': self.jump_host}, **changes))

    def test_through(self):
        result = self.ssh('echo', 'out', jump_host=self.jump_host)
        self.assertEqual('out\n', result.stdout)
        self.assertEqual([(self.host.address, self.host.port)],
                         self.jump.destinations)
        (line,) = self.host.commands
        self.assertTrue(line.endswith(' echo out'), line)
        self.assertEqual([], self.jump.commands)
        self.assertTrue(self.host.wait_unconnected(2))
        self.assertTrue(self.jump.wait_unconnected(2))

    def test_through_two(self):
        """Each is reached through the one before it; no way stays open."""
        edge = self.useFixture(fake_ssh_host.FakeSshHost('127.0.0.4', key=1))
        with self.known_hosts.open('a') as stream:
            stream.write(edge.known_host())
        result = self.ssh('echo', 'out', jump_host=dataclasses.replace(
            self.jump_host, through=config.JumpHost(
                fake_ssh_host.USER, edge.address, edge.port)))
        self.assertEqual('out\n', result.stdout)
        self.assertEqual(
            [[(self.jump.address, self.jump.port)],
             [(self.host.address, self.host.port)]],
            [edge.destinations, self.jump.destinations])
        for host in (self.host, self.jump, edge):
            self.assertTrue(host.wait_unconnected(2))

    def test_not_without(self):
        self.ssh('true')
        self.assertEqual([], self.jump.destinations)

    def test_host_unreachable(self):
        self.host.refuse()
        error = self.failure()
        self.assertIsInstance(error, transports.Unreachable)
        self.assertIn('healer@127.0.0.1 port %d through jump host 127.0.0.3'
                      % self.host.port, str(error))

    def test_jump_host_unreachable(self):
        self.jump.refuse()
        error = self.failure()
        self.assertIsInstance(error, transports.Unreachable)
        self.assertIn('healer@127.0.0.3 port %d' % self.jump.port,
                      str(error))
        self.assertIn('host_ssh_jump_host', str(error))

    def test_jump_host_refuses(self):
        error = self.failure(jump_host=dataclasses.replace(
            self.jump_host, user='stranger'))
        self.assertNotIsInstance(error, transports.Unreachable)
        self.assertIn('stranger@127.0.0.3', str(error))

    def test_jump_host_unknown(self):
        self.known_hosts.write_text(self.host.known_host())
        error = self.failure()
        self.assertNotIsInstance(error, transports.Unreachable)
        self.assertIn('healer@127.0.0.3 port %d: its host key is not in'
                      % self.jump.port, str(error))
        self.assertEqual([], self.jump.destinations)

    def test_host_is_checked_behind_it(self):
        self.known_hosts.write_text(self.jump.known_host())
        self.assertIn('through jump host 127.0.0.3: its host key is not in',
                      str(self.failure()))
        self.assertEqual([], self.host.commands)

    def test_jump_host_is_the_host(self):
        """The way to the jump host itself is no riddle."""
        error = self.failure(jump_host=config.JumpHost(
            fake_ssh_host.USER, self.host.address, self.host.port))
        self.assertIn('host_ssh_jump_host', str(error))


class SecretTest(host_samples.HostTestCase):
    """Nothing of a key is ever logged."""

    def test_no_secret(self):
        log = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))
        # Tempest's configuration quiets these when it is read.
        for name in ('paramiko', 'paramiko.transport'):
            logger = logging.getLogger(name)
            self.addCleanup(logger.setLevel, logger.level)
            logger.setLevel(logging.DEBUG)
            logger.propagate = True
        texts = []
        self.ssh('echo', 'out')
        self.ssh('false', sudo=True)
        for changes in ({'user': 'stranger'}, {'key_file': '/no/such'}):
            error = self.assertRaises(commands.CommandFailed, self.ssh,
                                      'true', **changes)
            texts.append(str(error))
        text = '\n'.join([log.output, *texts])
        self.assertIn('Connected (version 2.0', text)
        for line in self.key_file.read_text().splitlines()[1:-1]:
            self.assertNotIn(line[:20], text)
        self.assertNotIn('PRIVATE KEY', text)


class LocalTest(host_samples.JournalTestCase):
    """Commands on the runner."""

    def run_local(self, *argv, **changes):
        access = dataclasses.replace(host_samples.ACCESS, **changes)
        return transports.Transports(access).run(
            plans.Command(transports.LOCAL, '', argv))

    def test_result(self):
        result = self.run_local('sh', '-c', 'echo out; echo no >&2; exit 3')
        self.assertEqual((3, 'out\n', 'no\n'), (
            result.exit_status, result.stdout, result.stderr))

    def test_too_long(self):
        error = self.assertRaises(commands.CommandFailed, self.run_local,
                                  'sleep', '60', local_timeout=0.5)
        self.assertIn('sleep 60: no end after 0.5 s', str(error))

    def test_no_such_transport(self):
        """A journal of a newer version names one that is not there."""
        command = plans.Command('pigeon', 'c1', ('fly',))
        error = self.assertRaises(commands.CommandFailed,
                                  self.transports.run, command)
        self.assertIn('fly: there is no transport pigeon', str(error))


class TcpTest(host_samples.JournalTestCase):
    """Knocks."""

    def setUp(self):
        super().setUp()
        self.host = fake_host.FakeHost()
        self.addCleanup(self.host.close)

    def knock(self, address='127.0.0.1'):
        return self.transports.run(plans.Command(
            transports.TCP, address, (str(self.host.port),))).exit_status

    def test_answers(self):
        """An open and a refused port are answers, silence is none."""
        self.useFixture(fixtures.MonkeyPatch(
            'socket.create_connection', _impatient))
        self.assertEqual(0, self.knock())
        self.host.close()
        self.assertEqual(0, self.knock())
        self.host.power(False)
        self.assertEqual(1, self.knock())

    def test_no_address(self):
        """A host that cannot be asked gives no answer, neither yes nor no."""
        self.assertRaises(commands.CommandFailed, self.knock, 'no.invalid.')


_CONNECT = socket.create_connection


def _impatient(address, timeout):
    return _CONNECT(address, timeout / 8)
