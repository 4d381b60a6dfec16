#!/usr/bin/env python3
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

"""Copies what a run has left, without passwords, tokens and keys.

What is secret is learned from configuration files: the values of options
whose name says so, and the passwords of URLs. Wherever such a value stands,
in a log or in a report, it is replaced; so is what looks like a token or a
private key. Needs nothing but Python. What could not be had does not stop it,
and is a line in missing.txt.
"""

import argparse
import dataclasses
import glob
import json
import os
import pathlib
import re
import sys

REPLACEMENT = '***'
MISSING = 'missing.txt'
#: A shorter value is replaced where its option is, not wherever it stands: it
#: may be part of any word.
SHORTEST = 8
#: How much of a file is copied, its end, in bytes.
LIMIT = 20 << 20

_NAME = (r'[\w.-]*(?:passw(?:or)?d|secret|secret_key|token|encryption_key'
         r'|private_key|access_key)')
# admin_password = a, password: "a", ADMIN_PASSWORD=a
_OPTION = re.compile(
    r'^(?P<head>[ \t"\'#;-]*%s["\']?[ \t]*[=:][ \t]*["\']?)'
    r'(?P<value>[^\s"\'](?:.*?[^\s"\',;])?)(?P<tail>["\']?[ \t,;]*)$' % _NAME,
    re.IGNORECASE | re.MULTILINE)
# {"a": 1, "password": "a"}
_MEMBER = re.compile(
    r'(?P<head>"%s"\s*:\s*")(?P<value>(?:[^"\\]|\\.)+)(?P<tail>")' % _NAME,
    re.IGNORECASE)
# rabbit://user:a@192.0.2.1
_URL = re.compile(
    r'(?P<head>://[^\s:/@"\']*:)(?P<value>[^\s/@"\']+)(?P<tail>@)')
# Fernet, as Keystone's tokens are; Authorization: Basic a
_TOKEN = re.compile(
    r'(?P<head>gAAAA)(?P<value>[\w=-]{20,})(?P<tail>)')
_HEADER = re.compile(
    r'(?P<head>\b(?:Authorization|X-Auth-Token|X-Subject-Token)["\']?\s*:\s*'
    r'["\']?(?:(?:Basic|Bearer)\s+)?)(?P<value>[\w+/=.-]{4,})(?P<tail>)',
    re.IGNORECASE)
_KEY = re.compile(
    r'(?P<head>-----BEGIN [A-Z ]*PRIVATE KEY-----)(?P<value>.*?)'
    r'(?P<tail>-----END [A-Z ]*PRIVATE KEY-----|\Z)', re.DOTALL)

_TELLING = (_OPTION, _MEMBER, _URL)
_ALL = (*_TELLING, _TOKEN, _HEADER, _KEY)


def secrets_of(text, name=''):
    """Return the secrets that a configuration file holds, as a set.

    :param text: of the file
    :param name: of the file; one of JSON named ``secrets`` holds nothing else
    """
    if os.path.basename(name) == 'secrets.json':
        found = _leaves(json.loads(text))
    else:
        found = {match['value'] for pattern in _TELLING
                 for match in pattern.finditer(text)}
    return {one for one in found if len(one) >= SHORTEST}


def _leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return set().union(*map(_leaves, value))
    return {value} if isinstance(value, str) else set()


class Redactor:
    """Replaces known secrets, and what looks like one."""

    def __init__(self, secrets=()):
        """Take the values that must not be seen."""
        # The longest first: one may be the beginning of another.
        values = sorted(secrets, key=len, reverse=True)
        self._known = re.compile('|'.join(map(re.escape, values))
                                 ) if values else None

    def __call__(self, text):
        """Return a text without secrets."""
        for pattern in _ALL:
            text = pattern.sub(r'\g<head>%s\g<tail>' % REPLACEMENT, text)
        return self._known.sub(REPLACEMENT, text) if self._known else text


