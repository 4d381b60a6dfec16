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

"""Values after a name that says that they are secret.

``admin_password = a``, ``"adminPass": "a"``, ``--os-password a``,
``<password>a</password>``, ``X-Auth-Token: a``, YAML's block scalars, values
of several lines in ini files, tables, and quotes within quotes.
"""

import dataclasses
import functools
import re

from self_healing_tempest_plugin.redaction import spans

# How much of a name is looked at, how far a value of many lines may go, and
# how far apart a name and its value may be.
_NAME, _FAR, _GAP = 80, 20000, 200

# What a name ends with, and how; see _Name for which are none all the same.
_NEEDLES = ('pass', 'pwd', 'secret', 'token', 'key', 'communit', 'cookie',
            'authorization', 'psk', 'user_data', 'userdata', 'user-data',
            'sig', 'kek', 'credential', 'private-lines')
_CORE = re.compile(
    r'''(?P<core>passw(?:or)?d|passwort|passphrase|passcode|pass|pwd
        |secret(?:[_-]?key[_-]?base)?|token|keys?[_-]?data|key
        |communit(?:y|ies)(?:[_-]?string)?|cookie
        |authorization|psk|user[_-]?data|sig(?:nature)?|kek|credential)
        (?P<plural>(?:s(?![a-z]))?)
        (?P<suffix>(?:[_-]?(?:values?|hash|plain|plain[_-]?text|old|new|again
            |confirm|confirmation|current|base64|b64|encoded|encrypted|enc
            |in|out|id(?=["'\s]*[:=]))|[_-]?\d{1,3})?)(?![\w-])(?!\.\w)''',
    re.VERBOSE | re.IGNORECASE)
_INNOCENT = re.compile(
    r'(?:by|com|tres|encom|sur|over|under|first|second|1st|2nd)[_-]?pass\Z'
    r'|(?:public|host|primary|foreign|sort|cache|routing|partition|group'
    r'|tab|page|turn|mon|hot|don)[_-]?keys?\Z')
_KEYS = re.compile(
    r'(?:secret|private|access|api|encrypt(?:ion)?|auth(?:entication)?'
    r'|signing|sign|hmac|shared|master|session|fernet|crypt|license|ssh|kg'
    r'|storage|account|app|deploy|wep|transport|memcache_secret|cipher'
    r'|service|subscription|x-auth|symmetric|ceph|luks)[._-]?keys?\Z')
_HEADER = re.compile(
    r'(?:proxy-)?authorization\Z|(?:set-)?cookie2?\Z'
    r'|x-[\w-]*(?:token|key|secret)\Z|private-token\Z')

_ESCAPED = re.compile(r'(?:u002[27]|2[27])?')

# Characters of a name, before what it ends with.
_OF_NAME = frozenset(
    'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-')

# What may stand between the beginning of a line and a name whose value is
# all of the rest.
_ALONE = re.compile(
    r'''[ \t]*(?:[-+\#;>!*|]+[ \t]+|[\#;+-]{1,3})?[ \t]*
    (?:(?:export|set|setenv|declare[ ]-x|local|readonly|ENV|env|SetEnv)[ \t]+
    |Environment=)?[\w.-]*''', re.VERBOSE)

_SPACE = r'[ \t]{0,80}'
_ASSIGN = re.compile(
    _SPACE + r'(?P<sep>=>|:=|==?|:(?![:/])|%3[AD])(?:[ \t]|&nbsp;)*',
    re.IGNORECASE)
_FLAG = re.compile(r'(?:[ \t]+|[ \t]*,\s*|\s*\n[ \t]*-[ \t]+)')
_TABLE = re.compile(r'[ \t]{0,200}\|(?P<value>[^|\n]{0,2000})')
_MARKUP = re.compile(
    r'[^<>\n]{0,200}>(?:\s{0,80}<!\[CDATA\[)?(?P<value>[^<]{1,20000})</')
_NEXT_MARKUP = re.compile(
    r'\s*</[\w:]+>\s*<(?:\w+:)?(?:value|string|val)\b[^<>]{0,200}>'
    r'(?P<value>[^<]*)')
