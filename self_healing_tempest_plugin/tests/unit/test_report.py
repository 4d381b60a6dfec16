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

    def test_broken(self):
        text = report.text(samples.healthy(
            without=[Link.WORKFLOW, Link.STACK, Link.APPLICATION]), EXPECTED)
        self.assertIn('BROKEN at link workflow', text.splitlines()[0])
        self.assertRegex(text, r'workflow +missing +last state: not there')

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
