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

"""The diagnosis: what each side of a link says, over real HTTP."""

import time

from hypothesis import given
from hypothesis import strategies
import testtools

from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.diagnosis import diagnose
from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.monitors.prometheus import counting
from self_healing_tempest_plugin.tests.unit import diagnosis_samples
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_healing_cloud
from self_healing_tempest_plugin.tests.unit import fake_monitor
from self_healing_tempest_plugin.tests.unit import samples

Link, Mark = vitrage, links.Mark
seen = diagnosis_samples.seen


class DiagnoseTestCase(diagnosis_samples.DiagnosisTestCase):
    """diagnose.diagnose()."""

    missing = Link.ALARM

    def diagnose(self, timelined=None, patience=10, expected=None,
                 **surroundings):
        """Return the diagnosis of a run in which a link is missing."""
        diagnosis = diagnose.diagnose(
            timelined or seen(self.missing), expected or self.expected(),
            self.surroundings(**surroundings), patience)
        self.addDetail('diagnosis', testtools.content.text_content(
            diagnosis_samples.told(diagnosis)))
        return diagnosis

    def said(self, diagnosis, side):
        """Return what a side says, as pairs of good and text."""
        return [(fact.good, fact.text) for fact in diagnosis.facts
                if fact.side == side]

    def assert_says(self, diagnosis, side, good, text):
        """Fail unless a side says something."""
        self.assertTrue(any(state is good and text in words for state, words
                            in self.said(diagnosis, side)),
                        '%s, %s: %r' % (side, good,
                                        self.said(diagnosis, side)))

    def assert_looks(self, diagnosis, text):
        """Fail unless the next place to look is named."""
        self.assertIn(text, diagnosis.look_at)


class SafeTest(testtools.TestCase):
    """context.safe(): what may be shown."""

    def test_secrets(self):
        for text in ('see http://u:hunter2@h/x for it',
                     "{'password': 'hunter2'}",
                     'auth_token=hunter2', '"adminPass": "hunter2"'):
            self.assertNotIn('hunter2', context.safe(text), text)

    @given(strategies.text(), strategies.integers(4, 500))
    def test_one_line(self, text, limit):
        safe = context.safe(text, limit)
        self.assertLessEqual(len(safe), limit)
        self.assertLessEqual(len(safe.splitlines()), 1)

    @given(strategies.text(), strategies.integers(1, 20))
    def test_lines(self, text, count):
        """A console may send anything."""
        safe = context.safe_lines(text, count)
        lines = safe.split('\n') if safe else []
        self.assertLessEqual(len(lines), count)
        for line in lines:
            self.assertLessEqual(len(line), context.CONSOLE_LINE)


