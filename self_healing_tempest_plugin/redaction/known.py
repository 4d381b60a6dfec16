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

"""Values that are known to be secret, in all the ways they may be written."""

import base64
import html
import json
import re
import shlex
from urllib import parse

#: A shorter value may be part of any word: it is replaced where its name is.
#: A value that no word looks like is looked for from :data:`SHORT` on, between
#: characters that are no letters.
SHORTEST, SHORT = 8, 5

# Characters that are looked through for all values before the next ones are:
# so many stay in the processor's own memory meanwhile.
_WINDOW = 1 << 17

# Passwords of examples, which are names as well.
_WORDS = frozenset([
    'password', 'openstack', 'devstack', 'rabbitmq', 'keystone', 'vitrage',
    'prometheus', 'alertmanager', 'localhost', 'nova-compute', 'postgres',
    'anonymous', 'undefined', 'template', 'disabled', 'application',
    'controller', 'self_healing', 'HostDown', 'Instance down'])
_WORDLIKE = re.compile(r'[a-z]+|[A-Z]?[a-z]+|\d{1,6}')
_UUID = re.compile(r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}')


def worth(value):
    """Return whether a value is looked for wherever it may stand."""
    return (len(value) >= SHORTEST and value not in _WORDS
            and not set(value) <= set('*xX.- '))


def _worth_apart(value):
    """Return whether a value is looked for between other characters."""
    return SHORT <= len(value) < SHORTEST and not _WORDLIKE.fullmatch(value)


def encodings(value):
    """Return the ways that a value may be written, as a set.

    :param value: string
    """
    plain = {value, *_escaped(value), *_quoted(value)}
    plain |= {twice for text in _escaped(value) for twice in _escaped(text)}
    return {form for form in plain if form} | _base64(value) | {
        value.encode('utf-8', 'surrogateescape').hex()}


def _escaped(value):
    """Return how strings of JSON, Python, YAML, ini and SQL hold it."""
    return {
        json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1],
        json.dumps(value)[1:-1].replace('/', r'\/'),
        repr(value)[1:-1], repr('"\'' + value)[4:-1], repr("'" + value)[2:-1],
        value.replace("'", "''"), value.replace('"', '""'),
        value.replace('\\', r'\\'), value.replace("'", r"\'"),
        value.replace('%', '%%'), value.replace('$', '$$'),
        json.dumps(value)[1:-1].replace('<', r'\u003c').replace(
            '>', r'\u003e').replace('&', r'\u0026').replace("'", r'\u0027'),
        repr(value.encode('utf-8', 'surrogateescape'))[2:-1]}


def _quoted(value):
    """Return how a URL, a shell, HTML and XML hold it."""
    data = value.encode('utf-8', 'surrogateescape')
    urls = {parse.quote(data, safe='')} | {parse.quote(
        data, safe=safe) for safe in ("/", "/:", "!$&'()*+,;=:", "~()*!.'")}
    urls.add(parse.quote_plus(data))
    marked = {html.escape(value), html.escape(value, quote=False),
              html.escape(value).replace('&#x27;', '&#39;').replace(
                  '&quot;', '&#34;'),
              html.escape(value).replace('&#x27;', '&apos;'),
              html.escape(value, quote=False).replace('"', '&quot;')}
    shell = {shlex.quote(value).strip("'") if shlex.quote(value) != value
             else value, value.replace("'", "'\\''"),
             re.sub(r'([^\w./:@%+=,-])', r'\\\1', value),
             re.sub(r'(["$`\\])', r'\\\1', value),
             re.sub(r'(["$`\\!])', r'\\\1', value)}
    return urls | {re.sub('%[0-9A-F]{2}', lambda match: match[0].lower(), text)
                   for text in urls} | marked | shell


def _base64(value):
    """Return the parts of base64 that stand for it, wherever it begins."""
    data = value.encode('utf-8', 'surrogateescape')
    parts = set()
    for shift in range(3):
        text = base64.b64encode(b'\0' * shift + data).decode()
        # The first characters hold what is before, the last what is behind.
        first = (shift * 8 + 5) // 6
        last = (shift + len(data)) * 8 // 6
        text = text[first:last]
        if len(text) >= SHORTEST:
            parts |= {text, text.replace('+', '-').replace('/', '_')}
    return parts


class Known:
    """Finds values that are known to be secret."""

    def __init__(self, secrets):
        """Take the values.

        :param secrets: iterable of strings
        """
        self._needles, apart = set(), set()
        for value in secrets:
            stripped = value.strip()
            if worth(stripped):
                self._needles |= {form for form in encodings(stripped)
                                  if len(form) >= SHORTEST}
            elif _worth_apart(stripped):
                apart |= {form for form in (stripped, *_escaped(stripped),
                                            *_quoted(stripped))}
        # A value that another is part of is found whole: the longest go first.
        self._apart = re.compile(r'(?<!\w)(?:%s)(?!\w)' % '|'.join(
            map(re.escape, sorted(apart, key=len, reverse=True)))
        ) if apart else None
        self._needles = tuple(self._needles)
        self._longest = max(map(len, self._needles), default=0)

    def find(self, text):
        """Yield where a text has one of the values.

        :param text: string
        """
        for begin in range(0, len(text), _WINDOW):
            # What begins in a window may end in the next one.
            end = begin + _WINDOW + self._longest
            yield from self._within(text[begin:end], begin)
        if self._apart is not None:
            for match in self._apart.finditer(text):
                yield match.span()

    def _within(self, text, begin):
        for needle in self._needles:
            at = text.find(needle)
            while at >= 0:
                yield begin + at, begin + at + len(needle)
                at = text.find(needle, at + len(needle))
