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

"""What counts as evidence in a tenant's chain: watchers on real clients."""

import dataclasses
import math

from hypothesis import given
from hypothesis import strategies
import testtools

from self_healing_tempest_plugin.chains import tenant
from self_healing_tempest_plugin.links import aodh_events
from self_healing_tempest_plugin.links.event_alarm import (
    watcher as event_alarm)
from self_healing_tempest_plugin.links.message import watcher as message
from self_healing_tempest_plugin.links.tenant_workflow import (
    watcher as tenant_workflow)
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.tests.unit import chain_samples
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_tenant_cloud
from self_healing_tempest_plugin.tests.unit import test_services_tenant
from self_healing_tempest_plugin.tests.unit import test_waiting
from self_healing_tempest_plugin.watching import looks
from self_healing_tempest_plugin.watching import recorders

Mark = links.Mark
ALARMS, QUEUE = fake_tenant_cloud.ALARMS, fake_tenant_cloud.QUEUE
SERVER = fake_cloud.SERVER

# When Nova notifies and Aodh stores, as the fakes write it.
NOTIFIED, STORED = 1767225612.25, 1767225612.5

ANYTHING = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers()
    | strategies.text(max_size=5),
    lambda inner: strategies.lists(inner, max_size=4)
    | strategies.dictionaries(strategies.sampled_from((
        'reason_data', 'event', 'traits', 'message_id', 'event_type')),
        inner, max_size=4), max_leaves=20)


class EventTest(testtools.TestCase):
    """aodh_events: events in reasons and in messages."""

    def test_reason(self):
        told = fake_tenant_cloud.event('e1', event_type='compute.a.b')
        self.assertEqual(
            aodh_events.Event('e1', 'compute.a.b', SERVER),
            aodh_events.of_reason(fake_tenant_cloud.reason(told)))

    def test_other_reasons(self):
        for reason in ('Not evaluated yet', 'Manually set via API', '', None,
                       'Transition to alarm due to 1 samples', 7):
            self.assertIsNone(aodh_events.of_reason(reason), reason)

    def test_query_that_asks_for_no_server(self):
        """Nobody knows about whom the event was."""
        text = 'Event <id=e1,event_type=x> hits the query <query=%s>.'
        for query in ('[]', '{}', 'nonsense', '[7]', '[{"field": "traits.x"}]',
                      '[{"field": "traits.instance_id", "op": "ne", '
                      '"value": "s"}]'):
            event = aodh_events.of_reason(text % query)
            self.assertEqual(('e1', None), (event.id, event.server_id), query)
        self.assertEqual('s', aodh_events.of_reason(
            text % '[{"field": "traits.instance_id", "value": "s"}]'
        ).server_id)

    def test_body(self):
        told = fake_tenant_cloud.event('e1')
        self.assertEqual(
            aodh_events.Event('e1', 'compute.instance.update', SERVER,
                              '2026-01-01T00:00:12.250000'),
            aodh_events.of_body(fake_tenant_cloud.body(told)))

    def test_body_that_names_no_server(self):
        told = fake_tenant_cloud.event('e1', traits=[['state', 1, 'error']])
        self.assertIsNone(aodh_events.of_body(
            {'reason_data': {'event': told}}).server_id)

    @given(ANYTHING)
    def test_whatever_is_in_a_queue(self, body):
        """Anybody may put anything into it."""
        aodh_events.of_body(body)

    @given(strategies.text(max_size=60))
    def test_whatever_is_a_reason(self, reason):
        aodh_events.of_reason('Event <id=%s' % reason)

    def test_body_of_our_own(self):
        """It is like those of Aodh, and each is of another event."""
        first, second = (aodh_events.of_body(aodh_events.body('a1', SERVER))
                         for _ in range(2))
        self.assertEqual(('compute.instance.update', SERVER),
                         (first.type, first.server_id))
        self.assertNotEqual(first.id, second.id)
        ours, theirs = (aodh_events.body('a1', SERVER), fake_tenant_cloud.body(
            fake_tenant_cloud.event('e1')))
        self.assertEqual(set(theirs), set(ours))
        self.assertEqual(set(theirs['reason_data']['event']),
                         set(ours['reason_data']['event']))


