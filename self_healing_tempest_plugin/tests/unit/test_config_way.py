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

"""Options of others, paths and commands as people write them."""

import io
import os

import fixtures
from oslo_config import cfg
from tempest.lib import exceptions
import testtools

from self_healing_tempest_plugin.cmd import main
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.config import command_lines
from self_healing_tempest_plugin.config.reading import unreadable
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin.tests.unit import test_config


class WayTest(test_config.SettingsTestCase):
    """How the services are reached, by Tempest's options."""

    def cloud(self):
        return config.cloud(self.conf)

    def test_defaults(self):
        self.assertEqual((None, 60, True, 'public'), (
            self.cloud().proxy_url, self.cloud().request_timeout,
            self.cloud().any_region, self.cloud().endpoint_type))

    def test_proxy(self):
        self.override('proxy_url', 'http://u:hunter2@proxy:3128',
                      'service-clients')
        self.assertEqual('http://u:hunter2@proxy:3128',
                         self.cloud().proxy_url)
        self.assertNotIn('hunter2', repr(self.cloud()))

    def test_proxy_that_tempest_cannot_use(self):
        for url in ('proxy:3128', 'socks5://u:hunter2@proxy', 'http://',
                    'http://proxy:port', 'http://proxy:99999'):
            self.override('proxy_url', url, 'service-clients')
            text = self.refused()
            self.assertIn('[service-clients] proxy_url must be', text)
            self.assertNotIn('hunter2', text)

    def test_timeout(self):
        """Tempest's, unless there is one of our own; never none."""
        self.override('http_timeout', 7, 'service-clients')
        self.assertEqual(7, self.cloud().request_timeout)
        self.override('request_timeout', 3)
        self.assertEqual(3, self.cloud().request_timeout)
        self.override('request_timeout', None)
        self.override('http_timeout', 0, 'service-clients')
        self.assertEqual(600, self.cloud().request_timeout)
        self.override('http_timeout', -1, 'service-clients')
        self.assertIn('[service-clients] http_timeout', self.refused())

    def test_endpoint_type_of_tempest(self):
        self.override('endpoint_type', 'internalURL')
        self.assertEqual('internal', self.cloud().endpoint_type)

    def test_own_region(self):
        self.override('region', 'Two')
        self.assertFalse(self.cloud().any_region)

    def test_keystone(self):
        """Tempest takes off what it adds itself."""
        for url in ('http://h/v3/', 'http://h/v3/auth/tokens'):
            self.override('uri_v3', url, 'identity')
            self.assertEqual('http://h/v3', self.cloud().auth_url)

    def test_certificates(self):
        directory = self.useFixture(fixtures.TempDir()).path
        empty = os.path.join(directory, 'ca.pem')
        with open(empty, 'w', encoding='utf-8') as stream:
            stream.write('nothing')
        for path in ('/none.pem', '~/none.pem', directory, empty):
            self.override('ca_certificates_file', path, 'identity')
            text = self.refused()
            self.assertIn('[identity] ca_certificates_file %s' % path, text)
            self.assertEqual('~' in path, '"~"' in text)


class PathTest(test_config.SettingsTestCase):
    """"~" in each option that is a path."""

    def test_home(self):
        self.useFixture(fixtures.EnvironmentVariable('HOME', '/home/me'))
        for option in ('state_dir', 'artifacts_dir', 'host_ssh_key_file',
                       'host_ssh_known_hosts_file',
                       'host_power_password_file'):
            self.override(option, '~/a b/%s' % option)
        settings = config.settings(self.conf)
        self.assertEqual(
            ['/home/me/a b/%s' % option for option in (
                'state_dir', 'artifacts_dir', 'host_ssh_key_file',
                'host_ssh_known_hosts_file', 'host_power_password_file')],
            [settings.state_dir, settings.artifacts_dir,
             settings.access.key_file, settings.access.known_hosts_file,
             settings.power.password_file])
        self.assertEqual('/home/me/a b/state_dir',
                         config.recovery(self.conf).state_dir)

    def test_nobodys_home(self):
        for option in ('state_dir', 'host_ssh_known_hosts_file',
                       'artifacts_dir', 'host_power_password_file'):
            self.override(option, '~no-such-user/x')
            self.assertIn('[self_healing] %s: there is no home '
                          '~no-such-user' % option, self.refused())
            self.override(option, '/x')

    def test_no_path(self):
        self.override('state_dir', '/var/\0lib')
        self.assertIn('[self_healing] state_dir', self.refused())

    def test_lock_path(self):
        """Tempest leaves "~" in it: so it would be another."""
        self.override('lock_path', '~/locks', 'oslo_concurrency')
        self.assertIn('[oslo_concurrency] lock_path', self.refused())


