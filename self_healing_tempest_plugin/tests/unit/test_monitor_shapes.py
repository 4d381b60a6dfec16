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

"""Monitors as they are: rules and alerts of whoever lists them."""

import testtools

from self_healing_tempest_plugin.monitors.prometheus import labels
from self_healing_tempest_plugin.monitors.prometheus import shapes
from self_healing_tempest_plugin.tests.unit import fake_monitor
from self_healing_tempest_plugin.tests.unit import test_monitor_pairs

OURS, MAYBE, ANOTHER = labels.Whose

# As ngalert/api/tooling/definitions/prom.go writes one that is quiet.
GRAFANA = {'name': 'HostDown', 'query': 'up == 0', 'health': 'ok',
           'type': 'alerting', 'state': 'inactive',
           'labels': {'severity': 'critical'}}

# As app/vmalert/rule/web.go writes one.
VMALERT = {'state': 'inactive', 'name': 'HostDown', 'query': 'up == 0',
           'duration': 10, 'keep_firing_for': 0, 'lastError': '',
           'health': 'ok', 'type': 'alerting', 'datasourceType': 'prometheus',
           'id': '1', 'group_id': '2', 'debug': False}


def grafana_alert(state, host='compute-1', **changes):
    """Return an instance of a rule, as Grafana lists even quiet ones."""
    return dict(fake_monitor.firing(host, state), **changes)


