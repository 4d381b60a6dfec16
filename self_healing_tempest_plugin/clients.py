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

"""Heat, Vitrage, Mistral and Nova, as far as the tests need them.

python-heatclient, python-vitrageclient and python-mistralclient share one
Keystone session of the configured admin project: Vitrage starts workflows in
the project of its own service credentials, and the stack must be in the same
one. Nova is asked by Tempest's own clients.

Every failure comes out as a :class:`ServiceError` that names service and
operation: an answer may come later (:class:`ServiceUnavailable`), it is a no
(:class:`ServiceRefused`), or the client library broke over it
(:class:`ClientDefect`).
"""

import contextlib
import dataclasses
from email.utils import parsedate_to_datetime
import functools
import json
import re
import typing

from heatclient import exc as heat_exc
from heatclient.v1 import client as heat_client
from keystoneauth1 import discover
from keystoneauth1 import exceptions as ksa_exc
from keystoneauth1.identity import v3
from keystoneauth1 import session as ksa_session
from mistralclient.api import base as mistral_base
from mistralclient.api.v2 import client as mistral_client
import requests
from tempest.lib import exceptions as lib_exc
from urllib3 import exceptions as urllib3_exc
from vitrageclient import exceptions as vitrage_exc
from vitrageclient.v1 import client as vitrage_client

from self_healing_tempest_plugin.redaction import runtime

# Nova 2.53: services and hypervisors have UUIDs, hypervisors list their
# servers, services tell forced_down (2.11), servers still list everything.
COMPUTE_MICROVERSION = '2.53'

# Placement 1.16: candidates can be limited.
PLACEMENT_MICROVERSION = '1.16'

# Answers that another try may better: throttled, or the server's own fault.
_TRANSIENT_CODES = frozenset([408, 429]) | frozenset(range(500, 600))
_UNREACHABLE = (ksa_exc.ConnectFailure, ksa_exc.ConnectTimeout,
                ksa_exc.UnknownConnectionError, ksa_exc.DiscoveryFailure,
                heat_exc.CommunicationError, requests.ConnectionError,
                requests.Timeout, urllib3_exc.HTTPError)


class ServiceError(lib_exc.TempestException):
    """A service did not do what it was asked for.

    :ivar service: name of the service
    :ivar operation: what it was asked for
    :ivar code: HTTP status, or None
    """

    message = '%(service)s: %(operation)s: %(problem)s'

    def __init__(self, service, operation, problem, code=None):
        self.service, self.operation, self.code = service, operation, code
        super().__init__(service=service, operation=operation,
                         problem=runtime.text(problem))


class ServiceUnavailable(ServiceError):
    """No answer, or one that says "later"; asking again may help."""


class ServiceRefused(ServiceError):
    """A clear no; asking again will not help."""


class ClientDefect(ServiceError):
    """The client library broke over the answer."""


@contextlib.contextmanager
def calling(service, operation):
    """Turn what a client library raises into a :class:`ServiceError`.

    :param service: name of the service, for the message
    :param operation: what it is asked for, for the message
    """
    try:
        yield
    except ServiceError:
        raise
    except Exception as error:
        raise _named(service, operation, error) from error


def _named(service, operation, error):
    text = '%s: %s' % (type(error).__name__, error)
    if isinstance(error, _UNREACHABLE):
        return ServiceUnavailable(service, operation, text)
    code = _code(error)
    if code in _TRANSIENT_CODES or (service, code) == ('Vitrage', 404):
        # Vitrage answers 404 to all that fails within.
        return ServiceUnavailable(service, operation, text, code)
    if code is not None or isinstance(error, ksa_exc.ClientException):
        return ServiceRefused(service, operation, text, code)
    return ClientDefect(service, operation,
                        'the client library failed: %s' % text)


def _code(error):
    if isinstance(error, ksa_exc.HttpError):
        return error.http_status
    if isinstance(error, mistral_base.APIException):
        return error.error_code
    if isinstance(error, (heat_exc.HTTPException,
                          vitrage_exc.ClientException)):
        return error.code
    if isinstance(error, lib_exc.ServerRestClientException):
        return 500
    if isinstance(error, lib_exc.RestClientException):
        resp = getattr(error, 'resp', None)
        return int(resp['status']) if resp else 400
    return None


