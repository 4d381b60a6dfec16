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

"""How the times of links go from night to night."""

import json
import os

import fixtures
import testtools

from self_healing_tempest_plugin.report import documents
from self_healing_tempest_plugin.report import loading
from self_healing_tempest_plugin.report import page
from self_healing_tempest_plugin.report import saving
from self_healing_tempest_plugin.report import statistics
from self_healing_tempest_plugin.report import trends
from self_healing_tempest_plugin.tests.unit import report_samples
from self_healing_tempest_plugin.tests.unit import test_report_command

ENDLESS = float('inf')


def points(*times, width=0.5):
    """Return a point for each night."""
    return tuple(trends.Point('%02d' % night, statistics.Bounds(
        time, time + width)) for night, time in enumerate(times))


def slower(*times, **options):
    """Return since which night it is slower, or None."""
    found = trends.slower(points(*times, **options))
    return found and found.index


class SlowerTest(testtools.TestCase):
    """trends.slower(): the rule."""

    def test_since(self):
        for times, since in (
                ((20, 20, 20, 40, 40, 40), 3),
                ((20, 20, 20, 20, 40, 40, 40), 4),
                ((20, 21, 20, 22, 20, 21, 40, 41, 39, 45), 6),
                # One night that was different is no change.
                ((20, 20, 90, *[20] * 7, 40, 40, 40), 10)):
            self.assertEqual(since, slower(*times), times)

    def test_not(self):
        for times in (
                (), (20,), (20, 40), (20, 20, 20, 40, 40),
                (20,) * 12, (20, 20, 20, 20, 40, 40),
                # Faster; slow for some nights; up and down.
                (40, 40, 40, 40, 20, 20, 20, 20),
                (20, 20, 20, 40, 40, 40, 20, 20, 20, 20),
                (20, 40) * 6,
                # Too little to matter: a tenth, or a second.
                (20, 20, 20, 20, 21.9, 21.9, 21.9, 21.9),
                (1, 1, 1, 1, 2.4, 2.4, 2.4, 2.4)):
            self.assertIsNone(slower(*times), times)

    def test_for_sure(self):
        """Times whose bounds overlap may be the same."""
        times = (20, 20, 20, 20, 25, 25, 25, 25)
        self.assertEqual(4, slower(*times, width=2.0))
        self.assertIsNone(slower(*times, width=5.0))

    def test_no_end(self):
        """A link that does not come any more takes longer than it did."""
        seen = points(20, 20, 20) + tuple(
            trends.Point('1%d' % night, statistics.Bounds(30, ENDLESS))
            for night in range(3))
        self.assertEqual(3, trends.slower(seen).index)

    def test_medians(self):
        found = trends.slower(points(20, 21, 22, 40, 41, 42))
        self.assertEqual(
            ('03', statistics.Bounds(21, 21.5), statistics.Bounds(41, 41.5),
             (3, 3)), (found.since, found.before, found.after, found.runs))


class NightsTest(test_report_command.CommandTestCase):
    """Many nights in one directory, as they are read and shown."""

    def nights(self, *late):
        for night, seconds in enumerate(late):
            saving.save(self.runs, documents.document(
                *report_samples.night(night, seconds), None,
                'test_host_crash', 'Story.'))

    def test_command(self):
        self.nights(0, 0, 0, 0, 12, 12, 12)
        path = self.path('runs', 'report.json')
        code, output, errors = self.report(self.runs, '--json', path)
        self.assertEqual((0, ''), (code, errors))
        self.assertRegex(
            output, r'test_host_crash stack finished: slower since '
            r'2026-11-27 23:08: p50 22\.\d–23\.\d s in 4 runs before, '
            r'34\.\d–35\.\d s in 3 since')
        self.assertNotIn('alarm: slower', output)
        told, whole = json.loads(self.read(path))['slower']
        self.assertEqual(
            ('stack finished', '2026-11-27T23:08:58.123Z', [4, 3]),
            tuple(told[key] for key in ('step', 'since', 'runs')))
        self.assertEqual('healing', whole['step'])

    def test_page(self):
        self.nights(0, 0, 0, 0, 12, 12, 12)
        html = self.read(os.path.join(self.runs, saving.PAGE))
        self.assertIn('slower since 2026-11-27 23:08', html)
        self.assertIn('7 runs, 2026-11-23 23:08 to 2026-11-29 23:08', html)
        self.assertEqual(7, html.count('<figure class="multiple'))
        self.assertNotIn('takes 6 runs', html)

    def test_three_nights(self):
        """They are shown; to say that one got slower takes more."""
        self.nights(0, 12, 12)
        html = self.read(os.path.join(self.runs, saving.PAGE))
        self.assertIn('3 runs, 2026-11-23 23:08 to', html)
        self.assertIn('To say that a link got slower takes 6 runs', html)
        self.assertNotIn('slower since', html)
        self.assertRegex(self.report(self.runs)[1], r'alarm +3 +4.3')

    def test_columns_are_runs(self):
        """A run without a link leaves its column empty in all pictures."""
        self.nights(0, 0)
        saving.save(self.runs, documents.document(
            *report_samples.broken(), None, 'test_host_crash', 'Story.'))
        runs, _ = loading.read_all([self.runs])
        runs.insert(1, dict(report_samples.document(
            'BROKEN', began='2026-11-24T10:00:00.000Z')))
        group, = page.multiples.of(trends.of(runs))
        stack = next(one for one in group.multiples
                     if one.trend.step == 'stack finished')
        alarm = next(one for one in group.multiples
                     if one.trend.step == 'alarm')
        self.assertEqual(
            [column.x for column in (alarm.columns[0], alarm.columns[-1])],
            [column.x for column in stack.columns])

    def test_answers(self):
        """Each single answer, for a spreadsheet."""
        self.nights(0)
        path = self.path('answers.csv')
        self.assertEqual(0, self.report(self.runs, '--answers', path)[0])
        lines = self.read(path).splitlines()
        self.assertEqual('scenario,began,begin,end,ok,nonce,boot,server,'
                         'error,answered,of_before', lines[0])
        self.assertEqual(580, len(lines) - 1)
        self.assertIn('test_host_crash,2026-11-23T23:08:58.123Z,36.8,36.82,'
                      'True,', lines[1])

    def test_answers_that_are_not_there(self):
        path = self.write('a.json')
        with open(path, encoding='utf-8') as stream:
            run = json.load(stream)
        for packed, expected in ((None, 'in the file of the run'),
                                 ('AAAA', 'are damaged')):
            run['probes']['packed'] = packed
            with open(path, 'w', encoding='utf-8') as stream:
                json.dump(run, stream)
            code, _, errors = self.report(
                path, '--answers', self.path('answers.csv'))
            self.assertEqual(2, code)
            self.assertIn(expected, errors)


class NewestTest(testtools.TestCase):
    """loading.directory(): the last runs of each scenario."""

    def test_by_name(self):
        directory = self.useFixture(fixtures.TempDir()).path
        for night in range(4):
            saving.save(directory, documents.document(
                *report_samples.night(night), None, 'test_a', ''))
        saving.save(directory, report_samples.document('HEALED', name='b'))
        with open(os.path.join(directory, 'old.json'), 'w',
                  encoding='utf-8') as stream:
            json.dump(report_samples.document('HEALED', name='old'), stream)
        runs, problems = loading.directory(directory, 2)
        self.assertEqual([], problems)
        self.assertEqual({'old': 1, 'b': 1, 'test_a': 2}, {
            name: [run['name'] for run in runs].count(name)
            for name in ('old', 'b', 'test_a')})
        self.assertEqual('2026-11-26', runs[-1]['began'][:10])
