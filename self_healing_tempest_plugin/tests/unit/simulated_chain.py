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

"""A discrete-event model of watching a cloud that heals an application.

:class:`Run` lets the real watchers ask a simulated cloud, as often and as
much side by side as the real watch does, and hands what they see to the real
recorder, outlook and verdict; only the time and the services are not real.
:func:`check` compares what they say with the truth.

All times are seconds on the runner's monotonic clock, which is virtual.
"""

import dataclasses
import functools
import heapq
import itertools
import math

from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.links.application import (
    watcher as application_link)
from self_healing_tempest_plugin.links.heat_stack import watcher as heat_stack
from self_healing_tempest_plugin.links.mistral_workflow import (
    watcher as mistral_workflow)
from self_healing_tempest_plugin.links.monitor_alarm import (
    watcher as monitor_alarm)
from self_healing_tempest_plugin.links.vitrage_deduction import (
    watcher as vitrage_deduction)
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import outages
from self_healing_tempest_plugin.model import stopping
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.tests.unit import simulated_hostility
from self_healing_tempest_plugin.tests.unit import simulated_services
from self_healing_tempest_plugin.tests.unit import simulated_stories
from self_healing_tempest_plugin.tests.unit import simulated_world
from self_healing_tempest_plugin import waiting
from self_healing_tempest_plugin.watching import gates
from self_healing_tempest_plugin.watching import recorders
from self_healing_tempest_plugin.watching import watch

Link, Mark, Kind = vitrage, links.Mark, verdicts.Kind
INF, OLD, NEW = simulated_world.INF, simulated_world.OLD, simulated_world.NEW

_MONITOR = monitors.of(dataclasses.replace(host_samples.SETTINGS,
                                           monitor=simulated_world.MONITOR))

# Times of the model are compared as stamps of about EPOCH allow.
PRECISION = 1e-5

# Virtual seconds after which a watch that has not ended never will.
FOR_EVER = 1000.0

# What a poll that does not end has come to.
_GIVEN_UP = errors.ServiceUnavailable('somebody', 'answer', 'no end')

# Virtual seconds between the look at how it was before and the watch.
LONG_BEFORE = 30.0

INTERVALS, LATENCIES = (1.5, 2.5, 4.0), (0.1, 0.6, 1.5)

# The plainest conditions, the plainest first.
_PLAIN = (('noise', (0,)), ('clocks', ('true', 'unknown')),
          ('latency', LATENCIES[:1]), ('interval', INTERVALS[:1]),
          ('pace', (0, 2)))

# None, each, each two of them, and all.
NOISES = sorted({first | second for first in simulated_stories.Noise.EACH
                 for second in simulated_stories.Noise.EACH}
                | {0, simulated_stories.Noise.ALL})


def by_chance(rng, troubles):
    """Return :class:`Conditions`.

    :param rng: :class:`random.Random`
    :param troubles: names of the troubles
    """
    return simulated_stories.Conditions(
        rng.choice(sorted(troubles)), rng.randrange(60), rng.randrange(5),
        rng.choice(INTERVALS), rng.choice(LATENCIES),
        rng.choice(simulated_world.CLOCKS), rng.choice(NOISES),
        rng.randrange(2 ** 32))


def several(rng, troubles, number):
    """Yield :class:`Conditions`, of each trouble about as many.

    :param rng: :class:`random.Random`
    :param troubles: names of the troubles
    :param number: how many
    """
    names = sorted(troubles)
    for index in range(number):
        yield by_chance(rng, [names[index % len(names)]])


