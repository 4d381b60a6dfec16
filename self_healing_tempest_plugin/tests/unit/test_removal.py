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

"""The removal of what a run has created: a cloud that answers, or does not."""

import dataclasses
import os
import re
import threading

import fixtures
from testtools import matchers

from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin import removal
from self_healing_tempest_plugin.services import clients
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_tenant_cloud
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.tests.unit import test_application
from self_healing_tempest_plugin import waiting

State = journals.State
NAME = 'tempest-app-7'
RULE = 'self_healing_host_down_0badcafe'
KNOWN = {'datasource': 'prometheus', 'alarm': 'HostDown',
         'forced_down': []}


class RemovalTestCase(test_application.ApplicationTestCase):
    """A journal with what a run has left, and a cloud with it."""

    def setUp(self):
        super().setUp()
        self.cloud.templates.clear()
        self.patch_constants(UNDER_WAY=0.5, DELETION_INTERVAL=0.05,
                             ATTEMPT_INTERVAL=0.01)
        times = self.settings.timeouts
        self.times = dataclasses.replace(
            times, poll_interval=0.05, host_return=2,
            links=dict(times.links, stack=5), template=5)

    def patch_constants(self, **values):
        for name, value in values.items():
            self.useFixture(fixtures.MonkeyPatch(
                'self_healing_tempest_plugin.removal.%s' % name, value))

    def wall(self, seconds):
        """Set the clock."""
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.waiting.CLOCK',
            dataclasses.replace(waiting.CLOCK, wall=lambda: seconds)))

    def planned(self, kind, name, *created, **known):
        """Return the id of an object that a run has written down.

        :param created: dicts of what was known later
        """
        planned = journals.Object(plans.new_id(), kind, name, known)
        self.journal.plan_object(planned)
        for known_later in created:
            self.journal.created(planned.id, **known_later)
        return planned.id

    def broken(self, host='compute-1', *states):
        """Write down that a host was to be broken."""
        plan = host_samples.file_plan('/no/such', host=host)
        self.journal.plan(plan)
        for state in states or (State.VERIFIED,):
            self.journal.record(plan.id, state)

    def stack(self, name=NAME, status='CREATE_COMPLETE'):
        """Let the cloud have a stack."""
        self.cloud.stacks[fake_cloud.STACK] = {
            'id': fake_cloud.STACK, 'stack_name': name,
            'stack_status': status, 'stack_status_reason': 'ok',
            'creation_time': fake_cloud.MADE, 'updated_time': None,
            'outputs': []}
        return self.cloud.stacks[fake_cloud.STACK]

    def template(self, name=RULE, uuid='t1', status='ACTIVE'):
        self.cloud.templates.append({
            'uuid': uuid, 'name': name, 'status': status,
            'status details': 'ok'})

    def remove(self, object_id, ways=None):
        removal.Removal(self.clients, self.journal, self.times,
                        ways or transports.Transports(
                            host_samples.ACCESS)).remove(object_id)

    def stumbling(self, asked, times):
        """Let the cloud break over the first requests of a kind.

        :param asked: regex of the method and the path of these requests
        :returns: the methods and paths of those that it broke over so far
        """
        real, stumbled = self.cloud.handle, []

        def handle(method, path, query, body):
            wanted = '%s %s' % (method, path)
            if len(stumbled) < times and re.search(asked, wanted):
                stumbled.append(wanted)
                return 500, {'error': {'message': 'Internal Error'}}, {}
            return real(method, path, query, body)

        self.useFixture(fixtures.MockPatchObject(
            self.cloud, 'handle', handle))
        return stumbled

    def gone(self, object_id):
        """Fail unless it is removed, and the journal says so."""
        self.remove(object_id)
        self.assertEqual((), self.journal.open_entries())

    def kept(self, kind, object_id):
        """Fail unless its removal fails, and it stays open.

        :returns: why, as text
        """
        error = self.assertRaises(kind, self.remove, object_id)
        self.assertEqual([object_id], [entry.id for entry in
                                       self.journal.open_entries()])
        return str(error)


