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

import datetime
import functools
import json

import fixtures
from heatclient.common import template_format
import testtools
from vitrageclient.common import yaml_utils

from self_healing_tempest_plugin import templates
from self_healing_tempest_plugin.tests.unit import lazy_modules

models = lazy_modules.LazyModule('mistral.db.v2.sqlalchemy.models')
expressions = lazy_modules.LazyModule('mistral.expressions')
parser = lazy_modules.LazyModule('mistral.lang.parser')
template_repository = lazy_modules.LazyModule(
    'vitrage.evaluator.template_db.template_repository')
template_validation = lazy_modules.LazyModule(
    'vitrage.evaluator.template_validation')
yaql = lazy_modules.LazyModule('yaql')

HOST_PARAMETERS = {
    'template_name': 'self_healing_host_down_1', 'host_alarm_name':
        'HostDown', 'host_alarm_type': 'prometheus',
    'instance_alarm_name': 'Instance down'}
NIC_PARAMETERS = dict(
    HOST_PARAMETERS, template_name='self_healing_nic_down_1',
    host_alarm_name='HostNicDown')
STACK_NAME = 'stack'
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

    def deduction(self, name, parameters, *further):
        """Check what all templates of host alarms do.

        :param further: actions on the instance beside those of all
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
             {'set_state': {'target': 'instance', 'state': 'ERROR'}},
             *further], instance['actions'])
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

    def test_tenant(self):
        """The same, and Nova is told of each server."""
        for name, tenants, parameters in (
                (templates.HOST_DOWN, templates.HOST_DOWN_TENANT,
                 HOST_PARAMETERS),
                (templates.NIC_DOWN, templates.NIC_DOWN_TENANT,
                 NIC_PARAMETERS)):
            self.assertEqual(
                self.deduction(name, parameters),
                self.deduction(tenants, parameters, {
                    'mark_down': {'target': 'instance'}}))

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
        self.assertEqual(
            set(templates.files_of(templates.APPLICATION)),
            check_references(self, self.hot, templates.APPLICATION))

    def test_begins_with_one_resource(self):
        """Heat waits a second after each that it may begin with.

        heat/engine/stack.py:converge_stack
        """
        self.assertEqual(['network'], begun_with(self.resources))

    def test_only_the_rule_is_conditional(self):
        """Without healing the stack lacks the rule and nothing else."""
        self.assertEqual({'healing': {'get_param': 'healing'}},
                         self.hot['conditions'])
        self.assertEqual(
            {'healing_rule': 'healing'},
            {name: resource['condition']
             for name, resource in self.resources.items()
             if 'condition' in resource})

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
            name for name, resource in self.resources.items()
            if resource['type'] == 'OS::Neutron::Port'])


class WorkflowTest(testtools.TestCase):
    """The workflow as Heat hands it to Mistral, read by Mistral."""

    def setUp(self):
        super().setUp()
        self.spec = _workflow()
        self.tasks = {task.get_name(): task for task in self.spec.get_tasks()}

    def test_inputs(self):
        self.assertEqual({'stack_id', 'server_id'},
                         set(self.spec.get_input()))

    def test_starts_by_marking(self):
        """Heat itself refuses to mark what the stack does not have."""
        self.assertEqual({'mark_at_once', 'guard'}, {
            task.get_name() for task in self.spec.find_start_tasks()})
        for name in ('mark_at_once', 'mark_unhealthy'):
            self.assertEqual('heat.resources_mark_unhealthy',
                             self.tasks[name].get_action_name())
            self.assertEqual('<% $.server_id %>',
                             self.tasks[name].get_input()['resource_name'])
        self.assertEqual('heat.resources_list',
                         self.tasks['find'].get_action_name())
        self.assertIs(True, self.tasks['mark_at_once'].get_publish(
            'SUCCESS').get_branch()['found'])

    def test_few_requests(self):
        """Heat answers with a redirection where the name is missing."""
        asked = {name: task.get_input()['stack_id']
                 for name, task in self.tasks.items()
                 if (task.get_action_name() or '').startswith('heat.')}
        self.assertEqual(dict.fromkeys(
            ('mark_at_once', 'settle', 'find', 'mark_unhealthy', 'update',
             'wait'), '%s/<%% $.stack_id %%>' % STACK_NAME), asked)

    def test_every_task_ends(self):
        """Mistral forgets what is under way when it is restarted.

        A timeout runs from the beginning of the delay before the task.
        """
        for name, task in self.tasks.items():
            policies = task.get_policies()
            self.assertGreaterEqual(
                policies.get_timeout(), policies.get_wait_before() + 25, name)

    def test_nothing_is_tried_again_by_mistral(self):
        """Mistral goes on with a task that timed out between two tries."""
        for name, task in self.tasks.items():
            self.assertIsNone(task.get_policies().get_retry(), name)

    def test_every_failure_is_followed_by_another_look(self):
        """Whatever was lost may have been done, or not."""
        for name, task in self.tasks.items():
            following = {task_name for task_name, _, _ in
                         task.get_on_error().get_next()} - {'fail'}
            wanted = {'update' if name == 'reset_state' else 'settle'}
            self.assertTrue(wanted <= following, name)

    def test_no_task_leaves_an_error_to_mistral(self):
        """One that on-complete handles makes the workflow fail at its end."""
        for name, task in self.tasks.items():
            self.assertFalse(task.get_on_complete(), name)
            self.assertTrue(task.get_on_error(), name)

    def test_every_look_begins_a_task(self):
        """The guard sees by that whether the workflow goes on."""
        for name in ('settle', 'wait'):
            self.assertIn(name, [task_name for task_name, _, _ in self.tasks[
                name].get_on_success().get_next()])


class WorkflowCase(testtools.TestCase):
    """Evaluates the expressions of the workflow as Mistral does."""

    def next(self, task, **context):
        """Return what follows a task that has ended well."""
        return self._next(_workflow().get_on_success_clause(task), context)

    def next_on_error(self, task, **context):
        return self._next(_workflow().get_on_error_clause(task), context)

    def _next(self, clause, context):
        return [name for name, condition, _ in clause
                if not condition or expressions.evaluate(condition, context)]


class WorkflowStepsTest(WorkflowCase):
    """What follows a task, by the expressions as Mistral evaluates them."""

    def test_looking(self):
        for status, wanted in (
                ('CREATE_COMPLETE', 'find'), ('UPDATE_COMPLETE', 'find'),
                ('UPDATE_IN_PROGRESS', 'settle'),
                ('CREATE_IN_PROGRESS', 'settle'),
                ('CHECK_IN_PROGRESS', 'settle'),
                ('ROLLBACK_IN_PROGRESS', 'settle'),
                ('UPDATE_FAILED', 'find'), ('CHECK_FAILED', 'find'),
                ('CHECK_COMPLETE', 'find'), ('ROLLBACK_COMPLETE', 'find'),
                ('RESUME_COMPLETE', 'find')):
            self.assertEqual([wanted], self.next(
                'settle', stack_status=status, looks=1), status)

    def test_found(self):
        """The workflow is done when the server is gone, unless Heat failed."""
        for still_there, found, status, wanted in (
                (True, True, 'CREATE_COMPLETE', 'mark_unhealthy'),
                (True, True, 'UPDATE_COMPLETE', 'mark_unhealthy'),
                (True, True, 'UPDATE_FAILED', 'mark_unhealthy'),
                (True, True, 'CHECK_FAILED', 'mark_unhealthy'),
                (False, False, 'UPDATE_COMPLETE', 'succeed'),
                (False, False, 'UPDATE_FAILED', 'succeed'),
                (False, True, 'UPDATE_COMPLETE', 'succeed'),
                (False, True, 'CHECK_COMPLETE', 'succeed'),
                (False, True, 'UPDATE_FAILED', 'update'),
                (True, True, 'UPDATE_IN_PROGRESS', 'mark_unhealthy'),
                (False, False, 'UPDATE_IN_PROGRESS', 'update'),
                (False, True, 'UPDATE_IN_PROGRESS', 'update'),
                (False, True, 'ROLLBACK_FAILED', 'update')):
            self.assertEqual([wanted], self.next(
                'find', still_there=still_there, found=found,
                stack_status=status), (still_there, found, status))

    def test_waiting(self):
        """A failed update is asked for again, but not for ever."""
        for status, updates, wanted in (
                ('UPDATE_IN_PROGRESS', 1, 'wait'),
                ('UPDATE_IN_PROGRESS', 3, 'wait'),
                ('ROLLBACK_IN_PROGRESS', 1, 'wait'),
                ('UPDATE_COMPLETE', 1, 'succeed'),
                ('UPDATE_COMPLETE', 3, 'succeed'),
                ('UPDATE_FAILED', 1, 'settle'),
                ('UPDATE_FAILED', 2, 'settle'),
                ('UPDATE_FAILED', 3, 'fail'),
                ('ROLLBACK_FAILED', 4, 'fail'),
                ('ROLLBACK_COMPLETE', 1, 'fail'),
                ('DELETE_COMPLETE', 1, 'fail'),
                ('CHECK_COMPLETE', 1, 'fail')):
            self.assertEqual([wanted], self.next(
                'wait', stack_status=status, updates=updates, looks=1,
                stack_status_reason='because'), (status, updates))

    def test_an_update_that_never_ends(self):
        """Heat has lost it: another one gets it going again."""
        for task, on, again in (('settle', 'settle', 'find'),
                                ('wait', 'wait', 'update')):
            for looks, wanted in ((39, on), (40, again), (41, on),
                                  (80, again)):
                self.assertEqual([wanted], self.next(
                    task, stack_status='UPDATE_IN_PROGRESS', looks=looks,
                    updates=1), (task, looks))

    def test_looks_are_counted_throughout(self):
        for task in ('settle', 'wait'):
            self.assertEqual('<% $.get(looks, 0) + 1 %>', _workflow().get_task(
                task).get_publish('SUCCESS').get_branch()['looks'])

    def test_publishes(self):
        """The findings of an earlier round stay."""
        def published(name, **context):
            return expressions.evaluate(_workflow().get_task(
                name).get_publish('SUCCESS').get_branch()[context.pop(
                    'key')], context)

        self.assertEqual(1, published('update', key='updates'))
        self.assertEqual(3, published('update', key='updates', updates=2))

    def test_the_reason_of_a_failure(self):
        for task, words in (
                ('wait', '$.stack_status_reason'),
                ('guard', '$.get(heal_time, 600)'),
                ('guard_again', '$.get(heal_time, 600)')):
            message, = [values['msg'] for name, _, values
                        in _workflow().get_on_success_clause(task)
                        if name == 'fail']
            self.assertIn(words, message)


class WorkflowLimitsTest(WorkflowCase):
    """What ends the workflow, of what Mistral's database says."""

    def setUp(self):
        super().setUp()
        self.began, self.tasks = 0, []
        self.useFixture(fixtures.MonkeyPatch(
            'mistral.expressions.std_functions.db_api', self))

    def get_workflow_execution(self, _):
        then = self.ago(self.began)
        return models.WorkflowExecution(
            id='execution-1', created_at=then, updated_at=then)

    def get_task_executions(self, **_):
        return self.tasks

    def get_task_execution(self, _):
        return self.tasks[-1]

    def add(self, name, seconds, state='SUCCESS'):
        """Add a task that was created some seconds ago."""
        self.tasks.append(models.TaskExecution(
            id='task-%d' % len(self.tasks), name=name, state=state,
            spec={'name': name, 'type': 'direct', 'version': '2.0'},
            created_at=self.ago(seconds)))

    def ago(self, seconds):
        now = datetime.datetime.now(datetime.timezone.utc)
        return (now - datetime.timedelta(seconds=seconds)).replace(
            tzinfo=None, microsecond=0)

    def guarded(self, began, *tasks, **context):
        """Return what follows the guard.

        :param began: seconds since the execution was created
        :param tasks: pairs of name and seconds since the task was
        """
        self.began, self.tasks = began, []
        for name, seconds in tasks:
            self.add(name, seconds)
        context['__execution'] = {'id': 'execution-1'}
        following = self.next('guard', **context)
        self.assertEqual(following, self.next('guard_again', **context))
        self.assertEqual(following, self.next_on_error('guard', **context))
        return following

    def test_guard(self):
        """The guard begins another round where nothing has begun for long."""
        for name, began, tasks, wanted in (
                ('at work', 32, [('settle', 32), ('find', 5)], []),
                ('a step is lost, and has time left', 40,
                 [('settle', 40), ('find', 38)], []),
                ('first task lost', 70, [('mark_at_once', 70)], ['settle']),
                ('last task lost', 130, [('settle', 130), ('wait', 75)],
                 ['settle']),
                ('its own tasks do not count', 130, [
                    ('settle', 130), ('wait', 75), ('guard', 130),
                    ('guard_again', 95), ('guard_again', 2)],
                 ['settle']),
                ('it waits for another heal', 300,
                 [('settle', 300), ('settle', 3)], [])):
            self.assertEqual([*wanted, 'guard_again'],
                             self.guarded(began, *tasks), name)

    def test_end(self):
        """The guard ends the workflow when its time is over."""
        for began, heal_time, wanted in (
                (590, None, ['guard_again']), (605, None, ['fail']),
                (605, 900, ['guard_again']), (905, 900, ['fail'])):
            context = {'heal_time': heal_time} if heal_time else {}
            self.assertEqual(wanted, self.guarded(
                began, ('settle', began), ('wait', 3), **context))

    def test_found_by_a_round_that_was_lost(self):
        """What came after it found the server was done by this execution."""
        refused, marked = (('mark_at_once', 'ERROR'),
                           ('mark_at_once', 'SUCCESS'))
        for tasks, there, found in (
                ([refused, 'settle', 'find', 'guard', 'settle'], False, False),
                ([refused, 'settle', 'find', 'guard', 'settle'], True, True),
                ([refused, 'settle', 'find', 'mark_unhealthy', 'guard'],
                 False, True),
                ([marked, 'reset_state', 'update', 'guard', 'settle'], False,
                 True)):
            self.tasks = []
            for task in (*tasks, 'find'):
                name, state = task if isinstance(task, tuple) else (
                    task, 'SUCCESS')
                self.add(name, 5, state)
            self.useFixture(fixtures.MonkeyPatch(
                'mistral.workflow.data_flow.get_task_execution_result',
                lambda _, there=there: [{
                    'physical_resource_id': 'server-1' if there else 'x'}]))
            publish = _workflow().get_task('find').get_publish('SUCCESS')
            self.assertIs(found, expressions.evaluate(
                publish.get_branch()['found'], {
                    'server_id': 'server-1',
                    '__execution': {'id': 'execution-1'},
                    '__task_execution': {'id': 'now', 'name': 'find'}}),
                tasks)

    def test_slow_cloud(self):
        """Where a step may take longer, nothing is lost so soon."""
        for seconds, wanted in ((70, []), (130, ['settle'])):
            self.assertEqual([*wanted, 'guard_again'], self.guarded(
                200, ('settle', 200), ('wait', seconds), heal_step_time=60))

    def test_clock_set_back(self):
        """A task of the future is no reason for another round."""
        self.assertEqual(['guard_again'],
                         self.guarded(-3600, ('settle', -3600)))

    def test_failures(self):
        """Many of them are no bad luck."""
        for failed, wanted in ((1, 'settle'), (39, 'settle'),
                               (40, 'fail'), (41, 'fail')):
            self.tasks = []
            for _ in range(failed):
                self.add('settle', 5, 'ERROR')
            for task in ('mark_at_once', 'settle', 'find', 'mark_unhealthy',
                         'update', 'wait'):
                self.assertEqual([wanted], self.next_on_error(
                    task, __execution={'id': 'execution-1'}), (task, failed))

    def test_server_that_nova_does_not_know(self):
        """Heat is to replace it all the same."""
        self.assertEqual(['update'], self.next_on_error('reset_state'))