class Run:
    """One story, watched from beginning to end.

    :ivar story: the :class:`Story`
    :ivar world: its :class:`World`
    :ivar expectation: what the verdict is asked for
    :ivar allowed: the verdicts that are right
    :ivar recorder: the real one
    :ivar ended: whether the watch ended before the verdict was sure
    :ivar now: the time; when it is over, its end
    """

    def __init__(self, given):
        """Prepare.

        :param given: :class:`Conditions`
        """
        trouble = simulated_hostility.TROUBLES[given.trouble]
        self.story = story = simulated_stories.Story(given, trouble.links,
                                                     trouble.without)
        self.allowed = trouble.tell(story)
        self.expectation = story.expectation()
        self.world = simulated_stories.world(story)
        self.allowed = self.allowed | untold(story, self.world)
        self.now, self.ended = story.origin - LONG_BEFORE, False
        self.prepare()

    def prepare(self):
        """Make who watches."""
        story = self.story
        self.recorder = recorders.Recorder(waiting.Clock(
            now=lambda: self.now,
            wall=lambda: simulated_world.EPOCH + self.now))
        self._requests = simulated_services.Requests(
            self.world, story.rng, story.slowest)
        self._watchers = self._watch()
        self._gates = {
            watcher.link: gates.Gate(watcher.link, watcher.pace,
                                     self.recorder, vitrage.CHAIN.steps)
            for watcher in self._watchers}
        self._events, self._count = [], itertools.count()
        self._concluded, self._due = INF, True
        self._refused = {}
        self.now = story.origin

    def _watch(self):
        """Return the watchers, who look at how it was before."""
        world, requests, story = self.world, self._requests, self.story
        requests.poll = simulated_services.Poll(story.origin - LONG_BEFORE)
        return watching(world, requests, simulated_services.Application(
            world, requests, story.rng,
            story.has(simulated_stories.Noise.LOSSES)))

    def play(self):
        """Let it happen, and return the timeline.

        :raises AssertionError: when the watch never ends
        """
        for watcher in self._watchers:
            self._at(self.now, self._tick, watcher)
        story = self.story
        if story.interrupted < INF:
            self._at(story.interrupted, self._end, KeyboardInterrupt())
        self._at(story.injected, self.recorder.transition, 'injected',
                 story.injecting)
        self._at(story.witness, self.recorder.transition,
                 'witnessed' if story.witnessed else 'unwitnessed',
                 story.injected)
        self._at(story.witness, self._judge)
        while self._events:
            self.now, _, call, args = heapq.heappop(self._events)
            call(*args)
            if min(self.now, self._concluded) > story.origin + FOR_EVER:
                raise AssertionError('the watch has not ended')
        self._measure_clocks()
        return self.recorder.timeline()

    def _at(self, time, call, *args):
        heapq.heappush(self._events, (time, next(self._count), call, args))

    def _tick(self, watcher):
        if self._stopped(watcher.link):
            return
        if self._gates[watcher.link].enter():
            self._ask(watcher)
        self._at(self.now + self.story.given.interval, self._tick, watcher)

    def _stopped(self, link):
        if self._concluded == INF:
            return self.ended
        return link not in (Link.WORKFLOW, Link.APPLICATION) or (
            self.now > max(self._concluded, self.story.until))

    def _ask(self, watcher):
        poll = self._requests.poll = simulated_services.Poll(self.now)
        try:
            look = watcher.look(poll)
        except Exception as error:
            look = error
        end = poll.time
        if end > self.now + simulated_services.PATIENCE:
            end = self.now + simulated_services.PATIENCE
            look, poll.probes = _GIVEN_UP, []
        self._at(end, self._deliver, watcher.link, self.now, poll, look)

    def _deliver(self, link, begin, poll, look):
        answered = not isinstance(look, Exception)
        self._gates[link].leave(look if answered else None, begin)
        for probe in poll.probes:
            self.recorder.probe(probe)
        if answered:
            self._refused.pop(link, None)
            self.recorder.look(link, begin, self.now, look)
        elif self._passes(link, begin, look):
            self.recorder.silence(link, begin, look)
        else:
            self._end(look)
        if not self._due and self._concluded == INF and not self.ended:
            self._due = True
            waited = self.now - self.story.witness
            self._at(self.story.witness + (
                simulated_stories.OVER_INTERVAL * math.ceil(
                    waited / simulated_stories.OVER_INTERVAL)), self._judge)

    def _passes(self, link, begin, error):
        """Return whether a poll that broke may be one without an answer."""
        if isinstance(error, errors.ServiceUnavailable):
            return True
        since = self._refused.setdefault(link, begin)
        return isinstance(error, errors.ServiceError) and (
            self.now < since + watch.REFUSED)

    def _end(self, error):
        """End the watch before the verdict is sure."""
        if self._concluded == INF and not self.ended:
            self.ended = True
            if self.story.told:
                self.recorder.end(watch.reason(error))

    def _judge(self):
        self._due = False
        if self.ended:
            return
        if stopping.over(self.recorder.timeline(), self.expectation):
            self.recorder.conclude()
            self._concluded = self.now
            for watcher in self._watchers:
                if (self._stopped(watcher.link)
                        and self.recorder.unstamped(watcher.link)):
                    self._ask(watcher)

    def _measure_clocks(self):
        for service, clock in self.world.clocks.items():
            for at in (self.story.origin - LONG_BEFORE, self.now):
                offset = clock.measure(self.story.rng, at)
                if offset is not None:
                    self.recorder.clock(service, offset)


