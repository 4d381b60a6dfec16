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

"""The bisect: the later links, on their own, in a cloud that heals."""

import configparser
import dataclasses
import json
import os

import fixtures

from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.diagnosis import bisect
from self_healing_tempest_plugin.diagnosis import diagnose
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin.monitors import events
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import nova
from self_healing_tempest_plugin import synthetic_alarm
from self_healing_tempest_plugin.tests.unit import diagnosis_samples
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_monitor
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.watching import looks

Link = vitrage
seen = diagnosis_samples.seen

HEALS = ('deduction', 'workflow', 'stack', 'application')


class Transports:
    """Runs the commands of synthetic alarms in this process.

    :ivar steps: what was run, in order
    :ivar fails: step that fails, or None
    """

    def __init__(self, service):
        self._vitrage = service
        self.steps, self.fails = [], None

    def run(self, command, *process):
        step, text = command.argv[3], command.argv[-1]
        self.steps.append(step)
        if step == self.fails:
            return commands.Result(command.argv, 2, '', 'out of order')
        return commands.Result(
            command.argv, synthetic_alarm.run(step, text, self._vitrage),
            '', '')


class BisectTestCase(diagnosis_samples.DiagnosisTestCase):
    """A cloud whose chain is broken somewhere."""

    def setUp(self):
        super().setUp()
        # What it breaks over is logged with its traceback.
        self.log = self.useFixture(fixtures.FakeLogger())
        directory = self.useFixture(fixtures.TempDir()).path
        self.journal = journals.Journal(directory)
        self.transports = Transports(self.clients.vitrage)
        self.options.update(bisect=True, config_file='/tempest.conf')

    def works(self, *labels):
        """Name the links that work when they get their input."""
        self.cloud.works = set(labels)

    def diagnose(self, missing, *more, **changes):
        """Return the diagnosis of a run in which a link is missing."""
        return diagnose.diagnose(
            seen(missing, *more), self.expected(timeouts={
                link.name: 1.0 for link in vitrage.CHAIN.links}, **changes),
            self.surroundings(journal=self.journal,
                              transports=self.transports), 10)

    def found(self, diagnosed):
        """Return what the bisect says, by label of the link."""
        return {works.link.name: works.works for works in diagnosed.bisect}

    def why(self, diagnosed, label):
        """Return why a link works or not."""
        return next(works.why for works in diagnosed.bisect
                    if works.link.name == label)

    def impatient(self):
        """Do not wait long for the end of an alarm."""
        self.useFixture(fixtures.MonkeyPatch(
            synthetic_alarm.__name__ + '.CLEAR_PATIENCE', 0.1))

    def states(self):
        """Return what the journal has of each fault."""
        return [[state.value for state in entry.states]
                for entry in self.journal.read()[0]]


