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

"""What happens in a simulated cloud: the truth of one case.

A :class:`Story` says when what happens, and :func:`world` makes a cloud of
it, in which much else happens that must not matter. All times are seconds on
the runner's monotonic clock.
"""

import dataclasses
import itertools
import random

from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.model import expectations
from self_healing_tempest_plugin.tests.unit import simulated_world
from self_healing_tempest_plugin.watching import looks

Link = vitrage
INF, OLD, NEW = simulated_world.INF, simulated_world.OLD, simulated_world.NEW

# The watch looks so often whether it is over.
OVER_INTERVAL = 0.2

# So many requests a poll makes at the most, or one that takes as long.
MOST_REQUESTS = 8

# So late the history of Vitrage knows of an alarm at the latest, and so
# seldom it is asked where there is something else to ask.
LONGEST_LAG, HISTORY_INTERVAL = 9.9, 5.0

# Whose alarms of which name are none of ours.
OTHER_ALARMS = (
    ('vertex-of-other-host', simulated_world.MONITOR,
     simulated_world.HOST_ALARM),
    (simulated_world.HOST_VID, simulated_world.MONITOR, 'HostBusy'),
    (simulated_world.HOST_VID, 'zabbix', simulated_world.HOST_ALARM))
OTHER_DEDUCTIONS = (
    ('vertex-of-other-server', 'vitrage', simulated_world.DEDUCED_ALARM),
    (simulated_world.SERVER_VID, 'vitrage', 'Instance slow'))


@dataclasses.dataclass(frozen=True)
class Conditions:
    """What a case is made of; the same conditions make the same case.

    :ivar trouble: what goes wrong, a name of :mod:`.simulated_troubles`
    :ivar which: where it goes wrong; taken modulo the number of places
    :ivar pace: 0 (at once) to 4 (each link takes all the time that it has)
    :ivar interval: seconds between two polls of a link
    :ivar latency: what a poll takes at the most, in intervals
    :ivar clocks: ``true``, ``drifting``, ``lying`` or ``unknown``
    :ivar noise: bits of :class:`Noise`: what must not matter
    :ivar seed: of all that is left to chance
    """

    trouble: str
    which: int = 0
    pace: int = 2
    interval: float = 1.5
    latency: float = 0.1
    clocks: str = 'true'
    noise: int = 0
    seed: int = 0


class Noise:
    """What happens beside, and must not change the verdict."""

    EACH = OUTAGE, REPEATED, FOREIGN, LOSSES, FORGOTTEN, FLAPPING = tuple(
        1 << bit for bit in range(6))
    ALL = sum(EACH)


def upto(link):
    """Return the links of the chain up to one, and that itself."""
    return vitrage.CHAIN.links[:vitrage.CHAIN.index(link) + 1]


def behind(link):
    """Return the link behind one."""
    return vitrage.CHAIN.links[vitrage.CHAIN.index(link) + 1]


