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

"""Children that are asked to end, and waited for, when their parent is.

Ctrl-C, SIGTERM and SIGHUP end a step of the lab. What it has started gets
SIGINT, as Ctrl-C would send it, and the time to bring in order what it has
begun: Ansible ends its modules, a run of tests takes back its faults.
"""

import contextlib
import os
import signal
import subprocess

from tools import waiting

#: Requests to end.
REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Seconds from SIGINT to SIGKILL, unless told otherwise.
PATIENCE = 60


class Stopped(BaseException):
    """Somebody has asked for an end.

    No :class:`Exception`: nobody handles it as a failure of what was done.

    :ivar number: of the signal
    """

    def __init__(self, number):
        super().__init__('signal %d' % number)
        self.number = number

    @property
    def code(self):
        """Return the exit code that a shell gives such a process."""
        return 128 + self.number


@contextlib.contextmanager
def requests_heard():
    """Have a request to end raise :class:`Stopped`, within the ``with``."""
    def stop(number, _):
        raise Stopped(number)

    with contextlib.ExitStack() as before:
        for number in REQUESTS:
            before.callback(signal.signal, number,
                            signal.signal(number, stop))
        yield


@contextlib.contextmanager
def running(command, patience=PATIENCE, lock=None, **options):
    """Have a command run in a session of its own, and wait for its end.

    :param patience: seconds that it, and all of its session, have to end when
        the ``with`` ends early; a second request to end makes them none
    :param lock: file descriptor that it inherits, and so keeps a lock
    :param options: of :class:`subprocess.Popen`
    :returns: context manager; its value is the :class:`subprocess.Popen`
    """
    # Between its beginning and the "try" nobody would end it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, REQUESTS)
    try:
        process = subprocess.Popen(
            command, start_new_session=True, preexec_fn=interruptible,
            pass_fds=() if lock is None else (lock,), **options)
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            yield process
            process.wait()
        except BaseException:
            _end(process, patience)
            raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def interruptible():
    """Let Ctrl-C end a process that is about to begin, and Ctrl-\\.

    A shell without job control lets what it starts in the background ignore
    both, with all that comes of that.
    """
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, REQUESTS)


def _end(process, patience):
    try:
        _signal(process, signal.SIGINT)
        with contextlib.suppress(waiting.TimeUp):
            waiting.until(lambda: not _alive(process), 'their end', patience,
                          0.1)
    finally:
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process, number):
    # The id of a session that is no more is nobody's, as long as its first
    # process was not waited for.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _alive(process):
    """Return whether any process of the session does anything yet."""
    for name in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(OSError):
            with open('/proc/%s/stat' % name, 'rb') as file:
                # The name, in parentheses, may have blanks and parentheses.
                fields = file.read().rpartition(b')')[2].split()
            if int(fields[2]) == process.pid and fields[0] not in b'ZX':
                return True
    return False
