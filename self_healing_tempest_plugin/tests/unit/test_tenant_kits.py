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

"""What the links of a tenant's chain need, before and around a fault."""

import dataclasses

import fixtures
import testtools
from vitrageclient.common import yaml_utils

from self_healing_tempest_plugin.chains import autohealing
from self_healing_tempest_plugin.chains import tenant
from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.links import surroundings
from self_healing_tempest_plugin.links.vitrage_deduction import (
    kit as vitrage_deduction)
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin import readiness
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import templates
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_tenant_cloud
from self_healing_tempest_plugin.tests.unit import tenant_samples
from self_healing_tempest_plugin.tests.unit import test_application
from self_healing_tempest_plugin.tests.unit import test_config
from self_healing_tempest_plugin import waiting

ALARMS, QUEUE = fake_tenant_cloud.ALARMS, fake_tenant_cloud.QUEUE


class KitTestCase(tenant_samples.TenantTestCase):
    """A cloud that is fit for a fault."""

    def setUp(self):
        super().setUp()
        for service in self.cloud.services:
            service['state'] = 'up'
        self.cloud.answer = (fake_cloud.SERVER, 'boot-1')
        times = dataclasses.replace(
            self.options['timeouts'], links={
                link.name: 0.2 for link in tenant.CHAIN.links})
        self.options.update(
            timeouts=times, host_alarm=test_application.HOST_ALARM,
            nic_alarm=test_application.NIC_ALARM)

    def prepared(self, chain=tenant.CHAIN):
        return kit.prepared(chain, self.surroundings(learned={}))


class ReadinessTest(KitTestCase):
    """What is waited for, and what makes a run invalid."""

    def test_learned(self):
        """The alarms are found by their ids among the stack's resources."""
        self.cloud.event_alarms['another'] = fake_tenant_cloud.event_alarm(
            'another', 'another')
        self.assertEqual(
            {alarm_id: name for name, alarm_id in ALARMS.items()},
            dict(self.prepared().learned['event_alarms']))

    def test_ids(self):
        """Words and ties of each chain are filled."""
        for chain in (tenant.CHAIN, autohealing.CHAIN):
            ids = kit.ids(chain, self.prepared(chain))
            self.assertEqual(
                (QUEUE, fake_cloud.WORKFLOW, fake_cloud.STACK),
                tuple(ids[name] for name in ('queue', 'workflow',
                                             'stack_id')))
            expected = dataclasses.replace(
                self.expected(), chain=chain, ids=dict(
                    ids, host='h', server_id='s', boot='b', url='u',
                    avoid='', elsewhere=''))
            for link in chain.links:
                for words in filter(None, (link.words, link.unfinished)):
                    for text in dataclasses.astuple(words):
                        expected.describe(text)
                if link.limit:
                    expected.describe(link.limit.started)
                    expected.describe(link.limit.look_at)

    def test_no_alarm_in_aodh(self):
        self.cloud.event_alarms.clear()
        timeout = self.assertRaises(waiting.WaitTimeout, self.prepared)
        self.assertIn('event alarms of stack app in Aodh', str(timeout))

    def test_aodh_is_silent_for_a_while(self):
        answers = iter([errors.ServiceUnavailable('Aodh', 'list', 'later')])
        real = self.owner.aodh.alarms

        def alarms():
            for error in answers:
                raise error
            return real()

        self.useFixture(fixtures.MockPatchObject(self.owner.aodh, 'alarms',
                                                 alarms))
        self.assertEqual(3, len(self.prepared().learned['event_alarms']))

    def test_listener_is_waited_for(self):
        """It may know the alarms of before for a while."""
        paused = []
        self.useFixture(fixtures.MockPatchObject(waiting, 'pause',
                                                 paused.append))
        self.options['timeouts'] = dataclasses.replace(
            self.options['timeouts'], alarm_cache=60)
        self.prepared()
        self.assertEqual([60], paused)

    def unmet(self, chain=tenant.CHAIN):
        return readiness.Readiness(chain, self.prepared(chain)).unmet()

    def test_ready(self):
        """No rule in Vitrage is needed, nor is one looked for."""
        for chain in (tenant.CHAIN, autohealing.CHAIN):
            self.assertEqual((), self.unmet(chain))

    def test_ready_without_healing(self):
        """The trigger is what an application without healing has not."""
        self.app.healing = False
        del self.app.resources['trigger']
        self.assertEqual((), self.unmet())

    def test_disabled_alarm(self):
        """The chain is broken there, and the drill is to show that."""
        for alarm in self.cloud.event_alarms.values():
            alarm['enabled'] = False
        self.assertEqual((), self.unmet())

    def test_fired_before(self):
        self.cloud.works = {'message', 'workflow'}
        self.cloud.fire('error_alarm')
        fired, posted, started = self.unmet(autohealing.CHAIN)[:3]
        self.assertIn('event alarm error_alarm was fired for server', fired)
        self.assertIn('message m0 about server', posted)
        self.assertIn('was started for server', started)

    def test_fired_for_another_server(self):
        """A stack that was healed before has alarms that have fired."""
        other = fake_tenant_cloud.event('e0', fake_cloud.NEW_SERVER)
        self.cloud.event_alarms[ALARMS['error_alarm']].update(
            state='alarm', state_reason=fake_tenant_cloud.reason(other))
        self.cloud.queues[QUEUE] = [fake_tenant_cloud.message(
            fake_tenant_cloud.body(other), 'm0'),
            fake_tenant_cloud.message('text', 'm1')]
        self.cloud.executions = [fake_tenant_cloud.execution(other)]
        self.assertEqual((), self.unmet())

    def test_stack_without_a_queue(self):
        """A template of somebody else's is named as such."""
        del self.app.resources['alarm_queue']
        around = self.prepared()
        error = self.assertRaises(errors.ServiceRefused, kit.ids,
                                  tenant.CHAIN, around)
        self.assertIn('there is no alarm_queue', str(error))


