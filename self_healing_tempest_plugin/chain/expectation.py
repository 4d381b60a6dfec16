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
import typing

from self_healing_tempest_plugin.chain import links

# That the application is healed, in the order in which to wait. An execution
# ends after the stack that it waits for, so that its end comes after the
# stack although it is started before.
STEPS = (
    (links.Link.ALARM, links.Mark.FINISHED),
    (links.Link.DEDUCTION, links.Mark.FINISHED),
    (links.Link.WORKFLOW, links.Mark.STARTED),
    (links.Link.STACK, links.Mark.FINISHED),
    (links.Link.WORKFLOW, links.Mark.FINISHED),
    (links.Link.APPLICATION, links.Mark.FINISHED),
)

# That its server is replaced, where no guest runs that could answer.
REPAIRED = STEPS[:5]

# That the fault is noticed, and nothing is done about it.
DEDUCED = STEPS[:2]

# That nobody even notices.
NOTHING = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Expectation:
    """What one fault should do to one application.

    Either the application is healed, or at least its stack is repaired, or
    no link comes but the named ones.

    :ivar fault: the fault in a few words, e.g. "host compute-1 without
        power"
    :ivar fault_look_at: where to look when no witness saw the fault
    :ivar host: the host that is broken
    :ivar server_id: the server that is on it
    :ivar boot: boot id of that server's guest, empty where none runs
    :ivar stack_id: the stack of the application
    :ivar workflow: name of the Mistral workflow
    :ivar url: where the application answers
    :ivar host_alarm: name of the monitor's alarm
    :ivar deduced_alarm: name of the deduced alarm
    :ivar monitor_look_at: where to look when the monitor's alarm is missing
    :ivar timeouts: seconds for each link after the one before it
    :ivar steps: what must come, as pairs of link and mark in the order in
        which to wait
    :ivar quiet: seconds after the last step during which nothing else may
        come; of no meaning when the stack is to be repaired
    :ivar alive: whether the guest of before must still answer at the end of
        the quiet time; of no meaning when the stack is to be repaired
    :ivar max_executions: how many executions may be started for the server;
        0: any number
    """

    fault: str
    fault_look_at: str
    host: str
    server_id: str
    boot: str
    stack_id: str
    workflow: str
    url: str
    host_alarm: str
    deduced_alarm: str
    monitor_look_at: str
    timeouts: typing.Mapping[links.Link, float]
    steps: tuple[tuple[links.Link, links.Mark], ...] = STEPS
    quiet: float = 0.0
    alive: bool = False
    max_executions: int = 0

    @property
    def heals(self):
        """Return whether the application is to be healed."""
        return (links.Link.APPLICATION, links.Mark.FINISHED) in self.steps

    @property
    def repairs(self):
        """Return whether the stack is to get another server."""
        return (links.Link.STACK, links.Mark.FINISHED) in self.steps

    @property
    def required(self):
        """Return the links that must come, each with its last mark."""
        return dict(self.steps)

    @property
    def forbidden(self):
        """Return the links that must not come, in order."""
        if self.repairs:
            return ()
        return tuple(link for link in links.CHAIN
                     if link not in self.required)

    @property
    def chain(self):
        """Return the links that matter, in order."""
        return tuple(link for link in links.CHAIN
                     if link in self.required or link in self.forbidden)

    def describe(self, text):
        """Return a text with the ids of this expectation filled in."""
        return text.format(**{field.name: getattr(self, field.name)
                              for field in dataclasses.fields(self)})

    def ties(self, evidence):
        """Return whether evidence is about this fault, by its own ids.

        :param evidence: :class:`.timeline.Evidence`
        """
        return _TIES[evidence.link](self, evidence.payload)

    def arrival(self, timeline, link, mark):
        """Return the first evidence that is about this fault, or None.

        It is tied to the evidence of other links, too: what was deduced, to
        the alarm that it was deduced from; who answers, to the server that
        the stack has got.
        """
        return next((one for one in self._about(timeline, link, mark)
                     if _belongs(self, timeline, one)), None)

    def _about(self, timeline, link, mark):
        return (one for one in timeline.evidence
                if one.link is link and one.mark is mark and self.ties(one))

    def ids(self, timeline, link, mark=links.Mark.FINISHED):
        """Return the ids of all that is about this fault by its own ids."""
        return {one.object_id for one in self._about(timeline, link, mark)}

    def successors(self, timeline):
        """Return the ids of the servers with which the stack is repaired."""
        return {one.payload['server_id'] for one in self._about(
            timeline, links.Link.STACK, links.Mark.FINISHED)
            if 'server_id' in one.payload}

    def had(self, timeline):
        """Return the ids of all servers that the stack is known to have had.

        :param timeline: :class:`.timeline.Timeline`
        """
        return {self.server_id}.union(*(
            {*one.payload.get('servers', ()), one.payload.get('server_id')}
            for one in timeline.evidence if one.link is links.Link.STACK
            and one.payload.get('stack_id') == self.stack_id))

    def moved(self, timeline):
        """Return the first answer of the old server from elsewhere, or None.

        It has booted again, or Nova says that it is on another host: somebody
        has evacuated, migrated or rebuilt it.

        :param timeline: :class:`.timeline.Timeline`
        :returns: :class:`.timeline.Evidence` of link application
        """
        return next((one for one in self._answers(timeline)
                     if one.payload.get('server') == self.server_id), None)

    def strange(self, timeline):
        """Return the first answer of a server not of the stack, or None.

        :param timeline: :class:`.timeline.Timeline`
        :returns: :class:`.timeline.Evidence` of link application
        """
        known = self.had(timeline)
        return next((one for one in self._answers(timeline)
                     if one.payload.get('server') not in known), None)

    def returned(self, timeline):
        """Return the first good answer after the fault that was not as before.

        :param timeline: :class:`.timeline.Timeline`
        :returns: :class:`.timeline.Evidence` of link application, or None
        """
        return next(iter(self._answers(timeline)), None)

    def _answers(self, timeline):
        return [one for one in timeline.evidence
                if one.link is links.Link.APPLICATION
                and one.payload.get('url') == self.url]

    def unexpected(self, timeline):
        """Return the first evidence of a forbidden link, or None."""
        return min((one for one in timeline.evidence
                    if one.link in self.forbidden and self.ties(one)),
                   key=lambda one: (one.seen_at, one.link), default=None)

    def quiet_end(self, timeline):
        """Return until when no forbidden link may come.

        The quiet time runs from the last step, and where nothing is to
        come, from the end of the injection.

        :param timeline: :class:`.timeline.Timeline` of an injected fault
        :returns: seconds on the runner's monotonic clock, None as long as a
            step is missing
        """
        arrivals = [self.arrival(timeline, link, mark)
                    for link, mark in self.required.items()]
        if None in arrivals:
            return None
        injected = timeline.transition('injected').end
        return self.quiet + max([injected, *(one.seen_at
                                             for one in arrivals)])

    def lived(self, timeline):
        """Return an answer of the guest of before after the quiet time.

        :param timeline: :class:`.timeline.Timeline` of an injected fault
        :returns: :class:`.timeline.Probe`, None when there is none
        """
        end = self.quiet_end(timeline)
        return next((one for one in timeline.probes
                     if one.begin >= end and one.ok and one.boot == self.boot
                     and timeline.counts(one)), None)

    def answered_by_old(self, probe):
        """Return whether the guest of before answered, booted again or not.

        :param probe: :class:`.timeline.Probe`
        """
        return probe.ok and (probe.boot == self.boot
                             or probe.server == self.server_id)

    def split_brain(self, timeline):
        """Return who answered after another server had: two guests live.

        What overlaps proves nothing: the address may have moved meanwhile.

        :returns: the first probe that another server answered and the first
            later one that the old server answered, or None
        """
        new = min((one for one in timeline.probes
                   if one.ok and not self.answered_by_old(one)),
                  key=lambda one: one.end, default=None)
        if new is None:
            return None
        old = min((one for one in timeline.probes
                   if self.answered_by_old(one) and one.begin >= new.end),
                  key=lambda one: one.begin, default=None)
        return None if old is None else (new, old)