class AnyLinkTest(DiagnoseTestCase):
    """What holds wherever it is broken."""

    def test_good(self):
        """Nothing is asked after a good run."""
        diagnosis = diagnose.diagnose(samples.healthy(), samples.expected(),
                                      None)
        self.assertIsNone(diagnosis)

    def test_last_good(self):
        """Each first missing link names the one before it."""
        for link in vitrage.CHAIN.links:
            diagnosis = diagnose.diagnose(seen(link), self.expected(),
                                          self.surroundings(), 10)
            before = (*vitrage.CHAIN.before(link), links.FAULT)[0]
            self.assertEqual((link, before),
                             (diagnosis.missing, diagnosis.last_good), link)
            self.assertNotEqual([], list(diagnosis.facts), link)
            self.assertTrue(diagnosis.look_at, link)
        self.assertEqual('stack-id', diagnosis.last_object_id)

    def test_nobody_answers(self):
        """Facts, not exceptions; the link's own place to look is left.

        But where Heat is the link: that it is silent says where to look.
        """
        self.cloud.broken = r'(heat|rca|mistral|nova|neutron)/'
        self.monitor.broken = '.'
        for link in vitrage.CHAIN.links:
            timelined = seen(link)
            diagnosis = diagnose.diagnose(timelined, self.expected(),
                                          self.surroundings(), 10)
            silent = [fact for fact in diagnosis.facts if fact.good is None
                      and 'no answer: ' in fact.text]
            self.assertTrue(silent, link)
            judged = verdicts.verdict(timelined, self.expected())
            if link is Link.STACK:
                self.assertIn('heat-engine and heat-api', diagnosis.look_at)
            else:
                self.assertEqual(judged.look_at, diagnosis.look_at)

    def test_in_time(self):
        """A service that never answers is not waited for."""
        self.cloud.silent = 'rca/'
        begin = time.monotonic()
        diagnosis = self.diagnose(patience=0.5)
        self.assertLess(time.monotonic() - begin, 3)
        self.assert_says(diagnosis, 'Vitrage', None, 'no answer')
        self.assert_says(diagnosis, 'Prometheus', True, 'is firing')

    def test_odd_answer(self):
        """An answer of another shape is no answer."""
        for odd, words in (
                ({'name': 'HostDown'}, 'does not tell what it sees'),
                ({'name': 'HostDown', 'alerts': 'x'}, 'no answer')):
            self.monitor.rules = [odd]
            self.assert_says(self.diagnose(), 'Prometheus', None, words)

    def test_other_verdicts(self):
        """Facts for every verdict that is not good; no link is missing."""
        runs = {
            verdicts.Kind.INVALID: (seen(Link.ALARM, unmet=(
                'the host is down',)), self.expected()),
            verdicts.Kind.SPLIT_BRAIN: (seen(Link.APPLICATION, probes=(
                samples.probe(120, 'new'), samples.probe(
                    130, boot='boot-1', server='old'))), self.expected()),
            verdicts.Kind.UNEXPECTED_HEALING: (
                seen(Link.DEDUCTION),
                self.expected(**diagnosis_samples.QUIET)),
            verdicts.Kind.EXECUTION_STORM: (samples.healthy(
                objects={Link.WORKFLOW: ('e1', 'e2')}), samples.expected(
                    max_executions=1))}
        for kind, (timelined, expected) in runs.items():
            self.assertIs(kind, verdicts.verdict(timelined, expected).kind)
            diagnosis = diagnose.diagnose(timelined, expected,
                                          self.surroundings(), 10)
            self.assertEqual((None, None),
                             (diagnosis.missing, diagnosis.last_good))
            self.assertNotEqual((), diagnosis.facts, kind)

    def test_healed_by_others(self):
        """Who else has worked on the stack?"""
        self.cloud.events = [event('UPDATE_IN_PROGRESS', 'by hand')]
        self.cloud.instance_actions = {fake_cloud.SERVER: [
            action('delete', 'user-7')]}
        evidence = samples.evidence(
            Link.APPLICATION, Mark.FINISHED, 119.0,
            url=self.cloud.url + '/')
        diagnosis = self.diagnose(seen(Link.ALARM, evidence))
        self.assertIs(Link.ALARM, diagnosis.missing)
        self.assert_says(diagnosis, 'Heat', None, 'by hand')
        self.assert_says(diagnosis, 'Nova', None, 'delete on server %s by '
                         'user user-7' % fake_cloud.SERVER)

    def test_secrets(self):
        """The words of a service may hold secrets; a fact does not."""
        self.cloud.templates[0].update({
            'status': 'ERROR',
            'status details': 'no http://admin:hunter2@h/ password=hunter2'})
        diagnosis = self.diagnose(seen(Link.DEDUCTION))
        self.assert_looks(diagnosis, 'is in ERROR')
        self.assertNotIn('hunter2', diagnosis_samples.told(diagnosis))


class InvalidTest(DiagnoseTestCase):
    """No drill took place."""

    def test_unmet(self):
        diagnosis = self.diagnose(seen(Link.ALARM, unmet=('no way',)))
        self.assert_says(diagnosis, 'Preconditions', False, 'no way')
        self.assert_looks(diagnosis, 'no way')

    def test_not_ready(self):
        """No fault was injected at all."""
        diagnosis = self.diagnose(seen(Link.ALARM, unmet=('no way',),
                                       transitions=()))
        self.assertEqual(['Preconditions', 'Nova'],
                         [fact.side for fact in diagnosis.facts])

    def test_unwitnessed(self):
        lies = (timelines.Transition('injected', 100.0, 101.0),
                timelines.Transition('unwitnessed', 101.0, 131.0, 'it lives'))
        diagnosis = self.diagnose(seen(Link.ALARM, transitions=lies))
        self.assert_says(diagnosis, 'Fault', False, 'unwitnessed: it lives')
        self.assert_says(diagnosis, 'Nova', None, 'compute-1 is down')
        self.assert_looks(diagnosis, 'the power commands')


