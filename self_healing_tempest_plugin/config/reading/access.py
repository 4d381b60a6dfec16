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

"""How services let somebody in that Keystone knows nothing of."""

import os
import re

from tempest.lib import exceptions

from self_healing_tempest_plugin.config.options import access as options
from self_healing_tempest_plugin.config.reading import values
from self_healing_tempest_plugin.config import types

_FILES = ('password_file', 'token_file', 'headers_file', 'ca_file',
          'cert_file', 'key_file')

# RFC 9110, 5.6.2.
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def access(own, prefix):
    """Return the :class:`..types.Access` of a service.

    :param own: the group [self_healing]
    :param prefix: what the names of its options begin with
    :raises tempest.lib.exceptions.InvalidConfiguration: when two of them say
        different things, or one is of no use without another
    """
    found = {option.name.removeprefix(prefix + '_'): getattr(own, option.name)
             or None for option in options.options(prefix, '')}
    headers = found.pop('headers') or {}
    found.update(files(own, prefix))
    _refuse_contradictions(prefix, found)
    _refuse_headers(prefix, headers)
    return types.Access(prefix, headers=values.frozen(headers), **found)


def files(own, prefix):
    """Return which files are named, by the names of :class:`..types.Access`.

    :param own: see :func:`access`
    :param prefix: see there
    :raises tempest.lib.exceptions.InvalidConfiguration: when a path is not
        absolute, or a key is without its certificate
    """
    paths = {name: os.path.expanduser(own['%s_%s' % (prefix, name)])
             for name in _FILES if '%s_%s' % (prefix, name) in own
             and own['%s_%s' % (prefix, name)]}
    for name, path in paths.items():
        if not os.path.isabs(path):
            _refuse('%s_%s must be an absolute path: %r', prefix, name, path)
    if 'key_file' in paths and 'cert_file' not in paths:
        _refuse('%s_key_file is set, and %s_cert_file is not', prefix, prefix)
    return paths


def unused(own, prefix):
    """Return the name of an option of a service that is set, or None.

    :param own: see :func:`access`
    :param prefix: see there
    """
    return next((option.name for option in options.options(prefix, '')
                 if getattr(own, option.name)), None)


def _refuse_contradictions(prefix, found):
    for name in ('password', 'token'):
        if found[name] and found[name + '_file']:
            _refuse('%s_%s and %s_%s_file are both set', prefix, name, prefix,
                    name)
    password = found['password'] or found['password_file']
    token = found['token'] or found['token_file']
    if bool(found['username']) is not bool(password):
        _refuse('%s_username and its password, %s_password_file or '
                '%s_password, must be set together', prefix, prefix, prefix)
    if found['username'] and ':' in found['username']:
        _refuse('%s_username must not hold a colon', prefix)
    if password and token:
        _refuse('%s_username and a token are both set: a request bears one '
                'of them', prefix)
    if any(not char.isprintable() for char in (
            found['password'] or '') + (found['token'] or '')):
        _refuse('the password and the token of %s must be one line', prefix)


def _refuse_headers(prefix, headers):
    for name, value in headers.items():
        # Its value may be a secret, and its name, where the colon is wrong.
        if not _HEADER.fullmatch(name) or not value.isprintable():
            _refuse('%s_headers must be Name:value, with a comma between two',
                    prefix)


def _refuse(problem, *names):
    raise exceptions.InvalidConfiguration(
        '[self_healing] ' + problem % names)
