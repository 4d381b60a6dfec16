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

"""The fake cloud, with Aodh and Zaqar, and a member that owns a stack.

What is the administrator's business alone is refused to the member, and the
member's stack is nowhere but in the member's project: whose clients are asked
is no matter of taste.
"""

import json
import re

from self_healing_tempest_plugin.services import clients
from self_healing_tempest_plugin.tests.unit import diagnosis_samples
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_healing_cloud
from self_healing_tempest_plugin.tests.unit import fake_membership
from self_healing_tempest_plugin.tests.unit import service_samples

TENANT = fake_membership.TENANT
ALARMS = {'error_alarm': 'a1a40000-0000-4000-8000-000000000001',
          'stop_alarm': 'a1a40000-0000-4000-8000-000000000002',
          'delete_alarm': 'a1a40000-0000-4000-8000-000000000003'}
QUEUE = 'app-alarm_queue-x7'
TRUST = '7905700000000000000000000000aaaa'
TOKEN = 'token-of-the-member'
MEMBER = 'a7e4be00000000000000000000000001'
# The users of the services, with their names.
USERS = {'5e4b1ce0000000000000000000000001': 'aodh',
         '5e4b1ce0000000000000000000000002': 'zaqar'}
AODH, ZAQAR = USERS

# Names and types of the stack's resources, with their physical ids.
RESOURCES = (
    ('server', 'OS::Nova::Server', fake_cloud.SERVER),
    ('heal_instance', 'OS::Mistral::Workflow', fake_cloud.WORKFLOW),
    ('alarm_queue', 'OS::Zaqar::Queue', QUEUE),
    ('trigger', 'OS::Zaqar::MistralTrigger', 'sub-1'),
    *((name, 'OS::Aodh::EventAlarm', alarm_id)
      for name, alarm_id in ALARMS.items()))

ROUTES = {
    **fake_membership.ROUTES,
    'GET /identity/v3/OS-TRUST/trusts/(.+)': 'show_trust',
    'GET /aodh/': 'aodh_versions',
    'GET /aodh/v2/alarms': 'list_event_alarms',
    'GET /aodh/v2/alarms/([^/]+)': 'show_event_alarm',
    'GET /aodh/v2/alarms/([^/]+)/history': 'list_changes',
    'GET /zaqar/': 'zaqar_versions',
    'GET /zaqar/v2/queues/([^/]+)': 'show_queue',
    'GET /zaqar/v2/queues/([^/]+)/stats': 'show_stats',
    'GET /zaqar/v2/queues/([^/]+)/messages': 'list_messages',
    'POST /zaqar/v2/queues/([^/]+)/messages': 'post_messages',
    'GET /zaqar/v2/queues/([^/]+)/subscriptions': 'list_subscriptions',
}

# What a member may not do.
FORBIDDEN = (r'GET /nova/v2.1/(os-services|os-hypervisors)',
             r'POST /nova/v2.1/servers/[^/]+/action',
             r'GET /heat/v1/\w+/services', r'.* /rca/',
             r'GET /identity/v3/users/')

# Messages that Zaqar shows at once.
PAGE = 10


