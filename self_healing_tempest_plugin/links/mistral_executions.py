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

"""Looks for the executions of a workflow in Mistral, whoever starts them."""

import json

from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import stamps
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.watching import looks

_NOT_YET = 'not there'

# States that an execution does not leave, and in which it has not healed.
BAD = frozenset(['ERROR', 'CANCELLED'])


def of_server(mistral, workflow, server_id, whose):
    """Return the executions of a workflow for one server, oldest first.

    :param mistral: :class:`..services.mistral.Mistral`
    :param workflow: name of the workflow
    :param server_id: the server
    :param whose: of an execution; the server that it is for, or None
    """
    return [execution for execution in mistral.executions(workflow)
            if whose(execution) == server_id]


def ids(around):
    """Return what a workflow adds to the ids of an expectation, a dict.

    :param around: :class:`.surroundings.Surroundings`
    """
    return {'workflow': around.application.workflow}


def started_before(around, whose):
    """Return that the server is, or was, to be healed already, or ''.

    :param around: :class:`.surroundings.Surroundings`
    :param whose: see :func:`of_server`
    """
    app = around.application
    executions = app.workflow and of_server(
        around.owner.mistral, app.workflow, app.server_id, whose)
    return '' if not executions else (
        'execution %s of %s was started for server %s before the fault'
        % (executions[0]['id'], app.workflow, app.server_id))


class ExecutionWatcher:
    """The executions of a workflow that are for the server.

    :cvar link: :class:`..model.links.Link`
    """

    link = None
    pace = looks.USUAL

    def __init__(self, mistral, workflow, server_id, stack_id=None):
        """Take the executions of before.

        :param workflow: name of the workflow
        :param server_id: the server that they have to be for
        :param stack_id: the only stack that they may name; None: any
        """
        self._mistral, self._workflow = mistral, workflow
        self._server_id, self._stack_id = server_id, stack_id
        self._idle_ones = {}
        self._before = frozenset(
            execution['id'] for execution in self._started())

    @classmethod
    def of(cls, around):
        """Return the watcher of an application's own workflow.

        :param around: :class:`.surroundings.Surroundings`
        """
        app = around.application
        return cls(around.owner.mistral, app.workflow, app.server_id,
                   app.stack.id)

    def whose(self, execution):
        """Return the server that an execution is for, or None.

        :param execution: a dict of Mistral
        """
        raise NotImplementedError

    def told(self, execution):
        """Return what else of an execution ties it, for the payload.

        :param execution: a dict of Mistral
        """
        del execution
        return {}

    def causes(self, execution):
        """Return stamps of what an execution came after, a tuple.

        :param execution: a dict of Mistral
        """
        del execution
        return ()

    def look(self, recorder):
        """Ask once; see :class:`..watching.looks.Look`."""
        executions = [execution for execution in self._started()
                      if execution['id'] not in self._before]
        seen_at = recorder.now()
        if not executions:
            return looks.Look(_NOT_YET)
        state = ', '.join('%s %s' % (execution['id'], execution['state'])
                          for execution in executions[:5])
        ids = tuple(execution['id'] for execution in executions)
        sightings = [
            self._sighting(links.Mark.STARTED, execution, 'created_at')
            for execution in executions]
        sightings += [
            self._sighting(links.Mark.FINISHED, execution, 'updated_at')
            for execution in executions if self._healed(execution)]
        ours = [execution for execution in executions
                if self._is_ours(execution)]
        if ours and all(execution['state'] in BAD for execution in ours):
            return looks.Look(state, tuple(sightings), self._reason(ours[0]),
                              ours[0]['id'], ids, seen_at=seen_at)
        return looks.Look(state, tuple(sightings), objects=ids,
                          seen_at=seen_at)

    def _started(self):
        return of_server(self._mistral, self._workflow, self._server_id,
                         self.whose)

    def _sighting(self, mark, execution, time):
        return looks.Sighting(mark, execution['id'], {
            'server_id': self._server_id, 'state': execution['state'],
            'workflow': self._workflow, 'input': execution['input'],
            'stack_id': execution['input'].get('stack_id'),
            time: execution.get(time), **self.told(execution)},
            stamps=(*stamps.at('Mistral', execution.get(time)),
                    *self.causes(execution)))

    def _is_ours(self, execution):
        return self._stack_id is None or execution['input'].get(
            'stack_id') in (None, self._stack_id)

    def _healed(self, execution):
        # Repeated executions that found nothing to do end well too, perhaps
        # earlier than the one that heals.
        return execution['state'] == 'SUCCESS' and not self._idle(
            execution['id'])

    def _idle(self, execution_id):
        if execution_id not in self._idle_ones:
            self._idle_ones[execution_id] = _output(self._detail(
                execution_id)).get('found') is False
        return self._idle_ones[execution_id]

    def _detail(self, execution_id):
        detail = self._mistral.execution(execution_id)
        if detail is None:
            # It was listed just now: somebody has deleted it since, or
            # Mistral calls "not found" what it failed to read.
            raise errors.ServiceUnavailable(
                'Mistral', 'show execution %s' % execution_id,
                'it lists it, but does not find it', 404)
        return detail

    def _reason(self, execution):
        detail = self._detail(execution['id'])
        return 'execution %s is in %s: %s' % (
            execution['id'], detail['state'],
            (detail.get('state_info') or 'no state_info').strip())


def _output(execution):
    try:
        values = json.loads(execution.get('output') or '{}')
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
