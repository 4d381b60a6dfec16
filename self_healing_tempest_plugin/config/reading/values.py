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

"""One value of an option, and the one line that says what is wrong with it."""

import types

from tempest.lib import exceptions


def required(options, option, group='self_healing', hint=''):
    """Return a value that must be set.

    :param options: the group
    :param group: its name
    :param hint: which option can be set instead
    :raises tempest.lib.exceptions.InvalidConfiguration: when it is not
    """
    value = getattr(options, option)
    if not value:
        raise exceptions.InvalidConfiguration(
            '[%s] %s%s must be set' % (group, option, hint))
    return value


def either(own, option, other, other_name):
    """Return the value of an option, or of the same one of another group.

    :param own: the group [self_healing]
    :param other: the other group
    :param other_name: what is to be set there, for people
    :raises tempest.lib.exceptions.InvalidConfiguration: when neither is set
    """
    value = getattr(own, option) or getattr(other, option)
    if not value:
        raise exceptions.InvalidConfiguration(
            '[self_healing] %s or %s must be set' % (option, other_name))
    return value


def url(own, option):
    """Return a URL without trailing slashes, None when it is not set.

    :param own: the group [self_healing]
    :raises tempest.lib.exceptions.InvalidConfiguration: when it has more
        than scheme, host, port and path
    """
    value = getattr(own, option)
    # A password that should be quoted may hide the user from urlsplit.
    if value and '@' in value:
        # Reports and logs name the URL, so nothing of it is shown here.
        raise exceptions.InvalidConfiguration(
            '[self_healing] %s must not hold a user or a password' % option)
    if value and set(value) & set('?#'):
        raise exceptions.InvalidConfiguration(
            '[self_healing] %s must not hold a query' % option)
    return value and value.rstrip('/')


def frozen(mapping):
    """Return a copy of a mapping that nobody can change."""
    return types.MappingProxyType(dict(mapping))
