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

"""chains.both: an application that two ways heal at once."""

import dataclasses
import json
import types

from heatclient.common import template_format
import testtools

from self_healing_tempest_plugin.chains import both
from self_healing_tempest_plugin.diagnosis import diagnose
from self_healing_tempest_plugin.links.either_workflow import (
    link as either_workflow)
from self_healing_tempest_plugin.links.either_workflow import kit
from self_healing_tempest_plugin.links.either_workflow import watcher
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin import stacks
from self_healing_tempest_plugin import templates
from self_healing_tempest_plugin.tests.unit import chain_samples
from self_healing_tempest_plugin.tests.unit import diagnosis_samples
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_tenant_cloud
from self_healing_tempest_plugin.tests.unit import tenant_samples
from self_healing_tempest_plugin.tests.unit import test_member_preflight
from self_healing_tempest_plugin.tests.unit import test_templates
from self_healing_tempest_plugin.tests.unit import test_tenant_watchers

Mark = links.Mark
BOTH = both.CHAIN
BY_RULE = 'app-heal_by_rule-x9'
NAMES = {templates.BY_MESSAGE: fake_cloud.WORKFLOW,
         templates.BY_RULE: BY_RULE,
         'alarm_queue': fake_tenant_cloud.QUEUE}


def by_rule(**changes):
    """Return an execution that the rule has started."""
    return dict(fake_cloud.execution(**changes), workflow_name=BY_RULE,
                input=json.dumps({'stack_id': fake_cloud.STACK,
                                  'server_id': fake_cloud.SERVER}))


class TemplateTest(testtools.TestCase):
    """The HOT that is made of two."""

    def setUp(self):
        super().setUp()
        self.hot = template_format.parse(templates.read(templates.BOTH))

    def test_resources(self):
        """All of a member's application, the rule, and its workflow."""
        member, ruled = (
            template_format.parse(templates.read(name))['resources']
            for name in (templates.TENANT, templates.APPLICATION))
        made = dict(self.hot['resources'])
        # Mistral is not to read two of them at the same time.
        self.assertEqual(dict(ruled['heal_instance'],
                              depends_on=templates.BY_MESSAGE),
                         made.pop(templates.BY_RULE))
        params = made.pop('healing_rule')['properties']['template_params']
        self.assertEqual({'get_resource': templates.BY_RULE},
                         params['workflow_name'])
        self.assertEqual(member, made)

    def test_references(self):
        """Every resource and parameter that is named is there."""
        self.assertEqual(
            {templates.APPLICATION_SCRIPT, templates.HEAL_INSTANCE},
            test_templates.check_references(self, self.hot, templates.BOTH))

    def test_begins_with_one_resource(self):
        """Heat waits a second after each that it may begin with."""
        self.assertEqual(['network'], test_templates.begun_with(
            self.hot['resources']))


class WatcherTest(test_tenant_watchers.WatcherTestCase):
    """EitherWatcher."""

    def watch(self):
        app = types.SimpleNamespace(
            server_id=fake_cloud.SERVER, resources=NAMES,
            stack=types.SimpleNamespace(id=fake_cloud.STACK))
        self.watcher = watcher.EitherWatcher(
            types.SimpleNamespace(owner=self.owner, application=app),
            BY_RULE, fake_cloud.WORKFLOW)
        self.told = fake_tenant_cloud.event('e1')

    def add(self, *executions):
        self.cloud.executions.extend(executions)

    def test_one(self):
        for execution in (by_rule(id='r'),
                          fake_tenant_cloud.execution(self.told, id='m')):
            self.cloud.executions = [execution]
            look = self.look()
            self.assertEqual((execution['id'],), look.objects)
            self.assertEqual([Mark.STARTED],
                             [seen.mark for seen in look.sightings])
            self.assertTrue(both.WORKFLOW.ties(
                {'server_id': fake_cloud.SERVER,
                 'stack_id': fake_cloud.STACK}, look.sightings[0].payload))

    def test_none(self):
        self.assertEqual(((), '', 'not there'), (
            self.look().objects, self.look().failure, self.look().state))

    def test_both(self):
        """One heals, and the other has found nothing to do."""
        self.add(by_rule(id='r', state='SUCCESS'),
                 fake_tenant_cloud.execution(
                     self.told, id='m', state='SUCCESS',
                     output={'found': False}))
        look = self.look()
        self.assertEqual(('r', 'm'), look.objects)
        self.assertEqual(
            {('r', Mark.STARTED), ('r', Mark.FINISHED), ('m', Mark.STARTED)},
            {(seen.object_id, seen.mark) for seen in look.sightings})

    def test_one_fails(self):
        """It is over when the other one fails, too, not before."""
        self.add(by_rule(id='r', state='ERROR', state_info='boom'))
        self.assertEqual('', self.look().failure)
        self.add(fake_tenant_cloud.execution(self.told, id='m'))
        self.assertEqual('', self.look().failure)
        self.cloud.executions[-1].update(state='ERROR')
        self.assertIn('boom', self.look().failure)


