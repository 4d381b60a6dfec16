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

import fixtures

from self_healing_tempest_plugin import application
from self_healing_tempest_plugin import clients
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin import readiness
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import test_clients
from self_healing_tempest_plugin import waiting

TIMES = config.Timeouts(
    poll_interval=0.1, witness=1, alarm=1, deduction=1, workflow=1, stack=1,
    application=1, host_return=1, template=1, graph=1)


def setup_error(fixture):
    """Return what a fixture's setUp fails with, after its clean-up."""
    try:
        fixture.setUp()
    except fixtures.MultipleExceptions as errors:
        return errors.args[0][1]
    raise AssertionError('%r was set up' % fixture)


class ApplicationTestCase(test_clients.ClientTestCase):
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
            cloud=None, power=None, timeouts=TIMES, monitor='prometheus',
            application=config.ApplicationSettings(
                'guest', 'm1.nano', 'public', cloud.port),
            host_alarm_name='HostDown', deduced_alarm_name='Instance down',
            host_template=None, allow_faults=True, fault_hosts=('compute-1',),
            witness_port=22, artifacts_dir='/nowhere', name_prefix='tempest')

    def deploy(self):
        """Return the application, set up."""
        return self.useFixture(application.Application(
            self.clients, self.settings))


class ApplicationTest(ApplicationTestCase):
    """application.Application."""

    def test_life(self):
        app = application.Application(self.clients, self.settings)
        with app:
            self.assertEqual(
                (fake_cloud.SERVER, 'compute-1', 'boot-1',
                 fake_cloud.WORKFLOW, self.cloud.url + '/'),
                (app.server_id, app.host, app.boot, app.workflow, app.url))
            self.cloud.executions.append(fake_cloud.execution())
        body = self.cloud.asked('POST', '/stacks')[0][3]
        self.assertEqual('Instance down',
                         body['parameters']['instance_alarm_name'])
        self.assertEqual({'application.sh', 'heal_instance.vitrage.yaml'},
                         set(body['files']))
        self.assertTrue(body['stack_name'].startswith('tempest-'))
        self.assertEqual([], self.cloud.executions)
        self.assertIsNone(self.clients.heat.stack(app.stack.identifier))
        gone = [self.cloud.requests.index(one) for one in (
            self.cloud.asked('DELETE', 'executions')[0],
            self.cloud.asked('DELETE', 'stacks')[0])]
        self.assertEqual(sorted(gone), gone)

    def failing(self, kind=waiting.WaitAborted):
        error = setup_error(application.Application(
            self.clients, self.settings))
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

    def test_rule_refused(self):
        """Heat says COMPLETE where Vitrage said no."""
        self.cloud.stack_resources[2]['physical_resource_id'] = ''
        self.assertIn('healing rule', str(self.failing(
            clients.ServiceRefused)))

    def test_rule_in_error(self):
        self.cloud.templates[0].update({'status': 'ERROR',
                                        'status details': 'no such entity'})
        self.assertIn('rule ERROR no such entity', str(self.failing()))

    def test_rule_loads_for_ever(self):
        self.cloud.templates[0]['status'] = 'LOADING'
        self.assertIn('template rule-1 ACTIVE: not seen', str(self.failing(
            waiting.WaitTimeout)))

    def test_no_answer(self):
        self.cloud.answer = None
        self.assertIn('last state: HTTP 503', str(self.failing(
            waiting.WaitTimeout)))


class HostTemplateTest(ApplicationTestCase):
    """application.HostTemplate."""

    def fixture(self, **changes):
        return application.HostTemplate(
            self.clients.vitrage,
            dataclasses.replace(self.settings, **changes), 'prometheus')

    def test_own(self):
        with self.fixture() as fixture:
            self.assertEqual(fake_cloud.TEMPLATE, fixture.uuid)
            self.assertEqual(
                ('prometheus', 'HostDown', 'Instance down'),
                tuple(self.cloud.added_templates[0]['params'][key] for key in
                      ('host_alarm_type', 'host_alarm_name',
                       'instance_alarm_name')))
        self.assertEqual(['rule'], [one['name'] for one
                                    in self.cloud.templates])

    def test_names_are_no_prefixes(self):
        """Vitrage compares template names by their beginnings."""
        names = set()
        for _ in range(5):
            with self.fixture():
                names.add(self.cloud.added_templates[-1]['params'][
                    'template_name'])
        self.assertEqual(5, len(names))
        self.assertEqual(1, len({len(name) for name in names}))

    def test_given(self):
        """The cloud's own template is used, and left there."""
        with self.fixture(host_template='rule') as fixture:
            self.assertEqual('rule-1', fixture.uuid)
        self.assertEqual([], self.cloud.asked('PUT|DELETE', 'template'))
        self.assertEqual(1, len(self.cloud.templates))

    def test_given_but_unknown(self):
        error = setup_error(self.fixture(host_template='none'))
        self.assertIn('[self_healing] host_template', str(error))

    def test_removal_fails(self):
        self.cloud.delete_template = lambda query, body: (200, None, {})
        fixture = self.fixture()
        fixture.setUp()
        error = self.assertRaises(waiting.WaitTimeout, fixture.cleanUp)
        self.assertIn('deleted: not seen', str(error))


class ReadinessTest(ApplicationTestCase):
    """readiness.Readiness."""

    def setUp(self):
        super().setUp()
        self.app = self.deploy()
        self.readiness = readiness.Readiness(
            self.clients, self.settings, 'prometheus', self.app)

    def unmet(self):
        return self.readiness.unmet(fake_cloud.host_entity())

    def test_fit(self):
        self.assertEqual((), self.unmet())
        host, server = self.readiness.wait_in_graph()
        self.assertEqual((fake_cloud.HOST_VID, fake_cloud.SERVER_VID),
                         (host['vitrage_id'], server['vitrage_id']))

    def test_graph_without_edge(self):
        self.cloud.edges = []
        error = self.assertRaises(waiting.WaitTimeout,
                                  self.readiness.wait_in_graph)
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
                 lambda: setattr(self.cloud, 'answer', ('s', 'b'))),
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
        self.cloud.alarms.append(fake_cloud.alarm('a', end='now'))
        self.assertEqual((), self.unmet())

    def test_host_back(self):
        self.readiness.wait_host_back(fake_cloud.host_entity())
        self.cloud.services[0]['forced_down'] = True
        error = self.assertRaises(
            waiting.WaitTimeout, self.readiness.wait_host_back,
            fake_cloud.host_entity())
        self.assertEqual('host compute-1 is forced down', error.state)

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
