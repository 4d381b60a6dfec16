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

"""A monitor of its own file, and one that is only a datasource of Vitrage.

All that is done for them is done through the kits of the links, which know
neither.
"""

import dataclasses
import json
import pathlib
import sys

import fixtures
from tempest.lib.common import api_microversion_fixture
import testtools

from self_healing_tempest_plugin import application
from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.diagnosis import bisect
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links.monitor_alarm import (
    link as monitor_alarm)
from self_healing_tempest_plugin.links.monitor_alarm import kit as alarm_kit
from self_healing_tempest_plugin.links import surroundings
from self_healing_tempest_plugin.links.vitrage_deduction import (
    kit as deduction_kit)
from self_healing_tempest_plugin.model import expectations
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin.monitors import events
from self_healing_tempest_plugin.monitors import monitor
from self_healing_tempest_plugin.preflight import options
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import clients
from self_healing_tempest_plugin.services import nova
from self_healing_tempest_plugin import stacks
from self_healing_tempest_plugin import synthetic_alarm
from self_healing_tempest_plugin import templates
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_healing_cloud
from self_healing_tempest_plugin.tests.unit import service_samples
from self_healing_tempest_plugin.watching import recorders

NOON = 1767268800.0    # 2026-01-01T12:00:00Z

IDS = {'host': 'compute-1', 'server_id': fake_cloud.SERVER, 'boot': 'boot-1',
       'avoid': 'compute-1', 'elsewhere': ' on another host than compute-1',
       'host_alarm': 'HostDown', 'stack_id': fake_cloud.STACK,
       'workflow': fake_cloud.WORKFLOW, 'deduced_alarm': 'Instance down',
       'monitor_look_at': 'the rope'}

TIMES = config.Timeouts(
    poll_interval=0.05, blip=0.1, quiet=1, host_timer=60, witness=0.5,
    links=dict.fromkeys(
        (chain_link.name for chain_link in vitrage.CHAIN.links), 1),
    host_return=0.5, return_watch=1, template=1, graph=1, healing=60)


class BellEvents:
    """What Vitrage would be told of the bell; see events.EventSource."""

    datasource = 'bell'

    def raised(self, alarm):
        return events.Event(alarm.began, 'bell.rung', {
            'on': alarm.host, 'name': alarm.name, 'rings': True,
            'labels': dict(alarm.labels)})

    def cleared(self, alarm, now):
        return events.Event(now, 'bell.rung', {
            'on': alarm.host, 'name': alarm.name, 'rings': False})

    def is_own(self, found, alarm):
        return found['start_timestamp'] == alarm.began


class Bell(monitor.Monitor):
    """Somebody rings when a host is dead."""

    event_source = BellEvents()
    datasource = event_source.datasource
    look_at = 'the rope of the bell'
    host_look_at = 'whom the bell tolls for'

    def __init__(self, settings):
        self._tower = settings.name_prefix

    def labels(self, name, host):
        return {'tower': self._tower, 'tolls_for': host}

    def inquiries(self, case):
        return (context.Inquiry('Bell', 'the rope', self._rope),)

    def _rope(self, case):
        rung = self.sent() - case.around.learned['sent']
        return (context.Clue(
            False, 'it rang %d times for %s' % (rung, case.ids['host']),
            'the rope: who pulls it?'),)

    def sent(self):
        return 7

    def dates(self):
        return {'Bell': lambda: NOON}

    def details(self, seen, expectation, around):
        return {'the bell': asking.Question('Bell', lambda: context.details(
            monitor_alarm.LINK, 'Bell stroke', 'stroke-1', 'the bell rang',
            'Bell', '2026-01-01T12:00:00Z'))}


MONITOR = Bell


class Cloud(fake_healing_cloud.FakeHealingCloud):
    """Vitrage takes the events of the bell, too."""

    def event(self, query, body):
        if body['type'] != 'bell.rung':
            return super().event(query, body)
        self.events_posted.append(body)
        if body['details']['rings']:
            self.alarms.append(fake_cloud.alarm(
                'bell-1', kind='bell', name=body['details']['name'],
                start=body['time']))
        else:
            for alarm in self.alarms:
                alarm['end_timestamp'] = body['time']
        return 200, None, {}


