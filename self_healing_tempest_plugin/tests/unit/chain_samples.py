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

"""Chains to judge: all that there are, one that moves the server, and a toy.

Beside each chain stand the payloads that tie evidence to the fault of
:data:`IDS`, and the timeline of a run in which all goes well.
"""

import dataclasses
import typing

from self_healing_tempest_plugin.chains import autohealing
from self_healing_tempest_plugin.chains import both
from self_healing_tempest_plugin.chains import tenant
from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.links.application import link as application
from self_healing_tempest_plugin.links.monitor_alarm import (
    link as monitor_alarm)
from self_healing_tempest_plugin.model import chains
from self_healing_tempest_plugin.model import expectations
from self_healing_tempest_plugin.model import healing
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import timelines

STARTED, FINISHED = links.Mark.STARTED, links.Mark.FINISHED

IDS = {
    'host': 'compute-1', 'server_id': 'old', 'boot': 'boot-1',
    'avoid': 'compute-1', 'elsewhere': ' on another host than compute-1',
    'url': 'http://192.0.2.1:80/', 'stack_id': 'stack-1', 'workflow': 'heal',
    'host_alarm': 'HostDown', 'deduced_alarm': 'Instance down',
    'monitor_look_at': 'the monitor', 'queue': 'queue-1'}


def words(name):
    """Return the words of a link of the tests."""
    return links.Words(
        arrow='→ %s' % name, arrived='%s is there' % name,
        expected='%s of server {server_id}' % name,
        look_at='the log of %s' % name, unexpected='who made the %s' % name)


NOTIFICATION = links.Link(
    name='notification', words=words('notification'), lasting=True,
    unfinished=dataclasses.replace(words('notification'),
                                   expected='end of the notification'),
    limit=links.Limit('notifications of {host}', 'who sends them'),
    ties=lambda ids, payload: payload.get('host') == ids['host'],
    origins=(links.Origin('alarm', key='causes'),),
    identity=('host',), watched_on=True)

SERVER = links.Link(
    name='server', words=words('server'), lasting=True,
    ties=lambda ids, payload: payload.get('server_id') == ids['server_id'],
    fits=lambda ids, payload: 'host' not in payload or (
        payload['host'] != ids['host']
        and payload.get('status') == 'ACTIVE'),
    identity=('host', 'status'))

_ALARM = chains.Step(monitor_alarm.LINK)
_NOTIFIED = chains.Step(NOTIFICATION, STARTED, after=_ALARM)
_MOVED = chains.Step(SERVER, after=_NOTIFIED)

# As Masakari and its like heal: the same server on another host.
MOVING = chains.Chain(
    name='moving',
    links=(monitor_alarm.LINK, NOTIFICATION, SERVER, application.LINK),
    steps=(_ALARM, _NOTIFIED, _MOVED,
           chains.Step(NOTIFICATION, after=_MOVED),
           chains.Step(application.LINK, after=_MOVED)),
    repair=SERVER, healed=healing.MOVED)

PAGE = links.Link(
    name='page', words=words('page'),
    ties=lambda ids, payload: payload.get('host') == ids['host'],
    identity=('host',))

RESTART = links.Link(
    name='restart', words=words('restart'), lasting=True,
    limit=links.Limit('restarts for {server_id}', 'who restarts'),
    ties=lambda ids, payload: payload.get('lost') == ids['server_id'],
    fits=lambda ids, payload: payload.get('server_id') != ids['server_id'],
    origins=(links.Origin('page', key='pages', needed=True),),
    servers=lambda ids, payload: (
        (payload.get('server_id'),)
        if payload.get('lost') == ids['server_id'] else ()),
    identity=('lost', 'server_id'), start_key='begun')

REPLY = links.Link(
    name='reply', words=words('reply'),
    ties=lambda ids, payload: payload.get('url') == ids['url'],
    origins=(links.Origin('restart', key='server', of='server_id',
                          needed=True),),
    identity=('boot', 'server', 'host'), late=('host',), watched_on=True)

_PAGED = chains.Step(PAGE)
_BEGUN = chains.Step(RESTART, STARTED, after=_PAGED)
_ENDED = chains.Step(RESTART, after=_BEGUN)

# Somebody is paged, and starts another server by hand; nobody works on what
# comes behind.
TOY = chains.Chain(
    name='toy', links=(PAGE, RESTART, REPLY),
    steps=(_PAGED, _BEGUN, _ENDED, chains.Step(REPLY, after=_ENDED)),
    repair=RESTART)

VITRAGE, TENANT = vitrage.CHAIN, tenant.CHAIN
AUTOHEALING = autohealing.CHAIN
EACH = (VITRAGE, MOVING, TOY, TENANT, AUTOHEALING)

ANSWERED = {healing.REPLACED: {'boot': 'boot-2', 'server': 'new'},
            healing.MOVED: {'boot': 'boot-2', 'server': 'old',
                            'host': 'compute-2'}}


@dataclasses.dataclass(frozen=True)
class Payload:
    """What evidence of a link looks like.

    :ivar begun: payload of one that started, and what ties it to :data:`IDS`
    :ivar ended: what is in that of one that finished beside
    :ivar foreign: changes, each of which makes it be about something else
    :ivar unfit: changes to one that finished, after which it is about the
        fault, and not what the chain needs
    """

    begun: typing.Mapping
    ended: typing.Mapping = dataclasses.field(default_factory=dict)
    foreign: tuple[typing.Mapping, ...] = ()
    unfit: tuple[typing.Mapping, ...] = ()


