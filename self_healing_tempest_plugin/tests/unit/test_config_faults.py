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

"""The options of what breaks hosts, and what mends them."""

import os

import fixtures
from tempest.lib import exceptions

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin import templates
from self_healing_tempest_plugin.tests.unit import test_config


class FaultSettingsTest(test_config.SettingsTestCase):
    """What breaks hosts, and what mends them."""

    def test_other_defaults(self):
        settings = config.settings(self.conf)
        self.assertEqual(
            ('systemd', 'nova-compute', 22, (), False, False, 1.0, 20),
            (settings.service_manager, settings.compute_service,
             settings.witness_port, settings.fault_hosts,
             settings.allow_faults, settings.allow_foreign_servers,
             settings.timeouts.blip, settings.timeouts.return_watch))
        self.assertEqual(
            [('HostDown', None, templates.HOST_DOWN),
             ('HostNicDown', None, templates.NIC_DOWN)],
            [(alarm.name, alarm.template, alarm.file)
             for alarm in (settings.host_alarm, settings.nic_alarm)])

    def test_own_values(self):
        for option, value in (
                ('host_addresses', {'c1': '192.0.2.1'}),
                ('host_data_addresses', {'c1': 'fd00::1'}),
                ('host_ssh_key_file', '/key'),
                ('host_ssh_known_hosts_file', '/known'),
                ('host_ssh_user', 'healer'), ('host_ssh_port', 2222),
                ('host_ssh_sudo', True), ('host_ssh_timeout', 3),
                ('host_power_timeout', 4), ('host_management_nic', 'eth0'),
                ('host_data_nic', 'eth1'),
                ('control_plane_addresses', ['192.0.2.9', 'fd00::9']),
                ('nic_template', 'mine'), ('host_template', 'ours')):
            self.override(option, value)
        settings = config.settings(self.conf)
        self.assertEqual(
            config.HostAccess({'c1': '192.0.2.1'}, 'healer', '/key',
                              '/known', 2222, None, True, 3, 4),
            settings.access)
        self.assertEqual(
            config.HostNetwork('eth0', 'eth1', {'c1': 'fd00::1'},
                               ('192.0.2.9', 'fd00::9')), settings.network)
        self.assertEqual(('ours', 'mine'), (settings.host_alarm.template,
                                            settings.nic_alarm.template))

    def test_frozen(self):
        """Nobody changes what another one reads."""
        settings = config.settings(self.conf)
        for mapping in (settings.access.addresses,
                        settings.network.data_addresses,
                        settings.timeouts.links):
            self.assertRaises(TypeError, _set_item, mapping)

    def test_of_a_file(self):
        """The same by the words of tempest.conf, IPv6 and all."""
        settings = config.settings(self.file(
            host_addresses='c1:192.0.2.1,c2:fd00::2',
            host_data_addresses='c1:192.0.2.7',
            control_plane_addresses='192.0.2.9, fd00::9',
            fault_hosts='c1,c2', blip_time='0.5'))
        self.assertEqual({'c1': '192.0.2.1', 'c2': 'fd00::2'},
                         settings.access.addresses)
        self.assertEqual((('192.0.2.9', 'fd00::9'), ('c1', 'c2'), 0.5), (
            settings.network.control_plane, settings.fault_hosts,
            settings.timeouts.blip))

    def test_wrong_value_in_a_file(self):
        """A wrong value is one line, with the option."""
        for option, value in (('control_plane_addresses', 'controller'),
                              ('blip_time', 'short'), ('host_timer', '1'),
                              ('host_ssh_port', '0'),
                              ('host_addresses', 'c1'),
                              ('host_ssh_sudo', 'perhaps'),
                              ('service_manager', 'init')):
            conf = self.file(**{option: value})
            text = str(self.assertRaises(exceptions.InvalidConfiguration,
                                         config.settings, conf))
            self.assertIn(option, text)

    def file(self, **options):
        """Return the options of a file beside the minimal ones."""
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'conf')
        with open(path, 'w', encoding='utf-8') as stream:
            stream.write('[self_healing]\n')
            stream.writelines('%s = %s\n' % pair for pair in options.items())
        conf = test_config.new_conf(path)
        for (group, option), value in test_config.MINIMAL.items():
            conf.set_override(option, value, group)
        return conf


class StateDirectoryTest(test_config.SettingsTestCase):
    """Where the journal is."""

    def test_state_dir(self):
        """Its own, or below the locks of Tempest; always absolute."""
        self.assertEqual('/locks/self_healing',
                         config.settings(self.conf).state_dir)
        self.override('state_dir', '/var/lib/mine')
        self.assertEqual('/var/lib/mine',
                         config.settings(self.conf).state_dir)

    def test_relative_state_dir(self):
        """Another directory for whoever stands elsewhere: refused."""
        for path in ('mine', './mine', '../mine', 'a/b/', '%(home)s',
                     ' /var/lib/mine', '.', '..',
                     'file:///var/lib/mine'):
            self.override('state_dir', path)
            text = self.refused()
            self.assertIn('[self_healing] state_dir must be an absolute '
                          'path', text)
            self.assertIn(repr(path), text)
        self.override('state_dir', None)
        self.override('lock_path', 'locks', 'oslo_concurrency')
        text = self.refused()
        self.assertIn('[oslo_concurrency] lock_path, or else [self_healing] '
                      'state_dir, must be an absolute path', text)

    def test_no_state_dir(self):
        self.override('lock_path', None, 'oslo_concurrency')
        self.assertIn('[oslo_concurrency] lock_path or [self_healing] '
                      'state_dir must be set', self.refused())
        self.override('state_dir', '/mine')
        self.assertEqual('/mine', config.settings(self.conf).state_dir)


class RecoveryTest(test_config.SettingsTestCase):
    """config.recovery(): what a broken cloud has."""

    def test_without_the_cloud(self):
        """Neither image nor network nor power is asked for."""
        for group, option in test_config.MINIMAL:
            self.conf.clear_override(option, group)
        self.override('state_dir', '/mine')
        recovery = config.recovery(self.conf)
        self.assertEqual(('/mine', 'root', 900), (
            recovery.state_dir, recovery.access.user,
            recovery.timeouts.host_return))

    def test_same_as_settings(self):
        settings = config.settings(self.conf)
        self.assertEqual(
            config.Recovery(settings.access, settings.timeouts,
                            settings.state_dir), config.recovery(self.conf))

    def test_refused(self):
        for option, value, named in (
                ('host_ssh_key_file', '/key', 'host_ssh_known_hosts_file'),
                ('host_ssh_jump_host', 'x/y', 'host_ssh_jump_host'),
                ('host_ssh_user', '', 'host_ssh_user')):
            self.override(option, value)
            error = self.assertRaises(exceptions.InvalidConfiguration,
                                      config.recovery, self.conf)
            self.assertIn('[self_healing] %s' % named, str(error))
            self.conf.clear_override(option, 'self_healing')


def _set_item(mapping):
    mapping['c1'] = 'x'
