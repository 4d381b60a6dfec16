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

"""Watching any chain, on a virtual clock: what is seen, against the truth.

:class:`Run` lets a plain watcher of each link ask a world that a
:class:`.any_stories.Story` has made, and hands what they see to the
real recorder, gates, stopping and verdict. :func:`check` compares what these
say with what is true of the story from its making.

All times are seconds on the runner's monotonic clock, which is virtual.
"""

import bisect
import dataclasses
import heapq
import itertools
import math

from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import stopping
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.tests.unit import any_stories
from self_healing_tempest_plugin.tests.unit import any_troubles
from self_healing_tempest_plugin.tests.unit import chain_samples
from self_healing_tempest_plugin import waiting
from self_healing_tempest_plugin.watching import gates
from self_healing_tempest_plugin.watching import looks
from self_healing_tempest_plugin.watching import recorders

STARTED, FINISHED = links.Mark.STARTED, links.Mark.FINISHED
Kind, Noise, INF = verdicts.Kind, any_stories.Noise, any_stories.INF

PRECISION = 1e-6

# Virtual seconds after which a watch that has not ended never will.
FOR_EVER = 2000.0

INTERVALS, LATENCIES = (0.5, 1.0, 2.0), (0.1, 0.5, 1.0)

# The plainest conditions, the plainest first.
_PLAIN = (('noise', (0,)), ('clocks', ('none', 'unknown', 'true')),
          ('latency', LATENCIES[:1]), ('interval', INTERVALS[1:2]),
          ('pace', (0, 2)), ('which', range(8)))

NOISES = (0, *Noise.EACH, Noise.ALL)


def several(rng, chain, names, number):
    """Yield conditions, of each trouble about as many.

    :param rng: :class:`random.Random`
    :param chain: name of the chain
    :param names: of the troubles
    :param number: how many
    """
    names = sorted(names)
    for index in range(number):
        yield any_stories.Conditions(
            chain, names[index % len(names)], rng.randrange(60),
            rng.randrange(5), rng.choice(INTERVALS), rng.choice(LATENCIES),
            rng.choice(any_stories.CLOCKS), rng.choice(NOISES),
            rng.randrange(2 ** 32))


class Watcher:
    """Looks at a link: all that a service shows of it at a moment.

    The service is slow, loses answers, never two of them one after the
    other, and has times of its own.
    """

    def __init__(self, link, story):
        self.link, self._story = link, story
        self._random, self._lost = story.rng.random, False
        self._loses = story.has(Noise.LOSSES)
        self._goal = link is story.chain.goal
        self.pace = looks.Pace(story.given.interval, looks.AT_ONCE,
                               0.0 if self._goal else looks.REST)
        self._things = [thing for thing in story.things
                        if thing.link is link]
        # What is shown changes at these moments, and is the same between.
        self._changes = sorted({
            moment for thing in self._things
            for moment in (thing.shown, thing.gone, thing.end, thing.failed)})
        self._looks = {}
        self._spells = [spell for spell in story.spells
                        if spell.link is link]

    def look(self, begin):
        """Ask once.

        :param begin: when
        :returns: when the answer is there, :class:`.looks.Look` or None, and
            :class:`.timelines.Probe` or None
        """
        most = self._story.slowest / 2
        at = begin + most * self._random()
        end = at + most * self._random()
        self._lost = self._loses and not self._lost and self._random() < 0.3
        for spell in self._spells:
            if spell.begin <= at < spell.end:
                return end, None, None
        if self._goal:
            return (end, *self._answer(begin, at, end))
        return end, None if self._lost else self._shown(at), None

    def _shown(self, at):
        period = bisect.bisect_right(self._changes, at)
        if period not in self._looks:
            self._looks[period] = self._shows(at)
        return self._looks[period]

    def _shows(self, at):
        shown = [thing for thing in self._things
                 if thing.shown <= at < thing.gone]
        ours = [thing for thing in shown if thing.ours]
        failed = ours and all(thing.failed <= at for thing in ours)
        return looks.Look(
            '%d things' % len(shown),
            tuple(sighting for thing in shown
                  for sighting in self._sightings(thing, at)),
            failure='%s has failed' % ours[0].name if failed else '',
            object_id=ours[0].name if failed else '',
            objects=tuple(thing.name for thing in ours))

    def _sightings(self, thing, at):
        if thing.link.lasting and thing.begin < INF and not thing.unstarted:
            yield self._sighting(STARTED, thing, thing.begin)
        if thing.end <= at:
            yield self._sighting(FINISHED, thing, thing.end)

    def _sighting(self, mark, thing, moment):
        return looks.Sighting(
            mark, thing.name, thing.begun if mark is STARTED else thing.ended,
            thing.lag, self._story.stamps(thing.link, moment))

    def _answer(self, begin, at, end):
        """Return what is seen of who answers, and the request itself."""
        guest = self._story.answering(at)
        if guest is None or self._lost:
            return looks.Look('nobody', self._shown(at).sightings,
                              unreached=guest is None), timelines.Probe(
                begin, end, False, 'n', error='ConnectTimeout')
        probe = timelines.Probe(begin, end, True, 'n', guest.boot,
                                guest.server, answered=True)
        host = guest.host if guest.known <= at else None
        sightings = self._shown(at).sightings
        if guest.boot != chain_samples.IDS['boot'] or (
                host not in (None, chain_samples.IDS['host'])):
            sightings += (looks.Sighting(FINISHED, guest.boot, {
                'url': chain_samples.IDS['url'], 'boot': guest.boot,
                'server': guest.server,
                **({'host': host} if host else {})}),)
        return looks.Look('%s answers' % guest.server, sightings), probe


