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

"""Files of known hosts as people have them, and a real server of SSH."""

import dataclasses
import pathlib
import socket
import subprocess

import fixtures
import paramiko
import testtools

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import known_hosts
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import ssh
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin.tests.unit import fake_host
from self_healing_tempest_plugin.tests.unit import real_sshd

# Two keys, neither of which is anybody's.
KEY, OTHER = (
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI%s' % (letter * 43)
    for letter in 'AB')

# Names in a file, and the host and port that are looked for.
ABOUT = (
    ('c1', 'c1', 22), ('c0,c1,c2', 'c1', 22), ('C1', 'c1', 22),
    ('c1', 'C1', 22), ('*', 'c1', 22), ('c?', 'c1', 22),
    ('*.example.org,!bad.example.org', 'c1.example.org', 22),
    ('192.0.2.*', '192.0.2.7', 22), ('[c1]:2222', 'c1', 2222),
    ('[*.example.org]:2222', 'c1.example.org', 2222),
    ('fd00::1', 'fd00::1', 22), ('[fd00::1]:2222', 'fd00::1', 2222),
    ('fd00:0:0::1', 'fd00::1', 22), ('[fd00::0:1]:2222', 'fd00::1', 2222),
    ('FD00::A', 'fd00::a', 22),
    # OpenSSH tries again without the port.
    ('c1', 'c1', 2222), ('*.example.org', 'c1.example.org', 2222))
NOT_ABOUT = (
    ('c1', 'c11', 22), ('c1', 'c', 22), ('c?', 'c', 22), ('c.', 'c1', 22),
    ('*.example.org,!bad.example.org', 'bad.example.org', 22),
    ('!bad.example.org,*.example.org', 'bad.example.org', 22),
    ('!c1', 'c2', 22), ('[c1]:2222', 'c1', 22), ('[c1]:2222', 'c1', 2223),
    ('c[0-9]', 'c1', 22), ('fd00::1', 'fd00::11', 22),
    ('|1|nonsense', 'c1', 22), ('|2|AAAA|AAAA', 'c1', 22),
    ('|1|%%%|AAAA', 'c1', 22))


class FileTestCase(testtools.TestCase):
    """A file of known hosts."""

    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path) / 'known_hosts'

    def read(self, text):
        self.path.write_bytes(text if isinstance(text, bytes)
                              else text.encode())
        return known_hosts.read(str(self.path))

    def check(self, text, host='c1', port=22, key=KEY):
        """Return why a host is refused, or ''."""
        try:
            self.read(text).check(host, port, real_sshd.key(key))
        except known_hosts.Refused as error:
            return str(error)
        return ''