class FakeTenantCloud(fake_membership.Membership,
                      fake_healing_cloud.FakeHealingCloud):
    """Its later links work as far as ``works`` has their names.

    :ivar event_alarms: of Aodh, by id
    :ivar changes: of alarms, by their id, oldest first
    :ivar recording: whether Aodh records them
    :ivar queues: of Zaqar: their messages, by name
    :ivar redis: whether Zaqar stores them in Redis
    :ivar subscriptions: of the queue, a list
    :ivar trusts: of Keystone, by id
    :ivar roles: of the member
    :ivar forbidden: regexes of requests that are refused to the member
    """

    def _setUp(self):
        super()._setUp()
        self.catalog = {'alarming': '/aodh', 'messaging': '/zaqar'}
        self.works |= {'event_alarm', 'message'}
        self.event_alarms = {alarm_id: event_alarm(name, alarm_id)
                             for name, alarm_id in ALARMS.items()}
        self.changes = {alarm_id: [] for alarm_id in self.event_alarms}
        self.recording, self.events_fired = True, 0
        self.queues, self.subscriptions = {QUEUE: []}, [subscription()]
        self.redis = False
        self.users = dict(USERS)
        self.trusts = {known['id']: known for known in (
            trust(TRUST, ZAQAR), *(trust(alarm_id.replace('-', ''), AODH)
                                   for alarm_id in ALARMS.values()))}
        self.roles, self.forbidden = ['member', 'reader'], FORBIDDEN

    def handle(self, method, path, query, body):
        """Return status, body and headers for a request."""
        wanted = '%s %s' % (method, path)
        if self.of_member() and any(
                re.match(route, wanted) for route in self.forbidden):
            self.requests.append((method, path, query, body))
            raise fake_cloud.Reply(403, {'forbidden': {'message': 'no'}})
        if '/heat/v1/%s/stacks' % fake_cloud.PROJECT in path:
            raise fake_cloud.Reply(404, fake_cloud.NO_STACK)
        for route, name in ROUTES.items():
            match = re.fullmatch(route, wanted)
            if match and not (self.silent
                              and re.search(self.silent, path)):
                return self._answer(name, match, method, path, query, body)
        return super().handle(method, path, query, body)

    def _answer(self, name, match, method, path, query, body):
        with self.lock:
            self.requests.append((method, path, query, body))
            if self.broken and re.search(self.broken, path):
                return 503, {'description': 'out of order'}, {}
            if path.startswith('/zaqar/v2') and not (
                    self.asking.headers.get('Client-ID')):
                raise fake_cloud.Reply(400, {'description': 'no Client-ID'})
            return getattr(self, name)(query, body, *match.groups())

    def of_member(self):
        """Return whether the request that is answered is the member's."""
        return self.asking.headers.get('X-Auth-Token') == TOKEN

    def token(self, query, body):
        user = body['auth']['identity']['password']['user']
        member = user.get('name') == 'member' or self.is_made(user)
        if member:
            body['auth']['scope']['project'].pop('id', None)
        status, answer, headers = super().token(query, body)
        if not member:
            return status, answer, headers
        token = answer['token']
        token['project'].update(id=TENANT, name='tenant')
        token['user'].update(id=MEMBER, name='member')
        token['roles'] = [{'id': role, 'name': role} for role in self.roles]
        for service in token['catalog']:
            for endpoint in service['endpoints']:
                endpoint['url'] = endpoint['url'].replace(fake_cloud.PROJECT,
                                                          TENANT)
        return status, answer, {'X-Subject-Token': TOKEN}

    def list_executions(self, query, body):
        if 'all_projects' in query and self.of_member():
            raise fake_cloud.Reply(403, {'faultstring': 'admin only'})
        return super().list_executions(query, body)

    def list_trusts(self, query, body):
        trustor, = query.get('trustor_user_id', [None])
        if self.of_member() and trustor != MEMBER:
            # A list of all of them is the administrator's.
            raise fake_cloud.Reply(403, {'error': {'message': 'no'}})
        return super().list_trusts(query, body)

    def show_trust(self, query, body, trust_id):
        if trust_id not in self.trusts:
            raise fake_cloud.Reply(404, {'error': {
                'code': 404, 'title': 'Not Found', 'message': 'no trust'}})
        return 200, {'trust': self.trusts[trust_id]}, {}

    def aodh_versions(self, query, body):
        return 200, {'versions': {'values': [{
            'id': 'v2', 'status': 'stable',
            'updated': '2013-02-13T00:00:00Z', 'links': [
                {'href': self.url + '/aodh/v2', 'rel': 'self'}]}]}}, {}

    def list_event_alarms(self, query, body):
        other = {'alarm_id': 'other', 'type': 'composite', 'state': 'ok'}
        return 200, [other, *self.event_alarms.values()], {}

    def show_event_alarm(self, query, body, alarm_id):
        if alarm_id not in self.event_alarms:
            raise fake_cloud.Reply(404, {'error_message': {
                'debuginfo': None, 'faultcode': 'Client',
                'faultstring': 'Alarm %s not found' % alarm_id}})
        return 200, self.event_alarms[alarm_id], {}

    def list_changes(self, query, body, alarm_id):
        self.show_event_alarm(query, body, alarm_id)
        # Aodh lists the newest first.
        return 200, self.changes[alarm_id][::-1], {}

    def zaqar_versions(self, query, body):
        return 300, {'versions': [{
            'id': '2', 'status': 'CURRENT', 'updated': '2014-9-24T04:06:47Z',
            'links': [{'href': '/v2/', 'rel': 'self'}]}]}, {}

    def show_queue(self, query, body, queue):
        if queue not in self.queues:
            raise fake_cloud.Reply(404, {
                'title': 'Not found', 'description': 'Queue %s does not exist'
                % queue})
        return 200, {}, {}

    def show_stats(self, query, body, queue):
        messages = self.queues.get(queue, [])
        stats = {'claimed': 0, 'free': len(messages), 'total': len(messages)}
        if messages:
            stats['newest'] = {'created': '2026-01-01T00:00:13Z', 'age': 3}
        return 200, {'messages': stats}, {}

    def list_messages(self, query, body, queue):
        if query.get('include_claimed') != ['true'] or (
                query.get('echo') != ['true']):
            return 200, {'messages': [], 'links': []}, {}
        messages = self.queues.get(queue, [])
        ids = [record['id'] for record in messages]
        marker = query.get('marker', [None])[0]
        if marker is None and self.redis:
            # zaqar.storage.redis.messages: the rank of None is asked for.
            raise fake_cloud.Reply(503, {'description': 'Please try again'})
        rank = ids.index(marker) if marker in ids else None
        # zaqar.storage.redis.messages: _list
        start = rank + 1 if rank else 0
        page = messages[start:start + PAGE]
        return 200, {'messages': page, 'links': [{
            'rel': 'next', 'href': '/v2/queues/%s/messages?marker=%s&echo='
            'true' % (queue, page[-1]['id'])}] if page else []}, {}

    def post_messages(self, query, body, queue):
        ids = [self.post(record['body'])['id']
               for record in body['messages']]
        return 201, {'resources': [
            '/v2/queues/%s/messages/%s' % (queue, name) for name in ids]}, {}

    def list_subscriptions(self, query, body, queue):
        return 200, {'subscriptions': self.subscriptions, 'links': []}, {}

    def act(self, query, body, server_id):
        """Nova notifies where the state of a server changes."""
        if 'os-resetState' not in body:
            return super().act(query, body, server_id)
        status = body['os-resetState']['state'].upper()
        before = self.servers[server_id].get('status', 'ACTIVE')
        self.servers[server_id]['status'] = status
        if status == 'ERROR' != before and 'event_alarm' in self.works:
            self.fire('error_alarm')
        return 202, None, {}

    def fire(self, name, **changes):
        """Let an event fire an alarm, and all that follows from it.

        :param changes: of the event
        :returns: the event
        """
        self.events_fired += 1
        told = event('e7e4%04d-0000-4000-8000-000000000000'
                     % self.events_fired, **changes)
        alarm = self.event_alarms[ALARMS[name]]
        alarm.update(state='alarm', state_reason=reason(told))
        if self.recording:
            self.changes[ALARMS[name]].append(change(told))
        if 'message' in self.works:
            self.post(body(told, ALARMS[name]))
        return told

    def post(self, said):
        """Put a message into the queue, and let the workflow be started."""
        stored = message(said, 'm%d' % len(self.queues[QUEUE]))
        self.queues[QUEUE].append(stored)
        if 'workflow' in self.works and self.subscriptions:
            self._execute({'stack_id': fake_cloud.STACK}, '')
            self.executions[-1]['params'] = params(said)
        return stored

    def start(self, query, body):
        status, execution, headers = super().start(query, body)
        execution['params'] = body.get('params')
        return status, execution, headers

    def _deduce(self):
        works, self.works = self.works, self.works - {'workflow'}
        super()._deduce()
        self.works = works
        if 'marked' in works:
            self.act({}, {'os-resetState': {'state': 'error'}},
                     fake_cloud.SERVER)