_NEXT_VALUE = re.compile(
    r'''[ \t\n]*,?[ \t\n]*(?:-[ ])?\\{0,16}["']?
    (?:(?:output_)?value|val|data|content|default)
    \\{0,16}["']?[ \t]*[:=][ \t]*''', re.VERBOSE)
_VALUE_BEFORE = re.compile(
    r'''\\{0,16}["'](?:(?:output_)?value|val|data|content)\\{0,16}["'][ \t]*:
    [ \t]*[uU]?\\{0,16}["'](?P<value>[^"'\\\n]{1,400})\\{0,16}["']\s*,\s*
    \\{0,16}["'](?:output_key|name|key|variable|option|field)\\{0,16}["']
    [ \t]*:[ \t]*[uU]?\\{0,16}["']\Z''', re.VERBOSE)
# {"password": {"type": "string", "default": "a"}}
_MEMBERS = ('default', 'value', 'Value', 'val', 'output_value', 'plain',
            'plaintext')
_MEMBER = re.compile(
    r'''(?<![\w-])(?P<key>%s|id)\\{0,16}["']?[ \t]*:[ \t]*'''
    % '|'.join(_MEMBERS))
_TUPLE = re.compile(r'\s*,\s*[bBuUrR]{0,2}(?=\\*["\'])')
_SQL = re.compile(r'[ \t]*(?:\(|[ \t])[ \t]*(?=\\*["\'`])')
_WHOSE = r'[ \t]+(?:for|of)(?:[ \t]+[\w.@:/\'"-]+?){1,3}?'
_PROSE = re.compile(
    r'(?:' + _WHOSE + r')?[ \t]+(?:is|was'
    r'|are|set[ ]to|changed[ ]to|reset[ ]to|now)[: \t]+'
    r'(?:set[ ]to[ \t]+|now[ \t]+)?'
    r'|' + _WHOSE + r':[ \t]+',
    re.IGNORECASE)
_STRONG = re.compile(r'(?=\S*[A-Za-z])(?=\S*[\d!$%^&*+=?~#@])\S{6,}')

_PREFIX = re.compile(
    r'(?:!!?[\w/]+[ \t]+)?(?:[bBuUrR]{1,2}(?=\\*["\'])'
    r'|[bBuUrR]{1,2}(?=&(?:quot|apos|#)))?')
_BLOCK = re.compile(r'[|>][+-]?\d?[+-]?[ \t]*(?:#[^\n]*)?\r?$', re.MULTILINE)
_INDENT = re.compile(r'(?:[ \t]*-[ \t]+)*[ \t]*')
_TAG = re.compile(r'</(?:pre|code|td|th|li|dd|dt|div|span|body|html|summary'
                  r'|value|string|data|text)>|<br ?/?>')
_FERNET = re.compile(r'[\w-]{43}=|AQ[\w+/]{36}==|[A-Za-z0-9+/]{43}=')
_PATH = re.compile(r'(?:file://|~)?/(?:etc|var|opt|home|root|usr|tmp|run|srv'
                   r'|mnt|dev|\.ssh|\w+(?=\S*\.(?:pem|key|crt)$))/[\w./-]+')
# Behind what is in quotes: a sign that ends it ends a word, too, or a secret
# goes on that has a quote in it.
_AFTER = re.compile(r'\\*["\'&%\\]?(?:#3[49];|#x2[27];|quot;|apos;'
                    r'|u002[27]|2[27])?(?:\s|</|$'
                    r'|[,;}\])#&|]+(?:[\s"\'\\<]|$))', re.MULTILINE)
# Two quotes with nothing between and something behind them.
_EMPTY_AND_MORE = re.compile(r'(["\'])\1[^\s,;}\])#&|"\'<\\]')
_BASE64 = re.compile(r'[\w+/-]{16,}={0,2}')
_ITEM = re.compile(r'\\*["\']|[^\s,:\[\](){}"\'\\]')


