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

"""The templates, checked by those who will read them."""

import functools

from heatclient.common import template_format
from mistral.lang import parser
import testtools
from vitrage.evaluator.template_db import template_repository
from vitrage.evaluator import template_validation
from vitrageclient.common import yaml_utils
import yaml
import yaql

from self_healing_tempest_plugin import templates

HOST_PARAMETERS = {
    'template_name': 'self_healing_host_down_1', 'host_alarm_name':
        'HostDown', 'host_alarm_type': 'prometheus',
    'instance_alarm_name': 'Instance down'}
NIC_PARAMETERS = dict(
    HOST_PARAMETERS, template_name='self_healing_nic_down_1',
    host_alarm_name='HostNicDown')
RULE_PARAMETERS = {
    'template_name': 'rule', 'instance_alarm_name': 'Instance down',
    'instance_id': 'server-1', 'workflow_name': 'heal',
    'heat_stack_id': 'stack-1'}


class VitrageTemplateTest(testtools.TestCase):
    """Vitrage's own validator, before and after the parameters."""

    def resolved(self, name, parameters):
        template = yaml_utils.load(templates.read(name))
        self.assertEqual(set(parameters), set(template['parameters']))
        self.validate(template, parameters)
        template_repository.resolve_parameters(template, parameters)
        del template['parameters']
        self.validate(template, None)
        self.assertNotIn('get_param', str(template))
        return template

    def validate(self, template, parameters):
        result = template_validation.validate_template(
            template, {}, parameters)
        self.assertTrue(result.is_valid_config, result.comment)

    def deduction(self, name, parameters):
        """Check what both templates of host alarms do.

        :returns: the actions on the host, dict of action to its properties
        """
        template = self.resolved(name, parameters)
        self.assertEqual(parameters['template_name'],
                         template['metadata']['name'])
        self.assertEqual(
            {'category': 'ALARM', 'type': 'prometheus',
             'name': parameters['host_alarm_name']},
            template['entities']['host_alarm'])
        host, instance = template['scenarios']
        self.assertEqual(
            [{'raise_alarm': {
                'target': 'instance', 'alarm_name': 'Instance down',
                'severity': 'CRITICAL', 'causing_alarm': 'host_alarm'}},
             {'set_state': {'target': 'instance', 'state': 'ERROR'}}],
            instance['actions'])
        return {name: properties for action in host['actions']
                for name, properties in action.items()}

    def test_host_down(self):
        self.assertEqual(
            {'set_state': {'target': 'host', 'state': 'ERROR'},
             'mark_down': {'target': 'host'}},
            self.deduction(templates.HOST_DOWN, HOST_PARAMETERS))

    def test_nic_down(self):
        """The host itself lives: its nova-compute is not forced down."""
        self.assertEqual(
            {'set_state': {'target': 'host', 'state': 'SUBOPTIMAL'}},
            self.deduction(templates.NIC_DOWN, NIC_PARAMETERS))

    def test_heal_instance(self):
        """One execute_mistral; all its inputs are flat strings."""
        template = self.resolved(templates.HEAL_INSTANCE, RULE_PARAMETERS)
        scenario, = template['scenarios']
        action, = scenario['actions']
        self.assertEqual('instance_alarm [on] instance',
                         scenario['condition'])
        self.assertEqual(
            {'stack_id': 'stack-1', 'server_id': 'get_attr(instance, id)'},
            action['execute_mistral']['input'])
        self.assertEqual('server-1',
                         template['entities']['instance']['id'])