class MemberManager(diagnosis_samples.Manager):
    """What Tempest's client manager of the member has."""

    def __init__(self, url):
        super().__init__(url)
        self.credentials.username = 'member'
        self.credentials.project_name = 'tenant'


def owner(cloud):
    """Return the clients of the member.

    :param cloud: :class:`FakeTenantCloud`
    """
    return clients.Clients(service_samples.cloud_settings(cloud.url),
                           MemberManager(cloud.url))


def resources(server_id=fake_cloud.SERVER):
    """Return the stack's resources as Heat lists them."""
    return [{'resource_name': name, 'resource_type': kind,
             'physical_resource_id': server_id if name == 'server'
             else physical} for name, kind, physical in RESOURCES]


def trust(trust_id, trustee, *roles):
    """Return a trust of the member as Keystone shows it.

    :param trustee: id of the user who may act for the member
    :param roles: names of what is handed on; none are those of a member
    """
    return {'id': trust_id, 'trustor_user_id': MEMBER,
            'trustee_user_id': trustee, 'project_id': TENANT,
            'impersonation': True, 'expires_at': None, 'deleted_at': None,
            'remaining_uses': None,
            'roles': [{'id': role, 'name': role}
                      for role in roles or ('member',)]}


def event_alarm(name, alarm_id, server_id=fake_cloud.SERVER, **changes):
    """Return an alarm as Aodh lists it."""
    return dict({
        'alarm_id': alarm_id, 'name': 'app-%s' % name, 'type': 'event',
        'state': 'insufficient data', 'state_reason': 'Not evaluated yet',
        'state_timestamp': '2026-01-01T00:00:00', 'enabled': True,
        'repeat_actions': True, 'alarm_actions': [
            'trust+zaqar://?queue_name=%s' % QUEUE],
        'event_rule': {'event_type': 'compute.instance.update',
                       'query': query(server_id)}}, **changes)


