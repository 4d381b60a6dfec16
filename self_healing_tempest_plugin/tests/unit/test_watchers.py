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

"""What counts as evidence: the watchers on real clients."""

import itertools
import json
import math
import socket

import fixtures
import testtools

from self_healing_tempest_plugin import application
from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.links.application import (
    watcher as application_link)
from self_healing_tempest_plugin.links.heat_stack import watcher as heat_stack
from self_healing_tempest_plugin.links.mistral_workflow import (
    watcher as mistral_workflow)
from self_healing_tempest_plugin.links.monitor_alarm import (
    watcher as monitor_alarm)
from self_healing_tempest_plugin.links import vitrage_alarms
from self_healing_tempest_plugin.links.vitrage_deduction import (
    watcher as vitrage_deduction)
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin import probing
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import stacks
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.tests.unit import service_samples
from self_healing_tempest_plugin.tests.unit import test_diagnosis
from self_healing_tempest_plugin.tests.unit import test_waiting
from self_healing_tempest_plugin.watching import recorders

Link, Mark = vitrage, links.Mark
STACK = stacks.Stack('app', fake_cloud.STACK)


class WatcherTestCase(service_samples.ClientTestCase):
    """Looks once, and tells what was seen."""

    def setUp(self):
        super().setUp()
        self.clock = test_waiting.FakeClock()
        self.recorder = recorders.Recorder(self.clock)

    def look(self):
        """Look, and let the time pass that the history is left alone."""
        self.clock.sleep(vitrage_alarms.HISTORY_INTERVAL)
        return self.watcher.look(self.recorder)

    def marks(self):
        return [sighting.mark for sighting in self.look().sightings]

    def sighting(self):
        sighting, = self.look().sightings
        return sighting


class AlarmWatcherTest(WatcherTestCase):
    """monitor_alarm.AlarmWatcher."""

    def watch(self):
        self.watcher = monitor_alarm.AlarmWatcher(
            self.clients.vitrage, fake_cloud.host_entity(),
            monitors.of(host_samples.SETTINGS), 'HostDown')

    def test_new_alarm(self):
        self.watch()
        self.assertEqual([], self.marks())
        self.cloud.alarms.append(fake_cloud.alarm('a1'))
        seen = self.sighting()
        self.assertEqual(('a1', 'compute-1', Mark.FINISHED), (
            seen.object_id, seen.payload['host'], seen.mark))

    def test_ended_already(self):
        """The history counts."""
        self.watch()
        self.cloud.alarms.append(fake_cloud.alarm('a1', end='now'))
        self.assertEqual('a1', self.sighting().object_id)

    def test_comes_between_the_two_questions(self):
        """The graph is asked again, were there others already or none."""
        self.cloud.entities = [fake_cloud.host_entity()]
        self.watch()
        ask, alarms = self.clients.vitrage.alarms, iter(('a1', 'a2'))

        def come_first(*arguments):
            self.cloud.alarms.append(fake_cloud.alarm(next(alarms)))
            return ask(*arguments)

        self.useFixture(fixtures.MockPatchObject(
            self.clients.vitrage, 'alarms', come_first))
        for expected in (['a1'], ['a1', 'a2']):
            self.assertEqual(
                [(alarm_id, 0.0) for alarm_id in expected],
                [(sighting.object_id, sighting.lag)
                 for sighting in self.look().sightings])

    def test_one_of_several_comes_between_the_two_questions(self):
        """Alarms that have ended meanwhile keep nobody from asking again."""
        self.cloud.entities = [fake_cloud.host_entity()]
        self.watch()
        ask = self.clients.vitrage.alarms

        def come_first(*arguments):
            self.cloud.alarms = [fake_cloud.alarm('a1', end='now'),
                                 fake_cloud.alarm('a2')]
            return ask(*arguments)

        self.useFixture(fixtures.MockPatchObject(
            self.clients.vitrage, 'alarms', come_first))
        self.assertEqual(
            {'a1': ('now', False), 'a2': (None, True)},
            {sighting.object_id: (sighting.payload['end_timestamp'],
                                  sighting.lag == 0.0)
             for sighting in self.look().sightings})

    def test_alarm_of_before(self):
        self.cloud.alarms.append(fake_cloud.alarm('a1'))
        self.watch()
        self.assertEqual([], self.marks())

    def test_alarm_of_before_that_only_the_graph_has(self):
        """The history may lag behind it: it is none of this fault."""
        self.cloud.entities = [fake_cloud.host_entity()]
        self.cloud.alarms.append(fake_cloud.alarm('a1'))
        self.cloud.graph_only.add('a1')
        self.watch()
        self.assertEqual([], self.marks())
        self.cloud.alarms.append(fake_cloud.alarm('a2'))
        self.assertEqual('a2', self.sighting().object_id)

    def test_another_vertex_at_the_same_time(self):
        """Two alarms may begin in one second: the vertex tells them apart."""
        self.cloud.alarms.append(fake_cloud.alarm('a1', end='x'))
        self.watch()
        self.cloud.alarms.append(fake_cloud.alarm('a2', end='x'))
        self.assertEqual('a2', self.sighting().object_id)

    def test_same_vertex_raised_again(self):
        """Vitrage may use the vertex again: the start tells them apart."""
        self.cloud.alarms.append(fake_cloud.alarm('a1', end='x'))
        self.watch()
        self.cloud.alarms.append(fake_cloud.alarm('a1', start='later'))
        self.assertEqual('later',
                         self.sighting().payload['start_timestamp'])

    def test_another_host(self):
        self.watch()
        self.cloud.alarms.append(fake_cloud.alarm('a1', resource='other'))
        self.assertEqual([], self.marks())


