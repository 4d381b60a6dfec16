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

"""The services of a simulated cloud, as the real clients ask them.

The clients of :mod:`..services` are the real ones; the libraries that they
call are simulated. These answer from a :class:`.simulated_world.World` once a
request has taken its time, or break over the answer as the real ones do.
"""

import functools
import itertools
import json
import operator

from heatclient import exc as heat_exc
from keystoneauth1 import exceptions as ksa_exc
from mistralclient.api import base as mistral_base
from tempest.lib import exceptions
from vitrageclient import exceptions as vitrage_exc

from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.services import heat
from self_healing_tempest_plugin.services import mistral
from self_healing_tempest_plugin.services import nova
from self_healing_tempest_plugin.services import vitrage
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import simulated_world

# Seconds for which a service may say no, or nonsense.
REFUSED = 5.0

# Seconds after which a poll is given up in these worlds.
PATIENCE = 15.0

# Seconds of a request that never ends: as long as anybody waits, and longer.
ENDLESS = 1e6

# Each problem as what the library of a service raises; there is no answer to
# wait for in those that come last.
_FORBIDDEN = {
    'Vitrage': lambda: vitrage_exc.ClientException(403),
    'Mistral': lambda: mistral_base.APIException(403, 'Forbidden'),
    'Heat': heat_exc.HTTPForbidden, 'Nova': exceptions.Forbidden}
_NOT_FOUND = {
    'Vitrage': lambda: vitrage_exc.ClientException(404),
    'Mistral': lambda: mistral_base.APIException(404, 'Not found')}
_PROBLEMS = {
    'down': lambda service: ksa_exc.ConnectFailure('connection refused'),
    'drips': lambda service: ksa_exc.ConnectFailure('connection reset'),
    'unauthorized': lambda service: ksa_exc.Unauthorized(),
    'forbidden': lambda service: _FORBIDDEN[service](),
    'not found': lambda service: _NOT_FOUND[service](),
    'defect': lambda service: KeyError('a key of the body'),
    'no JSON': lambda service: json.JSONDecodeError('Expecting value', '', 0),
}

# Bodies that are no answer to what was asked. Vitrage's library hands them on,
# whatever they are; so that is what the others do here.
BODIES = {'body null': None, 'body text': 'nonsense'}

# What is no answer, and may pass.
REFUSALS = tuple(sorted({*_PROBLEMS, *BODIES} - {'down', 'drips'}))


class Poll:
    """What one poll sees of the time; it stands in for the recorder too.

    :ivar time: where it is; each request takes some
    :ivar probes: what it has recorded, to be handed on at its end
    """

    def __init__(self, begin):
        self.time = begin
        self.probes = []

    def now(self):
        """Return the time as the watcher sees it."""
        return self.time

    def probe(self, probe):
        """Keep a request to the application for later."""
        self.probes.append(probe)


class _Strange(Exception):
    """The body is no answer to what was asked."""

    def __init__(self, body):
        super().__init__()
        self.body = body


class Requests:
    """The way to the services: it takes time, and some fail.

    :ivar poll: on whose behalf they are
    """

    def __init__(self, world, rng, slowest):
        self._random, self._slowest = rng.random, slowest
        self._spells = world.spells
        self.poll = None

    def serve(self, service, request=''):
        """Let a request take its time, and return when it is served.

        :raises Exception: what the library of the service raises
        """
        poll, takes = self.poll, self._takes(service)
        served = poll.time + takes * self._random()
        poll.time += takes
        if self._spells:
            spell = self._spell(service, request, served)
            if spell is not None:
                poll.time += spell.hang
                fail(spell)
        return served

    def _takes(self, service):
        takes = self._slowest * self._random()
        return 4 * takes if service == 'application' else takes

    def _spell(self, service, request, served):
        for spell in self._spells:
            if (spell.service == service and spell.begin <= served < spell.end
                    and spell.request in ('', request)):
                return spell
        return None

    def together(self, *calls):
        """Do as :func:`..waiting.side_by_side` does: the slowest counts."""
        begin, ends = self.poll.time, []
        answers, problems = [], []
        for call in calls:
            self.poll.time = begin
            try:
                answers.append(call())
            except Exception as error:
                problems.append(error)
            ends.append(self.poll.time)
        self.poll.time = max(ends)
        if problems:
            raise problems[0]
        return answers


