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

"""One at a time works on the lab of a machine.

A machine has one lab that runs, whatever its directory is, so there is one
lock. It is let go when the process that has it ends, however it ends.
"""

import contextlib
import fcntl
import os
import pathlib

from tools.lab import errors

#: Where everybody may make a file, and nobody may remove that of another.
PATH = pathlib.Path('/run/lock/self-healing-lab')
#: Nobody waits for a pipe, or follows a link, that somebody has laid there.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@contextlib.contextmanager
def held(what, path=None):
    """Be the only one who works on the lab.

    :param what: what is done, for whom it keeps away: one line
    :param path: of the lock
    :returns: context manager; its value is the file descriptor of the lock.
        A child that inherits it keeps the lock until it has ended, too
    :raises LabError: when somebody else has it; the message says who
    """
    path = path or PATH
    descriptor = _opened(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise errors.LabError(
                'somebody else works on the lab of this machine%s: wait for '
                'its end, or end it' % _owner(descriptor)) from None
        _sign(path, 'process %d, %s' % (os.getpid(), what))
        yield descriptor
    finally:
        os.close(descriptor)


def _opened(path):
    try:
        # Not created where it is there: the kernel may forbid that to root,
        # where the file is another user's.
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, _FLAGS)
        descriptor = os.open(path, _FLAGS | os.O_CREAT, 0o644)
        # For who else comes, whatever the umask is.
        os.fchmod(descriptor, 0o644)
        return descriptor
    except OSError as error:
        raise errors.LabError('the lock of the lab, %s: %s' % (
            path, error.strerror)) from error


def _sign(path, text):
    """Note who has the lock; another user's file stays as it is."""
    with contextlib.suppress(OSError):
        descriptor = os.open(
            path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
            | os.O_NONBLOCK)
        with os.fdopen(descriptor, 'w', errors='backslashreplace') as file:
            file.write(text + '\n')


def _owner(descriptor):
    """Return who has signed the file, in parentheses, empty where nobody."""
    try:
        text = os.pread(descriptor, 4096, 0).decode(errors='replace')
    except OSError:
        return ''
    text = text.partition('\n')[0]
    return ' (%s)' % text if text.isprintable() and text else ''
