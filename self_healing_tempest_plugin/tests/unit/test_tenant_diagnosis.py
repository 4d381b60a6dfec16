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

"""A tenant's chain that is broken: both sides of each link are asked."""

import dataclasses
import json
from unittest import mock

from self_healing_tempest_plugin.chains import autohealing
from self_healing_tempest_plugin.chains import tenant
from self_healing_tempest_plugin.diagnosis import details
from self_healing_tempest_plugin.diagnosis import diagnose
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.tests.unit import diagnosis_samples
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_tenant_cloud
from self_healing_tempest_plugin.tests.unit import tenant_samples
from self_healing_tempest_plugin.tests.unit import test_diagnosis
from self_healing_tempest_plugin import waiting
from self_healing_tempest_plugin.watching import looks
from self_healing_tempest_plugin.watching import recorders

Mark = links.Mark
ALARMS, QUEUE = fake_tenant_cloud.ALARMS, fake_tenant_cloud.QUEUE
ERROR = ALARMS['error_alarm']


class DiagnoseTestCase(tenant_samples.TenantTestCase,
                       test_diagnosis.DiagnoseTestCase):
    """diagnose.diagnose()."""

    missing = tenant.EVENT_ALARM

    def diagnose(self, *more, **surroundings):
        """Return the diagnosis of a run in which a link is missing."""
        return super().diagnose(self.seen(self.missing, *more),
                                **surroundings)


class AnyLinkTest(DiagnoseTestCase):
    """What holds wherever it is broken."""

    def test_each_link(self):
        """Each first missing link names the one before it, and is asked."""
        for link in tenant.CHAIN.links:
            self.missing = link
            diagnosis = self.diagnose()
            before = (*tenant.CHAIN.before(link), links.FAULT)[0]
            self.assertEqual((link, before),
                             (diagnosis.missing, diagnosis.last_good), link)
            self.assertNotEqual([], list(diagnosis.facts), link)
            self.assertTrue(diagnosis.look_at, link)
            self.assertEqual([], [
                fact.text for fact in diagnosis.facts
                if 'no answer' in fact.text], link)

    def test_nobody_answers(self):
        """Facts, not exceptions; the link's own place to look is left."""
        self.cloud.broken = r'(aodh|zaqar|mistral|nova|OS-TRUST)/'
        for link in (tenant.MESSAGE, tenant.WORKFLOW):
            self.missing = link
            diagnosis = self.diagnose()
            self.assertEqual({None}, {fact.good for fact in diagnosis.facts})
            judged = verdicts.verdict(self.seen(link), self.expected())
            self.assertEqual(
                judged.look_at if link is tenant.WORKFLOW
                else 'Zaqar, which does not answer', diagnosis.look_at)

    def test_owner_without_a_role(self):
        """No service answers the owner: the reason is none of them."""
        def token(query, body):
            user = body['auth']['identity']['password']['user']
            if user.get('name') == 'member':
                raise fake_cloud.Reply(401, {'error': {
                    'code': 401, 'title': 'Unauthorized', 'message': 'no'}})
            return real(query, body)

        # The token of before goes on being used.
        self.owner.aodh.alarms()
        real, self.cloud.token = self.cloud.token, token
        for link in (tenant.EVENT_ALARM, tenant.MESSAGE, tenant.WORKFLOW,
                     tenant.STACK):
            self.missing = link
            diagnosis = self.diagnose()
            self.assert_says(diagnosis, 'Keystone', False,
                             'the owner gets no token')
            self.assert_looks(diagnosis, 'the roles of the owner')