class StackTest(RemovalTestCase):
    """A stack, and what is in it."""

    def test_created(self):
        self.stack()
        self.gone(self.planned('stack', NAME, {'id': fake_cloud.STACK}))
        self.assertEqual('DELETE_COMPLETE', self.cloud.stacks[
            fake_cloud.STACK]['stack_status'])

    def test_every_status(self):
        """However far it had come, and however it had gone."""
        for status in ('CREATE_COMPLETE', 'CREATE_IN_PROGRESS',
                       'CREATE_FAILED', 'UPDATE_IN_PROGRESS',
                       'UPDATE_FAILED', 'UPDATE_COMPLETE', 'CHECK_FAILED',
                       'ROLLBACK_COMPLETE', 'DELETE_IN_PROGRESS',
                       'DELETE_FAILED', 'SUSPEND_COMPLETE'):
            stack = self.stack(status=status)
            self.gone(self.planned('stack', NAME, {'id': fake_cloud.STACK}))
            self.assertEqual('DELETE_COMPLETE', stack['stack_status'])

    def test_of_a_member_who_had_lost_a_role(self):
        """Its token of that time may delete nothing: it gets a new one."""
        self.stack()
        renewed, owner = [], self.clients
        self.useFixture(fixtures.MockPatchObject(
            clients.Clients, 'renew', lambda owner: renewed.append(owner)))
        object_id = self.planned('stack', NAME, {'id': fake_cloud.STACK},
                                 project='p2')
        removal.Removal(
            self.clients, self.journal, self.times,
            transports.Transports(host_samples.ACCESS),
            lambda project: owner).remove(object_id)
        self.assertEqual({owner}, set(renewed))

    def test_overtaken(self):
        """An update of the same moment goes on in place of the deletion."""
        stack, deletions = self.stack(), []

        def delete(query, body, identifier):
            deletions.append(stack['stack_status'])
            stack['stack_status'] = (
                'UPDATE_COMPLETE' if len(deletions) == 1
                else 'DELETE_COMPLETE')
            return 204, None, {}

        self.cloud.delete_stack = delete
        self.gone(self.planned('stack', NAME, {'id': fake_cloud.STACK}))
        self.assertEqual(['CREATE_COMPLETE', 'UPDATE_COMPLETE'], deletions)

    def test_without_an_answer(self):
        """Nobody knows the id of the stack: it is found by its name."""
        stack = self.stack()
        self.gone(self.planned('stack', NAME))
        self.assertEqual('DELETE_COMPLETE', stack['stack_status'])

    def test_under_way(self):
        """The stack comes after the run is dead."""
        later = threading.Timer(0.2, self.stack)
        self.addCleanup(later.join)
        object_id = self.planned('stack', NAME)
        later.start()
        self.gone(object_id)
        later.join()
        self.assertEqual('DELETE_COMPLETE', self.cloud.stacks[
            fake_cloud.STACK]['stack_status'])

    def test_never_created(self):
        """So long it is waited for, and then it is gone."""
        begin = waiting.CLOCK.now()
        self.gone(self.planned('stack', NAME))
        self.assertGreaterEqual(waiting.CLOCK.now() - begin, 0.4)
        self.assertEqual([], self.cloud.asked('DELETE', 'stacks'))

    def test_long_ago(self):
        """A stack that has not come in a day does not come."""
        object_id = self.planned('stack', NAME)
        self.patch_constants(UNDER_WAY=1000.0)
        self.wall(4e9)
        self.gone(object_id)

    def test_clock_was_set(self):
        """A clock that went back makes nobody wait for ever."""
        object_id = self.planned('stack', NAME)
        self.wall(7.0)
        self.gone(object_id)

    def test_gone_already(self):
        self.gone(self.planned('stack', NAME, {'id': fake_cloud.STACK}))

    def test_again(self):
        """A stack that is removed is not looked for again."""
        object_id = self.planned('stack', NAME, {'id': fake_cloud.STACK})
        self.gone(object_id)
        before = len(self.cloud.requests)
        self.gone(object_id)
        self.assertEqual(before, len(self.cloud.requests))

    def test_others_stay(self):
        """A name that begins like ours is somebody else's."""
        stack = self.stack(name=NAME + '7')
        self.template(NAME + '7-healing_rule-x', 't7')
        self.cloud.executions.append(dict(
            fake_cloud.execution(), workflow_name=NAME + '7-heal_instance'))
        self.gone(self.planned('stack', NAME))
        self.assertEqual('CREATE_COMPLETE', stack['stack_status'])
        self.assertEqual((1, 1), (len(self.cloud.templates),
                                  len(self.cloud.executions)))

    def test_executions(self):
        """Of its workflow, known or not, before the stack and after it."""
        for known in ([], [{'workflow': NAME + '-heal_instance-abc'}],
                      [{'workflow': fake_cloud.WORKFLOW}]):
            self.stack()
            workflow = known[0]['workflow'] if known else (
                NAME + '-heal_instance-abc')
            self.cloud.executions = [dict(fake_cloud.execution(),
                                          workflow_name=workflow)]
            delete = self.cloud.delete_stack

            def late(query, body, identifier, workflow=workflow,
                     delete=delete):
                self.cloud.executions.append(dict(
                    fake_cloud.execution(id='late'),
                    workflow_name=workflow))
                return delete(query, body, identifier)

            self.useFixture(fixtures.MockPatchObject(
                self.cloud, 'delete_stack', late))
            self.gone(self.planned('stack', NAME,
                                   {'id': fake_cloud.STACK}, *known))
            self.assertEqual([], self.cloud.executions)

    def test_execution_goes_by_itself(self):
        """Somebody else has deleted the execution in between."""
        self.cloud.executions = [dict(
            fake_cloud.execution(), workflow_name=NAME + '-heal')]

        def gone(query, body, execution):
            self.cloud.executions = []
            raise fake_cloud.Reply(404, {'faultstring': 'gone'})

        self.cloud.delete_execution = gone
        self.gone(self.planned('stack', NAME, {}))

    def test_somebody_else_answers(self):
        """An ingress that has lost Heat does not know that it is gone."""
        self.stack()
        real = self.cloud.handle
        self.useFixture(fixtures.MockPatchObject(
            self.cloud, 'handle', lambda method, path, *asked: (
                404, 'default backend - 404', {}) if path.startswith('/heat')
            else real(method, path, *asked)))
        self.kept(errors.ServiceUnavailable, self.planned(
            'stack', NAME, {'id': fake_cloud.STACK}))

    def test_rule_that_heat_lost(self):
        """Heat got no answer when it added the rule, and knows of none."""
        self.stack()
        self.template(NAME + '-healing_rule-abc', 't3')
        self.template('other', 't4')
        self.gone(self.planned('stack', NAME, {'id': fake_cloud.STACK}))
        self.assertEqual(['t4'], [template['uuid'] for template in
                                  self.cloud.templates])

    def test_deletion_fails(self):
        self.patch_constants(DELETIONS=2)
        self.stack()
        self.cloud.delete_stack = lambda query, body, identifier: (
            self.cloud.stacks[fake_cloud.STACK].update(
                stack_status='DELETE_FAILED', stack_status_reason='stuck')
            or (204, None, {}))
        text = self.kept(waiting.WaitAborted, self.planned(
            'stack', NAME, {'id': fake_cloud.STACK}))
        self.assertIn('DELETE_FAILED: stuck', text)
        self.assertIn('openstack stack failures list %s' % NAME, text)

    def test_services_away(self):
        """Whichever it is, the entry stays, with the service's name."""
        self.times = dataclasses.replace(self.times, template=0.5)
        for broken, service in (('heat', 'Heat'), ('mistral', 'Mistral'),
                                ('rca', 'Vitrage'), ('identity', '')):
            self.stack()
            object_id = self.planned('stack', NAME,
                                     {'id': fake_cloud.STACK})
            self.cloud.broken = '^/%s/' % broken
            self.clients = self.make()
            text = self.kept(Exception, object_id)
            self.assertIn(service, text)
            self.assertEqual(1, len(text.splitlines()))
            # Past the error: what can be removed is.
            self.assertEqual(broken in ('heat', 'identity'), self.cloud.
                             stacks[fake_cloud.STACK]['stack_status']
                             != 'DELETE_COMPLETE')
            self.cloud.broken = None
            self.gone(object_id)

    def test_service_stumbles(self):
        """Whichever it is: what it broke over is asked for again."""
        for asked in ('DELETE /heat/.*/stacks/', 'GET /heat/.*/stacks/',
                      'GET /mistral/.*/executions', 'GET /rca/.*template',
                      'POST /identity/v3/auth/tokens'):
            self.stack()
            object_id = self.planned('stack', NAME,
                                     {'id': fake_cloud.STACK})
            self.clients = self.make()
            stumbled = self.stumbling(asked, 2)
            self.gone(object_id)
            self.assertEqual(2, len(stumbled))
            self.assertEqual('DELETE_COMPLETE', self.cloud.stacks[
                fake_cloud.STACK]['stack_status'])

    def test_heat_away_is_not_gone(self):
        """A Heat that does not answer has not said that there is no stack."""
        self.cloud.broken = '/stacks/'
        object_id = self.planned('stack', NAME)
        self.assertIn('Heat: show stack', self.kept(
            errors.ServiceUnavailable, object_id))

    def test_waits_for_the_host(self):
        """Until its nova-compute can delete the guest itself."""
        self.stack()
        service = self.cloud.services[0]
        service.update(state='down', forced_down=True)
        asked = []
        delete = self.cloud.delete_stack

        def look(query, body, identifier):
            asked.append((service['state'], service['forced_down']))
            return delete(query, body, identifier)

        self.cloud.delete_stack = look
        object_id = self.planned('stack', NAME, {
            'id': fake_cloud.STACK, 'host': 'compute-1'})
        self.broken()
        later = threading.Timer(0.3, lambda: service.update(
            state='up', forced_down=False))
        self.addCleanup(later.join)
        later.start()
        self.gone(object_id)
        self.assertEqual([('up', False)], asked)

    def test_does_not_wait_for_ever(self):
        """A host that stays away keeps no stack."""
        self.times = dataclasses.replace(self.times, host_return=0.2)
        stack = self.stack()
        self.cloud.services[0].update(state='down')
        object_id = self.planned('stack', NAME, {
            'id': fake_cloud.STACK, 'host': 'compute-1'})
        self.broken()
        self.gone(object_id)
        self.assertEqual('DELETE_COMPLETE', stack['stack_status'])

    def test_hosts_that_were_not_broken(self):
        """What somebody else has done to one is waited for by nobody."""
        self.cloud.services[0].update(state='down')
        self.broken('compute-20')
        self.stack()
        object_id = self.planned('stack', NAME, {
            'id': fake_cloud.STACK, 'host': 'compute-1'})
        self.broken('compute-20')
        self.gone(object_id)
        self.assertEqual([], self.cloud.asked('GET', 'os-services'))

    def left(self, there='false', away='true'):
        """Return what a run knows that is left on a host."""
        return plans.to_dict(host_samples.file_plan(
            '/no/such', kind='guest-left', inject=(), witnesses=(),
            host='compute-1', description='what is left of server s',
            checks=(plans.Check('the guest is gone', host_samples.sh(there),
                                holds=False),),
            revert=(host_samples.sh(away),)))

    def test_host_is_cleared(self):
        """After the stack, and only where the host was broken."""
        file = self.useFixture(fixtures.TempDir()).join('port')
        for broken in ((), ('compute-20',), ('compute-1',)):
            with open(file, 'w', encoding='utf-8'):
                pass
            self.stack()
            object_id = self.planned('stack', NAME, {
                'id': fake_cloud.STACK, 'host': 'compute-1',
                'left': self.left(away='rm %s' % file)})
            for host in broken:
                self.broken(host)
            self.gone(object_id)
            self.assertEqual(broken != ('compute-1',),
                             os.path.exists(file))

    def test_host_is_not_cleared(self):
        """A guest or a port that stays keeps the entry open."""
        self.times = dataclasses.replace(self.times, host_return=0.2)
        for left, kind, why in (
                (self.left(there='true'), waiting.WaitTimeout,
                 'the guest is gone'),
                (self.left(away='echo busy >&2; exit 3'), Exception,
                 'busy')):
            self.stack()
            object_id = self.planned('stack', NAME, {
                'id': fake_cloud.STACK, 'host': 'compute-1', 'left': left})
            self.broken()
            self.assertIn(why, self.kept(kind, object_id))
            self.journal.close(object_id, 'next')

    def test_hosts_of_each_server(self):
        """A stack has had two servers, and both hosts were broken."""
        directory = self.useFixture(fixtures.TempDir())
        files = [directory.join(name) for name in ('one', 'two')]
        for file in files:
            with open(file, 'w', encoding='utf-8'):
                pass
        hosts = ['compute-1', 'compute-20']
        self.stack()
        object_id = self.planned('stack', NAME, {
            'id': fake_cloud.STACK, 'hosts': hosts, 'remains': [
                dict(self.left(away='rm %s' % file), host=host)
                for file, host in zip(files, hosts)]})
        for host in hosts:
            self.broken(host)
        self.gone(object_id)
        self.assertEqual([False, False], [os.path.exists(file)
                                          for file in files])

    def test_every_host_is_waited_for(self):
        """The first one, too, deletes what it has of the stack itself."""
        self.times = dataclasses.replace(self.times, host_return=0.2)
        self.stack()
        object_id = self.planned('stack', NAME, {
            'id': fake_cloud.STACK, 'hosts': ['compute-1', 'compute-20']})
        for host in ('compute-1', 'compute-20'):
            self.broken(host)
        self.gone(object_id)
        asked = len(self.cloud.asked('GET', 'os-services'))
        self.cloud.services[0].update(state='down')
        self.stack()
        self.journal.plan_object(journals.Object(
            'again', 'stack', NAME, {
                'hosts': ['compute-1', 'compute-20']}))
        for host in ('compute-1', 'compute-20'):
            self.broken(host)
        self.gone('again')
        self.assertEqual(2, asked)
        self.assertThat(len(self.cloud.asked('GET', 'os-services')),
                        matchers.GreaterThan(4))


