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

"""Mistral, as its real client asks it over HTTP."""

import json

import fixtures

from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_tenant_cloud
from self_healing_tempest_plugin.tests.unit import service_samples


class MistralTest(service_samples.ClientTestCase):
    """mistral.Mistral."""

    def test_executions(self):
        """Input and parameters are dicts, whatever somebody has put there."""
        self.cloud.executions = [
            fake_cloud.execution(),
            dict(fake_cloud.execution(id='odd'), input='no json',
                 params=None),
            dict(fake_cloud.execution(id='list'), input='[]',
                 params='{"env": {"a": 1}}')]
        for executions in (
                self.clients.mistral.executions(fake_cloud.WORKFLOW),
                self.clients.mistral.newest_executions(fake_cloud.WORKFLOW)):
            by_id = {execution['id']: execution for execution in executions}
            self.assertEqual(
                [(fake_cloud.STACK, {}), (None, {}), (None, {'a': 1})],
                [(by_id[name]['input'].get('stack_id'),
                  by_id[name]['params'].get('env', {}))
                 for name in (fake_cloud.EXECUTION, 'odd', 'list')])

    def test_executions_of_all_projects(self):
        """Vitrage may have started them elsewhere: the administrator asks."""
        mistral = self.clients.mistral
        mistral.executions(fake_cloud.WORKFLOW)
        mistral.newest_executions(fake_cloud.WORKFLOW)
        mistral.delete_executions(fake_cloud.WORKFLOW)
        self.assertEqual([['true']] * 3, [
            query['all_projects'] for _, _, query, _
            in self.cloud.asked('GET', 'executions')])

    def test_executions_of_a_member(self):
        """Mistral would refuse to list those of others."""
        cloud = self.useFixture(fake_tenant_cloud.FakeTenantCloud())
        mistral = fake_tenant_cloud.owner(cloud).mistral
        cloud.executions = [fake_cloud.execution()]
        self.assertEqual(1, len(mistral.executions(fake_cloud.WORKFLOW)))
        self.assertEqual(1, len(mistral.newest_executions(
            fake_cloud.WORKFLOW)))
        mistral.delete_executions(fake_cloud.WORKFLOW)
        self.assertEqual([], cloud.executions)

    def test_start(self):
        """What it is started with beside the input are parameters."""
        self.useFixture(fixtures.MockPatchObject(
            self.cloud, 'handle', self.started))
        self.clients.mistral.start(fake_cloud.WORKFLOW, {'a': 1}, 'why',
                                   env={'b': 2})
        body, = self.bodies
        self.assertEqual(({'a': 1}, {'env': {'b': 2}}, 'why'), (
            json.loads(body['input']), json.loads(body['params']),
            body['description']))

    def started(self, method, path, query, body):
        if method == 'POST' and path == '/mistral/v2/executions':
            self.bodies = [body]
            return 201, fake_cloud.execution(), {}
        return fake_cloud.FakeCloud.handle(self.cloud, method, path, query,
                                           body)

    def test_delete(self):
        """Only executions of the workflow go, running ones too."""
        self.cloud.executions = [
            fake_cloud.execution(),
            dict(fake_cloud.execution(id='o'), workflow_name='other')]
        self.clients.mistral.delete_executions(fake_cloud.WORKFLOW)
        self.assertEqual(['o'], [execution['id']
                                 for execution in self.cloud.executions])
        self.assertEqual(['True'], self.cloud.asked('DELETE', 'exec')[0][2][
            'force'])

    def test_no_endpoint(self):
        mistral = self.make(mistral_catalog_type='nonsense').mistral
        error = self.assertRaises(errors.ServiceRefused, mistral.executions,
                                  'w')
        self.assertIn('public endpoint for nonsense service', str(error))

    def test_tasks(self):
        self.cloud.tasks = [fake_cloud.task('find'),
                            fake_cloud.task('x', execution='other')]
        self.assertEqual(['find'], [
            task['name'] for task
            in self.clients.mistral.tasks(fake_cloud.EXECUTION)])