class Story:
    """The truth of one case; what never happens does so at infinity.

    :ivar link: where something goes wrong
    :ivar slowest: seconds that one request takes at the most
    :ivar slack: seconds after which what is there is seen for certain, and
        what is over is known to be
    :ivar timeouts: of the expectation
    :ivar changes: of the other fields of the expectation
    :ivar origin: when the watch begins
    :ivar injecting: when the injection begins
    :ivar injected: when it ends
    :ivar fault: when it works
    :ivar first: when something may follow it
    :ivar witness: when somebody has seen it, or given up
    :ivar alarm: when the monitor's alarm is raised
    :ivar deduced: when the alarm on the server is
    :ivar has_state: whether with the state of the server
    :ivar created: when the execution is started
    :ivar begun: when the update of the stack is
    :ivar done: when it is over
    :ivar ended: when the execution is over
    :ivar answered: when the new server answers
    :ivar down: when the old one stops to, at the earliest
    :ivar deleted: when the stack is deleted
    :ivar until: how long the application is watched at least
    :ivar dark: pairs of a service and when it stops to answer
    :ivar blind: seconds that something else keeps all from being seen
    :ivar gap: seconds after the beginning of the injection before which
        nothing follows it
    :ivar causes: ids of the alarms from which Vitrage deduces
    :ivar stack_id: the stack that the execution names
    :ivar servers: that the stack has beside, as pairs of time and id
    :ivar interrupted: when the watch is, if so
    :ivar wired: whether the application is to be asked by real HTTP
    :ivar told: whether it says that
    :ivar remarked: what the remarks must tell of
    """

    witnessed = has_state = True
    alarm = deduced = created = begun = done = ended = answered = INF
    deleted = INF
    down = until = -INF
    blind, interrupted, told, remarked = 0.0, INF, True, ''
    wired = False
    causes, stack_id = ('alarm-1',), simulated_world.STACK.id
    state = 'SUCCESS'
    server, host, status = NEW.server, simulated_world.SPARE, 'ACTIVE'
    answer = NEW

    def __init__(self, given, links, without=0):
        """Prepare; nothing happens yet.

        :param given: :class:`Conditions`
        :param links: where something may go wrong
        :param without: bits of :class:`Noise` that are not to be
        """
        self.given, self.rng = given, random.Random(given.seed)
        self.noise = given.noise & ~without
        self.link = links[given.which % len(links)]
        self._measure()
        self.origin = self.rng.uniform(0, 10000)
        self.inject(self.origin + self.rng.uniform(0.1, 2))
        self.changes = {}
        self.output = self.rng.choice(
            ('{}', '{"found": true}', 'nonsense', '[1]', None))
        self.executions, self.updates, self.alarms = [], [], []
        self.late_answers, self.dark = [], []
        self.servers, self.spells = [], []
        self.places = {}
        if self.rng.random() < 0.3:
            # Not all that deduces or starts something says why, or for whom.
            self.causes, self.stack_id = (), None

    def _measure(self):
        given = self.given
        self.slowest = given.latency * given.interval / 4
        self.outage = (self.rng.uniform(1, 10)
                       if self.has(Noise.OUTAGE) else 0)
        self.hang = self.rng.choice((0, given.interval)) * bool(self.outage)
        self.slack = (given.interval + looks.REST + self.lost_for() + self.hang
                      + MOST_REQUESTS * self.slowest + self.outage
                      + OVER_INTERVAL + 1)
        self.shares = {link: self.slack * self.rng.uniform(0.3, 1)
                       for link in vitrage.CHAIN.links}
        self.timeouts = dict(self.shares)
        for link in (Link.ALARM, Link.DEDUCTION):
            self.timeouts[link] += self.hidden(link)
        self.timeouts[Link.APPLICATION] += 2 * self.lost_for()
        self.gap = self._wait()
        self.timeouts[Link.ALARM] += self.gap

    def _wait(self):
        # Of what comes at once nobody can say that it came after the fault.
        most = max(map(self.untold, (Link.ALARM, Link.DEDUCTION)))
        return most * (self.rng.random() < (
            0.8 if most < 2 * self.slack else 0.4))

    def untold(self, link):
        """Return the seconds in which it cannot be told what came first.

        That is the injection, or something of a link that comes after it.
        """
        late = 0 if self.given.clocks == 'true' else (
            LONGEST_LAG + HISTORY_INTERVAL + 1) * bool(self.hidden(link))
        return self.slack + self.blind + late

    def has(self, noise):
        """Return whether there is a kind of noise, or one of several."""
        return bool(self.noise & noise)

    def hidden(self, link):
        """Return how long only the history of Vitrage may know of a link."""
        noise = Noise.FLAPPING if link is Link.ALARM else (
            Noise.FLAPPING | Noise.FORGOTTEN)
        return self.has(noise) * (LONGEST_LAG + HISTORY_INTERVAL + self.slack)

    def lost_for(self):
        """Return the seconds between two requests that are not lost."""
        return self.has(Noise.LOSSES) * self.given.interval

    def inject(self, begin):
        """Inject the fault, from a moment on."""
        self.injecting = begin
        self.injected = begin + self.rng.uniform(0, 2)
        self.fault = self.rng.uniform(begin, self.injected)
        self.witness = self.injected + self.rng.uniform(0, 1)
        self.first = max(self.fault, begin + self.gap)

    def patient(self, link):
        """Give a link more time, without its taking more."""
        self.timeouts[link] += 3 * self.slack

    def within(self, link):
        """Return how long a link may take and does."""
        share = 1.0 if self.given.pace == 4 else (
            self.rng.random() * self.given.pace / 4)
        return max(0.01, share * self.shares[link])

    def too_long(self, link):
        """Return what is too long for a link, however late it is noticed."""
        hidden = max(map(self.hidden, (Link.ALARM, Link.DEDUCTION)))
        return (self.timeouts[link] + 2 * self.slack + hidden
                + self.rng.uniform(0, self.slack))

    def bear(self, seconds, *links):
        """Give links more time, in which nothing of them may be seen."""
        self.blind += seconds
        for link in links or vitrage.CHAIN.links:
            self.timeouts[link] += seconds

    def soon(self, share=0.3):
        """Return a part of the slack."""
        return self.rng.uniform(0, share) * self.slack

    def lay(self, first=Link.ALARM):
        """Let one thing lead to the other, from a link on, all in time."""
        if first in upto(Link.ALARM):
            self.alarm = self.first + self.within(Link.ALARM)
        if first in upto(Link.DEDUCTION):
            self.deduced = self.alarm + self.within(Link.DEDUCTION)
        if first in upto(Link.WORKFLOW):
            self.created = self.deduced + self.within(Link.WORKFLOW)
        if first in upto(Link.STACK):
            self.done = self.created + self.within(Link.STACK)
            self.begun = self.rng.uniform(self.created, self.done)
            self.ended = self.done + self.within(Link.WORKFLOW)
        self.answered = self.rng.uniform(
            self.begun, max(self.done, self.ended)
            + self.within(Link.APPLICATION))

    def before(self, link):
        """Return when the link before one has come."""
        return {Link.ALARM: self.injected, Link.DEDUCTION: self.alarm,
                Link.WORKFLOW: self.deduced, Link.STACK: self.created,
                Link.APPLICATION: max(self.done, self.ended)}[link]

    def move(self, link, at):
        """Let a link come at another time, and then those behind it."""
        if link is Link.ALARM:
            self.alarm = at
        elif link is Link.DEDUCTION:
            self.deduced = at
        elif link is Link.WORKFLOW:
            self.created = at
        elif link is Link.STACK:
            self.done, self.ended = at, at + self.within(Link.WORKFLOW)
            self.answered = self.ended
        else:
            self.answered = at
        if link in upto(Link.WORKFLOW):
            self.lay(behind(link))

    def stop(self, first):
        """Let nothing happen from a link on."""
        self.answered = INF
        if first in upto(Link.STACK):
            self.begun = self.done = INF
        if first in upto(Link.WORKFLOW):
            self.created = self.ended = INF
        if first in upto(Link.DEDUCTION):
            self.deduced = INF
        if first in upto(Link.ALARM):
            self.alarm = INF

    def expectation(self):
        """Return what the verdict is asked for."""
        return expectations.Expectation(**dict(dict(
            chain=vitrage.CHAIN, steps=vitrage.CHAIN.steps,
            fault='the host without power', fault_look_at='the power',
            ids={'host': simulated_world.HOST, 'server_id': OLD.server,
                 'avoid': simulated_world.HOST, 'elsewhere': ' elsewhere',
                 'boot': OLD.boot, 'stack_id': simulated_world.STACK.id,
                 'workflow': simulated_world.WORKFLOW,
                 'url': simulated_world.URL,
                 'host_alarm': simulated_world.HOST_ALARM,
                 'deduced_alarm': simulated_world.DEDUCED_ALARM,
                 'monitor_look_at': 'the monitor'},
            timeouts={link.name: seconds
                      for link, seconds in self.timeouts.items()}),
            **self.changes))