class AlarmTest(BisectTestCase):
    """Link alarm is broken: an alarm of our own is posted."""

    def test_all_later_work(self):
        diagnosis = self.diagnose(Link.ALARM)
        self.assertEqual(dict.fromkeys(HEALS, True), self.found(diagnosis))
        self.assertIn('after an alarm of our own',
                      self.why(diagnosis, 'stack'))

    def test_what_is_posted(self):
        """Alertmanager's own labels, and the end of the same alarm."""
        self.diagnose(Link.ALARM)
        raised, cleared = self.cloud.events_posted
        self.assertEqual('prometheus.alarm', raised['type'])
        self.assertEqual(
            [('firing', fake_monitor.labels()),
             ('resolved', fake_monitor.labels())],
            [(event['details']['alerts'][0]['status'],
              event['details']['alerts'][0]['labels'])
             for event in (raised, cleared)])

    def test_journaled(self):
        """As any fault: written down first, verified to be gone."""
        self.diagnose(Link.ALARM)
        self.assertEqual([['planned', 'armed', 'injected', 'witnessed',
                           'reverted', 'verified']], self.states())
        self.assertEqual(['raise', 'came', 'clear', 'look'],
                         self.transports.steps)

    def test_killed(self):
        """What a killed run leaves is in the journal, ready to be run."""
        self.diagnose(Link.ALARM)
        (entry,), _ = self.journal.read()
        (command,) = entry.plan.revert
        self.assertEqual(
            (transports.LOCAL, synthetic_alarm.__name__, 'clear',
             '--config-file',
             '/tempest.conf'), (command.transport, *command.argv[2:6]))
        alarm = json.loads(command.argv[6])
        self.assertEqual(('prometheus', 'HostDown', 'compute-1'), tuple(
            alarm[key] for key in ('monitor', 'name', 'host')))
        self.assertEqual(entry.plan, plans.from_dict(
            plans.to_dict(entry.plan)))

    def test_interrupted(self):
        """Ctrl-C in the middle: the alarm is taken back, and it goes on."""
        def interrupt(*args, **options):
            raise KeyboardInterrupt

        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.watching.watch.Watch.until_over',
            interrupt))
        self.assertRaises(KeyboardInterrupt, self.diagnose, Link.ALARM)
        self.assertEqual(2, len(self.cloud.events_posted))
        self.assertEqual((), self.journal.open_entries())

    def test_stays(self):
        """An alarm that cannot be cleared is told, and kept in the journal."""
        self.cloud.forgetful = True
        self.impatient()
        diagnosis = self.diagnose(Link.ALARM)
        self.assertEqual(dict.fromkeys(HEALS, True), self.found(diagnosis))
        self.assertIn('may still be there', diagnosis_samples.told(diagnosis))
        self.assertIn(journals.REVERT, diagnosis_samples.told(diagnosis))
        self.assertEqual(1, len(self.journal.open_entries()))

    def test_deduction_broken_too(self):
        """The deduction is passed over, and the links after it are tried."""
        self.works('workflow', 'stack', 'application')
        diagnosis = self.diagnose(Link.ALARM)
        self.assertEqual({'deduction': False, 'workflow': None,
                          'stack': True, 'application': True},
                         self.found(diagnosis))
        self.assertIn('no deduced alarm', self.why(diagnosis, 'deduction'))
        self.assertIn('whether Vitrage would start it was not tried',
                      self.why(diagnosis, 'workflow'))

    def test_other_cause(self):
        """An alarm deduced from another alarm says nothing of ours."""
        self.cloud.cause = 'alarm-of-others'
        diagnosis = self.diagnose(Link.ALARM)
        self.assertEqual(dict(dict.fromkeys(HEALS, True), deduction=None),
                         self.found(diagnosis))
        self.assertIn('yet the application answers',
                      self.why(diagnosis, 'deduction'))

    def test_cause_unseen(self):
        """Our alarm was not seen: nobody knows what was deduced from it."""
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.links.monitor_alarm.watcher.'
            'AlarmWatcher.look',
            lambda watcher, recorder: looks.Look('not there')))
        diagnosis = self.diagnose(Link.ALARM)
        self.assertEqual(dict.fromkeys(HEALS, True), self.found(diagnosis))

    def test_workflow_broken_too(self):
        self.works('deduction', 'stack', 'application')
        diagnosis = self.diagnose(Link.ALARM)
        self.assertEqual({'deduction': True, 'workflow': False,
                          'stack': True, 'application': True},
                         self.found(diagnosis))

    def test_not_taken(self):
        """Nobody knows of the deduction when the alarm cannot be posted."""
        self.transports.fails = 'raise'
        self.works('stack', 'application')
        diagnosis = self.diagnose(Link.ALARM)
        self.assertEqual({'deduction': None, 'workflow': None,
                          'stack': True, 'application': True},
                         self.found(diagnosis))
        self.assertIn('out of order', self.why(diagnosis, 'deduction'))
        self.assertIn('Traceback', self.log.output)

    def test_gone_at_once(self):
        """A snapshot of Vitrage's has ended it before anybody looked."""
        self.cloud.fleeting = True
        self.assertEqual(dict.fromkeys(HEALS, True), self.found(
            self.diagnose(Link.ALARM)))

    def test_doctor(self):
        """Its alarm would stay for ever: the end must be posted."""
        self.options['monitor'] = 'doctor'
        diagnosis = self.diagnose(Link.ALARM, host_alarm='compute.host.down')
        self.assertEqual(dict.fromkeys(HEALS, True), self.found(diagnosis))
        self.assertEqual(['down', 'up'], [
            event['details']['status'] for event in self.cloud.events_posted])

    def test_labels_without_alertmanager(self):
        """Labels that Prometheus would put on, or the usual ones."""
        self.monitor.alerts = []
        monitor = self.surroundings().monitor
        labels = monitor.labels('HostDown', 'compute-1')
        self.assertEqual(
            ('node', 'compute-1', '192.0.2.11:9100'), tuple(
                labels[key] for key in ('job', 'hostname', 'instance')))
        self.monitor.broken = '.'
        self.assertEqual('compute-1', monitor.labels(
            'HostDown', 'compute-1')['hostname'])


