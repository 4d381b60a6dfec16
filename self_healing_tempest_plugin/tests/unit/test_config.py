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

"""The options: what they say of themselves, and how they are read."""

import os

import fixtures
from oslo_concurrency import lockutils
from oslo_config import cfg
from oslo_config import types
from tempest import config as tempest_config
from tempest.lib import exceptions
import testtools

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin import plugin
from self_healing_tempest_plugin import templates

MINIMAL = {
    ('identity', 'uri_v3'): 'http://127.0.0.1/identity/v3',
    ('compute', 'image_ref'): 'image-1',
    ('compute', 'flavor_ref'): 'flavor-1',
    ('network', 'public_network_id'): 'public-1',
    ('oslo_concurrency', 'lock_path'): '/locks',
    ('self_healing', 'host_power_off_command'): 'power off {host}',
    ('self_healing', 'host_power_on_command'): 'power on {host}',
    ('self_healing', 'host_power_status_command'): 'power status {host}',
}


def new_conf(path=None):
    """Return the options of Tempest and of the plugin.

    :param path: of a tempest.conf; without one, all are at their defaults
    """
    conf = cfg.ConfigOpts()
    for group, options in tempest_config._opts:
        if group is None:
            conf.register_opts(options)
        else:
            conf.register_group(cfg.OptGroup(group.name))
            conf.register_opts(options, group=group.name)
    plugin.SelfHealingTempestPlugin().register_opts(conf)
    conf([], default_config_files=[] if path is None else [path])
    lockutils.get_lock_path(conf)
    # The groups of the plugin are the same in every conf.
    for group, options in config.OPTIONS:
        for one in options:
            conf.clear_override(one.name, group.name)
    return conf


class OptionTest(testtools.TestCase):
    """Every option explains and bounds itself."""

    def options(self):
        return [(group.name, one) for group, options in config.OPTIONS
                for one in options]

    def test_help(self):
        for group, option in self.options():
            self.assertTrue(option.help.endswith('.') or ':' in option.help,
                            (group, option.name))

    def test_numbers_are_bounded(self):
        for group, option in self.options():
            if isinstance(option, (cfg.IntOpt, cfg.FloatOpt, cfg.PortOpt)):
                self.assertIsNotNone(option.type.min, option.name)
                self.assertIsNotNone(option.type.max, option.name)

    def test_every_option_is_typed(self):
        for group, option in self.options():
            if type(option) is cfg.Opt:
                self.assertIsInstance(option.type, types.Dict, option.name)

    def test_no_foreign_option(self):
        """Another plugin's option would make Tempest drop our groups."""
        self.assertEqual(['self_healing'], [
            one.name for one in config.SERVICE_AVAILABLE_OPTIONS])

    def test_registered_and_listed_are_the_same(self):
        conf = new_conf()
        listed = plugin.SelfHealingTempestPlugin().get_opt_lists()
        for group, options in listed:
            for option in options:
                self.assertEqual(option.default, conf[group][option.name])

    def test_faults_are_off_by_default(self):
        conf = new_conf()
        self.assertFalse(conf.self_healing.allow_faults)
        self.assertEqual([], conf.self_healing.fault_hosts)
        self.assertFalse(conf.service_available.self_healing)
        self.assertFalse(conf.self_healing.allow_foreign_servers)
        for option in config.FEATURE_OPTIONS:
            self.assertFalse(conf.self_healing_feature_enabled[option.name])


class SettingsTestCase(testtools.TestCase):
    """The options that must be set, set."""

    def setUp(self):
        super().setUp()
        self.conf = new_conf()
        for (group, option), value in MINIMAL.items():
            self.conf.set_override(option, value, group)

    def override(self, option, value, group='self_healing'):
        self.conf.set_override(option, value, group)

    def refused(self):
        return str(self.assertRaises(exceptions.InvalidConfiguration,
                                     config.settings, self.conf))