class Run:
    """One story, watched from beginning to end.

    :ivar story: :class:`.any_stories.Story`
    :ivar allowed: the verdicts that are right, as pairs of kind and link
    :ivar expectation: what the verdict is asked for
    :ivar now: the time; when it is over, its end
    """

    def __init__(self, given):
        """Prepare.

        :param given: :class:`.any_stories.Conditions`
        """
        trouble = any_troubles.TROUBLES[given.trouble]
        self.story = story = any_stories.Story(given, trouble.mode,
                                               trouble.without)
        allowed = trouble.tell(story)
        story.finish()
        self.allowed = allowed | story.untold()
        self.expectation = story.expectation()
        self.now, self._due, self.ended = story.origin, True, False
        self._concluded, self._events = INF, []
        self._count = itertools.count()
        self.recorder = recorders.Recorder(waiting.Clock(
            now=lambda: self.now, wall=lambda: self.now))
        self._watchers = [self.watcher(link) for link in story.chain.links]
        self._gates = {
            watcher.link: gates.Gate(watcher.link, watcher.pace,
                                     self.recorder, story.chain.steps)
            for watcher in self._watchers}

    def watcher(self, link):
        """Return who looks at a link.

        :param link: :class:`..model.links.Link`
        """
        return Watcher(link, self.story)

    def play(self):
        """Let it happen, and return the timeline.

        :raises AssertionError: when the watch never ends
        """
        story = self.story
        for problem in story.unmet:
            self.recorder.unmet(problem)
        for watcher in self._watchers:
            self._at(self.now, self._tick, watcher)
        if story.interrupted < INF:
            self._at(story.interrupted, self._end)
        if story.is_injected:
            self._at(story.injected, self.recorder.transition, 'injected',
                     story.injecting)
        self._at(story.witness, self.recorder.transition,
                 'witnessed' if story.witnessed else 'unwitnessed',
                 story.injected)
        self._at(story.witness, self._judge)
        limit = story.origin + FOR_EVER
        while self._events:
            self.now, _, call, args = heapq.heappop(self._events)
            call(*args)
            if self.now > limit and self._concluded > limit:
                raise AssertionError('the watch has not ended')
        for service, offset in story.clocks.items():
            self.recorder.clock(service, offset)
        return self.recorder.timeline()

    def _at(self, moment, call, *args):
        heapq.heappush(self._events, (moment, next(self._count), call, args))

    def _tick(self, watcher):
        if self._stopped(watcher.link):
            return
        if self._gates[watcher.link].enter():
            end, look, probe = watcher.look(self.now)
            self._at(end, self._deliver, watcher.link, self.now, look, probe)
        self._at(self.now + self.story.given.interval, self._tick, watcher)

    def _stopped(self, link):
        if self._concluded == INF:
            return self.ended
        return not link.watched_on or (
            self.now > max(self._concluded, self.story.until))

    def _deliver(self, link, begin, look, probe):
        self._gates[link].leave(look, begin)
        if probe is not None:
            self.recorder.probe(probe)
        if look is None:
            self.recorder.silence(link, begin, 'down')
        else:
            self.recorder.look(link, begin, self.now, look)
        if not self._due and self._concluded == INF and not self.ended:
            self._due = True
            pause = self.story.given.interval * any_stories.JUDGED
            waited = self.now - self.story.witness
            self._at(self.story.witness + pause * math.ceil(waited / pause),
                     self._judge)

    def _end(self):
        if self._concluded == INF:
            self.ended = True
            if self.story.told:
                self.recorder.end('it was interrupted')

    def _judge(self):
        self._due = False
        if not self.ended and stopping.over(self.recorder.timeline(),
                                            self.expectation):
            self.recorder.conclude()
            self._concluded = self.now


def check(given, kind=Run):
    """Play one story, and compare what is said of it with the truth.

    :param given: :class:`.any_stories.Conditions`
    :param kind: who plays it
    :returns: the :class:`..model.verdicts.Verdict`
    :raises AssertionError: when anything is wrong; it tells what
    """
    run = kind(given)
    seen = run.play()
    verdict = verdicts.verdict(seen, run.expectation)
    complaints = [*_wrong_verdict(run, verdict), *_wrong_times(run, seen),
                  *_wrong_objects(run, seen),
                  *_believed_lies(run, seen, verdict)]
    if complaints:
        raise AssertionError('\n'.join((*complaints, *_describe(run, seen))))
    return verdict


