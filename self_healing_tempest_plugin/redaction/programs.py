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

"""Passwords in the arguments of programs: ``ipmitool -P a``, ``mysql -pa``.

Options whose name says that they are secret are found by :mod:`.names`.
"""

import dataclasses
import re

from self_healing_tempest_plugin.redaction import spans


@dataclasses.dataclass(frozen=True)
class Program:
    """A program and its options.

    :ivar name: of the program, as its name begins
    :ivar apart: options whose value is the next word, or follows at once
    :ivar glued: options whose value follows at once, or is none
    :ivar pairs: options whose value is user and password; what is between
        them
    """

    name: str
    apart: tuple[str, ...] = ()
    glued: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    between: str = ':'


PROGRAMS = (
    Program('ipmitool', ('-P', '-k', '-y')),
    Program('ipmiconsole', ('-p', '-k')), Program('ipmipower', ('-p', '-k')),
    Program('ipmi-', ('-p', '-k')), Program('bmc-', ('-p', '-k')),
    Program('fence_', ('-p',)), Program('racadm', ('-p',)),
    Program('redfishtool', ('-p',)), Program('ilorest', ('-p',)),
    Program('sshpass', ('-p',)), Program('mysql', (), ('-p',)),
    Program('mariadb', (), ('-p',)), Program('mytop', ('-p',)),
    Program('curl', (), (), ('-u', '--user', '--proxy-user', '-U')),
    Program('http ', (), (), ('-a', '--auth')),
    Program('wget', (), (), ()), Program('ldap', ('-w',)),
    Program('snmp', ('-c', '-A', '-X')), Program('redis-cli', ('-a',)),
    Program('smbclient', (), (), ('-U',), '%'),
    Program('rpcclient', (), (), ('-U',), '%'),
    Program('lftp', (), (), ('-u',), ','),
    Program('docker login', ('-p',)), Program('podman login', ('-p',)),
    Program('mosquitto_', ('-P',)), Program('sqlcmd', ('-P',)),
    Program('useradd', ('-p',)), Program('usermod', ('-p',)),
    Program('mongo', ('-p',)), Program('cqlsh', ('-p',)),
    Program('influx', ('-p', '-t')), Program('zip', ('-P',)),
    Program('7z', (), ('-p',)), Program('openssl enc', ('-k', '-K')),
    Program('power', ('-P', '-p')), Program('amtterm', ('-p',)),
    Program('wsman', ('-p',)), Program('iscsiadm', ('-v',)),
    Program('kinit', ()), Program('sipmi', ('-P',)),
)

# Which words a password comes after that no option announces.
_POSITIONS = (
    ('rabbitmqctl', re.compile(
        r'''rabbitmqctl\b[^\n]{0,200}?\b(?:add_user|change_password
        |authenticate_user)[ \t]+(?:--[ \t]+)?\S+[ \t]+["']?([^\s"']+)''',
        re.VERBOSE)),
    ('user set password', re.compile(
        r'''user[ ]set[ ]password[ ]\d+[ ]["']?([^\s"']+)''', re.VERBOSE)),
    ('htpasswd', re.compile(
        r'''htpasswd[ ]+-\w*b\w*[ ]+(?:-\w+[ ]+)*\S+[ ]+\S+[ ]+["']?
        ([^\s"']+)''', re.VERBOSE)),
)

# How far behind its name a program has its options.
_LINE = 4000
_AFTER = re.compile(r'(?:\\*(?:["\']|&#3[49];|&quot;))?'
                    r'(?:[ \t]*,\s*|[ \t]+|=)')
_BEFORE = frozenset(' \t"\',[(;')


def find(seen):
    """Yield where secrets begin and end.

    :param seen: :class:`.spans.Text`
    """
    for program in PROGRAMS:
        done = 0
        for at in seen.places(program.name):
            if at < done or at and seen.text[at - 1].isalnum():
                continue
            end = min(seen.line_end(at), at + _LINE)
            done = end
            yield from _arguments(seen.text, at + len(program.name), end,
                                  program)
    for needle, pattern in _POSITIONS:
        for at in seen.places(needle):
            match = pattern.match(seen.text, at)
            if match:
                yield match.span(1)


def _arguments(text, begin, end, program):
    for option in (*program.apart, *program.glued, *program.pairs):
        at = text.find(option, begin, end)
        while at >= 0:
            after = at + len(option)
            if text[at - 1] in _BEFORE:
                yield from _value(text, after, end, program, option)
            at = text.find(option, after, end)


def _value(text, after, end, program, option):
    apart = _AFTER.match(text, after, end)
    if apart is None:
        # At once, or another option that begins alike.
        if after >= end or option.startswith('--') or text[after] in '-"\'':
            if text[after:after + 1] not in tuple('"\''):
                return
        first, last = spans.word(text, after, end, True)
    elif option in program.glued:
        return
    else:
        first, last = spans.word(text, apart.end(), end, True)
    if text.startswith('-', first) and re.match(r'--?[a-z]', text[first:last]):
        return
    if option in program.pairs:
        between = text.find(program.between, first, last)
        if between < 0:
            return
        first = between + 1
    yield first, last