class DeductionWatcherTest(WatcherTestCase):
    """vitrage_deduction.DeductionWatcher."""

    def setUp(self):
        super().setUp()
        self.cloud.entities = [fake_cloud.server_entity()]
        self.watcher = vitrage_deduction.DeductionWatcher(
            self.clients.vitrage, fake_cloud.server_entity(),
            'Instance down')

    def test_needs_alarm_and_state(self):
        self.assertEqual([], self.marks())
        self.cloud.alarms.append(fake_cloud.deduced())
        self.assertEqual([], self.marks())
        self.assertEqual('alarm active, server ACTIVE', self.look().state)
        self.cloud.entities = [fake_cloud.server_entity('ERROR')]
        seen = self.sighting()
        self.assertEqual((fake_cloud.SERVER, True), (
            seen.payload['server_id'], seen.payload['state_error']))

    def test_server_without_state(self):
        """Vitrage may know the server, and not yet its state."""
        for state in (None, ''):
            self.cloud.entities = [fake_cloud.server_entity(state)]
            self.assertEqual('alarm not there, server without state',
                             self.look().state)

    def test_state_alone_is_not_enough(self):
        self.cloud.entities = [fake_cloud.server_entity('ERROR')]
        self.assertEqual([], self.marks())

    def test_seen_in_the_graph(self):
        """There and then; the sample may be of a later update."""
        self.cloud.entities = [fake_cloud.server_entity('ERROR')]
        self.cloud.alarms.append(dict(
            fake_cloud.deduced(),
            vitrage_sample_timestamp='2026-01-01 00:00:10.250000+00:00'))
        seen = self.sighting()
        sample, start = seen.stamps
        self.assertEqual((0.0, 'Vitrage', -math.inf), (
            seen.lag, sample.service, sample.low))
        self.assertAlmostEqual(1767225610.26, sample.high, 3)
        self.assertEqual(
            timelines.Stamp('Vitrage', 1767225610.0, 1767225611.0), start)

    def test_server_gone(self):
        """Heat was quicker than the poll: the history knows."""
        self.cloud.entities = []
        self.cloud.alarms.append(fake_cloud.deduced(end='now'))
        seen = self.sighting()
        self.assertFalse(seen.payload['state_error'])
        self.assertEqual(vitrage_alarms.VITRAGE_DATABASE_LAG
                         + vitrage_alarms.HISTORY_INTERVAL, seen.lag)
        # Its start is a column of whole seconds, which may be rounded.
        start = 1767225610.0
        self.assertEqual((timelines.Stamp('Vitrage', start - 0.5,
                                          start + 1.0),), seen.stamps)

    def test_causes(self):
        """The causes of an alarm are asked for, now and then."""
        self.cloud.entities = [fake_cloud.server_entity('ERROR')]
        self.cloud.alarms.append(fake_cloud.deduced())
        self.assertEqual((), self.sighting().payload['causes'])
        self.cloud.causes['deduced-1'] = ['alarm-2', 'alarm-1']
        self.assertEqual(('alarm-1', 'alarm-2'),
                         self.sighting().payload['causes'])
        self.cloud.requests.clear()
        self.watcher.look(self.recorder)
        self.assertEqual([], self.cloud.asked('GET', '/rca/v1/rca'))

    def test_causes_that_nobody_tells(self):
        """The alarm is there all the same."""
        self.cloud.entities = [fake_cloud.server_entity('ERROR')]
        self.cloud.alarms.append(fake_cloud.deduced())
        self.cloud.broken = '/rca/v1/rca'
        self.assertEqual((), self.sighting().payload['causes'])

    def test_history_that_was_empty_just_now(self):
        """An alarm that the history lacked two seconds ago is hardly older."""
        self.cloud.entities = []
        self.assertEqual([], self.marks())
        self.cloud.alarms.append(fake_cloud.deduced(end='now'))
        self.clock.sleep(2.0)
        seen, = self.watcher.look(self.recorder).sightings
        self.assertEqual(vitrage_alarms.VITRAGE_DATABASE_LAG + 2.0, seen.lag)

    def test_history_is_left_alone(self):
        """The graph is asked each time, the database now and then."""
        self.cloud.requests.clear()
        for _ in range(3):
            self.watcher.look(self.recorder)
        self.assertEqual((3, 1), (
            len(self.cloud.asked('POST', '/topology')),
            len(self.cloud.asked('GET', '/history'))))

    def test_another_server(self):
        self.cloud.entities = [fake_cloud.server_entity('ERROR')]
        self.cloud.alarms.append(fake_cloud.alarm(
            'd', resource='other', kind='vitrage', name='Instance down'))
        self.assertEqual([], self.marks())


