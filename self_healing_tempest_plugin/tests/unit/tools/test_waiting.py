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

"""The tools' poller, on a clock that moves when someone sleeps or asks."""

import operator
import pathlib
import subprocess

import fixtures
import testtools

import tools
from tools import waiting


class FakeTime:
    """What stands for the module ``time``."""

    def __init__(self):
        self.now, self.naps = 100.0, []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.naps.append(seconds)
        self.now += seconds


class UntilTest(testtools.TestCase):
    """waiting.until()."""

    def setUp(self):
        super().setUp()
        self.time = FakeTime()
        self.useFixture(fixtures.MockPatchObject(waiting, 'time', self.time))
        self.asked = []

    def observer(self, *answers, cost=0.0):
        """Return what gives these answers, each after its cost."""
        answers = iter(answers)

        def observe():
            self.time.now += cost
            self.asked.append(self.time.now - 100)
            return next(answers)
        return observe

    def test_fresh_answer(self):
        self.assertEqual('here', waiting.until(
            self.observer('', None, 'here'), 'it', 10))
        self.assertEqual([0, 1, 2], self.asked)

    def test_last_question_at_the_deadline(self):
        """Not one interval after it, and not before it."""
        self.assertRaises(waiting.TimeUp, waiting.until,
                          self.observer(*[0] * 9), 'it', 10, interval=4)
        self.assertEqual([0, 4, 8, 10], self.asked)

    def test_good_at_the_deadline(self):
        self.assertEqual(7, waiting.until(
            self.observer(0, 0, 0, 7), 'it', 10, interval=4))

    def test_slow_answers(self):
        """One that took until after the deadline is asked for once more."""
        self.assertEqual(7, waiting.until(
            self.observer(0, 7, cost=15), 'it', 10))
        self.assertEqual(([15, 30], []), (self.asked, self.time.naps))

    def test_in_vain(self):
        """The error has the last answer, as it was accepted or not."""
        late = self.assertRaises(
            waiting.TimeUp, waiting.until,
            self.observer(['a', 'b'], ['b']), 'the lab as it was', 1,
            accept=operator.not_)
        self.assertEqual(['b'], late.answer)
        self.assertEqual('waited 1 s in vain for the lab as it was',
                         str(late))

    def test_no_time(self):
        """The observer is asked once."""
        self.assertRaises(waiting.TimeUp, waiting.until,
                          self.observer(0, 1), 'it', 0)
        self.assertEqual([0], self.asked)

    def test_pause(self):
        for seconds in (0.5, 0, -3):
            waiting.pause(seconds)
        self.assertEqual([0.5], self.time.naps)


class ShellTest(testtools.TestCase):
    """wait_until of devstack_run.sh."""

    def run_script(self, script):
        """Return what a shell prints that has the function."""
        path = tools.SOURCE / 'tools' / 'zuul' / 'devstack_run.sh'
        text = path.read_text()
        begin = text.index('wait_until() {')
        function = text[begin:text.index('\n}\n', begin) + 3]
        counted = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path, 'counted')
        return subprocess.run(
            ['bash', '-euo', 'pipefail', '-c', function + script,
             'sh', counted], text=True, check=True, capture_output=True,
            timeout=30).stdout

    def test_comes(self):
        """The question is repeated until it comes true, and not after."""
        self.assertEqual('came\n3\n', self.run_script(
            'third() { echo x >>"$1"; [[ $(wc -l <"$1") -ge 3 ]]; }\n'
            'wait_until 20 third "$1" && echo came; wc -l <"$1"'))

    def test_does_not_come(self):
        """The question is asked for the last time at the deadline."""
        self.assertEqual('too late\n', self.run_script(
            'wait_until 1 false || echo too late'))
        self.assertEqual('x\n', self.run_script(
            'once() { echo x; false; }\nwait_until 0 once || true'))
