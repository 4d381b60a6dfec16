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

"""The fake cloud, with what a diagnosis asks for and a bisect hands over."""

import datetime
import json
import re

from self_healing_tempest_plugin.tests.unit import fake_cloud

NEW_PORT = '9047e000-0000-4000-8000-000000000002'

ROUTES = {
    'GET /heat/v1/(.+)/services': 'engines_list',
    'PATCH /heat/v1/(.+)/resources/(.+)': 'mark',
    'PATCH /heat/v1/(.+)/stacks/([^/]+/[^/]+)': 'update',
    'POST /rca/v1/event/': 'event',
    'GET /mistral/v2/workflows/(.+)': 'show_workflow',
    'POST /mistral/v2/executions': 'start',
    'GET /neutron/v2.0/ports': 'list_ports',
    'GET /neutron/v2.0/floatingips': 'list_floating',
}


class FakeHealingCloud(fake_cloud.FakeCloud):
    """It heals when it is told to, as far as its links work.

    :ivar works: labels of the links that work when they get their input
    :ivar events_posted: what came by the event API
    :ivar forgetful: whether cleared alarms stay
    :ivar restarted: whether they stay until they are raised again
    :ivar fleeting: whether alarms are gone at once
    :ivar cause: id of what it deduces from, '' for the newest alarm
    :ivar engines: heat-engines
    :ivar workflows: names of them
    """

    def _setUp(self):
        super()._setUp()
        handler = self.http.RequestHandlerClass
        handler.do_PATCH = handler.do_GET
        self.works = {'deduction', 'workflow', 'stack', 'application'}
        self.events_posted, self.forgetful = [], False
        self.restarted, self.cause, self.fleeting = False, '', False
        self.engines = [{'id': 'e1', 'status': 'up', 'updated_at': 'now'}]
        self.workflows = {fake_cloud.WORKFLOW}
        self.ports, self.floating = [port()], [floating()]
        self.marked, self.refuses = [], None

    def handle(self, method, path, query, body):
        """Return status, body and headers for a request."""
        wanted = '%s %s' % (method, path)
        if self.silent or (self.broken and re.search(
                self.broken, path)):
            return super().handle(method, path, query, body)
        for route, name in ROUTES.items():
            match = re.fullmatch(route, wanted)
            if match:
                with self.lock:
                    self.requests.append((method, path, query, body))
                    if self.refuses and re.search(
                            self.refuses, path):
                        raise fake_cloud.Reply(400, {'faultstring': 'no',
                                                     'explanation': 'no'})
                    return getattr(self, name)(query, body)
        return super().handle(method, path, query, body)

    def act(self, query, body, server_id):
        if 'os-resetState' in body:
            return 202, None, {}
        return super().act(query, body, server_id)

    def show_server(self, query, body, server_id):
        status, answer, headers = super().show_server(query, body, server_id)
        brief = self.servers[server_id]
        answer['server'].update(
            {key: value for key, value in brief.items()
             if key == 'fault' or key.startswith('OS-')})
        return status, answer, headers

    def engines_list(self, query, body):
        return 200, {'services': self.engines}, {}

    def show_workflow(self, query, body):
        path = self.requests[-1][1]
        name = path.rsplit('/', 1)[-1]
        if name not in self.workflows:
            raise fake_cloud.Reply(404, {'faultstring': 'no workflow'})
        return 200, {'name': name, 'id': 'w1'}, {}

    def list_ports(self, query, body):
        return 200, {'ports': [record for record in self.ports if [
            record['device_id']] == query['device_id']]}, {}

    def list_floating(self, query, body):
        return 200, {'floatingips': self.floating}, {}

    def event(self, query, body):
        self.events_posted.append(body)
        details = body['details']
        first = details.get('alerts', [details])[0]
        if first['status'] in ('firing', 'down'):
            self.restarted = False
            began = first.get('startsAt') or body['time'][:19] + 'Z'
            name = first.get('labels', {}).get('alertname', body['type'])
            kind = 'prometheus' if 'labels' in first else 'doctor'
            # What Doctor says is all kept.
            self.alarms.append(dict(fake_cloud.alarm(
                'synthetic-%d' % len(self.events_posted), name=name,
                kind=kind, start=began.replace('T', ' ')[:19]),
                update_timestamp=began,
                **details if kind == 'doctor' else {}))
            if 'deduction' in self.works:
                self._deduce()
            if self.fleeting:
                for alarm in self.alarms:
                    alarm['end_timestamp'] = 'now'
        elif not self.forgetful and not self.restarted:
            for alarm in self.alarms:
                alarm['end_timestamp'] = 'now'
        return 200, None, {}

    def _deduce(self):
        self.entities[1:] = [fake_cloud.server_entity('ERROR')]
        deduced = fake_cloud.deduced(start=str(
            datetime.datetime.now(datetime.timezone.utc)))
        self.causes[deduced['vitrage_id']] = (
            self.cause or self.alarms[-1]['vitrage_id'],)
        self.alarms.append(deduced)
        if 'workflow' in self.works:
            self._execute({'stack_id': fake_cloud.STACK,
                           'server_id': fake_cloud.SERVER}, 'by Vitrage')

    def start(self, query, body):
        if body['workflow_name'] not in self.workflows:
            raise fake_cloud.Reply(404, {'faultstring': 'no workflow'})
        return 201, self._execute(json.loads(body['input']),
                                  body['description']), {}

    def _execute(self, values, description):
        fails = 'mistral fails' in self.works
        execution = dict(
            fake_cloud.execution(
                'ERROR' if fails else 'SUCCESS',
                'e8ec0000-0000-4000-8000-00000000009%d' % len(
                    self.executions),
                state_info='task mark_unhealthy failed' if fails else None),
            input=json.dumps(values), description=description)
        self.executions.append(execution)
        if not fails:
            self._replace()
        return execution

    def mark(self, query, body):
        self.marked.append(self.requests[-1][1].rsplit('/', 1)[-1])
        return 200, {}, {}

    def update(self, query, body):
        self._replace()
        return 202, None, {}

    def _replace(self):
        if 'stack' not in self.works:
            return
        stack = self.stacks[fake_cloud.STACK]
        stack.update(stack_status='UPDATE_COMPLETE', updated_time='now')
        self.stack_resources = fake_cloud.resources(fake_cloud.NEW_SERVER)
        self.servers = {fake_cloud.NEW_SERVER: {
            'id': fake_cloud.NEW_SERVER, 'host': 'compute-20'}}
        del self.entities[1:]
        if 'application' in self.works:
            self.answer = (fake_cloud.NEW_SERVER, 'boot-2')


def port(server_id=fake_cloud.NEW_SERVER, **changes):
    """Return a port as Neutron lists it."""
    return dict({'id': NEW_PORT, 'device_id': server_id, 'status': 'ACTIVE',
                 'binding:vif_type': 'ovs',
                 'binding:host_id': 'compute-20'}, **changes)


def floating(**changes):
    """Return a floating address as Neutron lists it."""
    return dict({'id': 'f1', 'floating_ip_address': '127.0.0.1',
                 'status': 'ACTIVE', 'port_id': NEW_PORT}, **changes)