def simplest(given, kind=Run):
    """Return conditions that are wrong as well, and as plain as can be.

    :param given: conditions that :func:`check` complains about
    :param kind: see :func:`check`
    """
    for name, values in _PLAIN:
        for value in values:
            if value == getattr(given, name):
                break
            simpler = dataclasses.replace(given, **{name: value})
            if _is_wrong(simpler, kind):
                return simplest(simpler, kind)
    for noise in Noise.EACH:
        simpler = dataclasses.replace(given, noise=given.noise & ~noise)
        if simpler != given and _is_wrong(simpler, kind):
            return simplest(simpler, kind)
    return given


def _is_wrong(given, kind):
    try:
        check(given, kind)
    except AssertionError:
        return True
    return False


def _wrong_verdict(run, verdict):
    if (verdict.kind, verdict.link) not in run.allowed:
        yield 'wrong verdict: %s; right: %s' % (verdict, ' or '.join(
            '%s %s' % (kind.name, link and link.name)
            for kind, link in run.allowed))
    story = run.story
    if verdict.kind is Kind.HEALED and story.took is not None:
        if not story.took - PRECISION <= verdict.seconds <= (
                story.took + story.slack):
            yield 'it took %s, not %s' % (story.took, verdict.seconds)


def _wrong_times(run, seen):
    """Yield what did not happen when the evidence says that it did."""
    truthful = run.story.given.clocks != 'lying'
    for evidence in seen.evidence:
        moments = run.story.moments(evidence)
        polls = timelines.Interval(evidence.earliest, evidence.seen_at)
        told = seen.when(evidence)
        if told.meet(polls) != told:
            yield '%s: %s is not within %s' % (evidence.link, told, polls)
        for interval in (polls, told)[:1 + truthful]:
            if moments and not any(
                    interval.begin - PRECISION <= moment
                    <= interval.end + PRECISION for moment in moments):
                yield '%s %s: none of %s is within %s' % (
                    evidence.link, evidence.object_id, moments, interval)
    if truthful and seen.disbelieved():
        yield 'truthful clocks are not believed'


def _wrong_objects(run, seen):
    """Yield a complaint when what was surely seen was not counted."""
    story = run.story
    if story.dark or run.ended:
        return
    for link in story.chain.links[:-1]:
        ours = {thing.name: thing.begin for thing in story.things
                if thing.link is link and thing.ours}
        counted = set(seen.objects.get(link, ()))
        until = (seen.concluded or INF) - story.slack
        certain = {name for name, begin in ours.items() if begin < until}
        if not certain <= counted <= set(ours):
            yield '%s: %s were counted of %s' % (link, sorted(counted), ours)


def _believed_lies(run, seen, verdict):
    """Yield a complaint when the clocks of services make the verdict."""
    clockless = verdicts.verdict(dataclasses.replace(seen, clocks={}),
                                 run.expectation)
    # What was just before or after the fault, a clock may tell.
    unsure = {kind for kind, _ in (*run.story.untold(), *run.allowed)}
    if clockless != verdict and Kind.INVALID not in unsure:
        yield 'without any clock the verdict is another: %s' % clockless


def _describe(run, seen):
    """Yield what there is to know about a case, all times from its origin."""
    story, origin = run.story, run.story.origin
    yield '%s, slack %.2f' % (story.given, story.slack)
    yield 'injected from %.2f to %.2f, witnessed at %.2f' % tuple(
        moment - origin for moment in (story.injecting, story.injected,
                                       story.witness))
    yield 'timeouts %s, quiet %.2f, steps %s' % (
        {name: round(seconds, 2) for name, seconds
         in story.timeouts.items()}, run.expectation.quiet,
        [(step.link, step.mark.value) for step in run.expectation.steps])
    for thing in story.things:
        yield '%s %s: %.2f to %.2f, shown from %.2f to %.2f, %s, %s' % (
            thing.link, thing.name, thing.begin - origin, thing.end - origin,
            thing.shown - origin, thing.gone - origin,
            'ours' if thing.ours else 'foreign', dict(thing.ended))
    for moment, guests in story.answers:
        yield 'from %.2f answer %s' % (moment - origin, guests)
    yield from map(str, story.spells)
    for evidence in seen.evidence:
        yield 'seen: %s %s %s: %.2f to %.2f' % (
            evidence.link, evidence.mark.value, evidence.object_id,
            evidence.earliest - origin, evidence.seen_at - origin)
    yield 'concluded at %.2f, over at %.2f' % (
        (seen.concluded or INF) - origin, run.now - origin)
    yield from map(str, seen.failures)
    yield from ('%s %s' % pair for pair in seen.watched.items())