class WrittenTestCase(testtools.TestCase):
    """Options of [self_healing] as a tempest.conf has them."""

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.EnvironmentVariable('HOME', '/home/me'))

    def conf(self, **options):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path,
                            'tempest.conf')
        with open(path, 'w', encoding='utf-8') as stream:
            stream.write('[self_healing]\n')
            stream.writelines('%s = %s\n' % option
                              for option in options.items())
        conf = test_config.new_conf(path)
        for (group, option), value in test_config.MINIMAL.items():
            if option not in options:
                conf.set_override(option, value, group)
        return conf


class CommandTest(WrittenTestCase):
    """Commands."""

    def off(self, written):
        return config.settings(self.conf(
            host_power_off_command=written)).power.off

    def test_quotes(self):
        """Where a value begins and ends with one, oslo.config takes them."""
        for written, words in (
                ('"/opt/my tools/power" off {host}',
                 ('/opt/my tools/power', 'off', '{host}')),
                ('"/opt/my tools/power" off "{host}"',
                 ('/opt/my tools/power', 'off', '{host}')),
                ('\'/opt/my tools/power\' off \'{host}\'',
                 ('/opt/my tools/power', 'off', '{host}')),
                ('"/opt/my tools/power" off --host="{host}"',
                 ('/opt/my tools/power', 'off', '--host={host}')),
                ('"power off {host}"', ('power', 'off', '{host}')),
                ('\'"/opt/my tools/power" off "{host}"\'',
                 ('/opt/my tools/power', 'off', '{host}')),
                ('power off "{host}"', ('power', 'off', '{host}')),
                ('power -c " x {host}"', ('power', '-c', ' x {host}')),
                ('"/opt/my $$tools/power" "{host}"',
                 ('/opt/my $tools/power', '{host}')),
                ('"/opt/my tools/power"\n off "{host}"',
                 ('/opt/my tools/power', 'off', '{host}')),
                ('"/opt/my tools/power" "off"\n  -x "a b"\n\t{host}',
                 ('/opt/my tools/power', 'off', '-x', 'a b', '{host}'))):
            self.assertEqual(words, self.off(written), written)

    def test_quotes_from_elsewhere(self):
        """Of several files the last counts, and the environment most."""
        words = ('/opt/my tools/power', 'off', '{host}')
        quoted = '"/opt/my tools/power" off "{host}"'
        directory = self.useFixture(fixtures.TempDir()).path
        with open(os.path.join(directory, 'a.conf'), 'w') as stream:
            stream.write('[self_healing]\nhost_power_off_command = %s\n'
                         % quoted)
        with open(os.path.join(directory, 'b.conf'), 'w') as stream:
            stream.write('[self_healing]\nallow_faults = true\n')
        conf = self.conf(host_power_off_command='"x" "{host}"')
        conf(['--config-dir', directory],
             default_config_files=conf.config_file)
        self.assertEqual(words, command_lines.words_of(
            conf, 'host_power_off_command'))
        self.useFixture(fixtures.EnvironmentVariable(
            'OS_SELF_HEALING__HOST_POWER_OFF_COMMAND',
            'power off {host}'))
        self.assertEqual(('power', 'off', '{host}'), command_lines.words_of(
            self.conf(host_power_off_command='"$$x" "{host}"'),
            'host_power_off_command'))

    def test_password_with_a_blank(self):
        """It is one word where the file has it in quotes."""
        conf = self.conf(host_power_off_command='"/opt/my tools/power" '
                         '--password "hunter2 xyz" "{host}"')
        self.assertIn('hunter2 xyz', config.secrets(conf))
        config.settings(conf)
        self.assertNotIn('hunter2', runtime.text('login hunter2 xyz fails'))

    def test_home(self):
        self.assertEqual(('/home/me/bin/power', '-f', '/home/me/pw', '{host}'),
                         self.off('~/bin/power -f ~/pw {host}'))
        self.assertEqual(('/home/me/my tools/power', '{host}'),
                         self.off('"~/my tools/power" "{host}"'))

    def test_home_on_a_host(self):
        error = self.assertRaises(
            exceptions.InvalidConfiguration, config.settings, self.conf(
                host_network_restore_command='~/bin/net {nic}'))
        self.assertIn('[self_healing] host_network_restore_command',
                      str(error))

    def test_relative_program(self):
        error = self.assertRaises(exceptions.InvalidConfiguration,
                                  self.off, './power off {host}')
        self.assertIn('[self_healing] host_power_off_command must begin with '
                      'an absolute path', str(error))