class SettingsTest(SettingsTestCase):
    """config.settings()."""

    def test_defaults(self):
        found = config.settings(self.conf)
        self.assertEqual(('image-1', 'flavor-1', 'public-1', 80), (
            found.application.image, found.application.flavor,
            found.application.external_network, found.application.port))
        self.assertEqual(('power', 'off', '{host}'), found.power.off)
        self.assertIsNone(found.host_alarm.template)
        self.assertTrue(found.artifacts_dir.startswith('/'))
        self.assertRaises(AttributeError, setattr, found, 'monitor', 'x')

    def test_own_values_win(self):
        self.override('image_ref', 'own')
        self.override('external_network', 'net')
        self.override('region', 'Two')
        found = config.settings(self.conf)
        self.assertEqual(('own', 'net', 'Two'), (
            found.application.image, found.application.external_network,
            found.cloud.region))

    def test_deadlines_follow_the_snapshots(self):
        """A cloud with slow snapshots gets more time."""
        self.override('vitrage_snapshots_interval', 30)
        quick = config.settings(self.conf).timeouts
        self.override('vitrage_snapshots_interval', 600)
        slow = config.settings(self.conf).timeouts
        self.assertEqual((60, 630), (quick.links['alarm'], slow.links['alarm']))
        self.assertEqual((60, 630), (quick.graph, slow.graph))
        self.assertEqual(570, slow.host_return - quick.host_return)
        self.override('alarm_timeout', 7)
        self.assertEqual(
            7, config.settings(self.conf).timeouts.links['alarm'])

    def test_verification(self):
        """CA file and verification come from [identity]."""
        self.assertIs(True, config.settings(self.conf).cloud.verify)
        self.override('ca_certificates_file', '/ca.pem', 'identity')
        self.assertEqual('/ca.pem', config.settings(self.conf).cloud.verify)
        self.override('disable_ssl_certificate_validation', True, 'identity')
        self.assertIs(False, config.settings(self.conf).cloud.verify)

    def test_quoted_words(self):
        self.override('host_power_off_command', "sh -c 'a b' {host}")
        self.assertEqual(('sh', '-c', 'a b', '{host}'),
                         config.settings(self.conf).power.off)

    def test_missing_options_are_named(self):
        for (group, option), value in MINIMAL.items():
            self.override(option, None, group)
            self.assertIn('%s' % option, self.refused())
            self.override(option, value, group)

    def test_command_without_host(self):
        self.override('host_power_off_command', 'poweroff')
        self.assertIn('[self_healing] host_power_off_command must contain '
                      '{host}', self.refused())

    def test_command_with_open_quote(self):
        self.override('host_power_on_command', "sh -c 'x {host}")
        self.assertIn('[self_healing] host_power_on_command is no command '
                      'line', self.refused())

    def test_bounds_hold(self):
        for option, value in (('poll_interval', 0.05), ('monitor', 'zabbix'),
                              ('endpoint_type', 'x'), ('alarm_timeout', 0),
                              ('application_port', 70000),
                              ('host_timer', 4), ('quiet_time', 4),
                              ('blip_time', 0), ('host_ssh_port', 0),
                              ('service_manager', 'upstart'),
                              ('control_plane_addresses', ['host'])):
            self.assertRaises(ValueError, self.override, option, value)


