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

"""The bisect of a tenant's chain: its links, each fed by us."""

import json

import fixtures

from self_healing_tempest_plugin.chains import autohealing
from self_healing_tempest_plugin.chains import tenant
from self_healing_tempest_plugin.diagnosis import diagnose
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.links import aodh_events
from self_healing_tempest_plugin.links import handover
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_tenant_cloud
from self_healing_tempest_plugin.tests.unit import tenant_samples
from self_healing_tempest_plugin.tests.unit import test_diagnosis_bisect

EACH = ('event_alarm', 'message', 'workflow', 'stack', 'application')


class BisectTestCase(tenant_samples.TenantTestCase):
    """A cloud whose chain is broken somewhere."""

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.FakeLogger())
        self.journal = journals.Journal(
            self.useFixture(fixtures.TempDir()).path)
        self.transports = test_diagnosis_bisect.Transports(
            self.clients.vitrage)
        self.options.update(bisect=True, config_file='/tempest.conf')

    def diagnose(self, missing, without=()):
        """Return the diagnosis of a run in which a link is missing.

        :param without: names of links that do not work either
        """
        self.cloud.works = {'deduction', 'marked', *EACH} - set(without)
        return diagnose.diagnose(
            self.seen(missing), self.expected(timeouts={
                link.name: 1.0 for link in self.chain.links}),
            self.surroundings(journal=self.journal,
                              transports=self.transports), 10)

    def found(self, diagnosis):
        """Return what the bisect says, by name of the link."""
        return {works.link.name: works.works for works in diagnosis.bisect}

    def why(self, diagnosis, name):
        return next(works.why for works in diagnosis.bisect
                    if works.link.name == name)


class TenantTest(BisectTestCase):
    """chains.tenant, from the alarm to the workflow."""

    def test_alarm(self):
        """An alarm of our own sets off all that is behind it."""
        diagnosis = self.diagnose(tenant.ALARM)
        self.assertEqual(dict.fromkeys(('deduction', *EACH), True),
                         self.found(diagnosis))

    def test_deduction(self):
        """Nova itself is told, and notifies."""
        diagnosis = self.diagnose(tenant.DEDUCTION)
        self.assertEqual(dict.fromkeys(EACH, True), self.found(diagnosis))
        self.assertIn('after the state ERROR that we gave the server',
                      self.why(diagnosis, 'event_alarm'))
        self.assertEqual(['error'], self.states())

    def states(self):
        """Return the states that servers were put into."""
        return [sent['os-resetState']['state'] for _, _, _, sent
                in self.cloud.asked('POST', '/action')]

    def test_server_that_is_in_error(self):
        """Nova would not notify of what is no change."""
        self.cloud.servers[fake_cloud.SERVER]['status'] = 'ERROR'
        diagnosis = self.diagnose(tenant.DEDUCTION)
        self.assertEqual(dict.fromkeys(EACH, True), self.found(diagnosis))
        self.assertEqual(['active', 'error'], self.states())

    def test_event_alarm(self):
        """The message is ours, and proves nothing of Aodh."""
        diagnosis = self.diagnose(tenant.EVENT_ALARM, ['event_alarm'])
        self.assertEqual({'message': None, 'workflow': True, 'stack': True,
                          'application': True}, self.found(diagnosis))
        self.assertIn('whether Aodh would put it there was not tried',
                      self.why(diagnosis, 'message'))
        message, = self.cloud.queues[fake_tenant_cloud.QUEUE]
        event = aodh_events.of_body(message['body'])
        self.assertEqual(fake_cloud.SERVER, event.server_id)
        self.assertIn(message['body']['alarm_id'],
                      fake_tenant_cloud.ALARMS.values())

    def test_message(self):
        """A link that we can start ourselves is started, and no other."""
        diagnosis = self.diagnose(tenant.MESSAGE, ['message'])
        self.assertEqual({'workflow': True, 'stack': True,
                          'application': True}, self.found(diagnosis))
        self.assertIn('after a message that we put into the queue',
                      self.why(diagnosis, 'workflow'))

    def test_message_and_workflow(self):
        """What the message does not start, we start."""
        diagnosis = self.diagnose(tenant.MESSAGE, ['workflow'])
        self.assertEqual({'workflow': False, 'stack': True,
                          'application': True}, self.found(diagnosis))

    def test_workflow(self):
        """It is started as Zaqar would, by the owner."""
        diagnosis = self.diagnose(tenant.WORKFLOW)
        self.assertEqual({'stack': True, 'application': True},
                         self.found(diagnosis))
        self.assertIn('after an execution that we started ourselves',
                      self.why(diagnosis, 'stack'))
        execution, = self.cloud.executions
        self.assertEqual({'stack_id': fake_cloud.STACK},
                         json.loads(execution['input']))
        notification = json.loads(execution['params'])['env']['notification']
        self.assertEqual(fake_cloud.SERVER, aodh_events.of_body(
            notification['body']).server_id)
        self.assertIn(handover.WHO, execution['description'])

    def test_no_queue_takes_it(self):
        """A clear no of the service is a link that does not work."""
        self.cloud.post_messages = lambda *_: (400, {'title': 'no'}, {})
        diagnosis = self.diagnose(tenant.EVENT_ALARM, ['event_alarm'])
        self.assertEqual({'message': False, 'workflow': None, 'stack': True,
                          'application': True}, self.found(diagnosis))


class AutohealingTest(BisectTestCase):
    """chains.autohealing: nobody deduces, and no host is dead."""

    chain = autohealing.CHAIN

    def test_event_alarm(self):
        """Nobody waits for a host to be forced down."""
        self.useFixture(fixtures.MockPatchObject(
            handover, 'FENCE_PATIENCE', 1000.0))
        for service in self.cloud.services:
            service['state'] = 'up'
        diagnosis = self.diagnose(autohealing.EVENT_ALARM, ['event_alarm'])
        self.assertEqual({'message': None, 'workflow': True, 'stack': True,
                          'application': True}, self.found(diagnosis))