class WorkflowWatcherTest(WatcherTestCase):
    """mistral_workflow.WorkflowWatcher."""

    def setUp(self):
        super().setUp()
        self.cloud.executions = [fake_cloud.execution('ERROR', id='before')]
        self.watcher = mistral_workflow.WorkflowWatcher(
            self.clients.mistral, fake_cloud.WORKFLOW, fake_cloud.SERVER)

    def add(self, *executions):
        self.cloud.executions.extend(executions)

    def test_life(self):
        self.assertEqual([], self.marks())
        self.add(fake_cloud.execution())
        self.assertEqual([Mark.STARTED], self.marks())
        self.cloud.executions[-1]['state'] = 'SUCCESS'
        started, finished = self.look().sightings
        self.assertEqual([Mark.STARTED, Mark.FINISHED],
                         [started.mark, finished.mark])
        self.assertEqual(
            [(timelines.Stamp('Mistral', 1767225612.0, 1767225613.0),),
             (timelines.Stamp('Mistral', 1767225615.0, 1767225616.0),)],
            [started.stamps, finished.stamps])

    def test_another_server(self):
        self.add(fake_cloud.execution('SUCCESS', server_id='other'))
        self.assertEqual([], self.marks())

    def test_unevaluated_input(self):
        """Vitrage may repeat an action with raw strings."""
        self.add(fake_cloud.execution(
            'SUCCESS', server_id='get_attr(instance, id)'))
        self.assertEqual([], self.marks())

    def test_error_has_a_reason(self):
        self.add(fake_cloud.execution('ERROR', state_info='boom'))
        look = self.look()
        self.assertIn('is in ERROR: boom', look.failure)
        self.assertEqual([Mark.STARTED], [sighting.mark for sighting
                                          in look.sightings])

    def test_cancelled_by_somebody(self):
        """A cancelled execution will not heal, beside one in ERROR, too."""
        self.add(fake_cloud.execution('CANCELLED', state_info='by hand'))
        self.assertIn('is in CANCELLED: by hand', self.look().failure)
        self.add(fake_cloud.execution('ERROR', id='second'))
        self.assertIn('is in CANCELLED: by hand', self.look().failure)
        self.add(fake_cloud.execution(id='third'))
        self.assertEqual('', self.look().failure)

    def test_storm(self):
        """Repeated executions are a remark; the healer is followed."""
        self.add(fake_cloud.execution(id='first'),
                 fake_cloud.execution('SUCCESS', id='idle',
                                      output={'found': False}),
                 fake_cloud.execution('ERROR', id='late'))
        look = self.look()
        self.assertEqual(('', [Mark.STARTED] * 3), (
            look.failure, [sighting.mark for sighting in look.sightings]))
        self.cloud.executions[1].update(
            state='SUCCESS', output='{"found": true}')
        *started, finished = self.look().sightings
        self.assertEqual((['first', 'idle', 'late'], 'first'), (
            [sighting.object_id for sighting in started], finished.object_id))
        self.assertEqual(('first', 'idle', 'late'), look.objects)

    def test_execution_that_is_not_found(self):
        """Mistral lists it, and fails to read it: that is no answer."""
        self.add(fake_cloud.execution('SUCCESS', output={'found': True}))
        self.cloud.show_execution = lambda *_: (
            404, {'faultstring': 'Execution not found'}, {})
        self.assertRaises(errors.ServiceUnavailable, self.look)
        self.cloud.executions[-1]['state'] = 'ERROR'
        self.assertRaises(errors.ServiceUnavailable, self.look)

    def test_each_execution_that_ended_well(self):
        """An execution for another stack hides none for ours."""
        foreign = dict(fake_cloud.execution('SUCCESS', id='other'))
        foreign['input'] = json.dumps({'server_id': fake_cloud.SERVER,
                                       'stack_id': 'another'})
        self.add(foreign, fake_cloud.execution('SUCCESS', id='ours'))
        self.assertEqual(
            [('other', 'another'), ('ours', fake_cloud.STACK)],
            [(sighting.object_id, sighting.payload['stack_id'])
             for sighting in self.look().sightings
             if sighting.mark is Mark.FINISHED])

    def test_failure_of_an_execution_for_another_stack(self):
        """Its failure is none of our execution, which has not come yet."""
        self.watcher = mistral_workflow.WorkflowWatcher(
            self.clients.mistral, fake_cloud.WORKFLOW, fake_cloud.SERVER,
            fake_cloud.STACK)
        foreign = dict(fake_cloud.execution('ERROR', id='other'))
        foreign['input'] = json.dumps({'server_id': fake_cloud.SERVER,
                                       'stack_id': 'another'})
        self.add(foreign)
        self.assertEqual('', self.look().failure)

    def test_stack_of_the_input(self):
        self.add(fake_cloud.execution())
        self.assertEqual(fake_cloud.STACK, self.sighting().payload[
            'stack_id'])

    def test_foreign_workflow(self):
        """A workflow that tells nothing of its work may heal, too."""
        self.add(fake_cloud.execution('SUCCESS', output={'x': 1}))
        self.assertEqual([Mark.STARTED, Mark.FINISHED], self.marks())

    def test_output_that_tells_nothing(self):
        """An output that is no JSON, or no object, does not end the watch."""
        self.add(fake_cloud.execution('SUCCESS'))
        for output in ('{"found": fal', 'no JSON', '[false]', '"x"', '', None):
            self.cloud.executions[-1]['output'] = output
            self.assertEqual([Mark.STARTED, Mark.FINISHED], self.marks(),
                             output)


