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

"""The options of the monitor: who it is, and of which datasource."""

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin.tests.unit import test_config


class DatasourceTest(test_config.SettingsTestCase):
    """[self_healing] monitor and monitor_datasource."""

    def test_choices(self):
        """Every module of a monitor is a choice."""
        self.assertEqual(('doctor', 'other', 'prometheus'), monitors.names())
        for name in monitors.names():
            self.override('monitor', name)
            self.override('monitor_datasource',
                          'nagios' if name == 'other' else None)
            settings = config.settings(self.conf)
            self.assertEqual(
                (name, {'other': 'nagios'}.get(name, name)),
                (settings.monitor, monitors.of(settings).datasource))

    def test_default(self):
        settings = config.settings(self.conf)
        self.assertEqual(('prometheus', None),
                         (settings.monitor, settings.monitor_datasource))

    def test_missing(self):
        """Nobody knows whose alarms to wait for."""
        self.override('monitor', 'other')
        for value in (None, ''):
            self.override('monitor_datasource', value)
            self.assertEqual(
                '[self_healing] monitor_datasource must be set with monitor '
                '= other, and only then: monitor is other, '
                'monitor_datasource empty',
                self.refused().splitlines()[-1].removeprefix('Details: '))

    def test_superfluous(self):
        """The others have their own, which it would not change."""
        for name in ('prometheus', 'doctor'):
            self.override('monitor', name)
            self.override('monitor_datasource', 'nagios')
            refused = self.refused()
            self.assertIn('[self_healing] monitor_datasource must', refused)
            self.assertIn('only then: monitor is %s, monitor_datasource '
                          'nagios' % name, refused)
