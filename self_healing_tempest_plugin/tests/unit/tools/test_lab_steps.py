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


"""The steps of the lab: who may take one, and how one is ended early."""

import os
import pathlib
import signal
import stat
import subprocess
import sys
import textwrap

import fixtures
import testtools

import tools
from tools.lab import children
from tools.lab import errors
from tools.lab import locks
from tools import waiting

#: The command, without what the environment of the unit tests has not.
COMMAND = """
import pathlib, sys, types
import tools.lab
services = types.ModuleType('tools.lab.services')
sys.modules['tools.lab.services'] = tools.lab.services = services
from tools.lab import command, locks
locks.PATH, sys.executable = pathlib.Path(sys.argv[1]), sys.argv[2]
sys.exit(command.main(sys.argv[3:]))
"""
#: In the place of Ansible: it says that it goes on, and when it was asked to
#: end, brings something in order.
ANSIBLE = """#!/bin/bash
trap 'echo ended >>"$DIR/said"; exit 99' INT
echo "$BASHPID" >"$DIR/begun"
while :; do sleep 0.05; done
"""


class LockTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path, 'lock')

    def refused(self, *words):
        def hold():
            with locks.held('other', self.path):
                pass
        error = str(self.assertRaises(errors.LabError, hold))
        self.assertNotIn('\n', error)
        for word in words:
            self.assertIn(word, error)

    def test_two(self):
        """The second one is told who the first one is."""
        with locks.held('`up` of /x', self.path):
            self.refused('process %d, `up` of /x' % os.getpid(),
                         'wait for its end, or end it')
        with locks.held('again', self.path):
            self.assertIn('again', self.path.read_text())

    def test_child(self):
        """A child that inherits it keeps it until it has ended."""
        with locks.held('up', self.path) as lock:
            process = subprocess.Popen(['cat'], stdin=subprocess.PIPE,
                                       pass_fds=[lock])
        self.refused()
        process.communicate()
        with locks.held('up', self.path):
            pass

    def test_umask(self):
        """Every other user sees it, and nobody else writes it."""
        for umask in (0o000, 0o077):
            self.addCleanup(os.umask, os.umask(umask))
            with locks.held('up', self.path):
                self.assertEqual(
                    0o644, stat.S_IMODE(self.path.stat().st_mode))
            self.path.unlink()

    def test_planted(self):
        """A link is not followed, a pipe not waited for."""
        self.path.symlink_to('elsewhere')
        self.refused(str(self.path))
        self.path.unlink()
        os.mkfifo(self.path)
        with locks.held('up', self.path):
            self.refused('somebody else works')


