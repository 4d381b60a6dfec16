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

import dataclasses
import errno
import json
import os
import resource
import signal

import fixtures
import testtools

from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin.report import documents
from self_healing_tempest_plugin.report import formatting
from self_healing_tempest_plugin.report import loading
from self_healing_tempest_plugin.report import saving
from self_healing_tempest_plugin.report import terminal
from self_healing_tempest_plugin.tests.unit import report_samples
from self_healing_tempest_plugin.tests.unit import samples

Link = vitrage
EXPECTED = samples.expected()


def told(*run):
    """Return a run as text."""
    return terminal.text(documents.document(*run))


class TextTest(testtools.TestCase):
    """terminal.text()."""

    def test_healthy(self):
        lines = told(samples.healthy(
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
        back = timelines.Transition('reverted', 130.0, 131.0)
        rows = told(samples.healthy(
            transitions=(*healthy.transitions, back)), EXPECTED).splitlines()
        self.assertTrue(rows[-2].startswith('application'), rows[-2])
        self.assertIn('reverted', rows[-1])

    def test_life_of_a_fault(self):
        """All its steps are told; those of the repair come last."""
        names = ('planned', 'armed', 'injected', 'witnessed', 'reverted',
                 'verified')
        text = told(samples.healthy(transitions=tuple(
            timelines.Transition(name, 100.0, 101.0) for name in names)),
            EXPECTED)
        rows = [line.split()[:6] for line in text.splitlines()[3:]
                if line]
        fault = [index for index, row in enumerate(rows)
                 if row[0] == 'fault']
        self.assertEqual([0, 1, 2, 3, 11, 12], fault)
        self.assertEqual(list(names), [rows[index][-1] for index in fault])

    def test_broken(self):
        text = told(samples.healthy(
            without=[Link.WORKFLOW, Link.STACK, Link.APPLICATION]), EXPECTED)
        self.assertIn('BROKEN at link workflow', text.splitlines()[0])
        self.assertRegex(text, r'workflow +missing +last state: not there')

    def test_untouched(self):
        """That a forbidden link is absent is good."""
        text = told(samples.deduced(), samples.untouched())
        self.assertTrue(text.startswith('UNTOUCHED: '), text)
        self.assertRegex(text, r'alarm .* raised alarm-id')
        for label in ('workflow', 'stack', 'application'):
            self.assertRegex(text,
                             label + r' +absent +last state: not there')
        self.assertNotIn('missing', text)

    def test_unexpected(self):
        """A link that came is told with its times, and no more of it."""
        started = samples.evidence(Link.WORKFLOW, links.Mark.STARTED, 108.0)
        text = told(samples.deduced(started), samples.untouched())
        workflow = [line for line in text.splitlines()
                    if line.startswith('workflow')]
        self.assertEqual(1, len(workflow))
        self.assertIn('started workflow-id', workflow[0])

    def test_required_link_is_missing(self):
        text = told(samples.deduced(evidence=()), samples.untouched())
        self.assertRegex(text, r'alarm +missing +last state: not there')
        self.assertRegex(text, r'workflow +absent +last state: not there')

    def test_split_brain(self):
        """The first answer of the old server has a row of its own."""
        text = told(samples.healthy(probes=(
            samples.probe(104.0, 'old'), samples.probe(119.0, 'new'),
            samples.probe(150.0, 'old'), samples.probe(151.0, 'old'))),
            EXPECTED)
        self.assertTrue(text.startswith('SPLIT_BRAIN at link application'))
        row, = [line for line in text.splitlines()[1:]
                if 'old server' in line]
        self.assertEqual(
            ['application', '+50.0', 's', '+50.5', 's',
             'old server answered from boot boot-1'], row.split(None, 5))
        self.assertNotIn('old server answered', told(
            samples.healthy(), EXPECTED))

    def test_nothing_injected(self):
        text = told(samples.healthy(transitions=()), EXPECTED)
        self.assertIn('INVALID: no fault was injected', text)

    def test_begin_is_zero(self):
        """No -0.0 in the table."""
        self.assertNotIn('-0.0', told(samples.healthy(), EXPECTED))

    def test_narrower(self):
        """What a service says of its time narrows what the polls say."""
        seen, expected = report_samples.run(), report_samples.expected()
        row, = [line for line in told(seen, expected).splitlines()
                if line.startswith('stack') and 'finished' in line]
        self.assertEqual(['stack', '+28.5', 's', '+29.0', 's'],
                         row.split()[:5])
        polls = seen.find(Link.STACK, links.Mark.FINISHED)
        self.assertLess(polls.not_before - report_samples.FAULT, 28.45)

    def test_lag(self):
        """What a service shows late was still not seen before."""
        late = samples.evidence(Link.ALARM, links.Mark.FINISHED, 105.0,
                                lag=3.0)
        rest = samples.healthy(without=[Link.ALARM]).evidence
        row, = [line for line in told(samples.healthy(
            evidence=(late, *rest)), EXPECTED).splitlines()
            if line.startswith('alarm')]
        self.assertEqual(['alarm', '+4.0', 's', '+5.0', 's'],
                         row.split()[:5])

    def test_started_twice(self):
        """The first start is told."""
        again = samples.evidence(Link.STACK, links.Mark.STARTED, 112.0)
        rows = [line.split()[:6] for line in told(dataclasses.replace(
            samples.healthy(), evidence=(*samples.healthy().evidence, again)),
            EXPECTED).splitlines() if line.startswith('stack')]
        self.assertEqual(
            [['stack', '+9.0', 's', '+10.0', 's', 'started'],
             ['stack', '+19.0', 's', '+20.0', 's', 'finished']], rows)

    def test_outage(self):
        """What the users saw stands below, in one line."""
        self.assertIn(
            '\napplication was away for 29.0–30.2 s, 580 probes, 1 wrong '
            'answer', told(*report_samples.healed()))
        self.assertIn(
            '\napplication has been away since +0.1–1.2 s, 630 probes, 0 '
            'wrong answers', told(*report_samples.broken()))
        self.assertIn(
            '\napplication was never away, 33 probes, 0 wrong answers',
            told(report_samples.run(probes=report_samples.probes(
                away=1, until=0.3)), report_samples.expected()))
        self.assertNotIn('application was', told(
            samples.healthy(), EXPECTED))

    def test_diagnosis(self):
        """Both sides, the bisection and where to look."""
        text = told(*report_samples.broken(), report_samples.DIAGNOSIS)
        self.assertIn('diagnosis: deduction (%s) came, workflow did not'
                      % report_samples.DEDUCED, text)
        self.assertRegex(text, r'Vitrage +yes +the healing rule is ACTIVE')
        self.assertRegex(text, r'vitrage-notifier +no +its log has no line')
        self.assertRegex(text, r'Mistral +unknown +the workflow is there')
        self.assertIn('bisect: workflow is broken; stack works on its own; '
                      'application is unknown', text)
        self.assertIn('link stack works on its own: an execution', text)
        self.assertIn('link application is unknown: the time', text)
        self.assertIn("\nlook at: vitrage-notifier's log, and", text)

    def test_diagnosis_where_nothing_is_missing(self):
        """As of a split brain: there are facts all the same."""
        text = told(*report_samples.every_kind()['SPLIT_BRAIN'],
                    dataclasses.replace(
                        report_samples.DIAGNOSIS, last_good=None,
                        missing=None, bisect=(), look_at=''))
        self.assertIn('\ndiagnosis:\nVitrage ', text)
        self.assertNotIn('look at: vitrage', text)

    def test_storm(self):
        """A storm that the verdict does not name is a remark."""
        seen, expected = report_samples.every_kind()['EXECUTION_STORM']
        lines = told(seen, expected).splitlines()
        remark, = verdicts.remarks(seen, expected)
        self.assertTrue(remark.startswith('3 executions '), remark)
        self.assertEqual('remark: ' + remark, lines[-1])

    def test_terminal_obeys_nobody(self):
        """What a cloud says cannot move the cursor."""
        text = told(samples.healthy(
            remarks=('\x1b[2Jgone',), without=[Link.ALARM],
            watched={Link.ALARM: timelines.Watched(state='\x1b]0;x\x07')}),
            EXPECTED)
        self.assertNotIn('\x1b', text)
        self.assertIn(r'\x1b[2Jgone', text)


class TimesTest(testtools.TestCase):
    """Seconds as people read them."""

    def test_between(self):
        for begin, end, text in (
                (1.04, 2.06, '+1.0–2.1 s'), (1.01, 1.04, '+1.0 s'),
                (-0.31, 0.22, '-0.3 to +0.2 s'), (None, 3.0, 'by +3.0 s'),
                (1.0, None, '–'), (-0.01, 0.01, '+0.0 s')):
            self.assertEqual(text, formatting.between(begin, end))

    def test_after(self):
        self.assertEqual(['+0.0 s', '-1.5 s', '–'], [
            formatting.after(seconds) for seconds in (-0.01, -1.5, None)])

    def test_one_line(self):
        """Never longer than it may be."""
        self.assertEqual('a b', runtime.line(' a\n b ', 3))
        self.assertEqual('x' * 8 + ' …', runtime.line('x' * 11, 10))

    def test_span(self):
        endless = float('inf')
        for low, high, text in (
                (1.0, 2.06, '1.0–2.1 s'), (2.0, 2.04, '2.0 s'),
                (30.0, endless, '> 30.0 s'), (-endless, endless, '–')):
            self.assertEqual(text, formatting.span(low, high))


# Of the files of a run of report_samples.
BEGAN = 'run-20261123T230858.123Z'


class SaveTest(testtools.TestCase):
    """saving.save(): JSON, text and the page of a directory."""

    def setUp(self):
        super().setUp()
        self.directory = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'new', 'one')

    def save(self, name, run, diagnosis=None):
        return saving.save(self.directory, documents.document(
            *run, diagnosis, name, 'Story.'))

    def read(self, name):
        with open(os.path.join(self.directory, name),
                  encoding='utf-8') as stream:
            return stream.read()

    def test_files(self):
        paths = self.save('run', report_samples.broken(),
                          report_samples.DIAGNOSIS)
        self.assertEqual([BEGAN + '.json', BEGAN + '.txt', 'index.html'],
                         [os.path.basename(path) for path in paths])
        self.assertEqual(sorted(map(os.path.basename, paths)),
                         sorted(os.listdir(self.directory)))
        run = json.loads(self.read(BEGAN + '.json'))
        self.assertEqual(('run', 'Story.', 'BROKEN', 'workflow'), (
            run['name'], run['story'], run['verdict']['kind'],
            run['diagnosis']['missing']))
        self.assertIn('diagnosis: ', self.read(BEGAN + '.txt'))
        self.assertIn('Broken at link workflow', self.read('index.html'))

    def test_page_of_several(self):
        """Each run is added, of whichever scenario."""
        self.save('one', report_samples.healed())
        self.save('two', report_samples.broken())
        self.assertIn('1 of 2 runs as expected', self.read('index.html'))
        self.save('two', report_samples.night(1))
        page = self.read('index.html')
        self.assertIn('2 of 3 runs as expected', page)
        self.assertIn('Of the last run of each scenario 2 of 2 are as '
                      'expected', page)
        self.save('two', report_samples.night(1))
        self.assertIn('2 of 3 runs as expected', self.read('index.html'))

    def test_nights(self):
        """A night does not take the place of the one before."""
        for night in range(3):
            self.save('run', report_samples.night(night))
        self.assertEqual(
            ['index.html', *('run-2026112%dT230858.123Z.%s' % (day, kind)
                             for day in (3, 4, 5)
                             for kind in ('json', 'txt'))],
            sorted(os.listdir(self.directory)))
        runs, _ = loading.read_all([self.directory])
        self.assertEqual(['2026-11-23', '2026-11-24', '2026-11-25'],
                         [run['began'][:10] for run in runs])
        self.assertIn('3 runs, 2026-11-23 23:08 to 2026-11-25 23:08 UTC',
                      self.read('index.html'))

    def test_clock_that_was_set_back(self):
        """Two runs of one moment are two runs; the same run is one."""
        for run in (report_samples.healed(), report_samples.broken()):
            for _ in range(2):
                self.save('run', run)
        self.assertEqual([BEGAN + '-2.json', BEGAN + '.json'], sorted(
            name for name in os.listdir(self.directory)
            if name.endswith('.json')))

    def test_page_of_many(self):
        """It has the newest runs, and only some of them in full."""
        for night in range(4):
            self.save('run', report_samples.night(night))
        self.useFixture(fixtures.MockPatch(
            'self_healing_tempest_plugin.report.trends.MOST', 3))
        self.useFixture(fixtures.MockPatch(
            'self_healing_tempest_plugin.report.page.MOST_IN_FULL', 1))
        self.save('other', report_samples.healed())
        page = self.read('index.html')
        self.assertIn('4 of 4 runs as expected', page)
        self.assertNotIn('2026-11-23 23:08 to', page)
        self.assertEqual(3, page.count('<article '))
        self.assertEqual(5, len(loading.read_all([self.directory])[0]))

    def test_older_run_that_cannot_be_drawn(self):
        """A run that cannot be drawn is left out and named."""
        self.save('first', report_samples.healed())
        path = os.path.join(self.directory, 'old.json')
        document = report_samples.document('HEALED', name='old')
        for row in document['links']:
            row['end'] = None
        with open(path, 'w', encoding='utf-8') as stream:
            json.dump(document, stream)
        self.save('second', report_samples.healed())
        text = self.read(saving.PAGE)
        self.assertIn('run old of', text)
        self.assertIn('cannot be drawn: TypeError', text)
        self.assertIn('second', text)

    def test_older_files_that_are_no_runs(self):
        """None of them is waited for, or ends it; each is named."""
        os.makedirs(self.directory)

        def path(name):
            return os.path.join(self.directory, name + '.json')

        contents = {
            'number': b'7', 'null': b'null', 'list': b'[]', 'empty': b'',
            'text': b'"format"', 'bytes': b'\xff\xfe', 'cut': b'{"format":',
            'deep': b'[' * 100000, 'none': b'{"format": NaN}',
            'unnamed': b'{"format": 4}', 'future': b'{"format": 99}',
            'strange': b'{"format": 4, "links": 7, "verdict": []}',
            'older': b'{"format": 3, "links": 7, "verdict": []}'}
        for name, text in contents.items():
            with open(path(name), 'wb') as stream:
                stream.write(text)
        os.mkfifo(path('pipe'))
        os.mkdir(path('directory'))
        os.symlink(path('loop'), path('loop'))
        os.symlink('/nonexistent', path('lost'))
        os.symlink('/dev/zero', path('endless'))
        with open(path('huge'), 'wb') as stream:
            stream.truncate(1 << 40)
        self.save('one', report_samples.healed())
        page = self.read('index.html')
        for name in (*contents, 'pipe', 'directory', 'loop', 'lost',
                     'endless', 'huge'):
            self.assertIn('/%s.json: ' % name, page)
        self.assertIn('Healed by this chain', page)

    def test_no_room(self):
        """A full disk leaves no half of a file, and what was there before."""
        self.save('run', report_samples.healed())
        before = {name: self.read(name) for name in os.listdir(
            self.directory)}
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        self.addCleanup(signal.signal, signal.SIGXFSZ, handler)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        try:
            error = self.assertRaises(OSError, self.save, 'run',
                                      report_samples.broken())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        self.assertEqual(errno.EFBIG, error.errno)
        self.assertEqual(before, {name: self.read(name) for name
                                  in os.listdir(self.directory)})

    def test_one_of_three_cannot_be_written(self):
        """The others are there; the problem is told."""
        os.makedirs(os.path.join(self.directory, BEGAN + '.json'))
        self.assertRaises(OSError, self.save, 'run', report_samples.healed())
        self.assertEqual({BEGAN + '.json', BEGAN + '.txt', saving.PAGE},
                         set(os.listdir(self.directory)))

    def test_foreign_files(self):
        """Foreign files are left out, and the page says so."""
        os.makedirs(self.directory)
        for name in ('other.json', 'report.json'):
            with open(os.path.join(self.directory, name), 'w',
                      encoding='utf-8') as stream:
                stream.write('{"report": 1}' if name == 'report.json'
                             else '{"format": 2}')
        self.save('one', report_samples.healed())
        page = self.read('index.html')
        self.assertIn('other.json: format 2 cannot be read', page)
        self.assertNotIn('report.json', page)

    def test_found_sound_before(self):
        """A suite pays once for the nights before, unless one has changed."""
        self.save('one', report_samples.healed())
        checked = self.useFixture(fixtures.MockPatch(
            'self_healing_tempest_plugin.report.loading.check',
            wraps=loading.check)).mock
        for night in range(3):
            self.save('two', report_samples.night(night))
        self.assertEqual(3, checked.call_count)
        with open(os.path.join(self.directory, BEGAN.replace(
                'run', 'one') + '.json'), 'w') as stream:
            stream.write('{"format": 99}')
        saving.render(self.directory)
        self.assertEqual(4, checked.call_count)
        self.assertIn('format 99 cannot be read', self.read('index.html'))

    def test_large_foreign_file(self):
        """Of a large file the first bytes say whether it is a document."""
        os.makedirs(self.directory)
        path = os.path.join(self.directory, 'facts.json')
        parsed = self.useFixture(fixtures.MockPatch(
            'self_healing_tempest_plugin.report.loading.json.loads',
            wraps=json.loads)).mock
        for beginning, count in (('{"hosts": ', 0), ('[', 0),
                                 ('{"format": {', 0), ('{"format": 5,', 1),
                                 ('{\n  "format": 5,', 1)):
            with open(path, 'w', encoding='utf-8') as stream:
                stream.write(beginning)
                stream.truncate(5 << 20)
            parsed.reset_mock()
            error, = loading.directory(self.directory)[1]
            self.assertEqual(count, parsed.call_count, beginning)
            self.assertIn('is no JSON' if count else
                          'is no document of a run', str(error))

    def test_no_unicode(self):
        """Half a surrogate is no reason to lose a run."""
        self.save('run', (samples.healthy(remarks=('\ud800 half',)),
                          EXPECTED))
        for kind in ('txt', 'json'):
            self.assertIn(r'\ud800 half', self.read(
                'run-19700101T000000.000Z.' + kind))
        self.assertIn('\ufffd half', self.read('index.html'))
