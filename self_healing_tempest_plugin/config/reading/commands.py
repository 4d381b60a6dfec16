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

"""Command lines in options, which are run without a shell."""

import os

from tempest.lib import exceptions

from self_healing_tempest_plugin.config import command_lines
from self_healing_tempest_plugin.config.reading import paths
from self_healing_tempest_plugin.config.reading import values


def argv(conf, option, name='{host}'):
    """Return the words of a command, as a tuple.

    :param conf: an oslo.config object
    :param option: of the group [self_healing]
    :param name: the placeholder that the command must have
    :raises tempest.lib.exceptions.InvalidConfiguration: when it is not set,
        has an open quote, or lacks that name
    """
    values.required(conf.self_healing, option)
    try:
        words = command_lines.words_of(conf, option)
    except ValueError as error:
        raise exceptions.InvalidConfiguration(
            '[self_healing] %s is no command line: %s' % (option, error)
        ) from None
    if not any(name in word for word in words):
        raise exceptions.InvalidConfiguration(
            '[self_healing] %s must contain %s' % (option, name))
    return words


def of_runner(conf, option):
    """Return the words of a command that the runner runs, as a tuple.

    :param conf: see :func:`argv`
    :param option: see :func:`argv`
    :raises tempest.lib.exceptions.InvalidConfiguration: see :func:`argv`, and
        when "revert" would not find the program from another directory
    """
    where = '[self_healing] %s' % option
    program, *words = argv(conf, option)
    program = paths.at_home(program, where)
    if os.sep in program and not os.path.isabs(program):
        raise exceptions.InvalidConfiguration(
            '%s must begin with an absolute path, or with the name of a '
            'program: "revert" may run in another directory' % where)
    return (program, *map(os.path.expanduser, words))


def of_host(conf, option, name):
    """Return the words of a command that a host runs, as a tuple.

    :param conf: see :func:`argv`
    :param option: see :func:`argv`
    :param name: see :func:`argv`
    :raises tempest.lib.exceptions.InvalidConfiguration: see :func:`argv`
    """
    words = argv(conf, option, name)
    if words[0].startswith('~'):
        raise exceptions.InvalidConfiguration(
            '[self_healing] %s must not begin with "~": the host runs it '
            'without a shell' % option)
    return words
