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

"""What preflight says of the monitor: whether it answers, and how late."""

import dataclasses
import types

import testtools

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.links.monitor_alarm import checks
from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin.preflight import examine
from self_healing_tempest_plugin.tests.unit import fake_monitor
from self_healing_tempest_plugin.tests.unit import host_samples

CONFIG = """
route:
  receiver: mail
  group_wait: 10s
  routes:
    - receiver: vitrage
      group_wait: %s
    - {receiver: slow, group_wait: 1h}
receivers:
  - {name: vitrage, webhook_configs: [{url: <secret>}]}
  - {name: mail, email_configs: [{to: ops}]}
  - {name: slow, email_configs: [{to: ops}]}
"""


def told(data):
    return {'status': 'success', 'data': data}


class OutlookTest(testtools.TestCase):
    """Prometheus.outlook()."""

    def setUp(self):
        super().setUp()
        self.fake = self.useFixture(fake_monitor.FakeMonitor())
        self.fill()

    def fill(self, wait='2s', **rule):
        """Let it be told that 5 + 3 + 5 + 5 + 2 s pass, and 60 more."""
        self.fake.more.update({
            '/api/v1/rules': told({'groups': [
                {'name': 'a', 'interval': 5,
                 'rules': [fake_monitor.rule(**rule)]}]}),
            '/api/v1/status/flags': told({
                'rules.alert.resend-delay': '1m'}),
            '/api/v2/status': {
                'cluster': {'status': 'ready', 'peers': []},
                'versionInfo': {'version': '0.27.0'},
                'config': {'original': CONFIG % wait}}})
        self.fake.targets = [dict(fake_monitor.target(), scrapeInterval='5s',
                                  scrapeTimeout='3s')]

    def outlook(self, seconds=100, alarms=('HostDown',), **changes):
        return monitors.of(types.SimpleNamespace(**dict(dict(
            monitor='prometheus', prometheus_urls=(self.fake.url,),
            alertmanager_urls=(self.fake.url,), prometheus_access=None,
            alertmanager_access=None,
            cloud=types.SimpleNamespace(verify=True)), **changes))).outlook(
                alarms, seconds)

    def delay(self, seconds=100, **changes):
        finding, = self.outlook(seconds, **changes).delays
        return finding.state.value, finding.text

    def test_in_time(self):
        state, text = self.delay()
        self.assertEqual('yes', state)
        self.assertEqual(
            'HostDown: scrape 5 + 3 s, evaluation 5 s, for 2 s, group_wait '
            '2 s; 20 s at most, 80 s where one of both is started again; '
            'alarm_timeout is 100 s', text)

    def test_maybe_late(self):
        """Late where it is started again, or where all goes slowly."""
        for seconds in (79, 19, 5):
            self.assertEqual('unknown', self.delay(seconds)[0])
        self.assertEqual('yes', self.delay(80)[0])

    def test_late(self):
        """What it waits by its settings alone is too long."""
        state, text = self.delay(3.5)
        self.assertEqual('no', state)
        self.assertIn('not before 4 s, and alarm_timeout is 3.5 s', text)
        self.fill(wait='5m', duration=60)
        self.assertEqual('no', self.delay(350)[0])

    def test_not_told(self):
        """What is not told is no reproach, whatever is missing."""
        for path, words in (('targets', 'scrape not told'),
                            ('flags', 'is not told'),
                            ('v2/status', 'group_wait not told')):
            self.fill()
            self.fake.absent = path
            state, text = self.delay()
            self.assertEqual('unknown', state)
            self.assertIn(words, text)
        for original in ('', 'x', '[]', 'route: []', '{', 'a: &a [*a]'):
            self.fill()
            self.fake.absent = None
            self.fake.more['/api/v2/status']['config'] = {
                'original': original}
            self.assertIn('group_wait not told', self.delay()[1])

    def answers(self, **changes):
        return [(finding.state.value, finding.text) for finding
                in self.outlook(**changes).answers]

    def test_answers(self):
        self.assertEqual(
            [('yes', 'Prometheus: rule HostDown, for 2 s'),
             ('yes', 'Alertmanager 0.27.0 at %s' % self.fake.url[7:])],
            self.answers())
        self.assertEqual(
            ('unknown', 'Prometheus: no rule raises Other'),
            self.answers(alarms=('Other',))[0])

    def test_cluster(self):
        """The members that have no URL may know what nobody else does."""
        self.fake.more['/api/v2/status']['cluster']['peers'] = [{}, {}]
        self.assertIn('is one of 2 in a cluster, of which 1 URL is known',
                      self.answers()[1][1])

    def test_not_asked(self):
        self.assertEqual(
            ['unknown'] * 2,
            [state for state, _ in self.answers(
                prometheus_urls=(), alertmanager_urls=())])
        self.assertEqual((), self.outlook(prometheus_urls=()).delays)

    def test_refused(self):
        """A monitor that lets nobody in is no failure of the suite."""
        self.fake.wanted = {'Authorization': 'x'}
        for state, text in self.answers():
            self.assertEqual('unknown', state)
            self.assertIn('HTTP 401', text)

    def test_checks(self):
        """The rows that preflight shows of it."""
        outlook = self.outlook()
        for check in checks.CHECKS:
            if check.needs == ('outlook',):
                self.assertEqual({rows.State.YES}, {
                    finding.state for finding in check.judge(None, outlook)})
        self.assertEqual(((), ()), (lambda none: (
            none.answers, none.delays))(monitors.of(types.SimpleNamespace(
                monitor='doctor')).outlook(('x',), 1)))

    def test_alarms(self):
        """Only alarms that a scenario waits for are looked at."""
        host, nic = 'HostDown', 'HostNicDown'
        settings = dataclasses.replace(
            host_samples.SETTINGS, host_alarm=config.Alarm(host, None, ''),
            nic_alarm=config.Alarm(nic, None, ''))
        for features, names in (
                (['host_crash', 'data_nic_down'], (host, nic)),
                (['host_crash'], (host,)), (['data_nic_blip'], ()),
                (['server_deleted'], ())):
            self.assertEqual(names, examine._alarms(settings, features))
