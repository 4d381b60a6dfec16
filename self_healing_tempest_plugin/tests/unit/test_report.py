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

"""What people and programs get to read."""

import json
import os

import fixtures
import testtools

from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.chain import timeline
from self_healing_tempest_plugin import report
from self_healing_tempest_plugin.tests.unit import samples

Link = links.Link
EXPECTED = samples.expected()


class TextTest(testtools.TestCase):
    """report.text()."""

    def test_healthy(self):
        lines = report.text(samples.healthy(
            remarks=('3 executions',)), EXPECTED).splitlines()
        self.assertTrue(lines[0].startswith('HEALED: by this chain in 19.0'))
        rows = [line.split(None, 5) for line in lines[3:-1]]
        self.assertEqual(
            ['fault', 'fault', 'alarm', 'deduction', 'workflow', 'workflow',
             'stack', 'stack', 'application'], [row[0] for row in rows])
        self.assertIn(['alarm', '+4.0', 's', '+5.0', 's', 'raised alarm-id'],
                      rows)
        self.assertEqual('remark: 3 executions', lines[-1])

    def test_repair_comes_last(self):
        """The life of the fault encloses the chain."""
        healthy = samples.healthy()
        back = timeline.Transition('reverted', 130.0, 131.0)
        rows = report.text(samples.healthy(
            transitions=(*healthy.transitions, back)), EXPECTED).splitlines()
        self.assertTrue(rows[-2].startswith('application'), rows[-2])
        self.assertIn('reverted', rows[-1])

    def test_life_of_a_fault(self):
        """All its steps are told; those of the repair come last."""
        names = ('planned', 'armed', 'injected', 'witnessed', 'reverted',
                 'disarmed', 'verified')
        text = report.text(samples.healthy(transitions=tuple(
            timeline.Transition(name, 100.0, 101.0) for name in names)),
            EXPECTED)
        rows = [line.split()[:6] for line in text.splitlines()[3:]]
        fault = [index for index, row in enumerate(rows)
                 if row[0] == 'fault']
        self.assertEqual([0, 1, 2, 3, 11, 12, 13], fault)
        self.assertEqual(list(names), [rows[index][-1] for index in fault])

    def test_broken(self):
        text = report.text(samples.healthy(
            without=[Link.WORKFLOW, Link.STACK, Link.APPLICATION]), EXPECTED)
        self.assertIn('BROKEN at link workflow', text.splitlines()[0])
        self.assertRegex(text, r'workflow +missing +last state: not there')

    def test_untouched(self):
        """That a forbidden link is absent is good."""
        text = report.text(samples.deduced(), samples.untouched())
        self.assertTrue(text.startswith('UNTOUCHED: '), text)
        self.assertRegex(text, r'alarm .* raised alarm-id')
        for label in ('workflow', 'stack', 'application'):
            self.assertRegex(text,
                             label + r' +absent +last state: not there')
        self.assertNotIn('missing', text)

    def test_unexpected(self):
        """What came is told with its times, and no more of its link."""
        started = samples.evidence(Link.WORKFLOW, links.Mark.STARTED, 108.0)
        text = report.text(samples.deduced(started), samples.untouched())
        workflow = [line for line in text.splitlines()
                    if line.startswith('workflow')]
        self.assertEqual(1, len(workflow))
        self.assertIn('started workflow-id', workflow[0])

    def test_required_link_is_missing(self):
        text = report.text(samples.deduced(evidence=()), samples.untouched())
        self.assertRegex(text, r'alarm +missing +last state: not there')
        self.assertRegex(text, r'workflow +absent +last state: not there')

    def test_split_brain(self):
        """The first answer of the old server has a row of its own."""
        text = report.text(samples.healthy(probes=(
            samples.probe(104.0, 'old'), samples.probe(119.0, 'new'),
            samples.probe(150.0, 'old'), samples.probe(151.0, 'old'))),
            EXPECTED)
        self.assertTrue(text.startswith('SPLIT_BRAIN at link application'))
        row, = [line for line in text.splitlines()[1:]
                if 'old server' in line]
        self.assertEqual(
            ['application', '+50.0', 's', '+50.5', 's',
             'old server answered from boot boot-1'], row.split(None, 5))
        self.assertNotIn('old server answered', report.text(
            samples.healthy(), EXPECTED))

    def test_nothing_injected(self):
        text = report.text(samples.healthy(transitions=()), EXPECTED)
        self.assertIn('INVALID: no fault was injected', text)

    def test_begin_is_zero(self):
        """No -0.0 in the table."""
        self.assertNotIn('-0.0', report.text(samples.healthy(), EXPECTED))


class DocumentTest(testtools.TestCase):
    """report.dumps() and report.save()."""

    def test_times_count_from_the_origin(self):
        found = json.loads(report.dumps(samples.healthy(), EXPECTED))
        alarm = found['evidence'][0]
        self.assertEqual(('alarm', 'finished', 15.0, 14.0), (
            alarm['link'], alarm['mark'], alarm['seen_at'],
            alarm['not_before']))
        self.assertEqual('HEALED', found['verdict']['kind'])
        self.assertEqual(10, found['expectation']['timeouts']['workflow'])
        self.assertEqual(9.0, found['watched']['stack']['last_begin'])
        self.assertEqual(report.FORMAT, found['format'])

    def test_expectation(self):
        """What was expected goes with what was seen."""
        found = json.loads(report.dumps(samples.deduced(concluded=140.0),
                                        samples.untouched(alive=True)))
        self.assertEqual((2, 50.0), (found['format'], found['concluded']))
        expected = found['expectation']
        self.assertEqual(
            ('data NIC eth1 of host compute-1 down', 'the power commands',
             30.0, True), tuple(expected[key] for key in (
                 'fault', 'fault_look_at', 'quiet', 'alive')))
        self.assertEqual(
            [{'link': 'alarm', 'mark': 'finished'},
             {'link': 'deduction', 'mark': 'finished'}], expected['steps'])
        self.assertEqual(47.0, found['watched']['stack']['answered'])

    def test_not_concluded(self):
        self.assertIsNone(report.document(samples.healthy(),
                                          EXPECTED)['concluded'])

    def test_broken_names_its_link(self):
        found = report.document(samples.healthy(without=[Link.STACK]),
                                EXPECTED)
        self.assertEqual('stack', found['verdict']['link'])

    def test_save(self):
        directory = os.path.join(self.useFixture(fixtures.TempDir()).path,
                                 'new', 'one')
        paths = report.save(directory, 'run', samples.healthy(), EXPECTED)
        self.assertEqual(['run.json', 'run.txt'],
                         [os.path.basename(path) for path in paths])
        with open(paths[0], encoding='utf-8') as stream:
            self.assertIn('verdict', json.load(stream))
        with open(paths[1], encoding='utf-8') as stream:
            self.assertIn('HEALED', stream.read())
