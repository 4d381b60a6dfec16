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

"""The monitors: what is read of them, and what they would send."""

import datetime
import time
import types

import fixtures
from hypothesis import given
from hypothesis import strategies
import testtools

from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin.monitors import events
from self_healing_tempest_plugin.monitors.prometheus import alertmanager
from self_healing_tempest_plugin.monitors.prometheus import counting
from self_healing_tempest_plugin.monitors.prometheus import labels as naming
from self_healing_tempest_plugin.monitors.prometheus import server
from self_healing_tempest_plugin.monitors.prometheus import shapes
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import strangers
from self_healing_tempest_plugin.tests.unit import fake_monitor
from self_healing_tempest_plugin.tests.unit import test_probing

Sent = counting.Sent

HOSTS = strategies.from_regex(r'[A-Za-z][A-Za-z0-9.-]{0,20}', fullmatch=True)


class MonitorTestCase(testtools.TestCase):
    """Both services, without contents."""

    def setUp(self):
        super().setUp()
        self.fake = self.useFixture(fake_monitor.FakeMonitor())
        self.prometheus = server.Prometheus(self.fake.url, 5)
        self.alertmanager = alertmanager.Alertmanager(self.fake.url, 5)


class PrometheusTest(MonitorTestCase):
    """prometheus.server."""

    def test_rules(self):
        self.fake.rules = [fake_monitor.rule(name='Other'),
                           fake_monitor.rule(fake_monitor.firing())]
        rule, = self.prometheus.rules('HostDown')
        self.assertEqual(
            ('HostDown', 'up{job="node"} == 0', 2, None, 'ok'),
            (rule.name, rule.query, rule.duration, rule.interval,
             rule.health))
        self.assertEqual([(fake_monitor.labels(), True)], [
            (raised.labels, raised.firing) for raised in rule.alerts])
        self.assertEqual('/api/v1/rules?type=alert', self.fake.requests[-1])

    def test_targets_and_alertmanagers(self):
        self.fake.targets = [fake_monitor.target()]
        self.fake.alertmanagers = ['http://a/api/v2/alerts']
        target, = self.prometheus.targets()
        self.assertEqual(
            (self.fake.targets[0]['labels'], 'down', 'connection refused'),
            (target.labels, target.health, target.problem))
        self.assertEqual(('http://a/api/v2/alerts',),
                         self.prometheus.alertmanagers())

    def test_errors(self):
        """Each error is one of the three that callers know."""
        self.fake.broken = 'rules'
        error = self.assertRaises(errors.ServiceUnavailable,
                                  self.prometheus.rules, 'HostDown')
        self.assertEqual(('Prometheus', 503), (error.service, error.code))
        gone = server.Prometheus(self.fake.url + '/elsewhere', 5)
        error = self.assertRaises(errors.ServiceRefused, gone.targets)
        self.assertEqual(404, error.code)
        dead = server.Prometheus('http://127.0.0.1:1', 5)
        self.assertRaises(errors.ServiceUnavailable, dead.targets)

    def test_no_json(self):
        """Somebody else answers at that URL."""
        self.fake.metrics = 'hello'
        api = server.Prometheus(self.fake.url, 5)
        self.assertRaises(errors.ClientDefect, api._json, 'x', '/metrics')