class AlarmTest(DiagnoseTestCase):
    """Link alarm."""

    def test_all_well(self):
        """The monitor says that it sent the alarm; only Vitrage has none."""
        diagnosis = self.diagnose()
        for side, text in (
                ('Prometheus', 'alert HostDown is firing for host compute-1'),
                ('Prometheus', 'of host compute-1 is down: connection'),
                ('Prometheus', 'alerts go to http://192.0.2.2:9093/'),
                ('Alertmanager', 'is active since 2026-01-01T00:00:07.567Z, '
                                 'for vitrage'),
                ('Alertmanager', '0 of 2 notifications by webhook failed'),
                ('Vitrage', 'host compute-1 is in the graph')):
            self.assert_says(diagnosis, side, True, text)
        self.assert_says(diagnosis, 'Vitrage', False,
                         'no active alarm HostDown')

    def test_no_rule(self):
        self.monitor.rules = []
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Prometheus', False, 'no rule raises')
        self.assert_looks(diagnosis, 'none of them raises HostDown')

    def test_rule_sick(self):
        self.monitor.rules = [fake_monitor.rule(
            health='err', lastError='many-to-many matching')]
        self.assert_looks(self.diagnose(), 'many-to-many matching')

    def test_rule_blind(self):
        """The sabotage "alert rule muted"."""
        self.monitor.rules = [fake_monitor.rule(query='vector(0) > 1')]
        self.monitor.alerts = []
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Prometheus', False,
                         'sees nothing wrong: vector(0) > 1')
        self.assert_looks(diagnosis, 'the expression of')

    def test_pending(self):
        self.monitor.rules = [fake_monitor.rule(
            fake_monitor.firing(state='pending'), duration=300)]
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Prometheus', False, 'waits 300 s')
        self.assert_looks(diagnosis, 'the "for"')

    def test_wrong_host(self):
        """The sabotage "alert label names the wrong host"."""
        self.cloud.hypervisors = []
        self.monitor.rules = [fake_monitor.rule(
            fake_monitor.firing('compute-9'))]
        self.monitor.alerts = [fake_monitor.alert('compute-9')]
        self.cloud.alarms = [fake_cloud.alarm('a9', resource='vid-9')]
        self.cloud.entities.append(dict(
            fake_cloud.host_entity(), id='compute-9', vitrage_id='vid-9'))
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Prometheus', False, 'hostname=compute-9')
        self.assert_says(diagnosis, 'Alertmanager', False,
                         'its labels name another host')
        self.assert_says(diagnosis, 'Vitrage', False,
                         'on host compute-9, not on host compute-1')
        self.assert_looks(diagnosis, 'none of them names host compute-1')

    def test_no_such_host_in_graph(self):
        """An alarm that Vitrage could attach to nobody."""
        self.cloud.alarms = [fake_cloud.alarm('a9', resource=None)]
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Vitrage', False,
                         'on no host of the graph')
        self.assert_looks(diagnosis, 'prometheus_conf.yaml')

    def test_named_by_address(self):
        """A label may name the host by its address, as exporters do."""
        alert = fake_monitor.alert()
        del alert['labels']['hostname']
        alert['labels']['instance'] = '192.0.2.11:9100'
        self.monitor.alerts = [alert]
        self.assert_says(self.diagnose(), 'Alertmanager', True, 'is active')

    def test_no_alertmanager(self):
        self.monitor.alertmanagers, self.monitor.alerts = [], []
        diagnosis = self.diagnose()
        self.assert_looks(diagnosis, 'it knows no Alertmanager')

    def test_silenced(self):
        self.monitor.alerts = [fake_monitor.alert(
            state='suppressed', silencedBy=['s1'])]
        self.monitor.silences['s1'] = {
            'comment': 'maintenance', 'createdBy': 'ann', 'endsAt': 'noon'}
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Alertmanager', False,
                         'silenced by s1 until noon (ann: maintenance)')
        self.assert_looks(diagnosis, 'silence s1')

    def test_inhibited(self):
        self.monitor.alerts = [fake_monitor.alert(
            state='suppressed', inhibitedBy=['f00'])]
        self.assert_looks(self.diagnose(), 'inhibited by f00')

    def test_webhook_refused(self):
        """The sabotages "dead port" and "wrong password"."""
        self.monitor.metrics = fake_monitor.metrics(5, 3)
        diagnosis = self.diagnose(sent=fake_monitor.counted(2, 0))
        self.assert_says(diagnosis, 'Alertmanager', False,
                         '3 of 3 notifications by webhook failed since the '
                         'fault')
        self.assert_looks(diagnosis, "'Notify for alerts failed'")

    def test_failed_long_ago(self):
        """Failures of before the fault say nothing of it."""
        self.monitor.metrics = fake_monitor.metrics(5, 3)
        diagnosis = self.diagnose(sent=fake_monitor.counted(4, 3))
        self.assert_says(diagnosis, 'Alertmanager', True, '0 of 1')

    def test_failed_some_time(self):
        """Without a count of before, nobody knows when."""
        self.monitor.metrics = fake_monitor.metrics(5, 3)
        self.assert_says(self.diagnose(), 'Alertmanager', None,
                         '3 of 5 notifications by webhook failed since it '
                         'started')

    def test_nothing_sent(self):
        self.monitor.metrics = fake_monitor.metrics(2, 0)
        diagnosis = self.diagnose(sent=fake_monitor.counted(2, 0))
        self.assert_looks(diagnosis, "Alertmanager's route")

    def test_host_unknown(self):
        self.cloud.entities = []
        diagnosis = self.diagnose()
        self.assert_looks(diagnosis, 'datasource nova.host')

    def test_stale(self):
        """An alarm on the host that is not of this fault."""
        self.cloud.alarms = [fake_cloud.alarm('old')]
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Vitrage', None,
                         'alarm HostDown is on host compute-1 since')

    def test_not_configured(self):
        """Without URLs only Vitrage is asked."""
        self.options.update(prometheus_urls=(), alertmanager_urls=())
        diagnosis = self.diagnose()
        self.assertEqual({'Vitrage'}, {fact.side for fact in diagnosis.facts})
        self.assertEqual([], self.monitor.requests)

    def test_doctor(self):
        """Another monitor has no Prometheus."""
        self.options['monitor'] = 'doctor'
        diagnosis = self.diagnose()
        self.assertEqual({'Vitrage'}, {fact.side for fact in diagnosis.facts})
        self.assert_says(diagnosis, 'Vitrage', None,
                         'has never had an alarm of doctor')

    def test_sent(self):
        """Asked before the fault, when nothing may be broken by it."""
        monitor = self.surroundings().monitor
        self.assertEqual(counting.Sent(2, 0),
                         monitor.sent().total()['webhook'])
        self.monitor.broken = 'metrics'
        self.assertIsNone(monitor.sent())
        self.options['alertmanager_urls'] = ()
        self.assertIsNone(self.surroundings().monitor.sent())

    def test_dates(self):
        """Its clock is measured like those of the cloud."""
        dates = self.surroundings().monitor.dates()
        self.assertIsNotNone(dates['Alertmanager']())
        self.options['monitor'] = 'doctor'
        self.assertEqual({}, self.surroundings().monitor.dates())


