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

"""Passwords of URLs, be they quoted as they should or not."""

import re

from self_healing_tempest_plugin.redaction import spans

_USER = re.compile(r'[^\s:/@?#"\'<>&]{0,200}')
# What ends a URL that no quote stands before.
_RUN = re.compile(
    r'''(?:[^\s"'<>\\] | \\(?![nrt"']) | \\["'](?=[^\s"']*@)
    | ["'](?![,:;}\])\s>]|$) | ["'](?=\S{1,80}?@[\w\[])
    | <(?!/[a-zA-Z]{2,12}>|br[\s/>])
    | >(?=[^\s"'<>]*@))+''', re.VERBOSE | re.MULTILINE)
_PORT = re.compile(r'\d{2,5}(?:[/?#]|$)')
# An address, or a port with it: no path goes on like that.
_HOST = re.compile(r'(?:\[[0-9A-Fa-f:.%]+\]|\d{1,3}(?:\.\d{1,3}){3}'
                   r'|[\w.-]+:\d{2,5})(?![\w.-])')
_OF_WEB = ('http', 'https', 'ws', 'wss')
# One of several hosts, and the user of the next one.
_NEXT = re.compile(
    r'(?P<host>\[[0-9A-Fa-f:.]+\](?::\d{1,5})?|[\w.-]+:\d{1,5}'
    r'|[\w-]+(?:\.[\w-]+)+|localhost),(?P<user>[^:@,/?#]*):(?P<word>.*)',
    re.DOTALL)
# A token in place of the user.
_TOKEN = re.compile(r'(?=[^@]*\d)(?=[^@]*[A-Za-z])[\w]{20,200}')


def find(seen):
    """Yield where the passwords of URLs begin and end.

    :param seen: :class:`.spans.Text`
    """
    text, done = seen.text, 0
    for at in seen.places('://'):
        begin = at + 3
        if begin < done:
            continue
        end = _end(text, at, begin)
        at = text.rfind('@', begin, end)
        if at < 0:
            # Nor has any other one that begins in here.
            done = end
            continue
        for span in _passwords(text, begin, at, end):
            yield span
            done = span[1]


def _end(text, at, begin):
    """Return where a URL ends."""
    first = at
    while first > 0 and at - first < 30 and (
            text[first - 1].isalnum() or text[first - 1] in '+.-_'):
        first -= 1
    opened = spans.quote_before(text, first)
    end = _RUN.match(text, begin)
    end = end.end() if end else begin
    if opened:
        # In quotes it ends where they do.
        line = text.find('\n', begin)
        stop = spans.closing(text, begin, opened,
                             len(text) if line < 0 else line)
        if stop is not None:
            return stop
    return end


def _is_port(text, begin, user, at):
    """Return whether what looks like a port and a path is no password."""
    host = text[begin:user]
    if '.' in host or host in ('', 'localhost'):
        return True
    scheme = text[max(0, begin - 13):begin - 3].lower()
    return scheme.endswith(_OF_WEB) and not _HOST.match(text, at + 1)


def _passwords(text, begin, at, end):
    """Yield the passwords between the beginning and the last ``@``."""
    user = _USER.match(text, begin, at).end()
    if user == at:
        if _TOKEN.fullmatch(text, begin, at):
            yield begin, at
        return
    if text[user] != ':' or _PORT.match(text, user + 1, at) and (
            _is_port(text, begin, user, at)):
        return
    # rabbit://a:secret@one:5672,b:secret@two:5672/
    first = user + 1
    ats = [match.start() for match in re.compile('@').finditer(
        text, first, at + 1)]
    for earlier, later in zip(ats, ats[1:]):
        following = _NEXT.fullmatch(text, earlier + 1, later)
        if following:
            yield first, earlier
            first = following.start('word')
    yield first, at