def world(story):
    """Return the world in which a story happens, with all that is beside.

    :param story: :class:`Story`
    """
    made = simulated_world.World(
        clocks={service: simulated_world.Clock(story.rng, story.given.clocks)
                for service in simulated_world.TIMED},
        deleted=story.deleted, answers=_answers(story), gone=_gone(story),
        servers=[(-INF, OLD.server), *story.servers], places=_places(story),
        spells=list(story.spells))
    _raise_alarms(story, made)
    if story.created < INF:
        made.executions.append(simulated_world.Execution(
            'execution-0', OLD.server, story.created, story.ended,
            story.state, story.output, story.stack_id))
    if story.begun < INF:
        made.updates.append(simulated_world.Update(
            'update', story.begun, story.done))
        made.servers.append((story.rng.uniform(story.begun, min(
            story.done, story.begun + story.slack)), story.server))
    made.alarms += story.alarms
    made.executions += story.executions
    made.updates += story.updates
    _add_noise(story, made)
    made.updates = _told_late(story, made.updates)
    return made


def _places(story):
    return {
        OLD.server: [simulated_world.Place(-INF, simulated_world.HOST)],
        NEW.server: [simulated_world.Place(-INF, story.host, story.status)],
        **story.places}


def _told_late(story, updates):
    """Let Heat write its events down after the status that they are of.

    But before the next update: a stack has only one at a time.
    """
    updates = sorted(updates, key=lambda update: update.begin)
    return [dataclasses.replace(update, lag=max(0.0, min(
        story.soon(), following - update.end)))
        for update, following in itertools.zip_longest(
            updates, (later.begin for later in updates[1:]), fillvalue=INF)]


def _answers(story):
    # Where only the host is out of reach, the old server answers until the
    # new one takes its address.
    down = min(max(story.down, story.fault), story.answered)
    return [(-INF, OLD), (down, simulated_world.SILENCE),
            (story.answered, story.answer), *story.late_answers]


def _gone(story):
    if story.done == INF:
        return INF
    if story.has(Noise.FORGOTTEN):
        return story.begun
    return max(story.begun, min(story.deduced, story.done) + story.slack)