class Transports:
    """Runs the commands of synthetic alarms in this process."""

    def __init__(self, vitrage):
        self._vitrage = vitrage

    def run(self, command, *process):
        return commands.Result(command.argv, synthetic_alarm.run(
            command.argv[3], command.argv[-1], self._vitrage), '', '')


class NewMonitorTestCase(testtools.TestCase):
    """A cloud, whose monitor nobody has heard of."""

    options = {}

    def setUp(self):
        super().setUp()
        self.cloud = self.useFixture(Cloud())
        self.useFixture(api_microversion_fixture.APIMicroversionFixture(
            compute_microversion=nova.COMPUTE_MICROVERSION))
        self.cloud.entities = [fake_cloud.host_entity(),
                               fake_cloud.server_entity()]
        self.cloud.edges = [(fake_cloud.HOST_VID, 'contains',
                             fake_cloud.SERVER_VID)]
        self.cloud.services = [fake_cloud.compute_service('compute-1',
                                                          'down')]
        self.cloud.hypervisors = [fake_cloud.hypervisor('compute-1',
                                                        '192.0.2.11')]
        self.cloud.servers = {fake_cloud.SERVER: {
            'id': fake_cloud.SERVER, 'host': 'compute-1'}}
        self.cloud.stacks[fake_cloud.STACK] = {
            'id': fake_cloud.STACK, 'stack_name': 'app', 'outputs': [],
            'stack_status': 'CREATE_COMPLETE', 'stack_status_reason': 'ok',
            'updated_time': None}
        self.cloud.stack_resources = fake_cloud.resources()
        self.around = self.surroundings()

    def surroundings(self):
        """Return whom the links ask."""
        cloud = service_samples.cloud_settings(self.cloud.url)
        settings = config.Settings(**dict(dict(
            cloud=cloud, application=None, power=None, network=None,
            access=config.HostAccess(
                addresses={}, user='root', key_file=None,
                known_hosts_file=None, port=22, jump_host=None, sudo=False,
                timeout=5, local_timeout=5),
            service_manager='', compute_service='', timeouts=TIMES,
            host_alarm=None, nic_alarm=None, name_prefix='north',
            deduced_alarm_name='Instance down', allow_faults=True,
            allow_foreign_servers=False, fault_hosts=('compute-1',),
            witness_port=22, state_dir='/nowhere', artifacts_dir='/nowhere',
            bisect=True, config_file='/tempest.conf'), **self.options))
        services = clients.Clients(cloud, service_samples.Manager(
            self.cloud.url))
        return surroundings.Surroundings(
            clients=services, owner=services, settings=settings,
            monitor=monitors.of(settings),
            alarm=config.Alarm('HostDown', None, templates.HOST_DOWN),
            application=self.application(services, settings),
            journal=journals.Journal(
                self.useFixture(fixtures.TempDir()).path),
            transports=Transports(services.vitrage)).knowing(
                host=fake_cloud.host_entity(),
                server=fake_cloud.server_entity())

    def application(self, services, settings):
        """Return the application as it is when it was set up."""
        app = application.Application(services, settings)
        app.stack = stacks.Stack('app', fake_cloud.STACK)
        app.server_id, app.host = fake_cloud.SERVER, 'compute-1'
        app.workflow, app.boot = fake_cloud.WORKFLOW, 'boot-1'
        app.url = self.cloud.url + '/'
        return app

    def case(self):
        """Return a run in which the alarm is missing."""
        seen = timelines.Timeline(
            origin=90.0, began=NOON, concluded=200.0, transitions=(
                timelines.Transition('injected', 100.0, 101.0),
                timelines.Transition('witnessed', 101.0, 103.0)))
        expected = expectations.Expectation(
            chain=vitrage.CHAIN, fault='no power', fault_look_at='the power',
            ids=dict(IDS, url=self.cloud.url + '/'), timeouts=TIMES.links,
            steps=vitrage.CHAIN.steps)
        return context.Case(seen, expected, verdicts.verdict(seen, expected),
                            self.around)

    def clues(self):
        """Return what both sides of link alarm say, by side."""
        case = self.case()
        clues = {}
        for inquiry in alarm_kit.KIT.inquiries(case):
            clues.setdefault(inquiry.side, []).extend(inquiry.ask(case))
        return clues


