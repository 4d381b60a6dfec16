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

"""Long runs: many answers, long details, and terminals of few characters."""

import contextlib
import dataclasses
import io
import json
import random
import subprocess
import sys

import fixtures
import testtools
from testtools import content

from self_healing_tempest_plugin.cmd import main
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin.report import answers
from self_healing_tempest_plugin.report import attaching
from self_healing_tempest_plugin.report import documents
from self_healing_tempest_plugin.report import drawing
from self_healing_tempest_plugin.report import encoding
from self_healing_tempest_plugin.report import live
from self_healing_tempest_plugin.report import loading
from self_healing_tempest_plugin.report import page
from self_healing_tempest_plugin.report import saving
from self_healing_tempest_plugin.report import terminal
from self_healing_tempest_plugin.tests import discreet
from self_healing_tempest_plugin.tests.unit import report_samples

# A packet of subunit.
PACKET = 4 << 20


def probes(count, who=report_samples.answerer, error='', seed=1):
    """Return answers as they come: each with a nonce of its own."""
    chance = random.Random(seed)
    for number in range(count):
        at = round(-3 + 0.1 * number, 1)
        probe = report_samples.probe(at, who(at, 0.2, 30.3, {}))
        begin = probe.begin + chance.random() / 50
        nonce = '%016x' % chance.getrandbits(64)
        yield dataclasses.replace(
            probe, begin=begin, nonce=nonce,
            end=begin + (0.01 + chance.random() / 40 if probe.answered
                         else 1.0),
            error=error.format(nonce=nonce, other='%016x' % chance.getrandbits(
                64)) if probe.error and error else probe.error)


def by_turns(at, *_):
    """Return who answers where nobody does every other time."""
    return 'new' if round(at * 10) % 2 else ''


def document(count, **options):
    """Return the document of a run with so many answers."""
    return documents.document(
        report_samples.run(probes=tuple(probes(count, **options))),
        report_samples.expected(), None, 'test_long', 'It takes a while.')


class AnswersTest(testtools.TestCase):
    """answers.coded(), and what is made of it."""

    def test_whole(self):
        """Each answer is there, to the millisecond."""
        seen = tuple(probes(500))
        told = answers.whole(document(500)['probes'])
        self.assertEqual(
            [(round(1000 * (probe.begin - report_samples.ORIGIN)),
              round(1000 * (probe.end - report_samples.ORIGIN)), probe.nonce,
              probe.boot, probe.error, probe.ok) for probe in seen],
            [(one.begin, one.end, one.nonce, one.boot, one.error, one.ok)
             for one in told])
        self.assertEqual([probe.ok and probe.boot == report_samples.OLD_BOOT
                          for probe in seen],
                         [one.of_before for one in told])

    def test_one_kind_for_all_nonces(self):
        """That an error names its nonce makes no kind of its own."""
        told = document(400, who=by_turns,
                        error='nonce stale instead of {nonce}')['probes']
        self.assertEqual(2, len(told['kinds']))
        wrong = answers.whole(told)[0]
        self.assertEqual('nonce stale instead of ' + wrong.nonce,
                         wrong.error)

    def test_stranger(self):
        """Who says something else each time has no kind for each."""
        told = document(3000, who=by_turns, error='{other}')['probes']
        self.assertEqual(answers.MOST_KINDS + 1, len(told['kinds']))
        self.assertEqual(3000, sum(kind['count'] for kind in told['kinds']))
        self.assertIn(answers.OTHERS,
                      [kind['error'] for kind in told['kinds']])

    def test_flapping(self):
        """No more stretches than can be seen, and all answers in them."""
        run = document(5000, who=by_turns)
        stretches = run['probes']['stretches']
        self.assertLessEqual(len(stretches), answers.MOST_STRETCHES)
        self.assertEqual(5000, sum(count for one in stretches
                                   for _, count in one['answers']))
        self.assertIn('mixed', [bar.look for bar
                                in drawing.picture(run).answers])
        self.assertIn('several by turns', page.html([run]))
        loading.check(run, 'x')

    def test_what_is_long_stays(self):
        """Of what is thinned the long stretches are as they were."""
        flaps = [(at, at + 1, ((at % 2, 1),)) for at in range(1000)]
        thin = answers.thinned([*flaps, (1000, 90000, ((0, 900),))], 50)
        self.assertLessEqual(len(thin), 50)
        self.assertEqual((1000, 90000, ((0, 900),)), thin[-1])

    def test_damaged(self):
        """It is said, and no other reader needs it."""
        run = document(50)
        for packed in ('x', 'AAAA', run['probes']['packed'][:40]):
            bad = dict(run['probes'], packed=packed)
            self.assertRaises(answers.Damaged, answers.whole, bad)
            page.html([dict(run, probes=bad)])

    def test_bomb(self):
        """What is packed is not unpacked beyond all measure."""
        self.useFixture(fixtures.MockPatch(
            'self_healing_tempest_plugin.report.answers.MOST_BYTES', 1000))
        self.assertRaises(answers.Damaged, answers.whole,
                          document(500)['probes'])

    def test_parts_that_do_not_fit(self):
        run = document(50)
        run['probes']['stretches'][0]['answers'][0][0] = 7
        error = self.assertRaises(loading.BadDocument, loading.check, run,
                                  'a.json')
        self.assertIn('a.json: $.probes.stretches[0]: there is no kind 7',
                      str(error))

    def test_no_secret(self):
        """What a guest says may be one; what is packed looks like none."""
        runtime.learn(['s3cr3t-of-the-cloud'])
        self.addCleanup(runtime.forget)
        run = document(2000, who=by_turns, error='s3cr3t-of-the-cloud')
        self.assertNotIn('s3cr3t', saving.dumps(run))
        self.assertEqual({'***', ''}, {kind['error'] for kind
                                       in run['probes']['kinds']})
        self.assertEqual(run, runtime.data(run))

    def test_small(self):
        """A hundred thousand answers have less than 2 MiB; these a fifth.

        Where each error is another one, they have some more.
        """
        for options, bound in (({}, 2.0), ({'who': by_turns}, 2.0),
                               ({'who': by_turns, 'error': '{other}'}, 2.5)):
            self.assertLess(len(saving.dumps(document(20000, **options))),
                            bound * (1 << 20) / 5)