class ExecutionTest(BisectTestCase):
    """Link deduction or workflow is broken: the workflow is started."""

    def test_deduction(self):
        diagnosis = self.diagnose(Link.DEDUCTION)
        self.assertEqual({'workflow': None, 'stack': True,
                          'application': True}, self.found(diagnosis))
        (execution,) = self.cloud.executions
        self.assertEqual({'stack_id': fake_cloud.STACK,
                          'server_id': fake_cloud.SERVER},
                         json.loads(execution['input']))
        self.assertIn('bisect', execution['description'])
        self.assertEqual([], self.states())

    def test_workflow(self):
        """Vitrage did not start it: the sabotage "notifier stopped"."""
        diagnosis = self.diagnose(Link.WORKFLOW)
        self.assertEqual({'stack': True, 'application': True},
                         self.found(diagnosis))

    def test_application_dead(self):
        self.works('stack')
        diagnosis = self.diagnose(Link.WORKFLOW)
        self.assertEqual({'stack': True, 'application': False},
                         self.found(diagnosis))
        self.assertIn('no answer of the application',
                      self.why(diagnosis, 'application'))

    def test_workflow_fails(self):
        """Then Heat gets its input without it."""
        self.works('mistral fails', 'stack', 'application')
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.model.stopping.GRACE', 0.2))
        diagnosis = self.diagnose(Link.DEDUCTION)
        self.assertEqual({'workflow': False, 'stack': True,
                          'application': True}, self.found(diagnosis))
        self.assertIn('task mark_unhealthy failed',
                      self.why(diagnosis, 'workflow'))
        self.assertEqual([fake_cloud.SERVER], self.cloud.marked)

    def test_waits_until_dead(self):
        """Nova must know that the host is down, or it deletes nothing."""
        asked = []

        def up(client, host):
            asked.append(host)
            return fake_cloud.compute_service(
                host, 'up' if len(asked) < 3 else 'down')

        self.useFixture(fixtures.MockPatchObject(
            nova.Nova, 'compute_service', up))
        self.diagnose(Link.DEDUCTION)
        self.assertEqual(['compute-1'] * 3, asked)

    def test_waits_not_for_ever(self):
        self.cloud.services[0]['state'] = 'up'
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.links.handover.FENCE_PATIENCE',
            0.2))
        diagnosis = self.diagnose(Link.DEDUCTION)
        self.assertIs(True, self.found(diagnosis)['stack'])


