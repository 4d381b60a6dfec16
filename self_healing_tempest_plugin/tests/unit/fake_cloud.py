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

"""A cloud over real sockets: the clients under test are the real ones.

Keystone, Heat, Vitrage, Mistral, Nova, Neutron, Glance, Placement and the
application answer from one HTTP server on the loopback. It holds what the
services would hold; nothing happens by itself unless a test says so.
"""

import contextlib
import copy
from http import server
import itertools
import json
import math
import re
import threading
from urllib import parse

import fixtures

PROJECT = '11111111111111111111111111111111'
HOST_VID = '0d1e2f00-0000-4000-8000-000000000001'
SERVER_VID = '0d1e2f00-0000-4000-8000-000000000002'
SERVER = '5e51e500-0000-4000-8000-000000000001'
NEW_SERVER = '5e51e500-0000-4000-8000-000000000002'
STACK = '57ac0000-0000-4000-8000-000000000001'
MADE = '2026-11-28T09:00:00Z'
TEMPLATE = '7e3b1a7e-0000-4000-8000-000000000001'
PORT = '9047e000-0000-4000-8000-000000000001'
EXECUTION = 'e8ec0000-0000-4000-8000-000000000001'
WORKFLOW = 'application-heal_instance-abc'
# heat.api.middleware.fault, as it answers for another project's, too.
NO_STACK = {
    'code': 404, 'title': 'Not Found',
    'explanation': 'The resource could not be found.', 'error': {
        'message': 'The Stack (x) could not be found.', 'traceback': None,
        'type': 'EntityNotFound'}}


class Reply(Exception):
    """Answers with a status instead of a body."""

    def __init__(self, status, body=None):
        super().__init__(status)
        self.status, self.body = status, body or {}


class Silence(Exception):
    """Ends a connection without an answer."""