class StackWatcherTest(WatcherTestCase):
    """heat_stack.StackWatcher."""

    def setUp(self):
        super().setUp()
        self.set_up_stack()

    def set_up_stack(self):
        """Let the stack be as it was created, and nobody have looked."""
        self.cloud.events.clear()
        self.cloud.stacks[fake_cloud.STACK] = {
            'id': fake_cloud.STACK, 'stack_name': 'app', 'outputs': [],
            'stack_status': 'CREATE_COMPLETE', 'stack_status_reason': '',
            'updated_time': None}
        self.cloud.stack_resources = fake_cloud.resources()
        self.watcher = heat_stack.StackWatcher(
            self.clients.heat, self.clients.nova, STACK, fake_cloud.SERVER)

    def update(self, status, reason='', begun='2026-01-01T00:00:13Z'):
        self.cloud.stacks[fake_cloud.STACK].update(
            stack_status=status, stack_status_reason=reason,
            updated_time=begun)

    def replace(self, status='ACTIVE'):
        self.cloud.stack_resources = fake_cloud.resources(
            fake_cloud.NEW_SERVER)
        self.cloud.servers = {fake_cloud.NEW_SERVER: {
            'id': fake_cloud.NEW_SERVER, 'host': 'compute-2',
            'status': status}}

    def test_life(self):
        self.assertEqual([], self.marks())
        self.update('UPDATE_IN_PROGRESS')
        self.assertEqual([Mark.STARTED], self.marks())
        self.update('UPDATE_COMPLETE')
        self.replace()
        self.cloud.events += [
            fake_cloud.event('IN_PROGRESS', 'e1'),
            fake_cloud.event('COMPLETE', 'e2', time='2026-01-01T00:00:40Z'),
            fake_cloud.event('COMPLETE', 'e3', name='server')]
        started, finished = self.look().sightings
        self.assertEqual(
            [(None, (timelines.Stamp('Heat', 1767225613.0, 1767225614.0),)),
             ('e2', (timelines.Stamp('Heat', 1767225640.0, 1767225641.0),))],
            [(sighting.payload.get('event_id'), sighting.stamps)
             for sighting in (started, finished)])
        self.assertEqual(
            (fake_cloud.STACK, fake_cloud.NEW_SERVER, 'compute-2', 'ACTIVE'),
            tuple(finished.payload[key] for key in (
                'stack_id', 'server_id', 'host', 'status')))

    def test_update_that_did_nothing(self):
        self.update('UPDATE_COMPLETE')
        self.cloud.servers = {fake_cloud.SERVER: {
            'id': fake_cloud.SERVER, 'host': 'compute-1'}}
        look = self.look()
        self.assertEqual([Mark.STARTED],
                         [sighting.mark for sighting in look.sightings])
        self.assertIn('no other server than %s' % fake_cloud.SERVER,
                      look.state)

    def test_update_after_one_that_did_nothing(self):
        """Each update is a beginning of its own, seen under way or not."""
        self.cloud.servers = {fake_cloud.SERVER: {
            'id': fake_cloud.SERVER, 'host': 'compute-1'}}
        times = ('2026-01-01T00:00:05Z', '2026-01-01T00:00:35Z')
        for begun in times:
            for status in ('UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE'):
                self.update(status, begun=begun)
                begin = self.recorder.now()
                self.recorder.look(Link.STACK, begin, begin, self.look())
        first, second = self.recorder.timeline().evidence
        self.assertEqual(times, (first.payload['updated_time'],
                                 second.payload['updated_time']))
        self.assertEqual(
            (timelines.Stamp('Heat', 1767225635.0, 1767225636.0),),
            second.stamps)
        self.assertGreaterEqual(second.not_before, first.seen_at)

    def test_little_is_asked_during_the_update(self):
        """Heat is at work: it is asked for its status alone."""
        self.update('UPDATE_IN_PROGRESS')
        asked = len(self.cloud.asked('GET', ''))
        self.look()
        self.assertEqual(1, len(self.cloud.asked('GET', '')) - asked)

    def test_next_update_is_asked_for_meanwhile(self):
        """The server may be of the next update, which is not complete."""
        self.update('UPDATE_COMPLETE')
        self.replace()
        show, times = self.clients.heat.stack, itertools.count()

        def stack(identifier):
            if next(times) == 1:
                self.update('UPDATE_IN_PROGRESS')
            return show(identifier)

        self.useFixture(fixtures.MockPatchObject(
            self.clients.heat, 'stack', stack))
        self.assertEqual([Mark.STARTED], self.marks())

    def test_end_is_not_written_down_yet(self):
        """The next look tells when it was."""
        self.update('UPDATE_COMPLETE')
        self.replace()
        self.cloud.events += [fake_cloud.event('IN_PROGRESS', 'e1')]
        _, finished = self.look().sightings
        self.assertEqual((None, ()), (finished.payload['event_id'],
                                      finished.stamps))
        self.cloud.events += [fake_cloud.event('COMPLETE', 'e2')]
        _, finished = self.look().sightings
        self.assertEqual('e2', finished.payload['event_id'])

    def test_several_updates(self):
        """Any of them may have brought the server."""
        self.update('UPDATE_COMPLETE')
        self.replace()
        self.cloud.events += [
            fake_cloud.event('IN_PROGRESS', 'e1'),
            fake_cloud.event('COMPLETE', 'e2'),
            fake_cloud.event('IN_PROGRESS', 'e3'),
            fake_cloud.event('COMPLETE', 'e4', time='2026-01-01T00:00:40Z')]
        _, finished = self.look().sightings
        self.assertEqual(
            (timelines.Stamp('Heat', 1767225613.0, 1767225641.0),),
            finished.stamps)

    def replaced_by(self, *events):
        """Return which update has brought the server, as Heat lists events.

        The first update is seen under way, and the second when it is over.
        """
        self.update('UPDATE_IN_PROGRESS', begun='2026-01-01T00:00:13Z')
        self.look()
        self.update('UPDATE_COMPLETE', begun='2026-01-01T00:00:30Z')
        self.replace()
        self.cloud.events += [
            dict(fake_cloud.event(status, 'e%d' % number, action, name, '',
                                  '2026-01-01T00:00:%dZ' % seconds),
                 physical_resource_id=physical)
            for number, (seconds, name, action, status, physical)
            in enumerate(events)]
        return self.look().sightings[-1].payload['updated_time']

    def test_update_that_brought_the_server(self):
        """The one that was under way when Heat began with the server."""
        stack = fake_cloud.STACK, fake_cloud.NEW_SERVER
        first, second = (
            (seconds, 'app', 'UPDATE', 'IN_PROGRESS', stack[0])
            for seconds in (13, 31))
        begun, made = (
            (seconds, 'server', 'CREATE', status, physical)
            for seconds, status, physical in (
                (31, 'IN_PROGRESS', ''), (39, 'COMPLETE', stack[1])))
        for events, brought in (
                ((first, begun, second, made), '13'),
                ((first, second, begun, made), '30'),
                ((first, begun, made, second), '13'),
                # Of another server, and of another resource.
                ((first, begun, (32, 'server', 'CREATE', 'COMPLETE', 'mid'),
                  second, begun, made), '30'),
                ((first, (32, 'address', 'CREATE', 'IN_PROGRESS', ''),
                  second, begun, made), '30'),
                # Heat has not told everything, or no longer does.
                ((first, begun, second), None), ((first, made), None),
                ((begun, second, made), None)):
            self.set_up_stack()
            self.assertEqual(
                brought and '2026-01-01T00:00:%sZ' % brought,
                self.replaced_by(*events), events)

    def test_next_update_has_begun(self):
        """The end that the events show may be of an update before it."""
        self.update('UPDATE_COMPLETE')
        self.replace()
        self.cloud.events += [
            fake_cloud.event('IN_PROGRESS', 'e1'),
            fake_cloud.event('COMPLETE', 'e2'),
            fake_cloud.event('IN_PROGRESS', 'e3')]
        _, finished = self.look().sightings
        self.assertEqual((None, ()), (finished.payload['event_id'],
                                      finished.stamps))

    def test_servers_that_the_stack_had(self):
        """Servers of updates that nobody saw count, too."""
        between = '5e51e500-0000-4000-8000-00000000000b'
        self.update('UPDATE_COMPLETE')
        self.replace()
        self.cloud.events += [dict(
            fake_cloud.event('COMPLETE', 'e%d' % number, name=name),
            physical_resource_id=server) for number, (name, server)
            in enumerate((('server', between), ('server', ''),
                          ('server', 'app-server-x7'), ('server', None),
                          ('address', fake_cloud.PORT),
                          ('server', fake_cloud.SERVER)))]
        self.assertEqual(
            tuple(sorted((between, fake_cloud.SERVER,
                          fake_cloud.NEW_SERVER))),
            self.look().sightings[-1].payload['servers'])

    def test_second_update_moves_the_server(self):
        """Both are seen: the one that does not tie hides no other."""
        for server, host in (('mid', 'compute-1'),
                             (fake_cloud.NEW_SERVER, 'compute-2')):
            self.update('UPDATE_COMPLETE')
            self.cloud.stacks[fake_cloud.STACK]['updated_time'] = server
            self.cloud.stack_resources = fake_cloud.resources(server)
            self.cloud.servers = {server: {'id': server, 'host': host}}
            begin = self.recorder.now()
            self.recorder.look(Link.STACK, begin, begin, self.look())
        self.assertEqual(
            [('mid', 'compute-1'), (fake_cloud.NEW_SERVER, 'compute-2')],
            [(evidence.payload['server_id'], evidence.payload['host'])
             for evidence in self.recorder.timeline().evidence
             if evidence.mark is Mark.FINISHED])

    def test_new_server_not_active(self):
        self.update('UPDATE_COMPLETE')
        self.replace('ERROR')
        self.assertEqual([Mark.STARTED], self.marks())

    def test_failed(self):
        self.update('UPDATE_FAILED', 'No valid host')
        self.assertEqual('UPDATE_FAILED: No valid host', self.look().failure)

    def test_deleted(self):
        self.cloud.stacks.clear()
        self.assertEqual('the stack is deleted', self.look().failure)

    def test_updated_once_before(self):
        """A stack that was healed before starts from UPDATE_COMPLETE."""
        self.update('UPDATE_COMPLETE')
        self.cloud.events.append(fake_cloud.event('COMPLETE', 'before'))
        self.watcher = heat_stack.StackWatcher(
            self.clients.heat, self.clients.nova, STACK, fake_cloud.SERVER)
        self.assertEqual([], self.marks())
        self.cloud.stacks[fake_cloud.STACK]['updated_time'] = 'latest'
        self.replace()
        self.assertEqual([Mark.STARTED, Mark.FINISHED], self.marks())


