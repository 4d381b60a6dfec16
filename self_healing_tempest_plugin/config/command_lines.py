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

"""The words of the command lines in options, as they are written.

oslo.config takes the quotes from a value that begins and ends with one, be
they around all of it or around a word at either end: of
``"/opt/a b/power" off "{host}"`` it leaves ``/opt/a b/power" off "{host}``,
which are other words. So the file itself is looked at.
"""

import shlex

_SECTION = 'self_healing'
_QUOTES = ('"', "'")


def words_of(conf, option):
    """Return the words of the command that an option holds, if any.

    :param conf: an oslo.config object
    :param option: of the group [self_healing]
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
