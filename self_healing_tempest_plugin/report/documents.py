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

"""A run as plain lists and dicts: the document that all readers share.

Its shape is the JSON Schema ``schema/timeline-5.json``.
"""

import dataclasses
import datetime
import functools
import math

from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import outages
from self_healing_tempest_plugin.model import stopping
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin.report import answers
from self_healing_tempest_plugin.report import schemas

Mark = links.Mark

# Fields of records that are moments on the runner's monotonic clock.
_MOMENTS = ('begin', 'end', 'seen_at', 'not_before', 'last_begin')


def document(timeline, expectation, diagnosis=None, name='', story='',
             joint=None):
    """Return the run as plain lists and dicts, ready for JSON.

    :param timeline: :class:`..model.timelines.Timeline`
    :param expectation: :class:`..model.expectations.Expectation`
    :param diagnosis: :class:`..diagnosis.records.Diagnosis`, or None
    :param name: of the scenario
    :param story: what the test shows, in one line
    :param joint: where the fault was of several applications, which this one
        is: dict of ``fault``, its id, ``number``, ``of``, how many they are,
        and ``stack``, its name; None: of this one
    :returns: dict without secrets; times are seconds after the watch began,
        on the runner's monotonic clock
    """
    parts = runtime.data(dict(
        {'format': schemas.FORMAT, 'name': name, 'story': story,
         'began': _wall(timeline.began), **(
             {} if joint is None else {'joint': dict(joint)})},
        **_Run(timeline, expectation).parts(),
        diagnosis=_diagnosis(diagnosis)))
    # Its texts have no secrets, and what is packed is no text.
    return dict(parts, probes=_probes(timeline, expectation))


class _Run:
    """The parts of a document that come from timeline and expectation."""

    def __init__(self, timeline, expectation):
        self._timeline, self._expectation = timeline, expectation
        self._axis = _Axis(timeline.origin)

    def parts(self):
        timeline, expectation = self._timeline, self._expectation
        record = self._axis.record
        return {
            'verdict': self._verdict(),
            'chain': _chain(expectation.chain),
            'expectation': _expectation(expectation),
            'concluded': self._axis.after(timeline.concluded),
            'ended': timeline.ended,
            'transitions': [*map(record, timeline.transitions)],
            'evidence': [*map(self._evidence, timeline.evidence)],
            'links': [*_Rows(timeline, expectation, self._axis).all()],
            'details': sorted(map(self._detail, timeline.details),
                              key=_in_order),
            'failures': [*map(record, timeline.failures)],
            'probes': None,
            'application': self._application(),
            'objects': {link.name: list(ids)
                        for link, ids in timeline.objects.items()},
            'limited': [link.name for link, _ in verdicts.limited(
                timeline, expectation)],
            'watched': {link.name: record(watched)
                        for link, watched in timeline.watched.items()},
            'clocks': {service: self._clock(offset)
                       for service, offset in timeline.clocks.items()},
            'remarks': list(verdicts.remarks(timeline, expectation)),
            'unmet': list(timeline.unmet)}

    def _application(self):
        service = outages.service(self._timeline)
        brain = self._expectation.split_brain(self._timeline)
        return {
            'probes': service.probes, 'good': service.good,
            'wrong': len(service.wrong),
            'outage': self._outage(service.outage),
            'split_brain': brain and self._split_brain(*brain)}

    def _split_brain(self, new, old):
        return {'new': self._axis.after(new.end),
                'begin': self._axis.after(old.begin),
                'old': self._axis.after(old.end), 'boot': old.boot}

    def _outage(self, outage):
        bounds = self._axis.bounds
        return outage and {
            'begin': bounds(outage.begin),
            'end': outage.end and bounds(outage.end),
            'seconds': outage.seconds and _lasting(outage.seconds)}

    def _verdict(self):
        verdict = verdicts.verdict(self._timeline, self._expectation)
        return {
            'kind': verdict.kind.value, 'good': verdict.good,
            'link': _name(verdict.link), 'why': verdict.why,
            'look_at': verdict.look_at,
            'seconds': _rounded(verdict.seconds)}

    def _evidence(self, evidence):
        when = self._timeline.when(evidence)
        return dict(
            self._axis.record(evidence), begin=self._axis.after(when.begin),
            end=self._axis.after(when.end), lag=_rounded(evidence.lag),
            payload=dict(evidence.payload), stamps=[{
                'service': stamp.service, 'low': _rounded(stamp.low),
                'high': _rounded(stamp.high)} for stamp in evidence.stamps])

    def _detail(self, detail):
        told = self._timeline.told(detail.stamp)
        return {
            'link': detail.link.name, 'source': detail.source,
            'object_id': detail.object_id, 'text': detail.text,
            'begin': told and self._axis.after(told.begin),
            'end': told and self._axis.after(told.end)}

    def _clock(self, offset):
        # Both clocks at the origin: theirs by the offset, ours by its wall.
        ahead = self._timeline.origin - self._timeline.began
        return {'low': _rounded(offset.low + ahead),
                'high': _rounded(offset.high + ahead),
                'width': _rounded(offset.width)}