class UpdateTest(BisectTestCase):
    """The workflow does not work: Heat gets what it would have done."""

    def test_workflow_missing(self):
        """Mistral refuses; the rest is tried without it."""
        self.cloud.workflows = set()
        diagnosis = self.diagnose(Link.WORKFLOW)
        self.assertEqual({'stack': True, 'application': True},
                         self.found(diagnosis))
        self.assertIn('an update of the stack', self.why(diagnosis, 'stack'))
        requests = [request[:2] for request in self.cloud.requests
                    if request[0] in ('PATCH', 'POST') and (
                        'stacks' in request[1] or 'action' in request[1])]
        self.assertEqual(['POST', 'PATCH', 'PATCH'],
                         [request[0] for request in requests])

    def test_failed_before(self):
        """A workflow that failed once is not started again."""
        self.cloud.executions = [fake_cloud.execution('ERROR')]
        diagnosis = self.diagnose(Link.WORKFLOW, diagnosis_samples.started())
        self.assertEqual({'stack': True, 'application': True},
                         self.found(diagnosis))
        self.assertEqual(1, len(self.cloud.executions))

    def test_heat_refuses(self):
        self.cloud.workflows, self.cloud.refuses = set(), 'stacks/'
        diagnosis = self.diagnose(Link.WORKFLOW)
        self.assertEqual({'stack': False, 'application': None},
                         self.found(diagnosis))
        self.assertIn('could not be handed over', self.why(diagnosis, 'stack'))
        self.assertIn('no input', self.why(diagnosis, 'application'))

    def test_stack_broken_too(self):
        self.works()
        self.cloud.workflows = set()
        diagnosis = self.diagnose(Link.WORKFLOW)
        self.assertEqual({'stack': False, 'application': None},
                         self.found(diagnosis))

    def test_refusals(self):
        """A conflict is none: somebody else works on the stack."""
        for kind, code, refused in (
                (errors.ServiceRefused, 404, True),
                (errors.ServiceRefused, 409, False),
                (errors.ServiceUnavailable, 503, False)):
            self.assertIs(refused, bisect._refused(
                kind('Heat', 'update', 'no', code)))


class NoneTest(BisectTestCase):
    """Where nothing is handed over."""

    def untouched(self, diagnosis):
        """Fail if anything was handed over."""
        self.assertEqual(([], [], []), (
            self.cloud.events_posted, self.cloud.executions,
            self.cloud.marked))
        return self.found(diagnosis)

    def test_off(self):
        self.options['bisect'] = False
        diagnosis = self.diagnose(Link.ALARM)
        self.assertEqual({}, self.untouched(diagnosis))
        self.assertEqual((), diagnosis.bisect)

    def test_stack(self):
        """Nobody but Heat makes a server for the application."""
        diagnosis = self.diagnose(Link.STACK)
        self.assertEqual({'application': None}, self.untouched(diagnosis))

    def test_application(self):
        self.assertEqual({}, self.untouched(self.diagnose(
            Link.APPLICATION)))

    def test_nothing_to_heal(self):
        """A server that must not be healed is not healed by a bisect."""
        diagnosis = self.diagnose(
            Link.ALARM, steps=vitrage.CHAIN.until(Link.DEDUCTION))
        self.assertEqual({}, self.untouched(diagnosis))

    def test_without_journal(self):
        diagnosis = diagnose.diagnose(seen(Link.ALARM), self.expected(),
                                      self.surroundings(), 10)
        self.assertEqual({}, self.untouched(diagnosis))

    def test_watchers_fail(self):
        """A link that cannot be watched is unknown, and gets no input."""
        self.cloud.broken = 'mistral/v2/executions'
        diagnosis = self.diagnose(Link.ALARM)
        self.assertEqual(dict.fromkeys(HEALS), self.untouched(diagnosis))