def watching(world, requests, application):
    """Return the real watchers of a world.

    :param world: :class:`.simulated_world.World`
    :param requests: :class:`.simulated_services.Requests`
    :param application: what they know of :class:`..application.Application`
    """
    vitrage = simulated_services.vitrage_client(world, requests)
    nova = simulated_services.nova_client(world, requests)
    asked = application_link.ApplicationWatcher(application, OLD.boot, nova)
    # As often as all others: ten times a second is too much for a model.
    asked.pace = dataclasses.replace(asked.pace, interval=None)
    return (
        monitor_alarm.AlarmWatcher(vitrage, simulated_world.HOST_ENTITY,
                                   _MONITOR, simulated_world.HOST_ALARM),
        vitrage_deduction.DeductionWatcher(
            vitrage, simulated_world.SERVER_ENTITY,
            simulated_world.DEDUCED_ALARM),
        mistral_workflow.WorkflowWatcher(
            simulated_services.mistral_client(world, requests),
            simulated_world.WORKFLOW, OLD.server),
        heat_stack.StackWatcher(
            simulated_services.heat_client(world, requests), nova,
            simulated_world.STACK, OLD.server, requests.together),
        asked)


def untold(story, world):
    """Return the verdicts that it cannot be told what came first.

    :returns: pairs of kind and link, of what came that soon after the fault
    """
    def soon(link, begins):
        return any(story.origin - LONG_BEFORE < begin
                   < story.injecting + story.untold(link)
                   for begin in begins)

    came = {
        Link.ALARM: [alarm.begin for alarm in world.alarms if (
            alarm.entity, alarm.name) == (simulated_world.HOST_VID,
                                          simulated_world.HOST_ALARM)],
        Link.DEDUCTION: [alarm.begin for alarm in world.alarms if (
            alarm.entity, alarm.name) == (simulated_world.SERVER_VID,
                                          simulated_world.DEDUCED_ALARM)],
        Link.WORKFLOW: [execution.begin for execution in world.executions
                        if execution.server_id == OLD.server],
        Link.STACK: [update.begin for update in world.updates],
        Link.APPLICATION: [story.answered]}
    return {(Kind.INVALID, link) for link, begins in came.items()
            if soon(link, begins)}


def check(given, kind=Run):
    """Play one case, and compare what is said of it with the truth.

    :param given: :class:`Conditions`
    :param kind: who plays it
    :returns: the :class:`..verdict.Verdict`
    :raises AssertionError: when anything is wrong; it tells what
    """
    run = kind(given)
    seen = run.play()
    verdict = verdicts.verdict(seen, run.expectation)
    complaints = [
        *_wrong_verdict(run, verdict), *_wrong_times(run, seen),
        *_wrong_executions(run, seen), *_wrong_outage(run, seen),
        *_wrong_remarks(run, seen),
        *_believed_lies(run, seen, verdict)]
    if complaints:
        raise AssertionError('\n'.join((*complaints, *_describe(run, seen))))
    return verdict


def simplest(given, kind=Run):
    """Return conditions that are wrong as well, and as plain as can be.

    :param given: :class:`Conditions` that :func:`check` complains about
    :param kind: see :func:`check`
    """
    for name, values in _PLAIN:
        for value in values:
            if value == getattr(given, name):
                break
            simpler = dataclasses.replace(given, **{name: value})
            if _is_wrong(simpler, kind):
                return simplest(simpler, kind)
    for noise in simulated_stories.Noise.EACH:
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
    if verdict.kind is Kind.HEALED and not story.wired:
        took = min((time for time, answer in run.world.answers
                    if answer is NEW), default=INF) - story.injecting
        if not took <= verdict.seconds <= took + story.slack:
            yield 'it took %s, not %s' % (took, verdict.seconds)


def _wrong_times(run, seen):
    """Yield what did not happen when the evidence says that it did."""
    losses = run.story.has(simulated_stories.Noise.LOSSES)
    for evidence in seen.evidence:
        if evidence.link is Link.APPLICATION and (
                losses or evidence.object_id != NEW.boot):
            # That a request is lost looks as if nobody answered any more. Who
            # has answered for a while only may have gone when a later poll
            # began; and that the old server was moved, Nova has to say first.
            continue
        polls = timelines.Interval(evidence.earliest, evidence.seen_at)
        told = seen.when(evidence)
        if told.meet(polls) != told:
            yield '%s: %s is not within %s' % (evidence.link.name, told, polls)
        happened = _happened(run, evidence)
        if not any(map(functools.partial(_holds, polls), happened)):
            yield '%s %s: none of %s is within %s' % (
                evidence.link.name, evidence.object_id, happened, polls)
        elif run.story.given.clocks != 'lying' and not any(
                map(functools.partial(_holds, told), happened)):
            yield '%s %s: none of %s is within what is told, %s' % (
                evidence.link.name, evidence.object_id, happened, told)
    if run.story.given.clocks != 'lying' and seen.disbelieved():
        yield 'truthful clocks are not believed'


