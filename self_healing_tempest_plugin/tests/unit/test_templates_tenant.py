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

"""The template of a member's application, checked by those who read it."""

import copy
import datetime

import fixtures
from heatclient.common import template_format
import testtools

from self_healing_tempest_plugin import chains as known_chains
from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.links.message import readiness
from self_healing_tempest_plugin import templates
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_tenant_cloud
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.tests.unit import lazy_modules
from self_healing_tempest_plugin.tests.unit import test_templates

models = lazy_modules.LazyModule('mistral.db.v2.sqlalchemy.models')
expressions = lazy_modules.LazyModule('mistral.expressions')

SERVER = ('env().notification.body.reason_data.event.traits.where('
          "$[0] = 'instance_id').select($[2]).first()")

# What is the same in both templates, whatever heals.
SAME = ('network', 'subnet', 'router', 'router_interface', 'security_group',
        'server_group', 'server', 'address', 'address_association')


def hot(name):
    return template_format.parse(templates.read(name))


class TenantTemplateTest(testtools.TestCase):
    """The HOT and what is in it."""

    def setUp(self):
        super().setUp()
        self.hot, self.other = hot(templates.TENANT), hot(
            templates.APPLICATION)
        self.resources = self.hot['resources']

    def properties(self, name):
        return self.resources[name]['properties']

    def test_application(self):
        """It is the same application, at the same address."""
        for name in SAME:
            self.assertEqual(self.other['resources'][name],
                             self.resources[name], name)
        self.assertEqual(self.other['outputs'], self.hot['outputs'])
        self.assertEqual(
            set(self.other['parameters']) - {'instance_alarm_name'},
            set(self.hot['parameters']))

    def test_references(self):
        """Every resource, parameter and file that is named is there."""
        self.assertEqual(
            {templates.APPLICATION_SCRIPT}, test_templates.check_references(
                self, self.hot, templates.TENANT))

    def test_begins_with_one_resource(self):
        """Heat waits a second after each that it may begin with."""
        self.assertEqual(['network'], test_templates.begun_with(
            self.resources))

    def test_only_the_trigger_is_conditional(self):
        """Without healing messages come, and nothing follows."""
        self.assertEqual({'healing': {'get_param': 'healing'}},
                         self.hot['conditions'])
        self.assertEqual(
            {'trigger': 'healing'},
            {name: resource['condition']
             for name, resource in self.resources.items()
             if 'condition' in resource})

    def test_event_alarms(self):
        """Of this server and into this queue, again and again."""
        alarms = {name: resource['properties']
                  for name, resource in self.resources.items()
                  if resource['type'] == 'OS::Aodh::EventAlarm'}
        self.assertEqual(set(fake_tenant_cloud.ALARMS), set(alarms))
        for name, alarm in alarms.items():
            self.assertIs(True, alarm['repeat_actions'], name)
            self.assertEqual([{'get_resource': readiness.QUEUE}],
                             alarm['alarm_queues'], name)
            self.assertIn({'field': 'traits.instance_id', 'op': 'eq',
                           'value': {'get_resource': 'server'}},
                          alarm['query'], name)
        self.assertEqual(
            {'error_alarm': ('compute.instance.update', ['error']),
             'stop_alarm': ('compute.instance.update', ['stopped']),
             'delete_alarm': ('compute.instance.delete.start', [])},
            {name: (alarm['event_type'], [
                term['value'] for term in alarm['query']
                if term['field'] == 'traits.state'])
             for name, alarm in alarms.items()})

    def test_queue(self):
        self.assertEqual('OS::Zaqar::Queue',
                         self.resources[readiness.QUEUE]['type'])

    def test_trigger(self):
        """It starts the workflow with all its inputs: Heat has no default."""
        trigger = self.properties('trigger')
        self.assertEqual({'get_resource': readiness.QUEUE},
                         trigger['queue_name'])
        self.assertEqual({'get_resource': 'heal_instance'},
                         trigger['workflow_id'])
        self.assertEqual({'stack_id': {'get_param': 'OS::stack_id'}},
                         trigger['input'])
        self.assertEqual(set(trigger['input']),
                         set(self.properties('heal_instance')['input']))

    def test_parameters(self):
        """Heat refuses a parameter that the template does not have."""
        settings = host_samples.SETTINGS
        for chain in known_chains.known():
            if chain.template:
                taken = set(hot(chain.template)['parameters'])
                given = set(kit.parameters(chain, settings))
                self.assertEqual(set(), given - taken, chain)
                self.assertLessEqual({'heal_time', 'heal_step_time'}, given)

    def test_needs(self):
        """What a member may not do, the workflow does without."""
        types, actions = templates.needs(templates.TENANT)
        self.assertLessEqual({'OS::Zaqar::MistralTrigger', 'OS::Zaqar::Queue',
                              'OS::Aodh::EventAlarm'}, types)
        self.assertEqual({'heat', 'std'}, {
            action.split('.')[0] for action in actions})


