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

"""Several monitors that do the same, at several URLs and behind one."""

from self_healing_tempest_plugin.monitors.prometheus import counting
from self_healing_tempest_plugin.tests.unit import fake_monitor
from self_healing_tempest_plugin.tests.unit import test_diagnosis

metrics, counted = fake_monitor.metrics, fake_monitor.counted


def pair(first, second, **changes):
    """Return the metrics of two of a cluster; each argument has totals."""
    return [metrics(*numbers, peer=peer, members=2, started=started, **changes)
            for peer, started, numbers in (('A', 1.76e9, first),
                                           ('B', 1.77e9, second))]


class PairTestCase(test_diagnosis.DiagnoseTestCase):
    """The alarm is missing."""

    def accusations(self, diagnosis, side='Alertmanager'):
        """Return what one side is accused of."""
        return [fact.text for fact in diagnosis.facts
                if fact.side == side and fact.good is False]


class OneUrlTest(PairTestCase):
    """Two Alertmanagers behind one URL, which answer in turn."""

    def test_nothing_by_one(self):
        """The one that has sent nothing is not taken for both."""
        self.monitor.metrics = pair((8, 1), (481, 7))
        diagnosis = self.diagnose(sent=counted(*pair((8, 1), (480, 7))))
        self.assertEqual([], self.accusations(diagnosis))
        self.assert_says(diagnosis, 'Alertmanager', True, '0 of 1 '
                         'notifications by webhook failed since the fault')

    def test_other_one(self):
        """What another one counted is not what has failed since."""
        self.monitor.metrics = pair((480, 7), (2, 0))[:1]
        before = counted(pair((480, 7), (2, 0))[1])
        diagnosis = self.diagnose(sent=before)
        self.assertEqual([], self.accusations(diagnosis))
        self.assert_says(diagnosis, 'Alertmanager', None,
                         'of 2 Alertmanagers, 0 told what they had sent '
                         'before and after it; name each of them')
        self.assert_says(diagnosis, 'Alertmanager', None,
                         '7 of 480 notifications by webhook failed since it '
                         'started')

    def test_one_of_two(self):
        """The one that is known has sent nothing; the other is not known."""
        self.monitor.metrics = pair((8, 1), (0, 0))[:1]
        diagnosis = self.diagnose(sent=counted(pair((8, 1), (0, 0))[0]))
        self.assertEqual([], self.accusations(diagnosis))
        self.assert_says(diagnosis, 'Alertmanager', None,
                         'of 2 Alertmanagers, 1 told')

    def test_nothing_by_both(self):
        """Both are known, and nobody has sent anything."""
        self.monitor.metrics = pair((8, 1), (480, 7))
        diagnosis = self.diagnose(sent=counted(*pair((8, 1), (480, 7))))
        self.assert_says(diagnosis, 'Alertmanager', False,
                         'nothing was sent to anybody since the fault')

    def test_both_fail(self):
        self.monitor.metrics = pair((10, 3), (481, 8))
        diagnosis = self.diagnose(sent=counted(*pair((8, 1), (480, 7))))
        self.assert_says(diagnosis, 'Alertmanager', False,
                         '3 of 3 notifications by webhook failed since the '
                         'fault')

    def test_without_names(self):
        """Where nothing tells them apart, counts that jump do."""
        texts = [metrics(480, 7, started=None), metrics(8, 0, started=None)]
        self.monitor.metrics = texts
        diagnosis = self.diagnose(sent=counted(*texts, texts[0]))
        self.assertEqual([], self.accusations(diagnosis))
        self.assert_says(diagnosis, 'Alertmanager', None,
                         'what was sent since the fault is not known')

    def test_started_again(self):
        """What it had sent before that, nobody knows."""
        self.monitor.metrics = metrics(0, 0, started=1.78e9)
        diagnosis = self.diagnose(sent=counted(5, 0))
        self.assertEqual([], self.accusations(diagnosis))
        self.assert_says(diagnosis, 'Alertmanager', None, 'started again')

    def test_before_the_fault(self):
        """All that are behind the URL are looked for."""
        self.monitor.metrics = pair((8, 1), (480, 7))
        sent = self.surroundings().monitor.sent()
        self.assertEqual((2, True), (len(sent.counts), sent.whole))
        self.monitor.metrics = self.monitor.metrics[:1]
        self.assertFalse(self.surroundings().monitor.sent().whole)

    def test_alert_at_one(self):
        """One of them has the alert: it is not said to be missing."""
        self.monitor.more = Turns({
            '/api/v2/alerts': [[], [fake_monitor.alert()]]})
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Alertmanager', True, 'is active since')
        self.assertEqual([], self.accusations(diagnosis))

    def test_member_of_a_cluster(self):
        """The other member may have what this one has not."""
        self.monitor.alerts = []
        self.monitor.more['/api/v2/status'] = {
            'cluster': {'status': 'ready', 'name': 'A', 'peers': [
                {'name': 'A', 'address': '192.0.2.1:9094'},
                {'name': 'B', 'address': '192.0.2.2:9094'}]}}
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Alertmanager', None,
                         'there is no alert HostDown; it is one of 2')

    def test_rule_at_one(self):
        """One of two Prometheus behind one URL is behind the other."""
        groups = [{'groups': [{'name': 'a', 'rules': [rule]}]} for rule in (
            fake_monitor.rule(), fake_monitor.rule(fake_monitor.firing()))]
        self.monitor.more = Turns({'/api/v1/rules': [
            {'status': 'success', 'data': data} for data in groups]})
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Prometheus', True, 'is firing')
        self.assertEqual([], self.accusations(diagnosis, 'Prometheus'))