class DeductionTest(DiagnoseTestCase):
    """Link deduction."""

    missing = Link.DEDUCTION

    def setUp(self):
        super().setUp()
        self.cloud.alarms = [fake_cloud.alarm('a1')]

    def test_all_well(self):
        diagnosis = self.diagnose()
        for text in ('self_healing_host_down_0a1b2c3d is ACTIVE',
                     'alarm HostDown is on host compute-1, which is OK',
                     'host compute-1 contains server'):
            self.assert_says(diagnosis, 'Vitrage', True, text)
        self.assert_says(diagnosis, 'Vitrage', False, 'no deduced alarm')

    def test_template_in_error(self):
        self.cloud.templates[0].update({
            'status': 'ERROR', 'status details': 'syntax of condition'})
        diagnosis = self.diagnose()
        self.assert_looks(diagnosis, 'syntax of condition')

    def test_template_missing(self):
        del self.cloud.templates[0]
        self.assert_looks(self.diagnose(), 'is not in it')
        diagnosis = self.diagnose(template='host-1')
        self.assert_says(diagnosis, 'Vitrage', False,
                         'host template host-1 is not in the list')

    def test_edge_missing(self):
        self.cloud.edges = []
        self.assert_looks(self.diagnose(), 'datasource nova.instance')

    def test_alarm_ended(self):
        self.cloud.alarms = [fake_cloud.alarm('a1', end='then')]
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Vitrage', False, 'is no more on host')

    def test_host_gone(self):
        del self.cloud.entities[0]
        self.cloud.edges = []
        self.assert_says(self.diagnose(), 'Vitrage', False,
                         'host compute-1 has left the graph')

    def test_wrong_server(self):
        """The sabotage "deduction on the wrong instance"."""
        self.cloud.alarms.append(dict(
            fake_cloud.deduced(), vitrage_resource_id='vid-8',
            vitrage_resource_type='nova.instance'))
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Vitrage', False,
                         'is on another entity: nova.instance')
        self.assert_looks(diagnosis, 'the conditions of the host template')

    def test_state_missing(self):
        """The alarm came, the state did not."""
        self.cloud.alarms.append(fake_cloud.deduced())
        self.assert_says(self.diagnose(), 'Vitrage', True,
                         'whose state is ACTIVE')


