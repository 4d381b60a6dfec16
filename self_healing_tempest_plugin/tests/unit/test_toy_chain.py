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

"""A chain that only these tests know, in all that is made of a chain."""

import dataclasses
import os
import types

import fixtures

from self_healing_tempest_plugin.config.options import links as link_options
from self_healing_tempest_plugin.diagnosis import details
from self_healing_tempest_plugin.diagnosis import diagnose
from self_healing_tempest_plugin import drill
from self_healing_tempest_plugin.faults import kinds
from self_healing_tempest_plugin.faults import remains
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin import joint
from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.links import surroundings
from self_healing_tempest_plugin.model import expectations
from self_healing_tempest_plugin.model import healing
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin.preflight import examine
from self_healing_tempest_plugin.report import documents
from self_healing_tempest_plugin.report import page
from self_healing_tempest_plugin.report import statistics
from self_healing_tempest_plugin.report import terminal
from self_healing_tempest_plugin import scenarios
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.tests.unit import service_samples
from self_healing_tempest_plugin.tests.unit import test_application
from self_healing_tempest_plugin.tests.unit import test_preflight
from self_healing_tempest_plugin.tests.unit import toy_chain
from self_healing_tempest_plugin import waiting
from self_healing_tempest_plugin.watching import recorders
from self_healing_tempest_plugin.watching import watch

Kind = verdicts.Kind