class ServerOfTest(testtools.TestCase):
    """stacks.server_of()."""

    def test_among_others(self):
        """Heat lists resources in no order."""
        resources = fake_cloud.resources()
        self.assertLess(1, len(resources))
        for _ in resources:
            resources.append(resources.pop(0))
            self.assertEqual(fake_cloud.SERVER, stacks.server_of(resources))

    def test_none(self):
        self.assertIsNone(stacks.server_of([
            resource for resource in fake_cloud.resources()
            if resource['physical_resource_id'] != fake_cloud.SERVER]))


class ApplicationWatcherTest(WatcherTestCase):
    """application_link.ApplicationWatcher."""

    def setUp(self):
        super().setUp()
        self.app = application.Application(self.clients, _Settings)
        self.app.url = self.cloud.url + '/'
        self.watcher = application_link.ApplicationWatcher(self.app, 'boot-1',
                                                           self.clients.nova)

    def test_life(self):
        self.cloud.answer = (fake_cloud.SERVER, 'boot-1')
        self.assertEqual([], self.marks())
        self.cloud.answer = None
        self.assertEqual([], self.marks())
        self.cloud.answer = (fake_cloud.NEW_SERVER, 'boot-2')
        seen = self.sighting()
        self.assertEqual(
            (self.app.url, 'boot-2', fake_cloud.NEW_SERVER),
            tuple(seen.payload[key] for key in ('url', 'boot', 'server')))
        self.assertEqual([True, False, True], [
            probe.ok for probe in self.recorder.timeline().probes])

    def test_who_answers_is_reached(self):
        """Only where nobody takes the question it may be asked harder."""
        for boot in ('boot-1', 'boot-2'):
            self.cloud.answer = (fake_cloud.SERVER, boot)
            self.assertFalse(self.look().unreached, boot)
        with socket.create_server(('127.0.0.1', 0)) as server:
            self.app.url = 'http://127.0.0.1:%d/' % server.getsockname()[1]
        self.assertTrue(self.look().unreached)

    def test_request_is_taken_and_not_answered(self):
        """A server that is too slow must not be asked harder."""
        self.useFixture(fixtures.MockPatchObject(
            probing, 'ANSWER_TIMEOUT', 0.1))
        with socket.create_server(('127.0.0.1', 0)) as server:
            self.app.url = 'http://127.0.0.1:%d/' % server.getsockname()[1]
            look = self.look()
        self.assertEqual(('no good answer: ReadTimeout', False),
                         (look.state, look.unreached))

    def nova(self, host):
        """Let Nova say where the old server is, and what was done to it."""
        self.app.server_id, self.app.host = fake_cloud.SERVER, 'compute-1'
        self.cloud.servers = {fake_cloud.SERVER: {
            'id': fake_cloud.SERVER, 'host': host}}
        self.cloud.instance_actions = {fake_cloud.SERVER: [
            test_diagnosis.action('evacuate', 'u1')]}

    def test_old_server_was_evacuated(self):
        """Same id, other boot, other host: it says where, and who did it."""
        self.nova('compute-20')
        self.cloud.answer = (fake_cloud.SERVER, 'boot-3')
        look = self.look()
        self.assertEqual('the old server answers from another boot on host '
                         'compute-20', look.state)
        self.assertEqual(
            ('boot-3', fake_cloud.SERVER, 'compute-20',
             'evacuate by user u1 at 2026-01-01T00:00:16.000000'),
            tuple(look.sightings[0].payload[key] for key in (
                'boot', 'server', 'host', 'moved_by')))
        self.cloud.answer = (fake_cloud.NEW_SERVER, 'boot-2')
        self.assertEqual('boot-2', self.sighting().object_id)

    def test_old_server_was_migrated_alive(self):
        """Same id and boot: Nova says that it is elsewhere."""
        self.nova('compute-20')
        self.cloud.answer = None
        self.look()
        self.cloud.answer = (fake_cloud.SERVER, 'boot-1')
        self.assertEqual('compute-20', self.sighting().payload['host'])

    def test_old_server_answers_again(self):
        """The server is where it was, and has not booted: nobody moved it."""
        self.nova('compute-1')
        self.cloud.answer = None
        self.look()
        self.cloud.answer = (fake_cloud.SERVER, 'boot-1')
        self.assertEqual(('the old server answers again', ()), (
            self.look().state, self.watcher.look(self.recorder).sightings))
        self.assertEqual(1, len(self.cloud.asked('GET', '/servers/')) // 2)

    def test_old_server_booted_again_and_nova_is_silent(self):
        """Its answer is seen all the same; its host is unknown."""
        self.app.server_id, self.app.host = fake_cloud.SERVER, 'compute-1'
        self.cloud.show_server = lambda *_: (503, {}, {})
        self.cloud.answer = (fake_cloud.SERVER, 'boot-3')
        look = self.look()
        self.assertEqual('the old server answers from another boot on host '
                         'unknown', look.state)
        self.assertNotIn('host', look.sightings[0].payload)

    def test_nonces_differ(self):
        self.cloud.answer = (fake_cloud.SERVER, 'boot-1')
        self.look()
        self.look()
        first, second = self.recorder.timeline().probes
        self.assertNotEqual(first.nonce, second.nonce)

    def test_echo_of_something_else(self):
        """A cache that answers with an old nonce is no application."""
        self.cloud.application = lambda query, body: (
            200, 'nonce=old\nserver=x\nboot=boot-2\n', {})
        self.assertEqual([], self.marks())
        self.assertIn('nonce old instead of',
                      self.recorder.timeline().probes[0].error)

    def test_no_boot(self):
        self.cloud.application = lambda query, body: (
            200, 'nonce=%s\n' % query['nonce'][0], {})
        self.assertIn('no boot id', self.look().state)

    def test_nobody_there(self):
        """A request that nobody takes is no burden to anybody."""
        self.app.url = 'http://127.0.0.1:1/'
        look = self.look()
        self.assertIn('ConnectionError', look.state)
        self.assertTrue(look.unreached)


class UnavailableTest(WatcherTestCase):
    """A service that is out of order is not "not there"."""

    def test_silence(self):
        watcher = mistral_workflow.WorkflowWatcher(
            self.clients.mistral, fake_cloud.WORKFLOW, fake_cloud.SERVER)
        self.cloud.broken = '/mistral'
        self.assertRaises(errors.ServiceUnavailable, watcher.look,
                          self.recorder)


class _Settings:
    timeouts = None