HEAT, ZAQAR, VITRAGE = 'user-heat', 'user-zaqar', 'user-vitrage'


class TrustTest(RemovalTestCase):
    """The trusts that services keep of a stack that is gone."""

    def setUp(self):
        super().setUp()
        self.cloud.users = {HEAT: 'heat', ZAQAR: 'zaqar'}
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.stack_trusts.LISTED_AFTER', 0.05))

    def trust(self, trust_id, trustee, **other):
        self.cloud.trusts[trust_id] = {
            'id': trust_id, 'project_id': fake_cloud.PROJECT,
            'trustor_user_id': VITRAGE, 'trustee_user_id': trustee,
            'roles': [{'name': 'member'}], **other}

    def left_of(self, **known):
        """Return the trusts that are there when a stack is removed."""
        self.stack()
        self.gone(self.planned('stack', NAME, {'id': fake_cloud.STACK},
                               **known))
        return sorted(self.cloud.trusts)

    def deleted_by(self, change=lambda cloud: None):
        """Return which trusts go with a member's stack that has a trigger.

        :param change: what happens to the cloud before
        """
        cloud = self.cloud = self.useFixture(
            fake_tenant_cloud.FakeTenantCloud())
        cloud.stack_resources = fake_tenant_cloud.resources()
        self.stack()
        before = set(cloud.trusts)
        object_id = self.planned('stack', NAME, {'id': fake_cloud.STACK},
                                 project=fake_tenant_cloud.TENANT)
        change(cloud)
        removal.Removal(
            self.clients, self.journal, self.times,
            owners=lambda project: fake_tenant_cloud.owner(cloud)).remove(
                object_id)
        self.assertEqual((), self.journal.open_entries())
        self.assertEqual(1, len(cloud.asked('DELETE', '/stacks/')))
        return before - set(cloud.trusts)

    def test_of_a_trigger(self):
        """Zaqar keeps it; those of the alarms are Aodh's to delete."""
        self.assertEqual({fake_tenant_cloud.TRUST}, self.deleted_by())

    def test_services_that_stumble(self):
        """Nobody could tell it any more when the stack is gone."""
        for asked in ('GET /zaqar/.*/subscriptions', 'GET /heat/.*/resources'):
            self.assertEqual(
                {fake_tenant_cloud.TRUST}, self.deleted_by(
                    lambda cloud, asked=asked: self.stumbling(asked, 2)))

    def test_zaqar_is_away(self):
        """It is not waited for for ever, and the log tells what is left."""
        logged = self.useFixture(fixtures.FakeLogger())
        self.assertEqual(set(), self.deleted_by(
            lambda cloud: setattr(cloud, 'broken', '/zaqar/')))
        self.assertIn('for the triggers of stack %s may be left' % NAME,
                      logged.output)

    def test_no_zaqar(self):
        """Nobody has made a trigger, and nobody is asked twice."""
        self.assertEqual(set(), self.deleted_by(
            lambda cloud: cloud.catalog.pop('messaging')))

    def test_of_a_trigger_that_is_gone(self):
        """The run was killed when it had deleted the stack: it is known."""
        self.trust('z', ZAQAR)
        self.gone(self.planned('stack', NAME, {
            'id': fake_cloud.STACK, 'trusts': ['z', 'gone']}))
        self.assertEqual({}, self.cloud.trusts)

    def test_of_a_stack_half_deleted(self):
        """What was written down before is not forgotten for what is left."""
        self.trust('z', ZAQAR)
        self.assertEqual([], self.left_of(trusts=['z']))

    def test_forgotten_by_heat(self):
        self.trust('before', HEAT)
        self.trust('since', HEAT)
        self.trust('of-zaqar', ZAQAR)
        self.trust('of-nobody', 'user-gone')
        self.trust('elsewhere', HEAT, project_id='p2')
        self.trust('of-another', HEAT, trustor_user_id='u7')
        self.assertEqual(
            ['before', 'elsewhere', 'of-nobody', 'of-zaqar'],
            self.left_of(trusts_before=['before'], stacks_before={}))

    def test_another_stack_since(self):
        """A trust may be of a stack that was made or updated meanwhile.

        Or at the very moment when ours was: its time tells nothing.
        """
        self.trust('since', HEAT)
        earlier, later = '2026-11-28T08:59:59Z', '2026-11-28T09:00:00Z'
        for known, update, left in (
                ({}, None, ['since']), ({}, earlier, ['since']),
                ({'other': None}, earlier, ['since']),
                ({'other': earlier}, later, ['since']),
                ({'other': earlier}, earlier, []), ({'other': None}, None,
                                                    [])):
            self.trust('since', HEAT)
            self.cloud.stacks['other'] = {
                'id': 'other', 'stack_name': 'other',
                'stack_status': 'UPDATE_COMPLETE', 'creation_time': earlier,
                'updated_time': update}
            self.assertEqual(left, self.left_of(trusts_before=[],
                                                stacks_before=known))

    def test_keystone_is_away(self):
        """What cannot be told now is told the next time."""
        self.trust('since', HEAT)
        self.stack()
        object_id = self.planned('stack', NAME, {'id': fake_cloud.STACK},
                                 trusts_before=[], stacks_before={})
        self.cloud.broken = '/role_assignments'
        self.assertIn('Keystone', self.kept(errors.ServiceUnavailable,
                                            object_id))
        self.cloud.broken = None
        self.gone(object_id)
        self.assertEqual({}, self.cloud.trusts)

    def test_nobody_knows_which_were_there(self):
        self.trust('since', HEAT)
        self.assertEqual(['since'], self.left_of())