class AlertmanagerTest(MonitorTestCase):
    """prometheus.alertmanager."""

    def test_alerts(self):
        foreign = dict(fake_monitor.alert(), labels={'alertname': 'Other'})
        self.fake.alerts = [foreign, fake_monitor.alert()]
        alert, = self.alertmanager.alerts('HostDown')
        self.assertEqual(
            (fake_monitor.labels(), 'active', ('vitrage',), ()),
            (alert.labels, alert.state, alert.receivers, alert.held_back))

    def test_silence(self):
        self.fake.silences['s1'] = {'comment': 'quiet'}
        self.assertEqual({'comment': 'quiet'},
                         self.alertmanager.silence('s1'))
        self.assertRaises(errors.ServiceRefused,
                          self.alertmanager.silence, 's2')

    def test_tries(self):
        """Tries are counted: a failed one shows before it is given up."""
        self.fake.metrics = (
            fake_monitor.metrics(7, 3)
            + 'alertmanager_notifications_total{integration="x"} 99\n')
        self.assertEqual({'email': Sent(0, 0), 'webhook': Sent(7, 3)},
                         self.alertmanager.count().sent)

    def test_receivers_added_up(self):
        """A newer Alertmanager counts by receiver and by reason, too."""
        self.fake.metrics = '\n'.join((
            'alertmanager_notification_requests_total'
            '{integration="webhook",receiver_name="a"} 2',
            'alertmanager_notification_requests_total'
            '{receiver_name="b",integration="webhook"} 3',
            'alertmanager_notification_requests_failed_total'
            '{integration="webhook",receiver_name="b"} 1'))
        self.assertEqual({'webhook': Sent(5, 1)},
                         self.alertmanager.count().sent)

    def test_old_one(self):
        """Without tries, notifications are counted."""
        self.fake.metrics = (
            'alertmanager_notifications_total{integration="webhook"} 4\n'
            'alertmanager_notifications_failed_total'
            '{integration="webhook"} 1e+00\n')
        self.assertEqual({'webhook': Sent(4, 1)},
                         self.alertmanager.count().sent)

    def test_date(self):
        """Its answers bear a time, in whole seconds."""
        before = time.time() - 1
        date = self.alertmanager.date()
        self.assertTrue(before < date <= time.time(), date)
        self.useFixture(fixtures.MonkeyPatch(
            'http.server.BaseHTTPRequestHandler.date_time_string',
            lambda handler: 'noon'))
        self.assertIsNone(self.alertmanager.date())


class StrangerTest(testtools.TestCase):
    """What answers in place of a monitor is a stranger."""

    def refused(self, kind, act, words):
        stranger = self.useFixture(test_probing.Stranger(act))
        api = alertmanager.Alertmanager(stranger.url.rstrip('/'), 0.5)
        for ask in (lambda: api.alerts('HostDown'), api.count):
            error = self.assertRaises(kind, ask)
            self.assertIn(words, str(error))
        return stranger

    def test_drip(self):
        """Each byte comes in time; the answer does not."""
        for before in (b'\r\n[', b'Content-Length: 9999\r\n\r\n',
                       b'Transfer-Encoding: chunked\r\n\r\nffff\r\n'):
            self.refused(errors.ServiceUnavailable, test_probing.drip(
                test_probing.HEAD + before), 'not over in time')

    def test_status(self):
        """A status means what it means from services of the cloud."""
        for kind, statuses in (
                (errors.ServiceUnavailable, (408, 429, 500, 503)),
                (errors.ServiceRefused, (204, 400, 404, 409))):
            for status in statuses:
                self.refused(kind, test_probing.say(test_probing.answer(
                    b'', b'HTTP/1.1 %d Hm\r\n' % status)),
                    'HTTP %d' % status)

    def test_redirection(self):
        """Nobody else is asked in its place."""
        stranger = self.useFixture(test_probing.Stranger(test_probing.say(
            test_probing.answer(b'[]'))))
        self.refused(errors.ServiceRefused, test_probing.say(
            test_probing.answer(b'', b'HTTP/1.1 302 Found\r\n',
                                b'Location: ' + stranger.url.encode())),
                     'HTTP 302')
        self.assertEqual(0, stranger.asked)

    def test_no_end(self):
        """Its memory is not ours."""
        self.useFixture(fixtures.MockPatchObject(
            strangers, 'MOST_BYTES', 100_000))
        self.refused(errors.ClientDefect, test_probing.for_ever(
            b'[' * 65536, test_probing.HEAD + b'\r\n'), 'more than')

    def test_nonsense(self):
        """The nonsense is named, and nothing else breaks."""
        for body in (b'<html>Log in</html>', b'[' * 100_000, b'\xff\xfe'):
            stranger = self.useFixture(test_probing.Stranger(
                test_probing.say(test_probing.answer(body))))
            api = alertmanager.Alertmanager(stranger.url.rstrip('/'), 0.5)
            self.assertRaises(errors.ClientDefect, api.alerts, 'HostDown')