class OriginTest(testtools.TestCase):
    """What came of what, by ids: of this alarm, of this event."""

    def missing(self, link, **changes):
        """Return the link that is missing where a link names something."""
        chain = tenant.CHAIN
        seen = chain_samples.healthy(chain)
        seen = dataclasses.replace(seen, evidence=tuple(
            dataclasses.replace(evidence, payload={
                **evidence.payload, **changes}) if evidence.link is link
            else evidence for evidence in seen.evidence))
        return verdicts.verdict(seen, chain_samples.expected(chain)).link

    def test_message_of_another_alarm(self):
        self.assertIs(tenant.MESSAGE, self.missing(
            tenant.MESSAGE, alarm_id='another'))
        self.assertIsNone(self.missing(
            tenant.MESSAGE, alarm_id='event_alarm-id'))

    def test_execution_of_another_event(self):
        self.assertIs(tenant.WORKFLOW, self.missing(
            tenant.WORKFLOW, event_id='another'))
        self.assertIsNone(self.missing(tenant.WORKFLOW, event_id='event-1'))


class WatcherTestCase(test_services_tenant.OwnerTestCase):
    """Looks once, and tells what was seen."""

    def setUp(self):
        super().setUp()
        self.clock = test_waiting.FakeClock()
        self.recorder = recorders.Recorder(self.clock)
        self.watch()

    def look(self):
        return self.watcher.look(self.recorder)

    def sighting(self):
        sighting, = self.look().sightings
        return sighting

    def record(self):
        """Look, and record what was seen."""
        begin = self.recorder.now()
        look = self.look()
        self.recorder.look(self.watcher.link, begin, begin, look)
        return self.recorder.timeline().evidence

    def other(self):
        """Return an event about another server."""
        return fake_tenant_cloud.event('e9', fake_cloud.NEW_SERVER)


