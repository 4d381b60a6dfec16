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

"""Secrets of BMCs: in files of their own, never among the arguments.

A plan, and so the journal, names the file. What is in it becomes part of the
environment of the command that needs it, or is what that reads, and is
nowhere else.
"""

import os
import re
import stat

from self_healing_tempest_plugin.redaction import names
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin import secret_files

UnfitFile = secret_files.UnfitFile

PASSWORD_FILE = 'host_power_password_file'
PARAMETERS_FILE = 'host_power_parameters_file'

# Bytes that a file may have.
_LIMIT = 4096

_PARAMETER = re.compile(r'([A-Za-z_][\w-]*)=(.*)')

# Parameters that are secret, though nothing else of such a name is.
_SECRET = frozenset(['community', 'hexadecimal_kg'])

# "ipmitool -E" looks at the second one first, which may be in our environment.
_IPMI, _IPMI_FIRST = 'IPMI_PASSWORD', 'IPMITOOL_PASSWORD'

# What an agent is to do is said by who runs it, see FenceAgentAPI.
_OURS = frozenset(['action', 'option'])


def read(path):
    """Return the password in a file, which from then on is not told.

    :param path: of a file that nobody else can read, with one line
    :raises UnfitFile: with what to do
    """
    password = _content(PASSWORD_FILE, path).rstrip('\r\n')
    if not password:
        raise UnfitFile(PASSWORD_FILE, path, 'it is empty')
    if set(password) & set('\0\r\n'):
        raise UnfitFile(PASSWORD_FILE, path,
                        'it must hold one line, the password')
    runtime.learn([password])
    return password


def parameters(path):
    """Return the lines NAME=VALUE of a file; no secret of them is told.

    :param path: of a file that nobody else can read; lines that are empty,
        or begin with "#", are passed over
    :returns: text, each line with its end
    :raises UnfitFile: with what to do; no line is shown
    """
    pairs = []
    for number, line in enumerate(
            _content(PARAMETERS_FILE, path).splitlines(), 1):
        if line.strip() and not line.startswith('#'):
            pairs.append(_parameter(path, number, line))
    if not pairs:
        raise UnfitFile(PARAMETERS_FILE, path, 'it is empty')
    runtime.learn([value for name, value in pairs
                   if value and (name in _SECRET or names.is_secret(name))])
    return ''.join('%s=%s\n' % pair for pair in pairs)


def environment(variables):
    """Return variables with the passwords that files hold, as a dict.

    :param variables: pairs of a variable's name and the path of a file
    :raises UnfitFile: see :func:`read`
    """
    found = {name: read(path) for name, path in variables}
    if _IPMI in found:
        found.setdefault(_IPMI_FIRST, found[_IPMI])
    return found


def _parameter(path, number, line):
    match = _PARAMETER.fullmatch(line.strip())
    if not match:
        raise UnfitFile(PARAMETERS_FILE, path,
                        'line %d is not NAME=VALUE' % number)
    if match[1] in _OURS:
        raise UnfitFile(PARAMETERS_FILE, path, (
            'line %d must go: %s is said by the tests') % (number, match[1]))
    return match.groups()


def _content(option, path):
    """Return the text of a file that is ours alone."""
    return secret_files.text(option, path, _LIMIT, _refuse)


def _refuse(option, path, status):
    if status.st_uid not in (os.geteuid(), 0):
        raise UnfitFile(option, path, 'it belongs to another user; chown it')
    if status.st_mode & 0o077:
        raise UnfitFile(option, path, 'others may read or write it (mode '
                        '%04o); run: chmod 0600 on it'
                        % stat.S_IMODE(status.st_mode))
