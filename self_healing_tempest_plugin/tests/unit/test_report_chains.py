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

"""A chain that nobody has heard of is shown like the one that is known."""

import contextlib
import io
from xml.etree import ElementTree

import fixtures
import testtools

from self_healing_tempest_plugin.cmd import main
from self_healing_tempest_plugin.model import chains
from self_healing_tempest_plugin.model import expectations
from self_healing_tempest_plugin.model import healing
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.report import documents
from self_healing_tempest_plugin.report import drawing
from self_healing_tempest_plugin.report import live
from self_healing_tempest_plugin.report import loading
from self_healing_tempest_plugin.report import page
from self_healing_tempest_plugin.report import saving
from self_healing_tempest_plugin.report import statistics
from self_healing_tempest_plugin.report import terminal

Mark = links.Mark


def _link(name, came='came', **more):
    return links.Link(name=name, words=links.Words(
        arrow='%s, then' % name, arrived=name, expected=name, look_at=name,
        came=came), **more)


SMOKE = _link('smoke', came='smelled')
RESCUE = _link('rescue', lasting=True, limit=links.Limit(
    started='rescuers of {server_id}', look_at='the rescuers'))
HOME = _link('home', came='welcomed by')

_SMELLED = chains.Step(SMOKE)
_RESCUED = chains.Step(RESCUE, after=_SMELLED)

CHAIN = chains.Chain(
    name='toy', links=(SMOKE, RESCUE, HOME), repair=RESCUE,
    healed=healing.MOVED,
    # Nobody waits for the start of the rescue.
    steps=(_SMELLED, _RESCUED, chains.Step(HOME, after=_SMELLED)))


def expected(**changes):
    """Return that all three come."""
    return expectations.Expectation(**dict(dict(
        chain=CHAIN, steps=CHAIN.steps, fault='a fire',
        fault_look_at='the match',
        ids={'host': 'a', 'server_id': 's', 'boot': 'b1', 'url': 'u'},
        timeouts={'smoke': 5, 'rescue': 20, 'home': 30}), **changes))


def seen(*, home=True):
    """Return a run; the fault is injected 10 s after the watch began."""
    payload = {'server': 's', 'boot': 'b2', 'host': 'b'}
    evidence = (
        timelines.Evidence(SMOKE, Mark.FINISHED, 'nose', 11.0, 12.0),
        timelines.Evidence(RESCUE, Mark.STARTED, 'ladder', 13.0, 14.0),
        timelines.Evidence(RESCUE, Mark.FINISHED, 'ladder', 18.0, 19.0),
        timelines.Evidence(HOME, Mark.FINISHED, 'cat', 20.0, 21.0, payload))
    return timelines.Timeline(
        origin=0.0, concluded=70.0,
        transitions=(timelines.Transition('injected', 10.0, 10.5),
                     timelines.Transition('witnessed', 10.5, 11.0)),
        evidence=evidence if home else evidence[:3],
        probes=tuple(timelines.Probe(at, at + 0.1, True, 'n', boot, 's')
                     for at, boot in ((9.0, 'b1'), (20.0, 'b2'))),
        objects={RESCUE: ('ladder', 'rope'), SMOKE: ('nose',)})


class ToyChainTest(testtools.TestCase):
    """All that is shown of a run, for links of which no code knows."""

    def setUp(self):
        super().setUp()
        self.run_ = documents.document(seen(), expected(), name='toy')
        self.broken = documents.document(seen(home=False), expected(),
                                         name='toy')

    def test_document(self):
        for run in (self.run_, self.broken):
            loading.check(run, 'toy.json')
        self.assertEqual('HEALED', self.run_['verdict']['kind'])
        self.assertEqual(['rescue'], self.run_['limited'])
        self.assertEqual(['ladder', 'rope'],
                         self.run_['objects']['rescue'])
        self.assertEqual(
            [('smoke', 'finished'), ('rescue', 'started'),
             ('rescue', 'finished'), ('home', 'finished')],
            [(row['link'], row['mark']) for row in self.run_['links']])

    def test_text(self):
        rows = [' '.join(line.split()) for line
                in terminal.text(self.run_).splitlines()]
        self.assertEqual(
            ['smoke +1.0 s +2.0 s smelled nose',
             'rescue +3.0 s +4.0 s started ladder',
             'rescue +8.0 s +9.0 s finished ladder',
             'home +10.0 s +11.0 s welcomed by cat'], rows[5:9])
        self.assertIn('home missing last state: unknown', [
            ' '.join(line.split()) for line
            in terminal.text(self.broken).splitlines()])

    def test_page(self):
        tree = ElementTree.fromstring(page.html([self.run_, self.broken]))
        text = ' '.join(' '.join(tree.itertext()).split())
        for words in ('Healed by this chain in 11.0 s',
                      'Broken at link home', 'smoke smoke, then',
                      'Executions ladder , rope'):
            self.assertIn(words, text)

    def test_picture(self):
        """What waits for the smoke is drawn from there, work as work."""
        smoke, rescue, home = drawing.picture(self.run_).lanes
        self.assertEqual(['wait', 'work'], [bar.look for bar in rescue.bars])
        self.assertAlmostEqual(smoke.bars[0].x + smoke.bars[0].width,
                               home.bars[0].x)
        self.assertEqual('came +10.0–11.0 s', home.captions[0].text)

    def test_statistics(self):
        steps = statistics.of([self.run_], {'rescue': 30})
        self.assertEqual(
            [('smoke', 0.5, 1.5), ('rescue finished', 6.0, 8.0),
             ('home', 8.0, 10.0), ('healing', 9.5, 11.0)],
            [(step.step, step.p50.low, step.p50.high) for step in steps])
        self.assertEqual(('smoke', 'rescue', 'home', 'healing'),
                         statistics.objectives_of([self.run_]))

    def test_what_did_not_come(self):
        """The link took longer than from the smoke to its deadline."""
        home = statistics.of([self.broken], {})[2]
        self.assertEqual(('home', 1), (home.step, home.missing))
        self.assertAlmostEqual(37.0, home.max.low)

    def test_command(self):
        directory = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.EnvironmentVariable(
            'TEMPEST_CONFIG_DIR', directory))
        saving.save(directory, self.run_)
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            self.assertEqual(1, main.main([
                'report', directory, '--slo', 'rescue=5']))
        self.assertIn('MISSED (≤ 5 s)', output.getvalue())

    def test_live(self):
        view = live.picture(seen(home=False), expected(), 25.0)
        self.assertEqual(
            ['smoke', 'rescue finished', 'home'],
            [cell.plain for cell in view.columns[0].cells])