class WatchedTest(test_application.ApplicationTestCase):
    """What is seen, judged, asked and told of a house."""

    def setUp(self):
        super().setUp()
        self.house = toy_chain.House()
        self.around = surroundings.Surroundings(
            clients=types.SimpleNamespace(nova=None),
            owner=types.SimpleNamespace(house=self.house),
            settings=dataclasses.replace(self.settings, bisect=True),
            monitor=None, alarm=None, journal=self.journal,
            transports=transports.Transports(test_application.ACCESS))

    def expected(self, **changes):
        """Return what a healed house shows."""
        return expectations.Expectation(**dict(dict(
            chain=toy_chain.CHAIN, fault='storm', fault_look_at='the sky',
            ids={'host': 'compute-1', 'server_id': 'old', 'boot': 'boot-1',
                 'url': self.house.url,
                 **kit.ids(toy_chain.CHAIN, self.around)},
            timeouts={'bell': 0.5, 'mending': 0.5, 'door': 0.5},
            steps=toy_chain.CHAIN.steps), **changes))

    def watched(self, *seen, **changes):
        """Return recorder and expectation of a house that was watched."""
        expected = self.expected(**changes)
        recorder = recorders.Recorder()
        watchers = [link_kit.watcher(self.around)
                    for link_kit in kit.of_chain(toy_chain.CHAIN)]
        with watch.Watch(watchers, recorder, 0.01) as running:
            now = recorder.now()
            recorder.transition('injected', now)
            recorder.transition('witnessed', now)
            self.wait_polled(recorder)
            self.house.seen.update(seen)
            running.until_over(expected)
        return recorder, expected

    def wait_polled(self, recorder):
        """Wait until every link was polled since the fault."""
        since = recorder.now()
        waiting.wait_for(
            lambda: recorder.timeline().watched,
            lambda watched: len(watched) == 3 and all(
                link.last_begin > since for link in watched.values()),
            what='polls', timeout=10, interval=0.01)

    def test_healed(self):
        recorder, expected = self.watched('rang', 'came', 'mended', 'opened')
        verdict = verdicts.verdict(recorder.timeline(), expected)
        self.assertEqual(Kind.HEALED, verdict.kind, verdict)
        self.assertIn('server new took over from old', verdict.why)

    def test_broken(self):
        """Each link has its own words, and is asked by its own kit."""
        recorder, expected = self.watched()
        seen = recorder.timeline()
        verdict = verdicts.verdict(seen, expected)
        self.assertEqual((Kind.BROKEN, toy_chain.BELL, 'the wire of the bell'),
                         (verdict.kind, verdict.link, verdict.look_at))
        self.assertIn('no bell of the house within 0.5 s', verdict.why)
        diagnosis = diagnose.diagnose(seen, expected, self.around)
        self.assertEqual([('Bell', 'the wire of the house is cut')],
                         [(fact.side, fact.text) for fact in diagnosis.facts])
        self.assertEqual('the wire: it is cut', diagnosis.look_at)
        self.assertEqual(
            {'mending': True, 'door': True},
            {works.link.name: works.works for works in diagnosis.bisect})

    def test_broken_behind(self):
        recorder, expected = self.watched('rang', 'came')
        verdict = verdicts.verdict(recorder.timeline(), expected)
        self.assertEqual((Kind.BROKEN, toy_chain.MENDING),
                         (verdict.kind, verdict.link), verdict)

    def test_untouched(self):
        """Nothing has to come, and nothing may."""
        recorder, expected = self.watched(steps=(), quiet=0.1)
        self.assertEqual(Kind.UNTOUCHED, verdicts.verdict(
            recorder.timeline(), expected).kind)
        # As soon as it is seen, the watch is over.
        recorder, expected = self.watched('came', steps=(), quiet=30.0)
        verdict = verdicts.verdict(recorder.timeline(), expected)
        self.assertEqual((Kind.UNEXPECTED_HEALING, 'who mends the house'),
                         (verdict.kind, verdict.look_at))

    def test_storm(self):
        recorder, expected = self.watched('rang', 'came', 'mended', 'opened',
                                          max_executions=1)
        seen = dataclasses.replace(recorder.timeline(), objects={
            toy_chain.MENDING: ('mender-1', 'mender-2')})
        verdict = verdicts.verdict(seen, expected)
        self.assertEqual(Kind.EXECUTION_STORM, verdict.kind)
        self.assertIn('2 menders came to the house, at most 1', verdict.why)

    def test_report(self):
        """The document is enough: the readers know no chain."""
        recorder, expected = self.watched('rang', 'came', 'mended', 'opened')
        recorder.clock('Bell', timelines.Offset(
            1767225600.0 - recorder.now(), 1767225600.5 - recorder.now()))
        details.collect(recorder, expected, self.around)
        run = documents.document(recorder.timeline(), expected, name='toy')
        self.assertEqual(
            ['fault', 'bell', 'mending', 'door'],
            [link['name'] for link in run['chain']['links']])
        text = terminal.text(run)
        for words in ('HEALED', 'mending', 'rang ring-1',
                      'opened to boot-2'):
            self.assertIn(words, text)
        html = page.html([run])
        for words in ('house → bell', 'bell → mender', 'mender → door',
                      'an echo'):
            self.assertIn(words, html)
        self.assertEqual(
            ['bell', 'mending started', 'mending finished', 'door',
             'healing'],
            [row.step for row in statistics.of([run], {'bell': 1.0})])

    def test_options(self):
        """Each link has its deadline and its objective."""
        made = link_options.of_links(toy_chain.CHAIN.links)
        self.assertEqual(
            [('bell_timeout', 7), ('mending_timeout', 9),
             ('door_timeout', 3)],
            [(option.name, option.default)
             for option in link_options.timeout_options(made)])
        self.assertEqual(
            ['slo_bell', 'slo_mending', 'slo_door', 'slo_healing'],
            [option.name for option
             in link_options.objective_options(made)])


class StormyHouse(toy_chain.House):
    """Nothing happens to it but some time after the storm, a file."""

    def __init__(self, file):
        super().__init__()
        self._file = file

    def has(self, what):
        if not os.path.exists(self._file):
            return False
        since = waiting.CLOCK.wall() - os.path.getmtime(self._file)
        return since > 0.5 and super().has(what)


class DrillTestCase(test_application.ApplicationTestCase):
    """drill.Drill, in this process, of a house on a compute host."""

    scenario = scenarios.Scenario(
        feature='toy', help='', chain=toy_chain.CHAIN, fault='storm',
        until='door', guests=False)

    def setUp(self):
        super().setUp()
        directory = self.useFixture(fixtures.TempDir())
        self.file = directory.join('fault')
        self.house = StormyHouse(self.file)
        self.artifacts = directory.join('artifacts')
        self.useFixture(fixtures.MockPatchObject(kinds, 'KINDS', {
            'storm': lambda target, ways: host_samples.file_plan(
                self.file, host=target.host)}))
        self.clients.house = self.house
        self.cloud.hypervisors = [
            fake_cloud.hypervisor('compute-1', '192.0.2.11')]
        settings = dataclasses.replace(
            self.settings, artifacts_dir=self.artifacts,
            cloud=service_samples.cloud_settings(self.cloud.url),
            timeouts=dataclasses.replace(
                self.settings.timeouts, witness=5,
                links={'bell': 2, 'mending': 2, 'door': 2, 'stack': 5,
                       'application': 5}))
        self.around = surroundings.Surroundings(
            clients=self.clients, owner=self.clients, settings=settings,
            monitor=monitors.of(settings), alarm=settings.host_alarm,
            journal=self.journal,
            transports=transports.Transports(test_application.ACCESS))
        self.drill = drill.Drill(self.scenario, self.around, 'toy',
                                 'A storm is healed.')