class SyntheticTest(BisectTestCase):
    """synthetic_alarm: an alarm of our own."""

    alarm = events.Alarm('HostDown', 'compute-1',
                         '2026-01-01T00:05:00.250000',
                         {'alertname': 'HostDown'})

    def run_step(self, step, monitor='prometheus'):
        """Take one step in this process."""
        fault = synthetic_alarm.plan(self.alarm, monitor, '/x')
        return synthetic_alarm.run(step, fault.inject[0].argv[-1],
                                   self.clients.vitrage)

    def test_steps(self):
        self.assertEqual(1, self.run_step('look'))
        self.assertEqual(0, self.run_step('raise'))
        self.assertEqual(0, self.run_step('look'))
        self.assertEqual(0, self.run_step('clear'))
        self.assertEqual(1, self.run_step('look'))

    def test_came(self):
        """An alarm counts when it is gone again; one of before does not."""
        self.cloud.alarms.append(fake_cloud.alarm(
            'before', start='2026-01-01 00:04:59', end='later'))
        self.assertEqual(1, self.run_step('came'))
        self.run_step('raise')
        self.assertEqual(0, self.run_step('came'))
        self.run_step('clear')
        self.assertEqual((1, 0), (self.run_step('look'),
                                  self.run_step('came')))
        self.cloud.entities = []
        self.assertEqual(1, self.run_step('came'))

    def test_came_from_somebody_else(self):
        """Doctor's are told apart as long as they are there."""
        self.run_step('raise', 'doctor')
        self.assertEqual((0, 1), (self.run_step('came', 'doctor'),
                                  self.run_step('came')))
        self.cloud.alarms[0]['monitor_event_id'] = 'another'
        self.assertEqual(1, self.run_step('came', 'doctor'))

    def test_clear_twice(self):
        """Vitrage breaks over the end of an alarm that it does not know."""
        self.assertEqual(0, self.run_step('clear'))
        self.assertEqual([], self.cloud.events_posted)

    def test_graph_restarted(self):
        """Its driver has forgotten the alarm, and its graph has not."""
        self.impatient()
        for monitor in ('prometheus', 'doctor'):
            self.run_step('raise', monitor)
            self.cloud.restarted = True
            self.run_step('clear', monitor)
            self.assertEqual(1, self.run_step('look', monitor))

    def test_somebody_elses(self):
        """An alarm that Doctor has raised since is not ours to clear."""
        self.run_step('raise', 'doctor')
        self.cloud.alarms[0]['monitor_event_id'] = 'another'
        self.assertEqual(1, self.run_step('look', 'doctor'))
        self.run_step('clear', 'doctor')
        self.assertEqual(1, len(self.cloud.events_posted))

    def test_later_time(self):
        """The graph tells another time once something was deduced."""
        for monitor in ('prometheus', 'doctor'):
            self.run_step('raise', monitor)
            self.cloud.alarms[-1]['update_timestamp'] = '2026-01-01T00:05:12Z'
            self.assertEqual(0, self.run_step('look', monitor))
            self.assertEqual(0, self.run_step('clear', monitor))
            self.assertEqual(1, self.run_step('look', monitor))

    def test_other_monitor(self):
        self.run_step('raise', 'doctor')
        self.assertEqual((1, 0), (self.run_step('look'),
                                  self.run_step('look', 'doctor')))

    def test_host_gone(self):
        self.cloud.entities = []
        self.assertEqual(1, self.run_step('look'))


class ProcessTest(BisectTestCase):
    """The commands of the journal, as ``revert`` runs them."""

    def setUp(self):
        super().setUp()
        directory = self.useFixture(fixtures.TempDir()).path
        self.config_file = os.path.join(directory, 'tempest.conf')
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_dict({
            'DEFAULT': {'log_file': os.path.join(directory, 'log')},
            'oslo_concurrency': {'lock_path': directory},
            'auth': {'admin_username': 'admin', 'admin_password': 'hunter2',
                     'admin_project_name': 'admin',
                     'admin_domain_name': 'Default'},
            'identity': {'uri_v3': self.cloud.url + '/identity/v3',
                         'region': 'RegionOne'},
            'compute': {'image_ref': 'guest', 'flavor_ref': 'm1.nano'},
            'network': {'public_network_id': 'public'}})
        with open(self.config_file, 'w', encoding='utf-8') as stream:
            parser.write(stream)
        self.runs = transports.Transports(dataclasses.replace(
            host_samples.ACCESS, local_timeout=60))

    def test_life(self):
        """Raised, seen, cleared, gone; no secret in the journal."""
        fault = synthetic_alarm.plan(SyntheticTest.alarm, 'prometheus',
                                     self.config_file)
        self.assertNotIn('hunter2', json.dumps(plans.to_dict(fault)))
        codes = [self.runs.run(command).exit_status for command in (
            *fault.inject, fault.checks[0].command, *fault.revert)]
        self.assertEqual([0, 0, 0], codes)
        self.assertEqual(1, synthetic_alarm.run(
            'look', fault.inject[0].argv[-1], self.clients.vitrage))

    def test_no_answer(self):
        """The step is neither good nor bad, and one line says why."""
        self.cloud.broken = 'rca/'
        fault = synthetic_alarm.plan(SyntheticTest.alarm, 'prometheus',
                                     self.config_file)
        result = self.runs.run(fault.checks[0].command)
        self.assertEqual(2, result.exit_status)
        self.assertIn('Vitrage: find nova.host', result.stderr)
        self.assertNotIn('Traceback', result.stderr)