class WorkflowTest(DiagnoseTestCase):
    """Link workflow."""

    missing = Link.WORKFLOW

    def test_all_well(self):
        diagnosis = self.diagnose()
        for side, text in (
                ('Vitrage', 'healing rule rule is ACTIVE'),
                ('Vitrage', 'vitrage-notifier is among its processes'),
                ('Mistral', 'workflow %s is there' % fake_cloud.WORKFLOW)):
            self.assert_says(diagnosis, side, True, text)
        self.assert_says(diagnosis, 'Mistral', False, 'there is no execution')
        self.assert_looks(diagnosis, "'Failed to execute Mistral action'")
        self.assert_looks(diagnosis, "'Workflow ... not started'")

    def test_no_rule(self):
        """Three ways in which there is none."""
        self.cloud.templates.pop()
        self.assert_looks(self.diagnose(), 'healing rule rule-1 is not in')
        self.cloud.stack_resources[2]['physical_resource_id'] = ''
        self.assert_looks(self.diagnose(), 'Failed to add template')
        del self.cloud.stack_resources[2]
        self.assert_looks(self.diagnose(), 'no OS::Vitrage::Template')

    def test_notifier_stopped(self):
        self.cloud.processes = ['PersistorService_worker_0']
        diagnosis = self.diagnose()
        self.assert_looks(diagnosis, 'vitrage-notifier: it does not run')

    def test_processes_unknown(self):
        self.cloud.processes = None
        self.assert_says(self.diagnose(), 'Vitrage', None, '[coordination]')

    def test_workflow_missing(self):
        self.cloud.workflows = set()
        self.assert_looks(self.diagnose(), 'nobody can start it')

    def test_wrong_server(self):
        self.cloud.executions = [fake_cloud.execution(server_id='other')]
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Mistral', False, 'for server other')
        self.assert_looks(diagnosis, 'it names server other')

    def test_task_failed(self):
        """The sabotage "workflow errors"."""
        self.cloud.executions = [fake_cloud.execution(
            'ERROR', state_info='Failure caused by error in tasks: find')]
        self.cloud.tasks = [
            task('settle', 'SUCCESS'),
            task('find', 'ERROR', 'HTTPForbidden: not allowed')]
        diagnosis = self.diagnose(seen(
            self.missing, diagnosis_samples.started(), failures=(
                diagnosis_samples.failure(self.missing, 'ERROR'),)))
        self.assert_says(diagnosis, 'Mistral', False, 'task find of execution')
        self.assert_says(diagnosis, 'Mistral', False, 'error in tasks: find')
        self.assert_looks(diagnosis, 'HTTPForbidden: not allowed')

    def test_still_running(self):
        self.cloud.executions = [fake_cloud.execution()]
        self.cloud.tasks = [task('settle', 'SUCCESS'),
                            task('wait', 'DELAYED')]
        diagnosis = self.diagnose(seen(self.missing,
                                       diagnosis_samples.started()))
        self.assert_says(diagnosis, 'Mistral', None, 'task wait of execution')
        self.assert_looks(diagnosis, 'mistral-executor')

    def test_all_tasks_done(self):
        self.cloud.executions = [fake_cloud.execution('SUCCESS')]
        self.cloud.tasks = [task('settle', 'SUCCESS')]
        diagnosis = self.diagnose(seen(self.missing,
                                       diagnosis_samples.started()))
        self.assert_says(diagnosis, 'Mistral', True,
                         'all tasks are in SUCCESS')


