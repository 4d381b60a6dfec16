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

"""Which values a configuration says are secret."""

import configparser
import json
import os
import re
import shlex

from self_healing_tempest_plugin import redaction
from self_healing_tempest_plugin.redaction import names


def secrets_of(text, name=''):
    """Return the secrets that a file of configuration holds, as a set.

    :param text: of the file
    :param name: of the file; one of JSON named ``secrets.json`` holds nothing
        else
    :raises ValueError: when that is no JSON
    """
    if os.path.basename(name) == 'secrets.json':
        return _leaves(json.loads(text))
    marked = {text[begin:end].strip() for begin, end in redaction.find(text)}
    return {line for values in (marked, _options(text)) for value in values
            for line in lines(value)}


def lines(value):
    """Return a value, and each of its lines or parts where it has several.

    :param value: string
    """
    parts = [part.strip() for line in value.splitlines()
             for part in _HOSTS.split(line)]
    return {part for part in (value.strip(), *parts) if part} if (
        len(parts) > 1) else {value.strip()} - {''}


# Between the passwords of a URL with several hosts.
_HOSTS = re.compile(r'@[\w.:\[\]-]*,[^:@,/]*:')

# Options that many programs have for a password.
_OPTIONS = ('-P', '-p', '-w', '-pw', '-k', '-y')


def of_file(path):
    """Return the secrets of a file of configuration, none without it."""
    try:
        with open(path, encoding='utf-8', errors='replace') as stream:
            return secrets_of(stream.read(), path)
    except (OSError, ValueError):
        return set()


def of_command(words):
    """Return the secrets in the arguments of a command, as a set.

    :param words: program and arguments
    """
    line = shlex.join(words)
    spans = redaction.find(line)
    values = {_value(word, first - begin, last - begin)
              for word, (begin, end) in zip(words, _places(words))
              for first, last in spans if first < end and begin < last} | {
        after for word, after in zip(words, words[1:])
        if word in _OPTIONS and not after.startswith('-')}
    return {value for value in values if len(value) > 3 and '{' not in value}


def _places(words):
    """Yield where the words of a joined command begin and end."""
    at = 0
    for word in map(shlex.quote, words):
        yield at, at + len(word)
        at += len(word) + 1


def _value(word, first, last):
    """Return the secret in an argument, which may name it.

    :param first: where that begins in the word as a shell has it
    :param last: where it ends
    """
    quoted = shlex.quote(word) != word
    first = max(0, first - quoted)
    # Quotes within it are several characters for the shell.
    return word[first:] if "'" in word else word[first:last - quoted]


def _options(text):
    """Return the values of ini options with a secret name, unquoted."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except (configparser.Error, ValueError):
        return set()
    return {value.strip().strip('"\'') for section in (
        'DEFAULT', *parser.sections())
        for name, value in parser[section].items()
        if value and names.is_secret(name)}


def _leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return set().union(*map(_leaves, value))
    return {value} if isinstance(value, str) else set()
