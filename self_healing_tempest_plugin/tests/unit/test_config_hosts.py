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

"""The options about hosts: how they are reached, powered and wired."""

from tempest.lib import exceptions

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.tests.unit import test_config


class AccessTest(test_config.SettingsTestCase):
    """How commands get to the hosts."""

    def jump_host(self, value):
        self.override('host_ssh_jump_host', value)
        return config.settings(self.conf).access.jump_host

    def test_access_defaults(self):
        self.assertEqual(
            config.HostAccess({}, 'root', None, None, 22, None, False, 10,
                              60), config.settings(self.conf).access)

    def test_jump_host(self):
        self.override('host_ssh_user', 'healer')
        self.override('host_ssh_port', 2200)
        for value, user, address, port in (
                ('jump', 'healer', 'jump', 2200),
                ('me@jump', 'me', 'jump', 2200),
                ('me@jump:22', 'me', 'jump', 22),
                ('192.0.2.1:22', 'healer', '192.0.2.1', 22),
                ('Me@[fd00::1]:22', 'Me', 'fd00::1', 22),
                ('[fd00::1]', 'healer', 'fd00::1', 2200)):
            self.assertEqual(config.JumpHost(user, address, port),
                             self.jump_host(value))
        for value in ('', None):
            self.assertIsNone(self.jump_host(value))

    def test_jump_hosts(self):
        """As OpenSSH has it: the first is the one that is nearest."""
        self.override('host_ssh_port', 2200)
        near = config.JumpHost('root', 'edge', 2200)
        middle = config.JumpHost('me', 'fd00::1', 22, near)
        self.assertEqual(config.JumpHost('root', 'inner', 2200, middle),
                         self.jump_host('edge, me@[fd00::1]:22 ,inner'))

    def test_jump_hosts_nonsense(self):
        for value in ('edge,', ',edge', 'edge,,inner', ',', 'edge,a b',
                      'edge,inner,me@edge'):
            error = self.assertRaises(exceptions.InvalidConfiguration,
                                      self.jump_host, value)
            self.assertIn('[self_healing] host_ssh_jump_host', str(error))

    def test_jump_host_nonsense(self):
        """One line that names the option, whatever stands there."""
        for value in ('me@', ':22', 'jump:ssh', 'jump:99999', 'fd00::1',
                      'jump/path', 'me:secret@jump', '[fd00::1', 'fd00::1]',
                      '[jump]', 'a b', 'jump?x', 'jump#x'):
            error = self.assertRaises(exceptions.InvalidConfiguration,
                                      self.jump_host, value)
            self.assertIn('[self_healing] host_ssh_jump_host', str(error))

    def test_jump_host_with_password(self):
        """A password that is written there is in no log."""
        error = self.assertRaises(exceptions.InvalidConfiguration,
                                  self.jump_host, 'me:secret@jump')
        self.assertNotIn('secret', str(error))

    def test_key_without_known_hosts(self):
        self.override('host_ssh_key_file', '/key')
        self.assertIn('[self_healing] host_ssh_known_hosts_file must be set',
                      self.refused())


class PowerTest(test_config.SettingsTestCase):
    """The commands that give and take power."""

    def test_quoted_words(self):
        self.override('host_power_off_command', "sh -c 'a b' {host}")
        self.assertEqual(('sh', '-c', 'a b', '{host}'),
                         config.settings(self.conf).power.off)

    def test_command_without_host(self):
        self.override('host_power_off_command', 'poweroff')
        self.assertIn('[self_healing] host_power_off_command must contain '
                      '{host}', self.refused())

    def test_command_with_open_quote(self):
        self.override('host_power_on_command', "sh -c 'x {host}")
        self.assertIn('[self_healing] host_power_on_command is no command '
                      'line', self.refused())

    def test_no_power(self):
        """Without power commands all but the host crash can run."""
        for action in ('off', 'on', 'status'):
            self.override('host_power_%s_command' % action, None)
        self.assertIsNone(config.settings(self.conf).power)

    def test_some_power(self):
        """Half a power driver is none: each missing command is named."""
        names = ['host_power_%s_command' % action
                 for action in ('off', 'on', 'status')]
        for missing in names:
            for name in names:
                self.override(name, 'x {host}')
            self.override(missing, None)
            self.assertIn('[self_healing] %s must be set' % missing,
                          self.refused())
            for name in names:
                self.override(name, None if name != missing else 'x {host}')
            self.assertRegex(self.refused(), 'host_power_.* must be set')

    def test_power(self):
        self.assertEqual(
            config.HostPower(('power', 'off', '{host}'),
                             ('power', 'on', '{host}'),
                             ('power', 'status', '{host}')),
            config.settings(self.conf).power)


class NetworkTest(test_config.SettingsTestCase):
    """The NICs of the hosts."""

    def test_network_defaults(self):
        self.assertEqual(config.HostNetwork(None, None, {}, ()),
                         config.settings(self.conf).network)