class EventAlarmTest(DiagnoseTestCase):
    """Link event_alarm."""

    def test_nova_is_not_told(self):
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Nova', False, 'is ACTIVE in Nova')
        self.assert_looks(diagnosis, 'mark_down on the instance')

    def test_nova_has_not_noticed(self):
        """Where nothing is deduced, Nova has to notice by itself."""
        diagnosis = diagnose.diagnose(
            self.seen(self.missing), dataclasses.replace(
                self.expected(), chain=autohealing.CHAIN,
                steps=autohealing.CHAIN.steps), self.surroundings(), 10)
        self.assert_looks(diagnosis, 'sync_power_state_interval')

    def error(self):
        self.cloud.servers[fake_cloud.SERVER]['status'] = 'ERROR'
        return self.diagnose()

    def test_all_well(self):
        """Nova knows, and no alarm has fired: it is Ceilometer, or before."""
        diagnosis = self.error()
        self.assert_says(diagnosis, 'Nova', True, 'is ERROR in Nova')
        for name in ALARMS:
            self.assert_says(diagnosis, 'Aodh', None, 'event alarm %s is in '
                             'state insufficient data: Not evaluated yet'
                             % name)
        # Others notify by the same queue as Nova.
        for option in ('event_alarm_cache_ttl', 'notification_format'):
            self.assert_looks(diagnosis, option)

    def test_fired_for_the_server_of_before(self):
        """Heat has not told the alarm of the new server."""
        before = fake_cloud.NEW_SERVER
        for name, alarm_id in ALARMS.items():
            self.cloud.event_alarms[alarm_id] = fake_tenant_cloud.event_alarm(
                name, alarm_id, before, state='alarm',
                state_reason='Event <id=e0,event_type=compute.instance.update'
                '> hits the query <query=%s>.' % json.dumps(
                    fake_tenant_cloud.query(before)))
        self.cloud.servers[fake_cloud.SERVER]['status'] = 'ERROR'
        self.assert_looks(self.diagnose(), 'it asks for server %s, not for %s'
                          % (before, fake_cloud.SERVER))

    def test_active_again(self):
        """Nova has changed it since: it was told, perhaps."""
        updated = 1767225600.0
        seen = dataclasses.replace(
            self.seen(self.missing), origin=0.0)
        at = seen.transition('injected').begin
        for began, good in ((updated - at, None), (updated - at + 1, False)):
            diagnosis = diagnose.diagnose(
                dataclasses.replace(seen, began=began), self.expected(),
                self.surroundings(), 10)
            self.assert_says(diagnosis, 'Nova', good, 'is ACTIVE in Nova')

    def test_server_that_is_gone(self):
        self.cloud.servers.clear()
        self.assert_says(self.diagnose(), 'Nova', True, 'is deleted in Nova')

    def test_alarm_that_is_wrong(self):
        for changes, words in (
                ({'enabled': False}, 'it is not enabled'),
                ({'alarm_actions': []}, 'it has no action'),
                ({'state': 'alarm', 'repeat_actions': False},
                 'repeat_actions is false'),
                ({'event_rule': {'query': fake_tenant_cloud.query('x')}},
                 'it asks for server x, not for'),
                ({'event_rule': None}, 'it asks for server unknown')):
            alarm = fake_tenant_cloud.event_alarm('error_alarm', ERROR)
            self.cloud.event_alarms[ERROR] = dict(alarm, **changes)
            diagnosis = self.error()
            self.assert_says(diagnosis, 'Aodh', False, words)
            self.assert_looks(diagnosis, words)

    def test_alarm_that_is_gone(self):
        del self.cloud.event_alarms[ERROR]
        diagnosis = self.error()
        self.assert_says(diagnosis, 'Aodh', False,
                         'event alarm error_alarm is gone')
        self.assert_looks(diagnosis, 'who deleted event alarm error_alarm')


