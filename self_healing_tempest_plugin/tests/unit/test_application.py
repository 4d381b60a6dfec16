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

"""The application, its templates, and the cloud around it."""

import dataclasses
import os

import fixtures
from testtools import matchers
from vitrageclient.common import yaml_utils

from self_healing_tempest_plugin import application
from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.links import surroundings
from self_healing_tempest_plugin.links.vitrage_deduction import template
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin import readiness
from self_healing_tempest_plugin import removal
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import templates
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import service_samples
from self_healing_tempest_plugin import waiting

TIMES = config.Timeouts(**dict(dict.fromkeys((
    field.name for field in dataclasses.fields(config.Timeouts)), 1),
    poll_interval=0.1, blip=0.1, links={'stack': 1, 'application': 1}))
ACCESS = config.HostAccess(
    addresses={}, user='root', key_file=None, known_hosts_file=None, port=22,
    jump_host=None, sudo=False, timeout=1, local_timeout=1)
NETWORK = config.HostNetwork(
    management_nic=None, data_nic=None, data_addresses={}, control_plane=())
HOST_ALARM = config.Alarm('HostDown', None, templates.HOST_DOWN)
NIC_ALARM = config.Alarm('HostNicDown', None, templates.NIC_DOWN)


def setup_error(fixture):
    """Return what a fixture's setUp fails with, after its clean-up."""
    try:
        fixture.setUp()
    except fixtures.MultipleExceptions as failures:
        return failures.args[0][1]
    raise AssertionError('%r was set up' % fixture)


class ApplicationTestCase(service_samples.ClientTestCase):
    """A cloud in which an application can live."""

    def setUp(self):
        super().setUp()
        cloud = self.cloud
        cloud.servers = {fake_cloud.SERVER: {
            'id': fake_cloud.SERVER, 'host': 'compute-1'}}
        cloud.stack_resources = fake_cloud.resources()
        cloud.templates = [{'uuid': 'rule-1', 'name': 'rule',
                            'status': 'ACTIVE', 'status details': 'ok'}]
        cloud.answer = (fake_cloud.SERVER, 'boot-1')
        cloud.entities = [fake_cloud.host_entity(),
                          fake_cloud.server_entity()]
        cloud.edges = [(fake_cloud.HOST_VID, 'contains',
                        fake_cloud.SERVER_VID)]
        cloud.services = [fake_cloud.compute_service('compute-1'),
                          fake_cloud.compute_service('compute-20')]
        self.settings = config.Settings(
            cloud=None, power=None, access=ACCESS, network=NETWORK,
            service_manager='systemd', compute_service='nova-compute',
            timeouts=TIMES, monitor='prometheus',
            application=config.ApplicationSettings(
                'guest', 'm1.nano', 'public', cloud.port, 'm1.disk'),
            host_alarm=HOST_ALARM, nic_alarm=NIC_ALARM,
            deduced_alarm_name='Instance down', allow_faults=True,
            allow_foreign_servers=False, fault_hosts=('compute-1',),
            witness_port=22, artifacts_dir='/nowhere', name_prefix='tempest',
            state_dir=os.path.join(self.useFixture(
                fixtures.TempDir()).path, 'state'))
        self.journal = journals.Journal(self.settings.state_dir)

    def application(self, settings=None, **options):
        """Return an application, as a drill makes it."""
        settings = settings or self.settings
        return application.Application(
            self.clients, settings,
            parameters=kit.parameters(vitrage.CHAIN, settings), **options)

    def around(self, app):
        """Return the surroundings of an application."""
        return surroundings.Surroundings(
            clients=self.clients, owner=self.clients, settings=self.settings,
            monitor=monitors.of(self.settings), alarm=HOST_ALARM,
            application=app)

    def deploy(self):
        """Return the application, set up."""
        return self.useFixture(self.application())


