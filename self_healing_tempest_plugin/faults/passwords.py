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

"""Passwords of BMCs: in files of their own, never among the arguments.

A plan, and so the journal, names the file. What is in it becomes part of the
environment of the command that needs it, and of nothing else.
"""

import os
import stat

from tempest.lib import exceptions

from self_healing_tempest_plugin.redaction import runtime

# Bytes that a password may have.
_LIMIT = 4096


class UnfitPasswordFile(exceptions.TempestException):
    """A file is not there, not ours alone, or holds no password."""

    message = ('[self_healing] host_power_password_file %(path)s: '
               '%(problem)s')

    def __init__(self, path, problem):
        super().__init__(path=path, problem=problem)


def read(path):
    """Return the password in a file, which from then on is not told.

    :param path: of a file that nobody else can read, with one line
    :raises UnfitPasswordFile: with what to do
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UnfitPasswordFile(path, error.strerror) from None
    try:
        _refuse(path, os.fstat(descriptor))
        content = os.read(descriptor, _LIMIT + 1)
    finally:
        os.close(descriptor)
    password = _password(path, content)
    runtime.learn([password])
    return password


def environment(variables):
    """Return variables with the passwords that files hold, as a dict.

    :param variables: pairs of a variable's name and the path of a file
    :raises UnfitPasswordFile: see :func:`read`
    """
    return {name: read(path) for name, path in variables}


def _refuse(path, status):
    if not stat.S_ISREG(status.st_mode):
        raise UnfitPasswordFile(path, 'it is no file')
    if status.st_uid not in (os.geteuid(), 0):
        raise UnfitPasswordFile(path, 'it belongs to another user; chown it')
    if status.st_mode & 0o077:
        raise UnfitPasswordFile(path, 'others may read or write it (mode '
                                '%04o); run: chmod 0600 on it'
                                % stat.S_IMODE(status.st_mode))


def _password(path, content):
    if len(content) > _LIMIT:
        raise UnfitPasswordFile(path, 'it is longer than %d bytes' % _LIMIT)
    try:
        password = content.decode().rstrip('\r\n')
    except UnicodeDecodeError:
        raise UnfitPasswordFile(path, 'it is no UTF-8') from None
    if not password:
        raise UnfitPasswordFile(path, 'it is empty')
    if set(password) & set('\0\r\n'):
        raise UnfitPasswordFile(path, 'it must hold one line, the password')
    return password
