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

"""Secrets that their form, or the word before them, gives away."""

import base64
import binascii
import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class _Form:
    """A form.

    :ivar needle: in lower case; what every secret of that form has in it
    :ivar pattern: matches at the needle, or so many characters before it;
        each of its groups is a secret
    :ivar before: as many as there may be, -1: from the beginning of the line
    """

    needle: str
    pattern: re.Pattern
    before: int = 0


def _form(needle, pattern, before=0):
    return _Form(needle, re.compile(pattern, re.IGNORECASE | re.MULTILINE),
                 before)


_WORD = r'''["'\\]{0,4}([^\s"'\\]+)'''
# What a shell hands to the next program; what is between is the secret.
_ECHO, _PIPE = r'\becho +(?:-n +)?["\']?', r'["\']? *\| *'
_HASH = r'([\w./$=,+*-]{8,})'
# Between a name and its value, in a URL, percent-encoded or not, in a header,
# in JSON, in what Python prints.
_IS = r'(?:[\s"\'\\:=]|%(?:25)*(?:20|22|27|3a|3d)){1,12}'
_ID = r'([0-9a-f]{32,})'

# Keys whose values are secret where they look as _ID does, in lower case.
KEYS = frozenset(['signature', 'trust_id', 'url-signature'])

FORMS = (
    # Fernet, as Keystone's tokens are; JWS and JWT.
    _form('gaaaa', r'(gAAAA[\w=%-]{20,})'),
    _form('eyj', r'(eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*){0,3})'),
    _form('basic ', r'basic +([A-Za-z0-9+/]{8,}={0,2})(?![\w/+])'),
    _form('bearer ', r'bearer +([\w.~+/%-]{16,}=*)'),
    _form('aws4-hmac-sha256 ', r'aws4-hmac-sha256 +(credential=[^\r\n"\']*)'),
    _form('digest username',
          r'digest +(username=[^\r\n]{0,999}response=\\*"?\w+)'),
    # Tokens that other services give out.
    _form('ghp_', r'(ghp_\w{20,})'), _form('gho_', r'(gho_\w{20,})'),
    _form('github_pat_', r'(github_pat_\w{20,})'),
    _form('glpat-', r'(glpat-[\w-]{16,})'),
    _form('xox', r'(xox[abeoprs]-[\w-]{10,})'),
    _form('hvs.', r'\b(hvs\.[\w-]{20,})'),
    _form('akia', r'\b(AKIA[0-9A-Z]{16})\b'),
    # Who knows the address of such a webhook may write to it.
    _form('hooks.slack.com/', r'hooks\.slack\.com/(?:services|workflows)/'
          r'(?:\w+/)*([\w-]{8,})'),
    _form('/api/webhooks/', r'/api/webhooks/\d+/([\w-]{8,})'),
    _form('webhook.office.com/', r'webhook\.office\.com/\w+/([\w@/-]{8,})'),
    _form('api.telegram.org/bot', r'api\.telegram\.org/bot([\w-]+:[\w-]{8,})'),
    # Keystone's trusts: who has the id, and is the trustee, acts as another.
    _form('trust_id', 'trust_id' + _IS + _ID),
    _form('os-trust:trust', r'os-trust:trust\W{1,12}id' + _IS + _ID),
    *(_form(beginning, re.escape(beginning) + _ID) for beginning in (
        'os-trust/trusts/', 'os-trust%2ftrusts%2f', 'find trust: ')),
    *(_form(beginning, re.escape(beginning)
            + r'\w+(?::|%(?:25)*3a)(?:/|%(?:25)*2f){2}' + _ID)
      for beginning in ('trust+', 'trust%2b')),
    # Zaqar's, of a URL that anybody may use.
    _form('signature', 'signature' + _IS + _ID),
    # Hashes of passwords.
    *(_form(prefix, re.escape(prefix) + _HASH) for prefix in (
        '$1$', '$5$', '$6$', '$7$', '$y$', '$gy$', '$2a$', '$2b$', '$2y$',
        '$apr1$', '$argon2i$', '$argon2d$', '$argon2id$', '$scrypt$',
        '$pbkdf2', '$bcrypt', '$sha1$', '$md5$')),
    _form('pbkdf2_sha', r'pbkdf2_sha\d+\$\d+\$' + _HASH),
    _form('{ssha', r'\{SSHA\d{0,3}\}([\w+/=]{8,})'),
    _form('{sha}', r'\{SHA\}([\w+/=]{8,})'),
    _form('{md5}', r'\{MD5\}([\w+/=]{8,})'),
    _form('scram-sha-256$', r'scram-sha-256\$' + r'([\w+/=:$]{8,})'),
    _form('identified by', r'identified +by +(?:password +)?[\'"`]'
          r'((?:[^\'"`\\\n]|\\.|\'\')+)'),
    _form('identified with', r'identified +with +\S+ +(?:by|as) +[\'"`]'
          r'((?:[^\'"`\\\n]|\\.|\'\')+)'),
    # /etc/shadow, where the hash is none of those above; .pgpass
    _form(':::', r'^[a-z_][\w.$-]{0,31}:([^:\s*!][^:\s]*):\d{0,6}:\d{0,6}'
          r':\d{0,6}:\d{0,6}:\d{0,6}:\d{0,6}:[;, \t]*$', -1),
    # .netrc
    _form('login', r'login\s+\S+\s+(?:account\s+\S+\s+)?password\s+(\S+)'),
    _form('password', r'(?:machine[ \t]+\S+|default)\s+password\s+(\S+)\s+'
          r'login\b', 300),
    # SNMP
    *(_form(directive, directive + r'6?[ \t]+' + _WORD) for directive in (
        'rocommunity', 'rwcommunity')),
    _form('com2sec', r'com2sec6?[ \t]+(?:-Cn[ \t]+\S+[ \t]+)?\S+[ \t]+\S+'
          r'[ \t]+' + _WORD),
    _form('snmp-server', r'snmp-server[ \t]+(?:community|host[ \t]+\S+'
          r'(?:[ \t]+(?:traps|informs|version[ \t]+\S+))*)[ \t]+' + _WORD),
    _form('trapcommunity', r'trapcommunity[ \t]+' + _WORD),
    _form('createuser', r'createuser[ \t]+(?:-e[ \t]+\S+[ \t]+)?\S+[ \t]+'
          r'(?:MD5|SHA\S*)[ \t]+' + _WORD + r'["\']?(?:[ \t]+(?:DES|AES\S*)'
          r'[ \t]+' + _WORD + ')?'),
    _form('snmp community', r'snmp community[ \t]+' + _WORD),
    # Kickstart, and OpenLDAP's slapd.conf
    _form('rootpw', r'rootpw[ \t]+(?:--\w+[ \t]+)*(?!--)' + _WORD),
    # Go's form of a database: user:password@tcp(host:port)/name
    _form('@tcp(', r'[\w.-]{1,64}:(\S{1,256})@tcp\(', -1),
    _form('@unix(', r'[\w.-]{1,64}:(\S{1,256})@unix\(', -1),
    _form('chpasswd', _ECHO + r'[\w.-]+:([^|\n]{1,200}?)' + _PIPE
          + r'(?:sudo +)?chpasswd', -1),
    _form('chpasswd', r'chpasswd *<<< *["\']?[\w.-]+:([^\n]+?)["\']?$'),
    _form('chpasswd', r'chpasswd\W{1,60}list' + 4 * (
        r'(?:\W{1,60}[a-z_][\w.-]*:([^\s"\'\\},]+)')
        + r')?' * 3 + ')'),
    _form('| sudo', _ECHO + r'([^|\n]{1,200}?)' + _PIPE
          + r'sudo +(?:-\w+ +)*?(?:-\w*S|--stdin)', -1),
    _form('--stdin', _ECHO + r'([^|\n]{1,200}?)' + _PIPE
          + r'(?:sudo +)?passwd +--stdin', -1),
)

