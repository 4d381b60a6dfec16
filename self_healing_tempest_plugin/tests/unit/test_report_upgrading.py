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

"""What was written in formats 3 and 4 is shown as it was.

The documents in ``format-3/`` were written by the code of that time, from the
runs of :mod:`.report_samples` with fewer probes. So were their texts and the
statistics of all of them.
"""

import dataclasses
import json
import math
import pathlib

import fixtures
import testtools

from self_healing_tempest_plugin.report import answers
from self_healing_tempest_plugin.report import documents
from self_healing_tempest_plugin.report import loading
from self_healing_tempest_plugin.report import page
from self_healing_tempest_plugin.report import saving
from self_healing_tempest_plugin.report import statistics
from self_healing_tempest_plugin.report import terminal
from self_healing_tempest_plugin.report import upgrading
from self_healing_tempest_plugin.tests.unit import report_samples
from self_healing_tempest_plugin.tests.unit import samples

FORMAT_3 = pathlib.Path(__file__).with_name('format-3')

NAMES = ('healed', 'broken', 'unexpected-healing', 'split-brain')


def older(name):
    """Return a document of format 3, as it stands in its file."""
    return json.loads(FORMAT_3.joinpath(name + '.json').read_text('utf-8'))


def upgraded(name):
    """Return a document of format 3 as readers get it."""
    return loading.read(str(FORMAT_3 / (name + '.json')))


def again(name):
    """Return the document of the same run as it is written today."""
    kind = name.upper().replace('-', '_')
    seen, expected = report_samples.every_kind()[kind]
    return json.loads(saving.dumps(documents.document(
        dataclasses.replace(seen, probes=fewer(seen.probes)), expected,
        report_samples.DIAGNOSIS if kind == 'BROKEN' else None, name=name,
        story='The application is healed, by this chain.')))


def fewer(probes):
    """Return some probes, and where another one answers."""
    def who(probe):
        return probe.ok, probe.answered, probe.server
    return tuple(probe for index, probe in enumerate(probes) if (
        index % 20 == 0 or who(probe) != who(probes[index - 1])))


def plain(step):
    """Return a statistic as lists and dicts, without infinity."""
    values = dict(vars(step), state=step.state and step.state.value)
    return {key: [round(end, 3) if math.isfinite(end) else None
                  for end in (value.low, value.high)]
            if isinstance(value, statistics.Bounds) else value
            for key, value in values.items()}


class UpgradeTest(testtools.TestCase):
    """upgrading.upgraded(), by way of loading.read()."""

    maxDiff = None

    def test_it_is_of_format_3(self):
        for name in NAMES:
            self.assertEqual(3, older(name)['format'])
            loading.check(older(name), name)

    def test_valid(self):
        for name in NAMES:
            run = upgraded(name)
            self.assertEqual(5, run['format'])
            loading.check(run, name)

    def test_same_document(self):
        """The same run written today is the same, key by key."""
        for name in NAMES:
            run, new = upgraded(name), again(name)
            self.assertEqual(sorted(new), sorted(run))
            for key, value in new.items():
                self.assertEqual(value, run[key], (name, key))

    def test_text(self):
        for name in NAMES:
            text = FORMAT_3.joinpath(name + '.txt').read_text('utf-8')
            self.assertEqual(text, terminal.text(upgraded(name)) + '\n')

    def test_page(self):
        for name in NAMES:
            self.assertEqual(page.html([again(name)]),
                             page.html([upgraded(name)]))

    def test_statistics(self):
        figures = json.loads(FORMAT_3.joinpath('statistics.json').read_text(
            'utf-8'))
        steps = statistics.of([upgraded(name) for name in NAMES],
                              {'alarm': 60, 'stack': 10, 'healing': 31})
        self.assertEqual(figures, [plain(step) for step in steps])

    def test_both_marks_of_what_must_not_come(self):
        """Format 3 had a row of the first only; the text told of both."""
        started, finished = (samples.evidence(
            samples.Link.WORKFLOW, mark, at) for mark, at in (
                (samples.Mark.STARTED, 108.0),
                (samples.Mark.FINISHED, 109.0)))
        new = json.loads(saving.dumps(documents.document(
            samples.deduced(started, finished), samples.untouched())))
        run = self._downgraded(new)
        self.assertEqual(['started'], [
            row['mark'] for row in run['links']
            if row['link'] == 'workflow'])
        loading.check(run, 'older.json')
        self.assertEqual(new['links'], self._read(run)['links'])

    def _downgraded(self, new):
        """Return a document as it was written in format 3."""
        run = older('healed')
        run.update({key: new[key] for key in run if key in new})
        expectation = dict(new['expectation'], **new['expectation']['ids'])
        for later in ('avoid', 'elsewhere'):
            del expectation[later]
        del expectation['ids']
        return dict(
            run, format=3, expectation=dict(expectation, steps=[
                {key: step[key] for key in ('link', 'mark')}
                for step in expectation['steps']]),
            links=[{key: value for key, value in row.items()
                    if key != 'after'} for index, row
                   in enumerate(new['links']) if index == 0 or row['link']
                   != new['links'][index - 1]['link']],
            probes=[])

    def _read(self, run):
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).path,
                            'a.json')
        path.write_text(json.dumps(run), 'utf-8')
        return loading.read(str(path))

    def test_guest_of_before(self):
        """By its boot or its server, as long as the answer was good."""
        run = older('healed')
        ids, probe = run['expectation'], run['probes'][0]
        run['probes'] = [
            dict(probe, ok=good, boot=boot, server=server)
            for good, boot, server in (
                (True, ids['boot'], ''), (True, 'b', ids['server_id']),
                (True, 'b', 's'), (False, ids['boot'], ids['server_id']))]
        self.assertEqual([True, True, False, False], [
            probe.of_before for probe in answers.whole(
                self._read(run)['probes'])])

    def test_before_there_was_a_reason(self):
        """A run that did not say why it ended early is read, too."""
        run = older('healed')
        del run['ended']
        self.assertEqual('', self._read(run)['ended'])

    def test_ended_early(self):
        """Nor does it count, whatever it says."""
        run = dict(older('broken'), concluded=None)
        del run['ended']
        self.assertEqual((), statistics.of([self._read(run)],
                                           {'workflow': 1}))

    def test_wrong(self):
        """A document is checked by the schema of its own format."""
        for key, value in (('chain', {}), ('executions', {}),
                           ('expectation', {})):
            self.assertRaises(loading.BadDocument, loading.check,
                              dict(older('healed'), **{key: value}), 'x')

    def test_not_changed(self):
        """Upgrading leaves the document as it was."""
        run = older('broken')
        upgrading.upgraded(run)
        self.assertEqual(older('broken'), run)