class ApplicationTest(ApplicationTestCase):
    """application.Application."""

    def test_of_a_member(self):
        """It is in the member's project, whoever finds it in the journal."""
        self.cloud.granted.add(('p2', 'u1', 'r1'))
        planned = []
        self.cloud.on_create = lambda: planned.extend(
            self.journal.open_entries())
        with self.application(owner=self.clients.in_project('p2')) as app:
            self.assertEqual(
                {'server': fake_cloud.SERVER},
                {'server': app.resources['server']})
        (_, path, _, body), = self.cloud.asked('POST', '/stacks')
        self.assertEqual(('/heat/v1/p2/stacks', 'm1.disk'), (
            path, body['parameters']['flavor']))
        self.assertEqual(['p2'], [entry.object.known['project']
                                  for entry in planned])
        self.assertEqual({'p2'}, {
            path.split('/')[3] for _, path, _, _
            in self.cloud.asked('DELETE', '^/heat/')})

    def test_life(self):
        app = self.application()
        with app:
            self.assertEqual(
                (fake_cloud.SERVER, 'compute-1', 'boot-1',
                 fake_cloud.WORKFLOW, self.cloud.url + '/'),
                (app.server_id, app.host, app.boot, app.workflow, app.url))
            self.cloud.executions.append(fake_cloud.execution())
        body = self.cloud.asked('POST', '/stacks')[0][3]
        self.assertEqual('Instance down',
                         body['parameters']['instance_alarm_name'])
        self.assertIs(True, body['parameters']['healing'])
        self.assertEqual({'application.sh', 'heal_instance.vitrage.yaml'},
                         set(body['files']))
        self.assertTrue(body['stack_name'].startswith('tempest-'))
        self.assertEqual([], self.cloud.executions)
        self.assertIsNone(self.clients.heat.stack(app.stack.identifier))
        gone = [self.cloud.requests.index(request) for request in (
            self.cloud.asked('DELETE', 'executions')[0],
            self.cloud.asked('DELETE', 'stacks')[0])]
        self.assertEqual(sorted(gone), gone)

    def deleted_at_last(self, failures, status='CREATE_COMPLETE'):
        """Delete an application; the deletion fails some times before.

        :param status: of the stack when it is deleted
        :returns: how often Heat was asked
        """
        self.useFixture(fixtures.MockPatchObject(
            removal, 'DELETION_INTERVAL', 0.05))
        # Time for all attempts, on a busy machine as well.
        patient = dataclasses.replace(self.settings, timeouts=(
            dataclasses.replace(TIMES, links=dict(TIMES.links, stack=30))))
        app = self.application(patient)
        app.setUp()
        stack = self.cloud.stacks[fake_cloud.STACK]
        stack['stack_status'] = status
        delete, left = self.cloud.delete_stack, iter(failures)

        def fail(query, body, identifier):
            try:
                stack.update(stack_status='DELETE_FAILED',
                             stack_status_reason=next(left))
            except StopIteration:
                return delete(query, body, identifier)
            return 204, None, {}

        self.cloud.delete_stack = fail
        try:
            app.cleanUp()
        finally:
            asked = len(self.cloud.asked('DELETE', 'stacks'))
        return asked

    def test_deletion_fails_first(self):
        self.assertEqual(3, self.deleted_at_last(['busy', 'busy']))

    def test_deletion_fails_for_ever(self):
        error = self.assertRaises(waiting.WaitAborted, self.deleted_at_last,
                                  ['stuck'] * 20)
        self.assertIn('DELETE_FAILED: stuck', str(error))

    def test_deletion_fails_at_its_end(self):
        """A resource of the update that was at work came too late."""
        show, answers = self.clients.heat.stack, []

        def stack(*args, **options):
            shown = show(*args, **options)
            answers.append(shown)
            if shown is None and answers.count(None) == 1:
                self.cloud.stacks[fake_cloud.STACK].update(
                    stack_status='DELETE_FAILED', stack_status_reason='late')
            return shown

        self.useFixture(fixtures.MockPatchObject(
            self.clients.heat, 'stack', stack))
        self.assertEqual(2, self.deleted_at_last([], 'UPDATE_IN_PROGRESS'))
        self.assertIsNone(answers[-1])

    def test_time_to_heal(self):
        """The workflow gets more of it where the stack does."""
        for stack, heal_time, step_time in ((90, 180, 30), (300, 600, 30),
                                            (1200, 2400, 120)):
            self.settings = dataclasses.replace(
                self.settings,
                timeouts=dataclasses.replace(
                    TIMES, links=dict(TIMES.links, stack=stack)))
            with self.application():
                pass
            given = self.cloud.asked('POST', '/stacks')[-1][3]['parameters']
            self.assertEqual((heal_time, step_time),
                             (given['heal_time'], given['heal_step_time']))

    def test_without_healing(self):
        """No rule is asked for, and none is waited for."""
        del self.cloud.stack_resources[2]
        self.cloud.templates.clear()
        with self.application(healing=False) as app:
            self.assertEqual('boot-1', app.boot)
            self.assertEqual([], self.cloud.asked('GET', 'template'))
        body = self.cloud.asked('POST', '/stacks')[0][3]
        self.assertIs(False, body['parameters']['healing'])

    def failing(self, kind=waiting.WaitAborted):
        error = setup_error(self.application())
        self.assertIsInstance(error, kind)
        return error

    def test_creation_fails(self):
        """The reason is in the message, and the stack is deleted."""
        self.cloud.on_create = lambda: self.cloud.stacks[
            fake_cloud.STACK].update(stack_status='CREATE_FAILED',
                                     stack_status_reason='no quota')
        error = self.failing()
        self.assertIn('CREATE_FAILED: no quota', str(error))
        self.assertEqual(1, len(self.cloud.asked('DELETE', 'stacks')))

    def test_trusts_are_not_told(self):
        """Who may not list them has its application all the same."""
        def refuse(query, body):
            raise fake_cloud.Reply(403, {'error': {
                'code': 403, 'title': 'Forbidden', 'message': 'no'}})
        self.cloud.list_assignments = refuse
        with self.application():
            entry, = self.journal.open_entries()
        self.assertNotIn('trusts_before', entry.object.known)
        self.assertEqual((), self.journal.open_entries())

    def test_journal(self):
        """An object is written down before the call, and its ids later."""
        seen = []
        self.cloud.on_create = lambda: seen.extend(
            self.journal.open_entries())
        with self.application() as app:
            (entry,) = seen
            (later,) = self.journal.open_entries()
        self.assertEqual((app.stack.name, {'trusts_before': [],
                                           'stacks_before': {}}),
                         (entry.object.name, entry.object.known))
        self.assertEqual(
            {'id': fake_cloud.STACK, 'server': fake_cloud.SERVER,
             'hosts': ['compute-1'], 'remains': [], 'trusts_before': [],
             'stacks_before': {}, 'workflow': fake_cloud.WORKFLOW},
            later.object.known)
        self.assertEqual((), self.journal.open_entries())

    def test_creation_refused(self):
        """Nothing was created: nothing is waited for, nothing is open."""
        def refuse(query, body):
            raise fake_cloud.Reply(400, {'error': {'message': 'no'},
                                         'code': 400, 'explanation': 'no',
                                         'title': 'no'})

        self.cloud.create_stack = refuse
        self.failing(errors.ServiceRefused)
        self.assertEqual((), self.journal.open_entries())
        self.assertEqual([], self.cloud.asked('DELETE', 'stacks'))

    def test_creation_without_an_answer(self):
        """The stack may have been created, and was: its name finds it."""
        create = self.cloud.create_stack

        def lose(query, body):
            create(query, body)
            raise fake_cloud.Reply(503)

        self.cloud.create_stack = lose
        self.failing(errors.ServiceUnavailable)
        self.assertEqual('DELETE_COMPLETE', self.cloud.stacks[
            fake_cloud.STACK]['stack_status'])
        self.assertEqual((), self.journal.open_entries())

    def test_no_answer(self):
        self.cloud.answer = None
        self.assertIn('last state: HTTP 503', str(self.failing(
            waiting.WaitTimeout)))


