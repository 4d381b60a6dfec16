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

"""What a run shows while it waits."""

import dataclasses
import io

from rich import console
import testtools

from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.report import live
from self_healing_tempest_plugin.tests.unit import report_samples
from self_healing_tempest_plugin import waiting
from self_healing_tempest_plugin.watching import recorders
from self_healing_tempest_plugin.watching import watch

Link = vitrage

HIDE, SHOW = '\x1b[?25l', '\x1b[?25h'


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self):
        return True


class Gone(Terminal):
    """A terminal that nobody looks at any more."""

    closed_by = None

    def write(self, text):
        if self.closed_by:
            raise self.closed_by
        return super().write(text)


def seen(after, run=None):
    """Return a run as it was some seconds after the fault."""
    whole = run or report_samples.run()
    return dataclasses.replace(whole, concluded=None, evidence=tuple(
        evidence for evidence in whole.evidence
        if evidence.seen_at <= report_samples.FAULT + after))


def shown(run, after, expected=None, width=100):
    """Return the lines that a run shows."""
    output = io.StringIO()
    console.Console(file=output, width=width).print(live.picture(
        run, expected or report_samples.expected(),
        report_samples.FAULT + after))
    return [' '.join(line.split()) for line in
            output.getvalue().splitlines()]


class PictureTest(testtools.TestCase):
    """live.picture()."""

    def test_first(self):
        lines = shown(seen(2.0), 2.0)
        self.assertEqual('host compute-1 without power +2.0 s', lines[0])
        self.assertRegex(lines[1], r'^alarm 1\.7 of 60 s .*as it was$')
        self.assertEqual(['deduction –', 'workflow started –',
                          'stack finished –', 'workflow finished –',
                          'application –'], lines[2:])

    def test_came(self):
        """A link that came has its time and its object."""
        lines = shown(seen(12.0), 12.0)
        self.assertEqual('alarm +4.6–5.3 s %s' % report_samples.ALARM,
                         lines[1])
        self.assertRegex(lines[4], r'^stack finished 5\.8 of 300 s')

    def test_late(self):
        lines = shown(seen(50.0, report_samples.run(
            report_samples.HEALTHY[:2])), 50.0)
        self.assertRegex(lines[3], r'^workflow started 44\.4 of 30 s')

    def test_failed(self):
        """A failure brings the deadline nearer; the elapsed time stays."""
        failure = timelines.Failure(Link.WORKFLOW, 'x', report_samples.FAULT
                                    + 10, 'in ERROR')
        run = report_samples.run(report_samples.HEALTHY[:3],
                                 failures=(failure,))
        lines = shown(run, 16.2)
        self.assertRegex(lines[4], r'^stack finished 10\.0 of 19 s')

    def test_must_not_come(self):
        expected = report_samples.untouched()
        lines = shown(seen(20.0), 20.0, expected)
        self.assertEqual(
            ['workflow came 25.6 s left as it was',
             'stack came 25.6 s left as it was',
             'application must not come 25.6 s left as it was'], lines[3:])

    def test_nothing_must_come(self):
        lines = shown(seen(2.0), 2.0, report_samples.expected(
            steps=(), quiet=10.0))
        self.assertEqual('alarm must not come 8.3 s left as it was',
                         lines[1])

    def test_narrow(self):
        """What is cut is the object, not the link or its time."""
        lines = shown(seen(12.0), 12.0, width=60)
        self.assertEqual(7, len(lines))
        self.assertRegex(lines[3], '^workflow started .*6.2 s .*…$')

    def test_before_the_fault(self):
        self.assertEqual(['host compute-1 without power'], shown(
            report_samples.run(life=(), back=()), -1))

    def test_obeys_nobody(self):
        """Neither markup nor control characters of a cloud."""
        text = '[red]a[/red]\x1b[2J\nb'
        run = report_samples.run((), watched={
            Link.ALARM: timelines.Watched(state=text)})
        self.assertIn(r'[red]a[/red]\x1b[2J b', shown(run, 1.0)[1])

    def test_long_state(self):
        """A state that is cut ends with a mark of that."""
        run = report_samples.run((), watched={
            Link.ALARM: timelines.Watched(state='x' * 61)})
        self.assertTrue(shown(run, 1.0, width=200)[1].endswith(
            ' ' + 'x' * 58 + ' …'))


class ProgressTest(testtools.TestCase):
    """live.Progress."""

    def progress(self, stream, after=2.0, **options):
        return live.Progress(
            report_samples.expected(), stream=stream, clock=waiting.Clock(
                now=lambda: report_samples.FAULT + after), **options)

    def test_terminal(self):
        stream = Terminal()
        with self.progress(stream) as show:
            show(seen(2.0))
            show(seen(2.0))
            self.assertEqual(2, stream.getvalue().count('1.7 of 60 s'))
        self.assertIn(HIDE, stream.getvalue())

    def test_no_terminal(self):
        """Nothing in a worker's output, unless told."""
        stream = io.StringIO()
        with self.progress(stream) as show:
            show(seen(2.0))
        self.assertEqual('', stream.getvalue())
        with self.progress(stream, enabled=True) as show:
            show(seen(2.0))
        self.assertIn('1.7 of 60 s', stream.getvalue())

    def test_told_not_to(self):
        stream = Terminal()
        with self.progress(stream, enabled=False) as show:
            show(seen(2.0))
        self.assertEqual('', stream.getvalue())

    def test_exception(self):
        """The terminal gets its cursor back."""
        stream = Terminal()

        def fail():
            with self.progress(stream) as show:
                show(seen(2.0))
                raise ValueError('broken')
        self.assertRaises(ValueError, fail)
        text = stream.getvalue()
        self.assertGreater(text.rindex(SHOW), text.rindex(HIDE))

    def test_terminal_is_gone(self):
        """The run is worth more than what it shows."""
        stream = Gone()
        with self.progress(stream) as show:
            stream.closed_by = BrokenPipeError()
            show(seen(2.0))
        self.assertIn(HIDE, stream.getvalue())
        self.assertNotIn('1.7 of 60 s', stream.getvalue())

    def test_as_show(self):
        """A watch calls it with what it sees."""
        stream = Terminal()
        recorder = recorders.Recorder()
        recorder.unmet('no host')
        recorder.transition('injected', recorder.now())
        with live.Progress(report_samples.expected(), stream=stream) as show:
            with watch.Watch((), recorder, 0.1) as chain:
                chain.until_over(report_samples.expected(), show=show)
        self.assertIn('alarm', stream.getvalue())