def _raise_alarms(story, made):
    if story.alarm < INF:
        made.alarms.append(host_alarm(story, 'alarm-1', story.alarm,
                                      _cleared(story, story.alarm)))
    if story.deduced < INF:
        deduced = alarm(
            story, 'deduced-1', simulated_world.SERVER_VID, 'vitrage',
            simulated_world.DEDUCED_ALARM, story.deduced,
            _cleared(story, story.deduced), story.causes)
        made.alarms.append(deduced)
        if story.has_state:
            made.deduced_state = deduced.begin, deduced.end


def _cleared(story, begin):
    flapping = story.has(Noise.FLAPPING) and story.has_state
    return begin + (story.soon() if flapping else INF)


def host_alarm(story, name, begin, end=INF):
    """Return an alarm of the monitor on the host."""
    return alarm(story, name, simulated_world.HOST_VID,
                 simulated_world.MONITOR, simulated_world.HOST_ALARM, begin,
                 end)


def alarm(story, name, entity, datasource, kind, begin, end=INF, causes=()):
    """Return an alarm that the history has sooner or later."""
    return simulated_world.Alarm(name, entity, datasource, kind, begin, end,
                                 story.rng.uniform(0, LONGEST_LAG), causes)


def _add_noise(story, made):
    if story.outage:
        made.spells += _spells(story)
    for service, begin in story.dark:
        made.spells.append(simulated_world.Spell(service, begin, INF))
    if story.has(Noise.REPEATED):
        _repeat(story, made)
    if story.has(Noise.FOREIGN):
        _add_stale(story, made)
        _add_foreign(story, made)


def _spells(story):
    """Yield outages, each about when something comes, or is late."""
    times = [time for time in (
        story.fault, story.alarm, story.deduced, story.created, story.begun,
        story.done, story.ended, story.answered) if time < INF]
    services = story.rng.sample(simulated_world.SERVICES,
                                story.rng.randint(1, 2))
    takes = story.outage / len(services)
    for service in services:
        about = story.rng.choice(times) + story.rng.choice(
            (0, *story.timeouts.values()))
        begin = max(story.origin, about - story.rng.uniform(0, takes))
        # Vitrage says 404 to all that fails within.
        problem = story.rng.choice(('down', 'not found')) if (
            service == 'Vitrage') else 'down'
        yield simulated_world.Spell(
            service, begin, begin + takes, story.hang, problem)


def _repeat(story, made):
    """Let alarms and executions come again."""
    for number in range(1, story.rng.randint(2, 5)):
        # One that comes and goes unseen, and then another: nobody can know.
        if story.alarm < INF and not story.has(Noise.FLAPPING):
            made.alarms.append(host_alarm(
                story, 'alarm-again-%d' % number,
                story.alarm + story.soon(2)))
        if story.created < INF:
            made.executions.append(repeated(
                story, number, story.created + story.soon(2)))


def repeated(story, number, begin):
    """Return an execution beside the one that heals."""
    state, output = story.rng.choice((
        ('ERROR', None), ('CANCELLED', None), ('SUCCESS', '{"found": false}'),
        ('RUNNING', None)))
    return simulated_world.Execution(
        'execution-%d' % number, OLD.server, begin, begin + story.soon(1),
        state, output)


def _add_stale(story, made):
    """Leave what was there before."""
    before = story.origin - story.rng.uniform(100, 200)
    for original in tuple(made.alarms):
        # Vitrage takes the same vertex again for what comes again.
        made.alarms.append(dataclasses.replace(
            original, begin=before, end=before + 20))
    made.executions.append(simulated_world.Execution(
        'execution-of-before', OLD.server, before, before + 20,
        story.rng.choice(('SUCCESS', 'ERROR'))))
    made.updates.append(simulated_world.Update(
        'update-of-before', before, before + 20))


def _add_foreign(story, made):
    """Let much the same happen to others."""
    at = story.fault + story.soon(2)
    for fields in OTHER_ALARMS + OTHER_DEDUCTIONS:
        made.alarms.append(alarm(story, 'foreign %s' % (fields,), *fields, at))
    made.executions.append(simulated_world.Execution(
        'foreign', 'other', at, at + 1))
    _add_idle_updates(story, made)


def _add_idle_updates(story, made):
    """Let the stack be updated without any change."""
    if story.created < story.begun < INF:
        begin, end = sorted(story.rng.uniform(story.created, story.begun)
                            for _ in range(2))
        made.updates.append(simulated_world.Update('idle-1', begin, end))
    if story.done < INF and story.rng.random() < 0.5:
        begin = story.done + story.slack
        made.updates.append(simulated_world.Update('idle-2', begin,
                                                   begin + story.soon()))