class _Password(v3.Password):
    """Whose tokens are known to be secret."""

    def get_auth_ref(self, session, **kwargs):
        """Return what Keystone answers."""
        found = super().get_auth_ref(session, **kwargs)
        runtime.learn([found.auth_token])
        return found


def session(cloud, credentials):
    """Return a Keystone session of one project.

    :param cloud: :class:`..config.Cloud`
    :param credentials: Tempest's credentials of the project, identity v3
    """
    auth = _Password(
        auth_url=cloud.auth_url, username=credentials.username,
        password=credentials.password,
        project_name=credentials.project_name,
        user_domain_id=credentials.user_domain_id,
        user_domain_name=credentials.user_domain_name,
        project_domain_id=credentials.project_domain_id,
        project_domain_name=credentials.project_domain_name)
    return ksa_session.Session(auth=auth, verify=cloud.verify,
                               timeout=cloud.request_timeout)


class Heat:
    """Stacks of one project."""

    def __init__(self, keystone, cloud):
        self._client = heat_client.Client(
            session=keystone, service_type=cloud.heat_catalog_type,
            interface=cloud.endpoint_type, region_name=cloud.region)

    def create(self, name, template, files, parameters, timeout):
        """Start to create a stack.

        :param template: text of the HOT
        :param files: what the HOT gets by ``get_file``
        :param timeout: seconds after which Heat itself gives up
        :returns: the stack's id
        """
        with calling('Heat', 'create stack %s' % name):
            return self._client.stacks.create(
                stack_name=name, template=template, files=files,
                parameters=parameters, disable_rollback=True,
                timeout_mins=max(1, -(-timeout // 60)))['stack']['id']

    def stack(self, stack_id, outputs=False):
        """Return a stack as a dict, None when it is deleted.

        :param outputs: whether Heat shall resolve the outputs too, for which
            it asks other services
        """
        with calling('Heat', 'show stack %s' % stack_id):
            try:
                stack = self._client.stacks.get(
                    stack_id, resolve_outputs=outputs).to_dict()
            except heat_exc.HTTPNotFound:
                return None
            gone = stack['stack_status'] == 'DELETE_COMPLETE'
        return None if gone else stack

    def resources(self, stack_id):
        """Return the resources of a stack as a list of dicts.

        A stack that is gone has none.
        """
        with calling('Heat', 'list resources of stack %s' % stack_id):
            try:
                return [resource.to_dict() for resource
                        in self._client.resources.list(stack_id)]
            except heat_exc.HTTPNotFound:
                return []

    def updates(self, stack):
        """Return the events of a stack's own updates, oldest first.

        :param stack: :class:`.application.Stack`
        :returns: list of dicts; the stack's own events, not those of its
            resources; none of a stack that is gone
        """
        with calling('Heat', 'list updates of stack %s' % stack.id):
            try:
                found = self._client.events.list(
                    stack.identifier, sort_dir='asc', filters={
                        'resource_name': stack.name,
                        'resource_action': 'UPDATE'})
            except heat_exc.HTTPNotFound:
                return []
            return [one.to_dict() for one in found]

    def events(self, stack, limit=100):
        """Return the newest events of a stack and its resources, oldest first.

        :param stack: :class:`.application.Stack`
        :param limit: how many
        """
        with calling('Heat', 'list events of stack %s' % stack.id):
            found = self._client.events.list(
                stack.identifier, limit=limit, sort_dir='desc')
            return [one.to_dict() for one in found][::-1]

    def mark_unhealthy(self, stack, resource, reason):
        """Let the next update of a stack replace a resource.

        :param stack: :class:`.application.Stack`
        :param resource: its name, or its physical id
        :param reason: for people
        """
        with calling('Heat', 'mark %s unhealthy' % resource):
            self._client.resources.mark_unhealthy(
                stack.identifier, resource, True, reason)

    def update(self, stack):
        """Start to update a stack with its own template and parameters.

        :param stack: :class:`.application.Stack`
        """
        with calling('Heat', 'update stack %s' % stack.id):
            self._client.stacks.update(stack.identifier, existing=True)

    def engines(self):
        """Return all heat-engines as a list of dicts."""
        with calling('Heat', 'list its services'):
            return [one.to_dict() for one in self._client.services.list()]

    def delete(self, stack_id):
        """Start to delete a stack; a stack that is gone is fine."""
        with calling('Heat', 'delete stack %s' % stack_id):
            with contextlib.suppress(heat_exc.HTTPNotFound):
                self._client.stacks.delete(stack_id)

    def build(self):
        """Return the revision that the engine tells, e.g. ``unknown``."""
        with calling('Heat', 'show its build'):
            return self._client.build_info.build_info()['engine']['revision']

    def resource_types(self):
        """Return the names of all resource types as a set."""
        with calling('Heat', 'list resource types'):
            return {one.resource_type
                    for one in self._client.resource_types.list()}


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
        self._client = vitrage_client.Client(
            session=keystone, service_type=cloud.vitrage_catalog_type,
            interface=cloud.endpoint_type, region_name=cloud.region)

    def entity(self, vitrage_type, entity_id):
        """Return one resource of the graph as a dict, or None.

        :param vitrage_type: e.g. ``nova.host``
        :param entity_id: its id in its own service, e.g. a host name
        """
        with calling('Vitrage', 'find %s %s' % (vitrage_type, entity_id)):
            found = self._client.resource.list(
                resource_type=vitrage_type, all_tenants=True,
                query=json.dumps({'==': {'id': entity_id}}))
            return next(iter(found), None)

    def contains(self, host, instance):
        """Return whether the graph says that a host runs an instance.

        :param host: vertex of the host, from :meth:`entity`
        :param instance: vertex of the instance, from :meth:`entity`
        """
        ids = [host['vitrage_id'], instance['vitrage_id']]
        query = {'or': [{'==': {'vitrage_id': one}} for one in ids]}
        with calling('Vitrage', 'show the topology around %s' % host['id']):
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
        query = {'and': [
            {'==': {'vitrage_is_deleted': False}},
            {'or': [{'==': {'vitrage_id': vitrage_id}},
                    {'==': {'vitrage_category': 'ALARM'}}]}]}
        with calling('Vitrage', 'show the alarms on %s' % vitrage_id):
            try:
                graph = self._client.topology.get(
                    root=vitrage_id, limit=1, query=json.dumps(query),
                    all_tenants=True)
            except vitrage_exc.ClientException as error:
                # That there is no such root is but one of the reasons.
                if error.code != 404:
                    raise
                if self._knows(vitrage_id):
                    raise ServiceUnavailable(
                        'Vitrage', 'show the alarms on %s' % vitrage_id,
                        'it knows it, but says: %s' % error, 404) from error
                return None
            nodes = {one['vitrage_id']: one for one in graph['nodes']}
        entity = nodes.pop(vitrage_id, None)
        return None if entity is None else Around(
            entity, tuple(nodes.values()))

    def causes(self, vitrage_id):
        """Return what caused an alarm, directly or not, active or ended.

        :param vitrage_id: the alarm's ``vitrage_id``
        :returns: the ``vitrage_id`` of each alarm that did, a set
        """
        with calling('Vitrage', 'show what caused alarm %s' % vitrage_id):
            graph = self._client.rca.get(vitrage_id, all_tenants=True)
            nodes = [node.get('vitrage_id') for node in graph['nodes']]
            edges = {(nodes[edge['source']], nodes[edge['target']])
                     for edge in graph['links']}
        found, new = set(), {vitrage_id}
        while new:
            new = {source for source, target in edges
                   if target in new} - found
            found |= new
        return found - {vitrage_id}

    def _knows(self, vitrage_id):
        return bool(self._client.resource.list(
            all_tenants=True,
            query=json.dumps({'==': {'vitrage_id': vitrage_id}})))

    def alarms(self, resource_vitrage_id, vitrage_type, name):
        """Return the alarms of one name on one entity, newest first.

        The history is asked for, which holds the active ones too: an alarm
        goes with the server that it is on. An ended alarm has an
        ``end_timestamp``.

        :param resource_vitrage_id: the entity's ``vitrage_id``
        :param vitrage_type: datasource of the alarm, e.g. ``prometheus``
        :param name: name of the alarm
        """
        with calling('Vitrage', 'list alarms %s' % name):
            # Vitrage filters by LIKE %value%, so the answer is filtered
            # once more. "vitrage_id" would not do: Vitrage ignores it
            # unless filter_by is given too.
            found = self._client.alarm.history(
                all_tenants=True, limit=100, sort_dirs=('desc', 'asc'),
                filter_by=['vitrage_resource_id', 'name'],
                filter_vals=[resource_vitrage_id, name])
            return [alarm for alarm in found
                    if alarm.get('vitrage_resource_id') == resource_vitrage_id
                    and alarm['vitrage_type'] == vitrage_type
                    and alarm['name'] == name]

    def templates(self):
        """Return all templates as a list of dicts."""
        with calling('Vitrage', 'list templates'):
            return self._client.template.list()

    def template(self, uuid):
        """Return one template of the list as a dict, or None."""
        return next((one for one in self.templates()
                     if one['uuid'] == uuid), None)

    def add_template(self, text, parameters):
        """Start to add a template.

        :returns: the template as a dict, with ``uuid`` and ``status``
        :raises ServiceRefused: when Vitrage finds it wrong
        """
        operation = 'add template %s' % parameters.get('template_name')
        with calling('Vitrage', operation):
            added = self._client.template.add(
                template_str=text, params=parameters)[0]
        if added['status'] == 'ERROR':
            raise ServiceRefused('Vitrage', operation,
                                 added['status details'])
        return added

    def delete_template(self, uuid):
        """Start to delete a template."""
        with calling('Vitrage', 'delete template %s' % uuid):
            self._client.template.delete([uuid])

    def post_event(self, time, kind, details):
        """Tell Vitrage what a monitor would; it does not say what it made.

        :param time: ISO 8601 with microseconds, without a zone
        :param kind: type of the event, e.g. ``prometheus.alarm``
        :param details: dict
        """
        with calling('Vitrage', 'post event %s' % kind):
            self._client.event.post(time, kind, details)

    def status(self):
        """Return what vitrage-graph says of itself: OK.

        :raises ServiceUnavailable: when it is not ready
        """
        with calling('Vitrage', 'show its status'):
            return self._client.status.get()['reason']

    def processes(self):
        """Return the names of Vitrage's processes as a set.

        :raises ServiceUnavailable: also where it has no [coordination]
        """
        with calling('Vitrage', 'list its processes'):
            return {one['name'] for one in self._client.service.list()}

    def counts(self):
        """Return how many entities of each type the graph has, as a dict."""
        with calling('Vitrage', 'count entities'):
            return self._client.resource.count(all_tenants=True)

    def hosts(self):
        """Return the hosts of the graph by name, as dicts."""
        with calling('Vitrage', 'list hosts'):
            return {one['id']: one for one in self._client.resource.list(
                resource_type='nova.host', all_tenants=True)}

    def active_alarms(self, vitrage_type):
        """Return the alarms of a datasource that have not ended, as dicts.

        :param vitrage_type: the datasource, e.g. ``prometheus``
        """
        with calling('Vitrage', 'list active alarms'):
            # Vitrage filters by LIKE %value%, see alarms().
            found = self._client.alarm.list(
                'all', all_tenants=True, filter_by=['vitrage_type'],
                filter_vals=[vitrage_type])
            return [one for one in found
                    if one['vitrage_type'] == vitrage_type]

    def newest_alarm(self, vitrage_type):
        """Return the newest alarm of a datasource as a dict, or None.

        :param vitrage_type: the datasource, e.g. ``prometheus``
        """
        with calling('Vitrage', 'list past alarms'):
            found = self._client.alarm.history(
                all_tenants=True, limit=1, sort_dirs=('desc', 'asc'),
                filter_by=['vitrage_type'], filter_vals=[vitrage_type])
            return next(iter(found), None)


class Mistral:
    """Workflow executions."""

    def __init__(self, keystone, cloud):
        self._keystone, self._cloud = keystone, cloud
        self._cached = None

    @property
    def _client(self):
        # The library does not look into the catalog when it is handed a
        # session, and it overrides the session's idea of verification.
        if self._cached is None:
            url = self._keystone.get_endpoint(
                service_type=self._cloud.mistral_catalog_type,
                interface=self._cloud.endpoint_type,
                region_name=self._cloud.region)
            verify = self._cloud.verify
            self._cached = mistral_client.Client(
                mistral_url=url.rstrip('/'), session=self._keystone,
                insecure=verify is False,
                cacert=verify if isinstance(verify, str) else None)
        return self._cached

    def executions(self, workflow_name, server_id):
        """Return the executions of a workflow for one server, oldest first.

        :param workflow_name: name of the workflow
        :param server_id: what the input ``server_id`` must be
        :returns: list of dicts; ``input`` is a dict
        """
        with calling('Mistral', 'list executions of %s' % workflow_name):
            found = [dict(one.to_dict(), input=_input(one)) for one in
                     self._client.executions.list(
                         workflow_name=workflow_name, all_projects='true',
                         sort_keys='created_at', sort_dirs='asc')]
        return [one for one in found
                if one['input'].get('server_id') == server_id]

    def newest_executions(self, workflow_name, limit=10):
        """Return executions of a workflow for any server, newest first.

        :param workflow_name: name of the workflow
        :param limit: how many
        :returns: list of dicts; ``input`` is a dict
        """
        with calling('Mistral', 'list executions of %s' % workflow_name):
            return [dict(one.to_dict(), input=_input(one)) for one in
                    self._client.executions.list(
                        workflow_name=workflow_name, all_projects='true',
                        sort_keys='created_at', sort_dirs='desc',
                        limit=limit)]

    def workflow(self, name):
        """Return a workflow as a dict, None when there is none.

        :param name: its name
        """
        with calling('Mistral', 'show workflow %s' % name):
            try:
                return self._client.workflows.get(name).to_dict()
            except mistral_base.APIException as error:
                if error.error_code == 404:
                    return None
                raise

    def start(self, workflow_name, values, description):
        """Start a workflow.

        :param workflow_name: name of the workflow
        :param values: its input, a dict
        :param description: of the execution, for people
        :returns: id of the execution
        """
        with calling('Mistral', 'start workflow %s' % workflow_name):
            # By position: the name of the first argument has changed before.
            return self._client.executions.create(
                workflow_name, workflow_input=values,
                description=description).id

    def execution(self, execution_id):
        """Return one execution as a dict, with its ``state_info``.

        :returns: None when there is none, or none any more
        """
        with calling('Mistral', 'show execution %s' % execution_id):
            try:
                return self._client.executions.get(execution_id).to_dict()
            except mistral_base.APIException as error:
                if error.error_code == 404:
                    return None
                raise

    def tasks(self, execution_id):
        """Return the tasks of an execution, oldest first, as dicts."""
        with calling('Mistral', 'list tasks of execution %s' % execution_id):
            return [one.to_dict() for one in self._client.tasks.list(
                execution_id, sort_keys='created_at', sort_dirs='asc')]

    def actions(self, names):
        """Return those of the named actions that there are, as a set.

        :param names: e.g. ``heat.stacks_get``
        """
        with calling('Mistral', 'list actions'):
            found = self._client.actions.list(
                name='in:%s' % ','.join(sorted(names)))
            return {one.name for one in found} & set(names)

    def delete_executions(self, prefix):
        """Delete all executions of some workflows, running ones too.

        :param prefix: how the names of the workflows begin
        """
        with calling('Mistral', 'delete executions of %s*' % prefix):
            for one in self._client.executions.list(
                    workflow_name='has:%s' % prefix, all_projects='true'):
                if one.workflow_name.startswith(prefix):
                    self._delete_execution(one.id)

    def _delete_execution(self, execution_id):
        try:
            self._client.executions.delete(execution_id, force=True)
        except mistral_base.APIException as error:
            if error.error_code != 404:
                raise


def _input(execution):
    try:
        values = json.loads(execution.input)
    except (TypeError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


class Nova:
    """Servers, compute services and hypervisors, by Tempest's clients.

    The caller sets :data:`COMPUTE_MICROVERSION` by Tempest's
    ``APIMicroversionFixture``.
    """

    def __init__(self, manager):
        self._servers = manager.servers_client
        self._interfaces = manager.interfaces_client
        self._services = manager.services_client
        self._hypervisors = manager.hypervisor_client
        self._manager = manager

    def server(self, server_id):
        """Return a server as a dict, None when it is deleted."""
        with calling('Nova', 'show server %s' % server_id):
            try:
                return self._servers.show_server(server_id)['server']
            except lib_exc.NotFound:
                return None

    def ports(self, server_id):
        """Return the ids of the ports of a server as a tuple."""
        with calling('Nova', 'list interfaces of server %s' % server_id):
            found = self._interfaces.list_interfaces(
                server_id)['interfaceAttachments']
            return tuple(one['port_id'] for one in found)

    def actions(self, server_id):
        """Return what was done to a server, oldest first, as dicts.

        :returns: empty for a server that was never there
        """
        with calling('Nova', 'list actions on server %s' % server_id):
            try:
                found = self._servers.list_instance_actions(server_id)
            except lib_exc.NotFound:
                return []
            return list(found['instanceActions'])[::-1]

    def console(self, server_id, lines):
        """Return the last lines of a server's console as text.

        :param lines: how many
        """
        with calling('Nova', 'show the console of server %s' % server_id):
            return self._servers.get_console_output(
                server_id, length=lines)['output']

    def reset_state(self, server_id):
        """Put a server into ERROR, as far as Nova's database goes."""
        with calling('Nova', 'reset the state of server %s' % server_id):
            self._servers.reset_state(server_id, state='error')

    def servers_on(self, host):
        """Return the servers of all projects on a host, as dicts."""
        with calling('Nova', 'list servers on %s' % host):
            return self._servers.list_servers(
                detail=True, all_tenants=True, host=host)['servers']

    def services(self):
        """Return all services of Nova as a list of dicts."""
        with calling('Nova', 'list services'):
            return self._services.list_services()['services']

    def compute_services(self):
        """Return all nova-compute services as a list of dicts."""
        with calling('Nova', 'list compute services'):
            return self._services.list_services(
                binary='nova-compute')['services']

    def compute_service(self, host):
        """Return the nova-compute service of a host as a dict, or None."""
        return next((service for service in self.compute_services()
                     if service['host'] == host), None)

    def unforce(self, service):
        """Let Nova decide again whether a service is up.

        :param service: as a dict of Nova
        """
        with calling('Nova', 'un-force host %s' % service['host']):
            self._services.update_service(service['id'], forced_down=False)

    def host_address(self, host):
        """Return the management address of a host, None when unknown."""
        return self._hypervisor(host).get('host_ip')

    def hypervisor_type(self, host):
        """Return what runs the guests of a host, None when unknown.

        :returns: e.g. ``QEMU``, or ``fake`` where none runs
        """
        return self._hypervisor(host).get('hypervisor_type')

    def _hypervisor(self, host):
        return next((one for one in self.hypervisors()
                     if one['service']['host'] == host), {})

    def version(self):
        """Return its newest version, with microversions, as text."""
        with calling('Nova', 'show its version'):
            found = self._manager.compute_versions_client.list_versions()
            one = _current(found['versions'])
            return '%s, microversions %s to %s' % (
                one['id'], one['min_version'], one['version'])

    def hypervisors(self):
        """Return all hypervisors with their details, as dicts."""
        with calling('Nova', 'list hypervisors'):
            return self._hypervisors.list_hypervisors(
                detail=True)['hypervisors']

    def flavor(self, flavor):
        """Return a flavor as a dict, or None.

        :param flavor: its id or its name
        """
        with calling('Nova', 'list flavors'):
            # Without is_public an admin sees the public ones only.
            found = self._manager.flavors_client.list_flavors(
                detail=True, is_public='None')['flavors']
            return _by_id_or_name(found, flavor)


class Neutron:
    """Networks, by Tempest's clients."""

    def __init__(self, manager):
        self._networks = manager.networks_client
        self._versions = manager.network_versions_client
        self._manager = manager

    def version(self):
        """Return its newest version as text."""
        with calling('Neutron', 'show its version'):
            return _current(self._versions.list_versions()['versions'])['id']

    def external_network(self, network):
        """Return an external network as a dict, or None.

        :param network: its id or its name
        """
        with calling('Neutron', 'list external networks'):
            found = self._networks.list_networks(
                **{'router:external': True})['networks']
            return _by_id_or_name(found, network)

    def ports(self, server_id):
        """Return the ports of a server as dicts."""
        with calling('Neutron', 'list ports of server %s' % server_id):
            return self._manager.ports_client.list_ports(
                device_id=server_id)['ports']

    def floating_address(self, address):
        """Return a floating address as a dict, or None.

        :param address: the address itself
        """
        with calling('Neutron', 'find floating address %s' % address):
            return next(iter(
                self._manager.floating_ips_client.list_floatingips(
                    floating_ip_address=address)['floatingips']), None)


class Glance:
    """Images, by Tempest's client."""

    def __init__(self, manager):
        self._images = manager.image_client_v2

    def image(self, image):
        """Return an image as a dict, or None.

        :param image: its id or its name
        """
        with calling('Glance', 'find image %s' % image):
            try:
                return self._images.show_image(image)
            except lib_exc.NotFound:
                return next(iter(self._images.list_images(
                    {'name': image})['images']), None)


class Placement:
    """Room for servers, by Tempest's client.

    The caller sets :data:`PLACEMENT_MICROVERSION` by Tempest's
    ``APIMicroversionFixture``.
    """

    # There may be more; nobody needs that many places for one server.
    LIMIT = 1000

    def __init__(self, manager):
        self._placement = manager.placement_client

    def places(self, flavor):
        """Return where a server has room, as a set of ids of hypervisors.

        :param flavor: the flavor as a dict of Nova
        """
        disk = (flavor['disk'] + flavor['OS-FLV-EXT-DATA:ephemeral']
                + -(-(flavor['swap'] or 0) // 1024))
        wanted = {'VCPU': flavor['vcpus'], 'MEMORY_MB': flavor['ram'],
                  'DISK_GB': disk}
        with calling('Placement', 'list allocation candidates'):
            found = self._placement.list_allocation_candidates(
                limit=self.LIMIT, resources=','.join(
                    '%s:%d' % one for one in wanted.items() if one[1]))
            return {provider for one in found['allocation_requests']
                    for provider in one['allocations']}


def _current(versions):
    return next((one for one in versions if one['status'] == 'CURRENT'),
                versions[-1])


def _by_id_or_name(found, wanted):
    return next((one for one in found
                 if wanted in (one['id'], one['name'])), None)


class Clients:
    """All services of one cloud, for one project.

    :ivar heat: :class:`Heat`
    :ivar vitrage: :class:`Vitrage`
    :ivar mistral: :class:`Mistral`
    :ivar nova: :class:`Nova`
    :ivar neutron: :class:`Neutron`
    """

    def __init__(self, cloud, manager):
        """Make the clients; nothing is asked yet.

        :param cloud: :class:`..config.Cloud`
        :param manager: Tempest's ``clients.Manager`` of the project
        """
        keystone = session(cloud, manager.credentials)
        self._keystone, self._cloud = keystone, cloud
        self.heat = Heat(keystone, cloud)
        self.vitrage = Vitrage(keystone, cloud)
        self.mistral = Mistral(keystone, cloud)
        self.nova = Nova(manager)
        self.neutron = Neutron(manager)

    @property
    def project_id(self):
        """Return the project of the session."""
        with calling('Keystone', 'get a token'):
            return self._keystone.get_project_id()

    def version(self, service, service_type):
        """Return the newest version of a service's API as text.

        :param service: name of the service, for messages
        :param service_type: its type in the catalog
        """
        cloud = self._cloud
        with calling(service, 'show its version'):
            url = self._keystone.get_endpoint(
                service_type=service_type, interface=cloud.endpoint_type,
                region_name=cloud.region)
            if url is None:
                raise ksa_exc.EndpointNotFound(
                    '%s endpoint for %s service in the catalog not found' % (
                        cloud.endpoint_type, service_type))
            # The version document is above the version, wherever that is.
            return self._newest(re.split(r'/v\d', url)[0].rstrip('/') + '/')

    def keystone_version(self):
        """Return the version of Keystone's API as text."""
        with calling('Keystone', 'show its version'):
            return self._newest(self._cloud.auth_url)

    def _newest(self, url):
        found = discover.Discover(self._keystone, url).version_data()
        return 'v' + discover.version_to_string(found[-1]['version'])

    def dates(self):
        """Return what tells the time of each service whose stamps are used.

        :returns: name of the service to a function, see :meth:`date`
        """
        cloud = self._cloud
        return {service: functools.partial(self.date, service, kind)
                for service, kind in (
                    ('Heat', cloud.heat_catalog_type),
                    ('Mistral', cloud.mistral_catalog_type),
                    ('Vitrage', cloud.vitrage_catalog_type),
                    ('Nova', 'compute'))}

    def date(self, service, service_type):
        """Return the time that a service bears in its answer.

        :param service: name of the service, for messages
        :param service_type: its type in the catalog
        :returns: seconds since the epoch, None where it bears none
        """
        cloud = self._cloud
        with calling(service, 'tell its time'):
            url = self._keystone.get_endpoint(
                service_type=service_type, interface=cloud.endpoint_type,
                region_name=cloud.region)
            # Whatever it says, it says when.
            answer = self._keystone.get(
                re.split(r'/v\d', url)[0].rstrip('/') + '/',
                authenticated=False, raise_exc=False)
        return _epoch(answer.headers.get('Date'))


def _epoch(date):
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return None