class DeductionTemplateTest(ApplicationTestCase):
    """template.DeductionTemplate."""

    def fixture(self, alarm=HOST_ALARM, **changes):
        return template.DeductionTemplate(
            self.clients, self.settings, 'prometheus',
            dataclasses.replace(alarm, **changes))

    def test_own(self):
        for alarm in (HOST_ALARM, NIC_ALARM):
            with self.fixture(alarm) as fixture:
                self.assertEqual(fake_cloud.TEMPLATE, fixture.uuid)
                added = self.cloud.added_templates.pop()
            self.assertEqual(
                ('prometheus', alarm.name, 'Instance down'),
                tuple(added['params'][key] for key in
                      ('host_alarm_type', 'host_alarm_name',
                       'instance_alarm_name')))
            self.assertEqual(
                yaml_utils.load(templates.read(alarm.file)),
                added['templates'][0][1])
            self.assertEqual(['rule'], [entry['name'] for entry
                                        in self.cloud.templates])

    def test_names_are_no_prefixes(self):
        """Vitrage compares template names by their beginnings."""
        names = [self.name(alarm) for alarm in (HOST_ALARM, NIC_ALARM) * 3]
        self.assertEqual([], [
            (name, longer) for name in names for longer in names
            if name is not longer and longer.startswith(name)])
        self.assertThat(names[0], matchers.StartsWith(
            'self_healing_host_down_'))
        self.assertThat(names[1], matchers.StartsWith(
            'self_healing_nic_down_'))

    def name(self, alarm):
        with self.fixture(alarm):
            return self.cloud.added_templates[-1]['params']['template_name']

    def test_given(self):
        """The cloud's own template is used, and left there."""
        with self.fixture(template='rule') as fixture:
            self.assertEqual('rule-1', fixture.uuid)
        self.assertEqual([], self.cloud.asked('PUT|DELETE', 'template'))
        self.assertEqual(1, len(self.cloud.templates))

    def test_given_but_unknown(self):
        """The drill goes on; what is wrong names the option."""
        for alarm, option in ((HOST_ALARM, 'host_template'),
                              (NIC_ALARM, 'nic_template')):
            with self.fixture(alarm, template='none') as fixture:
                self.assertIsNone(fixture.uuid)
                self.assertIn('no template none, which [self_healing] %s'
                              % option, fixture.problem)

    def test_given_but_wrong(self):
        self.cloud.templates[0].update(
            {'status': 'ERROR', 'status details': 'line 3'})
        with self.fixture(template='rule') as fixture:
            self.assertEqual('rule-1', fixture.uuid)
            self.assertIn('not active: rule ERROR line 3', fixture.problem)

    def test_given_twice(self):
        """An old rule that is wrong does not hide the good one."""
        self.cloud.templates.append(dict(
            self.cloud.templates[0], uuid='rule-2', status='ERROR'))
        with self.fixture(template='rule') as fixture:
            self.assertEqual(('rule-1', ''), (fixture.uuid, fixture.problem))

    def test_removal_fails(self):
        self.cloud.delete_template = lambda query, body: (200, None, {})
        fixture = self.fixture()
        fixture.setUp()
        error = self.assertRaises(waiting.WaitTimeout, fixture.cleanUp)
        self.assertIn('deleted: not seen', str(error))
        (entry,) = self.journal.open_entries()
        self.assertEqual('template', entry.object.kind)

    def test_journal(self):
        """Written down before it is asked for, by its name."""
        seen, add = [], self.cloud.add_template
        self.cloud.services[1]['forced_down'] = True

        def look(query, body):
            seen.extend(self.journal.open_entries())
            return add(query, body)

        self.cloud.add_template = look
        with self.fixture():
            (entry,) = seen
            (later,) = self.journal.open_entries()
        name = self.cloud.added_templates[0]['params']['template_name']
        self.assertEqual(
            (name, {'datasource': 'prometheus', 'alarm': 'HostDown',
                    'forced_down': ['compute-20']}),
            (entry.object.name, entry.object.known))
        self.assertEqual(fake_cloud.TEMPLATE, later.object.known['id'])
        self.assertEqual((), self.journal.open_entries())

    def test_given_is_not_in_the_journal(self):
        """What is the cloud's own is nobody's to remove."""
        with self.fixture(template='rule'):
            self.assertEqual((), self.journal.read()[0])

    def test_no_journal(self):
        """An object that cannot be written down is not created."""
        os.mkdir(self.settings.state_dir, 0o700)
        os.mkdir(self.journal.path)
        for fixture in (self.fixture(), self.application()):
            self.assertIsInstance(setup_error(fixture), journals.JournalError)
        self.assertEqual([], self.cloud.asked('PUT|POST', 'template|stacks'))