class _Rows:
    """The rows of the links: when each came, or should have."""

    def __init__(self, timeline, expectation, axis):
        self._timeline, self._expectation = timeline, expectation
        self._axis, self._steps = axis, expectation.steps
        self._injected = timeline.transition('injected')

    def all(self):
        """Yield the rows of what must come, then of what must not."""
        for step in self._steps:
            came = self._arrival(step)
            yield from self._starts(step, came)
            yield self._row(
                step.link, step.mark, 'missing' if came is None else 'came',
                came, _awaited(step, self._steps), self._deadline(step),
                came and self._took(came, step))
        for link in self._expectation.forbidden:
            yield from self._forbidden(link)

    def _arrival(self, step):
        return self._expectation.arrival(self._timeline, step.link,
                                         step.mark)

    def _starts(self, step, end):
        """Yield the starts that led to an end, where nobody waits for them.

        :param end: :class:`..model.timelines.Evidence`, or None
        """
        if any((awaited.link, awaited.mark) == (step.link, Mark.STARTED)
               for awaited in self._steps):
            return
        for evidence in self._timeline.evidence:
            if (evidence.link is step.link and evidence.mark is Mark.STARTED
                    and self._expectation.ties(evidence)
                    and (end is None
                         or end.object_id == evidence.object_id)):
                yield self._row(step.link, Mark.STARTED, 'came', evidence,
                                _awaited(step, self._steps))

    def _forbidden(self, link):
        arrivals = sorted(filter(None, (
            self._expectation.arrival(self._timeline, link, mark)
            for mark in Mark)), key=lambda arrival: arrival.seen_at)
        end = self._injected and self._expectation.quiet_end(self._timeline)
        for arrival in arrivals:
            yield self._row(link, arrival.mark, 'came', arrival,
                            deadline=end)
        if not arrivals:
            yield self._row(link, None, 'absent', None, deadline=end)

    def _row(self, link, mark, state, came, after=None, deadline=None,
             took=None):
        when = came and self._timeline.when(came)
        return {
            'link': link.name, 'mark': mark and mark.value, 'state': state,
            'after': _marked(after),
            'begin': when and self._axis.after(when.begin),
            'end': when and self._axis.after(when.end),
            'deadline': self._axis.after(deadline),
            'took': took and _lasting(took),
            'object_id': came.object_id if came else None}

    def _took(self, came, step):
        """Return how long a step took, None where nobody knows.

        :returns: :class:`..model.timelines.Interval`
        """
        when, before = self._timeline.when(came), self._before(step)
        return before and timelines.Interval(
            max(0.0, when.begin - before.end),
            max(0.0, when.end - before.begin))

    def _before(self, step):
        """Return when that came which a step waits for, or None."""
        after = _awaited(step, self._steps)
        if after is None:
            end = self._injected and self._injected.end
            return self._injected and timelines.Interval(end, end)
        arrival = self._arrival(after)
        return arrival and self._timeline.when(arrival)

    def _deadline(self, step):
        """Return when a step would have been late, or None.

        It is the deadline as it was when nothing from this step on had come.
        """
        if self._injected is None:
            return None
        earlier = [(previous.link, previous.mark)
                   for previous in self._steps[:self._steps.index(step)]]
        before = dataclasses.replace(self._timeline, evidence=tuple(
            evidence for evidence in self._timeline.evidence
            if (evidence.link, evidence.mark) in earlier))
        return next(pending.deadline for pending in stopping.pending(
            before, self._expectation) if pending.step == step)