class MessageTest(DiagnoseTestCase):
    """Link message."""

    missing = tenant.MESSAGE

    def setUp(self):
        super().setUp()
        self.cloud.works = set()
        self.cloud.fire('error_alarm')

    def test_all_well(self):
        """The alarm says that it has told the queue; that has nothing."""
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Aodh', True, 'event alarm error_alarm '
                         'tells: trust+zaqar://?queue_name=%s' % QUEUE)
        self.assert_says(diagnosis, 'Zaqar', False,
                         'queue %s has 0 messages' % QUEUE)
        self.assert_looks(diagnosis, "aodh-notifier's log")

    def test_zaqar_is_away(self):
        self.cloud.broken = '/zaqar/'
        self.assert_looks(self.diagnose(), 'Zaqar, which does not answer')

    def test_trusts(self):
        """Only where those of before are known, and gone, is that said."""
        own = tuple(alarm_id.replace('-', '') for alarm_id in ALARMS.values())
        for known, gone, good in (
                (own, own, False), (own, own[:1], False),
                ((*own, 'another'), own[:1], None), ((), (), True)):
            with mock.patch.dict(self.cloud.trusts, {
                    'another': fake_tenant_cloud.trust(
                        'another', fake_tenant_cloud.AODH)}):
                for trust_id in gone:
                    del self.cloud.trusts[trust_id]
                around = self.surroundings()
                if known:
                    around = around.knowing(**{'trusts of aodh': known})
                diagnosis = diagnose.diagnose(
                    self.seen(self.missing), self.expected(), around, 10)
                self.assert_says(diagnosis, 'Keystone', good, 'trust')
                self.assertEqual(good is True, 'aodh-notifier' in
                                 diagnosis.look_at)

    def test_user_of_another_name(self):
        """Which trusts are Aodh's nobody knows: none is missed."""
        self.cloud.users = {
            user_id: 'telemetry' if name == 'aodh' else name
            for user_id, name in self.cloud.users.items()}
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Keystone', None, 'has 0 trusts for Aodh')
        self.assert_looks(diagnosis, "aodh-notifier's log")

    def test_alarm_tells_nobody(self):
        for actions in ([], ['log://'], ['trust+zaqar://?queue_name=other']):
            self.cloud.event_alarms[ERROR]['alarm_actions'] = actions
            diagnosis = self.diagnose()
            self.assert_says(diagnosis, 'Aodh', False,
                             ', '.join(actions) or 'nobody')
            self.assert_looks(diagnosis, 'alarm_actions of event alarm')

    def test_not_fired(self):
        self.cloud.event_alarms[ERROR]['state_reason'] = 'by hand'
        self.assert_says(self.diagnose(), 'Aodh', False,
                         'no event alarm of the stack has fired')

    def test_no_queue(self):
        self.cloud.queues.clear()
        self.assert_looks(self.diagnose(), 'there is no %s' % QUEUE)

    def test_messages(self):
        """About others, or about nothing that anybody knows."""
        self.cloud.post(fake_tenant_cloud.body(fake_tenant_cloud.event(
            'e9', fake_cloud.NEW_SERVER)))
        self.cloud.post('text')
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Zaqar', True, 'has 2 messages, the '
                         'newest of 2026-01-01T00:00:13Z')
        self.assert_says(diagnosis, 'Zaqar', None, 'of server %s'
                         % fake_cloud.NEW_SERVER)
        self.assert_says(diagnosis, 'Zaqar', None, 'm1, 3 s old, has no event')


