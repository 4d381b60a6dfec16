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

"""What the services tell of a run afterwards."""

from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.diagnosis import details
from self_healing_tempest_plugin.links import mistral_details
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import stamps
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.tests.unit import diagnosis_samples
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import samples
from self_healing_tempest_plugin.tests.unit import test_diagnosis
from self_healing_tempest_plugin import waiting
from self_healing_tempest_plugin.watching import looks
from self_healing_tempest_plugin.watching import recorders

Link, Mark = vitrage, links.Mark

MINUTE = 1767225600.0    # 2026-01-01T00:00:00Z


class DetailsTest(diagnosis_samples.DiagnosisTestCase):
    """details.collect()."""

    def setUp(self):
        super().setUp()
        self.now = 100.0
        clock = waiting.Clock(lambda: self.now, lambda seconds: None,
                              lambda: self.now - 100.0 + MINUTE)
        self.recorder = recorders.Recorder(clock)

    def inject(self):
        """Break something at the fifth second of the run."""
        self.now = 106.0
        self.recorder.transition('injected', 105.0)

    def heal(self, *executions):
        """Let executions and a new server be seen."""
        self.now = 120.0
        self.recorder.look(Link.WORKFLOW, 119.0, 120.0, looks.Look(
            'x', objects=executions))
        self.recorder.look(Link.STACK, 119.0, 120.0, looks.Look('x', (
            looks.Sighting(Mark.FINISHED, fake_cloud.STACK, {
                'stack_id': fake_cloud.STACK, 'host': 'compute-20',
                'server_id': fake_cloud.NEW_SERVER,
                'status': 'ACTIVE'}),)))

    def collect(self):
        """Return what was recorded, as source, id and text."""
        details.collect(self.recorder, self.expected(),
                        self.surroundings(), 10)
        return [(detail.source, detail.object_id, detail.text)
                for detail in self.recorder.timeline().details]

    def test_all(self):
        """Each service, with its own stamps."""
        self.inject()
        self.heal(fake_cloud.EXECUTION)
        self.cloud.events = [test_diagnosis.event('UPDATE_COMPLETE', 'ok')]
        self.cloud.tasks = [test_diagnosis.task('settle', 'SUCCESS'),
                            test_diagnosis.task('wait', 'RUNNING')]
        self.cloud.instance_actions = {
            fake_cloud.SERVER: [test_diagnosis.action('delete', 'u1')],
            fake_cloud.NEW_SERVER: [test_diagnosis.action('create', 'u1')]}
        details_seen = self.collect()
        self.assertEqual({
            ('Heat event', 'event-2026-01-01T00:00:15Z',
             'server UPDATE_COMPLETE: ok'),
            ('Mistral task', 'task-settle', 'settle began'),
            ('Mistral task', 'task-settle', 'settle SUCCESS'),
            ('Mistral task', 'task-wait', 'wait began'),
            ('Nova action', fake_cloud.SERVER + '/req-1',
             'delete of the old server'),
            ('Nova action', fake_cloud.NEW_SERVER + '/req-1',
             'create of the new server'),
            ('Alertmanager alert', '6a6be54996b45f13',
             'alert HostDown started')}, set(details_seen))
        stamps = {detail.source: (detail.link, detail.stamp) for detail
                  in self.recorder.timeline().details}
        self.assertEqual(
            (Link.ALARM, 'Alertmanager', MINUTE + 7.567),
            (stamps['Alertmanager alert'][0],
             stamps['Alertmanager alert'][1].service,
             round(stamps['Alertmanager alert'][1].low, 3)))
        self.assertEqual({'Heat', 'Mistral', 'Nova', 'Alertmanager'}, {
            stamp.service for _, stamp in stamps.values()})
        self.assertEqual((), self.recorder.timeline().remarks)

    def test_before_the_fault(self):
        """A detail older than the fault is none of its effects."""
        self.inject()
        self.cloud.events = [
            test_diagnosis.event('CREATE_COMPLETE', 'deploy',
                                 '2026-01-01T00:00:03Z'),
            test_diagnosis.event('UPDATE_COMPLETE', 'heal')]
        texts = [text for _, _, text in self.collect()]
        self.assertIn('server UPDATE_COMPLETE: heal', texts)
        self.assertNotIn('server CREATE_COMPLETE: deploy', texts)

    def test_storm(self):
        """Not each of dozens of executions is asked for its tasks."""
        self.inject()
        self.heal(*('e%d' % number for number in range(9)))
        self.collect()
        self.assertEqual(mistral_details.EXECUTIONS, len(
            self.cloud.asked('GET', '/tasks')))

    def test_no_answer(self):
        """A remark of each, and the details of the others."""
        self.inject()
        self.cloud.broken = 'events'
        self.monitor.broken = 'alerts'
        self.cloud.instance_actions = {
            fake_cloud.SERVER: [test_diagnosis.action('delete', 'u1')]}
        self.assertEqual(1, len(self.collect()))
        remarks = ' '.join(self.recorder.timeline().remarks)
        self.assertIn('no details of Heat events: ', remarks)
        self.assertIn('no details of alert: ', remarks)

    def test_no_fault(self):
        """Then nobody is asked."""
        self.assertEqual([], self.collect())
        self.assertEqual([], self.cloud.requests)

    def test_bad_times(self):
        """A detail that bears no time has no place."""
        self.inject()
        self.cloud.events = [dict(test_diagnosis.event('X', 'y'),
                                  event_time=None)]
        self.monitor.alerts[0]['startsAt'] = 'noon'
        self.assertEqual([], self.collect())


class AfterFaultTest(diagnosis_samples.DiagnosisTestCase):
    """stamps.after_fault()."""

    def test_clock(self):
        """A clock that is known to be ahead is taken into account."""
        text = '2026-01-01T00:01:00Z'
        known = samples.healthy(began=MINUTE, clocks={
            'Heat': timelines.Offset(MINUTE + 0.0, MINUTE + 0.5)})
        self.assertFalse(stamps.after_fault(known, 'Heat', text))
        self.assertTrue(stamps.after_fault(
            known, 'Heat', '2026-01-01T00:01:40Z'))
        self.assertTrue(stamps.after_fault(
            samples.healthy(began=MINUTE), 'Heat', text))

    def test_unknown(self):
        """In doubt it is shown."""
        self.assertTrue(stamps.after_fault(samples.healthy(), 'Heat', None))
