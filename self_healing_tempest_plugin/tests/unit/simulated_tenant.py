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

"""The stories of a tenant's chains, seen by the real watchers of their links.

Aodh, Zaqar and Mistral are simulated below the real clients: what they answer
is made of the things of a :class:`.any_stories.Story`, at the moment at which
a request is served. The other links have the plain watchers of
:mod:`.simulated_any`.
"""

import dataclasses
import json

from keystoneauth1 import exceptions as ksa_exc

from self_healing_tempest_plugin.chains import tenant
from self_healing_tempest_plugin.links.event_alarm import (
    watcher as event_alarm)
from self_healing_tempest_plugin.links.message import watcher as message
from self_healing_tempest_plugin.links.tenant_workflow import (
    watcher as tenant_workflow)
from self_healing_tempest_plugin.services import aodh
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import mistral
from self_healing_tempest_plugin.services import zaqar
from self_healing_tempest_plugin.tests.unit import any_stories
from self_healing_tempest_plugin.tests.unit import chain_samples
from self_healing_tempest_plugin.tests.unit import fake_tenant_cloud
from self_healing_tempest_plugin.tests.unit import simulated_any
from self_healing_tempest_plugin.tests.unit import simulated_services

Noise = any_stories.Noise
OLD = chain_samples.IDS['server_id']

# Whose clock is in what each of them writes; a notification bears Nova's.
CLOCKS = {tenant.EVENT_ALARM: 'Aodh', tenant.MESSAGE: 'Nova',
          tenant.WORKFLOW: 'Mistral'}

# What these services cannot do: show something late and say so, and show the
# end of an execution alone.
WITHOUT, UNKNOWN = Noise.LAGGED, ('unstarted',)

# So many requests a look makes at the most.
MOST_REQUESTS = 4


class Service:
    """The way to the service of a link: it takes time, and may fail.

    :ivar time: where the look is
    """

    def __init__(self, link, story):
        self._link, self._story = link, story
        # At first it is asked how it was before, and answers.
        self.time, self.lost, self.asked = -any_stories.INF, False, False
        self.things = [thing for thing in story.things if thing.link is link]
        self._spells = [spell for spell in story.spells if spell.link is link]
        self._made = {}

    def now(self):
        """Return the time as the watcher sees it."""
        return self.time

    def serve(self):
        """Let a request take its time; return what the service shows then.

        :returns: pairs of a thing and the moment
        """
        if not self.asked:
            return []
        rng, most = self._story.rng, self._story.slowest / MOST_REQUESTS / 2
        served = self.time + most * rng.random()
        self.time = served + most * rng.random()
        if self.lost or any(spell.begin <= served < spell.end
                            for spell in self._spells):
            raise ksa_exc.ConnectFailure('no answer')
        return [(thing, served) for thing in self.things
                if thing.shown <= served < thing.gone
                and min(thing.begin, thing.end) <= served]

    def once(self, make, thing, *args):
        """Return what is made of a thing, the same one each time.

        :param make: makes it
        :param args: what it is made of beside
        """
        # Two things of others may bear one name.
        key = make, id(thing), args
        if key not in self._made:
            self._made[key] = make(thing, *args)
        return self._made[key]

    def written(self, moment, link=None):
        """Return what the service writes of a moment."""
        return self._story.written(link or self._link, moment)


class Aodh:
    """Its API: an alarm for each thing, which fires when that begins."""

    def __init__(self, service):
        self._service = service

    def get(self, path, **query):
        del query
        fired = {thing.name: thing for thing, _ in self._service.serve()}
        if path == 'alarms':
            return [self._service.once(self._alarm, thing,
                                       thing.name in fired)
                    for thing in self._service.things]
        thing = fired.get(path.split('/')[1])
        return [] if thing is None else [
            self._service.once(self._change, thing)]

    def _change(self, thing):
        return fake_tenant_cloud.change(
            _event(thing), self._service.written(thing.begin))

    def _alarm(self, thing, fired):
        alarm = fake_tenant_cloud.event_alarm(thing.name, thing.name)
        if fired:
            alarm.update(state='alarm', state_reason=fake_tenant_cloud.reason(
                _event(thing)))
        return alarm


class Zaqar:
    """Its API: a message for each thing."""

    def __init__(self, service):
        self._service = service

    def get(self, path, marker=None, **query):
        del path, query
        shown = self._service.serve()
        return {'links': [{'href': '/v2/queues/q/messages?marker=last'}],
                'messages': [] if marker else [
                    self._message(*pair) for pair in shown]}

    def _message(self, thing, at):
        return dict(self._service.once(self._new, thing),
                    age=int(at - thing.begin))

    def _new(self, thing):
        body = _body(thing, self._service.written(thing.begin))
        return fake_tenant_cloud.message(body, thing.name)


