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
in a log or in a report, it is replaced; so is what looks like a password, a
token or a private key. The code is that of the plugin, of which the role
brings what is needed to a place beside this file, and needs nothing but
Python. What could not be had does not stop it, and is a line in missing.txt.
"""

import argparse
import dataclasses
import glob
import json
import pathlib
import re
import sys

from self_healing_tempest_plugin import redaction
from self_healing_tempest_plugin.redaction import learning

MISSING = 'missing.txt'
_ESCAPED = re.compile(r'\[([*?[])\]')
#: How much of a file is copied, its end, in bytes.
LIMIT = 20 << 20


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
    """Return the directory above the first wildcard, None without one.

    What :func:`glob.escape` makes of a character is no wildcard.
    """
    parts = pathlib.Path(pattern).parts
    wild = next((number for number, part in enumerate(parts)
                 if glob.has_magic(_ESCAPED.sub('', part))), None)
    return None if wild is None else pathlib.Path(
        *(_ESCAPED.sub(r'\1', part) for part in parts[:wild]))


def copy(source, target, redact, limit=LIMIT):
    """Copy the end of a text file without secrets.

    :param source: :class:`pathlib.Path`
    :param target: :class:`pathlib.Path`; its directory is made
    :param redact: :class:`redaction.Redactor`
    :param limit: bytes that are copied at most
    :returns: why it was not copied, None when it was
    """
    size = source.stat().st_size
    with source.open('rb') as stream:
        stream.seek(max(0, size - limit))
        content = stream.read(limit)
    if b'\0' in content:
        return 'it is no text'
    text = content.decode('utf-8', 'backslashreplace')
    if size > limit:
        # The first line is cut, maybe in the midst of a secret.
        text = text.partition('\n')[2]
    text = without_secrets(text, redact)
    if size > limit:
        text = '(the last %d bytes of %d)\n%s' % (limit, size, text)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text.encode('utf-8', 'backslashreplace'))
    return None


def without_secrets(text, redact):
    """Return a text without secrets; JSON stays JSON.

    :param text: string
    :param redact: :class:`redaction.Redactor`
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return redact(text)
    if not isinstance(value, (dict, list)):
        return redact(text)
    found = redact.data(value)
    if found == value:
        # As it was written, down to the order and the blanks.
        return text
    return json.dumps(found, ensure_ascii=False,
                      indent=2 if '\n' in text.strip() else None) + '\n'


def copy_all(sources, directory, redact, limit=LIMIT):
    """Copy what is there.

    :param sources: list of :class:`Source`
    :param directory: target, a :class:`pathlib.Path`
    :param redact: :class:`redaction.Redactor`
    :param limit: bytes that are copied of a file at most
    :returns: list of lines, what was not copied and why
    """
    missing = []
    for source in sources:
        files = source.files()
        if not files:
            missing.append('%s: there is none' % source.pattern)
        for path, relative in files:
            try:
                problem = copy(path, directory / relative, redact, limit)
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
                secrets |= learning.secrets_of(
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
        '--limit', metavar='BYTES', type=int, default=LIMIT,
        help='copy no more of a file than its end (default: %(default)s)')
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
    try:
        _copy(options, secrets, unread)
    except Exception as error:
        # Its traceback would have lines of what was copied.
        sys.exit('%s: %s' % (type(error).__name__,
                             redaction.Redactor(secrets)(str(error))))


def _copy(options, secrets, unread):
    missing = copy_all(options.sources, options.to,
                       redaction.Redactor(secrets), options.limit)
    options.to.mkdir(parents=True, exist_ok=True)
    with (options.to / MISSING).open('a', encoding='utf-8') as stream:
        stream.writelines('%s\n' % line for line in unread + missing)


if __name__ == '__main__':
    sys.exit(main())