class EventAlarmWatcherTest(WatcherTestCase):
    """event_alarm.EventAlarmWatcher."""

    def watch(self):
        self.watcher = event_alarm.EventAlarmWatcher(
            self.owner.aodh, {alarm_id: name for name, alarm_id
                              in ALARMS.items()}, SERVER)

    def events(self):
        return [(sighting.object_id, sighting.payload['event_id'])
                for sighting in self.look().sightings]

    def test_not_fired(self):
        look = self.look()
        self.assertEqual(
            ((), (), ', '.join('%s insufficient data' % name
                               for name in ALARMS)),
            (look.sightings, look.objects, look.state))

    def test_fired(self):
        told = self.cloud.fire('error_alarm')
        seen = self.sighting()
        self.assertEqual(
            (Mark.FINISHED, ALARMS['error_alarm'], {
                'server_id': SERVER, 'alarm': 'error_alarm',
                'event_id': told['message_id'],
                'event_type': 'compute.instance.update',
                'timestamp': '2026-01-01T00:00:12.500000'}),
            (seen.mark, seen.object_id, seen.payload))
        stamp, = seen.stamps
        self.assertEqual(('Aodh', STORED), (stamp.service, stamp.low))
        look = self.look()
        self.assertEqual((ALARMS['error_alarm'],), look.objects)
        self.assertIn('error_alarm fired, stop_alarm insuff', look.state)

    def test_fired_before(self):
        """An alarm of before is in state alarm; its next event counts."""
        self.cloud.fire('error_alarm')
        self.watch()
        self.assertEqual([], self.events())
        second = self.cloud.fire('error_alarm')
        self.assertEqual([(ALARMS['error_alarm'], second['message_id'])],
                         self.events())

    def test_each_event_between_two_looks(self):
        """The alarm names the last one only; its history has them all."""
        told = [self.cloud.fire(name) for name in (
            'error_alarm', 'error_alarm', 'stop_alarm')]
        self.assertEqual(
            [(ALARMS['error_alarm'], told[0]['message_id']),
             (ALARMS['error_alarm'], told[1]['message_id']),
             (ALARMS['stop_alarm'], told[2]['message_id'])], self.events())

    def test_two_events_are_two_pieces_of_evidence(self):
        """Of the same alarm, but of two events."""
        self.cloud.fire('error_alarm')
        self.record()
        self.cloud.fire('error_alarm')
        first, second = self.record()
        self.assertEqual(first.object_id, second.object_id)

    def test_history_comes_later(self):
        """It is seen before, without a time, which comes with the history."""
        self.cloud.recording = False
        told = self.cloud.fire('error_alarm')
        evidence, = self.record()
        self.assertEqual((), evidence.stamps)
        self.cloud.changes[ALARMS['error_alarm']].append(
            fake_tenant_cloud.change(told))
        evidence, = self.record()
        self.assertEqual(['Aodh'], [stamp.service
                                    for stamp in evidence.stamps])

    def test_no_history_at_all(self):
        """Aodh may be told to record none."""
        self.cloud.recording = False
        self.cloud.fire('error_alarm')
        self.watch()
        self.assertEqual([], self.events())
        told = self.cloud.fire('error_alarm')
        self.assertEqual([(ALARMS['error_alarm'], told['message_id'])],
                         self.events())

    def test_set_by_hand(self):
        """No event has done it; what has fired it before is seen still."""
        alarm = self.cloud.event_alarms[ALARMS['error_alarm']]
        alarm.update(state='alarm', state_reason='Manually set via API')
        self.assertEqual([], self.events())
        told = self.cloud.fire('error_alarm')
        alarm.update(state='ok', state_reason='Manually set via API')
        self.assertEqual([(ALARMS['error_alarm'], told['message_id'])],
                         self.events())
        self.cloud.fire('error_alarm')
        self.watch()
        alarm.update(state='ok', state_reason='Manually set via API')
        self.assertEqual([], self.events())

    def test_of_another_server(self):
        """Heat gives the alarm the new server, which is another one."""
        alarm = self.cloud.event_alarms[ALARMS['error_alarm']]
        alarm['state_reason'] = fake_tenant_cloud.reason(self.other())
        seen = self.sighting()
        self.assertEqual((), self.look().objects)
        self.assertEqual(fake_cloud.NEW_SERVER, seen.payload['server_id'])
        self.assertFalse(tenant.EVENT_ALARM.ties({'server_id': SERVER},
                                                 seen.payload))
        self.assertTrue(tenant.EVENT_ALARM.ties(
            {'server_id': fake_cloud.NEW_SERVER}, seen.payload))

    def test_gone(self):
        self.cloud.event_alarms.clear()
        look = self.look()
        self.assertEqual((), look.sightings)
        self.assertIn('error_alarm gone', look.state)

    def test_little_is_asked(self):
        """The list alone, as long as nothing has fired."""
        self.cloud.requests.clear()
        self.look()
        self.assertEqual(1, len(self.cloud.requests))
        self.cloud.fire('error_alarm')
        self.cloud.requests.clear()
        self.look()
        self.assertEqual(2, len(self.cloud.requests))

    def test_silence(self):
        self.cloud.broken = '/aodh'
        self.assertRaises(errors.ServiceUnavailable, self.look)


class MessageWatcherTest(WatcherTestCase):
    """message.MessageWatcher."""

    def watch(self):
        self.watcher = message.MessageWatcher(self.owner.zaqar, QUEUE, SERVER)

    def test_none(self):
        look = self.look()
        self.assertEqual(
            ((), (), '0 messages, 0 of them about server %s' % SERVER),
            (look.sightings, look.objects, look.state))

    def test_posted(self):
        told = self.cloud.fire('error_alarm')
        seen = self.sighting()
        self.assertEqual(
            (Mark.FINISHED, 'm0', {
                'server_id': SERVER, 'queue': QUEUE,
                'alarm_id': ALARMS['error_alarm'],
                'event_id': told['message_id'],
                'event_type': 'compute.instance.update',
                'generated': '2026-01-01T00:00:12.250000'}),
            (seen.mark, seen.object_id, seen.payload))
        self.assertEqual(
            (timelines.Stamp('Nova', NOTIFIED, math.inf),), seen.stamps)
        self.assertEqual(message.STORING_LAG, seen.lag)
        self.assertEqual(('m0',), self.look().objects)

    def test_of_before(self):
        self.cloud.fire('error_alarm')
        self.watch()
        self.assertEqual((), self.look().sightings)
        self.cloud.fire('error_alarm')
        self.assertEqual('m1', self.sighting().object_id)

    def test_of_another_server(self):
        self.cloud.post(fake_tenant_cloud.body(self.other()))
        look = self.look()
        self.assertEqual((), look.objects)
        self.assertEqual('1 messages, 0 of them about server %s' % SERVER,
                         look.state)
        self.assertFalse(tenant.MESSAGE.ties(
            {'server_id': SERVER}, look.sightings[0].payload))

    def test_of_somebody(self):
        """A queue takes anything."""
        for body in ('text', None, [1], {'reason_data': None}):
            self.cloud.post(body)
        look = self.look()
        self.assertEqual(((), '4 messages, 0 of them about server %s'
                          % SERVER), (look.sightings, look.state))

    def test_silence(self):
        self.cloud.broken = '/zaqar'
        self.assertRaises(errors.ServiceUnavailable, self.look)