class FileTest(FileTestCase):
    """faults.known_hosts."""

    def test_names(self):
        for names, host, port in ABOUT:
            self.assertEqual('', self.check('%s %s\n' % (names, KEY), host,
                                            port), (names, host, port))
        for names, host, port in NOT_ABOUT:
            self.assertIn('its host key is not in', self.check(
                '%s %s\n' % (names, KEY), host, port), (names, host, port))

    def test_hashed(self):
        """As ssh-keygen hashes them; a port is a part of the name."""
        if real_sshd.missing():
            self.skipTest('there is no %s' % real_sshd.missing())
        for name, host, port in (
                ('c1', 'c1', 22), ('[c1]:2222', 'c1', 2222),
                ('fd00::1', 'fd00::1', 22), ('c1', 'C1', 22),
                ('[fd00::1]:2222', 'fd00::1', 2222)):
            self.read('%s %s\n' % (name, KEY))
            real_sshd.keygen('-q', '-H', '-f', self.path)
            text = self.path.read_text()
            self.assertTrue(text.startswith('|1|'), text)
            self.assertEqual('', self.check(text, host, port))
            self.assertNotEqual('', self.check(text, host + '1', port))

    def test_lines(self):
        """Comments, spaces and ends of lines are as OpenSSH has them."""
        for text in ('\n# c0 %s\n  # x\n\nc1 %s a comment\n' % (OTHER, KEY),
                     '\t c1 \t %s\r\n' % KEY.replace(' ', '\t'),
                     'c0 %s\nc1 %s' % (OTHER, KEY)):
            self.assertEqual('', self.check(text), text)
        self.assertEqual('', self.check(
            b'c1 %s \xff\xfe\n' % KEY.encode()))
        # Nothing else ends a line, or a word.
        for mark in '\r\v\f\x1c\x85\u2028':
            self.assertEqual('', self.check(
                'c1 %s x%sy z\n' % (KEY, mark)), repr(mark))
            self.assertIn('its host key is not in', self.check(
                '# x%sc1 %s\n' % (mark, KEY)), repr(mark))
        self.assertNotIn('passed over', self.check('c0\xa0c1 %s\n' % KEY))

    def test_several_keys(self):
        """Of whatever type; any of them is the host's."""
        text = 'c1 %s\nc1,c2 %s\n' % (OTHER, KEY)
        for key in (KEY, OTHER):
            self.assertEqual('', self.check(text, key=key))

    def test_changed_key(self):
        text = self.check('c0 %s\nc1 %s\n' % (KEY, OTHER))
        self.assertIn('its host key is not the one in [self_healing] '
                      'host_ssh_known_hosts_file %s, line 2: it has '
                      'ssh-ed25519 SHA256:' % self.path, text)

    def test_port_of_another_key(self):
        """Where there is a line with the port the others do not count."""
        text = '[c1]:2222 %s\nc1 %s\n' % (OTHER, KEY)
        self.assertIn('is not the one in', self.check(text, port=2222))
        self.assertEqual('', self.check(text))

    def test_port_of_an_authority(self):
        """An authority hides no key, and a key none, whatever their port."""
        for names in ('*', '[c1]:2222'):
            self.assertEqual('', self.check('@cert-authority %s %s\nc1 %s\n'
                                            % (names, OTHER, KEY), port=2222))

    def test_revoked(self):
        """Wherever it stands, and whoever vouches for it."""
        for revoked in ('*', 'c1', '[c1]:2222'):
            lines = ['c1 %s' % KEY, '@revoked %s %s' % (revoked, KEY)]
            for number, order in ((2, lines), (1, lines[::-1])):
                self.assertIn('its host key is revoked in line %d' % number,
                              self.check('\n'.join(order), port=2222))
        for other in ('@revoked * %s\nc1 %s\n' % (OTHER, KEY),
                      '@revoked c2 %s\nc1 %s\n' % (KEY, KEY)):
            self.assertEqual('', self.check(other))

    def test_authority_is_no_host(self):
        """Its key is nobody's own."""
        text = self.check('@cert-authority * %s\n' % KEY)
        self.assertIn('its host key is not in', text)
        self.assertIn('it shows no certificate', text)
        self.assertEqual('', self.check(
            '@cert-authority * %s\nc1 %s\n' % (OTHER, KEY)))

    def test_passed_over(self):
        """What cannot be read is named where a host is not found."""
        bad = ('@wrong c1 %s' % KEY, 'c1', 'c1 ssh-ed25519',
               'c1 1024 35 1234567', 'c1 ssh-rsa %s' % KEY.split()[1],
               'c1 ssh-ed25519 @@@', '@revoked', '<<<<<<< HEAD')
        for line in bad:
            self.assertEqual('', self.check('%s\nc1 %s\n' % (line, KEY)))
            text = self.check('%s\n' % line)
            self.assertIn('passed over there: line 1, ', text)
        text = self.check('\n'.join(bad))
        self.assertIn('line 5, ', text)
        self.assertIn('and 3 more lines', text)

    def test_unreadable(self):
        for path in (self.path, self.path.parent):
            error = self.assertRaises(known_hosts.Unusable,
                                      known_hosts.read, str(path))
            self.assertIn(str(path), str(error))
            self.assertIn('host_ssh_known_hosts_file', str(error))

    def test_algorithms(self):
        """What is known comes first, the others stay for the refusal."""
        known = ('ssh-ed25519', 'ecdsa-sha2-nistp256', 'rsa-sha2-512',
                 'rsa-sha2-256')
        rsa = 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQE='
        for text, first in (
                ('c1 %s\n' % KEY, known), ('c2 %s\n' % rsa, known),
                ('c1 %s\n' % rsa, known[2:] + known[:2]),
                ('c1 %s\nc1 %s\n' % (rsa, KEY), (
                    *known[2:], *known[:2])),
                ('c1 ssh-dss AAAAB3NzaC1kc3M=\n', known)):
            self.assertEqual(first, self.read(text).algorithms(
                'c1', 22, known), text)
        text = '@cert-authority c* %s\nc1 %s\n' % (KEY, rsa)
        self.assertEqual(
            (*('%s-cert-v01@openssh.com' % name for name in known),
             *known[2:], *known[:2]),
            self.read(text).algorithms('c1', 22, known))