class StackTest(DiagnoseTestCase):
    """Link stack."""

    missing = Link.STACK

    def test_nothing_done(self):
        """The sabotage "workflow succeeds but does nothing"."""
        self.cloud.executions = [fake_cloud.execution('SUCCESS')]
        self.cloud.tasks = [task('nothing', 'SUCCESS')]
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Heat', True, '1 of 1 heat-engine')
        self.assert_says(diagnosis, 'Heat', None,
                         'nobody has updated the stack')
        self.assert_says(diagnosis, 'Nova', False,
                         'the stack still has server')
        self.assert_says(diagnosis, 'Mistral', True, 'in SUCCESS: nothing')

    def test_engines_down(self):
        self.cloud.engines[0].update(status='down', updated_at='noon')
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Heat', False, 'last sign of life: noon')
        self.assert_looks(diagnosis, 'heat-engine: none is up')

    def test_engine_dead(self):
        """heat-api says of itself that it is there, and no more."""
        self.cloud.broken = '/services'
        self.assert_looks(self.diagnose(), 'heat-engine: does it run')

    def test_nothing_answers(self):
        """All of heat-api waits for the engine that is dead."""
        self.cloud.broken = '/heat'
        self.assert_looks(self.diagnose(), 'heat-engine and heat-api: do they')

    def test_failed(self):
        """The sabotage "replacement cannot be scheduled"."""
        self.cloud.stacks[fake_cloud.STACK].update(
            stack_status='UPDATE_FAILED', stack_status_reason='it went wrong')
        self.cloud.events = [
            event('CREATE_COMPLETE', 'long ago', '2025-12-31T23:00:00Z'),
            event('CREATE_FAILED', 'ResourceInError: No valid host')]
        self.new_server(status='ERROR', fault={
            'code': 500, 'created': '2026-01-01T00:00:20Z',
            'message': 'No valid host was found.'})
        self.cloud.stack_resources[0].update(
            resource_status='CREATE_FAILED',
            resource_status_reason='Went to status ERROR')
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Heat', False,
                         'UPDATE_FAILED: it went wrong')
        self.assert_says(diagnosis, 'Heat', False, 'ResourceInError: No valid')
        self.assert_says(diagnosis, 'Heat', False, 'server is CREATE_FAILED')
        self.assertNotIn('long ago', diagnosis_samples.told(diagnosis))
        self.assert_looks(diagnosis, 'is there room on another host')

    def test_hosts(self):
        self.cloud.services[1].update(status='disabled')
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Nova', None,
                         'nova-compute on host compute-1 is down and enabled')
        self.assert_looks(diagnosis, 'no host but compute-1')

    def test_old_server_stays(self):
        """Nova waits for a dead host to delete it."""
        self.new_server()
        self.cloud.servers[fake_cloud.SERVER] = {
            'id': fake_cloud.SERVER, 'host': 'compute-1',
            'OS-EXT-STS:task_state': 'deleting'}
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Nova', True,
                         'is ACTIVE on host compute-20')
        self.assert_looks(diagnosis, 'is the host forced down?')

    def test_deleted(self):
        self.cloud.stacks[fake_cloud.STACK]['stack_status'] = (
            'DELETE_COMPLETE')
        self.assert_says(self.diagnose(), 'Heat', False, 'is deleted')