class DrillTest(DrillTestCase):
    """What becomes of a drill."""

    def drilled(self, *seen):
        """Return the verdict of a drill after which something happens."""
        self.house.seen.update(seen)
        with self.drill:
            self.drill.reserve()
            self.drill.deploy()
            self.house.url = self.drill.app.url
            plan = self.drill.plan()
            expected = self.drill.expect(plan)
            self.drill.run(plan, expected)
            return verdicts.verdict(self.drill.recorder.timeline(), *expected)

    def test_healed(self):
        """From the deployment to the page, and nothing is left."""
        verdict = self.drilled('rang', 'came', 'mended', 'opened')
        self.assertEqual(Kind.HEALED, verdict.kind, verdict)
        self.assertFalse(os.path.exists(self.file))
        self.assertEqual((), self.journal.open_entries())
        with open(os.path.join(self.artifacts, 'index.html'),
                  encoding='utf-8') as stream:
            self.assertIn('bell → mender', stream.read())

    def test_broken(self):
        """The link that is missing is named, and asked by its kit."""
        verdict = self.drilled()
        self.assertEqual((Kind.BROKEN, toy_chain.BELL),
                         (verdict.kind, verdict.link), verdict)
        self.assertEqual('the wire: it is cut', self.drill.diagnosis.look_at)
        self.assertFalse(os.path.exists(self.file))


class MovedTest(DrillTestCase):
    """The guest of before, where its server was moved away from."""

    scenario = dataclasses.replace(
        DrillTestCase.scenario, guests=True, chain=dataclasses.replace(
            toy_chain.CHAIN, healed=healing.MOVED))

    def waited_for(self, host):
        """Return for the guest of which server it is waited on which host.

        :param host: where the server is when the broken host is back
        """
        asked = self.useFixture(fixtures.MockPatchObject(
            remains, 'wait_gone')).mock
        with self.drill:
            self.drill.deploy()
            expected, = self.drill.expect(self.drill.plan())
            self.cloud.servers[fake_cloud.SERVER]['host'] = host
            joint.see_clean(((self.drill.subjects[0], expected),))
        return [(call.args[0], call.args[1].host)
                for call in asked.call_args_list]

    def test_moved(self):
        """It must have left the host, or it might answer again."""
        self.assertEqual([(fake_cloud.SERVER, 'compute-1')],
                         self.waited_for('compute-20'))

    def test_host_reports(self):
        """A host is clean only when nova-compute reports again and again."""
        self.cloud.services[0]['updated_at'] = '2026-01-01T00:00:00.000000'
        error = self.assertRaises(
            waiting.WaitTimeout, self.waited_for, 'compute-20')
        self.assertIn('reports of nova-compute on host compute-1',
                      str(error))

    def test_not_moved(self):
        """It is where it was, and stays there."""
        self.assertEqual([], self.waited_for('compute-1'))


class MovedByOthersTest(MovedTest):
    """Where the server is to be replaced, nobody cares who has moved it."""

    scenario = dataclasses.replace(DrillTestCase.scenario, guests=True)

    def test_moved(self):
        self.assertEqual([], self.waited_for('compute-20'))


class PreflightTest(test_preflight.CloudTestCase):
    """Preflight asks for the links of a chain, and for no others."""

    def test_rows(self):
        rows = examine.examine(
            self.settings(), ('host_crash',), test_preflight.AVAILABLE,
            lambda: service_samples.Manager(self.cloud.url),
            (toy_chain.CHAIN,))
        by_what = {row.what: row for row in rows}
        self.assertEqual(('bell', 'rings', 'oil it'), (
            by_what['Bell'].link, by_what['Bell'].finding.text,
            by_what['Bell'].todo))
        self.assertNotIn('Vitrage', by_what)
        self.assertEqual([], self.cloud.asked('GET', 'rca'))
