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

"""Runs Tempest on the tests of a suite, in a workspace of its own."""

import os
import pathlib
import signal
import subprocess
import sys

import tempest

from tools.lab import errors
from tools.upstream import results

#: Seconds until the tests are listed, which imports all of them.
LISTING = 600

#: Seconds that a run may take to end when it is told to.
END = 30

#: Tests of a class run one after another.
STESTR = r'''[DEFAULT]
test_path=%s
top_dir=%s
group_regex=([^\.]*\.)*
'''

#: Where the environment has its programs.
PROGRAMS = pathlib.Path(sys.executable).parent


class Workspace:
    """Where Tempest runs, and keeps what it finds.

    :ivar conf: path of tempest.conf
    """

    def __init__(self, directory):
        """Take where it is to be.

        :param directory: :class:`pathlib.Path`; it need not be there
        """
        self.directory = directory
        self.conf = directory / 'etc' / 'tempest.conf'

    def make(self):
        """Make what is not there."""
        self.conf.parent.mkdir(parents=True, exist_ok=True)
        # As "tempest init" has it, which wants an empty directory.
        package = pathlib.Path(tempest.__file__).parent
        (self.directory / '.stestr.conf').write_text(
            STESTR % (package / 'test_discover', package.parent))
        if not (self.directory / '.stestr').exists():
            self._program(['stestr', 'init'])

    def list(self, suite):
        """Return the tests of a suite, with their ids and tags.

        They are written down, for :meth:`listed`.
        """
        text = self._program(['tempest', 'run', '--list-tests', '--regex',
                              '^' + suite.tests.replace('.', r'\.')])
        tests = [line for line in text.splitlines()
                 if line.startswith(suite.tests)]
        if not tests:
            raise errors.LabError('Tempest finds no test of %s' % suite.name)
        self._path(suite, 'tests').write_text('\n'.join(tests) + '\n')
        return tests

    def listed(self, suite):
        """Return the tests that were listed last."""
        return self._path(suite, 'tests').read_text().splitlines()

    def run(self, suite, tests, concurrency):
        """Run tests, as long as the suite may take.

        :param tests: as :meth:`list` has them
        :param concurrency: how many at a time
        """
        chosen = self._path(suite, 'chosen')
        chosen.write_text('\n'.join(tests) + '\n')
        command = [PROGRAMS / 'tempest', 'run', '--subunit', '--load-list',
                   chosen, '--concurrency', str(concurrency)]
        with (self._path(suite, 'subunit').open('wb') as output,
              self._path(suite, 'log').open('wb') as log):
            process = subprocess.Popen(
                command, cwd=self.directory, env=self._environment(),
                stdout=output, stderr=log, start_new_session=True)
            try:
                process.wait(suite.seconds)
            except subprocess.TimeoutExpired:
                pass
            finally:
                _end(process)

    def found(self, suite):
        """Return what the last run found, see :func:`.results.read`."""
        with self._path(suite, 'subunit').open('rb') as stream:
            return results.read(stream)

    def _path(self, suite, kind):
        return self.directory / ('%s.%s' % (suite.name, kind))

    def _environment(self):
        # Python would find what is beside us.
        return {**{key: value for key, value in os.environ.items()
                   if not key.startswith(('PYTHON', 'OS_'))},
                'TEMPEST_CONFIG_DIR': str(self.conf.parent),
                # Not its path: stestr hands that to a shell as it is.
                'PYTHON': 'python',
                'PATH': '%s:%s' % (PROGRAMS, os.environ['PATH'])}

    def _program(self, command):
        done = subprocess.run(
            [PROGRAMS / command[0], *command[1:]], cwd=self.directory,
            env=self._environment(), capture_output=True, text=True,
            timeout=LISTING, check=False)
        if done.returncode:
            raise errors.LabError('%s: exit code %d: %s' % (
                ' '.join(map(str, command)), done.returncode,
                done.stderr[-800:]))
        return done.stdout


def _end(process):
    """End a run and all that it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(END)
        except subprocess.TimeoutExpired:
            pass
    process.wait()