class TemplateTest(RemovalTestCase):
    """A template, and what it has done."""

    def test_created(self):
        for status in ('ACTIVE', 'LOADING', 'ERROR', 'DELETING'):
            self.template(status=status)
            if status == 'DELETING':
                later = threading.Timer(0.3, self.cloud.templates.clear)
                self.addCleanup(later.join)
                later.start()
            self.gone(self.planned('template', RULE, {'id': 't1'}, **KNOWN))
            self.assertEqual([], self.cloud.templates)

    def test_without_an_answer(self):
        """The template is found by its name; one with another name stays."""
        self.template()
        self.template(RULE + '0', 't2')
        self.gone(self.planned('template', RULE, **KNOWN))
        self.assertEqual(['t2'], [template['uuid'] for template in
                                  self.cloud.templates])

    def test_under_way(self):
        later = threading.Timer(0.2, self.template)
        self.addCleanup(later.join)
        object_id = self.planned('template', RULE, **KNOWN)
        later.start()
        self.gone(object_id)
        later.join()
        self.assertEqual([], self.cloud.templates)

    def test_gone_already(self):
        self.gone(self.planned('template', RULE, {'id': 't1'}, **KNOWN))

    def test_comes_back(self):
        """Vitrage was loading it when it was deleted."""
        self.template()
        real, asked = self.cloud.delete_template, []

        def delete(query, body):
            asked.append(body)
            return real(query, body) if len(asked) > 2 else (200, None, {})

        self.cloud.delete_template = delete
        self.gone(self.planned('template', RULE, {'id': 't1'}, **KNOWN))
        self.assertEqual(3, len(asked))

    def test_stays(self):
        self.times = dataclasses.replace(self.times, template=0.3)
        self.template()
        self.cloud.delete_template = lambda query, body: (200, None, {})
        self.assertIn('%s ACTIVE' % RULE, self.kept(
            waiting.WaitTimeout,
            self.planned('template', RULE, {'id': 't1'}, **KNOWN)))

    def watched(self):
        """Return how the hosts were whenever a template was deleted."""
        seen, delete = [], self.cloud.delete_template

        def look(query, body):
            seen.append((
                [service['host'] for service in self.cloud.services
                 if service['forced_down']],
                [alarm['name'] for alarm in self.cloud.alarms
                 if not alarm.get('end_timestamp')]))
            return delete(query, body)

        self.cloud.delete_template = look
        return seen

    def test_outlives_what_it_has_done(self):
        """The alarm is gone and the host un-forced before it is deleted."""
        self.template()
        seen = self.watched()
        self.cloud.alarms = [fake_cloud.alarm('a')]
        self.cloud.services[0]['forced_down'] = True
        object_id = self.planned('template', RULE, {'id': 't1'}, **KNOWN)
        self.broken()

        def end():
            self.cloud.alarms[0]['end_timestamp'] = 'now'
            self.cloud.services[0]['forced_down'] = False

        later = threading.Timer(0.3, end)
        self.addCleanup(later.join)
        later.start()
        self.gone(object_id)
        self.assertEqual([([], [])], seen)

    def test_alarm_stays(self):
        """Then so does the template, and both are named."""
        self.times = dataclasses.replace(self.times, host_return=0.2)
        self.template()
        self.cloud.alarms = [fake_cloud.alarm('a')]
        self.cloud.services[0]['forced_down'] = True
        object_id = self.planned('template', RULE, {'id': 't1'}, **KNOWN)
        self.broken()
        text = self.kept(waiting.WaitTimeout, object_id)
        self.assertIn('host compute-1 is forced down; alarm HostDown is on '
                      'host compute-1', text)
        self.assertEqual(1, len(self.cloud.templates))
        self.assertIs(True, self.cloud.services[0]['forced_down'])

    def test_alarm_on_a_host_that_is_not_forced_down(self):
        """Of a NIC, for one: the template has put instances into ERROR."""
        self.times = dataclasses.replace(self.times, host_return=0.2)
        self.template()
        self.cloud.alarms = [fake_cloud.alarm('a')]
        object_id = self.planned('template', RULE, {'id': 't1'}, **KNOWN)
        self.broken()
        text = self.kept(waiting.WaitTimeout, object_id)
        self.assertIn('last state: alarm HostDown is on host compute-1',
                      text)

    def test_alarm_on_another_host(self):
        """A host that is really down stays so, and its template does."""
        self.times = dataclasses.replace(self.times, host_return=0.2)
        self.template()
        self.cloud.entities = [dict(fake_cloud.host_entity(),
                                    id='compute-20', vitrage_id='v20')]
        self.cloud.alarms = [fake_cloud.alarm('a', resource='v20')]
        self.cloud.services[1]['forced_down'] = True
        object_id = self.planned('template', RULE, {'id': 't1'}, **KNOWN)
        text = self.kept(waiting.WaitTimeout, object_id)
        self.assertIn('alarm HostDown is on host compute-20', text)
        self.assertIs(True, self.cloud.services[1]['forced_down'])

    def test_nova_does_not_unforce(self):
        """The state of the host is looked at, whatever Nova answered."""
        self.times = dataclasses.replace(self.times, host_return=0.2)
        self.template()
        self.cloud.services[0]['forced_down'] = True
        self.cloud.update_service = lambda query, body, service_id: (
            200, {'service': dict(self.cloud.services[0],
                                  updated_at=self.cloud.reported())}, {})
        text = self.kept(waiting.WaitTimeout, self.planned(
            'template', RULE, {'id': 't1'}, **KNOWN))
        self.assertIn('host compute-1 is forced down', text)
        self.assertEqual(1, len(self.cloud.templates))

    def test_vitrage_forgot(self):
        """No alarm any more, and still forced down: it is un-forced."""
        self.times = dataclasses.replace(self.times, host_return=0.2)
        self.template()
        self.cloud.services[0]['forced_down'] = True
        seen = self.watched()
        object_id = self.planned('template', RULE, {'id': 't1'}, **KNOWN)
        self.broken()
        self.gone(object_id)
        self.assertIs(False, self.cloud.services[0]['forced_down'])
        self.assertEqual([([], [])], seen)

    def test_forced_down_before(self):
        """A host that was forced down before the template is left so."""
        self.times = dataclasses.replace(self.times, host_return=0.2)
        self.template()
        self.cloud.services[1]['forced_down'] = True
        object_id = self.planned('template', RULE, {'id': 't1'},
                                 **dict(KNOWN, forced_down=['compute-20']))
        self.broken()
        self.gone(object_id)
        self.assertIs(True, self.cloud.services[1]['forced_down'])

    def test_another_host_alarms(self):
        """The template marks any host down, not only ours."""
        self.times = dataclasses.replace(self.times, host_return=0.2)
        self.template()
        self.cloud.services[1]['forced_down'] = True
        self.gone(self.planned('template', RULE, {'id': 't1'}, **KNOWN))
        self.assertIs(False, self.cloud.services[1]['forced_down'])

    def test_other_alarms(self):
        """Those of other names, monitors and hosts are not the template's."""
        self.template()
        self.cloud.alarms = [
            fake_cloud.alarm('a', name='DiskFull'),
            fake_cloud.alarm('b', kind='zabbix'),
            fake_cloud.alarm('c', resource='elsewhere'),
            fake_cloud.alarm('d', end='now')]
        object_id = self.planned('template', RULE, {'id': 't1'}, **KNOWN)
        self.broken()
        self.gone(object_id)

    def test_services_away(self):
        for broken, service in (('rca', 'Vitrage'), ('nova', 'Nova')):
            self.cloud.templates.clear()
            self.template()
            self.times = dataclasses.replace(self.times, host_return=0.2)
            object_id = self.planned('template', RULE, {'id': 't1'},
                                     **KNOWN)
            self.cloud.broken = '^/%s/' % broken
            text = self.kept(Exception, object_id)
            self.assertIn(service, text)
            self.cloud.broken = None
            self.assertEqual(1, len(self.cloud.templates))
            self.gone(object_id)