@dataclasses.dataclass(frozen=True)
class _Name:
    """A name in a text.

    :ivar begin: where it begins
    :ivar end: where it ends
    :ivar name: in lower case
    :ivar core: the part of it that says that the value is secret
    :ivar plural: whether it may be several
    """

    begin: int
    end: int
    name: str
    core: str
    plural: bool

    @property
    def header(self):
        """Return whether the name is a header of HTTP, which has a line."""
        return _HEADER.fullmatch(self.name) is not None

    @property
    def flag(self):
        """Return whether the name is an option of a command."""
        return self.name.startswith('-')

    @property
    def weak(self):
        """Return whether only the form of the value says whether it is."""
        return self.core == 'key' and not _KEYS.search(self.name)

    @property
    def members(self):
        """Return which keys are secret, where its value is a map."""
        if self.name == 'chpasswd':
            return ('list',)
        return ('id',) if self.core == 'token' else _MEMBERS

    @property
    def counted(self):
        """Return whether a number of them is no secret."""
        return self.core in ('token', 'secret', 'key', 'sig') or self.plural


@functools.lru_cache(1024)
def is_secret(key):
    """Return whether the value of a key is secret, by its name alone."""
    name = _named(spans.Text(key), key, len(key))
    return name is not None and not name.weak and (
        name.core not in ('cookie', 'sig', 'credential', 'community'))


@functools.lru_cache(1024)
def is_plural(key):
    """Return whether the values of a key are several."""
    name = _named(spans.Text(key), key, len(key))
    return name is not None and name.plural


@functools.lru_cache(1024)
def is_counted(key):
    """Return whether a number under a key may be their number."""
    name = _named(spans.Text(key), key, len(key))
    return name is not None and name.counted


@functools.lru_cache(1024)
def members(key):
    """Return which keys are secret in a map under a secret key."""
    return _named(spans.Text(key), key, len(key)).members


def _named(seen, text, end):
    for needle in _NEEDLES:
        for at in seen.places(needle):
            name = _name_at(text, at)
            if name is not None and name.end == end:
                return name
    return None


def _name_at(text, at):
    """Return the name that has a needle there and ends with it, or None."""
    match = _CORE.match(text, at)
    if match is None:
        return None
    begin, least = at, max(0, at - _NAME)
    while begin > least and text[begin - 1] in _OF_NAME:
        begin -= 1
    if text[max(0, begin - 1):begin] in ('\\', '%'):
        # A quote that is escaped.
        begin += len(_ESCAPED.match(text, begin)[0])
    name = text[begin:match.end('plural')].lower()
    core = match['core'].lower()
    if core == 'pass' and match['suffix'].lower() in ('in', 'out'):
        core = 'password'
    if _INNOCENT.search(name) or not _apart(text, at, core):
        return None
    return _Name(begin, match.end(), name, _class(core),
                 bool(match['plural']) or core == 'communities')


def _apart(text, at, core):
    """Return whether a short word is one: mypass and compass are not."""
    if core not in ('psk', 'kek', 'sig', 'signature', 'cookie') or at == 0:
        return True
    return not text[at - 1].isalpha() or text[at].isupper()


def _class(core):
    if core.startswith(('pass', 'pwd')):
        return 'pass'
    for stem in ('communit', 'sig', 'secret', 'user'):
        if core.startswith(stem):
            return {'communit': 'community', 'user': 'user_data'}.get(
                stem, stem)
    return 'secret' if core.endswith('data') else core


def find(seen):
    """Yield where values begin and end.

    :param seen: :class:`.spans.Text`
    """
    done = 0
    for at in sorted({at for needle in _NEEDLES
                      for at in seen.places(needle)}):
        if at < done:
            continue
        name = _name_at(seen.text, at)
        if name is None:
            continue
        for begin, end in _Value(seen, name).spans():
            yield begin, end
            done = max(done, end)