class LabelTest(testtools.TestCase):
    """Which labels name a host."""

    def test_naming(self):
        labels = {'hostname': 'c1', 'instance': '192.0.2.1:9100',
                  'v6': '[2001:db8::1]:9100', 'other': 'c11', 'job': 'node'}
        self.assertEqual(('hostname',), naming.naming(labels, 'c1'))
        self.assertEqual(('instance', 'v6'), naming.naming(
            labels, 'c2', ('192.0.2.1', '2001:db8::1')))
        self.assertEqual((), naming.naming(labels, 'c'))

    @given(HOSTS, HOSTS, strategies.integers(1, 65535))
    def test_any_name(self, host, other, port):
        """A host is found by its own name only, with a port or without."""
        labels = {'a': host, 'b': '%s:%d' % (host, port)}
        self.assertEqual(('a', 'b'), naming.naming(labels, host))
        self.assertEqual(('a', 'b') if other == host else (),
                         naming.naming(labels, other))

    def test_as_prometheus_would(self):
        """Labels of target and rule win; what a rule computes does not."""
        rules = shapes.rules({'groups': [{'rules': [fake_monitor.rule(labels={
            'severity': 'page', 'summary': '{{ $labels.x }}'})]}]},
            'HostDown')
        labels = naming.alert_labels(
            'HostDown', 'compute-1', rules,
            [shapes.target(fake_monitor.target())])
        self.assertEqual(
            ('HostDown', 'compute-1', '192.0.2.11:9100', 'node', 'page'),
            tuple(labels[key] for key in (
                'alertname', 'hostname', 'instance', 'job', 'severity')))
        self.assertNotIn('summary', labels)

    def test_without_prometheus(self):
        """Some label must name the host."""
        labels = naming.alert_labels('HostDown', 'c1')
        self.assertIn('hostname', naming.naming(labels, 'c1'))


class AsMonitorTest(MonitorTestCase):
    """What the chain asks of Prometheus, whatever it is."""

    def monitor(self, **changes):
        """Return it, with both of its URLs."""
        return monitors.of(types.SimpleNamespace(**dict(dict(
            monitor='prometheus', prometheus_urls=(self.fake.url,),
            alertmanager_urls=(self.fake.url,), prometheus_access=None,
            alertmanager_access=None,
            cloud=types.SimpleNamespace(verify=True)), **changes)))

    def nobody(self):
        """Return it without URLs."""
        return self.monitor(prometheus_urls=(), alertmanager_urls=())

    def test_labels(self):
        """The labels of the alert, as Alertmanager has it."""
        foreign = fake_monitor.alert('compute-9')
        self.fake.alerts = [foreign, fake_monitor.alert()]
        self.assertEqual(fake_monitor.labels(),
                         self.monitor().labels('HostDown', 'compute-1'))

    def test_labels_without_alert(self):
        """Labels that Prometheus would put on, or the usual ones."""
        self.fake.rules = [fake_monitor.rule()]
        self.fake.targets = [fake_monitor.target('compute-9'),
                             fake_monitor.target()]
        labels = self.monitor().labels('HostDown', 'compute-1')
        self.assertEqual(
            ('node', 'compute-1', '192.0.2.11:9100', 'HostDown'), tuple(
                labels[key] for key in ('job', 'hostname', 'instance',
                                        'alertname')))
        self.fake.broken = '.'
        self.assertEqual('compute-1', self.monitor().labels(
            'HostDown', 'compute-1')['hostname'])
        self.assertEqual('compute-1', self.nobody().labels(
            'HostDown', 'compute-1')['hostname'])

    def test_labels_odd_answer(self):
        """An answer of another shape is no answer, and nothing breaks."""
        self.fake.alerts = [{'labels': 'x'}]
        self.fake.targets = [{'labels': None}]
        self.fake.rules = [{}]
        self.assertEqual('compute-1', self.monitor().labels(
            'HostDown', 'compute-1')['hostname'])

    def test_sent(self):
        """Asked before the fault, when nothing may be broken by it."""
        self.fake.metrics = fake_monitor.metrics(2, 0)
        self.assertEqual(Sent(2, 0),
                         self.monitor().sent().total()['webhook'])
        self.fake.broken = 'metrics'
        self.assertIsNone(self.monitor().sent())
        self.assertIsNone(self.monitor(alertmanager_urls=()).sent())

    def test_dates(self):
        """Its clock is measured like those of the cloud."""
        dates = self.monitor().dates()
        self.assertEqual(['Alertmanager', 'Prometheus'], sorted(dates))
        self.assertIsNotNone(dates['Alertmanager']())
        self.assertEqual(['Prometheus'], list(self.monitor(
            alertmanager_urls=()).dates()))
        self.assertEqual({}, monitors.of(types.SimpleNamespace(
            monitor='doctor')).dates())

    def test_clock(self):
        """Vitrage has the times of an alarm from there."""
        for name in ('prometheus', 'doctor'):
            kind = monitors.kind(name)
            self.assertEqual(name, kind.datasource)
        self.assertEqual('Prometheus', self.nobody().clock)

    def test_inquiries(self):
        """A service that has no URL is not asked."""
        self.assertEqual(
            ['Prometheus'] * 3 + ['Alertmanager'] * 2,
            [inquiry.side for inquiry in self.monitor().inquiries(None)])
        self.assertEqual(['Prometheus'] * 3, [
            inquiry.side for inquiry in self.monitor(
                alertmanager_urls=()).inquiries(None)])
        self.assertEqual((), self.nobody().inquiries(None))
        self.assertEqual([], self.fake.requests)

    def test_details(self):
        """When the alert on the host started, and no other."""
        self.fake.alerts = [fake_monitor.alert('compute-9'),
                            fake_monitor.alert()]
        run = types.SimpleNamespace(ids={'host_alarm': 'HostDown',
                                         'host': 'compute-1'})
        question = self.monitor().details(None, run, None)['alert']
        (detail,) = question.ask()
        self.assertEqual(
            ('Alertmanager', 'alarm', 'Alertmanager alert',
             'alert HostDown started', '6a6be54996b45f13'),
            (question.service, detail.link.name, detail.source, detail.text,
             detail.object_id))
        self.assertEqual({}, self.nobody().details(None, run, None))


