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

Its shape is the JSON Schema ``schema/timeline-3.json``.
"""

import dataclasses
import datetime
import math

from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.chain import outage
from self_healing_tempest_plugin.chain import outlook
from self_healing_tempest_plugin.chain import timeline as records
from self_healing_tempest_plugin.chain import verdict as judge
from self_healing_tempest_plugin.redaction import runtime

# Raised when a reader of older files would misread a newer one.
FORMAT = 3

# An execution ends when the stack is healed; the application does not wait
# for that end.
_AWAITED_BY_NONE = (links.Link.WORKFLOW, links.Mark.FINISHED)


def document(timeline, expectation, diagnosis=None, name='', story=''):
    """Return the run as plain lists and dicts, ready for JSON.

    :param timeline: :class:`..chain.timeline.Timeline`
    :param expectation: :class:`..chain.expectation.Expectation`
    :param diagnosis: :class:`..diagnosis.Diagnosis`, or None
    :param name: of the scenario
    :param story: what it shows, in one line
    :returns: dict; times are seconds after the watch began, on the runner's
        monotonic clock
    """
    return runtime.data(dict(
        {'format': FORMAT, 'name': name, 'story': story,
         'began': _wall(timeline.began)},
        **_Run(timeline, expectation).parts(),
        diagnosis=diagnosed(diagnosis)))


def application(timeline, expectation):
    """Return what the users of the application saw, as in a document.

    :param timeline: see :func:`document`
    :param expectation: see :func:`document`
    """
    return _Run(timeline, expectation).application()


def diagnosed(diagnosis):
    """Return a diagnosis as in a document.

    :param diagnosis: see :func:`document`
    """
    if diagnosis is None:
        return None
    last = diagnosis.last_good
    return {
        'last_good': None if last is None else {
            'link': _label(last),
            'object_id': diagnosis.last_object_id or ''},
        'missing': _label(diagnosis.missing),
        'facts': [{'side': one.side, 'good': one.good, 'text': one.text}
                  for one in diagnosis.facts],
        'look_at': diagnosis.look_at or '',
        'bisect': [{'link': _label(one.link), 'works': one.works,
                    'why': one.why} for one in diagnosis.bisect]}


class _Run:
    """The parts of a document that come from timeline and expectation."""

    def __init__(self, timeline, expectation):
        self._timeline, self._expectation = timeline, expectation

    def parts(self):
        timeline, expectation = self._timeline, self._expectation
        return {
            'verdict': self._verdict(),
            'expectation': _expectation(expectation),
            'concluded': self._after(timeline.concluded),
            'ended': timeline.ended,
            'transitions': self._timed(timeline.transitions),
            'evidence': [self._evidence(one) for one in timeline.evidence],
            'links': [*self._steps(), *map(self._forbidden,
                                           expectation.forbidden)],
            'details': sorted(map(self._detail, timeline.details),
                              key=_in_order),
            'failures': self._timed(timeline.failures),
            'probes': self._timed(timeline.probes),
            'application': self.application(),
            'executions': list(judge.executions(timeline)),
            'watched': {link.label: self._record(one)
                        for link, one in timeline.watched.items()},
            'clocks': {service: self._clock(offset)
                       for service, offset in timeline.clocks.items()},
            'remarks': list(judge.remarks(timeline, expectation)),
            'unmet': list(timeline.unmet)}

    def application(self):
        served = outage.service(self._timeline)
        brain = self._expectation.split_brain(self._timeline)
        return {
            'probes': served.probes, 'good': served.good,
            'wrong': len(served.wrong),
            'outage': self._outage(served.outage),
            'split_brain': brain and dict(zip(
                ('new', 'old'), (self._after(one.end) for one in brain)))}

    def _outage(self, found):
        return found and {
            'begin': self._bounds(found.begin),
            'end': found.end and self._bounds(found.end),
            'seconds': found.seconds and _lasting(found.seconds)}

    def _bounds(self, interval):
        return {'low': self._after(interval.begin),
                'high': self._after(interval.end)}

    def _verdict(self):
        found = judge.verdict(self._timeline, self._expectation)
        return {
            'kind': found.kind.value, 'good': found.good,
            'link': _label(found.link), 'why': found.why,
            'look_at': found.look_at, 'seconds': _rounded(found.seconds)}

    def _steps(self):
        steps = self._expectation.steps
        arrivals = [self._expectation.arrival(self._timeline, link, mark)
                    for link, mark in steps]
        for index, (link, mark) in enumerate(steps):
            came = arrivals[index]
            yield self._row(
                link, mark, 'missing' if came is None else 'came', came,
                self._deadline(index),
                came and self._took(came, self._before(arrivals, index)))

    def _row(self, link, mark, state, came, deadline, took=None):
        when = came and self._timeline.when(came)
        return {
            'link': link.label, 'mark': mark and mark.value, 'state': state,
            'begin': when and self._after(when.begin),
            'end': when and self._after(when.end),
            'deadline': self._after(deadline),
            'took': took and _lasting(took),
            'object_id': came.object_id if came else None}

    def _forbidden(self, link):
        came = min(filter(None, (
            self._expectation.arrival(self._timeline, link, mark)
            for mark in links.Mark)),
            key=lambda one: one.seen_at, default=None)
        injected = self._timeline.transition('injected')
        return self._row(
            link, came and came.mark, 'came' if came else 'absent', came,
            injected and self._expectation.quiet_end(self._timeline))

    def _before(self, arrivals, index):
        """Return when that came which a step waits for, or None.

        :returns: an interval
        """
        waited_for = [one for one, step in zip(
            arrivals[:index], self._expectation.steps)
            if step != _AWAITED_BY_NONE]
        if waited_for:
            return waited_for[-1] and self._timeline.when(waited_for[-1])
        injected = self._timeline.transition('injected')
        return injected and records.Interval(injected.end, injected.end)

    def _took(self, came, before):
        when = self._timeline.when(came)
        return before and records.Interval(
            max(0.0, when.begin - before.end),
            max(0.0, when.end - before.begin))

    def _deadline(self, index):
        """Return when a step would have been late, or None.

        That is what was pending when nothing from this step on had come.
        """
        if self._timeline.transition('injected') is None:
            return None
        steps = self._expectation.steps
        earlier = dataclasses.replace(self._timeline, evidence=tuple(
            one for one in self._timeline.evidence
            if (one.link, one.mark) in steps[:index]))
        return next(one.deadline for one in outlook.pending(
            earlier, self._expectation)
            if (one.link, one.mark) == steps[index])

    def _evidence(self, one):
        when = self._timeline.when(one)
        return dict(
            self._record(one), begin=self._after(when.begin),
            end=self._after(when.end), lag=_rounded(one.lag),
            payload=dict(one.payload),
            stamps=[{'service': stamp.service, 'low': _rounded(stamp.low),
                     'high': _rounded(stamp.high)} for stamp in one.stamps])

    def _detail(self, one):
        told = self._timeline.told(one.stamp)
        return {
            'link': one.link.label, 'source': one.source,
            'object_id': one.object_id, 'text': one.text,
            'begin': told and self._after(told.begin),
            'end': told and self._after(told.end)}

    def _clock(self, offset):
        # Both clocks at the origin: theirs by the offset, ours by its wall.
        ahead = self._timeline.origin - self._timeline.began
        return {'low': _rounded(offset.low + ahead),
                'high': _rounded(offset.high + ahead),
                'width': _rounded(offset.width)}

    def _timed(self, several):
        return [self._record(one) for one in several]

    def _record(self, record):
        values = dict(vars(record))
        for key in ('begin', 'end', 'seen_at', 'not_before', 'last_begin',
                    'answered'):
            # Whether a probe was answered is no time.
            if key in values and not isinstance(values[key], bool):
                values[key] = self._after(values[key])
        for key in ('link', 'mark'):
            if key in values:
                values[key] = _label(values[key])
        return values

    def _after(self, at):
        return None if at is None else _rounded(at - self._timeline.origin)


def _label(value):
    """Return a link or mark as text, and text as it is."""
    return getattr(value, 'label', getattr(value, 'value', value))


def _lasting(interval):
    return {'low': _rounded(interval.begin), 'high': _rounded(interval.end)}


def _rounded(seconds):
    if seconds is None or not math.isfinite(seconds):
        return None
    return round(seconds, 3) + 0.0


def _in_order(detail):
    # What has no begin was over at its end; what has no time comes last.
    times = [one for one in (detail['begin'], detail['end'])
             if one is not None]
    return times or [math.inf]


def _wall(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.isoformat(timespec='milliseconds').replace('+00:00', 'Z')


def _expectation(expectation):
    values = dict(vars(expectation))
    values['timeouts'] = {_label(link): seconds for link, seconds
                          in expectation.timeouts.items()}
    values['steps'] = [{'link': link.label, 'mark': mark.value}
                       for link, mark in expectation.steps]
    return values
