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

"""What a run should show, and how long that may take."""

import dataclasses
import functools
import typing

from self_healing_tempest_plugin.model import chains
from self_healing_tempest_plugin.model import links

Mark = links.Mark


class _Found:
    """What was found in the evidence that was asked about last.

    While a run is watched, and while it is judged, the same is asked of the
    same evidence many times.
    """

    def __init__(self):
        self._last = None, {}

    def about(self, evidence):
        """Return what is known of evidence, a dict that may be added to.

        :param evidence: of a timeline, a tuple
        """
        about, answers = self._last
        if about is not evidence:
            about, answers = self._last = evidence, {}
        return answers


@dataclasses.dataclass(frozen=True, kw_only=True)
class Expectation:
    """What one fault should do to one application.

    Either the application is healed, or at least its server is repaired, or
    no link comes but the named ones.

    :ivar chain: :class:`.chains.Chain` that is to heal
    :ivar fault: the fault in a few words, e.g. "host compute-1 without
        power"
    :ivar fault_look_at: where to look when no witness saw the fault
    :ivar ids: what ties compare, and what words are filled with, by name:
        ``host`` that is broken, ``server_id`` that is on it, ``boot`` id of
        that server's guest (empty where none runs), ``url`` of the
        application, ``avoid``, the host that no new server may be on (empty
        where only the server is broken), ``elsewhere``, which says that in
        words, and what the links of the chain need beside
    :ivar timeouts: seconds for each link after the link before it, by the
        link's name
    :ivar steps: what must come, tuple of :class:`.chains.Step` in the order
        in which to wait
    :ivar quiet: seconds after the last step during which nothing else may
        come; of no meaning when the server is to be repaired
    :ivar alive: whether the guest of before must still answer at the end of
        the quiet time; of no meaning when the server is to be repaired
    :ivar max_executions: how many executions may be started for the server;
        0: any number
    """

    chain: chains.Chain
    fault: str
    fault_look_at: str
    ids: typing.Mapping[str, str]
    timeouts: typing.Mapping[str, float]
    steps: tuple[chains.Step, ...]
    quiet: float = 0.0
    alive: bool = False
    max_executions: int = 0

    @functools.cached_property
    def _found(self):
        return _Found()

    @functools.cached_property
    def heals(self):
        """Return whether the application is to be healed."""
        return self.required.get(self.chain.goal) is Mark.FINISHED

    @functools.cached_property
    def repairs(self):
        """Return whether the server is to be repaired."""
        return self.required.get(self.chain.repair) is Mark.FINISHED

    @functools.cached_property
    def required(self):
        """Return the links that must come, each with its last mark."""
        return {step.link: step.mark for step in self.steps}

    @functools.cached_property
    def forbidden(self):
        """Return the links that must not come, in order."""
        if self.repairs or self.heals:
            return ()
        required = self.required
        return tuple(link for link in self.chain.links
                     if link not in required)

    @property
    def links(self):
        """Return the links that matter, in order."""
        matter = {*self.required, *self.forbidden}
        return tuple(link for link in self.chain.links if link in matter)

    def describe(self, text):
        """Return a text with what is known of this fault filled in."""
        return text.format(fault=self.fault, fault_look_at=self.fault_look_at,
                           **self.ids)

    def ties(self, evidence):
        """Return whether evidence is about this fault, by its own ids.

        :param evidence: :class:`.timelines.Evidence`
        """
        link, payload = evidence.link, evidence.payload
        if not link.ties(self.ids, payload):
            return False
        if link is self.chain.goal:
            return self.chain.healed.fits(self.ids, payload)
        # A server that is to be left alone is touched by any evidence of a
        # forbidden link.
        return link.fits(self.ids, payload) or link in self.forbidden

    def arrival(self, timeline, link, mark):
        """Return the first evidence that is about this fault, or None.

        It is tied to the evidence of other links, too: the deduced alarm, to
        the alarm that it was deduced from; the server that answers, to the
        server that the stack has got.
        """
        found, asked = self._found.about(timeline.evidence), (link, mark)
        if asked not in found:
            found[asked] = next(self.arrivals(timeline, link, mark), None)
        return found[asked]

    def arrivals(self, timeline, link, mark):
        """Return all evidence that is about this fault, an iterator.

        See :meth:`arrival`.
        """
        return (evidence for evidence in self._about(timeline, link, mark)
                if self._belongs(timeline, evidence))

    def _about(self, timeline, link, mark):
        return (evidence for evidence in timeline.evidence
                if evidence.link is link and evidence.mark is mark
                and self.ties(evidence))

    def _belongs(self, timeline, evidence):
        """Return whether evidence is tied to that of the links before it."""
        for origin in evidence.link.origins:
            if not self._comes_from(timeline, evidence, origin):
                return False
        return True

    def _comes_from(self, timeline, evidence, origin):
        earlier = self.chain.link(origin.link)
        if earlier is None:
            return True
        named = evidence.payload.get(origin.key) or ()
        named = {named} if isinstance(named, str) else {*named}
        known = self.named(timeline, earlier, origin.of)
        if not named.isdisjoint(known):
            return True
        # Which object is the right one nobody knows where none has to come,
        # and none has.
        return not origin.needed and (not named or (
            not known and earlier not in self.required))

    def named(self, timeline, link, key=''):
        """Return what all evidence about this fault tells, a frozenset.

        :param timeline: :class:`.timelines.Timeline`
        :param link: :class:`.links.Link`
        :param key: of the payload; empty: the ids of the objects
        """
        found = self._found.about(timeline.evidence)
        asked = 'named', link, key
        if asked not in found:
            found[asked] = frozenset(self._names(timeline, link, key))
        return found[asked]

    def _names(self, timeline, link, key):
        seen = self._about(timeline, link, Mark.FINISHED)
        if not key:
            return (evidence.object_id for evidence in seen)
        return (evidence.payload[key] for evidence in seen
                if key in evidence.payload)

    def had(self, timeline):
        """Return the ids of all servers that the application ever had.

        :param timeline: :class:`.timelines.Timeline`
        """
        return {self.ids['server_id']}.union(*(
            evidence.link.servers(self.ids, evidence.payload)
            for evidence in timeline.evidence))

    def revived(self, timeline):
        """Return the first answer of the old server, not healed, or None.

        Somebody has evacuated, migrated or rebuilt it, or it was booted
        again.

        :param timeline: :class:`.timelines.Timeline`
        :returns: :class:`.timelines.Evidence` of the application
        """
        return next((answer for answer in self._answers(timeline)
                     if self.chain.healed.revived(self.ids, answer.payload)),
                    None)

    def touched(self, timeline):
        """Return the first answer that is not of the guest of before, or None.

        An answer from another boot is not, from whichever server and host:
        where no server is to be healed, that is enough to know.

        :param timeline: :class:`.timelines.Timeline`
        :returns: :class:`.timelines.Evidence` of the application
        """
        return next((
            answer for answer in self._answers(timeline)
            if answer.payload.get('boot') not in (None, '', self.ids['boot'])
            or self.chain.healed.revived(self.ids, answer.payload)), None)

    def strange(self, timeline):
        """Return the first answer of a server that is not known, or None.

        :param timeline: :class:`.timelines.Timeline`
        :returns: :class:`.timelines.Evidence` of the application
        """
        known = self.had(timeline)
        return next((answer for answer in self._answers(timeline)
                     if answer.payload.get('server') not in known), None)

    def returned(self, timeline):
        """Return the first good answer after the fault that was not as before.

        :param timeline: :class:`.timelines.Timeline`
        :returns: :class:`.timelines.Evidence` of the application, or None
        """
        return next(iter(self._answers(timeline)), None)

    def _answers(self, timeline):
        goal = self.chain.goal
        return [evidence for evidence in timeline.evidence
                if evidence.link is goal
                and goal.ties(self.ids, evidence.payload)]

    def unexpected(self, timeline):
        """Return the first evidence of a forbidden link, or None."""
        if not self.forbidden:
            return None
        found = self._found.about(timeline.evidence)
        if 'unexpected' not in found:
            found['unexpected'] = self._unexpected(timeline)
        return found['unexpected']

    def _unexpected(self, timeline):
        forbidden = self.forbidden
        return min((evidence for evidence in timeline.evidence
                    if evidence.link in forbidden and self.ties(evidence)),
                   key=lambda evidence: (
                       evidence.seen_at, self.chain.index(evidence.link)),
                   default=None)

    def quiet_end(self, timeline):
        """Return until when no forbidden link may come.

        The quiet time runs from the last step, and where nothing is to
        come, from the end of the injection.

        :param timeline: :class:`.timelines.Timeline` of an injected fault
        :returns: seconds on the runner's monotonic clock, None as long as a
            step is missing
        """
        arrivals = [self.arrival(timeline, link, mark)
                    for link, mark in self.required.items()]
        if None in arrivals:
            return None
        injected = timeline.transition('injected').end
        return self.quiet + max([injected, *(arrival.seen_at
                                             for arrival in arrivals)])

    def lived(self, timeline):
        """Return an answer of the guest of before after the quiet time.

        :param timeline: :class:`.timelines.Timeline` of an injected fault
        :returns: :class:`.timelines.Probe`, None when there is none
        """
        end = self.quiet_end(timeline)
        return next((probe for probe in timeline.probes
                     if probe.begin >= end and probe.ok
                     and probe.boot == self.ids['boot']
                     and timeline.counts(probe)), None)

    def split_brain(self, timeline):
        """Return the answers that show that two guests live, or None.

        Probes that overlap prove nothing: the address may have moved
        meanwhile.

        :returns: the first probe that was not answered by the guest of
            before and the first later one that was, or None
        """
        new = min((probe for probe in timeline.probes
                   if probe.ok and not self._of_before(probe)),
                  key=lambda probe: probe.end, default=None)
        if new is None:
            return None
        old = min((probe for probe in timeline.probes
                   if self._of_before(probe) and probe.begin >= new.end),
                  key=lambda probe: probe.begin, default=None)
        return None if old is None else (new, old)

    def _of_before(self, probe):
        return self.chain.healed.of_before(self.ids, probe)