class VerdictTest(testtools.TestCase):
    """Of two ways at once, only one may replace the server."""

    def timeline(self, *replaced, executions=('r', 'm')):
        """Return a run that goes well, with further replacements.

        :param replaced: pairs of a server and when it was seen
        """
        return chain_samples.healthy(
            BOTH, objects={either_workflow.LINK: executions}, added=[
                dataclasses.replace(
                    chain_samples.evidence(
                        BOTH, BOTH.repair, links.Mark.FINISHED, at,
                        server_id=server), object_id='stack-id')
                for server, at in replaced])

    def verdict(self, *replaced, **changes):
        return verdicts.verdict(self.timeline(*replaced),
                                chain_samples.expected(BOTH, **changes))

    def test_once(self):
        self.assertIs(verdicts.Kind.HEALED, self.verdict().kind)
        # The same once more is no other one.
        self.assertIs(verdicts.Kind.HEALED, self.verdict(('new', 140)).kind)

    def test_twice(self):
        """It says by which, and when."""
        found = self.verdict(('newer', 145))
        self.assertEqual((verdicts.Kind.EXECUTION_STORM, BOTH.repair),
                         (found.kind, found.link))
        self.assertRegex(found.why, r'^server old was replaced 2 times: by '
                         r'server new at \+\d+\.\d s, by server newer at '
                         r'\+45\.0 s; executions: r, m$')

    def test_others_may(self):
        """A chain that works alone is judged by its executions."""
        chain = chain_samples.VITRAGE
        seen = chain_samples.healthy(chain, added=[chain_samples.evidence(
            chain, chain.repair, links.Mark.FINISHED, 145,
            server_id='newer')])
        self.assertIs(verdicts.Kind.HEALED, verdicts.verdict(
            seen, chain_samples.expected(chain)).kind)

    def test_each_way_may_start_so_many(self):
        for most, kind in ((1, verdicts.Kind.HEALED),
                           (2, verdicts.Kind.HEALED)):
            self.assertIs(kind, self.verdict(max_executions=most).kind)
        self.assertIs(
            verdicts.Kind.EXECUTION_STORM, verdicts.verdict(
                self.timeline(executions=('r', 'm', 'r2')),
                chain_samples.expected(BOTH, max_executions=1)).kind)

    def test_servers(self):
        """One that failed to be made was none."""
        ids = ['0000000%d-0000-4000-8000-000000000001' % number
               for number in range(3)]
        resources = [{'resource_type': 'OS::Nova::Server',
                      'resource_name': 'server',
                      'physical_resource_id': ids[2]}]
        events = [{'resource_name': 'server', 'physical_resource_id': server,
                   'resource_status': 'CREATE_%s' % status}
                  for server, status in ((ids[0], 'COMPLETE'),
                                         (ids[1], 'FAILED'),
                                         (ids[2], 'COMPLETE'))]
        self.assertEqual((ids[0], ids[2]), stacks.servers_that_came_to_be(
            resources, events))
        self.assertEqual(tuple(ids), stacks.servers_of(resources, events))


class QuestionsTest(tenant_samples.TenantTestCase):
    """Both ways are asked, each about its own workflow."""

    chain = both.CHAIN

    def test_unstarted(self):
        app = self.application()
        app.resources = {**app.resources, **NAMES}
        around = self.surroundings(application=app)
        expected = self.expected()
        expected = dataclasses.replace(expected, ids={
            **expected.ids, **kit.KIT.ids(around)})
        diagnosis = diagnose.diagnose(
            self.seen(both.WORKFLOW), expected, around, 10)
        told = diagnosis_samples.told(diagnosis)
        for text in ('there is no execution of %s' % BY_RULE,
                     'there is no execution of %s' % fake_cloud.WORKFLOW,
                     'subscription sub-1 tells', 'healing rule'):
            self.assertIn(text, told)
        self.assertNotIn(' or ', ''.join(
            fact.text for fact in diagnosis.facts if 'workflow' in fact.text))


class PreflightTest(test_member_preflight.PreflightTestCase):
    """What the chain rests on, and is no link of it, is looked at, too."""

    def test_healthy(self):
        self.examine(chain=both.CHAIN)
        self.assertEqual({}, self.wrong())
        for what in ('Aodh', 'Zaqar', 'Mistral', 'event alarms',
                     'vitrage-notifier'):
            self.assertEqual({'yes'}, self.states()[what], what)
            self.assertEqual(1, len(self.found[what]), what)

    def test_not_in_the_catalog(self):
        self.cloud.catalog = {}
        self.examine(chain=both.CHAIN)
        self.assertEqual({'Aodh', 'Zaqar'}, set(self.wrong()))