def fail(spell):
    """Raise what a library does where a service has no good answer."""
    if spell.problem in BODIES:
        raise _Strange(BODIES[spell.problem])
    raise _PROBLEMS[spell.problem](spell.service)


def _answering(method):
    """Let a strange body be what a library returns."""
    @functools.wraps(method)
    def answer(*args, **kwargs):
        try:
            return method(*args, **kwargs)
        except _Strange as strange:
            return strange.body
    return answer


class Entry(dict):
    """An object of a library."""

    def to_dict(self):
        """Return what it is made of."""
        return self


class Library:
    """What a client calls; its resources are methods of itself."""

    def __init__(self, world, requests):
        self._world, self._requests = world, requests
        self._shown = {}

    def once(self, make, thing, *args):
        """Return what is shown of a thing of the world, made only once.

        :param make: makes it
        :param args: what it depends on beside
        """
        key = id(thing), args
        if key not in self._shown:
            self._shown[key] = make(thing, *args)
        return self._shown[key]


class Topology(Library):
    """Vitrage's graph."""

    @_answering
    def get(self, limit=None, graph_type='graph', query=None, root=None,
            all_tenants=False):
        at = self._requests.serve('Vitrage', 'topology')
        world = self._world
        if root == simulated_world.SERVER_VID and at >= world.gone:
            raise vitrage_exc.ClientException(404)
        begin, end = world.deduced_state
        state = 'ERROR' if begin <= at < end else 'ACTIVE'
        return {'nodes': [
            {'vitrage_id': root, 'vitrage_aggregated_state': state},
            *(self._vertex(alarm, at) for alarm in world.alarms
              if alarm.entity == root and alarm.begin <= at < alarm.end)],
            'links': []}

    def _vertex(self, alarm, at):
        # It is sampled again every three seconds; of a deduced one that is
        # no update.
        return self.once(self._sample, alarm, (at - alarm.begin) // 3 * 3)

    def _sample(self, alarm, after):
        sampled = self._world.text('Vitrage', alarm.begin + after)
        return {'vitrage_id': alarm.id, 'vitrage_type': alarm.datasource,
                'vitrage_resource_id': alarm.entity, 'name': alarm.name,
                'vitrage_sample_timestamp': sampled,
                'update_timestamp': sampled if alarm.datasource != 'vitrage'
                else self._world.text('Vitrage', alarm.begin)}


class Resource(Library):
    """The entities of Vitrage's graph."""

    @_answering
    def list(self, resource_type=None, all_tenants=False, query=None):
        at = self._requests.serve('Vitrage', 'resource')
        wanted = json.loads(query)['==']['vitrage_id']
        gone = wanted == simulated_world.SERVER_VID and at >= self._world.gone
        return [] if gone else [{'vitrage_id': wanted}]


class History(Library):
    """The alarms of Vitrage's database."""

    @_answering
    def history(self, all_tenants=False, start=None, end=None, limit=1000,
                sort_by=('start_timestamp', 'vitrage_id'),
                sort_dirs=('asc', 'asc'), filter_by=None, filter_vals=None,
                next_page=True, marker=None):
        at = self._requests.serve('Vitrage', 'history')
        entity, name = filter_vals
        return [self.once(self._row, alarm, alarm.end + alarm.lag <= at)
                for alarm in sorted((
                    known for known in self._world.alarms
                    if known.entity == entity and known.name == name
                    and known.begin + known.lag <= at),
                    key=_begin, reverse=True)]

    def _row(self, alarm, ended):
        clock = 'Vitrage' if alarm.datasource == 'vitrage' else (
            simulated_world.MONITOR.capitalize())
        row = {'vitrage_id': alarm.id, 'vitrage_type': alarm.datasource,
               'vitrage_resource_id': alarm.entity, 'name': alarm.name,
               'start_timestamp': self._world.text(clock, alarm.begin)}
        if ended:
            row['end_timestamp'] = self._world.text(clock, alarm.end)
        return row


class Rca(Library):
    """What caused what, of Vitrage's database."""

    @_answering
    def get(self, alarm_id, all_tenants=False):
        at = self._requests.serve('Vitrage', 'rca')
        alarms = {alarm.id: alarm for alarm in sorted(
            self._world.alarms, key=_begin) if alarm.begin + alarm.lag <= at}
        ids = [vertex_id for vertex_id in (alarm_id, *getattr(
            alarms.get(alarm_id), 'causes', ())) if vertex_id in alarms]
        return {'nodes': [{'vitrage_id': vertex_id} for vertex_id in ids],
                'links': [{'source': index, 'target': 0}
                          for index in range(1, len(ids))]}


class Executions(Library):
    """Mistral's executions."""

    @_answering
    def list(self, task=None, marker='', limit=None, sort_keys='',
             sort_dirs='', fields='', **filters):
        at = self._requests.serve('Mistral', 'list')
        # The order is that of what is written; who shares a second is in
        # any order.
        return sorted((self._at(execution, at)
                       for execution in self._world.executions
                       if execution.begin <= at),
                      key=lambda shown: (shown['created_at'], shown['id']))

    @_answering
    def get(self, id):
        at = self._requests.serve('Mistral', 'get')
        return next(self._at(execution, at)
                    for execution in self._world.executions
                    if execution.id == id)

    def _at(self, execution, at):
        return self.once(self._show, execution, execution.end <= at)

    def _show(self, execution, ended):
        given = {'server_id': execution.server_id}
        if execution.stack_id is not None:
            given['stack_id'] = execution.stack_id
        return Entry({
            'id': execution.id, 'workflow_name': simulated_world.WORKFLOW,
            'state': execution.state if ended else 'RUNNING',
            'state_info': None, 'input': json.dumps(given),
            'output': execution.output if ended else '{}',
            'created_at': self._world.text('Mistral', execution.begin),
            'updated_at': self._world.text(
                'Mistral', execution.end if ended else execution.begin)})


class Stacks(Library):
    """Heat's stacks."""

    @_answering
    def get(self, stack_id, resolve_outputs=True):
        at = self._requests.serve('Heat', 'stack')
        if at >= self._world.deleted:
            raise heat_exc.HTTPNotFound(json.dumps(fake_cloud.NO_STACK))
        begun = [update for update in self._world.updates
                 if update.begin <= at]
        if not begun:
            return Entry({'stack_status': 'CREATE_COMPLETE',
                          'updated_time': None, 'stack_status_reason': ''})
        last = begun[-1]
        return Entry({'stack_status': 'UPDATE_%s' % (
            last.status if last.end <= at else 'IN_PROGRESS'),
            'updated_time': self._world.text('Heat', last.begin),
            'stack_status_reason': 'no room'})


class Resources(Library):
    """The resources of Heat's stacks."""

    @_answering
    def list(self, stack_id, **kwargs):
        at = self._requests.serve('Heat', 'resources')
        server_id = [server_id for time, server_id in self._world.servers
                     if time <= at][-1]
        return [Entry(resource_type='OS::Nova::Server',
                      resource_name='server', physical_resource_id=server_id)]


class Events(Library):
    """The events of Heat's stacks."""

    @_answering
    def list(self, stack_id, resource_name=None, **kwargs):
        at = self._requests.serve('Heat', 'events')
        events = self._updates(at)
        if 'filters' not in kwargs:
            # Newest first, and of the resources too.
            events = sorted((*events, *self._servers(at)),
                            key=operator.itemgetter(0))[::-1]
        return [event for _, event in events]

    def _updates(self, at):
        """Return pairs of the time of an event, and the event."""
        return [
            (time, Entry({
                'id': '%s-%s' % (update.id, status),
                'resource_name': simulated_world.STACK.name,
                'physical_resource_id': simulated_world.STACK.id,
                'resource_status': 'UPDATE_%s' % status,
                'event_time': self._world.text('Heat', time)}))
            for update in self._world.updates
            for status, time, told in (
                ('IN_PROGRESS', update.begin,
                 min(update.begin + update.lag, update.end)),
                (update.status, update.end, update.end + update.lag))
            if told <= at]

    def _servers(self, at):
        return [
            (time, Entry({
                'id': 'event-%s-%s' % (server_id, status),
                'resource_name': 'server', 'physical_resource_id': known,
                'resource_status': 'CREATE_%s' % status}))
            for time, server_id in self._world.servers
            for status, known in (('IN_PROGRESS', ''),
                                  ('COMPLETE', server_id))
            if time <= at]


class Servers(Library):
    """Nova's servers, as Tempest asks for them."""

    @_answering
    def show_server(self, server_id):
        at = self._requests.serve('Nova', 'server')
        place = self._place(server_id, at)
        return {'server': {'id': server_id, 'status': place.status,
                           'OS-EXT-SRV-ATTR:host': place.host}}

    @_answering
    def get(self, url, headers=None, extra_headers=False, chunked=False):
        """Return the actions on a server, as Tempest's clients get them."""
        del headers, extra_headers, chunked
        _, server_id, _ = url.split('/')
        at = self._requests.serve('Nova', 'actions')
        places = [place for place in self._world.places.get(server_id, ())
                  if place.begin <= at]
        return None, json.dumps({'instanceActions': [
            {'action': 'evacuate' if index else 'create', 'user_id': 'user',
             'start_time': str(place.begin)}
            for index, place in reversed(list(enumerate(places)))]})

    def _place(self, server_id, at):
        place = next((known for known in reversed(
            self._world.places.get(server_id, ())) if known.begin <= at), None)
        if place is None or place.host is None:
            raise exceptions.NotFound({'code': 404, 'message': 'gone'})
        return place


def _begin(alarm):
    return alarm.begin


def vitrage_client(world, requests):
    """Return a real client of the simulated Vitrage."""
    return _client(vitrage.Vitrage, _client=_Resources(
        topology=Topology(world, requests), alarm=History(world, requests),
        rca=Rca(world, requests), resource=Resource(world, requests)))


def mistral_client(world, requests):
    """Return a real client of the simulated Mistral."""
    return _client(mistral.Mistral, _everywhere={}, _cached=_Resources(
        executions=Executions(world, requests)))


def heat_client(world, requests):
    """Return a real client of the simulated Heat."""
    return _client(heat.Heat, _client=_Resources(
        stacks=Stacks(world, requests), resources=Resources(world, requests),
        events=Events(world, requests)))


def nova_client(world, requests):
    """Return a real client of the simulated Nova."""
    return _client(nova.Nova, _servers=Servers(world, requests))


class _Resources:
    """What a client of a library has."""

    def __init__(self, **resources):
        vars(self).update(resources)


def _client(kind, **libraries):
    # They make their libraries themselves, of a session with Keystone.
    client = object.__new__(kind)
    vars(client).update(libraries)
    return client


class Application:
    """What watchers know of :class:`..application.Application`."""

    server_id, host = simulated_world.OLD.server, simulated_world.HOST
    url = simulated_world.URL

    def __init__(self, world, requests, rng, losses):
        self._world, self._requests = world, requests
        self._random, self._losses = rng.random, losses
        self._lost = False
        self._nonces = map(str, itertools.count())

    def probe(self, now):
        nonce, begin = next(self._nonces), now()
        served = self._requests.serve('application')
        answer = [answer for time, answer in self._world.answers
                  if time <= served][-1]
        # Never two in a row: that many would be an outage.
        self._lost = (self._losses and not self._lost
                      and self._random() < 0.2)
        if self._lost:
            answer = simulated_world.SILENCE if self._random() < 0.7 else (
                simulated_world.STRANGER)
        if answer is simulated_world.SILENCE:
            return timelines.Probe(begin, now(), False, nonce, error='Timeout')
        if not answer.right:
            return timelines.Probe(begin, now(), False, nonce, answer.boot,
                                   answer.server, 'nonce', True)
        return timelines.Probe(begin, now(), True, nonce, answer.boot,
                               answer.server, '', True)
