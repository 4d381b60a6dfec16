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

import glob
import os
import shlex

from oslo_config import cfg

_SECTION = 'self_healing'
_QUOTES = ('"', "'")


def words_of(conf, option):
    """Return the words of the command that an option holds, if any.

    :param conf: an oslo.config object
    :param option: of the group [self_healing]
    :raises ValueError: when it has an open quote
    """
    value = getattr(conf.self_healing, option) or ''
    return tuple(shlex.split(_unstripped(value, _written(conf, option))))


def _unstripped(value, written):
    """Return a value with the quotes that were around words at its ends.

    :param value: of the option, as oslo.config has it
    :param written: the lines of the same as the file has them, none where no
        file has it
    """
    first = written[0] if written else ''
    if len(first) < 2 or first[0] not in _QUOTES or first[0] != first[-1]:
        return value
    # The option may come from elsewhere, and $ may stand for another.
    text = '\n'.join(written)
    if value != '\n'.join((first[1:-1], *written[1:])) and '$' not in text:
        return value
    try:
        around_all = len(shlex.split(text)) < 2
    except ValueError:
        return value
    if around_all:
        return value
    # The quotes were around words of the first line.
    begin, *rest = value.split('\n')
    return '\n'.join((first[0] + begin + first[0], *rest))


def _written(conf, option):
    """Return the lines of an option as the last file has them, or none."""
    written = ()
    location = conf.get_location(option, _SECTION)
    # Options of the environment keep their quotes.
    if location is None or location.location is not cfg.Locations.user:
        return written
    for path in _files(conf):
        try:
            with open(path, encoding='utf-8') as stream:
                for section, key, lines in _assignments(stream):
                    if (section, key) == (_SECTION, option):
                        written = lines
        except (OSError, ValueError):
            # oslo.config has read it, and it is its words that count.
            continue
    return written


def _files(conf):
    """Return the files that oslo.config has read, the last of which counts.

    The location of an option names but the last that has its section.
    """
    return [*(conf.config_file or ()), *(
        path for directory in conf.config_dir or ()
        for path in sorted(glob.glob(os.path.join(directory, '*.conf'))))]


def _assignments(lines):
    """Yield section, key and lines of a value as oslo.config reads them.

    See ``oslo_config.iniparser``.
    """
    section, key, value = 'DEFAULT', None, []
    for line in (*map(str.rstrip, lines), ''):
        if key and line[:1] in (' ', '\t'):
            value.append(line.lstrip())
            continue
        if key:
            yield section, key, tuple(value)
            key = None
        if line.startswith('['):
            section = line[1:-1].lower()
        elif line and line[0] not in ' \t#;':
            ends = [at for at in map(line.find, '=:') if at >= 0]
            if ends:
                key = line[:min(ends)].strip().replace('-', '_')
                value = [line[min(ends) + 1:].strip()]
