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

"""Command lines in options, which are run without a shell.

oslo.config takes the quotes from a value that begins and ends with one, be
they around all of it or around a word at either end: of
``"/opt/a b/power" off "{host}"`` it leaves ``/opt/a b/power" off "{host}``,
which are other words. So the file itself is looked at.
"""

import os
import shlex

from tempest.lib import exceptions

from self_healing_tempest_plugin.config.reading import paths
from self_healing_tempest_plugin.config.reading import values

_SECTION = 'self_healing'
_QUOTES = ('"', "'")


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
        words = words_of(conf, option)
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


def words_of(conf, option):
    """Return the words of the command that an option holds, if any.

    :param conf: see :func:`argv`
    :param option: see :func:`argv`
    :raises ValueError: when it has an open quote
    """
    value = getattr(conf.self_healing, option) or ''
    first, *rest = value.split('\n')
    return tuple(shlex.split('\n'.join((
        _unstripped(first, _written(conf, option)), *rest))))


def _unstripped(value, written):
    """Return a value with the quotes that were around words at its ends.

    :param value: the first line of the option, as oslo.config has it
    :param written: the same as the file has it, None where it has none
    """
    if not written or written[0] not in _QUOTES or (
            written[0] != written[-1] or len(written) < 2):
        return value
    # The option may come from elsewhere, and $ may stand for another.
    if value != written[1:-1] and '$' not in written:
        return value
    try:
        around_all = len(shlex.split(written)) < 2
    except ValueError:
        return value
    return value if around_all else '%s%s%s' % (
        written[0], value, written[0])


def _written(conf, option):
    """Return the first line of an option as the last file has it, or None."""
    written = None
    for path in conf.config_file or ():
        try:
            with open(path, encoding='utf-8') as stream:
                for section, key, value in _assignments(stream):
                    if (section, key) == (_SECTION, option):
                        written = value
        except (OSError, ValueError):
            # oslo.config has read it, and it is its words that count.
            continue
    return written


def _assignments(lines):
    """Yield section, key and value of a file as oslo.config reads it.

    See ``oslo_config.iniparser``; of a value of several lines, the first.
    """
    section = 'DEFAULT'
    for line in map(str.rstrip, lines):
        if line.startswith('['):
            section = line[1:-1].lower()
        elif line and line[0] not in ' \t#;':
            ends = [at for at in map(line.find, '=:') if at >= 0]
            if ends:
                yield (section, line[:min(ends)].strip().replace('-', '_'),
                       line[min(ends) + 1:].strip())
