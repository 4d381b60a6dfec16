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

"""Where files are, from whatever directory they are looked for."""

import os

from tempest.lib import exceptions

from self_healing_tempest_plugin.config.reading import values


def given(own, option):
    """Return the path that an option holds, None when it is not set.

    Whose home "~" is, no shell tells: ``~`` and ``~user`` at the beginning
    are replaced as a shell does it.

    :param own: the group [self_healing]
    :raises tempest.lib.exceptions.InvalidConfiguration: when nobody has such
        a home, or it is no path
    """
    path = getattr(own, option)
    return at_home(path, '[self_healing] %s' % option) if path else None


def at_home(path, option):
    """Return a path without a "~" at its beginning.

    :param path: text
    :param option: what it is of, for people
    :raises tempest.lib.exceptions.InvalidConfiguration: see :func:`given`
    """
    if '\0' in path:
        raise exceptions.InvalidConfiguration(
            '%s is no path, it has a NUL: %r' % (option, path))
    expanded = os.path.expanduser(path)
    if expanded.startswith('~'):
        raise exceptions.InvalidConfiguration(
            '%s: there is no home %s; a file whose name begins with "~" is '
            './%s' % (option, path.partition('/')[0], path))
    return expanded


def state_dir(conf):
    """Return the absolute directory of journal and lock.

    A relative path would be another for a ``revert`` that is run in another
    directory.

    :param conf: an oslo.config object with the options of Tempest and of
        this plugin
    :raises tempest.lib.exceptions.InvalidConfiguration: when neither option
        that names it is set, or it is not absolute
    """
    own = conf.self_healing
    if own.state_dir:
        return _absolute(given(own, 'state_dir'),
                         '[self_healing] state_dir')
    locks = values.required(conf.oslo_concurrency, 'lock_path',
                            group='oslo_concurrency',
                            hint=' or [self_healing] state_dir')
    # Tempest takes "~" as it stands there, and so it is not absolute.
    return os.path.join(
        _absolute(locks, '[oslo_concurrency] lock_path, or else '
                  '[self_healing] state_dir,'), 'self_healing')


def _absolute(path, options):
    if not os.path.isabs(path) or '\0' in path:
        raise exceptions.InvalidConfiguration(
            '%s must be an absolute path, or "revert" would not find the '
            'journal from another directory: %r' % (options, path))
    return os.path.normpath(path)


def artifacts_dir(own):
    """Return the absolute directory that reports go to.

    :param own: the group [self_healing]
    """
    values.required(own, 'artifacts_dir')
    return os.path.abspath(given(own, 'artifacts_dir'))


def config_file(conf):
    """Return the absolute path of the tempest.conf, '' when there is none.

    :param conf: an oslo.config object
    """
    files = conf.config_file or ()
    return os.path.abspath(files[-1]) if files else ''