class Executions:
    """Mistral's executions, one for each thing."""

    def __init__(self, service):
        self._service = service

    def list(self, **filters):
        del filters
        return [self._at(*pair) for pair in self._service.serve()]

    def get(self, execution_id):
        return next(self._at(*pair) for pair in self._service.serve()
                    if pair[0].name == execution_id)

    def _at(self, thing, at):
        return self._service.once(
            self._show, thing, 'SUCCESS' if thing.end <= at else (
                'ERROR' if thing.failed <= at else 'RUNNING'))

    def _show(self, thing, state):
        written, begin = self._service.written, min(thing.begin, thing.end)
        return simulated_services.Entry({
            'id': thing.name, 'state': state, 'state_info': None,
            'created_at': written(begin), 'output': '{}',
            'updated_at': written(thing.end if state == 'SUCCESS' else begin),
            'input': json.dumps({'stack_id': thing.begun['stack_id']}),
            'params': fake_tenant_cloud.params(_body(
                thing, written(begin, tenant.MESSAGE)))})


def _event(thing, generated=None):
    """Return the event that has led to a thing."""
    payload = thing.begun
    return fake_tenant_cloud.event(payload['event_id'], payload['server_id'],
                                   generated=generated)


def _body(thing, generated):
    named = thing.begun.get('alarm_id')
    return fake_tenant_cloud.body(
        _event(thing, generated),
        named if named is None or isinstance(named, str) else named[0])


def _client(kind, **libraries):
    client = object.__new__(kind)
    vars(client).update(libraries)
    return client


class RealWatcher:
    """The real watcher of a link, on the real client of its service."""

    def __init__(self, link, story):
        plain = simulated_any.Watcher(link, story)
        self.link, self.pace = link, plain.pace
        self._story, self._service = story, Service(link, story)
        self._ours = {thing.name for thing in self._service.things
                      if thing.ours}
        self._watcher = _WATCHERS[link](self._service)

    def look(self, begin):
        """Ask once; see :meth:`.simulated_any.Watcher.look`."""
        service = self._service
        service.time, service.asked = begin, True
        service.lost = not service.lost and self._story.has(
            Noise.LOSSES) and self._story.rng.random() < 0.3
        try:
            look = self._watcher.look(service)
        except errors.ServiceUnavailable:
            return service.time, None, None
        # An execution for our server and another stack counts with Mistral.
        if not self._ours.issuperset(look.objects):
            look = dataclasses.replace(look, objects=tuple(
                name for name in look.objects if name in self._ours))
        return service.time, self._failing(look), None

    def _failing(self, look):
        """Return a look with what these services never say.

        An alarm, or a message, is never known not to come any more.
        """
        failed = () if self.link.lasting else [
            thing for thing in self._service.things
            if thing.ours and thing.shown <= self._service.time]
        if not failed or any(
                thing.failed > self._service.time for thing in failed):
            return look
        return dataclasses.replace(
            look, failure='%s has failed' % failed[0].name,
            object_id=failed[0].name)


_WATCHERS = {
    tenant.EVENT_ALARM: lambda service: event_alarm.EventAlarmWatcher(
        _client(aodh.Aodh, _api=Aodh(service)),
        {thing.name: thing.name for thing in service.things}, OLD),
    tenant.MESSAGE: lambda service: message.MessageWatcher(
        _client(zaqar.Zaqar, _api=Zaqar(service)), 'q', OLD),
    tenant.WORKFLOW: lambda service: tenant_workflow.WorkflowWatcher(
        _client(mistral.Mistral, _everywhere={},
                _cached=simulated_services._Resources(
                    executions=Executions(service))),
        chain_samples.IDS['workflow'], OLD, chain_samples.IDS['stack_id'])}


class Run(simulated_any.Run):
    """One story, watched by the real watchers where there are any."""

    def __init__(self, given):
        super().__init__(dataclasses.replace(
            given, noise=given.noise & ~WITHOUT))
        for link, service in CLOCKS.items():
            if link.name in self.story.clocks:
                self.story.clocks[service] = self.story.clocks[link.name]
        # Zaqar may show a message a while after it has it, says its watcher.
        self.allowed |= self.story.untold(message.STORING_LAG)

    def watcher(self, link):
        """Return who looks at a link."""
        return (RealWatcher if link in CLOCKS
                else simulated_any.Watcher)(link, self.story)