class DollarTest(WrittenTestCase):
    """What oslo.config cannot read, named, and not shown."""

    def refused(self, conf):
        return str(self.assertRaises(exceptions.InvalidConfiguration,
                                     config.settings, conf))

    def test_password(self):
        for value in ('pa$sw0rd', 'x${sw0rd}', '$sw0rd.sw1rd',
                      '$rabbitmq_api_password'):
            text = self.refused(self.conf(
                rabbitmq_api_url='http://h', rabbitmq_api_username='u',
                rabbitmq_api_password=value))
            self.assertIn('write "$$" for each "$" in [self_healing] '
                          'rabbitmq_api_password ', text)
            self.assertNotIn('sw0rd', text)

    def test_of_tempest(self):
        """Every option that is so, of every group."""
        conf = self.conf(host_ssh_user='a$sw0rd')
        conf.set_override('admin_password', 'pa$sw0rd', 'auth')
        text = config.dollars(conf)
        self.assertIn('[auth] admin_password', text)
        self.assertIn('[self_healing] host_ssh_user', text)
        self.assertNotIn('sw0rd', text)

    def test_dollars_that_are_meant(self):
        conf = self.conf(rabbitmq_api_url='http://h',
                         rabbitmq_api_username='u',
                         rabbitmq_api_password='pa$$word$1')
        self.assertEqual('pa$word$1', config.settings(conf).bus.password)
        self.assertEqual('', config.dollars(conf))

    def test_others_stay_secret(self):
        """One that cannot be read hides none of the others."""
        conf = self.conf(host_ssh_user='a$sw0rd',
                         rabbitmq_api_password='hunter2-of-the-bus')
        self.assertIn('hunter2-of-the-bus', config.secrets(conf))


class FileTest(testtools.TestCase):
    """Which tempest.conf it is, and what cannot be read of it."""

    def setUp(self):
        super().setUp()
        self.directory = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.EnvironmentVariable(
            'TEMPEST_CONFIG_DIR', self.directory))
        self.useFixture(fixtures.EnvironmentVariable('TEMPEST_CONFIG'))
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.cmd.main.FAILSAFE',
            os.path.join(self.directory, 'failsafe.conf')))

    def write(self, name, text=''):
        path = os.path.join(self.directory, name)
        with open(path, 'w', encoding='latin-1') as stream:
            stream.write(text)
        return path

    def run_main(self, *arguments):
        error = io.StringIO()
        with fixtures.MonkeyPatch('sys.stderr', error):
            code = main.main(arguments)
        return code, error.getvalue()

    def test_failsafe(self):
        """Where Tempest looks last."""
        path = self.write('failsafe.conf')
        for command in ('preflight', 'revert'):
            self.assertEqual(path, main.parse([command]).config_file)
        self.assertEqual(path, main.parse(['report', 'x']).config_file)
        first = self.write('tempest.conf')
        self.assertEqual(first, main.parse(['revert']).config_file)

    def test_lines(self):
        """A line that cannot be read is not shown."""
        for text, told in (('[auth]\n  hunter2\n', 'line 2 cannot be read'),
                           ('[auth]\nhunter2\n', 'line 2 cannot be read'),
                           ('[auth\nhunter2=x\n', 'line 1 cannot be read'),
                           ('[auth]\nx = h\xe4unter2\n', 'not UTF-8')):
            conf = cfg.ConfigOpts()

            def read():
                with unreadable.named(conf):
                    conf([], default_config_files=[self.write('x', text)])

            error = self.assertRaises(exceptions.InvalidConfiguration, read)
            self.assertIn(told, str(error))
            self.assertNotIn('unter2', str(error))

    def test_neither(self):
        code, text = self.run_main('revert')
        self.assertEqual(2, code)
        for name in ('tempest.conf', 'failsafe.conf'):
            self.assertIn(os.path.join(self.directory, name), text)

    def test_named(self):
        """A file that is named must be there; a shell leaves "~"."""
        self.write('failsafe.conf')
        self.useFixture(fixtures.EnvironmentVariable('HOME', self.directory))
        code, text = self.run_main('revert', '--config-file=~/none.conf')
        self.assertEqual(2, code)
        self.assertIn('There is no %s/none.conf:' % self.directory, text)