def _workflow():
    return workflow(templates.APPLICATION)


@functools.cache
def workflow(name):
    """Return the workflow of an application's template, as Mistral reads it.

    :param name: file name of the template
    """
    # Mistral takes seconds to read it.
    hot = template_format.parse(templates.read(name))
    # JSON is YAML, and knows none of the aliases that Mistral does not read.
    text = json.dumps(_as_heat_does(
        hot['resources']['heal_instance']['properties'],
        {'OS::stack_name': STACK_NAME, **{
            name: parameter.get('default')
            for name, parameter in hot['parameters'].items()}}))
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
    if 'list_join' in value:
        separator, parts = value['list_join']
        return separator.join(_resolved(part, parameters) for part in parts)
    if 'yaql' in value:
        given = {key: _resolved(inner, parameters)
                 for key, inner in value['yaql'].items()}
        return _yaql(**given)
    return {key: _resolved(inner, parameters) for key, inner in value.items()}


def _yaql(expression, data):
    return yaql.YaqlFactory().create()(expression).evaluate(
        {'data': data}, context=yaql.create_context())


def check_references(case, hot, name):
    """Check that all that a template names is there.

    :param case: the test
    :param hot: the template, as it was read
    :param name: its file name
    :returns: set of the files that it names
    """
    names = {'get_resource': set(hot['resources']),
             'get_attr': set(hot['resources']),
             'get_param': set(hot['parameters']) | {
                 'OS::stack_id', 'OS::stack_name'},
             'get_file': set(templates.files_of(name))}
    used = list(_functions(hot))
    case.assertEqual([], [(function, value) for function, value in used
                          if value not in names[function]])
    return {value for function, value in used if function == 'get_file'}


def begun_with(resources):
    """Return the names of the resources that depend on no other one."""
    return [name for name, resource in resources.items()
            if 'depends_on' not in resource and not any(
                function in ('get_resource', 'get_attr')
                for function, _ in _functions(resource))]


def _functions(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ('get_resource', 'get_param', 'get_file'):
                yield key, inner
            elif key == 'get_attr':
                yield key, inner[0]
            yield from _functions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _functions(inner)