class _Value:
    """The value of one name."""

    def __init__(self, seen, name):
        self._seen, self._text, self._name = seen, seen.text, name
        self._line_end = seen.line_end(name.end)

    def spans(self):
        """Yield the parts of the value that are secret."""
        after, quote = self._closed()
        assign = _ASSIGN.match(self._text, after, self._line_end)
        if assign is None:
            yield from self._elsewhere(after, quote)
        elif self._is_one(assign['sep'], assign.end()):
            yield from self._assigned(assign, quote)

    def _closed(self):
        """Return where the name ends with its quote, and that quote."""
        quote = spans.QUOTE.match(self._text, self._name.end, self._line_end)
        if quote is None:
            return self._name.end, None
        before = self._text[max(0, self._name.begin - len(quote[0])):
                            self._name.begin]
        if before == quote[0] or self._name.flag or (
                before.endswith(('"', "'"))):
            return quote.end(), quote
        return self._name.end, None

    def _is_one(self, sep, begin):
        name, rest = self._name, self._text[begin:begin + 120]
        if name.core == 'cookie' and (
                sep != ':' and name.name in ('cookie', 'cookies')
                or rest.startswith('0x')):
            return False
        if name.core == 'sig':
            return self._text[max(0, name.begin - 1):name.begin] in (
                '?', '&', ';') and name.begin > 0
        if name.core == 'credential':
            return name.name.startswith('x-amz') or rest[:4] in (
                'AKIA', 'ASIA')
        if name.name in ('pwd', 'oldpwd') and rest.startswith('/'):
            return False
        if name.name == 'pass' and re.match(r'\d{1,4}(?:[ ,;/]|$)', rest):
            return False
        if name.core == 'community' and re.match(r'\d+:\d|https?:', rest):
            return False
        return True

    def _good(self, begin, end):
        """Return whether a value is a secret, by its form."""
        name, value = self._name, self._text[begin:end]
        if name.weak or name.core == 'user_data':
            return False
        if not value.strip() or spans.harmless(value):
            return False
        if name.counted and re.fullmatch(r'[+-]?\d{1,6}(?:\.\d+)?',
                                         value.strip()):
            return False
        if name.core in ('key', 'token', 'secret') and _PATH.fullmatch(value):
            return False
        return True

    def _one(self, begin, end):
        while begin < end and self._text[begin] in ' \t\r\n':
            begin += 1
        while begin < end and self._text[end - 1] in ' \t\r\n':
            end -= 1
        if self._good(begin, end):
            yield begin, end

    def _elsewhere(self, after, quote):
        """Yield values that no sign of equality stands before."""
        text, name, limit = self._text, self._name, self._line_end
        before = text[max(0, name.begin - 3):name.begin]
        flag = name.flag and _FLAG.match(text, after, min(
            len(text), limit + _GAP))
        if flag and not re.match(r'\\*["\']?--?[a-z]', text[flag.end():
                                                            flag.end() + 20]):
            limit = self._seen.line_end(flag.end())
            yield from self._one(*spans.word(text, flag.end(), limit, True))
        elif '|' in text[max(self._seen.line_begin(name.begin),
                             name.begin - _GAP):name.begin]:
            cell = _TABLE.match(text, after, limit)
            if cell:
                yield from self._one(*cell.span('value'))
        elif before.endswith(('<', ':')) and not quote:
            markup = _MARKUP.match(text, name.end, len(text))
            if markup:
                yield from self._one(*markup.span('value'))
        elif quote:
            yield from self._paired(after, before)
        else:
            yield from self._said(after)

    def _paired(self, after, before):
        """Yield the value of a name that is a value itself."""
        text = self._text
        value = _NEXT_VALUE.match(text, after, min(len(text), after + _GAP))
        listed = _TUPLE.match(text, after, min(len(text), after + _GAP))
        if value:
            yield from self._plain(value.end())
        elif listed and ('(' in before or (
                '[' in before and self._name.header)):
            yield from self._plain(listed.end())
        else:
            first = max(0, self._name.begin - 3 * _GAP)
            value = _VALUE_BEFORE.search(text[first:self._name.begin])
            if value:
                yield from self._one(*(first + at for at
                                       in value.span('value')))

    def _said(self, after):
        text, limit = self._text, self._line_end
        if text.startswith('<', after):
            markup = _NEXT_MARKUP.match(text, after, min(
                len(text), after + 3 * _GAP))
            if markup:
                yield from self._one(*markup.span('value'))
            return
        if self._name.core not in ('pass', 'token', 'secret'):
            return
        sql = self._name.core == 'pass' and _SQL.match(text, after, limit)
        if sql:
            yield from self._one(*spans.word(
                text.replace('`', '"') if text[sql.end()] == '`' else text,
                sql.end(), limit))
            return
        prose = _PROSE.match(text, after, limit)
        if prose:
            begin, end = spans.word(text, prose.end(), limit)
            if begin > prose.end() or _STRONG.fullmatch(text[begin:end]):
                yield from self._one(begin, end)

    def _assigned(self, assign, quote):
        text, begin = self._text, assign.end()
        if quote or not spans.quote_before(text, self._name.begin):
            begin = _PREFIX.match(text, begin).end()
        if begin >= self._line_end:
            yield from self._below(assign, quote)
            return
        block = _BLOCK.match(text, begin)
        if self._name.weak or self._name.core == 'user_data':
            yield from self._shaped(begin)
        elif block and assign['sep'] == ':':
            yield from self._lines(self._line_end, self._indent())
        elif text[begin] in '[({' and self._opens(begin):
            yield from self._several(begin)
        elif spans.QUOTE.match(text, begin, self._line_end):
            yield from self._quoted(begin, assign)
        else:
            yield from self._unquoted(begin, assign)

    def _shaped(self, begin):
        """Yield a value that only its form says to be secret."""
        opened = spans.QUOTE.match(self._text, begin)
        match = (_FERNET if self._name.weak else _BASE64).match(
            self._text, opened.end() if opened else begin)
        if match and not re.match(
                r'[\w+/=]', self._text[match.end():match.end() + 1]):
            yield match.span()

    def _quoted(self, begin, assign):
        alone = self._is_alone()
        if alone and (_EMPTY_AND_MORE.match(self._text, begin)
                      or self._text[begin - 1] in 'bBuUrR'):
            # Of u'...' on a line of its own nobody knows whether Python has
            # written it, or whether the secret begins so.
            yield from self._one(assign.end(), self._rest(begin))
            return
        for first, last in self._plain(begin, alone or assign[0] == '='):
            # More than a quote, a comment, or another command.
            if alone and not _AFTER.match(self._text, last, self._line_end):
                last = max(last, self._rest(begin))
            yield first, last

    def _plain(self, begin, shell=False):
        """Yield a value that is maybe quoted, and a word else."""
        text, limit = self._text, self._seen.line_end(begin)
        begin = _PREFIX.match(text, begin).end()
        opened = spans.QUOTE.match(text, begin, limit)
        if opened and spans.closing(text, opened.end(), opened, limit) is None:
            # The value goes on below, or it is cut.
            far = min(len(text), begin + _FAR)
            end = spans.closing(text, opened.end(), opened, far)
            alone = end is not None and self._is_alone() and re.match(
                r'[ \t,;}\])]*\r?$', text[end + len(opened[0]):end + 99],
                re.MULTILINE)
            yield from self._one(opened.end(), end if alone else limit)
            return
        yield from self._one(*spans.word(text, begin, limit, shell))

    def _unquoted(self, begin, assign):
        text, name = self._text, self._name
        before = spans.quote_before(text, name.begin)
        if self._is_query():
            end = re.compile(r'[^\s&#;"\'<>\\]*').match(text, begin).end()
            yield from self._one(begin, end)
        elif before:
            # "NAME=a b": all of it, up to that quote.
            end = spans.closing(text, begin, before, self._line_end)
            yield from self._one(begin, end) if end is not None else (
                self._one(*spans.word(text, begin, self._line_end)))
        elif name.header:
            yield from self._one(*self._header(begin))
        elif self._is_alone():
            yield from self._one(begin, self._rest(begin))
            if assign['sep'] == '=' and self._indent() == 0:
                yield from self._lines(self._line_end, 0)
        else:
            yield from self._one(*spans.word(text, begin, self._line_end))

    def _header(self, begin):
        """Return the value of a header, without the word before it.

        The value goes to the end of the line, be that escaped, or to the quote
        that stands before all of the header.
        """
        text, end = self._text, self._line_end
        line = self._seen.line_begin(self._name.begin)
        end = min(end, *(at for at in (
            text.find('\\r', begin, end), text.find('\\n', begin, end), end)
            if at >= 0))
        opened = list(spans.QUOTE.finditer(
            text, max(line, self._name.begin - 60), self._name.begin))
        if opened:
            stop = spans.closing(text, begin, opened[-1], end)
            end = end if stop is None else stop
        tag = _TAG.search(text, begin, end)
        end = tag.start() if tag else end
        return begin, end

    def _rest(self, begin):
        """Return the end of a value that has the rest of a line."""
        text, end = self._text, self._line_end
        tag = _TAG.search(text, begin, end)
        end = tag.start() if tag else end
        while end > begin and text[end - 1] in ' \t,;':
            end -= 1
        return end

    def _is_query(self):
        return self._name.begin > 0 and (
            self._text[self._name.begin - 1] in '?&')

    def _is_alone(self):
        line = self._seen.line_begin(self._name.begin)
        if self._name.begin - line > 40:
            return False
        head = self._text[line:self._name.begin].rstrip('"\'')
        return _ALONE.fullmatch(head) is not None

    def _indent(self):
        line = self._seen.line_begin(self._name.begin)
        return _INDENT.match(self._text, line).end() - line

    def _opens(self, begin):
        """Return whether a bracket opens several values."""
        return re.match(r'[\[({](?:\s|$|\\*["\']|[bBuU]["\'])|\[.*\]\s*$',
                        self._text[begin:min(self._line_end,
                                             begin + 2000)]) is not None

    def _several(self, begin):
        """Yield the strings in brackets."""
        text = self._text
        close = {'[': ']', '(': ')', '{': '}'}[text[begin]]
        if close == '}' and not self._name.plural:
            yield from self._inner(begin + 1, re.compile(r'[^{}]*').match(
                text, begin + 1, min(len(text), begin + _FAR)).end())
            return
        at, far, stop = begin + 1, min(len(text), begin + _FAR), 0
        while True:
            item = _ITEM.search(text, at, far)
            if 0 <= stop < at:
                stop = text.find(close, at, far)
            if item is None or 0 <= stop < item.start():
                return
            first, last = spans.word(text, item.start(),
                                     self._seen.line_end(item.start()))
            comma = text.find(',', first, last)
            if first == item.start() and comma > 0:
                last = comma
            after = max(last, item.end())
            quoted = first > item.start()
            mapped = re.match(r'\\*["\']?\s*:', text[after:after + 9])
            if close != '}' or not mapped:
                yield from self._one(first, last)
            at = after + (len(item[0]) if quoted else 0)

    def _inner(self, begin, end):
        """Yield the secret members of a map, which is between two places."""
        for member in _MEMBER.finditer(self._text, begin, end):
            if member['key'] in self._name.members:
                yield from self._plain(member.end())

    def _below(self, assign, quote):
        """Yield a value that begins on the next line."""
        text, begin = self._text, self._line_end
        below = re.compile(r'\s*').match(text, begin).end()
        if quote:
            if spans.QUOTE.match(text, below):
                yield from self._plain(below)
            elif text[below:below + 1] in tuple('[{('):
                yield from self._several(below)
        elif assign['sep'] == '=' and self._is_alone():
            yield from self._lines(begin, self._indent())
        elif assign['sep'] == ':' and self._is_alone():
            mapped = re.match(r'(?:-[ \t]+)?[\w"\'.-]+[ \t]*:(?:\s|$)',
                              text[below:self._seen.line_end(below)])
            if not mapped or self._name.plural and (
                    self._name.core in ('pass', 'secret')):
                yield from self._lines(begin, self._indent(), bool(mapped))
            elif mapped:
                for first, last in self._lines(begin, self._indent()):
                    yield from self._inner(first, last)

    def _lines(self, begin, indent, mapped=False):
        """Yield the lines below that are deeper than the name.

        :param mapped: whether each has a key of its own, which stays
        """
        text, at = self._text, begin
        while True:
            start = text.find('\n', at) + 1
            if not start or start >= len(text):
                return
            end = self._seen.line_end(start)
            line = text[start:end]
            deep = len(line) - len(line.lstrip(' \t'))
            if not line.strip():
                at = start
                if end >= len(text):
                    return
                continue
            listed = line.lstrip().startswith('- ') and deep == indent
            if deep <= indent and not listed:
                return
            first = start + deep
            if mapped:
                colon = text.find(':', first, end)
                first = first if colon < 0 else colon + 1
            elif line.lstrip().startswith('- '):
                first += 2
            while text[first:first + 1] in tuple(' \t'):
                first += 1
            yield first, end
            at = end