class FaultSettingsTest(SettingsTestCase):
    """What breaks hosts, and what mends them."""

    def jump_host(self, value):
        self.override('host_ssh_jump_host', value)
        return config.settings(self.conf).access.jump_host

    def test_access_defaults(self):
        self.assertEqual(
            config.HostAccess({}, 'root', None, None, 22, None, False, 10,
                              60), config.settings(self.conf).access)

    def test_network_defaults(self):
        self.assertEqual(config.HostNetwork(None, None, {}, ()),
                         config.settings(self.conf).network)

    def test_other_defaults(self):
        found = config.settings(self.conf)
        self.assertEqual(
            ('systemd', 'nova-compute', 22, (), False, False, 1.0, 20),
            (found.service_manager, found.compute_service,
             found.witness_port, found.fault_hosts, found.allow_faults,
             found.allow_foreign_servers, found.timeouts.blip,
             found.timeouts.return_watch))
        self.assertEqual(
            [('HostDown', None, templates.HOST_DOWN),
             ('HostNicDown', None, templates.NIC_DOWN)],
            [(one.name, one.template, one.file)
             for one in (found.host_alarm, found.nic_alarm)])

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
        found = config.settings(self.conf)
        self.assertEqual(
            config.HostAccess({'c1': '192.0.2.1'}, 'healer', '/key',
                              '/known', 2222, None, True, 3, 4),
            found.access)
        self.assertEqual(
            config.HostNetwork('eth0', 'eth1', {'c1': 'fd00::1'},
                               ('192.0.2.9', 'fd00::9')), found.network)
        self.assertEqual(('ours', 'mine'), (found.host_alarm.template,
                                            found.nic_alarm.template))

    def test_frozen(self):
        """Nobody changes what another one reads."""
        found = config.settings(self.conf)
        for mapping in (found.access.addresses, found.network.data_addresses):
            self.assertRaises(TypeError, _set_item, mapping)

    def test_of_a_file(self):
        """The same by the words of tempest.conf, IPv6 and all."""
        found = config.settings(self.file(
            host_addresses='c1:192.0.2.1,c2:fd00::2',
            host_data_addresses='c1:192.0.2.7',
            control_plane_addresses='192.0.2.9, fd00::9',
            fault_hosts='c1,c2', blip_time='0.5'))
        self.assertEqual({'c1': '192.0.2.1', 'c2': 'fd00::2'},
                         found.access.addresses)
        self.assertEqual((('192.0.2.9', 'fd00::9'), ('c1', 'c2'), 0.5), (
            found.network.control_plane, found.fault_hosts,
            found.timeouts.blip))

    def test_wrong_value_in_a_file(self):
        """One line, with the option."""
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
            stream.writelines('%s = %s\n' % one for one in options.items())
        conf = new_conf(path)
        for (group, option), value in MINIMAL.items():
            conf.set_override(option, value, group)
        return conf

    def test_host_timer_is_the_sum(self):
        """From the witness to the application: healing is over by then."""
        for number, option in enumerate((
                'witness_timeout', 'alarm_timeout', 'deduction_timeout',
                'workflow_timeout', 'stack_timeout', 'application_timeout')):
            self.override(option, 2 ** number)
        self.assertEqual(63,
                         config.settings(self.conf).timeouts.host_timer)
        self.override('host_timer', 77)
        self.assertEqual(77, config.settings(self.conf).timeouts.host_timer)

    def test_host_timer_follows_the_snapshots(self):
        before = config.settings(self.conf).timeouts.host_timer
        self.assertEqual(30 + 630 + 30 + 30 + 300 + 120, before)
        self.override('vitrage_snapshots_interval', 700)
        self.assertEqual(before + 100,
                         config.settings(self.conf).timeouts.host_timer)

    def test_quiet_time(self):
        self.assertEqual(660, config.settings(self.conf).timeouts.quiet)
        self.override('alarm_timeout', 40)
        self.override('deduction_timeout', 2)
        self.assertEqual(42, config.settings(self.conf).timeouts.quiet)
        self.override('quiet_time', 9)
        self.assertEqual(9, config.settings(self.conf).timeouts.quiet)

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

    def test_jump_host_nonsense(self):
        """One line that names the option, whatever stands there."""
        for value in ('me@', ':22', 'jump:ssh', 'jump:99999', 'fd00::1',
                      'jump/path', 'me:secret@jump', '[fd00::1', 'fd00::1]',
                      '[jump]', 'a b', 'jump?x', 'jump#x'):
            error = self.assertRaises(exceptions.InvalidConfiguration,
                                      self.jump_host, value)
            self.assertIn('[self_healing] host_ssh_jump_host', str(error))

    def test_jump_host_with_password(self):
        """Who writes one there finds it in no log."""
        error = self.assertRaises(exceptions.InvalidConfiguration,
                                  self.jump_host, 'me:secret@jump')
        self.assertNotIn('secret', str(error))

    def test_key_without_known_hosts(self):
        self.override('host_ssh_key_file', '/key')
        self.assertIn('[self_healing] host_ssh_known_hosts_file must be set',
                      self.refused())

    def test_state_dir(self):
        """Its own, or below the locks of Tempest; always absolute."""
        self.assertEqual('/locks/self_healing',
                         config.settings(self.conf).state_dir)
        self.override('state_dir', '/var/lib/mine')
        self.assertEqual('/var/lib/mine',
                         config.settings(self.conf).state_dir)

    def test_relative_state_dir(self):
        """Another directory for whoever stands elsewhere: refused."""
        for path in ('mine', './mine', '../mine', 'a/b/', '~/mine', '~',
                     '%(home)s', ' /var/lib/mine', '.', '..',
                     'file:///var/lib/mine', '/var/\0lib'):
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

    def test_no_power(self):
        """Who has no power commands can run all but the host crash."""
        for action in ('off', 'on', 'status'):
            self.override('host_power_%s_command' % action, None)
        self.assertIsNone(config.settings(self.conf).power)

    def test_some_power(self):
        """Half a power driver is none: each one that is missing is named."""
        names = ['host_power_%s_command' % one
                 for one in ('off', 'on', 'status')]
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


class RecoveryTest(SettingsTestCase):
    """config.recovery(): what a broken cloud has."""

    def test_without_the_cloud(self):
        """Neither image nor network nor power is asked for."""
        for group, option in MINIMAL:
            self.conf.clear_override(option, group)
        self.override('state_dir', '/mine')
        found = config.recovery(self.conf)
        self.assertEqual(('/mine', 'root', 900), (
            found.state_dir, found.access.user, found.timeouts.host_return))

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