class FakeCloud(fixtures.Fixture):
    """See the module; ``state`` attributes are the services' contents.

    :ivar requests: (method, path, query, body) of every request, in order
    :ivar broken: regex of paths that answer 503, or None
    :ivar silent: regex of paths that never answer, or None
    :ivar tells_time: whether answers bear a Date, which is then measured
    :ivar history_only: ids of alarms that the graph has not, or not yet
    :ivar graph_only: ids of alarms that the history has not, or not yet
    :ivar causes: ids of the alarms that caused one, by its id
    :ivar granted: roles of the user in other projects, as triples of project,
        user and role
    :ivar trusts: of Keystone, by id
    :ivar users: names of the users that are asked for, by id
    :ivar groups: projects of default security groups, by id of the group
    :ivar elsewhere: URLs in the catalog that are not ours, by service type
    :ivar catalog: paths of further services of ours, by service type
    :ivar asking: ``headers`` of the request that is answered
    """

    def _setUp(self):
        self.lock = threading.RLock()
        self.requests, self.broken, self.silent = [], None, None
        self.elsewhere, self.tells_time = {}, False
        self.asking, self.catalog = threading.local(), {}
        self.alarms, self.entities, self.edges = [], [], []
        self.history_only, self.graph_only = set(), set()
        self.causes = {}
        self.templates, self.executions, self.stacks = [], [], {}
        self.servers, self.services, self.hypervisors = {}, [], []
        self.reports = itertools.count()
        self.stack_resources, self.added_templates = [], []
        self.events, self.tasks = [], []
        self.instance_actions, self.console = {}, ''
        self.answer, self.on_create = None, None
        self.answers_left = math.inf
        self.granted, self.groups = set(), {}
        self.trusts, self.users = {}, {}
        self.images, self.flavors, self.networks = [], [], []
        self.resource_types, self.actions, self.places = [], [], []
        self.processes = ['PersistorService_worker_0',
                          'VitrageNotifierService_worker_0']
        self.ended = threading.Event()
        cloud = self

        class Handler(_Handler):
            fake = cloud

        self.http = _Server(('127.0.0.1', 0), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        self.url = 'http://127.0.0.1:%d' % self.port
        thread = threading.Thread(target=self.http.serve_forever,
                                  kwargs={'poll_interval': 0.02})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.http.server_close)
        self.addCleanup(self.http.shutdown)
        self.addCleanup(self.ended.set)

    def asked(self, method, pattern):
        """Return the recorded requests that match."""
        return [request for request in self.requests if request[0] == method
                and re.search(pattern, request[1])]

    def handle(self, method, path, query, body):
        """Return status, body and headers for a request."""
        if self.silent and re.search(self.silent, path):
            self.ended.wait()
            raise Silence()
        with self.lock:
            self.requests.append((method, path, query, body))
            if self.broken and re.search(self.broken, path):
                return 503, {'description': 'out of order'}, {}
            for route, name in ROUTES:
                match = re.fullmatch(route, '%s %s' % (method, path))
                if match:
                    return getattr(self, name)(query, body, *match.groups())
        raise Reply(404, {'message': 'no %s %s' % (method, path)})

    def token(self, query, body):
        project = body['auth']['scope']['project'].get('id', PROJECT)
        if project != PROJECT and project not in {
                granted[0] for granted in self.granted}:
            raise Reply(401, {'error': {
                'code': 401, 'title': 'Unauthorized', 'message':
                    'The user has no access to project: %s' % project}})
        catalog = [{'type': kind, 'name': kind, 'id': kind, 'endpoints': [
            {'interface': 'public', 'region': 'RegionOne', 'id': kind,
             'region_id': 'RegionOne',
             'url': self.elsewhere.get(kind, self.url + path)}]}
            for kind, path in (
                ('identity', '/identity/v3'),
                ('orchestration', '/heat/v1/' + project), ('rca', '/rca'),
                ('workflowv2', '/mistral/v2'), ('compute', '/nova/v2.1'),
                ('network', '/neutron'), ('image', '/glance'),
                ('placement', '/placement'), *self.catalog.items())]
        domain = {'id': 'default', 'name': 'Default'}
        return 201, {'token': {
            'methods': ['password'], 'expires_at':
                '2099-01-01T00:00:00.000000Z',
            'issued_at': '2026-01-01T00:00:00.000000Z', 'catalog': catalog,
            'project': {'id': project, 'name': 'admin', 'domain': domain},
            'user': {'id': 'u1', 'name': 'admin', 'domain': domain},
            'roles': [{'id': 'r1', 'name': 'admin'}]}}, {
                'X-Subject-Token': 'secret-token'}

    def list_roles(self, query, body, project, user):
        return 200, {'roles': [
            {'id': role} for owner, known, role in sorted(self.granted)
            if (owner, known) == (project, user)]}, {}

    def grant_role(self, query, body, *granted):
        self.granted.add(granted)
        return 204, None, {}

    def revoke_role(self, query, body, *granted):
        if granted not in self.granted:
            raise Reply(404, {'error': {'code': 404, 'title': 'Not Found',
                                        'message': 'no such role'}})
        self.granted.remove(granted)
        return 204, None, {}

    def list_assignments(self, query, body):
        """List who has a role in a project: users, and a group of nobody."""
        project, = query['scope.project.id']
        return 200, {'role_assignments': [
            {'group': {'id': 'operators'}}, *(
                {'user': {'id': known['trustor_user_id']}}
                for known in self.trusts.values()
                if known['project_id'] == project)]}, {}

    def list_trusts(self, query, body):
        """List them as Keystone does: what a trust hands on is not told."""
        trustor, = query['trustor_user_id']
        return 200, {'trusts': [
            {name: value for name, value in known.items() if name != 'roles'}
            for known in self.trusts.values()
            if known['trustor_user_id'] == trustor],
            'links': {'next': None}}, {}

    def delete_trust(self, query, body, trust_id):
        if trust_id not in self.trusts:
            raise Reply(404, {'error': {
                'code': 404, 'title': 'Not Found', 'message': 'no trust'}})
        del self.trusts[trust_id]
        return 204, None, {}

    def show_user(self, query, body, user_id):
        if user_id not in self.users:
            raise Reply(404, {'error': {
                'code': 404, 'title': 'Not Found', 'message': 'no user'}})
        return 200, {'user': {'id': user_id, 'name': self.users[user_id],
                              'domain_id': 'default', 'enabled': True}}, {}

    def list_groups(self, query, body):
        return 200, {'security_groups': [
            {'id': group, 'name': 'default'}
            for group, project in self.groups.items()
            if [project] == query['project_id']
            and query['name'] == ['default']]}, {}

    def delete_group(self, query, body, group):
        del self.groups[group]
        return 204, None, {}

    def delete_identity(self, query, body, kind, identity):
        return 204, None, {}

    def stop_server(self, server_id):
        if self.servers[server_id].get('status') == 'SHUTOFF':
            raise Reply(409, {'conflictingRequest': {
                'message': 'it is stopped', 'code': 409}})
        self.servers[server_id]['status'] = 'SHUTOFF'
        return 202, None, {}

    def delete_server(self, query, body, server_id):
        if self.servers.pop(server_id, None) is None:
            raise Reply(404, {'itemNotFound': {'message': 'x', 'code': 404}})
        return 204, None, {}

    def create_stack(self, query, body):
        # Those that live have ids of their own.
        living = sum(stack['stack_status'] != 'DELETE_COMPLETE'
                     for stack in self.stacks.values())
        stack_id = '%s%d' % (STACK[:-1], living + 1)
        self.stacks[stack_id] = {
            'id': stack_id, 'stack_name': body['stack_name'],
            'stack_status': 'CREATE_COMPLETE', 'stack_status_reason': 'ok',
            'creation_time': MADE, 'updated_time': None, 'outputs': [
                {'output_key': 'address', 'output_value': '127.0.0.1'}]}
        if self.on_create:
            self.on_create()
        return 201, {'stack': {'id': stack_id, 'links': []}}, {}

    def _stack(self, identifier):
        for stack in self.stacks.values():
            if identifier in (stack['stack_name'], stack['id'], '%s/%s' % (
                    stack['stack_name'], stack['id'])):
                return stack
        raise Reply(404, NO_STACK)

    def list_stacks(self, query, body):
        return 200, {'stacks': [
            stack for stack in self.stacks.values()
            if stack['stack_status'] != 'DELETE_COMPLETE'
            and stack['id'] in query.get('id', (stack['id'],))]}, {}

    def show_stack(self, query, body, identifier):
        stack = dict(self._stack(identifier))
        if query.get('resolve_outputs') == ['False']:
            stack.pop('outputs')
        return 200, {'stack': stack}, {}

    def list_resources(self, query, body, identifier):
        self._stack(identifier)
        return 200, {'resources': self.stack_resources}, {}

    def list_events(self, query, body, identifier):
        self._stack(identifier)
        wanted = {key: values[0] for key, values in query.items()
                  if key in ('resource_name', 'resource_action')}
        events = [record for record in self.events
                  if all(record[key] == wanted[key] for key in wanted)]
        # Heat lists the newest first, unless it is told otherwise.
        if query.get('sort_dir') != ['asc']:
            events = events[::-1]
        return 200, {'events': events[:int(query.get('limit', ['99'])[0])]}, {}

    def delete_stack(self, query, body, identifier):
        self._stack(identifier)['stack_status'] = 'DELETE_COMPLETE'
        return 204, None, {}

    def list_alarms(self, query, body):
        names = query.get('filter_by', [])
        values = query.get('filter_vals', [])
        return 200, [vertex for vertex in self.alarms
                     if vertex['vitrage_id'] not in self.graph_only and all(
                         value in str(vertex.get(name))
                         for name, value in zip(names, values))], {}

    def list_active_alarms(self, query, body):
        _, alarms, _ = self.list_alarms(query, body)
        return 200, [vertex for vertex in alarms
                     if not vertex.get('end_timestamp')], {}

    def list_entities(self, query, body):
        wanted = json.loads(body['query'])['=='] if body['query'] else {}
        if body['resource_type']:
            wanted = dict(wanted, vitrage_type=body['resource_type'])
        return 200, [entity for entity in self.entities if all(
            entity[key] == wanted[key] for key in wanted)], {}

    def count_entities(self, query, body):
        kinds = [entity['vitrage_type'] for entity in self.entities]
        return 200, {kind: kinds.count(kind) for kind in kinds}, {}

    def status(self, query, body):
        return 200, {'reason': 'OK'}, {}

    def list_processes(self, query, body):
        if self.processes is None:
            raise Reply(500, 'Service API not supported')
        return 200, [{'name': process} for process in self.processes], {}

    def topology(self, query, body):
        if body.get('root') and body['depth'] == 2:
            return self._on(body['root'])
        if body.get('root'):
            return self._around(body['root'])
        wanted = [term['==']['vitrage_id']
                  for term in json.loads(body['query'])['or']]
        nodes = [entity for entity in self.entities
                 if entity['vitrage_id'] in wanted]
        ids = [node['vitrage_id'] for node in nodes]
        links = [{'source': ids.index(a), 'target': ids.index(b),
                  'relationship_type': label, 'vitrage_is_deleted': False}
                 for a, label, b in self.edges if a in ids and b in ids]
        return 200, {'nodes': nodes, 'links': links, 'graph': {}}, {}

    def _around(self, root):
        nodes = [entity for entity in self.entities
                 if entity['vitrage_id'] == root]
        if not nodes:
            raise Reply(404, {'message': 'Failed to get topology.'})
        nodes += [dict(vertex, vitrage_category='ALARM')
                  for vertex in self.alarms
                  if vertex['vitrage_resource_id'] == root
                  and vertex['vitrage_id'] not in self.history_only
                  and not vertex.get('end_timestamp')]
        return 200, {'nodes': nodes, 'links': [], 'graph': {}}, {}

    def _on(self, root):
        """Return a host with its instances and the alarms on them."""
        on = [root, *(b for a, label, b in self.edges
                      if (a, label) == (root, 'contains'))]
        nodes = []
        for vitrage_id in on:
            with contextlib.suppress(Reply):
                nodes += self._around(vitrage_id)[1]['nodes']
        if not nodes or nodes[0]['vitrage_id'] != root:
            raise Reply(404, {'message': 'Failed to get topology.'})
        return 200, {'nodes': nodes, 'links': [], 'graph': {}}, {}

    def rca(self, query, body):
        """Return an alarm with those that caused it, as far as told."""
        alarm_id, = query['alarm_id']
        ids = [alarm_id, *self.causes.get(alarm_id, ())]
        return 200, {
            'nodes': [{'vitrage_id': vitrage_id} for vitrage_id in ids],
            'links': [{'source': index, 'target': 0, 'key': 'causes'}
                      for index in range(1, len(ids))],
            'graph': {}}, {}

    def list_templates(self, query, body):
        return 200, self.templates, {}

    def add_template(self, query, body):
        name = body['params']['template_name']
        self.added_templates.append(body)
        template = {'uuid': TEMPLATE, 'name': name, 'status': 'LOADING',
                    'status details': 'ok', 'type': 'standard', 'date': ''}
        self.templates.append(dict(template, status='ACTIVE'))
        return 200, [template], {}

    def delete_template(self, query, body):
        self.templates = [template for template in self.templates
                          if template['uuid'] not in body['id']]
        return 200, None, {}

    def list_executions(self, query, body):
        wanted = query['workflow_name'][0]
        return 200, {'executions': [
            record for record in self.executions
            if record['workflow_name'] == wanted
            or (wanted.startswith('in:')
                and record['workflow_name'] in wanted[3:].split(','))
            or (wanted.startswith('has:')
                and wanted[4:] in record['workflow_name'])]}, {}

    def list_tasks(self, query, body, execution):
        return 200, {'tasks': [record for record in self.tasks if record[
            'workflow_execution_id'] == execution]}, {}

    def show_execution(self, query, body, execution):
        for record in self.executions:
            if record['id'] == execution:
                return 200, record, {}
        raise Reply(404, {'debuginfo': None, 'faultcode': 'Client',
                          'faultstring': 'WorkflowExecution not found'})

    def delete_execution(self, query, body, execution):
        self.show_execution(query, body, execution)
        self.executions = [record for record in self.executions
                           if record['id'] != execution]
        return 204, None, {}

    def show_server(self, query, body, server_id):
        if server_id not in self.servers:
            raise Reply(404, {'itemNotFound': {'message': 'x', 'code': 404}})
        return 200, {'server': nova_server(self.servers[server_id])}, {}

    def list_interfaces(self, query, body, server_id):
        return 200, {'interfaceAttachments': [{
            'port_state': 'ACTIVE', 'port_id': PORT, 'net_id': PORT,
            'mac_addr': 'fa:16:3e:00:00:01', 'fixed_ips': []}]}, {}

    def list_instance_actions(self, query, body, server_id):
        if server_id not in self.instance_actions:
            raise Reply(404, {'itemNotFound': {'message': 'x', 'code': 404}})
        return 200, {'instanceActions': self.instance_actions[server_id]}, {}

    def act(self, query, body, server_id):
        if 'os-stop' in body:
            return self.stop_server(server_id)
        lines = body['os-getConsoleOutput']['length']
        return 200, {'output': '\n'.join(
            self.console.splitlines()[-int(lines):])}, {}

    def list_servers(self, query, body):
        return 200, {'servers': [
            nova_server(instance) for instance in self.servers.values()
            if instance['host'] == query['host'][0]]}, {}

    def list_services(self, query, body):
        wanted = query.get('binary')
        moment = self.reported()
        return 200, {'services': [
            dict(record, updated_at=record['updated_at'] or moment)
            for record in self.services
            if wanted in (None, [record['binary']])]}, {}

    def reported(self):
        """Return when services have reported: since they were asked for."""
        return '2026-01-01T00:00:00.%06d' % next(self.reports)

    def update_service(self, query, body, service_id):
        record = next(record for record in self.services
                      if record['id'] == service_id)
        record.update(body)
        return 200, {'service': dict(record, updated_at=self.reported())}, {}

    def list_hypervisors(self, query, body):
        return 200, {'hypervisors': self.hypervisors}, {}

    def list_flavors(self, query, body):
        return 200, {'flavors': self.flavors}, {}

    def nova_versions(self, query, body):
        return 200, {'versions': [{
            'id': 'v2.1', 'status': 'CURRENT', 'version': '2.100',
            'min_version': '2.1', 'updated': '2013-07-23T11:33:21Z',
            'links': []}]}, {}

    def keystone_version(self, query, body):
        return 200, {'version': {
            'id': 'v3.14', 'status': 'stable', 'links': [
                {'rel': 'self', 'href': self.url + '/identity/v3/'}]}}, {}

    def versions(self, query, body, service):
        return 200, {'versions': [{
            'id': {'mistral': 'v2.0', 'neutron': 'v2.0'}.get(service, 'v1.0'),
            'status': 'CURRENT', 'links': [
                {'rel': 'self', 'href': self.url + '/v1'}]}]}, {}

    def heat_build(self, query, body):
        return 200, {'api': {'revision': 'r1'}, 'engine': {
            'revision': 'r1'}}, {}

    def list_resource_types(self, query, body):
        return 200, {'resource_types': self.resource_types}, {}

    def list_actions(self, query, body):
        wanted = query['name'][0].removeprefix('in:').split(',')
        return 200, {'actions': [{'name': action} for action in self.actions
                                 if action in wanted]}, {}

    def list_workflows(self, query, body):
        return 200, {'workflows': []}, {}

    def list_networks(self, query, body):
        return 200, {'networks': self.networks}, {}

    def show_image(self, query, body, image):
        for record in self.images:
            if record['id'] == image:
                return 200, record, {}
        raise Reply(404, {'message': 'no image'})

    def list_images(self, query, body):
        return 200, {'images': [image for image in self.images
                                if [image['name']] == query['name']]}, {}

    def list_places(self, query, body):
        return 200, {'provider_summaries': {}, 'allocation_requests': [
            {'allocations': {place: {'resources': {}}}}
            for place in self.places]}, {}

    def application(self, query, body):
        self.answers_left -= 1
        if self.answer is None or self.answers_left < 0:
            raise Reply(503)
        return 200, 'nonce=%s\nserver=%s\nboot=%s\n' % (
            query['nonce'][0], *self.answer), {}