class RulesTest(test_monitor_pairs.PairTestCase):
    """Rules of Grafana, vmalert and rulers."""

    def says(self, good, words, *rules):
        self.monitor.rules = list(rules)
        self.assert_says(self.diagnose(), 'Prometheus', good, words)

    def test_quiet(self):
        """Nothing is written where there is no alert."""
        for rule in (GRAFANA, VMALERT):
            self.says(False, 'sees nothing wrong: up == 0', rule)

    def test_firing(self):
        for state in ('Alerting', 'Alerting (NoData)', 'Recovering',
                      'firing', 'FIRING'):
            self.says(True, 'alert HostDown is firing for host compute-1',
                      dict(GRAFANA, alerts=[
                          grafana_alert('Normal', 'compute-9'),
                          grafana_alert(state)]))

    def test_pending(self):
        self.says(False, 'is only Pending since 2026-01-01T00:00:05.5Z, its '
                  'rule waits 0 s', dict(GRAFANA, alerts=[
                      grafana_alert('Pending')]))

    def test_normal(self):
        """Grafana lists what is normal, too."""
        self.says(False, 'sees nothing wrong', dict(GRAFANA, alerts=[
            grafana_alert('Normal'), grafana_alert('Normal', 'compute-9')]))

    def test_no_data(self):
        self.says(None, 'is NoData since', dict(GRAFANA, alerts=[
            grafana_alert('NoData', activeAt=None)]))
        self.says(False, 'and has no data', dict(GRAFANA, health='nodata'))

    def test_sick(self):
        for health in ('err', 'error'):
            self.says(False, 'cannot be evaluated: no such source', dict(
                GRAFANA, health=health, lastError='no such source'))

    def test_unknown(self):
        """What does not tell is not accused."""
        for words, changes in (
                ('has not been evaluated yet', {'health': 'unknown'}),
                ('is firing, for whom it does not tell',
                 {'state': 'firing'})):
            self.says(None, words, dict(GRAFANA, **changes))
        self.says(False, 'is paused', dict(GRAFANA, isPaused=True))

    def test_recording(self):
        """A rule that records raises nothing, whatever its name is."""
        self.says(False, 'no rule raises', dict(GRAFANA, type='recording'))

    def test_foreign(self):
        """Odd rules of others are not looked at."""
        self.says(True, 'is firing', {}, {'name': 7}, 'x', None, {
            'name': 'Other', 'alerts': 'x'}, fake_monitor.rule(
                fake_monitor.firing()))

    def test_placeholder(self):
        """VictoriaMetrics says that it has no rules at all."""
        for groups in ([], None):
            self.monitor.more['/api/v1/rules'] = {
                'status': 'success', 'data': {'groups': groups}}
            self.assert_says(self.diagnose(), 'Prometheus', None,
                             'it has no rules at all')

    def test_error(self):
        """An answer that is an error is no list of rules."""
        self.monitor.more['/api/v1/rules'] = {
            'status': 'error', 'error': 'no', 'errorType': 'x'}
        self.assert_says(self.diagnose(), 'Prometheus', None, 'no answer: ')

    def test_vmalert(self):
        """It has no targets, and calls its Alertmanagers notifiers."""
        self.monitor.absent = '/targets|/alertmanagers'
        self.monitor.more['/api/v1/notifiers'] = {
            'status': 'success', 'data': {'notifiers': [
                {'kind': 'static', 'targets': [
                    {'address': 'http://a:9093/api/v2/alerts',
                     'labels': None, 'lastError': ''}]}]}}
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Prometheus', True,
                         'alerts go to http://a:9093/api/v2/alerts')
        self.assert_says(diagnosis, 'Prometheus', None, 'HTTP 404')
        self.assertEqual([], self.accusations(diagnosis, 'Prometheus'))

    def test_long_before(self):
        """An alert of another host from before the fault is not ours."""
        self.cloud.hypervisors = []
        self.says(False, 'sees nothing wrong', fake_monitor.rule(dict(
            fake_monitor.firing('compute-9'),
            activeAt='2025-12-01T00:00:00Z')))

    def test_one_of_two(self):
        """What one of several of a name does is not what all of them do."""
        quiet, sick = fake_monitor.rule(), fake_monitor.rule(
            health='err', lastError='no such source')
        paused = fake_monitor.rule(isPaused=True)
        alert = fake_monitor.firing(state='pending')
        pending = fake_monitor.rule(alert)
        for good, words, *rules in (
                (False, 'is only pending', pending, sick),
                (False, 'is only pending', paused, pending),
                (False, 'cannot be evaluated', dict(sick, alerts=[alert]),
                 quiet),
                (None, 'sees nothing wrong', sick, quiet),
                (None, 'sees nothing wrong', paused, quiet),
                (False, 'cannot be evaluated: no such source', paused, sick),
                (False, 'is paused', paused, paused)):
            self.monitor.rules = rules
            diagnosis = self.diagnose()
            self.assert_says(diagnosis, 'Prometheus', good, words)
            self.assertEqual(good is None, not self.accusations(
                diagnosis, 'Prometheus'), words)

    def test_target(self):
        """A target is another host's only where its labels say so."""
        self.cloud.hypervisors = []
        another = fake_monitor.target('compute-9')
        for good, value in (
                (False, 'compute-9'), (None, 'compute-1.example.org:9100'),
                (None, 'COMPUTE-1'), (None, '198.51.100.7:9100'),
                (None, 'compute-1-mgmt:9100')):
            self.monitor.targets = [another, dict(
                another, labels={'instance': value})]
            self.says(good, 'no target has a label' if good is False else (
                'is not known: instance=%s' % value), fake_monitor.rule())

    def test_by_another_one(self):
        """Another one has what this one has nothing of at all."""
        self.monitor.more['/api/v1/rules'] = {
            'status': 'success', 'data': {'groups': []}}
        self.monitor.alertmanagers, self.monitor.targets = [], []
        diagnosis = self.diagnose()
        for words in ('it has no targets at all', 'it has no rules, and no '
                      'Alertmanager that alerts would go to'):
            self.assert_says(diagnosis, 'Prometheus', None, words)
        self.assertEqual([], self.accusations(diagnosis, 'Prometheus'))


