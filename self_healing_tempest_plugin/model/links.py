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

"""One link of a chain: what arrives, in which words, and what ties it.

A link is pure data and pure functions. Its watcher and all else that asks the
cloud is bound to it elsewhere, see :mod:`..links.kit`.
"""

import dataclasses
import enum
import typing


# What a monitor needs to tell Vitrage beside the alarm's own way: time for
# the alert to be evaluated, sent, put into the graph and into the database.
SNAPSHOT_MARGIN = 30


class Mark(enum.Enum):
    """Which end of a link a record tells; some links have only the second."""

    STARTED = 'started'
    FINISHED = 'finished'

    # There is one object of each. The hash that Enum has is a function in
    # Python, and evidence is looked up by marks all the time.
    __hash__ = object.__hash__


@dataclasses.dataclass(frozen=True)
class Words:
    """A link in words; the texts are filled with an expectation's ids.

    :ivar arrow: its two sides, e.g. ``injector → target``
    :ivar arrived: a sentence for a link that has come
    :ivar expected: what is missing when the link is
    :ivar look_at: the next place to look when it is missing
    :ivar unexpected: the next place to look when it is there and should not
        be
    :ivar came: what an object of the link did by coming, e.g. ``raised``
    """

    arrow: str
    arrived: str
    expected: str
    look_at: str
    unexpected: str = ''
    came: str = 'came'


@dataclasses.dataclass(frozen=True)
class Limit:
    """That a link may come for an application only so many times.

    :ivar started: says what was started for whom, after the number
    :ivar look_at: the next place to look when it came more often
    :ivar ways: how many set it off, each so many times
    """

    started: str
    look_at: str
    ways: int = 1


@dataclasses.dataclass(frozen=True)
class Deadline:
    """How long a link may take, as options say it.

    :ivar help: of the option ``<link>_timeout``
    :ivar takes: what its time is, as the option ``slo_<link>`` says it
    :ivar seconds: by default; None for an interval of Vitrage's snapshots
        and :data:`SNAPSHOT_MARGIN`
    """

    help: str
    takes: str
    seconds: int | None = None


@dataclasses.dataclass(frozen=True)
class Origin:
    """That a link's evidence names what came of an earlier link.

    :ivar link: name of the earlier link; in a chain without it there is no
        such tie
    :ivar key: of the payload; its value is one id or several
    :ivar of: key of the earlier link's payload; empty: the id of its object
    :ivar needed: whether evidence that names nothing belongs to nothing;
        otherwise it may belong, as what names an object belongs where the
        earlier link has not come and need not
    """

    link: str
    key: str
    of: str = ''
    needed: bool = False


def of_server(ids, payload):
    """Return whether evidence names the server that was on the broken host.

    :param ids: of the expectation
    :param payload: of the evidence
    """
    return payload.get('server_id') == ids['server_id']


def _anything(ids, payload):
    del ids, payload
    return True


def _none(ids, payload):
    del ids, payload
    return ()


def _nothing(payload):
    del payload
    return ''


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Link:
    """What arrives at the end of one arrow of a chain.

    There is one object of each link; two are never equal.

    :ivar name: as options, records and reports name it
    :ivar words: :class:`Words`
    :ivar lasting: whether it takes a while, so that it has both marks
    :ivar unfinished: :class:`Words` for a link that started and did not
        finish, None where ``words`` say it
    :ivar limit: :class:`Limit`, None where nobody counts it
    :ivar deadline: :class:`Deadline`, None for a link without options
    :ivar ties: of ids and payload; whether evidence is about this fault
    :ivar fits: of ids and payload; whether evidence that is about it is what
        the chain needs, asked only where the link has to come
    :ivar origins: :class:`Origin` of it
    :ivar servers: of ids and payload; ids of the servers that evidence shows
        to be, or to have been, the application's
    :ivar remark: of the payload of its arrival; what is worth knowing beside
        the verdict, or ''
    :ivar again: what is to be said when it comes again and again, after the
        number; empty where that means nothing
    :ivar identity: keys of payloads that tell two objects apart which bear
        the same id
    :ivar late: keys of payloads that may be known only later, and never
        change
    :ivar start_key: key of the payload by which an end names the one of
        several starts that has led to it; an end that names none may be of
        any start. Empty: the first start counts
    :ivar watched_on: whether it is watched when the verdict is sure
    :ivar kit: what binds it to the cloud, as ``module:name``
    """

    name: str
    words: Words
    lasting: bool = False
    unfinished: Words | None = None
    limit: Limit | None = None
    deadline: Deadline | None = None
    ties: typing.Callable = _anything
    fits: typing.Callable = _anything
    origins: tuple[Origin, ...] = ()
    servers: typing.Callable = _none
    remark: typing.Callable = _nothing
    again: str = ''
    identity: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    start_key: str = ''
    watched_on: bool = False
    kit: str = ''

    def __repr__(self):
        return '<link %s>' % self.name


# Every chain begins with it, and none has to list it.
FAULT = Link(
    name='fault',
    words=Words(
        arrow='injector → target',
        arrived='{fault}, seen by a witness',
        expected='witness of: {fault}',
        look_at='{fault_look_at}'),
    kit='self_healing_tempest_plugin.links.fault.kit:KIT')
