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

import contextlib
import dataclasses
import errno
import os
import shlex
import shutil
import subprocess

from tempest.lib import exceptions

from self_healing_tempest_plugin.faults import processes
from self_healing_tempest_plugin.redaction import runtime

# The child waits for a word before it becomes the command. A parent that dies
# without a word ends it. A shell reads no further than the end of a line, so
# that what follows it is the command's.
_GO = 'go\n'
_GATE = 'IFS= read -r word && [ "$word" = go ] && exec "$@"%s; exit 125'
_NOTHING = ' </dev/null'

# What is said of a command that was given up.
NO_END = 'no end after'


class CommandFailed(exceptions.TempestException):
    """A command did not do what it was run for."""

    message = 'Command failed: %(command)s: %(problem)s'

    def __init__(self, argv, problem):
        super().__init__(command=runtime.text(shlex.join(argv)),
                         problem=runtime.text(problem))


class Hopeless(CommandFailed):
    """A command that would fail again as it is: see to its cause first."""


class Unclear(CommandFailed):
    """A command whose answer makes no sense: it was reached, though."""


@dataclasses.dataclass(frozen=True)
class Result:
    """The result of a command."""

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


def run(argv, timeout, started=None, breaks=True, variables=None, stdin=''):
    """Run a command to its end, in a session and a group of its own.

    The command does nothing before its process is known, so that it can be
    looked for when this process dies; when that happens before, it never
    begins.

    :param argv: program and arguments
    :param timeout: seconds after which it is killed, with all that it has
        started and that is still in its group
    :param started: called with its :class:`.processes.Process` before it can
        do anything; what it raises keeps it from beginning
    :param breaks: see :class:`.processes.Process`
    :param variables: dict of what is in its environment beside ours
    :param stdin: what it reads on its standard input
    :returns: :class:`Result`
    :raises Hopeless: when there is no such program
    :raises CommandFailed: when it cannot be run or takes too long
    """
    _find(argv)
    mark = processes.new_mark()
    try:
        child = subprocess.Popen(
            ['/bin/sh', '-c', _GATE % ('' if stdin else _NOTHING), 'sh',
             *argv], text=True,
            errors='replace', stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,
            env=dict(os.environ, **variables or {},
                     **{processes.MARK: mark}))
    except OSError as error:
        raise CommandFailed(argv, str(error)) from None
    try:
        process = processes.identify(child.pid, mark, timeout, breaks)
        if started is not None:
            started(process)
        stdout, stderr = child.communicate(_GO + stdin, timeout)
    except BaseException as error:
        left = _give_up(child, mark, timeout)
        if isinstance(error, (subprocess.TimeoutExpired, OSError)):
            raise CommandFailed(argv, '; '.join(filter(None, (
                '%s %g s' % (NO_END, timeout) if isinstance(
                    error, subprocess.TimeoutExpired) else str(error),
                left)))) from None
        raise
    return Result(tuple(argv), child.returncode, stdout, stderr)


def _find(argv):
    if shutil.which(argv[0]) is None:
        number = errno.EACCES if os.path.exists(argv[0]) else errno.ENOENT
        raise Hopeless(argv, os.strerror(number))


def _give_up(child, mark, timeout):
    """End a child and its group; return why it lives, or ''."""
    # A child that has not begun yet finds its gate closed.
    for stream in (child.stdin, child.stdout, child.stderr):
        with contextlib.suppress(OSError):
            stream.close()
    try:
        return processes.end(processes.identify(child.pid, mark, timeout))
    except OSError as error:
        return str(error)
    finally:
        child.poll()
