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

"""What Mistral is asked about a workflow, whoever starts it."""

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links import mistral_executions
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import verdicts

Clue, Inquiry = context.Clue, context.Inquiry

# Executions whose tasks are asked for.
_EXECUTIONS = 3


def workflow(case):
    """Does Mistral have the workflow?"""
    name = case.ids['workflow']
    if case.owner.mistral.workflow(name):
        return (Clue(True, 'workflow %s is there' % name),)
    return (Clue(
        False, 'there is no workflow %s' % name,
        "'openstack workflow list': there is no %s, so that nobody can start "
        'it' % name),)


class Inquiries:
    """What is asked about a workflow: who starts it, and what it does."""

    def __init__(self, link, whose, why, senders):
        """Take what differs.

        :param link: :class:`..model.links.Link` of the workflow
        :param whose: of an execution; the server that it is for, or None
        :param why: says where an execution has its server from; it is filled
            with its ``id``, the ``server`` and the ``target`` that it has
        :param senders: what those are asked who should start it, tuple of
            :class:`.context.Inquiry`
        """
        self._link, self._whose, self._why = link, whose, why
        executions = Inquiry('Mistral', 'executions', self.executions)
        self._started = (Inquiry('Mistral', 'tasks', self.tasks), executions)
        self._unstarted = (
            *senders, Inquiry('Mistral', 'the workflow', workflow),
            executions)

    def inquiries(self, case):
        """Return what to ask when no execution has healed, or too many have.

        It depends on whether any was started.

        :param case: :class:`.context.Case`
        """
        started = case.verdict.kind is not verdicts.Kind.EXECUTION_STORM and (
            case.arrival(self._link, links.Mark.STARTED))
        return self._started if started else self._unstarted

    def at_work(self, case):
        """Return what to ask when what an execution works on is missing.

        :param case: :class:`.context.Case`
        """
        del case
        return self._started[:1]

    def others(self, case):
        """Return what to ask when somebody else may have healed.

        :param case: :class:`.context.Case`
        """
        del case
        return self._started[1:]

    def executions(self, case):
        """Which executions of the workflow are there, for whichever server?"""
        name = case.ids['workflow']
        newest = case.owner.mistral.newest_executions(name)
        if not newest:
            return (Clue(False, 'there is no execution of %s' % name),)
        return [self._execution(case, execution) for execution in newest]

    def _execution(self, case, execution):
        server, target = case.ids['server_id'], self._whose(execution)
        text = 'execution %s is %s since %s' % (
            execution['id'], execution['state'], execution.get('created_at'))
        if execution.get('description'):
            text += ' (%s)' % execution['description']
        if target != server:
            return Clue(
                False, '%s, but for server %s' % (text, target),
                self._why.format(id=execution['id'], target=target,
                                 server=server))
        if execution['state'] not in mistral_executions.BAD:
            return Clue(execution['state'] == 'SUCCESS' or None, text)
        detail = case.owner.mistral.execution(execution['id']) or {}
        reason = context.safe(detail.get('state_info') or 'no state_info')
        return Clue(
            False, '%s: %s' % (text, reason),
            "'openstack task execution list %s': the execution is in %s: "
            '%s' % (execution['id'], execution['state'], reason))

    def tasks(self, case):
        """Which task of the executions failed or is under way, and why?"""
        started = mistral_executions.of_server(
            case.owner.mistral, case.ids['workflow'], case.ids['server_id'],
            self._whose)
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
    if task['state'] not in mistral_executions.BAD:
        return Clue(None, text)
    return Clue(
        False, text, "'openstack task execution show %s': task %s is in %s: "
        '%s' % (task['id'], task['name'], task['state'], reason))
