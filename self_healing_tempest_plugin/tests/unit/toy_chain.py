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

"""A chain of three links that is nowhere but in these tests.

A bell rings, somebody mends the house, the door opens. The house is an object
of this process: a toy of what links ask, so that the tests say what a chain
needs and nothing else does.
"""

import contextlib
import dataclasses

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links import handover
from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin.model import chains
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.watching import looks

_KIT = '%s:%%s' % __name__


def _house(ids, payload):
    return payload.get('house') == ids['house']


BELL = links.Link(
    name='bell',
    words=links.Words(
        arrow='house → bell', arrived='the bell of {house} rang',
        expected='bell of {house}', look_at='the wire of the bell',
        unexpected='who rang at {house}', came='rang'),
    deadline=links.Deadline(
        help='Seconds from the fault to the bell.', seconds=7,
        takes='the time from the fault to the bell'),
    ties=_house, kit=_KIT % 'BELL_KIT')

MENDING = links.Link(
    name='mending', lasting=True,
    words=links.Words(
        arrow='bell → mender', arrived='{house} was mended',
        expected='mended {house}', look_at='the tools of the mender',
        unexpected='who mends {house}'),
    limit=links.Limit(started='menders came to {house}',
                      look_at='who called them'),
    deadline=links.Deadline(
        help='Seconds from the bell to the mended house.', seconds=9,
        takes='the time from the bell to the mended house'),
    ties=_house, origins=(links.Origin('bell', key='heard', needed=True),),
    servers=lambda ids, payload: (payload.get('server_id'),),
    kit=_KIT % 'MENDING_KIT')

DOOR = links.Link(
    name='door',
    words=links.Words(
        arrow='mender → door', arrived='the door of {house} opened',
        expected='open door of {house}', look_at='the hinges',
        unexpected='who opened {house}', came='opened to'),
    deadline=links.Deadline(
        help='Seconds from the mended house to its open door.', seconds=3,
        takes='the time from the mended house to its open door'),
    ties=lambda ids, payload: payload.get('url') == ids['url'],
    origins=(links.Origin('mending', key='server', of='server_id',
                          needed=True),),
    watched_on=True, kit=_KIT % 'DOOR_KIT')

_RANG = chains.Step(BELL)
_CAME = chains.Step(MENDING, links.Mark.STARTED, after=_RANG)
_MENDED = chains.Step(MENDING, after=_CAME)
CHAIN = chains.Chain(
    name='toy', links=(BELL, MENDING, DOOR), repair=MENDING,
    template='application.hot.yaml',
    steps=(_RANG, _CAME, _MENDED, chains.Step(DOOR, after=_MENDED)))


@dataclasses.dataclass
class House:
    """What can be seen of a house.

    :ivar name: of the house
    :ivar url: of its door
    :ivar seen: what has happened by now: ``rang``, ``came``, ``mended``,
        ``opened``
    """

    name: str = 'the house'
    url: str = 'http://192.0.2.1/'
    seen: set = dataclasses.field(default_factory=set)

    def payload(self, **ties):
        """Return a payload that is about this house."""
        return {'house': self.name, **ties}

    def has(self, what):
        """Return whether something has happened."""
        return what in self.seen


class _Watcher:
    """Sees what has happened to a house."""

    pace = looks.USUAL

    def __init__(self, link, house, *sightings):
        self.link, self._house, self._sightings = link, house, sightings

    def look(self, recorder):
        del recorder
        seen = tuple(sighting for what, sighting in self._sightings
                     if self._house.has(what))
        return looks.Look('%d seen' % len(seen), seen, objects=tuple(
            dict.fromkeys(sighting.object_id for sighting in seen)))


def _bell(around):
    house = around.owner.house
    return _Watcher(BELL, house, ('rang', looks.Sighting(
        links.Mark.FINISHED, 'ring-1', house.payload())))


def _mending(around):
    house = around.owner.house
    return _Watcher(
        MENDING, house,
        ('came', looks.Sighting(links.Mark.STARTED, 'mender-1',
                                house.payload(heard='ring-1'))),
        ('mended', looks.Sighting(
            links.Mark.FINISHED, 'mender-1',
            house.payload(heard='ring-1', server_id='new'))))


def _door(around):
    house = around.owner.house
    return _Watcher(DOOR, house, ('opened', looks.Sighting(
        links.Mark.FINISHED, 'boot-2', house.payload(
            url=house.url, boot='boot-2', server='new'))))


def _wire(case):
    return (context.Clue(False, 'the wire of %s is cut' % case.ids['house'],
                         'the wire: it is cut'),)


def _rings(settings, answer):
    del settings
    return rows.yes(answer)


@contextlib.contextmanager
def _ring(case, recorder):
    begin = recorder.now()
    case.around.owner.house.seen |= {'rang', 'came', 'mended', 'opened'}
    handover.handed_over(recorder, begin)
    yield


BELL_KIT = kit.Kit(
    link=BELL, watcher=_bell,
    ids=lambda around: {'house': around.owner.house.name},
    inquiries=lambda case: (context.Inquiry('Bell', 'its wire', _wire),),
    unmet=lambda around: 'the bell is ringing' if (
        around.owner.house.has('rang')) else '',
    details=lambda seen, expected, around: {'echo': asking.Question(
        'Bell', lambda: context.details(
            BELL, 'Echo', 'echo-1', 'an echo', 'Bell',
            '2026-01-01T00:00:01Z'))},
    questions=lambda cloud: {'Bell': {'Bell': lambda: 'rings'}},
    checks=(rows.Check('bell', 'Bell', ('Bell',), _rings, 'oil it'),))

MENDING_KIT = kit.Kit(
    link=MENDING, watcher=_mending,
    handover=handover.Handover(what='a ring of our own', hand_over=_ring,
                               makes='bell'))

DOOR_KIT = kit.Kit(link=DOOR, watcher=_door)