class RealServerTestCase(testtools.TestCase):
    """Commands to the machine's own SSH server."""

    options = ()

    def setUp(self):
        super().setUp()
        if real_sshd.missing():
            self.skipTest('there is no %s' % real_sshd.missing())
        self.useFixture(fixtures.FakeLogger('paramiko'))
        self.sshd = self.useFixture(real_sshd.RealSshd(self.options))
        self.name = '[127.0.0.1]:%d' % self.sshd.port

    def run_there(self):
        """Run a command; return why it cannot be run, or ''."""
        try:
            result = transports.Transports(self.sshd.access).run(
                plans.Command(transports.SSH, '127.0.0.1', (
                    'sh', '-c', 'echo out; exit 3')))
        except commands.CommandFailed as error:
            self.assertNotIsInstance(error, transports.Unreachable)
            return str(error)
        self.assertEqual((3, 'out\n'), (result.exit_status, result.stdout))
        return ''

    def known(self, *lines):
        self.sshd.known_hosts.write_text('\n'.join(lines) + '\n')

    def line(self, kind):
        return '%s %s' % (self.name, self.sshd.public(kind))


class RealServerTest(RealServerTestCase):
    """It is asked for the key that is known."""

    def test_any_of_its_keys(self):
        for kind in real_sshd.KINDS:
            self.known(self.line(kind))
            self.assertEqual('', self.run_there(), kind)

    def test_as_ssh_keyscan_prints_it(self):
        scanned = subprocess.run(
            ('ssh-keyscan', '-p', str(self.sshd.port), '127.0.0.1'),
            check=True, capture_output=True, text=True).stdout
        self.known(scanned)
        self.assertEqual('', self.run_there())
        real_sshd.keygen('-q', '-H', '-f', self.sshd.known_hosts)
        self.assertNotIn('127.0.0.1', self.sshd.known_hosts.read_text())
        self.assertEqual('', self.run_there())

    def test_one_of_several_is_known(self):
        """A key that the server has no more does not hide the others."""
        self.known('%s %s' % (self.name, KEY), self.line('rsa'))
        self.assertIn('is not the one in', self.run_there())
        self.known('%s ssh-dss AAAAB3NzaC1kc3M=' % self.name,
                   self.line('rsa'))
        self.assertEqual('', self.run_there())

    def test_revoked(self):
        self.known(self.line('rsa'),
                   '@revoked * %s' % self.sshd.public('rsa'))
        self.assertIn('revoked in line 2', self.run_there())


