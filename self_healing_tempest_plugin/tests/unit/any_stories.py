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

"""What happens to an application that any chain is to heal.

A :class:`Story` is laid from nothing but the :class:`..model.chains.Chain`:
its steps and what each of them waits for, the payloads that tie its links
(:data:`.chain_samples.PAYLOADS`), their origins and limits, and what healed
means. All times are seconds on the runner's monotonic clock.
"""

import dataclasses
import datetime
import random
import typing

from self_healing_tempest_plugin.model import healing
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.tests.unit import chain_samples
from self_healing_tempest_plugin.watching import looks

STARTED, FINISHED = links.Mark.STARTED, links.Mark.FINISHED
Kind = verdicts.Kind
INF = float('inf')
CHAINS = {chain.name: chain for chain in chain_samples.EACH}

# None: nothing is stamped; unknown: the clock that did it is not.
CLOCKS = ('none', 'unknown', 'true', 'lying')

# The watch looks so often whether it is over, in intervals of its polls.
JUDGED = 0.5

# So long something else may repair what has failed.
GRACE = 15.0

# A service is silent for at most so many intervals, and shows what has
# happened so late.
LONGEST_SPELL, LAG = 3.0, 2.0


@dataclasses.dataclass(frozen=True)
class Conditions:
    """What a case is made of; the same conditions make the same case.

    :ivar chain: name of the chain
    :ivar trouble: what goes wrong, see :mod:`.any_troubles`
    :ivar which: where it goes wrong; taken modulo the number of places
    :ivar pace: 0 (at once) to 4 (each step takes all the time that it has)
    :ivar interval: seconds between two polls of a link
    :ivar latency: what a poll takes at the most, in intervals
    :ivar clocks: one of :data:`CLOCKS`
    :ivar noise: bits of :class:`Noise`: what must not matter
    :ivar seed: of all that is left to chance
    """

    chain: str
    trouble: str
    which: int = 0
    pace: int = 2
    interval: float = 1.0
    latency: float = 0.1
    clocks: str = 'none'
    noise: int = 0
    seed: int = 0


class Noise:
    """What happens beside, and must not change the verdict."""

    EACH = SPELLS, REPEATED, FOREIGN, LOSSES, FORGOTTEN, LAGGED = tuple(
        1 << bit for bit in range(6))
    ALL = sum(EACH)


@dataclasses.dataclass(frozen=True)
class Thing:
    """An alarm, an execution, ...: what a service shows of a link.

    :ivar begin: when it was there
    :ivar end: when it was over; of a link that does not last, the same
    :ivar begun: payload of its beginning
    :ivar ended: payload of its end
    :ivar ours: whether it is about the fault
    :ivar shown: since when the service shows it
    :ivar gone: since when it does so no more
    :ivar failed: since when it cannot come to a good end
    :ivar lag: how late the service says that it may show it
    :ivar unstarted: whether only its end is shown
    """

    link: links.Link
    name: str
    begin: float
    end: float
    begun: typing.Mapping
    ended: typing.Mapping
    ours: bool = True
    shown: float = INF
    gone: float = INF
    failed: float = INF
    lag: float = 0.0
    unstarted: bool = False


@dataclasses.dataclass(frozen=True)
class Spell:
    """That the service of a link does not answer for a while."""

    link: links.Link
    begin: float
    end: float


@dataclasses.dataclass(frozen=True)
class Guest:
    """Who answers.

    :ivar host: where Nova has it, None where Nova never says so
    :ivar known: since when Nova says so
    """

    boot: str
    server: str
    host: str | None = None
    known: float = -INF


UNCHANGED = Guest('boot-1', 'old', 'compute-1')
REBOOTED = Guest('boot-3', 'old', 'compute-1')
EVACUATED = Guest('boot-3', 'old', 'compute-3')
MIGRATED = Guest('boot-1', 'old', 'compute-3')
UNKNOWN = Guest('boot-3', 'old')
STRANGER, NAMELESS = Guest('boot-9', 'stranger'), Guest('boot-8', '')
RIGHT = {healing.REPLACED: Guest('boot-2', 'new'),
         healing.MOVED: Guest('boot-2', 'old', 'compute-2')}

# Who is back by no work of a chain, and is known to be.
REVIVED = {healing.REPLACED: (REBOOTED, EVACUATED, MIGRATED, UNKNOWN),
           healing.MOVED: (REBOOTED, MIGRATED)}