class WorkflowTest(DiagnoseTestCase):
    """Link workflow."""

    missing = tenant.WORKFLOW

    def test_all_well(self):
        diagnosis = self.diagnose()
        for side, text in (
                ('Zaqar', 'subscription sub-1 tells trust+http://mistral/v2/'
                          'executions to start %s' % fake_cloud.WORKFLOW),
                ('Keystone', 'hands on: member'),
                ('Mistral', 'workflow %s is there' % fake_cloud.WORKFLOW)):
            self.assert_says(diagnosis, side, True, text)
        self.assert_says(diagnosis, 'Mistral', False, 'there is no execution')
        self.assert_looks(diagnosis, 'message_pipeline')
        self.assertNotIn(fake_tenant_cloud.TRUST,
                         diagnosis_samples.told(diagnosis))

    def test_no_trigger(self):
        self.cloud.subscriptions.clear()
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Zaqar', False, 'nobody subscribes')
        self.assert_looks(diagnosis, 'it has no OS::Zaqar::MistralTrigger')

    def test_trigger_of_another_workflow(self):
        options = self.cloud.subscriptions[0]['options']
        options['post_data'] = options['post_data'].replace(
            fake_cloud.WORKFLOW, 'another')
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Zaqar', False, 'to start another')
        self.assert_looks(diagnosis, 'it is another, not')

    def test_subscription_of_others(self):
        """Somebody else may want to know, too."""
        for options in ({}, None, {'post_data': 'text'}):
            self.cloud.subscriptions[:] = [fake_tenant_cloud.subscription(
                options=options)]
            self.assert_says(self.diagnose(), 'Zaqar', None,
                             'starts no workflow')

    def test_no_trust(self):
        self.cloud.trusts.clear()
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Keystone', False, 'is gone')
        self.assert_looks(diagnosis, 'who deleted the trust')

    def test_role_that_was_taken_away(self):
        self.cloud.roles = ['reader']
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Keystone', False,
                         'the owner has lost: member')
        self.assert_looks(diagnosis, 'without member')

    def test_no_workflow(self):
        self.cloud.workflows.clear()
        self.assert_looks(self.diagnose(), 'so that nobody can start it')

    def test_message_of_another_server(self):
        self.cloud.executions = [fake_tenant_cloud.execution(
            fake_tenant_cloud.event('e9', fake_cloud.NEW_SERVER))]
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Mistral', False, 'but for server %s'
                         % fake_cloud.NEW_SERVER)
        self.assert_looks(diagnosis, 'the message of execution %s'
                          % fake_cloud.EXECUTION)

    def test_started(self):
        """Then its tasks are asked, and no more who should start it."""
        self.cloud.executions = [fake_tenant_cloud.execution(
            fake_tenant_cloud.event('e1'), state='ERROR', state_info='boom')]
        self.cloud.tasks = [fake_cloud.task('update', 'ERROR', reason='no')]
        diagnosis = self.diagnose(self.evidence(
            tenant.WORKFLOW, Mark.STARTED, 125.0))
        self.assertEqual({'Mistral'},
                         {fact.side for fact in diagnosis.facts})
        self.assert_looks(diagnosis, 'task update is in ERROR: no')


class StackTest(DiagnoseTestCase):
    """Link stack: it is the owner's."""

    missing = tenant.STACK

    def test_who_is_asked(self):
        """Heat shows the stack to its owner, its engines to none but us."""
        self.cloud.events = [fake_cloud.event('FAILED', reason='no room')]
        diagnosis = self.diagnose(self.evidence(
            tenant.STACK, Mark.STARTED, 130.0))
        self.assert_says(diagnosis, 'Heat', True, 'workers are up')
        self.assert_says(diagnosis, 'Heat', False, 'no room')
        self.assertEqual([], [fact for fact in diagnosis.facts
                              if 'no answer' in fact.text])


class DetailsTest(tenant_samples.TenantTestCase):
    """details.collect(): what the services tell when all is over."""

    def test_all(self):
        """When Nova has notified, and when Aodh has taken note of it."""
        now = [100.0]
        recorder = recorders.Recorder(waiting.Clock(
            lambda: now[0], lambda seconds: None,
            lambda: now[0] - 100.0 + diagnosis_samples.BEGAN))
        now[0] = 106.0
        recorder.transition('injected', 105.0)
        self.cloud.works = {'message'}
        told = self.cloud.fire('error_alarm')
        self.cloud.post(fake_tenant_cloud.body(fake_tenant_cloud.event(
            'e9', fake_cloud.NEW_SERVER)))
        before = fake_tenant_cloud.event('e0')
        self.cloud.changes[ERROR].insert(0, fake_tenant_cloud.change(
            before, '2026-01-01T00:00:01'))
        recorder.look(tenant.MESSAGE, 119.0, 120.0, looks.Look(
            'x', objects=('m0',)))
        details.collect(recorder, self.expected(), self.surroundings(), 10)
        seen = recorder.timeline()
        found = {(detail.source, detail.object_id):
                 (detail.link, detail.text, detail.stamp.service)
                 for detail in seen.details}
        text = 'compute.instance.update of server %s' % fake_cloud.SERVER
        self.assertEqual(
            (tenant.EVENT_ALARM, 'error_alarm fired by ' + text, 'Aodh'),
            found['Aodh alarm', told['message_id']])
        self.assertEqual((tenant.MESSAGE, text, 'Nova'),
                         found['Nova notification', told['message_id']])
        self.assertEqual([], [key for key in found if key[1] in ('e0', 'e9')])
        self.assertEqual((), seen.remarks)
