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

"""Files that nobody but this user, and root, can have put there.

A path is walked from the root directory on, one descriptor after the other,
and every directory on the way is looked at: whoever may write there could
put something else in the place of what comes next. What has been opened is
looked at by its descriptor, so that it cannot be exchanged in between.
"""

import contextlib
import errno
import os
import pwd
import stat

# How many symbolic links a path may have, as in Linux.
LINKS = 40

# Of a parent only the search permission is needed, where there is O_PATH. What
# has become a link since it was looked at is not followed.
_WALK = os.O_NOFOLLOW | os.O_DIRECTORY | getattr(os, 'O_PATH', os.O_RDONLY)


class NotOurs(Exception):
    """Somebody else may have written what is there."""


@contextlib.contextmanager
def directory(path, create=False):
    """Open a directory that is ours alone.

    Others may write in none of the directories above it. One with the
    sticky bit, such as ``/tmp``, is an exception: there nobody can rename or
    remove what is ours or root's, and what is somebody else's is refused.
    The directory itself must be this user's, and there is no exception.

    :param path: absolute
    :param create: make what is missing, for this user alone
    :returns: context manager of a descriptor
    :raises NotOurs: when others may write there
    :raises OSError: when it cannot be opened
    """
    descriptor = _walk(path, create)
    try:
        status = os.fstat(descriptor)
        _refuse_owner(status, path, {os.geteuid()})
        _refuse_writers(status, path)
        yield descriptor
    finally:
        os.close(descriptor)


def opened(parent, path, flags):
    """Open a file in a directory from :func:`directory`.

    :param parent: descriptor of the directory
    :param path: of the file
    :param flags: those of ``os.open``
    :returns: descriptor of the file
    :raises NotOurs: when it is not a regular file of this user alone
    :raises OSError: when it cannot be opened
    """
    # Whatever it is, opening it must not block: a pipe would.
    try:
        descriptor = os.open(os.path.basename(path),
                             flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600,
                             dir_fd=parent)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotOurs('%s is a symbolic link' % path) from None
        error.filename = path
        raise
    try:
        _refuse_file(os.fstat(descriptor), path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def inspected(parent, path):
    """Make a file where there is none, and look at it without opening it.

    To close any descriptor of a file gives back the locks on it.

    :param parent: descriptor of the directory
    :param path: of the file
    :raises NotOurs: when it is not a regular file of this user alone
    :raises OSError: when it cannot be made
    """
    name = os.path.basename(path)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(name, os.O_CREAT | os.O_EXCL, 0o600,
                         dir_fd=parent))
    _refuse_file(os.stat(name, dir_fd=parent, follow_symlinks=False), path)


def _walk(path, create):
    """Return a descriptor of a directory, past all that is above it."""
    if not os.path.isabs(path):
        raise NotOurs('%s is no absolute path' % path)
    left, links = path.split('/')[::-1], 0
    here, seen = _root()
    try:
        while left:
            name = left.pop()
            if name in ('', '.'):
                continue
            target = _link(here, name, seen, create)
            if target is None:
                here, seen = _entered(here, name, seen)
                continue
            links += 1
            if links > LINKS:
                raise NotOurs('%s has too many symbolic links' % path)
            left.extend(target.split('/')[::-1])
            if os.path.isabs(target):
                os.close(here)
                here, seen = _root()
        return _readable(here)
    finally:
        os.close(here)


def _root():
    descriptor = os.open('/', _WALK)
    _refuse_parent(os.fstat(descriptor), '/')
    return descriptor, '/'


def _link(here, name, seen, create):
    """Return where a symbolic link leads, None when it is none."""
    path = os.path.join(seen, name)
    try:
        status = os.stat(name, dir_fd=here, follow_symlinks=False)
    except FileNotFoundError as error:
        if not create:
            error.filename = path
            raise
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=here)
        _sync(here)
        return None
    if not stat.S_ISLNK(status.st_mode):
        return None
    # Its mode says nothing; who has made it says where it leads.
    _refuse_owner(status, path, {0, os.geteuid()})
    return os.readlink(name, dir_fd=here)


def _entered(here, name, seen):
    """Return descriptor and path of a directory, and leave the one above."""
    path = os.path.join(seen, name)
    try:
        descriptor = os.open(name, _WALK, dir_fd=here)
    except OSError as error:
        error.filename = path
        raise
    try:
        _refuse_parent(os.fstat(descriptor), path)
    except BaseException:
        os.close(descriptor)
        raise
    os.close(here)
    return descriptor, path


def _readable(descriptor):
    return os.open('.', os.O_RDONLY, dir_fd=descriptor)


def _sync(here):
    descriptor = _readable(here)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_parent(status, path):
    _refuse_owner(status, path, {0, os.geteuid()})
    if not status.st_mode & stat.S_ISVTX:
        _refuse_writers(status, path)


def _refuse_file(status, path):
    if not stat.S_ISREG(status.st_mode):
        raise NotOurs('%s is %s' % (path, 'a symbolic link' if stat.S_ISLNK(
            status.st_mode) else 'no regular file'))
    _refuse_owner(status, path, {os.geteuid()})
    _refuse_writers(status, path)
    if status.st_nlink > 1:
        raise NotOurs('%s has another name, as a hard link' % path)


def _refuse_owner(status, path, ours):
    if status.st_uid not in ours:
        raise NotOurs('%s belongs to user %s, not to %s' % (
            path, _user(status.st_uid), _user(os.geteuid())))


def _refuse_writers(status, path):
    # With an access control list the bits of the group are its mask: more
    # than they say nobody in it may do.
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise NotOurs('%s can be written by others (mode %04o)' % (
            path, stat.S_IMODE(status.st_mode)))


def _user(uid):
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
