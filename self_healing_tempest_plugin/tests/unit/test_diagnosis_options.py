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

"""The options of the diagnosis."""

import dataclasses
import os

import fixtures
from tempest.lib import exceptions
import testtools

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.tests.unit import test_config


class OptionsTest(testtools.TestCase):
    """config.settings(), as far as the diagnosis goes."""

    def settings(self, **options):
        """Return the settings of a conf with some options."""
        conf = test_config.new_conf()
        for (group, name), value in test_config.MINIMAL.items():
            conf.set_override(name, value, group)
        for name, value in options.items():
            conf.set_override(name, value, 'self_healing')
        return config.settings(conf)

    def test_defaults(self):
        """Nothing is asked, and nothing is hurt, unless it is wanted."""
        settings = self.settings()
        self.assertEqual(((), (), False, 0, ''), (
            settings.prometheus_urls, settings.alertmanager_urls,
            settings.bisect, settings.max_executions, settings.config_file))

    def test_set(self):
        settings = self.settings(
            prometheus_url='http://[2001:db8::1]:9090/prom/',
            alertmanager_url='https://192.0.2.1', bisect=True,
            max_executions=3)
        self.assertEqual(
            (('http://[2001:db8::1]:9090/prom',), ('https://192.0.2.1',),
             True, 3),
            (settings.prometheus_urls, settings.alertmanager_urls,
             settings.bisect, settings.max_executions))

    def test_no_credentials(self):
        """Reports and logs name the URL."""
        for option in ('prometheus_url', 'alertmanager_url'):
            for user in ('u:hunter2@', 'hunter2@', ':hunter2@'):
                error = self.assertRaises(
                    exceptions.InvalidConfiguration, self.settings,
                    **{option: 'http://%s192.0.2.1:9090' % user})
                self.assertIn('[self_healing] %s must not' % option,
                              str(error))
                self.assertNotIn('hunter2', str(error))

    def test_no_url(self):
        for value in ('192.0.2.1:9090', 'ftp://192.0.2.1'):
            self.assertRaises(ValueError, self.settings,
                              prometheus_url=value)

    def test_timer(self):
        """A bisect takes as long again as the healing."""
        plain, bisect = (self.settings(bisect=value).timeouts
                         for value in (False, True))
        self.assertEqual(2 * plain.host_timer, bisect.host_timer)
        self.assertEqual(plain, dataclasses.replace(
            bisect, host_timer=plain.host_timer))
        self.assertEqual(75, self.settings(
            bisect=True, host_timer=75).timeouts.host_timer)

    def test_config_file(self):
        """The commands of the journal need it, wherever they run."""
        path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'x.conf')
        with open(path, 'w', encoding='utf-8') as stream:
            stream.write('[DEFAULT]\n')
        conf = test_config.new_conf(path)
        for (group, name), value in test_config.MINIMAL.items():
            conf.set_override(name, value, group)
        self.assertEqual(path, config.settings(conf).config_file)