class EntryTest(RemovalTestCase):
    """What the journal may say."""

    def test_unknown_kind(self):
        """A kind of another version is not taken for removed."""
        self.assertIn('cannot remove image x', self.kept(
            journals.JournalError, self.planned('image', 'x')))

    def test_keystone_stumbles(self):
        """What was made for a member is removed all the same."""
        self.cloud.granted.add(('p2', 'u1', 'r1'))
        for kind, asked in (('access to project', 'DELETE .*/roles/'),
                            ('project', 'DELETE .*/users/'),
                            ('project', 'DELETE .*/projects/')):
            object_id = self.planned(kind, 'p2', project='p2', user='u1',
                                     roles=['r1'])
            stumbled = self.stumbling(asked, 3)
            self.gone(object_id)
            self.assertEqual(3, len(stumbled))
        self.assertEqual(set(), self.cloud.granted)

    def test_closed_hosts(self):
        """What a killed run has closed is opened, and nothing else."""
        ours, foreign = self.cloud.services
        foreign['id'] = 'foreign'
        object_id = self.planned('closed hosts', 'all but compute-7',
                                 services=[ours['id'], 'foreign', 'gone'])
        ours.update(status='disabled',
                    disabled_reason=removal.closed_for(object_id))
        foreign.update(status='disabled', disabled_reason='it is mended')
        self.gone(object_id)
        self.assertEqual(('enabled', 'disabled'),
                         (ours['status'], foreign['status']))

    def test_no_such_entry(self):
        self.assertRaises(journals.JournalError, self.remove, 'none')

    def test_fault(self):
        """A fault is no object."""
        plan = host_samples.file_plan('/no/such')
        self.journal.plan(plan)
        self.assertRaises(journals.JournalError, self.remove, plan.id)

    def test_client_defect(self):
        """An error within the client is no answer either."""
        self.stack()
        self.cloud.show_stack = lambda query, body, identifier: (
            200, {'stack': None}, {})
        self.kept(errors.ServiceError, self.planned(
            'stack', NAME, {'id': fake_cloud.STACK}))