class WatchersTest(KitTestCase):
    """Each link of each chain has a watcher, which asks whom it has to."""

    def test_watchers(self):
        for chain in (tenant.CHAIN, autohealing.CHAIN):
            around = self.prepared(chain)
            for link_kit in kit.of_chain(chain):
                watcher = link_kit.watcher(around)
                self.assertIs(link_kit.link, watcher.link, chain)

    def test_of_the_deduction(self):
        """It is of the chain that it is watched for."""
        around = self.prepared()
        for link, lag in ((vitrage.DEDUCTION, 0.0),
                          (tenant.DEDUCTION, vitrage_deduction.MARKING_LAG)):
            watcher = kit.of(link).watcher(around)
            self.assertIs(link, watcher.link)
            self.cloud.entities = [fake_cloud.server_entity('ERROR')]
            self.cloud.alarms = [fake_cloud.deduced()]
            sighting, = watcher.look(waiting.CLOCK).sightings
            self.assertEqual(lag, sighting.lag)
            self.cloud.alarms = []


class DeductionTemplateTest(test_application.ApplicationTestCase):
    """Which template is added, says the chain."""

    def added(self, link, alarm):
        """Return the template that is added for an alarm."""
        around = dataclasses.replace(self.around(), alarm=alarm)
        with kit.of(link).wire(around):
            return self.cloud.added_templates.pop()

    def around(self):
        return surroundings.Surroundings(
            clients=self.clients, owner=self.clients, settings=self.settings,
            monitor=monitors.of(self.settings), alarm=None,
            journal=self.journal)

    def test_of_each_chain(self):
        for link, alarm, file in (
                (vitrage.DEDUCTION, test_application.HOST_ALARM,
                 templates.HOST_DOWN),
                (vitrage.DEDUCTION, test_application.NIC_ALARM,
                 templates.NIC_DOWN),
                (tenant.DEDUCTION, test_application.HOST_ALARM,
                 templates.HOST_DOWN_TENANT),
                (tenant.DEDUCTION, test_application.NIC_ALARM,
                 templates.NIC_DOWN_TENANT)):
            added = self.added(link, alarm)
            self.assertEqual(yaml_utils.load(templates.read(file)),
                             added['templates'][0][1], file)
            # By its name it is found when it has to be removed.
            self.assertIn('self_healing_%s_' % alarm.file.split('.')[0],
                          added['params']['template_name'])

    def test_of_the_cloud(self):
        """A template of the cloud is used as it is."""
        alarm = dataclasses.replace(test_application.HOST_ALARM,
                                    template='rule')
        with kit.of(tenant.DEDUCTION).wire(dataclasses.replace(
                self.around(), alarm=alarm)) as fixture:
            self.assertEqual('rule-1', fixture.uuid)
        self.assertEqual([], self.cloud.added_templates)


class OptionsTest(testtools.TestCase):
    """The options of the chains of tenants."""

    def settings(self, **options):
        conf = test_config.new_conf()
        for (group, name), value in test_config.MINIMAL.items():
            conf.set_override(name, value, group)
        for name, value in options.items():
            conf.set_override(name, value, 'self_healing')
        return config.settings(conf)

    def test_defaults(self):
        """As Aodh, and most catalogs, have them."""
        settings = self.settings()
        self.assertEqual(
            ('alarming', 'messaging', 60, 60, 30),
            (settings.cloud.aodh_catalog_type,
             settings.cloud.zaqar_catalog_type, settings.timeouts.alarm_cache,
             settings.timeouts.links['event_alarm'],
             settings.timeouts.links['message']))

    def test_set(self):
        settings = self.settings(
            aodh_catalog_type='alarm', zaqar_catalog_type='queues',
            event_alarm_cache_ttl=0, event_alarm_timeout=7, message_timeout=8)
        self.assertEqual(
            ('alarm', 'queues', 0, 7, 8),
            (settings.cloud.aodh_catalog_type,
             settings.cloud.zaqar_catalog_type, settings.timeouts.alarm_cache,
             settings.timeouts.links['event_alarm'],
             settings.timeouts.links['message']))

    def test_of_each_link(self):
        """Each link has its options, whichever chain brings it."""
        names = {option.name for option in config.SELF_HEALING_OPTIONS}
        for chain in (tenant.CHAIN, autohealing.CHAIN):
            for link in chain.links:
                self.assertIn('%s_timeout' % link.name, names)
                self.assertIn('slo_%s' % link.name, names)