class WorkflowWatcherTest(WatcherTestCase):
    """tenant_workflow.WorkflowWatcher."""

    def setUp(self):
        super().setUp()
        self.told = fake_tenant_cloud.event('e1')

    def watch(self):
        self.cloud.executions = [fake_tenant_cloud.execution(
            fake_tenant_cloud.event('e0'), id='before')]
        self.watcher = tenant_workflow.WorkflowWatcher(
            self.owner.mistral, fake_cloud.WORKFLOW, SERVER, fake_cloud.STACK)

    def add(self, *executions):
        self.cloud.executions.extend(executions)

    def test_life(self):
        self.assertEqual((), self.look().sightings)
        self.add(fake_tenant_cloud.execution(self.told))
        started = self.sighting()
        self.assertEqual(
            (Mark.STARTED, SERVER, fake_cloud.STACK, 'e1'),
            (started.mark, *(started.payload[key] for key in (
                'server_id', 'stack_id', 'event_id'))))
        self.assertEqual(
            (timelines.Stamp('Mistral', 1767225612.0, 1767225613.0),
             timelines.Stamp('Nova', NOTIFIED, math.inf)), started.stamps)
        self.cloud.executions[-1]['state'] = 'SUCCESS'
        started, finished = self.look().sightings
        self.assertIs(Mark.FINISHED, finished.mark)
        self.assertEqual(1767225615.0, finished.stamps[0].low)

    def test_of_another_server(self):
        self.add(fake_tenant_cloud.execution(self.other()))
        self.assertEqual((), self.look().sightings)

    def test_that_no_message_has_started(self):
        """Somebody may start it with anything, or with nothing."""
        execution = fake_tenant_cloud.execution(self.told, state='SUCCESS')
        for params in (None, '{}', '7', '{"env": null}',
                       '{"env": {"notification": []}}',
                       '{"env": {"notification": {"body": "text"}}}'):
            self.add(dict(execution, id=str(params), params=params))
        self.assertEqual((), self.look().sightings)

    def test_that_found_nothing_to_do(self):
        """Each message starts one; the healer is followed."""
        self.add(fake_tenant_cloud.execution(self.told, id='healer'),
                 fake_tenant_cloud.execution(
                     self.told, id='idle', state='SUCCESS',
                     output={'found': False}))
        look = self.look()
        self.assertEqual([Mark.STARTED] * 2,
                         [sighting.mark for sighting in look.sightings])
        self.assertEqual(('healer', 'idle'), look.objects)

    def test_error_has_a_reason(self):
        self.add(fake_tenant_cloud.execution(self.told, state='ERROR',
                                             state_info='boom'))
        self.assertIn('is in ERROR: boom', self.look().failure)

    def test_traceback(self):
        """Mistral tells one; a reason is one line, and has its beginning."""
        self.add(fake_tenant_cloud.execution(
            self.told, state='ERROR', state_info='boom [a=b]:\n%s'
            % ('Traceback (most recent call last):\n' * 100)))
        failure = self.look().failure
        self.assertIn('is in ERROR: boom [a=b]: Traceback', failure)
        self.assertEqual((1, looks.LINE), (
            len(failure.splitlines()), len(failure)))

    def test_ties(self):
        """By the server that the message names, and by the stack."""
        ids = {'server_id': SERVER, 'stack_id': fake_cloud.STACK}
        self.add(fake_tenant_cloud.execution(self.told))
        seen = self.sighting()
        self.assertTrue(tenant.WORKFLOW.ties(ids, seen.payload))
        for name in ids:
            self.assertFalse(tenant.WORKFLOW.ties(
                dict(ids, **{name: 'other'}), seen.payload), name)