ROUTES = (
    (r'POST /identity/v3/auth/tokens', 'token'),
    (r'GET /identity/v3', 'keystone_version'),
    (r'GET /identity/v3/projects/([^/]+)/users/([^/]+)/roles', 'list_roles'),
    (r'PUT /identity/v3/projects/([^/]+)/users/([^/]+)/roles/([^/]+)',
     'grant_role'),
    (r'DELETE /identity/v3/projects/([^/]+)/users/([^/]+)/roles/([^/]+)',
     'revoke_role'),
    (r'DELETE /identity/v3/(users|projects)/([^/]+)', 'delete_identity'),
    (r'GET /identity/v3/users/([^/]+)', 'show_user'),
    (r'GET /identity/v3/role_assignments', 'list_assignments'),
    (r'GET /identity/v3/OS-TRUST/trusts', 'list_trusts'),
    (r'DELETE /identity/v3/OS-TRUST/trusts/(.+)', 'delete_trust'),
    (r'DELETE /nova/v2.1/servers/([^/]+)', 'delete_server'),
    (r'GET /(heat|mistral|rca|neutron)/', 'versions'),
    (r'GET /heat/v1/\w+/build_info', 'heat_build'),
    (r'GET /heat/v1/\w+/resource_types', 'list_resource_types'),
    (r'POST /heat/v1/\w+/stacks', 'create_stack'),
    (r'GET /heat/v1/\w+/stacks', 'list_stacks'),
    (r'GET /heat/v1/\w+/stacks/([^/]+(?:/[^/]+)?)', 'show_stack'),
    (r'DELETE /heat/v1/\w+/stacks/([^/]+(?:/[^/]+)?)', 'delete_stack'),
    (r'GET /heat/v1/\w+/stacks/(.+)/resources', 'list_resources'),
    (r'GET /heat/v1/\w+/stacks/(.+)/events', 'list_events'),
    (r'GET /rca/v1/status/', 'status'),
    (r'GET /rca/v1/service/', 'list_processes'),
    (r'GET /rca/v1/alarm/', 'list_active_alarms'),
    (r'GET /rca/v1/alarm/history/', 'list_alarms'),
    (r'POST /rca/v1/resources/count/', 'count_entities'),
    (r'POST /rca/v1/resources/', 'list_entities'),
    (r'POST /rca/v1/topology/', 'topology'),
    (r'GET /rca/v1/rca/', 'rca'),
    (r'GET /rca/v1/template/', 'list_templates'),
    (r'PUT /rca/v1/template/', 'add_template'),
    (r'DELETE /rca/v1/template/', 'delete_template'),
    (r'GET /mistral/v2/actions', 'list_actions'),
    (r'GET /mistral/v2/workflows', 'list_workflows'),
    (r'GET /mistral/v2/executions', 'list_executions'),
    (r'GET /mistral/v2/executions/([^/]+)', 'show_execution'),
    (r'GET /mistral/v2/executions/([^/]+)/tasks', 'list_tasks'),
    (r'DELETE /mistral/v2/executions/([^/]+)', 'delete_execution'),
    (r'GET /nova/', 'nova_versions'),
    (r'GET /nova/v2.1/flavors/detail', 'list_flavors'),
    (r'GET /nova/v2.1/servers/detail', 'list_servers'),
    (r'GET /nova/v2.1/servers/([^/]+)/os-interface', 'list_interfaces'),
    (r'GET /nova/v2.1/servers/([^/]+)/os-instance-actions',
     'list_instance_actions'),
    (r'POST /nova/v2.1/servers/([^/]+)/action', 'act'),
    (r'GET /nova/v2.1/servers/([^/]+)', 'show_server'),
    (r'GET /nova/v2.1/os-services', 'list_services'),
    (r'PUT /nova/v2.1/os-services/([^/]+)', 'update_service'),
    (r'GET /nova/v2.1/os-hypervisors/detail', 'list_hypervisors'),
    (r'GET /neutron/v2.0/networks', 'list_networks'),
    (r'GET /neutron/v2.0/security-groups', 'list_groups'),
    (r'DELETE /neutron/v2.0/security-groups/([^/]+)', 'delete_group'),
    (r'GET /glance/v2/images/([^/]+)', 'show_image'),
    (r'GET /glance/v2/images', 'list_images'),
    (r'GET /placement/allocation_candidates', 'list_places'),
    (r'GET /', 'application'),
)


