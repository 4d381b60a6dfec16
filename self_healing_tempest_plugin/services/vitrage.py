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

"""Vitrage: entity graph, alarms and templates, by python-vitrageclient."""

import dataclasses
import functools
import json
import typing

from vitrageclient import exceptions as vitrage_exc
from vitrageclient.v1 import client as vitrage_client

from self_healing_tempest_plugin.services import endpoints
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import session

# Vitrage answers 404 to all that fails within.
_calling = functools.partial(
    errors.calling, 'Vitrage', dialect=errors.Dialect(
        statuses={vitrage_exc.ClientException: 'code'},
        transient=frozenset([404])))


@dataclasses.dataclass(frozen=True)
class Around:
    """An entity of Vitrage's graph, and the alarms that are on it now.

    :ivar entity: its vertex, a dict
    :ivar alarms: theirs, in no order
    """

    entity: typing.Mapping
    alarms: tuple[typing.Mapping, ...]


class Vitrage:
    """Entity graph, alarms and templates."""

    def __init__(self, keystone, cloud):
        self._keystone, self._cloud = keystone, cloud

    @functools.cached_property
    def _client(self):
        # The library takes the endpoint for one without a version.
        return vitrage_client.Client(
            session=self._keystone, endpoint_override=endpoints.root(
                self._keystone, self._cloud,
                self._cloud.vitrage_catalog_type).rstrip('/'))

    def entity(self, vitrage_type, entity_id):
        """Return one resource of the graph as a dict, or None.

        :param vitrage_type: e.g. ``nova.host``
        :param entity_id: its id in its own service, e.g. a host name
        """
        with _calling('find %s %s' % (vitrage_type, entity_id)):
            resources = self._client.resource.list(
                resource_type=vitrage_type, all_tenants=True,
                query=json.dumps({'==': {'id': entity_id}}))
            return next(iter(resources), None)

    def contains(self, host, instance):
        """Return whether the graph says that a host runs an instance.

        :param host: vertex of the host, from :meth:`entity`
        :param instance: vertex of the instance, from :meth:`entity`
        """
        ids = [host['vitrage_id'], instance['vitrage_id']]
        query = {'or': [{'==': {'vitrage_id': vitrage_id}}
                        for vitrage_id in ids]}
        with _calling('show the topology around %s' % host['id']):
            graph = self._client.topology.get(
                query=json.dumps(query), all_tenants=True)
            nodes = [node['vitrage_id'] for node in graph['nodes']]
            return any(
                [nodes[edge['source']], nodes[edge['target']]] == ids
                and edge['relationship_type'] == 'contains'
                for edge in graph['links'])

    def around(self, vitrage_id):
        """Return an entity with its alarms, from the graph itself.

        Vitrage looks no farther than one edge, so that it takes as long in a
        large graph as in a small one.

        :param vitrage_id: the entity's ``vitrage_id``
        :returns: :class:`Around`, None when the entity is not in the graph
        :raises ServiceUnavailable: also when it is, and Vitrage failed
        """
        with _calling('show the alarms on %s' % vitrage_id):
            try:
                graph = self._client.topology.get(
                    root=vitrage_id, limit=1, query=_alarms_on(vitrage_id),
                    all_tenants=True)
            except vitrage_exc.ClientException as error:
                # That there is no such root is only one possible reason.
                if error.code != 404:
                    raise
                if self._knows(vitrage_id):
                    raise errors.ServiceUnavailable(
                        'Vitrage', 'show the alarms on %s' % vitrage_id,
                        'it knows it, but says: %s' % error, 404) from error
                return None
            nodes = {node['vitrage_id']: node for node in graph['nodes']}
        entity = nodes.pop(vitrage_id, None)
        return None if entity is None else Around(
            entity, tuple(nodes.values()))

    def around_all(self, host_id, vitrage_ids):
        """Return several entities with their alarms, from the graph itself.

        They are looked for on the host, two edges far, in one question. What
        is not there, such as a server that has moved, is asked for by itself.

        :param host_id: ``vitrage_id`` of the host
        :param vitrage_ids: those of the entities
        :returns: dict of each to what :meth:`around` returns
        :raises ServiceUnavailable: see :meth:`around`
        """
        found = {}
        if len(vitrage_ids) > 1:
            found = self._on_host(host_id)
        return {vitrage_id: found.get(vitrage_id) or self.around(vitrage_id)
                for vitrage_id in vitrage_ids}

    def _on_host(self, host_id):
        """Return what is on a host by its ``vitrage_id``, none without it."""
        with _calling('show the alarms on host %s and its instances'
                      % host_id):
            try:
                graph = self._client.topology.get(
                    root=host_id, limit=2, query=_instances_and_alarms(
                        host_id), all_tenants=True)
            except vitrage_exc.ClientException as error:
                if error.code != 404:
                    raise
                return {}
            nodes = graph['nodes']
        alarms = [node for node in nodes
                  if node.get('vitrage_category') == 'ALARM']
        return {node['vitrage_id']: Around(node, tuple(
            alarm for alarm in alarms if alarm.get('vitrage_resource_id')
            == node['vitrage_id'])) for node in nodes
            if node.get('vitrage_category') != 'ALARM'}

    def causes(self, vitrage_id):
        """Return the alarms that caused an alarm, active or ended.

        :param vitrage_id: the alarm's ``vitrage_id``
        :returns: the ``vitrage_id`` of each that caused it, directly or not,
            a set
        """
        with _calling('show what caused alarm %s' % vitrage_id):
            graph = self._client.rca.get(vitrage_id, all_tenants=True)
            nodes = [node.get('vitrage_id') for node in graph['nodes']]
            edges = {(nodes[edge['source']], nodes[edge['target']])
                     for edge in graph['links']}
        causes, new = set(), {vitrage_id}
        while new:
            new = {source for source, target in edges
                   if target in new} - causes
            causes |= new
        return causes - {vitrage_id}

    def _knows(self, vitrage_id):
        return bool(self._client.resource.list(
            all_tenants=True,
            query=json.dumps({'==': {'vitrage_id': vitrage_id}})))

    def alarms(self, resource_vitrage_id, vitrage_type, name):
        """Return the alarms of one name on one entity, newest first.

        The history is asked for, which holds the active alarms too: an alarm
        goes with the server that it is on. An ended alarm has an
        ``end_timestamp``.

        :param resource_vitrage_id: the entity's ``vitrage_id``
        :param vitrage_type: datasource of the alarm, e.g. ``doctor``
        :param name: name of the alarm
        """
        with _calling('list alarms %s' % name):
            # Vitrage filters by LIKE %value%, so the answer is filtered
            # once more. "vitrage_id" would not do: Vitrage ignores it
            # unless filter_by is given too.
            history = self._client.alarm.history(
                all_tenants=True, limit=100, sort_dirs=('desc', 'asc'),
                filter_by=['vitrage_resource_id', 'name'],
                filter_vals=[resource_vitrage_id, name])
            return [alarm for alarm in history
                    if alarm.get('vitrage_resource_id') == resource_vitrage_id
                    and alarm['vitrage_type'] == vitrage_type
                    and alarm['name'] == name]

    def templates(self):
        """Return all templates as a list of dicts."""
        with _calling('list templates'):
            return self._client.template.list()

    def template(self, uuid):
        """Return one template of the list as a dict, or None."""
        return next((template for template in self.templates()
                     if template['uuid'] == uuid), None)

    def add_template(self, text, parameters):
        """Start to add a template.

        :returns: the template as a dict, with ``uuid`` and ``status``
        :raises ServiceRefused: when Vitrage finds it wrong
        """
        operation = 'add template %s' % parameters.get('template_name')
        with _calling(operation):
            added = self._client.template.add(
                template_str=text, params=parameters)[0]
        if added['status'] == 'ERROR':
            raise errors.ServiceRefused('Vitrage', operation,
                                        added['status details'])
        return added

    def delete_template(self, uuid):
        """Start to delete a template."""
        with _calling('delete template %s' % uuid):
            self._client.template.delete([uuid])

    def post_event(self, time, kind, details):
        """Tell Vitrage what a monitor would; it does not say what it made.

        :param time: ISO 8601 with microseconds, without a zone
        :param kind: type of the event, e.g. ``compute.host.down``
        :param details: dict
        """
        with _calling('post event %s' % kind):
            self._client.event.post(time, kind, details)

    def version(self):
        """Return the newest version of its API as text."""
        with _calling('show its version'):
            return session.version(
                self._keystone, self._cloud,
                self._cloud.vitrage_catalog_type, 'v1', self.status)

    def status(self):
        """Return what vitrage-graph says of itself: OK.

        :raises ServiceUnavailable: when it is not ready
        """
        with _calling('show its status'):
            return self._client.status.get()['reason']

    def processes(self):
        """Return the names of Vitrage's processes as a set.

        :raises ServiceUnavailable: also where it has no [coordination]
        """
        with _calling('list its processes'):
            return {process['name'] for process in self._client.service.list()}

    def counts(self):
        """Return how many entities of each type the graph has, as a dict."""
        with _calling('count entities'):
            return self._client.resource.count(all_tenants=True)

    def hosts(self):
        """Return the hosts of the graph by name, as dicts."""
        with _calling('list hosts'):
            return {host['id']: host for host in self._client.resource.list(
                resource_type='nova.host', all_tenants=True)}

    def active_alarms(self, vitrage_type):
        """Return the alarms of a datasource that have not ended, as dicts.

        :param vitrage_type: the datasource, e.g. ``doctor``
        """
        with _calling('list active alarms'):
            # Vitrage filters by LIKE %value%, see alarms().
            alarms = self._client.alarm.list(
                'all', all_tenants=True, filter_by=['vitrage_type'],
                filter_vals=[vitrage_type])
            return [alarm for alarm in alarms
                    if alarm['vitrage_type'] == vitrage_type]

    def newest_alarm(self, vitrage_type):
        """Return the newest alarm of a datasource as a dict, or None.

        :param vitrage_type: the datasource, e.g. ``doctor``
        """
        with _calling('list past alarms'):
            alarms = self._client.alarm.history(
                all_tenants=True, limit=1, sort_dirs=('desc', 'asc'),
                filter_by=['vitrage_type'], filter_vals=[vitrage_type])
            return next(iter(alarms), None)


# The same few entities are asked about at each poll.
@functools.lru_cache
def _alarms_on(vitrage_id):
    """Return the query for an entity and the alarms around it, as JSON."""
    return json.dumps({'and': [
        {'==': {'vitrage_is_deleted': False}},
        {'or': [{'==': {'vitrage_id': vitrage_id}},
                {'==': {'vitrage_category': 'ALARM'}}]}]})


@functools.lru_cache
def _instances_and_alarms(host_id):
    """Return the query for a host, its instances and all alarms, as JSON."""
    return json.dumps({'and': [
        {'==': {'vitrage_is_deleted': False}},
        {'or': [{'==': {'vitrage_id': host_id}},
                {'==': {'vitrage_type': 'nova.instance'}},
                {'==': {'vitrage_category': 'ALARM'}}]}]})