class BellTest(NewMonitorTestCase):
    """A monitor that has everything, and is one file."""

    options = {'monitor': 'bell'}

    def setUp(self):
        directory = self.useFixture(fixtures.TempDir()).path
        (pathlib.Path(directory) / 'bell.py').write_text(
            'from %s import MONITOR  # noqa\n' % __name__, encoding='utf-8')
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.monitors.__path__',
            [*monitors.__path__, directory]))
        self.addCleanup(sys.modules.pop, monitors.__name__ + '.bell', None)
        super().setUp()

    def test_choice(self):
        """The option takes the names of all monitors."""
        self.assertEqual(('bell', 'doctor', 'other', 'prometheus'),
                         monitors.names())
        option, = (known for known in config.SELF_HEALING_OPTIONS
                   if known.name == 'monitor')
        self.assertEqual(sorted({*monitors.names()} - {'bell'}),
                         sorted(option.type.choices))

    def test_questions(self):
        """The bell is asked before Vitrage, with what it had sent before."""
        self.around = self.around.knowing(
            **alarm_kit.KIT.remember(self.around))
        self.assertEqual(7, self.around.learned['sent'])
        clues = self.clues()
        self.assertEqual(['Bell', 'Vitrage'], list(clues))
        self.assertEqual('it rang 0 times for compute-1',
                         clues['Bell'][0].text)
        self.assertIn('it has never had an alarm of bell',
                      [clue.text for clue in clues['Vitrage']])

    def test_wrong_host(self):
        """The bell says what names the host of its alarms."""
        self.around = self.around.knowing(sent=0)
        self.cloud.alarms = [fake_cloud.alarm('b', kind='bell',
                                              resource='vid-9')]
        self.assertIn(
            'whom the bell tolls for: alarm HostDown is on no host of the '
            'graph instead of host compute-1',
            [clue.look_at for clue in self.clues()['Vitrage']])

    def test_ids(self):
        self.assertEqual('the rope of the bell',
                         alarm_kit.KIT.ids(self.around)['monitor_look_at'])

    def test_watched(self):
        """Its alarm is the link, and the history has its times."""
        watcher = alarm_kit.KIT.watcher(self.around)
        recorder = recorders.Recorder()
        self.assertEqual((), watcher.look(recorder).sightings)
        self.cloud.alarms = [
            fake_cloud.alarm('strange'), fake_cloud.alarm(
                'rung', kind='bell', start='2026-01-01 12:00:00',
                end='2026-01-01 12:00:01')]
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.links.vitrage_alarms.'
            'HISTORY_INTERVAL', 0.0))
        (sighting,) = watcher.look(recorder).sightings
        self.assertEqual(('rung', ['Bell']), (
            sighting.object_id, [stamp.service for stamp in sighting.stamps]))

    def test_handed_over(self):
        """Its alarm is raised in its place, as it would, and cleared."""
        recorder = recorders.Recorder()
        with deduction_kit.KIT.handover.hand_over(self.case(), recorder):
            self.assertEqual('bell', self.cloud.alarms[0]['vitrage_type'])
        raised, cleared = self.cloud.events_posted
        self.assertEqual(
            {'on': 'compute-1', 'name': 'HostDown', 'rings': True,
             'labels': {'tower': 'north', 'tolls_for': 'compute-1'}},
            raised['details'])
        self.assertEqual((True, False), (raised['details']['rings'],
                                         cleared['details']['rings']))
        (entry,), _ = self.around.journal.read()
        self.assertEqual('bell', json.loads(
            entry.plan.revert[0].argv[-1])['monitor'])
        self.assertFalse(entry.open)

    def test_scenario(self):
        """The alarm that no fault stands behind is its own, too."""
        self.cloud.hypervisors = [dict(
            fake_cloud.hypervisor('compute-1', '192.0.2.11'),
            hypervisor_type='fake')]
        plan = synthetic_alarm.planned('compute-1', self.around)
        self.around.transports.run(plan.inject[0])
        (posted,) = self.cloud.events_posted
        self.assertEqual(
            ('bell.rung', {'tower': 'north', 'tolls_for': 'compute-1'}),
            (posted['type'], posted['details']['labels']))

    def test_afterwards(self):
        """The bell tells its time, and what it has done."""
        self.assertEqual(NOON, self.around.monitor.dates()['Bell']())
        case = self.case()
        (question,) = alarm_kit.KIT.details(
            case.timeline, case.expectation, self.around).values()
        (detail,) = question.ask()
        self.assertEqual(('the bell rang', 'Bell', NOON), (
            detail.text, detail.stamp.service, detail.stamp.low))