def _wrong_remarks(run, seen):
    """Yield a complaint when what was seen for certain is not told."""
    told = verdicts.remarks(seen, run.expectation)
    if not any(run.story.remarked in remark for remark in ('', *told)):
        yield '%s is not among %s' % (run.story.remarked, told)


def _holds(interval, time):
    return interval.begin - PRECISION <= time <= interval.end + PRECISION


def _happened(run, evidence):
    """Return when the event of an evidence may have happened in truth."""
    world, name = run.world, evidence.object_id
    started = evidence.mark is Mark.STARTED
    if evidence.link is Link.WORKFLOW:
        return [execution.begin if started else execution.end
                for execution in world.executions if execution.id == name]
    if evidence.link is Link.STACK:
        return [update.begin if started else update.end
                for update in world.updates
                if update.begin > run.story.origin - LONG_BEFORE]
    if evidence.link is Link.APPLICATION:
        return [time for time, answer in world.answers if answer]
    return [alarm.begin for alarm in world.alarms if alarm.id == name]


def _wrong_executions(run, seen):
    """Yield a complaint when not all executions were counted, or too many."""
    story = run.story
    began = {execution.id: execution.begin
             for execution in run.world.executions
             if execution.server_id == OLD.server
             and execution.begin > story.origin - LONG_BEFORE}
    counted = set(seen.objects.get(Link.WORKFLOW, ()))
    certain = set() if story.dark or story.spells or run.ended else {
        name for name, begin in began.items()
        if begin <= run.now - 2 * story.slack}
    if not certain <= counted <= set(began):
        yield '%s were counted of %s' % (sorted(counted), began)


def _wrong_outage(run, seen):
    """Yield a complaint when the outage was not when it was said to be."""
    story = run.story
    down = min(max(story.down, story.fault), story.answered)
    one_outage = not story.late_answers and (
        story.answer == simulated_world.NEW) and (
            not story.has(simulated_stories.Noise.LOSSES))
    if (not one_outage or story.answered - down < 2 * story.slack
            or story.answered > run.now - story.slack):
        return
    outage = outages.service(seen).outage
    if outage is None or not _holds(outage.begin, down) or (
            outage.end is None or not _holds(outage.end, story.answered)):
        yield 'the outage from %s to %s was seen as %s' % (
            down, story.answered, outage)


def _believed_lies(run, seen, verdict):
    """Yield a complaint when the clocks of services make the verdict."""
    if run.story.given.clocks == 'lying':
        clockless = verdicts.verdict(dataclasses.replace(seen, clocks={}),
                                     run.expectation)
        # A lie that the polls do not contradict is as good as the truth.
        unsure = untold(run.story, run.world) & {
            (judged.kind, judged.link) for judged in (verdict, clockless)}
        if clockless != verdict and not unsure:
            yield 'without any clock the verdict is another: %s' % clockless


def _describe(run, seen):
    """Yield what there is to know about a case, all times from its origin."""
    origin = run.story.origin
    yield '%s, slack %.2f' % (run.story.given, run.story.slack)
    yield 'timeouts %s' % {link.name: round(seconds, 2) for link, seconds
                           in run.story.timeouts.items()}
    for name in ('injecting', 'injected', 'alarm', 'deduced', 'created',
                 'begun', 'done', 'ended', 'answered', 'gone', 'until'):
        yield '%s at %.2f' % (name, getattr(
            run.world if name == 'gone' else run.story, name) - origin)
    for period in (*run.world.alarms, *run.world.executions,
                   *run.world.updates, *run.world.spells):
        yield str(dataclasses.replace(
            period, begin=period.begin - origin, end=period.end - origin))
    for evidence in seen.evidence:
        told = seen.when(evidence)
        yield '%s %s %s: %.2f to %.2f, told %.2f to %.2f' % (
            evidence.link.name, evidence.mark.value, evidence.object_id,
            evidence.earliest - origin, evidence.seen_at - origin,
            told.begin - origin, told.end - origin)
    yield 'concluded at %.2f, over at %.2f' % (
        (seen.concluded or INF) - origin, run.now - origin)
    yield from map(str, seen.failures)
    yield from ('%s %s' % pair for pair in seen.watched.items())