class ReadinessTest(ApplicationTestCase):
    """readiness.Readiness."""

    def setUp(self):
        super().setUp()
        self.app = self.deploy()
        self.prepare()

    def prepare(self):
        """Wait until all links could come, and return what was learned."""
        around = kit.prepared(vitrage.CHAIN, self.around(self.app))
        self.readiness = readiness.Readiness(vitrage.CHAIN, around)
        return around.learned

    def unmet(self):
        return self.readiness.unmet()

    def test_fit(self):
        self.assertEqual((), self.unmet())
        learned = self.prepare()
        self.assertEqual(
            (fake_cloud.HOST_VID, fake_cloud.SERVER_VID), tuple(
                learned[name]['vitrage_id'] for name in ('host', 'server')))

    def failing(self, kind=waiting.WaitAborted):
        return self.assertRaises(kind, self.prepare)

    def test_rule_refused(self):
        """Heat says COMPLETE where Vitrage said no."""
        self.cloud.stack_resources[2]['physical_resource_id'] = ''
        self.assertIn('healing rule', str(self.failing(
            errors.ServiceRefused)))

    def test_rule_in_error(self):
        self.cloud.templates[0].update({'status': 'ERROR',
                                        'status details': 'no such entity'})
        self.assertIn('rule ERROR no such entity', str(self.failing()))

    def test_rule_loads_for_ever(self):
        self.cloud.templates[0]['status'] = 'LOADING'
        self.assertIn('template rule-1 ACTIVE: not seen', str(self.failing(
            waiting.WaitTimeout)))

    def test_one_late_answer(self):
        """The application is there, and was busy for a moment."""
        answers = [fake_cloud.Reply(503), fake_cloud.Reply(503)]
        answer = self.cloud.application

        def application(query, body):
            if answers:
                raise answers.pop()
            return answer(query, body)

        self.cloud.application = application
        self.assertEqual((), self.readiness.unmet())
        self.assertEqual([], answers)

    def test_without_rule(self):
        """No rule is waited for where none was asked for."""
        self.cloud.templates.clear()
        self.app.healing = False
        self.assertIn('server', self.prepare())

    def test_host_missing(self):
        del self.cloud.entities[0]
        self.assertIn("host compute-1 in Vitrage's graph", str(self.failing(
            waiting.WaitTimeout)))

    def test_graph_without_edge(self):
        self.cloud.edges = []
        error = self.failing(waiting.WaitTimeout)
        self.assertEqual('host there, server there, contains edge missing',
                         error.state)

    def test_unmet(self):
        """Each precondition is named when it does not hold."""
        service = self.cloud.services[0]
        for problem, spoil, mend in (
                ('host compute-1 is forced down',
                 lambda: service.update(forced_down=True),
                 lambda: service.update(forced_down=False)),
                ('nova-compute on compute-1 is down and enabled',
                 lambda: service.update(state='down'),
                 lambda: service.update(state='up')),
                ('no compute host but compute-1 is up and enabled',
                 lambda: self.cloud.services[1].update(status='disabled'),
                 lambda: self.cloud.services[1].update(status='enabled')),
                ('stack %s is CREATE_FAILED' % fake_cloud.STACK,
                 lambda: self.stack(stack_status='CREATE_FAILED'),
                 lambda: self.stack(stack_status='CREATE_COMPLETE')),
                ('the application at %s: HTTP 503' % self.app.url,
                 lambda: setattr(self.cloud, 'answer', None),
                 lambda: setattr(self.cloud, 'answer',
                                 (fake_cloud.SERVER, 'b'))),
                ('the application at %s answers as server s, not as %s' % (
                    self.app.url, fake_cloud.SERVER),
                 lambda: setattr(self.cloud, 'answer', ('s', 'b')),
                 lambda: setattr(self.cloud, 'answer',
                                 (fake_cloud.SERVER, 'b'))),
                ('alarm HostDown is active on host compute-1',
                 lambda: self.cloud.alarms.append(fake_cloud.alarm('a')),
                 self.cloud.alarms.clear)):
            spoil()
            self.assertEqual((problem,), self.unmet())
            mend()
            self.assertEqual((), self.unmet())

    def stack(self, **values):
        self.cloud.stacks[fake_cloud.STACK].update(values)

    def test_ended_alarm_is_no_obstacle(self):
        """An alarm that ended before the application was there, that is."""
        self.cloud.alarms.append(fake_cloud.alarm('a', end='now'))
        self.prepare()
        self.assertEqual((), self.unmet())

    def test_alarm_that_one_of_two_has(self):
        """The graph alone, or the history alone: the host has an alarm."""
        self.cloud.alarms.append(fake_cloud.alarm('a'))
        for alone in (self.cloud.graph_only, self.cloud.history_only):
            alone.add('a')
            self.assertEqual(('alarm HostDown is active on host compute-1',),
                             self.unmet())
            alone.clear()

    def test_what_came_too_early(self):
        """Since the application is there: nothing is injected then."""
        self.prepare()
        for problem, spoil, mend in (
                ('alarm HostDown was on host compute-1 since the application '
                 'is there, from 2026-01-01 00:00:10+00:00 to now',
                 lambda: self.cloud.alarms.append(fake_cloud.alarm(
                     'a', end='now')), self.cloud.alarms.clear),
                ('alarm Instance down was deduced for server %s before the '
                 'fault' % fake_cloud.SERVER,
                 lambda: self.cloud.alarms.append(fake_cloud.deduced(
                     end='now')), self.cloud.alarms.clear),
                ('alarm Instance down was deduced for server %s before the '
                 'fault' % fake_cloud.SERVER,
                 lambda: (self.cloud.alarms.append(fake_cloud.deduced()),
                          self.cloud.graph_only.add('deduced-1')),
                 self.cloud.alarms.clear),
                ('execution %s of %s was started for server %s before the '
                 'fault' % (fake_cloud.EXECUTION, fake_cloud.WORKFLOW,
                            fake_cloud.SERVER),
                 lambda: self.cloud.executions.append(
                     fake_cloud.execution()), self.cloud.executions.clear)):
            spoil()
            self.assertEqual((problem,), self.unmet())
            mend()
            self.assertEqual((), self.unmet())

    def test_alarm_that_comes_back(self):
        """The same vertex with another start is another alarm."""
        self.cloud.alarms.append(fake_cloud.alarm('a', end='then'))
        self.prepare()
        self.cloud.alarms.append(fake_cloud.alarm(
            'a', start='2026-01-01 00:00:50+00:00', end='now'))
        self.assertIn('from 2026-01-01 00:00:50', self.unmet()[0])

    def test_host_that_is_not_in_the_graph(self):
        del self.cloud.entities[0]
        self.assertEqual(("host compute-1 is not in Vitrage's graph",),
                         self.unmet())

    def test_host_back(self):
        self.readiness.wait_host_back()
        self.cloud.services[0]['forced_down'] = True
        error = self.assertRaises(
            waiting.WaitTimeout, self.readiness.wait_host_back)
        self.assertEqual('host compute-1 is forced down', error.state)

    def ask_longer(self):
        """Let a slow machine ask as often, too."""
        self.settings = dataclasses.replace(
            self.settings, timeouts=dataclasses.replace(TIMES, host_return=4))
        self.prepare()

    def reports(self, *moments):
        """Have nova-compute report, or be down; the last one stays."""
        told = list(moments)

        def list_services(query, body):
            moment = told.pop(0) if len(told) > 1 else told[0]
            return 200, {'services': [dict(
                fake_cloud.compute_service(
                    'compute-1', 'down' if moment == 'down' else 'up'),
                updated_at='2026-01-01T00:%s' % (
                    '00:06' if moment == 'down' else moment))]}, {}

        self.cloud.list_services = list_services

    def test_host_reports(self):
        """One late report is no word of a host that works."""
        self.ask_longer()
        self.reports('00:01', '00:01', '00:05')
        self.readiness.wait_host_back()
        error = self.assertRaises(
            waiting.WaitTimeout, self.readiness.wait_host_reports)
        self.assertThat(error.state, matchers.MatchesRegex(
            'it has reported at [-0-9]*T00:00:01, [-0-9]*T00:00:05$'))
        self.assertIn('nova-compute on host compute-1', error.look_at)

    def test_host_reports_anew(self):
        """What came before it was down again does not count."""
        self.ask_longer()
        self.reports('00:01', '00:05', 'down', '00:30', '00:34', '00:34')
        self.readiness.wait_host_back()
        error = self.assertRaises(
            waiting.WaitTimeout, self.readiness.wait_host_reports)
        self.assertThat(error.state, matchers.MatchesRegex(
            'it has reported at [-0-9]*T00:00:30, [-0-9]*T00:00:34$'))
        self.reports('00:38')
        self.readiness.wait_host_reports()

    def test_server_gone(self):
        """Neither Nova nor the graph may know it any more."""
        for gone, state in (
                (lambda: None, 'it is still in Nova'),
                (self.cloud.servers.clear,
                 "it is still in Vitrage's graph")):
            gone()
            error = self.assertRaises(
                waiting.WaitTimeout, self.readiness.wait_server_gone,
                fake_cloud.SERVER)
            self.assertEqual(state, error.state)
        self.cloud.entities.clear()
        self.readiness.wait_server_gone(fake_cloud.SERVER)