class OtherTest(NewMonitorTestCase):
    """A monitor that is only a name."""

    options = {'monitor': 'other', 'monitor_datasource': 'nagios'}

    def test_no_code(self):
        """Vitrage alone is asked, about its datasource."""
        clues = self.clues()
        self.assertEqual({'Vitrage'}, set(clues))
        self.assertIn('it has never had an alarm of nagios',
                      [clue.text for clue in clues['Vitrage']])
        self.assertEqual({'sent': None}, alarm_kit.KIT.remember(self.around))
        self.assertEqual({}, alarm_kit.KIT.details(None, None, self.around))
        self.assertEqual({}, self.around.monitor.dates())

    def test_words(self):
        """Where to look names the datasource."""
        for text in (self.around.monitor.look_at,
                     self.around.monitor.host_look_at):
            self.assertIn('datasource nagios', text)

    def test_watched(self):
        """Its alarms are the link, and nobody else's."""
        watcher = alarm_kit.KIT.watcher(self.around)
        self.cloud.alarms = [fake_cloud.alarm('strange'),
                             fake_cloud.alarm('a1', kind='nagios')]
        self.assertEqual(['a1'], [
            sighting.object_id for sighting in watcher.look(
                recorders.Recorder()).sightings])

    def test_deduced_from(self):
        """The template of the tests waits for its alarms."""
        wire = deduction_kit.KIT.wire(self.around)
        self.assertIn('nagios', vars(wire).values())

    def test_preflight(self):
        """The monitor is named by its datasource there."""
        check, = (known for known in alarm_kit.KIT.checks
                  if known.what == 'monitor')
        self.assertIn('and nagios has raised none yet', str(
            check.judge(self.around.settings, None)))

    def test_preflight_scenario(self):
        """A monitor that can raise no alarm is known before the run."""
        settings = self.around.settings
        self.assertEqual(['a monitor in whose place an alarm can be raised'],
                         options.missing(settings, 'synthetic_alarm'))
        for name in ('prometheus', 'doctor'):
            self.assertEqual([], options.missing(dataclasses.replace(
                settings, monitor=name), 'synthetic_alarm'))

    def test_refused(self):
        """An alarm that it had not raised could not be told from its own."""
        case, recorder = self.case(), recorders.Recorder()
        error = self.assertRaises(
            gates.FaultRefused,
            deduction_kit.KIT.handover.hand_over(case, recorder).__enter__)
        self.assertEqual(
            'Fault refused: no alarm can be raised in the place of '
            '[self_healing] monitor "other"', str(error).strip())
        self.cloud.hypervisors = [dict(
            fake_cloud.hypervisor('compute-1', '192.0.2.11'),
            hypervisor_type='fake')]
        error = self.assertRaises(gates.FaultRefused, synthetic_alarm.planned,
                                  'compute-1', self.around)
        self.assertIn('[self_healing] monitor "other"', str(error))
        self.assertEqual([], self.cloud.events_posted)

    def test_bisect(self):
        """The deduction gets no input from us; the links behind it do."""
        self.useFixture(fixtures.FakeLogger())
        case = self.case()
        self.assertEqual((verdicts.Kind.BROKEN, 'alarm'), (
            case.verdict.kind, case.verdict.link.name))
        works, left = bisect.bisect(case)
        self.assertEqual({'deduction': None, 'workflow': None, 'stack': True,
                          'application': True},
                         {result.link.name: result.works for result in works})
        self.assertIn('[self_healing] monitor "other"', works[0].why)
        self.assertEqual(((), []), (left, self.cloud.events_posted))