class Story:
    """The truth of one case; what never happens does so at infinity.

    :ivar chain: :class:`..model.chains.Chain`
    :ivar mode: ``heal``, ``repair`` or ``quiet``
    :ivar slack: seconds after which what is there is seen for certain
    :ivar slowest: seconds that a poll takes at the most
    :ivar timeouts: of the expectation
    :ivar origin: when the watch begins
    :ivar injecting: when the injection begins
    :ivar injected: when it ends
    :ivar first: when something may follow the fault
    :ivar witness: when somebody has seen it, or given up
    :ivar times: of each link and mark, when it comes
    :ivar extra: further things
    :ivar things: all of them, once the story is finished
    :ivar right: who answers when all is well
    :ivar down: when the guest of before stops to answer
    :ivar guests: who answers beside, as pairs of time and guests that take
        turns, None for nobody
    :ivar took: seconds to the right answer, None where several may be right
    :ivar dark: links whose service stops to answer for good
    :ivar until: how long the watch goes on at least
    """

    witnessed = told = is_injected = True
    alive, quiet, most = False, 0.0, 0
    interrupted, until = INF, -INF
    unmet = ()

    def __init__(self, given, mode, without=0):
        """Prepare; nothing happens yet.

        :param given: :class:`Conditions`
        :param mode: see above
        :param without: bits of :class:`Noise` that are not to be
        """
        self.given, self.mode = given, mode
        self.rng = random.Random(given.seed)
        self.chain = CHAINS[given.chain]
        self.noise = given.noise & ~without
        self._measure()
        self.origin = self.rng.uniform(100, 1000)
        self.injecting = self.origin + self.rng.uniform(0.1, 1)
        self.injected = self.injecting + self.rng.uniform(0, 1)
        self.witness = self.injected + self.rng.uniform(0, 1)
        # Of what comes at once nobody can say that it came after the fault.
        gap = self.slack * (self.rng.random() < 0.8)
        self.first = self.injecting + max(0.01, gap)
        self.timeouts[self.chain.links[0].name] += gap + 1
        self.steps = {'heal': self.chain.steps, 'quiet': (),
                      'repair': self.chain.until(self.chain.repair)}[mode]
        self.times, self.changes, self.failed = {}, {}, {}
        self.unstarted, self.hidden, self.dark = set(), set(), set()
        self.extra, self.things, self.spells, self.guests = [], [], [], []
        self.right = RIGHT[self.chain.healed]
        self.down, self.took = self._after(self.injecting, 0.2), None
        self._set_clocks()

    def _measure(self):
        given = self.given
        self.slowest = given.latency * given.interval
        self.spell = self.has(Noise.SPELLS) * LONGEST_SPELL * given.interval
        self.lag = self.has(Noise.LAGGED) * LAG * given.interval
        self.slack = (
            2 * (1 + self.has(Noise.LOSSES)) * (
                given.interval + looks.REST + self.slowest)
            + self.slowest + JUDGED * given.interval + self.spell + self.lag)
        self.shares = {link: self.slack * self.rng.uniform(0.1, 0.5)
                       for link in self.chain.links}
        self.timeouts = {link.name: share + self.slack
                         for link, share in self.shares.items()}

    def _set_clocks(self):
        self.clocks, self._offsets = {}, {}
        for link in self.chain.links:
            offset = self._offsets[link] = self.rng.uniform(-1000, 1000)
            wide = self.rng.uniform(0, 0.5)
            if self.given.clocks == 'lying':
                offset += self.rng.choice((-1, 1)) * self.rng.uniform(1, 30)
            if self.given.clocks in ('true', 'lying'):
                self.clocks[link.name] = timelines.Offset(
                    offset - wide, offset + wide)

    def stamps(self, link, moment):
        """Return what a service says of when something happened."""
        if self.given.clocks == 'none':
            return ()
        low = moment + self._offsets[link]
        return (timelines.Stamp(link.name, low - moment % 1,
                                low - moment % 1 + 1),)

    def written(self, link, moment):
        """Return what the service of a link writes of a moment, ISO 8601."""
        return datetime.datetime.fromtimestamp(
            moment + self._offsets[link], datetime.timezone.utc).replace(
                tzinfo=None).isoformat(timespec='microseconds')

    def has(self, noise):
        """Return whether there is a kind of noise."""
        return bool(self.noise & noise)

    def pick(self, choices):
        """Return one of several, as the conditions say."""
        return choices[self.given.which % len(choices)]

    def _after(self, begin, share):
        return begin + self.rng.uniform(0.01, share) * self.slack

    def soon(self, begin):
        """Return a moment soon after another."""
        return self._after(begin, 0.3)

    def within(self, link):
        """Return how long a step of a link takes, in time."""
        share = 1.0 if self.given.pace == 4 else (
            self.rng.random() * self.given.pace / 4)
        return max(0.001, share * self.shares[link])

    def lay(self, steps=None):
        """Let one thing lead to the other, all in time.

        :param steps: these only; None: all that have to come
        """
        for step in self.steps if steps is None else steps:
            self.times[step.link, step.mark] = self.base(
                step) + self.within(step.link)
            if step.link.lasting and step.mark is FINISHED:
                self.times.setdefault((step.link, STARTED), self.rng.uniform(
                    self.base(step), self.times[step.link, FINISHED]))
        if self.mode == 'heal' and steps is None:
            self._lay_goal()

    def _lay_goal(self):
        # The server may answer before whoever has made it says so.
        goal, before = self.chain.goal, self.chain.steps[-1].after.link
        begun = self.times[before, STARTED if before.lasting else FINISHED]
        self.times[goal, FINISHED] = self.rng.uniform(
            begun, self.times[goal, FINISHED])
        self.took = self.times[goal, FINISHED] - self.injecting

    def at(self, step):
        """Return when a step comes."""
        return self.times[step.link, step.mark]

    def base(self, step):
        """Return when the step has come that another one waits for."""
        return self.first if step.after is None else self.at(step.after)

    def waiting(self, step):
        """Return a step and all that wait for it, in order."""
        steps = [step]
        for later in self.steps:
            if later.after in steps:
                steps.append(later)
        return steps

    def drop(self, step):
        """Let a step never come, nor what waits for it."""
        for waiting in self.waiting(step):
            self.times[waiting.link, waiting.mark] = INF
            if waiting.mark is FINISHED and (
                    not any((begun.link, begun.mark) == (waiting.link, STARTED)
                            for begun in self.steps)):
                self.times.pop((waiting.link, STARTED), None)

    def move(self, step, moment):
        """Let a step come at another time, and then what waits for it."""
        moved = self.waiting(step)
        self.times[step.link, step.mark] = moment
        for later in moved[1:]:
            self.times.pop((later.link, STARTED), None) if (
                later.mark is FINISHED and not any(
                    (begun.link, begun.mark) == (later.link, STARTED)
                    for begun in self.steps)) else None
            self.lay((later,))

    def due(self, step):
        """Return when a step is late, as far as is known beforehand."""
        before = self.steps[:self.steps.index(step)]
        return self.timeouts[step.link.name] + max(
            [self.injected, *(self.at(earlier) for earlier in before
                              if self.at(earlier) < INF)])

    def too_late(self, step):
        """Return a moment at which it is late, however it is noticed."""
        return self.due(step) + self.rng.uniform(3, 4) * self.slack

    def patient(self, link, seconds):
        """Give a link more time, without its taking more."""
        self.timeouts[link.name] += seconds

    def followed(self, link):
        """Return what comes behind a link for certain, and within what time.

        What names an object of the link belongs to nothing without it.

        :returns: a step and seconds
        """
        steps = self.steps[[step.link for step in self.steps].index(link):]
        seconds = 0.0
        for step in steps:
            seconds += self.shares[step.link]
            if step.link is not link and not any(
                    origin.link == link.name for origin in step.link.origins):
                break
        return step, seconds

    def last(self):
        """Return when the last thing comes that ever does."""
        return max([self.first, *(moment for moment in self.times.values()
                                  if moment < INF)])

    def payload(self, link, mark=FINISHED, **changes):
        """Return a payload that ties a thing to the fault."""
        return chain_samples.payload(self.chain, link, mark, **changes)

    def thing(self, link, name, begin, end=None, ours=True, **changes):
        """Return a thing of a link.

        :param end: of a link that lasts
        :param changes: of its payload; one that has no such key when it
            begins has none then
        """
        begun = self.payload(link, STARTED)
        return Thing(
            link, name, begin, begin if not link.lasting else end,
            {**begun, **{key: value for key, value in changes.items()
                         if key in begun}},
            self.payload(link, **changes), ours)

    def misnamed(self, link):
        """Return changes that name another origin; empty without one."""
        return {origin.key: 'nobody' for origin in link.origins
                if self.chain.link(origin.link) is not None}

    def finish(self):
        """Make all that happens of the times, and what happens beside."""
        for link in self.chain.links[:-1]:
            end = self.times.get((link, FINISHED), INF)
            begin = self.times.get((link, STARTED), INF) if (
                link.lasting) else end
            if min(begin, end) < INF and link not in self.hidden:
                self.things.append(dataclasses.replace(
                    self.thing(link, '%s-id' % link.name, begin, end,
                               **self.changes.get(link, {})),
                    failed=self.failed.get(link, INF),
                    unstarted=link in self.unstarted))
        if self.has(Noise.REPEATED):
            self.things += [again for thing in self.things
                            for again in self._repeated(thing)]
        self.things += self.extra
        if self.has(Noise.FOREIGN):
            self.things += self._foreign()
        self.things = [self._displayed(thing) for thing in self.things]
        self._add_spells()
        self._set_answers()

    def repeated(self, thing, number):
        """Return another one like it, which comes to nothing."""
        begin = self.soon(thing.begin if thing.begin < INF else thing.end)
        return dataclasses.replace(
            thing, name='%s-again-%d' % (thing.link.name, number),
            begin=begin, end=INF if thing.link.lasting else begin,
            failed=self.rng.choice((INF, self.soon(begin)))
            if thing.link.lasting else INF,
            unstarted=False)

    def _repeated(self, thing):
        if thing.failed == INF:
            for number in range(self.rng.randint(0, 2)):
                yield dataclasses.replace(self.repeated(thing, number),
                                          ours=thing.ours)

    def _foreign(self):
        """Yield much the same for others."""
        for link in self.chain.links:
            for changes in chain_samples.PAYLOADS[link].foreign:
                begin = self.rng.uniform(
                    self.injecting + 0.01, self.last() + self.slack)
                yield self.thing(
                    link, 'foreign-%s' % link.name, begin,
                    self.rng.choice((INF, self.soon(begin))), False,
                    **changes)

    def _displayed(self, thing):
        shown = min(thing.begin, thing.end)
        lag = self.lag if not thing.link.lasting and (
            thing.link is not self.chain.goal) else 0.0
        shown += self.rng.uniform(0, lag)
        brief = self.has(Noise.FORGOTTEN) and not thing.link.lasting and (
            thing.failed == INF)
        return dataclasses.replace(
            thing, shown=shown if thing.end < INF or thing.begin < INF
            else thing.failed, lag=lag,
            gone=shown + self.slack if brief else INF)

    def _add_spells(self):
        moments = [self.first, *(moment for moment in self.times.values()
                                 if moment < INF)]
        for link in self.rng.sample(self.chain.links[:-1], 1) if (
                self.spell) else ():
            begin = max(self.origin, self.rng.choice(moments)
                        + self.rng.uniform(-1, 1) * self.spell)
            self.spells.append(Spell(link, begin, begin + self.spell))
        self.spells += [Spell(link, begin, INF) for link, begin in self.dark]

    def _set_answers(self):
        at = self.times.get((self.chain.goal, FINISHED), INF)
        down = min([self.down, at, *(begin for begin, _ in self.guests)])
        answers = [(-INF, (UNCHANGED,)), (down, None)]
        if at < INF:
            answers.append((at, (self.right,)))
        self.answers = sorted((*answers, *self.guests),
                              key=lambda pair: pair[0])
        self._turn = 0

    def answering(self, moment):
        """Return the guest that answers at a moment, None for nobody."""
        guests = [guests for begin, guests in self.answers
                  if begin <= moment][-1]
        if guests is None:
            return None
        self._turn += 1
        return guests[self._turn % len(guests)]

    def moments(self, evidence):
        """Return when the event of an evidence may have happened in truth.

        :returns: list, empty where nobody can say
        """
        if evidence.object_id.startswith('boot-'):
            ambiguous = self.guests or self.has(Noise.LOSSES)
            return [] if ambiguous or evidence.object_id != (
                self.right.boot) else [self.times[self.chain.goal, FINISHED]]
        return [thing.begin if evidence.mark is STARTED else thing.end
                for thing in self.things
                if (thing.link, thing.name) == (evidence.link,
                                                evidence.object_id)]

    def untold(self, lag=0.0):
        """Return the verdicts that it cannot be told what came first.

        :param lag: seconds that a watcher takes what it sees to be older
        """
        begun = {(thing.link, min(thing.begin, thing.end))
                 for thing in self.things if thing.ours}
        begun |= {(self.chain.goal, begin) for begin, guests in self.answers
                  if guests not in (None, (UNCHANGED,))}
        return {(Kind.INVALID, link) for link, begin in begun
                if begin < self.injecting + self.slack + lag}

    def expectation(self):
        """Return what the verdict is asked for."""
        return chain_samples.expected(
            self.chain, steps=self.steps, timeouts=self.timeouts,
            quiet=self.quiet, alive=self.alive, max_executions=self.most)

    @property
    def grace(self):
        """Return for how long something may repair what has failed."""
        return GRACE - self.slack