class SameStepsTest(testtools.TestCase):
    """The workflow takes the same steps as that of application.hot.yaml."""

    def as_a_member(self, value):
        """Return a part of the other workflow, as a member may do it."""
        if isinstance(value, dict):
            return {self.as_a_member(key): self.as_a_member(inner)
                    for key, inner in value.items()}
        if isinstance(value, list):
            return [self.as_a_member(inner) for inner in value]
        return value.replace('$.server_id', SERVER).replace(
            'reset_state', 'update').replace(
                'Vitrage deduced that the server is down',
                'An event alarm was fired for the server') if isinstance(
                    value, str) else value

    def test_tasks(self):
        """But for the server's state, and where its id comes from."""
        ours, others = (
            {task['name']: task for task in hot(name)['resources'][
                'heal_instance']['properties']['tasks']}
            for name in (templates.TENANT, templates.APPLICATION))
        wanted = copy.deepcopy(others)
        del wanted['reset_state']
        self.assertEqual(self.as_a_member(wanted), ours)
        self.assertEqual(list(wanted), list(ours))


class WorkflowTest(testtools.TestCase):
    """The workflow as Heat hands it to Mistral, read by Mistral."""

    def setUp(self):
        super().setUp()
        self.spec = test_templates.workflow(templates.TENANT)
        self.context = {'__env': {'notification': {
            'body': fake_tenant_cloud.body(fake_tenant_cloud.event('e1'))}},
            '__execution': {'id': 'execution-1'}, 'stack_id': 'stack-1',
            '__task_execution': {'id': 'now', 'name': 'find'}}
        self.began = ['settle', 'find']
        self.useFixture(fixtures.MonkeyPatch(
            'mistral.expressions.std_functions.db_api', self))

    def get_workflow_execution(self, _):
        then = datetime.datetime(2026, 1, 1)
        return models.WorkflowExecution(id='execution-1', created_at=then,
                                        updated_at=then)

    def get_task_executions(self, **_):
        return [models.TaskExecution(
            id='task-%d' % number, name=name, state='SUCCESS',
            spec={'name': name, 'type': 'direct', 'version': '2.0'},
            created_at=datetime.datetime(2026, 1, 1))
            for number, name in enumerate(self.began)]

    def get_task_execution(self, _):
        return self.get_task_executions()[-1]

    def found(self, *servers):
        """Return what is published by a look at some servers."""
        self.useFixture(fixtures.MonkeyPatch(
            'mistral.workflow.data_flow.get_task_execution_result',
            lambda _: [{'physical_resource_id': server}
                       for server in (None, 'network-1', *servers)]))
        branch = self.spec.get_task('find').get_publish('SUCCESS').get_branch()
        return tuple(expressions.evaluate(branch[name], self.context)
                     for name in ('found', 'still_there'))

    def test_inputs(self):
        self.assertEqual({'stack_id'}, set(self.spec.get_input()))

    def test_starts_by_marking(self):
        """Heat itself refuses to mark what the stack does not have."""
        self.assertEqual({'mark_at_once', 'guard'}, {
            task.get_name() for task in self.spec.find_start_tasks()})

    def test_server_of_the_message(self):
        """The one that the message names is looked for, and marked."""
        self.assertEqual((True, True), self.found(fake_cloud.SERVER))
        self.assertEqual((False, False), self.found(fake_cloud.NEW_SERVER))
        self.began.append('mark_unhealthy')
        self.assertEqual((True, False), self.found(fake_cloud.NEW_SERVER))
        for name in ('mark_at_once', 'mark_unhealthy'):
            self.assertEqual(
                {'stack_id': 'stack/stack-1',
                 'resource_name': fake_cloud.SERVER,
                 'mark_unhealthy': True, 'resource_status_reason':
                     'An event alarm was fired for the server'},
                expressions.evaluate_recursively(
                    self.spec.get_task(name).get_input(), self.context))