class CertificateTest(RealServerTestCase):
    """Hosts that an authority has signed."""

    def setUp(self):
        super().setUp()
        self.authority = self.sshd.directory / 'authority'
        self.make(self.authority)
        self.trusted = '@cert-authority 127.0.0.* %s' % (
            self.sshd.public('authority'))

    def make(self, path, kind='ed25519'):
        real_sshd.keygen('-q', '-t', kind, '-N', '', '-f', path)

    def test_signed(self):
        """Each type of key, beside lines of all other sorts."""
        for kind in real_sshd.KINDS:
            self.sshd.sign(self.authority, kind, '-h', '-n', '127.0.0.1,c1')
            self.known('# hosts', self.trusted, 'other %s' % KEY)
            self.assertEqual('', self.run_there(), kind)

    def test_kinds_of_authorities(self):
        for kind in ('rsa', 'ecdsa'):
            path = self.sshd.directory / ('by-%s' % kind)
            self.make(path, kind)
            self.sshd.sign(path, 'ed25519', '-h', '-n', '127.0.0.1')
            self.known('@cert-authority * %s' % self.sshd.public(
                'by-%s' % kind))
            self.assertEqual('', self.run_there(), kind)

    def test_not_to_be_trusted(self):
        """The certificate says why, and a key that is known still counts."""
        self.make(self.sshd.directory / 'stranger')
        for options, word in (
                (('-h', '-n', 'c1'), 'it is of c1, not of 127.0.0.1'),
                (('-n', '127.0.0.1'), ''),
                (('-h', '-n', '127.0.0.1', '-V', '-2w:-1w'),
                 'it is not valid now')):
            self.sshd.sign(self.authority, 'ed25519', *options)
            self.known(self.trusted)
            text = self.run_there()
            self.assertIn('its host key is not in', text)
            self.assertIn(word, text)
            self.known(self.trusted, self.line('ed25519'))
            self.assertEqual('', self.run_there(), options)

    def test_another_authority(self):
        stranger = self.sshd.directory / 'stranger'
        self.make(stranger)
        self.sshd.sign(stranger, 'ed25519', '-h', '-n', '127.0.0.1')
        self.known(self.trusted)
        self.assertIn('no known authority has signed it', self.run_there())

    def test_revoked(self):
        """The authority, or the key that it has signed."""
        self.sshd.sign(self.authority, 'ed25519', '-h', '-n', '127.0.0.1')
        for name in ('authority', 'ed25519'):
            self.known(self.trusted,
                       '@revoked * %s' % self.sshd.public(name))
            self.assertIn('its host key is', self.run_there())

    def test_ports(self):
        """The same as the machine's own SSH."""
        self.make(self.sshd.directory / 'stranger')
        self.sshd.sign(self.authority, 'ed25519', '-h', '-n', '127.0.0.1')
        signed, bare, exact = ('%s %s' % pair for pair in (
            ('@cert-authority 127.0.0.1', self.sshd.public('authority')),
            ('127.0.0.1', self.sshd.public('ed25519')),
            ('@cert-authority ' + self.name, self.sshd.public('stranger'))))
        other = '%s %s' % (self.name, self.sshd.public('stranger'))
        for good, *lines in (
                (True, signed), (True, signed, other), (True, signed, exact),
                (True, bare), (True, bare, exact), (False, exact)):
            self.known(*lines)
            self.assertEqual(good, not self.run_there(), lines)
            self.assertEqual(good, self.machine_runs(), lines)

    def machine_runs(self):
        """Return whether the machine's own SSH trusts the host."""
        options = ('BatchMode=yes', 'IdentitiesOnly=yes',
                   'StrictHostKeyChecking=yes', 'GlobalKnownHostsFile=none',
                   'UserKnownHostsFile=%s' % self.sshd.known_hosts)
        return subprocess.run((
            'ssh', '-F', 'none', '-i', self.sshd.access.key_file, '-l',
            self.sshd.access.user, '-p', str(self.sshd.port), *(
                word for option in options for word in ('-o', option)),
            '127.0.0.1', 'true'), capture_output=True).returncode == 0

    def test_authority_of_others(self):
        self.sshd.sign(self.authority, 'ed25519', '-h', '-n', '127.0.0.1')
        self.known(self.trusted.replace('127.0.0.*', '127.0.0.*,!127.0.0.1'))
        self.assertIn('its host key is not in', self.run_there())


class KnockTestCase(RealServerTestCase):
    """A jump host that is a real server, and a host behind it."""

    def setUp(self):
        super().setUp()
        self.known(self.line('ed25519'))
        self.host = fake_host.FakeHost('127.0.0.2')
        self.addCleanup(self.host.close)

    def knock(self, address='127.0.0.2', **changes):
        """Return the exit status of a knock."""
        access = dataclasses.replace(
            self.sshd.access, jump_host=config.JumpHost(**dict({
                'user': self.sshd.access.user, 'address': '127.0.0.1',
                'port': self.sshd.port}, **changes)))
        return transports.Transports(access).run(plans.Command(
            transports.TCP, address, (str(self.host.port),))).exit_status


