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

"""Secrets in files: passwords, tokens, and the like.

A file is read whenever it is needed: what renews a token changes its file.
"""

import os
import stat

from tempest.lib import exceptions

from self_healing_tempest_plugin.redaction import runtime

# Bytes that a file may have: a token of Kubernetes has a few thousands.
_LIMIT = 65536

# What nobody but the owner and its group may do, and its group may not write:
# containers get their secrets as files that a group can read.
_REFUSED = stat.S_IWGRP | stat.S_IRWXO


class UnfitFile(exceptions.TempestException):
    """A file is not there, not ours alone, or does not hold what it should."""

    message = '[self_healing] %(option)s %(path)s: %(problem)s'

    def __init__(self, option, path, problem):
        super().__init__(option=option, path=path, problem=problem)


def text(option, path, limit, refuse):
    """Return what is in a file, as text.

    :param option: that names the file, for messages
    :param path: of the file
    :param limit: bytes that it may have
    :param refuse: raises :class:`UnfitFile` for option, path, and what
        ``os.fstat`` says of the file that was opened
    :raises UnfitFile: with what is wrong with it
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UnfitFile(option, path, error.strerror) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnfitFile(option, path, 'it is no file')
        refuse(option, path, status)
        content = os.read(descriptor, limit + 1)
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise UnfitFile(option, path, 'it is longer than %d bytes' % limit)
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise UnfitFile(option, path, 'it is no UTF-8') from None


def lines(option, path):
    """Return the lines of a file that are not empty, as a tuple.

    From then on, none of them is told.

    :param option: that names the file, for messages
    :param path: of a file that not everybody can read
    :raises UnfitFile: with what is wrong with it
    """
    found = _lines(option, path, text(option, path, _LIMIT, _refuse))
    runtime.learn(found)
    return found


def line(option, path):
    """Return the only line of a file; see :func:`lines`."""
    found = lines(option, path)
    if len(found) > 1:
        raise UnfitFile(option, path, 'it must hold one line')
    return found[0]


def _refuse(option, path, status):
    if status.st_mode & _REFUSED:
        raise UnfitFile(option, path, 'everybody may read it, or others may '
                        'write it (mode %04o); run: chmod 0600 on it'
                        % stat.S_IMODE(status.st_mode))


def _lines(option, path, content):
    found = tuple(one for one in content.replace('\r\n', '\n').split('\n')
                  if one.strip())
    if not found:
        raise UnfitFile(option, path, 'it is empty')
    if any(not char.isprintable() for one in found for char in one):
        raise UnfitFile(option, path, 'it holds a character that cannot be '
                        'printed')
    return found
