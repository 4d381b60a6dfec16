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

"""Heat, as its real client asks it over HTTP."""

from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import stacks
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import service_samples


class HeatTest(service_samples.ClientTestCase):
    """heat.Heat."""

    def test_create_and_show(self):
        stack_id = self.clients.heat.create(
            'app', 'heat_template_version: wallaby', {'a.sh': 'x'},
            {'image': 'i'}, 61)
        self.assertEqual(fake_cloud.STACK, stack_id)
        body = self.cloud.asked('POST', '/stacks')[0][3]
        self.assertEqual((2, {'a.sh': 'x'}, True), (
            body['timeout_mins'], body['files'], body['disable_rollback']))
        stack = self.clients.heat.stack('app/%s' % stack_id)
        self.assertEqual('CREATE_COMPLETE', stack['stack_status'])
        self.assertNotIn('outputs', stack)
        self.assertIn('outputs', self.clients.heat.stack(stack_id, True))

    def test_roles_are_missing(self):
        """Heat says which, and not who wants them."""
        def refuse(*args):
            raise fake_cloud.Reply(400, {'code': 400, 'error': {
                'message': text, 'type': 'x', 'traceback': None}})
        self.cloud.create_stack = refuse
        for text, named in (
                ("Missing required credential: roles {'role_names': "
                 "['heat_stack_owner']}", True), ('no such property', False)):
            error = self.assertRaises(
                errors.ServiceRefused, self.clients.heat.create, 'app', '',
                {}, {}, 60)
            self.assertIn(text, str(error))
            self.assertEqual(400, error.code)
            self.assertEqual(named, '[DEFAULT] trusts_delegated_roles in '
                             'heat.conf' in str(error))

    def test_gone(self):
        """A stack that is unknown or deleted is None, deleting it is fine."""
        self.assertIsNone(self.clients.heat.stack('none'))
        self.clients.heat.delete('none')
        stack_id = self.clients.heat.create('app', '', {}, {}, 60)
        self.clients.heat.delete(stack_id)
        self.assertIsNone(self.clients.heat.stack(stack_id))

    def test_gone_stack_has_nothing(self):
        stack = stacks.Stack('none', fake_cloud.STACK)
        heat = self.clients.heat
        self.assertEqual(([], []), (heat.updates(stack),
                                    heat.resources(stack.identifier)))

    def test_updates(self):
        """The stack's own updates, filtered by Heat, the oldest first."""
        stack = stacks.Stack('app', fake_cloud.STACK)
        self.cloud.create_stack({}, {'stack_name': 'app'})
        self.cloud.events = [
            fake_cloud.event('COMPLETE', 'created', action='CREATE'),
            fake_cloud.event('COMPLETE', 'server', name='server'),
            fake_cloud.event('IN_PROGRESS', 'update'),
            fake_cloud.event('COMPLETE', 'updated')]
        heat = self.clients.heat
        self.assertEqual(['update', 'updated'], [
            event['id'] for event in heat.updates(stack)])
        query = self.cloud.asked('GET', 'events')[0][2]
        self.assertEqual((['app'], ['UPDATE']), (query['resource_name'],
                                                 query['resource_action']))
        self.assertEqual(['update', 'updated'], [
            event['id'] for event in heat.events(stack, limit=2)])