PAYLOADS = {
    vitrage.ALARM: Payload({'host': 'compute-1'},
                           foreign=({'host': 'compute-9'},)),
    vitrage.DEDUCTION: Payload({'server_id': 'old'},
                               foreign=({'server_id': 'other'},)),
    tenant.DEDUCTION: Payload({'server_id': 'old'},
                              foreign=({'server_id': 'other'},)),
    tenant.EVENT_ALARM: Payload({'server_id': 'old', 'event_id': 'event-1'},
                                foreign=({'server_id': 'other'},)),
    tenant.MESSAGE: Payload({'server_id': 'old', 'event_id': 'event-1'},
                            foreign=({'server_id': 'other'},)),
    **dict.fromkeys((
        vitrage.WORKFLOW, tenant.WORKFLOW, both.WORKFLOW), Payload(
        {'server_id': 'old', 'stack_id': 'stack-1'}, {'state': 'SUCCESS'},
        ({'server_id': 'other'}, {'stack_id': 'other'}))),
    vitrage.STACK: Payload(
        {'stack_id': 'stack-1'},
        {'server_id': 'new', 'host': 'compute-2', 'status': 'ACTIVE'},
        ({'stack_id': 'other'},),
        ({'server_id': 'old'}, {'host': 'compute-1'}, {'status': 'ERROR'})),
    vitrage.APPLICATION: Payload(
        {'url': IDS['url']}, foreign=({'url': 'http://192.0.2.9:80/'},)),
    NOTIFICATION: Payload({'host': 'compute-1'},
                          foreign=({'host': 'compute-9'},)),
    SERVER: Payload(
        {'server_id': 'old'}, {'host': 'compute-2', 'status': 'ACTIVE'},
        ({'server_id': 'other'},),
        ({'host': 'compute-1'}, {'status': 'ERROR'})),
    PAGE: Payload({'host': 'compute-1'}, foreign=({'host': 'compute-9'},)),
    RESTART: Payload({'lost': 'old'}, {'server_id': 'new'},
                     ({'lost': 'other'},), ({'server_id': 'old'},)),
    REPLY: Payload({'url': IDS['url']},
                   foreign=({'url': 'http://192.0.2.9:80/'},)),
}


def expected(chain, **changes):
    """Return that a chain heals.

    :param chain: :class:`.chains.Chain`
    :param changes: of the fields of the expectation
    """
    return expectations.Expectation(**dict(dict(
        chain=chain, fault='host compute-1 without power',
        fault_look_at='the power commands', ids=IDS, steps=chain.steps,
        timeouts={link.name: 30.0 for link in chain.links}), **changes))


def payload(chain, link, mark=FINISHED, **changes):
    """Return a payload that is tied to the fault and to the links before.

    :param chain: :class:`.chains.Chain`
    :param link: :class:`.links.Link`
    :param changes: of its values
    """
    made = dict(PAYLOADS[link].begun)
    if mark is FINISHED:
        made.update(PAYLOADS[link].ended)
    if link is chain.goal:
        made.update(ANSWERED[chain.healed])
    for origin in link.origins:
        earlier = chain.link(origin.link)
        if earlier is not None:
            made[origin.key] = (
                payload(chain, earlier)[origin.of] if origin.of
                else ['%s-id' % earlier.name])
    return {**made, **changes}


def evidence(chain, link, mark, seen_at, width=1.0, **changes):
    """Return one record of a run that goes well, with changes.

    :param seen_at: when it was seen
    :param width: how long before that it was not
    :param changes: of its payload
    """
    return timelines.Evidence(
        link, mark, '%s-id' % link.name, seen_at - width, seen_at,
        payload(chain, link, mark, **changes))


def times(chain):
    """Return when each step of a run that goes well is seen.

    :returns: dict of pairs of link and mark to seconds
    """
    return {(step.link, step.mark): 105.0 + 5 * number
            for number, step in enumerate(chain.steps)}


def healthy(chain, without=(), added=(), **changes):
    """Return a run that goes well; the fault is injected at 100 s.

    :param without: links whose evidence is left out, or pairs of a link and
        a mark
    :param added: further evidence
    :param changes: of the fields of the timeline
    """
    seen = tuple(
        evidence(chain, link, mark, at)
        for (link, mark), at in times(chain).items()
        if link not in without and (link, mark) not in without)
    return timelines.Timeline(**dict(dict(
        origin=90.0, concluded=300.0, evidence=(*seen, *added),
        transitions=(timelines.Transition('injected', 100.0, 101.0),
                     timelines.Transition('witnessed', 101.0, 102.0)),
        watched={link: timelines.Watched(9, 0, 250.0, 'not there', 250.0)
                 for link in chain.links}), **changes))


def probe(begin, boot='', server='', takes=0.5):
    """Return a probe, answered from a boot, or by nobody."""
    return timelines.Probe(
        begin, begin + takes, bool(boot), 'n', boot, server,
        '' if boot else 'ConnectTimeout', bool(boot))
