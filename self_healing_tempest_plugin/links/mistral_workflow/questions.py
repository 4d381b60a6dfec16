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

"""Link workflow: Vitrage's rule and notifier, and Mistral."""

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links.mistral_workflow import link
from self_healing_tempest_plugin.links import vitrage_inquiries
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.services import errors

Clue, Inquiry = context.Clue, context.Inquiry

_NOTIFIER = 'VitrageNotifierService'

_BAD = frozenset(['ERROR', 'CANCELLED'])

# Executions whose tasks are asked for.
_EXECUTIONS = 3


def rule(case):
    """Is the healing rule there, and did Vitrage load it?"""
    stack = case.around.application.stack
    rules = [
        resource for resource in case.owner.heat.resources(stack.identifier)
        if resource['resource_type'] == 'OS::Vitrage::Template']
    if not rules:
        return (Clue(False, 'stack %s has no healing rule' % stack.name,
                     'stack %s: it has no OS::Vitrage::Template'
                     % stack.name),)
    uuid = rules[0]['physical_resource_id']
    if not uuid:
        return (Clue(
            False, 'Vitrage has refused the healing rule of stack %s'
            % stack.name,
            "heat-engine's log for 'Failed to add template to Vitrage'"),)
    return vitrage_inquiries.judged(
        [template for template in case.clients.vitrage.templates()
         if template['uuid'] == uuid], uuid, 'healing rule')


def notifier(case):
    """Does vitrage-notifier run?"""
    try:
        processes = case.clients.vitrage.processes()
    except errors.ServiceError as error:
        if error.code is None:
            raise
        return (Clue(None, 'it lists its processes only with '
                     '[coordination] backend_url'),)
    if any(process.startswith(_NOTIFIER) for process in processes):
        return (Clue(True, 'vitrage-notifier is among its processes'),)
    return (Clue(
        False, 'vitrage-notifier is not among its processes: %s'
        % ', '.join(sorted(processes)),
        'vitrage-notifier: it does not run, see its log for why'),)


def workflow(case):
    """Does Mistral have the workflow that the rule names?"""
    name = case.ids['workflow']
    if case.owner.mistral.workflow(name):
        return (Clue(True, 'workflow %s is there' % name),)
    return (Clue(
        False, 'there is no workflow %s' % name,
        "'openstack workflow list': there is no %s, so that nobody can start "
        'it' % name),)


def executions(case):
    """Which executions of the workflow are there, for whichever server?"""
    name, server = case.ids['workflow'], case.ids['server_id']
    newest = case.owner.mistral.newest_executions(name)
    if not newest:
        return (Clue(False, 'there is no execution of %s' % name),)
    return [_execution(case, execution, server) for execution in newest]


def _execution(case, execution, server):
    target = execution['input'].get('server_id')
    text = 'execution %s is %s since %s' % (
        execution['id'], execution['state'], execution.get('created_at'))
    if execution.get('description'):
        text += ' (%s)' % execution['description']
    if target != server:
        return Clue(
            False, '%s, but for server %s' % (text, target),
            'the input of execution %s: it names server %s, not %s; see '
            'get_attr in the healing rule' % (execution['id'], target, server))
    if execution['state'] not in _BAD:
        return Clue(execution['state'] == 'SUCCESS' or None, text)
    detail = case.owner.mistral.execution(execution['id']) or {}
    reason = context.safe(detail.get('state_info') or 'no state_info')
    return Clue(
        False, '%s: %s' % (text, reason),
        "'openstack task execution list %s': the execution is in %s: %s" % (
            execution['id'], execution['state'], reason))


def tasks(case):
    """Which task of the executions failed or is under way, and why?"""
    started = case.owner.mistral.executions(
        case.ids['workflow'], case.ids['server_id'])
    return [clue for execution in started[:_EXECUTIONS]
            for clue in _tasks(case, execution)]


def _tasks(case, execution):
    all_tasks = case.owner.mistral.tasks(execution['id'])
    open_tasks = [_task(task, execution) for task in all_tasks
                  if task['state'] != 'SUCCESS']
    if open_tasks:
        return open_tasks
    return (Clue(True, 'execution %s: all tasks are in SUCCESS: %s' % (
        execution['id'], ', '.join(task['name'] for task in all_tasks)
        or 'none'),),)


def _task(task, execution):
    reason = context.safe(task.get('state_info') or 'no state_info')
    text = 'task %s of execution %s is in %s: %s' % (
        task['name'], execution['id'], task['state'], reason)
    if task['state'] not in _BAD:
        return Clue(None, text)
    return Clue(
        False, text, "'openstack task execution show %s': task %s is in %s: "
        '%s' % (task['id'], task['name'], task['state'], reason))


_UNSTARTED = (
    Inquiry('Vitrage', 'the healing rule', rule),
    Inquiry('Vitrage', 'its processes', notifier),
    Inquiry('Mistral', 'the workflow', workflow),
    Inquiry('Mistral', 'executions', executions),
)

_STARTED = (
    Inquiry('Mistral', 'tasks', tasks),
    Inquiry('Mistral', 'executions', executions),
)


def inquiries(case):
    """Return what to ask when no execution has healed, or too many have.

    It depends on whether any was started.

    :param case: :class:`..context.Case`
    """
    started = case.verdict.kind is not verdicts.Kind.EXECUTION_STORM and (
        case.arrival(link.LINK, links.Mark.STARTED))
    return _STARTED if started else _UNSTARTED


def at_work(case):
    """Return what to ask when what an execution works on is missing.

    :param case: :class:`..context.Case`
    """
    del case
    return _STARTED[:1]


def others(case):
    """Return what to ask when somebody else may have healed.

    :param case: :class:`..context.Case`
    """
    del case
    return _STARTED[1:]
