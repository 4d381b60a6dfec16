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

"""Collects what several threads see of one run."""

import collections
import dataclasses
import math
import threading
import types

from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin import waiting

# Different sightings that are kept of one mark. A stranger may answer with a
# new name each time; a remark says that there were more.
MOST_SIGHTINGS = 100

_UNWATCHED = timelines.Watched()


class Recorder:
    """Collects what several threads see into one timeline."""

    def __init__(self, clock=waiting.CLOCK):
        self._clock = clock
        self._lock = threading.Lock()
        self._origin, self._began = clock.now(), clock.wall()
        self._lists = {name: [] for name in (
            'transitions', 'evidence', 'probes', 'unmet', 'details')}
        # What of them was in the last timeline; all but the evidence only
        # grow.
        self._tuples = dict.fromkeys(self._lists, ())
        # Where in the list the evidence of an object is, by its key, and how
        # much there is of a link and mark: it is asked for at each poll.
        self._places, self._sighted = {}, collections.Counter()
        # What the last look at each link has shown.
        self._shown = {}
        self._failures = {}
        self._remarks = {}
        self._watched = {}
        self._looked = {}
        self._objects = {}
        self._clocks = {}
        self._concluded = None
        self._ended = ''

    def now(self):
        """Return the time that the records are stamped with."""
        return self._clock.now()

    def has(self, link, mark):
        """Return whether there is evidence of a link and mark."""
        with self._lock:
            return (link, mark) in self._sighted

    def injecting(self):
        """Return when the injection began, None as long as it is not over."""
        with self._lock:
            return next((step.begin for step in self._lists['transitions']
                         if step.name == 'injected'), None)

    def unstamped(self, link):
        """Return whether no service has told the time of what was seen."""
        with self._lock:
            return any(evidence.link is link and not evidence.stamps
                       for evidence in self._lists['evidence'])

    def timeline(self):
        """Return all that was recorded so far, frozen."""
        with self._lock:
            lists = self._tuples
            for name, values in self._lists.items():
                if len(lists[name]) != len(values):
                    lists[name] = tuple(values)
            return timelines.Timeline(
                origin=self._origin, began=self._began,
                concluded=self._concluded, ended=self._ended,
                remarks=tuple(self._remarks.values()),
                failures=tuple(self._failures.values()),
                watched=types.MappingProxyType(dict(self._watched)),
                objects=types.MappingProxyType(dict(self._objects)),
                clocks=types.MappingProxyType(dict(self._clocks)), **lists)

    def conclude(self):
        """Freeze what the verdict is made of; the first call counts.

        Probes and transitions are recorded further on: a fault has to be
        taken back, and the old guest may come back with its host. So are the
        ids of what comes late, the clocks and the details; and a poll may
        still narrow the time of what another poll saw.
        """
        with self._lock:
            if not self._over():
                self._concluded = self.now()

    def end(self, why):
        """Note that the watch ends before the verdict is sure.

        What was seen by then stays, and nothing is added but what
        :meth:`conclude` lets through. Of several reasons the first counts,
        and after the conclusion none does.

        :param why: what ended it, for people
        """
        with self._lock:
            if not self._over():
                self._ended = why or 'nobody knows why'

    def _over(self):
        return self._concluded is not None or bool(self._ended)

    def unmet(self, precondition):
        """Record a precondition that does not hold."""
        with self._lock:
            if not self._over():
                self._lists['unmet'].append(precondition)

    def transition(self, name, begin, detail=''):
        """Record a step of the fault that began at ``begin`` and is over."""
        with self._lock:
            self._lists['transitions'].append(
                timelines.Transition(name, begin, self.now(), detail))

    def probe(self, probe):
        """Record a request to the application."""
        with self._lock:
            self._lists['probes'].append(probe)

    def remark(self, key, text):
        """Record a remark; a later remark of the same key replaces it."""
        with self._lock:
            self._remarks[key] = text

    def clock(self, service, offset):
        """Record what was measured of the clock of a service.

        A second measurement widens the first: in between the clock may have
        been anywhere from the first to the second.

        :param offset: :class:`..model.timelines.Offset`
        """
        with self._lock:
            known = self._clocks.get(service)
            self._clocks[service] = offset if known is None else known.hull(
                offset)

    def detail(self, detail):
        """Record what a service told afterwards.

        :param detail: :class:`..model.timelines.Detail`
        """
        with self._lock:
            self._lists['details'].append(detail)

    def silence(self, link, begin, error):
        """Record a poll of a link that got no answer."""
        with self._lock:
            if not self._over():
                self._count(link, begin, 'no answer: %s' % error, errors=1)

    def look(self, link, begin, end, look):
        """Record an answered poll of a link.

        Polls come in the order in which they end, and may have begun in
        another order. An object may be gone in the next moment, so that a
        poll that does not see it says that the object was not there before
        only where that poll was over when the poll that sees it began.

        :param begin: when the poll began
        :param end: when it had its answer
        :param look: a :class:`.looks.Look`
        """
        with self._lock:
            if look.objects:
                known = self._objects.get(link, ())
                if known != look.objects:
                    self._objects[link] = tuple(dict.fromkeys(
                        (*known, *look.objects)))
            new = look.sightings != self._shown.get(link)
            if new:
                for sighting in look.sightings:
                    self._complete(link, sighting)
                self._shown[link] = look.sightings
            if not self._over():
                if new:
                    seen_at = end if look.seen_at is None else look.seen_at
                    for sighting in look.sightings:
                        self._sight(link, sighting, begin, seen_at)
                if (look.failure or link in self._failures) and (
                        begin >= self._answered(link)):
                    self._fail(link, look, end)
                self._count(link, begin, look.state, answered=begin)
            self._looked.setdefault(link, []).append((begin, end))

    def _answered(self, link):
        watched = self._watched.get(link)
        return -math.inf if watched is None or watched.answered is None else (
            watched.answered)

    def _count(self, link, begin, state, errors=0, answered=None):
        before = self._watched.get(link, _UNWATCHED)
        newest = before.last_begin is None or begin >= before.last_begin
        if answered is None or (before.answered is not None
                                and before.answered > answered):
            answered = before.answered
        self._watched[link] = timelines.Watched(
            before.polls + 1, before.errors + errors,
            begin if newest else before.last_begin,
            state if newest else before.state, answered)

    def _sight(self, link, sighting, begin, end):
        places = self._places.setdefault(_key(link, sighting), [])
        evidence = self._lists['evidence']
        if any(_same(sighting, evidence[place]) for place in places):
            return
        mark = link, sighting.mark
        if self._sighted[mark] >= MOST_SIGHTINGS:
            self._remarks['too many', link] = (
                'more than %d different sightings of %s %s; the first of '
                'them are kept' % (MOST_SIGHTINGS, link.name,
                                   sighting.mark.value))
            return
        self._sighted[mark] += 1
        places.append(len(evidence))
        evidence.append(timelines.Evidence(
            link, sighting.mark, sighting.object_id,
            self._last_without(link, begin), end, _frozen(sighting.payload),
            sighting.lag, sighting.stamps))

    def _last_without(self, link, before):
        """Return when the last poll began that was over at a moment."""
        return max((begin for begin, end in self._looked.get(link, ())
                    if end <= before), default=self._origin)

    def _complete(self, link, sighting):
        # What a service says of an object may be there only after the object
        # itself.
        evidence = self._lists['evidence']
        for place in self._places.get(_key(link, sighting), ()):
            if _same(sighting, evidence[place]):
                completed = _completed(evidence[place], sighting)
                if completed is not evidence[place]:
                    evidence[place] = completed
                    self._tuples['evidence'] = ()

    def _fail(self, link, look, end):
        # A failure that has gone is none: another execution may be at work.
        known = self._failures.pop(link, None)
        if look.failure:
            same = known is not None and known.why == look.failure
            self._failures[link] = known if same else timelines.Failure(
                link, look.object_id, end, look.failure)