def _alarm(expected, payload):
    return payload.get('host') == expected.host


def _server(expected, payload):
    return payload.get('server_id') == expected.server_id


def _execution(expected, payload):
    # A workflow that is not ours may call its input something else.
    return _server(expected, payload) and payload.get('stack_id') in (
        None, expected.stack_id)


def _stack(expected, payload):
    if payload.get('stack_id') != expected.stack_id:
        return False
    # Where it is to be left alone, every update is one too many.
    if links.Link.STACK in expected.forbidden or 'server_id' not in payload:
        return True
    return (payload['server_id'] != expected.server_id
            and payload.get('host') != expected.host
            and payload.get('status') == 'ACTIVE')


def _application(expected, payload):
    return (payload.get('url') == expected.url
            and bool(payload.get('boot'))
            and payload['boot'] != expected.boot
            and payload.get('server') != expected.server_id)


_TIES = {
    links.Link.ALARM: _alarm,
    links.Link.DEDUCTION: _server,
    links.Link.WORKFLOW: _execution,
    links.Link.STACK: _stack,
    links.Link.APPLICATION: _application,
}


def _belongs(expected, timeline, evidence):
    """Return whether evidence is tied to that of the links it comes from."""
    if evidence.link is links.Link.DEDUCTION:
        causes = evidence.payload.get('causes')
        if not causes:
            # A template may deduce without saying from what.
            return True
        alarms = expected.ids(timeline, links.Link.ALARM)
        # Which alarm is the right one nobody knows where none has to come,
        # and none has.
        return not alarms.isdisjoint(causes) or (
            not alarms and links.Link.ALARM not in expected.required)
    if evidence.link is links.Link.APPLICATION:
        return evidence.payload.get('server') in expected.successors(
            timeline)
    return True