class StepsTest(testtools.TestCase):
    """The command, with another Ansible."""

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)
        self.lab = self.directory / 'my lab ü (1)'
        self.program('ansible', ANSIBLE)

    def program(self, name, text):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def start(self, *words, umask=-1):
        process = subprocess.Popen(
            [sys.executable, '-c', COMMAND, self.directory / 'lock',
             self.directory / 'ansible', *words, '--dir', self.lab],
            env=dict(os.environ, PYTHONPATH=str(tools.SOURCE),
                     DIR=str(self.directory)), umask=umask, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def begun(self):
        path = self.directory / 'begun'
        return waiting.until(lambda: path.exists() and path.read_text(),
                             'the step', 60, 0.05)

    def ended(self, process):
        said, _ = process.communicate(timeout=60)
        return process.returncode, said

    def test_ended_early(self):
        """By any request; what has begun is brought in order before."""
        for step in ('up', 'down', 'destroy'):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                process = self.start(step)
                child = int(self.begun())
                process.send_signal(number)
                code, said = self.ended(process)
                self.assertEqual(128 + number, code, said)
                self.assertIn('Interrupted: `./drill %s --dir' % step,
                              said)
                self.assertEqual(1, said.count('\n'), said)
                self.assertFalse(pathlib.Path('/proc', str(child)).exists())
                self.assertEqual('ended\n', (
                    self.directory / 'said').read_text())
                (self.directory / 'begun').unlink()
                (self.directory / 'said').unlink()

    def test_run_ended_early(self):
        """The tests take back what they have broken; all is waited for."""
        (self.lab / 'tempest' / 'etc').mkdir(parents=True)
        (self.lab / 'tempest' / 'etc' / 'tempest.conf').touch()
        self.program('my lab ü (1)/venv/tempest/bin/tempest', ANSIBLE)
        process = self.start('run')
        self.begun()
        process.send_signal(signal.SIGTERM)
        code, said = self.ended(process)
        self.assertEqual(143, code, said)
        self.assertIn("self-healing-tempest' revert --config-file", said)
        self.assertTrue((self.directory / 'said').exists())

    def test_python_of_the_tests(self):
        """stestr, which has a shell read the path of Python, has its name."""
        (self.lab / 'tempest' / 'etc').mkdir(parents=True)
        (self.lab / 'tempest' / 'etc' / 'tempest.conf').touch()
        programs = 'my lab ü (1)/venv/tempest/bin/'
        self.program(programs + 'python', '#!/bin/sh\n')
        self.program(programs + 'tempest', (
            '#!/bin/sh\ncommand -v ${PYTHON}\n'))
        _, said = self.ended(self.start('run'))
        self.assertIn('%s/venv/tempest/bin/python\n' % self.lab, said)

    def test_fresh(self):
        """It goes before tempest.conf, for this run."""
        (self.lab / 'tempest' / 'etc').mkdir(parents=True)
        (self.lab / 'tempest' / 'etc' / 'tempest.conf').touch()
        self.program('my lab ü (1)/venv/tempest/bin/tempest', (
            '#!/bin/sh\nenv\n'))
        for words, told in ((['--fresh'], True), ([], False)):
            _, said = self.ended(self.start('run', *words))
            self.assertEqual(
                told, 'OS_SELF_HEALING__SHARE_APPLICATIONS=false\n' in said)

    def test_bad_expression(self):
        """It is refused before Tempest begins."""
        code, said = self.ended(self.start('run', '-r', 'test_['))
        self.assertEqual(2, code, said)
        self.assertIn("argument -r: 'test_[' is no regular expression: "
                      'unterminated character set', said)
        self.assertNotIn('Traceback', said)

    def test_two_at_once(self):
        """One clear line, and the first one goes on."""
        first = self.start('up')
        self.begun()
        for step in ('up', 'run', 'down', 'destroy'):
            code, said = self.ended(self.start(step))
            self.assertEqual(1, code)
            self.assertIn('somebody else works on the lab of this machine '
                          '(process %d, `up` of %s)' % (first.pid, self.lab),
                          said)
            self.assertEqual(1, said.count('\n'), said)
        self.assertIsNone(first.poll())
        first.send_signal(signal.SIGINT)
        self.assertEqual(130, self.ended(first)[0])

    def test_umask(self):
        """What is built is the same, whoever builds it."""
        self.program('ansible', '#!/bin/sh\numask\nexit 0\n')
        for umask in (0o000, 0o077):
            self.assertEqual((0, '0022\n'),
                             self.ended(self.start('down', umask=umask)))

    def test_variables(self):
        for words, said in ((('-e', 'a b'), "'a b' is not NAME=VALUE"),
                            (('-e', 'lab_dir=/x'), 'is what --dir says')):
            code, printed = self.ended(self.start('up', *words))
            self.assertEqual(2, code)
            self.assertIn(said, printed)

    def test_no_terminal_for_it(self):
        """What a terminal cannot show ends nothing."""
        self.useFixture(fixtures.EnvironmentVariable(
            'PYTHONIOENCODING', 'ascii'))
        code, said = self.ended(self.start('run'))
        self.assertEqual(1, code)
        self.assertIn(r'There is no lab in %s/my lab \xfc (1)'
                      % self.directory, said)


class ChildrenTest(testtools.TestCase):

    def test_no_end(self):
        """What ignores the request, and is no child any more, is killed."""
        script = textwrap.dedent("""\
            trap '' INT
            (echo $BASHPID; exec >/dev/null; while :; do sleep 0.05; done) &
            exit 0
            """)

        def stopped():
            with children.running(
                    ['bash', '-c', script], 0.2, text=True,
                    stdout=subprocess.PIPE) as process:
                with process.stdout:
                    pids.append(int(process.stdout.readline()))
                raise children.Stopped(signal.SIGTERM)

        pids = []
        self.assertRaises(children.Stopped, stopped)
        waiting.until(lambda: not _runs(pids[0]), 'its end', 30, 0.05)

    def test_ended_itself(self):
        with children.running(['sh', '-c', 'exit 3']) as process:
            pass
        self.assertEqual(3, process.returncode)

    def test_signals_are_as_before(self):
        before = [signal.getsignal(number) for number in children.REQUESTS]
        with children.requests_heard():
            pass
        self.assertEqual(before, [signal.getsignal(number)
                                  for number in children.REQUESTS])


def _runs(pid):
    try:
        return ') Z ' not in pathlib.Path('/proc/%d/stat' % pid).read_text()
    except OSError:
        return False
