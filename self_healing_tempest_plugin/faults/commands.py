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

"""Commands of the operator, run without a shell, their result always read."""

import dataclasses
import os
import shlex
import subprocess

from tempest.lib import exceptions

from self_healing_tempest_plugin.redaction import process


class CommandFailed(exceptions.TempestException):
    """A command did not do what it was run for."""

    message = 'Command failed: %(command)s: %(problem)s'

    def __init__(self, argv, problem):
        super().__init__(command=process.text(shlex.join(argv)),
                         problem=process.text(problem))


@dataclasses.dataclass(frozen=True)
class Result:
    """What a command left behind."""

    argv: tuple[str, ...]
    exit_status: int
    stdout: str
    stderr: str

    def check(self):
        """Return this result.

        :raises CommandFailed: when the exit status is not 0
        """
        if self.exit_status != 0:
            raise CommandFailed(self.argv, 'exit status %d, stderr: %s' % (
                self.exit_status, self.stderr.strip() or 'empty'))
        return self


def fill(template, **names):
    """Return an argv with ``{name}`` replaced in each of its words.

    Only the given names are replaced, and a value always stays inside its
    word.

    :param template: iterable of words
    """
    words = []
    for word in template:
        for name, value in names.items():
            word = word.replace('{%s}' % name, value)
        words.append(word)
    return tuple(words)


def run(argv, timeout, variables=None):
    """Run a command to its end.

    :param argv: program and arguments
    :param timeout: seconds after which it is killed
    :param variables: dict of what is in its environment beside ours
    :returns: :class:`Result`
    :raises CommandFailed: when it cannot be run or takes too long
    """
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=timeout, check=False, text=True, errors='replace',
            env=dict(os.environ, **variables) if variables else None)
    except subprocess.TimeoutExpired:
        raise CommandFailed(argv, 'no end after %g s' % timeout) from None
    except OSError as error:
        raise CommandFailed(argv, str(error)) from None
    return Result(tuple(argv), done.returncode, done.stdout, done.stderr)