class Several:
    """Records what happens to several runs at once: their one fault."""

    def __init__(self, recorders):
        """Keep the recorders.

        :param recorders: tuple of :class:`Recorder` with the same clock
        """
        self._recorders = recorders

    def now(self):
        """See :meth:`Recorder.now`."""
        return self._recorders[0].now()

    def transition(self, name, begin, detail=''):
        """See :meth:`Recorder.transition`."""
        for recorder in self._recorders:
            recorder.transition(name, begin, detail)

    def clock(self, service, offset):
        """See :meth:`Recorder.clock`."""
        for recorder in self._recorders:
            recorder.clock(service, offset)

    def remark(self, key, text):
        """See :meth:`Recorder.remark`."""
        for recorder in self._recorders:
            recorder.remark(key, text)


def _frozen(payload):
    return types.MappingProxyType(dict(payload))


def _key(link, sighting):
    """Return what evidence must have in common with a sighting."""
    return link, sighting.mark, sighting.object_id


def _same(sighting, evidence):
    """Return whether a sighting is of the object that is known already.

    They have a :func:`_key` in common. A key of their payloads that only one
    of the two has makes no difference between them.
    """
    for name in evidence.link.identity:
        now, known = sighting.payload.get(name), evidence.payload.get(name)
        if now != known and None not in (now, known):
            return False
    return True


def _completed(evidence, sighting):
    """Return evidence with what a later sighting of the same object adds.

    A time belongs to it only where all else is as it was: it may be of an
    update. A value that is known late never changes.
    """
    late = {key: sighting.payload[key] for key in evidence.link.late
            if not evidence.payload.get(key) and sighting.payload.get(key)}
    timed = sighting.stamps and not evidence.stamps
    if not late and not timed:
        return evidence
    stamps, payload = evidence.stamps, {**evidence.payload, **late}
    if timed and all(sighting.payload.get(key) == value
                     for key, value in payload.items() if value is not None):
        stamps, payload = sighting.stamps, dict(sighting.payload)
    return dataclasses.replace(evidence, stamps=stamps,
                               payload=_frozen(payload))
