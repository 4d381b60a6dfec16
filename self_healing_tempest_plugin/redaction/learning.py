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
    found = {text[begin:end].strip() for begin, end in redaction.find(text)}
    return {one for several in (found, _options(text)) for value in several
            for one in lines(value)}


def lines(value):
    """Return a value, and each of its lines where it has several.

    :param value: string
    """
    several = [one.strip() for one in value.splitlines()]
    return {one for one in (value.strip(), *several) if one} if (
        len(several) > 1) else {value.strip()} - {''}


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
    found = redaction.find(line)
    hidden = {word for word, (begin, end) in zip(words, _places(words))
              if any(first < end and begin < last for first, last in found)}
    values = {_value(word) for word in hidden} | {
        after for word, after in zip(words, words[1:])
        if word in _OPTIONS and not after.startswith('-')}
    return {one for one in values if len(one) > 3 and '{' not in one}


def _places(words):
    """Yield where the words of a joined command begin and end."""
    at = 0
    for word in map(shlex.quote, words):
        yield at, at + len(word)
        at += len(word) + 1


def _value(word):
    """Return what is secret in an argument, which may name it."""
    for begin, end in redaction.find(word):
        return word[begin:end]
    glued = word[:2] in _OPTIONS and len(word) > 5
    return word[2:] if glued else word


def _options(text):
    """Return what ini options with a secret name hold, without quotes."""
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