class KnockTest(KnockTestCase):
    """Knocks by way of a jump host."""

    def test_answers(self):
        """The jump host knocks, and nobody else."""
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.faults.transports.answers',
            lambda *_: self.fail('a knock that goes direct')))
        self.assertEqual(0, self.knock())
        self.host.close()
        self.assertEqual(0, self.knock())
        self.host.power(False)
        self.assertEqual(1, self.knock())

    def test_no_answer(self):
        """Neither yes nor no: nobody is known to be dead."""
        self.host.power(False)
        with socket.socket() as nobody:
            nobody.bind(('127.0.0.1', 0))
            error = self.assertRaises(
                transports.Unreachable, self.knock,
                port=nobody.getsockname()[1])
        self.assertIn('host_ssh_jump_host', str(error))
        error = self.assertRaises(commands.CommandFailed, self.knock,
                                  'no.invalid.')
        self.assertIn('[self_healing] host_ssh_jump_host', str(error))

    def test_jump_host_falls_silent(self):
        """Its silence is not that of the host behind it."""
        def silent(transport, timeout):
            raise ssh.paramiko.SSHException('Timeout opening channel.')

        self.host.power(False)
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.faults.ssh._Transport.open_session',
            silent))
        self.assertRaises(transports.Unreachable, self.knock)

    def test_words_of_servers(self):
        """What the kernels and servers of the world say of a dead host."""
        for said, alive in (
                ('Connection refused', True),
                ('dial tcp 192.0.2.1:22: connect: connection refused', True),
                ('Connection timed out', False), ('No route to host', False),
                ('Host is down', False), ('Network is unreachable', False),
                ('dial tcp 192.0.2.1:22: i/o timeout', False)):
            self.assertIs(alive, ssh._alive(2, 'open FAILED: %s: Connect '
                                            'failed' % said), said)
        for said in ('', 'Connect failed', 'Name or service not known',
                     'Permission denied'):
            self.assertRaises(ssh.Unclear, ssh._alive, 2, said)


class ProhibitedTest(KnockTestCase):
    """A jump host that lets nobody through."""

    options = ('AllowTcpForwarding no',)

    def test_refused(self):
        """What is not known is not no, and another try cannot help."""
        error = self.assertRaises(commands.Hopeless, self.knock)
        self.assertIn('jump host 127.0.0.1: it does not let anybody through',
                      str(error))
        self.assertIn('host_witness_port', str(error))

    def test_refused_to_ssh(self):
        """Neither a key nor the host behind it is accused."""
        error = self.assertRaises(commands.Hopeless, transports.Transports(
            dataclasses.replace(self.sshd.access, jump_host=config.JumpHost(
                self.sshd.access.user, '127.0.0.1', self.sshd.port))).run,
            plans.Command(transports.SSH, '127.0.0.2', ('true',)))
        self.assertIn('the jump host lets nobody through to it, see '
                      '[self_healing] host_ssh_jump_host', str(error))


class ReasonTest(testtools.TestCase):
    """Why there is no connection."""

    def test_words_of_paramiko(self):
        """What it says of keys is not about the one of the user."""
        for error, words, transient in (
                (paramiko.IncompatiblePeer(
                    'Incompatible ssh peer (no acceptable host key)'),
                 'it has no algorithm in common with us', False),
                (paramiko.SSHException(
                    'Key-exchange timed out waiting for key negotiation'),
                 'see [self_healing] host_addresses', True),
                (paramiko.ChannelException(2, 'Connect failed'),
                 'see [self_healing] host_addresses', True),
                (PermissionError(13, 'Permission denied'),
                 'see [self_healing] host_addresses', True)):
            text, passes = ssh._reason(error)
            self.assertIn(words, text)
            self.assertNotIn('host_ssh_key_file', text)
            self.assertEqual(transient, passes, text)