class _Axis:
    """The times of a document: seconds after the watch began."""

    def __init__(self, origin):
        self._origin = origin

    def after(self, at):
        """Return a moment of the runner's clock, None where it is None."""
        return None if at is None else _rounded(at - self._origin)

    def bounds(self, interval):
        """Return between which moments something happened."""
        return {'low': self.after(interval.begin),
                'high': self.after(interval.end)}

    def record(self, record):
        """Return a frozen record as a dict."""
        values = dict(vars(record))
        for key in (*_MOMENTS, 'answered'):
            if key in values:
                values[key] = self.after(values[key])
        if 'link' in values:
            values['link'] = _name(values['link'])
        if 'mark' in values:
            values['mark'] = values['mark'].value
        return values


def _probes(timeline, expectation):
    return answers.coded(timeline.probes, functools.partial(
        expectation.chain.healed.of_before, expectation.ids),
        timeline.origin)


def _chain(chain):
    return {
        'name': chain.name, 'healed': chain.healed.name,
        'links': [{
            'name': link.name, 'arrow': link.words.arrow,
            'lasting': link.lasting, 'came': link.words.came}
            for link in (links.FAULT, *chain.links)]}


def _expectation(expectation):
    values = {field.name: getattr(expectation, field.name)
              for field in dataclasses.fields(expectation)
              if field.name != 'chain'}
    return dict(values, ids=dict(expectation.ids),
                timeouts=dict(expectation.timeouts),
                steps=[dict(_marked(step), after=_marked(
                    _awaited(step, expectation.steps)))
                    for step in expectation.steps])


def _awaited(step, steps):
    """Return the step that a step waits for, of the steps that must come.

    Where only the first links of a chain must come, others have no step.
    """
    after = step.after
    while after is not None and after not in steps:
        after = after.after
    return after


def _marked(step):
    return step and {'link': step.link.name, 'mark': step.mark.value}


def _diagnosis(diagnosis):
    if diagnosis is None:
        return None
    last = diagnosis.last_good
    return {
        'last_good': None if last is None else {
            'link': _name(last),
            'object_id': diagnosis.last_object_id or ''},
        'missing': _name(diagnosis.missing),
        'facts': [{'side': fact.side, 'good': fact.good, 'text': fact.text}
                  for fact in diagnosis.facts],
        'look_at': diagnosis.look_at or '',
        'bisect': [{'link': _name(works.link), 'works': works.works,
                    'why': works.why} for works in diagnosis.bisect]}


def _name(link):
    return link and link.name


def _lasting(interval):
    return {'low': _rounded(interval.begin), 'high': _rounded(interval.end)}


def _rounded(seconds):
    if seconds is None or not math.isfinite(seconds):
        return None
    return round(seconds, 3) + 0.0


def _in_order(detail):
    # A detail without a begin was over at its end; without a time it is last.
    times = [at for at in (detail['begin'], detail['end'])
             if at is not None]
    return times or [math.inf]


def _wall(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.isoformat(timespec='milliseconds').replace('+00:00', 'Z')