class ApplicationTest(DiagnoseTestCase):
    """Link application."""

    missing = Link.APPLICATION

    def setUp(self):
        super().setUp()
        self.new_server()
        self.cloud.console = 'boot\r\n\x1b[1mkernel\n' + '\n'.join(
            'line %d' % number for number in range(40))

    def diagnose(self, timelined=None, **options):
        """Return the diagnosis; the application was silent."""
        return super().diagnose(timelined or seen(
            self.missing, probes=(samples.probe(150.0),)), **options)

    def test_all_well(self):
        """ACTIVE but silent: the console is what is left."""
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Application', False,
                         'does not answer: ConnectionError')
        self.assert_says(diagnosis, 'Nova', True,
                         'is ACTIVE, its power state running, on host '
                         'compute-20')
        self.assert_says(diagnosis, 'Neutron', True, 'bound as ovs')
        self.assert_says(diagnosis, 'Neutron', True,
                         'floating address 127.0.0.1')
        (console,) = [text for _, text in self.said(diagnosis, 'Nova')
                      if 'console of server' in text]
        self.assertEqual(16, len(console.splitlines()))
        self.assertEqual('line 39', console.splitlines()[-1])
        self.assert_looks(diagnosis, 'console of the new server')

    def test_silent_console(self):
        self.cloud.console = ''
        self.assert_looks(self.diagnose(), 'its console is empty')

    def test_shut_down(self):
        self.new_server(**{'OS-EXT-STS:power_state': 4})
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Nova', False, 'power state shut down')
        self.assert_looks(diagnosis, "'openstack server show")

    def test_wrong_answer(self):
        wrong = timelines.Probe(150.0, 150.5, False, 'n', '', '', 'HTTP 502',
                                True)
        diagnosis = self.diagnose(seen(self.missing, probes=(wrong,)))
        self.assert_looks(diagnosis, 'HTTP 502')

    def test_port_unbound(self):
        self.cloud.ports = [fake_healing_cloud.port(
            **{'binding:vif_type': 'binding_failed', 'status': 'DOWN'})]
        self.assert_looks(self.diagnose(), 'binding_failed')

    def test_no_port(self):
        self.cloud.ports = []
        self.assert_looks(self.diagnose(), 'there is none')

    def test_address_elsewhere(self):
        self.cloud.floating = [fake_healing_cloud.floating(port_id='p9')]
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Neutron', False,
                         'leads to port p9, which')
        self.cloud.floating = []
        self.assert_looks(self.diagnose(), 'there is no 127.0.0.1')


def task(name, state, info=None):
    """Return a task as Mistral lists it."""
    return {'id': 'task-%s' % name, 'name': name, 'state': state,
            'workflow_execution_id': fake_cloud.EXECUTION,
            'state_info': info, 'created_at': '2026-01-01 00:00:12',
            'updated_at': '2026-01-01 00:00:14'}


def event(status, reason, at='2026-01-01T00:00:15Z'):
    """Return an event as Heat lists it."""
    return {'id': 'event-%s' % at, 'resource_name': 'server',
            'resource_status': status, 'resource_status_reason': reason,
            'resource_action': 'UPDATE', 'event_time': at}


def action(name, user):
    """Return an instance action as Nova lists it."""
    return {'action': name, 'instance_uuid': fake_cloud.SERVER,
            'request_id': 'req-1', 'user_id': user, 'message': None,
            'project_id': fake_cloud.PROJECT,
            'start_time': '2026-01-01T00:00:16.000000'}