class AttachmentTest(testtools.TestCase):
    """attaching.thinned(), and the details of a test."""

    def test_answers(self):
        """They are told in stretches; every reader can do with that."""
        run = document(30000)
        short = attaching.thinned(run)
        self.assertLess(len(saving.dumps(short)), 64 << 10)
        loading.check(short, 'x')
        self.assertEqual(page.html([run]), page.html([short]))
        self.assertEqual(terminal.text(run), terminal.text(short))
        self.assertIsNone(answers.whole(short['probes']))

    def test_everything_else_that_is_much(self):
        """Whatever a service told: details, objects, texts."""
        run = document(50)
        row = run['evidence'][0]
        many = {
            'details': [dict(link='stack', source='Heat event', text='x' * 300,
                             object_id='%d' % at, begin=1.0, end=2.0)
                        for at in range(50000)],
            'objects': {'workflow': ['%036d' % at for at in range(200000)]},
            'remarks': ['y' * 3000] * 3000,
            'evidence': [dict(row, payload={'a': ['z' * 50000] * 9})] * 99,
            'unmet': ['u' * 9000000],
            'transitions': run['transitions'] * 20000}
        for key, value in many.items():
            short = attaching.thinned(dict(run, **{key: value}))
            self.assertLessEqual(len(saving.dumps(short)),
                                 attaching.MOST_BYTES, key)
            self.assertIn(attaching.REMARK, short['remarks'])
            loading.check(short, key)

    def test_nothing_is_left_out_of_a_short_one(self):
        run = document(50)
        self.assertEqual(answers.without_singles(run),
                         attaching.thinned(run))

    def test_any_detail(self):
        """The log of a long run is a detail, too."""
        class Logging(discreet.Discreet, testtools.TestCase):
            def runTest(self):
                """Say more than a packet of subunit may have."""
                self.addDetail('log', content.text_content(
                    'begin' + '\N{EURO SIGN}' * 3000000 + 'end'))

        test = Logging()
        test.run(testtools.TestResult())
        chunks = list(test.getDetails()['log'].iter_bytes())
        self.assertLess(max(map(len, chunks)), PACKET)
        text = b''.join(chunks).decode('utf-8')
        self.assertTrue(text.startswith('begin') and text.endswith('end'))
        self.assertIn('bytes left out', text)