class ApplicationTemplateTest(testtools.TestCase):
    """The HOT and what is in it."""

    def setUp(self):
        super().setUp()
        self.hot = template_format.parse(templates.read(
            templates.APPLICATION))
        self.resources = self.hot['resources']

    def test_references(self):
        """Every resource, parameter and file that is named is there."""
        names = {'get_resource': set(self.resources),
                 'get_param': set(self.hot['parameters']) | {'OS::stack_id'},
                 'get_file': set(templates.application_files())}
        used = list(_functions(self.hot))
        self.assertEqual([], [(name, value) for name, value in used
                              if value not in names[name]])
        self.assertEqual(set(names['get_file']), {
            value for name, value in used if name == 'get_file'})

    def test_only_the_rule_is_conditional(self):
        """Without healing the stack lacks the rule and nothing else."""
        self.assertEqual({'healing': {'get_param': 'healing'}},
                         self.hot['conditions'])
        self.assertEqual(
            {'healing_rule': 'healing'},
            {name: one['condition'] for name, one in self.resources.items()
             if 'condition' in one})

    def test_replacement_goes_elsewhere(self):
        """The host of the old server may be called up, and be broken."""
        hints = self.resources['server']['properties']['scheduler_hints']
        self.assertEqual(
            ['anti-affinity'],
            self.resources[hints['group']['get_resource']]['properties'][
                'policies'])

    def test_rule_gets_its_parameters(self):
        """Heat itself adds the template's name."""
        given = self.resources['healing_rule']['properties'][
            'template_params']
        self.assertEqual(set(RULE_PARAMETERS),
                         set(given) | {'template_name'})

    def test_rule_starts_the_workflow_with_all_its_inputs(self):
        """Heat drops defaults: a missing input is refused by Mistral."""
        rule = yaml_utils.load(templates.read(templates.HEAL_INSTANCE))
        sent = rule['scenarios'][0]['actions'][0]['execute_mistral']['input']
        workflow = self.resources['heal_instance']['properties']
        self.assertEqual(set(workflow['input']), set(sent))

    def test_port_is_substituted(self):
        """The script holds what the HOT replaces."""
        replaced = self.resources['server']['properties']['user_data'][
            'str_replace']
        script = templates.read(replaced['template']['get_file'])
        for mark in replaced['params']:
            self.assertIn(mark, script)

    def test_server_owns_its_port(self):
        """A port of its own would stay bound to the dead server."""
        self.assertEqual([], [
            name for name, one in self.resources.items()
            if one['type'] == 'OS::Neutron::Port'])


class WorkflowTest(testtools.TestCase):
    """The workflow as Heat hands it to Mistral, read by Mistral."""

    def setUp(self):
        super().setUp()
        self.spec = _workflow()
        self.tasks = {one.get_name(): one for one in self.spec.get_tasks()}

    def test_inputs(self):
        self.assertEqual({'stack_id', 'server_id'},
                         set(self.spec.get_input()))

    def test_starts_by_looking(self):
        """Nothing is touched before the server was found in the stack."""
        start, = self.spec.find_start_tasks()
        self.assertEqual('settle', start.get_name())
        self.assertEqual('heat.resources_list',
                         self.tasks['find'].get_action_name())

    def test_idle_when_the_server_is_gone(self):
        """The only way on from looking is that it was found."""
        find = self.tasks['find']
        (name, condition, _), = find.get_on_success().get_next()
        self.assertEqual(('reset_state', '<% $.found %>'), (name, condition))
        self.assertFalse(find.get_on_complete())

    def test_fails_with_a_reason(self):
        wait = self.tasks['wait']
        (name, condition, values), = wait.get_on_success().get_next()
        self.assertEqual('fail', name)
        self.assertEqual('<% $.stack_status != UPDATE_COMPLETE %>', condition)
        self.assertIn('stack_status_reason', values['msg'])

    def test_every_task_retries(self):
        """One lost request must not end the healing."""
        for name, task in self.tasks.items():
            self.assertIsNotNone(task.get_policies().get_retry(), name)


@functools.cache
def _workflow():
    # Mistral takes seconds to read it.
    hot = template_format.parse(templates.read(templates.APPLICATION))
    text = yaml.safe_dump(_as_heat_does(
        hot['resources']['heal_instance']['properties'],
        {name: one.get('default')
         for name, one in hot['parameters'].items()}))
    spec, = parser.get_workflow_list_spec_from_yaml(
        text, validate=True).get_workflows()
    return spec


def _as_heat_does(properties, parameters):
    # heat/engine/resources/openstack/mistral/workflow.py:prepare_properties
    return {'version': '2.0', 'heal': {
        'type': properties['type'],
        'description': properties['description'],
        'input': list(properties['input']),
        'tasks': {task['name']: {
            key.replace('_', '-'): _resolved(value, parameters)
            for key, value in task.items() if key != 'name'}
            for task in properties['tasks']}}}


def _resolved(value, parameters):
    if not isinstance(value, dict):
        return value
    if 'get_param' in value:
        return parameters[value['get_param']]
    if 'yaql' in value:
        given = {key: _resolved(one, parameters)
                 for key, one in value['yaql'].items()}
        return _yaql(**given)
    return {key: _resolved(one, parameters) for key, one in value.items()}


def _yaql(expression, data):
    return yaql.YaqlFactory().create()(expression).evaluate(
        {'data': data}, context=yaql.create_context())


def _functions(value):
    if isinstance(value, dict):
        for key, one in value.items():
            if key in ('get_resource', 'get_param', 'get_file'):
                yield key, one
            yield from _functions(one)
    elif isinstance(value, list):
        for one in value:
            yield from _functions(one)