def query(server_id):
    """Return the conditions of an alarm on a server."""
    return [{'field': 'traits.instance_id', 'op': 'eq', 'value': server_id},
            {'field': 'traits.state', 'op': 'eq', 'value': 'error'}]


def event(event_id, server_id=fake_cloud.SERVER, **changes):
    """Return an event of Nova as Ceilometer makes it."""
    return dict({
        'message_id': event_id, 'event_type': 'compute.instance.update',
        'generated': '2026-01-01T00:00:12.250000', 'raw': {},
        'traits': [['state', 1, 'error'], ['instance_id', 1, server_id]]},
        **changes)


def reason(told):
    """Return why an alarm has fired, as Aodh writes it."""
    server_id, = (value for name, _, value in told['traits']
                  if name == 'instance_id')
    return 'Event <id=%s,event_type=%s> hits the query <query=%s>.' % (
        told['message_id'], told['event_type'],
        json.dumps(query(server_id), sort_keys=True))


def change(told, time='2026-01-01T00:00:12.500000'):
    """Return the change of an alarm as its history has it."""
    return {'event_id': 'c-%s' % told['message_id'], 'timestamp': time,
            'type': 'state transition', 'detail': json.dumps({
                'state': 'alarm', 'transition_reason': reason(told)})}


def body(told, alarm_id=ALARMS['error_alarm']):
    """Return the body of a message as Aodh posts it."""
    return {'alarm_id': alarm_id, 'alarm_name': 'app-error_alarm',
            'severity': 'low', 'previous': 'insufficient data',
            'current': 'alarm', 'reason': reason(told),
            'reason_data': {'type': 'event', 'event': told}}


def message(said, message_id):
    """Return a message as Zaqar lists it."""
    return {'id': message_id, 'body': said, 'ttl': 3600, 'age': 3,
            'href': '/v2/queues/%s/messages/%s' % (QUEUE, message_id)}


def params(said):
    """Return the parameters of an execution that a message has started."""
    return json.dumps({'env': {'notification': {
        'body': said, 'ttl': 3600, 'queue_name': QUEUE,
        'Message_Type': 'Notification'}}, 'namespace': ''})


def execution(told, **changes):
    """Return an execution that a message has started, as Mistral lists it."""
    return dict(fake_cloud.execution(**changes), params=params(body(told)),
                input=json.dumps({'stack_id': fake_cloud.STACK}))


def subscription(**changes):
    """Return a subscription as Zaqar lists it."""
    return dict({
        'id': 'sub-1', 'source': QUEUE, 'age': 60, 'ttl': 220367260800,
        'subscriber': 'trust+http://mistral/v2/executions',
        'options': {'trust_id': TRUST, 'post_data': json.dumps({
            'workflow_id': fake_cloud.WORKFLOW,
            'params': {'env': {'notification': '$zaqar_message$'}},
            'input': {'stack_id': fake_cloud.STACK}})}}, **changes)