class _Server(server.ThreadingHTTPServer):
    # Whoever asks many things at once would wait a second for the kernel.
    request_queue_size = 128


class _Handler(server.BaseHTTPRequestHandler):
    fake = None
    protocol_version = 'HTTP/1.1'

    def _serve(self):
        url = parse.urlsplit(self.path)
        self.fake.asking.headers = self.headers
        raw = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        try:
            body = json.loads(raw or b'null')
            status, answer, headers = self.fake.handle(
                self.command, url.path, parse.parse_qs(url.query), body)
        except Reply as reply:
            status, answer, headers = reply.status, reply.body, {}
        except Silence:
            self.close_connection = True
            return
        text = answer if isinstance(answer, str) else json.dumps(answer)
        data = b'' if status == 204 else text.encode()
        self.send_response_only(status)
        if self.fake.tells_time:
            self.send_header('Date', self.date_time_string())
        version = self.headers.get('X-OpenStack-Nova-API-Version')
        if version:
            headers = dict(headers, **{
                'X-OpenStack-Nova-API-Version': version})
        version = self.headers.get('OpenStack-API-Version')
        if version:
            headers = dict(headers, **{'OpenStack-API-Version': version})
        headers = {'Content-Type': 'text/plain' if isinstance(answer, str)
                   else 'application/json', **headers}
        self.send_header('Content-Length', str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def log_message(self, *args):
        """Say nothing."""


def alarm(vitrage_id, resource=HOST_VID, kind='prometheus', name='HostDown',
          start='2026-01-01 00:00:10+00:00', end=None):
    """Return an alarm as Vitrage lists it."""
    vertex = {'vitrage_id': vitrage_id, 'vitrage_type': kind, 'name': name,
              'vitrage_resource_id': resource, 'start_timestamp': start,
              'update_timestamp': start, 'state': 'Active'}
    if end:
        vertex.update(end_timestamp=end, state='Inactive')
    return vertex


def deduced(vitrage_id='deduced-1', **values):
    """Return the deduced alarm on the server."""
    return alarm(vitrage_id, resource=SERVER_VID, kind='vitrage',
                 name='Instance down', **values)


def host_entity():
    """Return the host's vertex."""
    return {'id': 'compute-1', 'vitrage_id': HOST_VID, 'name': 'compute-1',
            'vitrage_type': 'nova.host', 'vitrage_aggregated_state': 'OK'}


def server_entity(state='ACTIVE'):
    """Return the server's vertex."""
    return {'id': SERVER, 'vitrage_id': SERVER_VID, 'name': 'app',
            'vitrage_type': 'nova.instance', 'state': 'ACTIVE',
            'vitrage_aggregated_state': state}


def execution(state='RUNNING', id=EXECUTION, server_id=SERVER, output=None,
              state_info=None):
    """Return an execution as Mistral lists it."""
    return {'id': id, 'workflow_name': WORKFLOW, 'state': state,
            'state_info': state_info, 'created_at': '2026-01-01 00:00:12',
            'updated_at': '2026-01-01 00:00:15',
            'output': json.dumps(output or {}),
            'input': json.dumps({'stack_id': STACK, 'server_id': server_id})}


def event(status, id='event-1', action='UPDATE', name='app', reason='',
          time='2026-01-01T00:00:13Z'):
    """Return an event of a stack as Heat lists it."""
    return {'id': id, 'resource_name': name, 'resource_action': action,
            'resource_status': '%s_%s' % (action, status),
            'resource_status_reason': reason,
            'event_time': time, 'physical_resource_id': STACK,
            'logical_resource_id': name, 'links': []}


def task(name, state='SUCCESS', id='task-1', execution=EXECUTION, reason=None):
    """Return a task of an execution as Mistral lists it."""
    return {'id': id, 'name': name, 'state': state, 'state_info': reason,
            'workflow_execution_id': execution, 'workflow_name': WORKFLOW,
            'created_at': '2026-01-01 00:00:12',
            'updated_at': '2026-01-01 00:00:14'}


def instance_action(name, id='req-1', time='2026-01-01T00:00:14.000000'):
    """Return an action on a server as Nova lists it."""
    return {'action': name, 'request_id': id, 'start_time': time,
            'message': None, 'project_id': PROJECT, 'user_id': 'u1',
            'instance_uuid': SERVER}


def resources(server_id=SERVER):
    """Return the stack's resources as Heat lists them."""
    return [{'resource_name': name, 'resource_type': kind,
             'physical_resource_id': physical}
            for name, kind, physical in (
                ('server', 'OS::Nova::Server', server_id),
                ('heal_instance', 'OS::Mistral::Workflow', WORKFLOW),
                ('healing_rule', 'OS::Vitrage::Template', 'rule-1'))]


def compute_service(host, state='up', status='enabled', forced_down=False,
                    binary='nova-compute'):
    """Return a service of Nova."""
    return {'id': 'f0000000-0000-4000-8000-0000000000%02d' % len(host),
            'binary': binary, 'host': host, 'zone': 'nova',
            'state': state, 'status': status, 'disabled_reason': None,
            'forced_down': forced_down,
            # None: it reports.
            'updated_at': None}


def hypervisor(host, address, number=1):
    """Return a hypervisor with its details."""
    return {'id': provider(number), 'host_ip': address,
            'hypervisor_hostname': host, 'hypervisor_type': 'QEMU',
            'hypervisor_version': 7002000, 'cpu_info': {}, 'vcpus': 2,
            'memory_mb': 4096, 'local_gb': 10, 'vcpus_used': 0,
            'memory_mb_used': 0, 'local_gb_used': 0, 'free_ram_mb': 4096,
            'free_disk_gb': 10, 'current_workload': 0, 'running_vms': 0,
            'disk_available_least': 10, 'state': 'up', 'status': 'enabled',
            'service': {'id': 'f0000000-0000-4000-8000-000000000009',
                        'host': host, 'disabled_reason': None},
            'servers': []}


def provider(number):
    """Return the id of a hypervisor, and of its resource provider."""
    return 'f1000000-0000-4000-8000-%012d' % number


def flavor(name):
    """Return a flavor with its details."""
    return {'id': 'f2000000-0000-4000-8000-000000000001', 'name': name,
            'ram': 64, 'vcpus': 1, 'disk': 0, 'swap': '', 'links': [],
            'OS-FLV-EXT-DATA:ephemeral': 0}


_SERVER = {
    'name': 'app', 'user_id': 'u1', 'hostId': 'h', 'links': [], 'image': '',
    'tags': [], 'description': None, 'locked': False, 'metadata': {},
    'host_status': 'UP', 'key_name': None, 'config_drive': 'True',
    'accessIPv4': '', 'accessIPv6': '', 'created': '2026-01-01T00:00:00Z',
    'updated': '2026-01-01T00:00:00Z', 'addresses': {}, 'progress': 0,
    'OS-DCF:diskConfig': 'AUTO', 'OS-EXT-AZ:availability_zone': 'nova',
    'OS-EXT-STS:task_state': None, 'OS-EXT-STS:vm_state': 'active',
    'OS-EXT-STS:power_state': 1, 'OS-SRV-USG:terminated_at': None,
    'OS-SRV-USG:launched_at': '2026-01-01T00:00:00.000000',
    'OS-EXT-SRV-ATTR:hypervisor_hostname': 'h',
    'OS-EXT-SRV-ATTR:instance_name': 'instance-1',
    'OS-EXT-SRV-ATTR:root_device_name': '/dev/vda',
    'OS-EXT-SRV-ATTR:reservation_id': 'r-1',
    'OS-EXT-SRV-ATTR:launch_index': 0, 'OS-EXT-SRV-ATTR:hostname': 'app',
    'OS-EXT-SRV-ATTR:kernel_id': '', 'OS-EXT-SRV-ATTR:ramdisk_id': '',
    'OS-EXT-SRV-ATTR:user_data': None,
    'os-extended-volumes:volumes_attached': [],
    'security_groups': [],
    'flavor': {'original_name': 'm1.nano', 'vcpus': 1, 'ram': 64, 'disk': 0,
               'ephemeral': 0, 'swap': 0, 'extra_specs': {}},
}


def nova_server(brief):
    """Return a server with all that Tempest's schema asks for.

    :param brief: dict of id, host, status and tenant_id
    """
    full = copy.deepcopy(_SERVER)
    full.update(id=brief['id'], status=brief.get('status', 'ACTIVE'),
                tenant_id=brief.get('tenant_id', PROJECT))
    full['OS-EXT-SRV-ATTR:host'] = brief['host']
    return full