_PGPASS = re.compile(
    r'^(?:[\w.*-]+|\[[0-9a-f:]+\]):(?:\*|\d{3,5}):[\w.*-]+:[\w.*-]+:'
    r'((?:[^:\\\s;]|\\.)+)[;,]?[ \t]*$', re.MULTILINE)
# A file of Keystone's fernet-keys.
_ALONE = re.compile(r'^([\w-]{43}=)[;,]?[ \t]*$', re.MULTILINE)
_SECTION = re.compile(
    r'\[[\w.]{0,40}(?:fernet|crypt|secret|kek)[\w.]{0,40}\][ \t\r]*$',
    re.MULTILINE | re.IGNORECASE)
_OPTION = re.compile(r'^[ \t]*(?:keys?|kek|key_?\d{1,3})[ \t]*[=:][ \t]*'
                     r'([^\r\n]*(?:\n[ \t]+[^\r\n]+)*)', re.MULTILINE)


def find(seen):
    """Yield where secrets begin and end.

    :param seen: :class:`.spans.Text`
    """
    for form in FORMS:
        yield from _found(seen, form)
    for pattern in (_PGPASS, _ALONE):
        for match in pattern.finditer(seen.text):
            yield match.span(1)
    yield from _sections(seen)
    yield from _cloud_init(seen)


def _found(seen, form):
    done = 0
    for at in seen.places(form.needle):
        if at < done:
            continue
        if form.before == 0:
            match = form.pattern.match(seen.text, at)
        else:
            match = _around(seen, form, max(done, at - 4000), at)
        if match is not None:
            done = match.end()
            if form.needle != 'basic ' or _decodes(match[1]):
                yield from (match.span(group) for group in range(
                    1, match.re.groups + 1) if match[group])
        elif form.before < 0:
            # One look at each line.
            done = seen.line_end(at)


def _around(seen, form, least, at):
    begin = seen.line_begin(at) if form.before < 0 else at - form.before
    begin = max(least, begin, 0)
    end = seen.line_end(at) if form.before < 0 else at + 400
    for match in form.pattern.finditer(seen.text, begin, end):
        if match.end() > at:
            return match
    return None


def _decodes(value):
    """Return whether it is a user and a password in base64."""
    try:
        return b':' in base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        return False


def _sections(seen):
    """Yield the keys in a section of keys."""
    if '[' not in seen.text:
        return
    for section in _SECTION.finditer(seen.text):
        end = seen.text.find('\n[', section.end())
        end = len(seen.text) if end < 0 else end
        for option in _OPTION.finditer(seen.text, section.end(), end):
            yield option.span(1)


def _cloud_init(seen):
    """Yield the passwords of users below ``chpasswd:``."""
    done = 0
    for at in seen.places('chpasswd:'):
        if at < done:
            continue
        indent = at - seen.line_begin(at)
        done = seen.line_end(at)
        while done < len(seen.text):
            start = seen.text.find('\n', done) + 1
            if not start:
                break
            end = seen.line_end(start)
            line = seen.text[start:end]
            if line.strip() and len(line) - len(line.lstrip()) <= indent:
                break
            done = max(end, start)
            user = re.match(r'\s+(?:-\s+)?["\']?[a-z_][\w.-]*:(?=\S)', line)
            if user:
                yield start + user.end(), start + len(line.rstrip())
            if end >= len(seen.text):
                break
