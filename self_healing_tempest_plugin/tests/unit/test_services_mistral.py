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

from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import service_samples


class MistralTest(service_samples.ClientTestCase):
    """mistral.Mistral."""

    def test_executions_name_the_server(self):
        self.cloud.executions = [
            fake_cloud.execution(),
            fake_cloud.execution(id='other', server_id='other'),
            dict(fake_cloud.execution(id='odd'), input='no json'),
            dict(fake_cloud.execution(id='list'), input='[]')]
        executions = self.clients.mistral.executions(
            fake_cloud.WORKFLOW, fake_cloud.SERVER)
        self.assertEqual([fake_cloud.EXECUTION],
                         [execution['id'] for execution in executions])
        self.assertEqual(fake_cloud.STACK, executions[0]['input']['stack_id'])

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
                                  'w', 's')
        self.assertIn('public endpoint for nonsense service', str(error))

    def test_tasks(self):
        self.cloud.tasks = [fake_cloud.task('find'),
                            fake_cloud.task('x', execution='other')]
        self.assertEqual(['find'], [
            task['name'] for task
            in self.clients.mistral.tasks(fake_cloud.EXECUTION)])
