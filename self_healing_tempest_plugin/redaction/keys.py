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

"""Private keys, whole or cut, in lines or escaped."""

import re

# Between the ends of a key there is not more than this.
_LONG = 20000
_BEGIN = re.compile(r'-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?'
                    r' ?-{4,5}')
_END = re.compile(r'-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?'
                  r' ?-{4,5}')
# Of a key whose other end is cut: lines of base64, a header between them.
_BODY = re.compile(
    r'(?:(?:\s|\\{1,16}[rn]|[|>+"\',-](?=[\s"\']))*'
    r'(?:(?:Proc-Type|DEK-Info|Comment|Version|Subject): [^\n\\]*'
    r'|[A-Za-z0-9+/]{16,}={0,2}|[A-Za-z0-9+/=]+\Z))*')
_BEFORE = re.compile(r'(?:[A-Za-z0-9+/=]+(?:\s|\\{1,16}[rn]|["\',])*)\Z')
_OF_BODY = frozenset(
    'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/='
    ' \t\r\n\\"\',')
_PUTTY = re.compile(r'Private-(?:Lines: (?P<lines>\d{1,3})|MAC: )')
_PUTTY_LINE = re.compile(
    r'(?:\r?\n|\\{1,16}n)([A-Za-z0-9+/]+={0,2})(?![^\s\\])')
# "-----BEGIN PRIVATE KEY-----" and the like in base64, not "BEGIN C" of
# certificates.
_ENCODED = re.compile(r'LS0tLS1CRUdJTi(?!BDRV|BQV|BQUk|BQVU)[\w+/=-]{20,}')


def find(seen):
    """Yield where the bodies of keys begin and end.

    :param seen: :class:`.spans.Text`
    """
    text, done = seen.text, 0
    for at in seen.places('private key'):
        if at < done:
            continue
        around = max(0, at - 60), min(len(text), at + 40)
        begin = _last(_BEGIN, text, *around, at)
        end = begin or _last(_END, text, *around, at)
        if begin:
            done = _body(text, begin.end())
            yield begin.end(), done
        elif end:
            yield _cut(text, end.start(), done), end.start()
            done = end.end()
    for at in seen.places('private-'):
        yield from _putty(seen, at)
    done = 0
    for at in seen.places('ls0tls1crudjti'):
        match = _ENCODED.match(text, at) if at >= done else None
        if match:
            yield match.span()
            done = match.end()


def _last(pattern, text, begin, end, at):
    return next((match for match in pattern.finditer(text, begin, end)
                 if match.start() < at < match.end()), None)


def _body(text, begin):
    """Return where the body of a key ends, after its first line."""
    at = text.find('PRIVATE KEY', begin, begin + _LONG)
    if at >= 0:
        end = _last(_END, text, max(begin, at - 60), at + 40, at)
        if end:
            return end.start()
    return _BODY.match(text, begin).end()


def _cut(text, end, done):
    """Return where the body begins that has no first line."""
    at, least = end, max(done, end - _LONG)
    while at > least and text[at - 1] in _OF_BODY:
        at -= 1
    # Words are none of it: a line of a key is long, but for the last one.
    lines = text[at:end].split('\n')
    keep = len(lines)
    for number in range(len(lines) - 1, -1, -1):
        stripped = lines[number].replace('\\n', '').strip(' \t\r"\',\\')
        last = number >= len(lines) - 3 or number == 0 and at == 0
        if ' ' in stripped or not last and stripped and len(stripped) < 16:
            break
        keep = number
    return at + sum(len(line) + 1 for line in lines[:keep])


def _putty(seen, at):
    """Yield the lines of a key of PuTTY."""
    match = _PUTTY.match(seen.text, at)
    if not match:
        return
    end = seen.line_end(at)
    if match['lines'] is None:
        yield match.end(), end
        return
    for _ in range(int(match['lines'])):
        line = _PUTTY_LINE.match(seen.text, end)
        if not line:
            return
        yield line.span(1)
        end = line.end()