class OlderTest(testtools.TestCase):
    """Many answers in a format of before."""

    def older(self):
        new = document(20)
        return dict(
            new, format=4, application=dict(
                new['application'], split_brain=None),
            probes=[dict(dataclasses.asdict(one), begin=one.begin / 1000,
                         end=one.end / 1000)
                    for one in answers.whole(new['probes'])])

    def test_format_4(self):
        """It becomes what would be written today."""
        path = self.useFixture(fixtures.TempDir()).join('a.json')
        with open(path, 'w', encoding='utf-8') as stream:
            json.dump(self.older(), stream)
        self.assertEqual(document(20), loading.read(path))

    def test_where_it_is_wrong(self):
        """Of many probes one is looked at; its place is told."""
        for name, value in (('begin', 'soon'), ('ok', 1), ('nonce', None),
                            ('of_before', 0), ('end', 1e300)):
            run = self.older()
            run['probes'][17][name] = value
            error = self.assertRaises(loading.BadDocument, loading.check,
                                      run, 'x')
            self.assertIn('x: $.probes[17].%s: ' % name, str(error))
        run = self.older()
        run['probes'][3]['surplus'] = 1
        error = self.assertRaises(loading.BadDocument, loading.check, run,
                                  'x')
        self.assertIn('x: $.probes[3]: ', str(error))

    def test_split_brain(self):
        new = report_samples.document('SPLIT_BRAIN')
        brain = new['application']['split_brain']
        old = dict(
            new, format=4, application=dict(
                new['application'], split_brain={
                    name: brain[name] for name in ('new', 'old')}),
            probes=[dict(dataclasses.asdict(one), begin=one.begin / 1000,
                         end=one.end / 1000)
                    for one in answers.whole(new['probes'])])
        loading.check(old, 'x')
        path = self.useFixture(fixtures.TempDir()).join('a.json')
        with open(path, 'w', encoding='utf-8') as stream:
            json.dump(old, stream)
        self.assertEqual(new, loading.read(path))


class TerminalTest(testtools.TestCase):
    """What a terminal cannot show is no reason to fail."""

    def setUp(self):
        super().setUp()
        self.directory = self.useFixture(fixtures.TempDir()).path
        for night in range(2):
            saving.save(self.directory, documents.document(
                *report_samples.night(night), None, 'test_\u4e2d', ''))

    def test_fitted(self):
        for text, name, expected in (
                ('4.3–5.0 s ≤ 10 …', 'ascii', '4.3-5.0 s <= 10 ...'),
                ('é – €', 'latin-1', 'é - \\u20ac'),
                ('é – €', 'utf-8', 'é – €'),
                ('\ud800', 'utf-8', '\\ud800'), ('–', None, '-'),
                ('–', 'no-such', '-')):
            self.assertEqual(expected, encoding.fitted(text, name))

    def test_report(self):
        """The command says all of it, wherever it is called."""
        for name in ('ascii', 'latin-1', 'cp437'):
            done = subprocess.run(
                [sys.executable, '-m', 'self_healing_tempest_plugin.cmd.main',
                 'report', self.directory, '--slo', 'stack=10'],
                cwd=self.directory, capture_output=True,
                env={'PYTHONIOENCODING': name,
                     'PYTHONPATH': ':'.join(sys.path)})
            self.assertEqual((1, b''), (done.returncode, done.stderr))
            self.assertIn('MISSED (<= 10 s)' if name != 'cp437' else (
                'MISSED (≤ 10 s)'), done.stdout.decode(name))
            self.assertIn('test_\\u4e2d', done.stdout.decode(name))

    def test_errors_and_help(self):
        for arguments in (['report', '/no/such–file'], ['--help'],
                          ['report', '--help'], ['revert', '--help']):
            output = io.TextIOWrapper(io.BytesIO(), 'ascii')
            errors = io.TextIOWrapper(io.BytesIO(), 'ascii')
            with contextlib.redirect_stdout(output), (
                    contextlib.redirect_stderr(errors)), (
                    contextlib.suppress(SystemExit)):
                main.main(arguments)
            output.flush()
            errors.flush()

    def test_live(self):
        """While a run waits."""
        stream = io.TextIOWrapper(io.BytesIO(), 'ascii')
        seen, expected = report_samples.broken()
        with live.Progress(expected, stream=stream, enabled=True) as progress:
            progress(dataclasses.replace(seen, concluded=None))
        stream.flush()
        text = stream.buffer.getvalue().decode('ascii')
        self.assertIn('workflow', text)
        self.assertIn('+4.6-5.3 s', text)
