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

"""What preflight finds out, row by row."""

import dataclasses
import enum
import typing

from self_healing_tempest_plugin.redaction import runtime


# Characters of a line.
LINE = 200


class State(enum.Enum):
    """What is known of something that the suite needs.

    Unknown is what cannot be seen from outside; it is no failure.
    """

    YES = 'yes'
    NO = 'no'
    UNKNOWN = 'unknown'


@dataclasses.dataclass(frozen=True)
class Finding:
    """An answer.

    :ivar state: :class:`State`
    :ivar text: what was seen, or why nothing was
    """

    state: State
    text: str

    def __post_init__(self):
        object.__setattr__(self, 'text', runtime.text(self.text))


@dataclasses.dataclass(frozen=True)
class Row:
    """A finding and its place in the chain.

    :ivar link: the link of the chain, or what is around it
    :ivar what: what was looked at
    :ivar finding: :class:`Finding`
    :ivar todo: what to do about it unless it is a yes
    """

    link: str
    what: str
    finding: Finding
    todo: str = ''


@dataclasses.dataclass(frozen=True)
class Check:
    """How answers of services become rows.

    :ivar link: see :class:`Row`
    :ivar what: see :class:`Row`
    :ivar needs: names of the questions whose answers it takes
    :ivar judge: pure function of :class:`..config.Settings` and these
        answers; returns findings
    :ivar todo: see :class:`Row`
    :ivar asker: name of the question whose answer the others wait for: who
        is asked about, and nobody can be asked without
    """

    link: str
    what: str
    needs: tuple[str, ...]
    judge: typing.Callable[..., tuple[Finding, ...]]
    todo: str = ''
    asker: str = ''


def yes(text):
    """Return a yes as the findings of a check."""
    return (Finding(State.YES, text),)


def no(text):
    """Return a no as the findings of a check."""
    return (Finding(State.NO, text),)


def unknown(text):
    """Return that something cannot be known, as the findings of a check."""
    return (Finding(State.UNKNOWN, text),)


def told(settings, text):
    """Return a yes, with the answer as its text.

    :param settings: of no meaning
    :param text: the answer
    """
    del settings
    return yes(text)


def presence(wanted, there):
    """Return which of several names are there, as a dict of name to bool.

    :param wanted: the names
    :param there: all that are
    """
    return {name: name in there for name in sorted(wanted)}


def absent(present):
    """Return a no for the names that are not there, or nothing.

    :param present: see :func:`presence`
    """
    missing = [name for name, is_there in present.items() if not is_there]
    return no('without %s' % ', '.join(missing)) if missing else ()


def unseen(text):
    """Return a judge that says that something is not seen from outside.

    :param text: why
    """
    def judge(settings):
        del settings
        return unknown(text)
    return judge


def by_host(findings):
    """Return one finding for all hosts that have the same.

    :param findings: dict of host to the findings of that host
    """
    hosts = {}
    for host, of_host in findings.items():
        for finding in of_host:
            hosts.setdefault(finding, []).append(host)
    return tuple(
        dataclasses.replace(finding, text='%s: %s' % (
            ', '.join(names), finding.text))
        for finding, names in hosts.items())


def one_line(error):
    """Return an exception as a line that fits into a table.

    :param error: an exception, or a text
    """
    return runtime.line(error, LINE)