@dataclasses.dataclass(frozen=True)
class Source:
    """What is copied.

    :ivar place: directory below the target
    :ivar pattern: path of a file or a directory, with wildcards
    """

    place: str
    pattern: str

    def files(self):
        """Return pairs of a file and its path below the target.

        Links are passed over: they may lead anywhere.
        """
        above = _above(self.pattern)
        found = []
        for name in sorted(glob.glob(self.pattern, recursive=True)):
            path = pathlib.Path(name)
            base = path if path.is_dir() and above is None else (
                above or path.parent)
            inside = path.rglob('*') if path.is_dir() else (path,)
            found += [(one, pathlib.Path(self.place, one.relative_to(base)))
                      for one in inside
                      if one.is_file() and not one.is_symlink()]
        return found


def _above(pattern):
    """Return the directory above the first wildcard, None without one."""
    parts = pathlib.Path(pattern).parts
    wild = next((number for number, part in enumerate(parts)
                 if glob.has_magic(part)), None)
    return None if wild is None else pathlib.Path(*parts[:wild])


def copy(source, target, redact):
    """Copy the end of a text file without secrets.

    :param source: :class:`pathlib.Path`
    :param target: :class:`pathlib.Path`; its directory is made
    :param redact: :class:`Redactor`
    :returns: why it was not copied, None when it was
    """
    size = source.stat().st_size
    with source.open('rb') as stream:
        stream.seek(max(0, size - LIMIT))
        content = stream.read(LIMIT)
    if b'\0' in content:
        return 'it is no text'
    text = content.decode('utf-8', 'backslashreplace')
    if size > LIMIT:
        # The first line is cut, maybe in the midst of a secret.
        text = '(the last %d bytes of %d)\n%s' % (
            LIMIT, size, text.partition('\n')[2])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(redact(text), encoding='utf-8')
    return None


def copy_all(sources, directory, redact):
    """Copy what is there.

    :param sources: list of :class:`Source`
    :param directory: target, a :class:`pathlib.Path`
    :param redact: :class:`Redactor`
    :returns: list of lines, what was not copied and why
    """
    missing = []
    for source in sources:
        files = source.files()
        if not files:
            missing.append('%s: there is none' % source.pattern)
        for path, relative in files:
            try:
                problem = copy(path, directory / relative, redact)
            except OSError as error:
                problem = error.strerror
            if problem:
                missing.append('%s: %s' % (path, problem))
    return missing


def learn(patterns):
    """Return the secrets of files, and what could not be read.

    :param patterns: paths with wildcards
    :returns: set of values, and list of lines
    """
    secrets, missing = set(), []
    for pattern in patterns:
        for path, _ in Source('', pattern).files():
            try:
                secrets |= secrets_of(
                    path.read_text('utf-8', 'replace'), path.name)
            except (OSError, ValueError) as error:
                missing.append('%s: its secrets are not known: %s'
                               % (path, type(error).__name__))
    return secrets, missing


def parse(arguments):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument(
        '--secrets', metavar='GLOB', action='append', default=[],
        help='a file that tells what is secret')
    parser.add_argument(
        '--to', metavar='DIRECTORY', type=pathlib.Path, required=True)
    parser.add_argument(
        'sources', metavar='PLACE=GLOB', nargs='+', type=_source,
        help='a directory below the target, and what is copied into it')
    return parser.parse_args(arguments)


def _source(text):
    place, equals, pattern = text.partition('=')
    if not equals or not pattern.startswith('/'):
        raise argparse.ArgumentTypeError(
            '%r is not PLACE=GLOB with an absolute path' % text)
    return Source(place, pattern)


def main(arguments=None):
    """Copy, and note what was not copied."""
    options = parse(arguments)
    secrets, unread = learn(options.secrets)
    missing = copy_all(options.sources, options.to, Redactor(secrets))
    options.to.mkdir(parents=True, exist_ok=True)
    with (options.to / MISSING).open('a', encoding='utf-8') as stream:
        stream.writelines('%s\n' % line for line in unread + missing)


if __name__ == '__main__':
    sys.exit(main())