class Turns(dict):
    """Answers by path, of which each has its turn."""

    def __getitem__(self, path):
        answers = super().__getitem__(path)
        answers.append(answers.pop(0))
        return answers[-1]


class SeveralUrlsTest(PairTestCase):
    """A URL for each."""

    def setUp(self):
        super().setUp()
        self.second = self.useFixture(fake_monitor.FakeMonitor())
        self.second.metrics = pair((0, 0), (480, 7))[1]
        self.monitor.metrics = pair((8, 1), (0, 0))[0]
        self.options.update(
            prometheus_urls=(self.monitor.url, self.second.url),
            alertmanager_urls=(self.monitor.url, self.second.url))

    def test_each_knows_for_itself(self):
        """What one has, the other one need not have."""
        diagnosis = self.diagnose()
        for side, words in (('Prometheus', 'is firing'),
                            ('Alertmanager', 'is active since')):
            self.assert_says(diagnosis, side, True, words)
            self.assertEqual([], self.accusations(diagnosis, side))

    def test_one_does_not_answer(self):
        """Whoever does not answer may have what the other one has not."""
        self.monitor.rules = [fake_monitor.rule()]
        self.monitor.alerts, self.second.broken = [], '.'
        diagnosis = self.diagnose()
        self.assertEqual([], self.accusations(diagnosis)
                         + self.accusations(diagnosis, 'Prometheus'))
        for side, words in (('Prometheus', 'sees nothing wrong'),
                            ('Prometheus', 'no answer: '),
                            ('Alertmanager', 'there is no alert')):
            self.assert_says(diagnosis, side, None, words)

    def test_nobody_has_it(self):
        self.monitor.rules = [fake_monitor.rule()]
        self.second.rules = [fake_monitor.rule()]
        diagnosis = self.diagnose()
        self.assertEqual(2, sum(
            'sees nothing wrong' in text
            for text in self.accusations(diagnosis, 'Prometheus')))

    def test_both_counted(self):
        monitor = self.surroundings().monitor
        before = monitor.sent()
        self.second.metrics = pair((0, 0), (481, 7))[1]
        diagnosis = self.diagnose(sent=before)
        self.assert_says(diagnosis, 'Alertmanager', True,
                         '0 of 1 notifications by webhook failed since the '
                         'fault')

    def test_clock(self):
        """The clock of a name is that of all of them, one after the other."""
        date = self.surroundings().monitor.dates()['Alertmanager']
        self.assertIsNotNone(date())
        self.assertIsNotNone(date())
        self.assertEqual((['/-/ready'], ['/-/ready']),
                         (self.monitor.requests, self.second.requests))
        self.second.broken = '.'
        self.assertIsNotNone(date())
        self.assertIsNotNone(date())


class OthersTest(PairTestCase):
    """Notifications that are none of Vitrage's."""

    def test_mail(self):
        """Mail that fails is no way to Vitrage."""
        self.monitor.metrics = metrics(5, 5, integration='opsgenie')
        diagnosis = self.diagnose(sent=counted(2, 2, integration='opsgenie'))
        self.assertEqual([], self.accusations(diagnosis))
        self.assert_says(diagnosis, 'Alertmanager', None, '3 of 3')

    def test_some_failed(self):
        """Of several webhooks, another one may have failed."""
        self.monitor.metrics = metrics(5, 1)
        diagnosis = self.diagnose(sent=counted(2, 0))
        self.assert_says(diagnosis, 'Alertmanager', None, '1 of 3')

    def test_grafana(self):
        """Its counters have other names, and come and go."""
        text = ('grafana_alerting_notifications_total'
                '{integration="webhook",org="1"} 4\n'
                'process_start_time_seconds 1.7e+09\n')
        count = counting.read(text)
        self.assertEqual({'webhook': counting.Sent(4, 0)}, count.sent)
        self.assertFalse(counting.together([[count]]).whole)

    def test_grafana_root(self):
        """Its API is below a path, its metrics are at the root."""
        self.options['alertmanager_urls'] = (
            self.monitor.url + '/api/alertmanager/grafana',)
        self.monitor.absent = 'grafana'
        self.monitor.metrics = (
            'grafana_alerting_notifications_total{integration="webhook"} 4\n')
        self.assertEqual(
            {'webhook': counting.Sent(4, 0)},
            self.surroundings().monitor.sent().total())

    def test_tenants(self):
        """What fails may be another tenant's."""
        lines = ('cortex_alertmanager_notifications_total'
                 '{integration="webhook",user="%s"} %d\n'
                 'cortex_alertmanager_notifications_failed_total'
                 '{integration="webhook",user="%s"} %d\n')
        texts = [lines % ('a', 4, 'a', 0) + lines % ('b', total, 'b', total)
                 for total in (1, 3)]
        self.monitor.metrics = texts[1]
        diagnosis = self.diagnose(sent=counted(texts[0]))
        self.assertEqual([], self.accusations(diagnosis))

    def test_labels(self):
        """A label may hold a brace, a quote, and a line a time."""
        count = counting.read(
            'alertmanager_notifications_total{integration="webhook",'
            'receiver_name="a}\\"b"} 4 1700000000000\n'
            'alertmanager_notifications_total{integration="email"} NaN\n')
        self.assertEqual({'webhook': counting.Sent(4, 0)}, count.sent)
        self.assertIsNone(counting.read('# nothing\n'))
