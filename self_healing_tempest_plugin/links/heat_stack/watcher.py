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

"""Looks at the stack of the application in Heat, and at its server."""

import dataclasses

from self_healing_tempest_plugin.links.heat_stack import link
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import stamps
from self_healing_tempest_plugin import stacks
from self_healing_tempest_plugin import waiting
from self_healing_tempest_plugin.watching import looks


class StackWatcher:
    """The stack, updated with another server on another host."""

    link, pace = link.LINK, looks.USUAL

    def __init__(self, heat, nova, stack, server_id,
                 together=waiting.side_by_side):
        """Take the stack of before.

        :param stack: :class:`..stacks.Stack`
        :param server_id: the server that is to be replaced
        :param together: makes several calls at the same time
        """
        self._heat, self._nova, self._stack = heat, nova, stack
        self._server_id, self._together = server_id, together
        self._before = _stack_version(heat.stack(stack.identifier))
        self._events_before = frozenset(
            event['id'] for event in heat.updates(stack))
        # When the updates began that were seen, as Heat says.
        self._begun = set()

    def look(self, recorder):
        """Ask once; see :class:`..looks.Look`.

        Heat has enough to do while it updates the stack: until that is
        complete, it is asked for nothing but the status.
        """
        stack = self._show()
        seen_at = recorder.now()
        if stack is None:
            return looks.Look('deleted', failure='the stack is deleted',
                              object_id=self._stack.id)
        status = stack['stack_status']
        if _stack_version(stack) == self._before:
            return looks.Look(status)
        look = (self._completed if status == 'UPDATE_COMPLETE'
                else self._updating)(stack)
        # All else belongs to this version of the stack.
        return dataclasses.replace(look, seen_at=seen_at)

    def _updating(self, stack):
        status = stack['stack_status']
        failed = '%s: %s' % (status, stack.get('stack_status_reason'))
        return looks.Look(status, (self._started(stack),),
                          failed if status.endswith('_FAILED') else '',
                          self._stack.id)

    def _completed(self, stack):
        status = stack['stack_status']
        events, resources, history = self._together(
            self._updates,
            lambda: self._heat.resources(self._stack.identifier),
            lambda: self._heat.events(self._stack))
        started, server_id = self._started(stack), stacks.server_of(resources)
        if server_id in (None, self._server_id):
            return looks.Look('%s, no other server than %s' % (
                status, self._server_id), (started,))
        server = self._server_of_update(stack, server_id)
        if server is None:
            return looks.Look('%s, and updated again' % status, (started,))
        text = '%s, server %s %s' % (status, server['id'], server['status'])
        if server['status'] != 'ACTIVE':
            return looks.Look(text, (started,))
        return looks.Look(text, (started, self._finished(
            status, events, server, {
                'servers': stacks.servers_of(resources, history),
                'updated_time': self._brought_by(server_id, history)})))

    def _server_of_update(self, stack, server_id):
        """Return the server, None unless the stack is as it was shown.

        The server may belong to an update that was asked for meanwhile.
        """
        again, server = self._together(
            self._show, lambda: self._nova.server(server_id))
        same = again is not None and (
            _stack_version(again) == _stack_version(stack))
        return server if same else None

    def _show(self):
        return self._heat.stack(self._stack.identifier)

    def _updates(self):
        return [event for event in self._heat.updates(self._stack)
                if event['id'] not in self._events_before]

    def _started(self, stack):
        """Return that an update has begun.

        Heat says when, in whole seconds; another time is another update.
        """
        begun = stack.get('updated_time')
        self._begun.add(begun)
        return looks.Sighting(links.Mark.STARTED, self._stack.id, {
            'stack_id': self._stack.id, 'updated_time': begun,
            'stack_status': stack['stack_status']},
            stamps=stamps.at('Heat', begun))

    def _brought_by(self, server_id, history):
        """Return when the update began that made a server, or None.

        The event of an update may be younger than the time that the stack
        tells. Heat writes both alike, so that texts can be compared.
        """
        update = stacks.update_that_made(server_id, self._stack, history)
        by_then = '' if update is None else update.get('event_time') or ''
        return max((begun for begun in tuple(self._begun)
                    if begun and begun <= by_then), default=None)

    def _finished(self, status, events, server, told):
        """Return that the stack is updated.

        Of several updates any may have been the last to end.

        :param told: what the history of the stack tells, for the payload
        """
        ends = [event for event in events
                if event['resource_status'] == 'UPDATE_COMPLETE']
        if not ends or events[-1]['resource_status'] == 'UPDATE_IN_PROGRESS':
            # Not written down yet; or there is another update already.
            ends = [None]
        first, last = ends[0] or {}, ends[-1] or {}
        return looks.Sighting(links.Mark.FINISHED, self._stack.id, {
            'server_id': server['id'], 'host': server['OS-EXT-SRV-ATTR:host'],
            'status': server['status'], 'stack_id': self._stack.id,
            'stack_status': status, 'event_id': first.get('id'), **told},
            stamps=stamps.between('Heat', first.get('event_time'),
                                  last.get('event_time')))


def _stack_version(stack):
    return stack['stack_status'], stack.get('updated_time')