class EventTest(testtools.TestCase):
    """What Vitrage's event API takes."""

    alarm = events.Alarm('HostDown', 'compute-1',
                         '2026-01-01T00:00:10.250000', {
                             'alertname': 'HostDown', 'hostname': 'compute-1'})

    def test_stamp(self):
        """Doctor's driver takes this format and no other."""
        text = events.stamp(1767225610.25)
        self.assertEqual(self.alarm.began, text)
        self.assertIsNotNone(datetime.datetime.strptime(
            events.stamp(1767225610), '%Y-%m-%dT%H:%M:%S.%f'))

    def test_prometheus(self):
        source = monitors.kind('prometheus').event_source
        event = source.raised(self.alarm)
        (alert,) = event.details['alerts']
        self.assertEqual(
            ('prometheus.alarm', 'firing', self.alarm.began + 'Z'),
            (event.kind, alert['status'], alert['startsAt']))
        self.assertEqual(self.alarm.labels, alert['labels'])
        event = source.cleared(self.alarm, '2026-01-01T00:01:00.000000')
        (ended,) = event.details['alerts']
        self.assertEqual(('resolved', '2026-01-01T00:01:00.000000Z'),
                         (ended['status'], ended['endsAt']))
        # Vitrage knows an alarm again by its labels.
        self.assertEqual(alert['labels'], ended['labels'])

    def test_doctor(self):
        source = monitors.kind('doctor').event_source
        alarm = events.Alarm('compute.host.down', 'c1', self.alarm.began)
        event = source.raised(alarm)
        self.assertEqual(
            ('compute.host.down', 'c1', 'down', self.alarm.began),
            (event.kind, event.details['hostname'],
             event.details['status'], event.time))
        event = source.cleared(alarm, '2026-01-01T00:01:00.000000')
        self.assertEqual(('up', '2026-01-01T00:01:00.000000'),
                         (event.details['status'], event.time))

    def test_own(self):
        """Doctor's are known by the id of their event, no others are."""
        for name, ids in (('doctor', {self.alarm.began: True, 'x': False}),
                          ('prometheus', {self.alarm.began: True, 'x': True})):
            source = monitors.kind(name).event_source
            for event_id, own in ids.items():
                self.assertIs(own, source.is_own(
                    {'monitor_event_id': event_id}, self.alarm), name)
