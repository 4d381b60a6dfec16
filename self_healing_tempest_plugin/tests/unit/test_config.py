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

import dataclasses
import pathlib

import fixtures
from oslo_concurrency import lockutils
from oslo_config import cfg
from oslo_config import types
from tempest import config as tempest_config
from tempest.lib import exceptions
import testtools

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin import plugin
from self_healing_tempest_plugin.tests.unit import fake_way

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
        for option in options:
            conf.clear_override(option.name, group.name)
    return conf


class OptionTest(testtools.TestCase):
    """Every option explains and bounds itself."""

    def options(self):
        return [(group.name, option) for group, options in config.OPTIONS
                for option in options]

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
            option.name for option in config.SERVICE_AVAILABLE_OPTIONS])

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


class FaceTest(testtools.TestCase):
    """What others say ``config.X`` for."""

    def test_every_type(self):
        names = [name for name, value in vars(config.types).items()
                 if dataclasses.is_dataclass(value)]
        self.assertIn('Settings', names)
        for name in names:
            self.assertIs(getattr(config.types, name), getattr(config, name))


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
        settings = config.settings(self.conf)
        self.assertEqual(('image-1', 'flavor-1', 'public-1', 80), (
            settings.application.image, settings.application.flavor,
            settings.application.external_network, settings.application.port))
        self.assertEqual(('power', 'off', '{host}'), settings.power.off)
        self.assertIsNone(settings.host_alarm.template)
        self.assertTrue(settings.artifacts_dir.startswith('/'))
        self.assertRaises(AttributeError, setattr, settings, 'monitor', 'x')

    def test_own_values_win(self):
        self.override('image_ref', 'own')
        self.override('external_network', 'net')
        self.override('region', 'Two')
        settings = config.settings(self.conf)
        self.assertEqual(('own', 'net', 'Two'), (
            settings.application.image, settings.application.external_network,
            settings.cloud.region))

    def test_environment(self):
        """It goes before the file: `./drill run --fresh` does that."""
        path = self.useFixture(fixtures.TempDir()).join('tempest.conf')
        pathlib.Path(path).write_text(
            '[self_healing]\nshare_applications = true\n')
        self.assertIs(
            True, new_conf(path).self_healing.share_applications)
        self.useFixture(fixtures.EnvironmentVariable(
            'OS_SELF_HEALING__SHARE_APPLICATIONS', 'false'))
        self.assertIs(
            False, new_conf(path).self_healing.share_applications)

    def test_verification(self):
        """CA file and verification come from [identity]."""
        self.assertIs(True, config.settings(self.conf).cloud.verify)
        path = self.useFixture(fake_way.Certificate()).path
        self.override('ca_certificates_file', path, 'identity')
        self.assertEqual(path, config.settings(self.conf).cloud.verify)
        self.override('disable_ssl_certificate_validation', True, 'identity')
        self.assertIs(False, config.settings(self.conf).cloud.verify)

    def test_missing_options_are_named(self):
        for (group, option), value in MINIMAL.items():
            self.override(option, None, group)
            self.assertIn('%s' % option, self.refused())
            self.override(option, value, group)

    def test_bounds_hold(self):
        for option, value in (('poll_interval', 0.05), ('monitor', 'zabbix'),
                              ('endpoint_type', 'x'), ('alarm_timeout', 0),
                              ('application_port', 70000),
                              ('host_timer', 4), ('quiet_time', 4),
                              ('blip_time', 0), ('host_ssh_port', 0),
                              ('service_manager', 'upstart'),
                              ('control_plane_addresses', ['host'])):
            self.assertRaises(ValueError, self.override, option, value)