class AlertsTest(test_monitor_pairs.PairTestCase):
    """Alerts of others, in whichever shape."""

    def test_foreign(self):
        self.monitor.alerts = [
            {'labels': {'severity': 'page'}, 'status': None}, {}, None, 'x',
            {'labels': None}, {'labels': {'alertname': 7}},
            fake_monitor.alert()]
        self.assert_says(self.diagnose(), 'Alertmanager', True,
                         'alert HostDown on host compute-1 is active')

    def test_little(self):
        """Ours, with no more than its labels."""
        self.monitor.alerts = [{'labels': fake_monitor.labels()}]
        self.assert_says(self.diagnose(), 'Alertmanager', True,
                         'on host compute-1 is there')

    def test_muted(self):
        for key in ('inhibitedBy', 'mutedBy'):
            self.monitor.alerts = [fake_monitor.alert(
                state='suppressed', **{key: ['f00']})]
            self.assert_says(self.diagnose(), 'Alertmanager', False,
                             '%s by f00' % key[:-2])
        self.monitor.alerts = [fake_monitor.alert(state='suppressed')]
        self.assert_says(self.diagnose(), 'Alertmanager', None, 'suppressed')

    def test_maybe_ours(self):
        """An address that nobody knows may be the host's, as may a name."""
        for value in ('198.51.100.7:9100', 'compute-1.example.org',
                      'COMPUTE-1'):
            alert = fake_monitor.alert()
            alert['labels'] = {'alertname': 'HostDown', 'instance': value}
            self.monitor.alerts = [alert]
            self.assert_says(self.diagnose(), 'Alertmanager', None,
                             'is not known: instance=%s' % value)

    def test_maybe_ours_among_others(self):
        """The alert of another host says nothing of one that may be ours."""
        self.cloud.hypervisors = []
        self.monitor.alerts = [
            fake_monitor.alert('compute-9'), fake_monitor.alert('COMPUTE-1')]
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Alertmanager', None,
                         'is not known: hostname=COMPUTE-1')
        self.assertEqual([], self.accusations(diagnosis))

    def test_missing(self):
        """Missing, where it is known that nobody else has it."""
        self.monitor.alerts = []
        self.monitor.more['/api/v2/status'] = {'cluster': {}}
        self.assert_says(self.diagnose(), 'Alertmanager', False,
                         'there is no alert HostDown')
        self.monitor.broken = '/status'
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Alertmanager', None,
                         'whether it is one of a cluster is not known: ')
        self.assertEqual([], self.accusations(diagnosis))


class LabelsTest(testtools.TestCase):
    """Labels that name a host by an address."""

    def test_ipv6(self):
        for value in ('2001:db8::1', '[2001:db8::1]', '[2001:db8::1]:9100',
                      '2001:DB8:0:0:0:0:0:1', '2001:db8:0:0:0:0:0:1:9100',
                      'http://[2001:db8::1]:9100/metrics',
                      '2001:db8::1:9100'):
            self.assertEqual(('x',), labels.naming(
                {'x': value}, 'c1', ('2001:db8::1',)), value)
            self.assertIs(MAYBE, labels.whose({'host': value}, 'c1'))
        self.assertEqual(('x',), labels.naming(
            {'x': 'fe80::1%eth0'}, 'c1', ('fe80::1',)))
        self.assertEqual(('x',), labels.naming(
            {'x': '::ffff:192.0.2.1'}, 'c1', ('192.0.2.1',)))
        for value in ('2001:db8::2', '2001:db8::', '[2001:db8::11]:9100'):
            self.assertEqual((), labels.naming(
                {'x': value}, 'c1', ('2001:db8::1',)), value)

    def test_url(self):
        """As the exporter that asks from outside names its target."""
        for value in ('https://c1/health', 'ssh://c1:22', 'icmp://c1?x=1'):
            self.assertEqual(('x',), labels.naming({'x': value}, 'c1'))

    def test_another(self):
        named = {'host': 'c2', 'instance': '192.0.2.1:1', 'job': 'n'}
        for expected, more in (
                (ANOTHER, {}), (MAYBE, {'x': 'c1.example.org'}),
                (OURS, {'x': 'c1'}), (ANOTHER, {'x': 'c10'}),
                (ANOTHER, {'x': 'abc1:9100'}), (OURS, {'x': '192.0.2.9'})):
            self.assertIs(expected, labels.whose(
                dict(named, **more), 'c1', ('192.0.2.9',)), more)

    def test_maybe(self):
        """One name may be a part of the other one."""
        for value in ('c1-mgmt:9100', 'rack2-c1', '0/c1:9100', 'c1_9100',
                      'C1 (10.0.0.1)', 'root@c1', 'c1.', ''):
            self.assertIs(MAYBE, labels.whose({'host': value}, 'c1'), value)
        for value in ('compute-0', 'COMPUTE-0.local:9100', 'cloud-compute-0'):
            self.assertIs(MAYBE, labels.whose(
                {'host': value}, 'cloud-compute-0.example.org'), value)
        for value in ('compute-00', 'rack-0', 'compute-1'):
            self.assertIs(ANOTHER, labels.whose(
                {'host': value}, 'cloud-compute-0.example.org'), value)

    def test_durations(self):
        for value, seconds in (('1m30s', 90), ('15s', 15), ('0', 0), (2, 2),
                               ('500ms', 0.5), ('1h', 3600), ('x', None),
                               ('', None), (None, None), (True, None),
                               ('1m x', None)):
            self.assertEqual(seconds, shapes.seconds(value), value)
