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

"""A run as text for a terminal."""

from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.chain import verdict as judge
from self_healing_tempest_plugin.report import documents
from self_healing_tempest_plugin.report import table
from self_healing_tempest_plugin.report import times

_HEADER = ('link', 'not before', 'seen at', 'what')
_ALIGN = {'link': 'l', 'not before': 'r', 'seen at': 'r', 'what': 'l'}

# What the life of a fault ends with.
_AFTERWARDS = ('reverted', 'verified')

_BISECTED = {
    True: ('works on its own', 'work on their own'),
    False: ('does not work on its own', 'do not work on their own'),
    None: ('is unknown', 'are unknown')}

ANSWERS = {True: 'yes', False: 'no', None: 'unknown'}


def line(timeline, expectation):
    """Return the verdict as one line."""
    return table.visible(judge.verdict(timeline, expectation))


def text(timeline, expectation, diagnosis=None):
    """Return verdict, table of links and times, and what else is known.

    :param timeline: :class:`..chain.timeline.Timeline`
    :param expectation: :class:`..chain.expectation.Expectation`
    :param diagnosis: :class:`..diagnosis.Diagnosis`, or None
    """
    return '\n'.join([
        line(timeline, expectation), '',
        table.plain(_HEADER, _rows(timeline, expectation), _ALIGN),
        *_outage(timeline, expectation),
        *_diagnosis(documents.diagnosed(diagnosis)),
        *('remark: %s' % table.visible(one) for one
          in judge.remarks(timeline, expectation))])


def away(application, zero):
    """Return how long the application did not answer, as a sentence.

    :param application: that part of a document
    :param zero: when the fault was injected, in seconds as in the document
    """
    outage = application['outage']
    if outage is None:
        return 'application was never away'
    if outage['end'] is None:
        return 'application has been away since %s' % times.between(*(
            None if at is None else at - zero
            for at in (outage['begin']['low'], outage['begin']['high'])))
    return 'application was away for %s' % times.span(
        outage['seconds']['low'], outage['seconds']['high'])


def away_for(application):
    """Return how long the application did not answer, in short.

    :param application: that part of a document
    """
    outage = application['outage']
    if outage is None:
        return 'never' if application['probes'] else times.UNKNOWN
    if outage['seconds'] is None:
        return 'until the end'
    return times.span(outage['seconds']['low'], outage['seconds']['high'])


def asked(application):
    """Return how often the application was asked, in a few words.

    :param application: that part of a document
    """
    return '%s, %s' % (times.count(application['probes'], 'probe'),
                       times.count(application['wrong'], 'wrong answer'))


def _outage(timeline, expectation):
    seen = documents.application(timeline, expectation)
    if not seen['probes']:
        return
    injected = timeline.transition('injected')
    zero = 0.0 if injected is None else injected.begin - timeline.origin
    yield ''
    yield '%s, %s' % (away(seen, zero), asked(seen))


def _diagnosis(found):
    if found is None:
        return
    yield ''
    yield table.visible('diagnosis: %s' % summary(found)).rstrip()
    if found['facts']:
        yield table.plain(('side', 'good', 'fact'), (
            (one['side'], ANSWERS[one['good']], one['text'])
            for one in found['facts']), show_header=False)
    if found['bisect']:
        yield table.visible('bisect: %s' % bisected(found))
    for one in found['bisect']:
        yield table.visible('link %s %s: %s' % (
            one['link'], works(one['works']), one['why']))
    if found['look_at']:
        yield table.visible('look at: %s' % found['look_at'])


def summary(diagnosis):
    """Return the last good and the first missing link, as a sentence.

    :param diagnosis: that part of a document
    :returns: empty where all came, as with split brain
    """
    last, missing = diagnosis['last_good'], diagnosis['missing']
    if last is None and missing is None:
        return ''
    good = 'nothing came' if last is None else '%s (%s) came' % (
        last['link'], last['object_id'])
    return '%s, %s did not' % (good, missing) if missing else good


def bisected(diagnosis):
    """Return which links work on their own, as a sentence.

    :param diagnosis: that part of a document
    :returns: e.g. "workflow is broken; stack, application work on their
        own", empty where nobody has tried
    """
    parts = ['%s is broken' % diagnosis['missing']] if (
        diagnosis['missing']) else []
    for answer, words in _BISECTED.items():
        found = [one['link'] for one in diagnosis['bisect']
                 if one['works'] is answer]
        if found:
            parts.append('%s %s' % (', '.join(found), words[len(found) > 1]))
    return '; '.join(parts) if diagnosis['bisect'] else ''


def works(answer):
    """Return whether a link works on its own, in words.

    :param answer: True, False, or None where nobody knows
    """
    return _BISECTED[answer][0]


def _rows(timeline, expectation):
    """Yield the rows of the table: the fault, the chain, the way back."""
    if timeline.transition('injected') is None:
        return
    fault, afterwards = [], []
    for one in timeline.transitions:
        (afterwards if one.name in _AFTERWARDS else fault).append((
            'fault', _after(timeline, one.begin), _after(timeline, one.end),
            ('%s %s' % (one.name, one.detail)).strip()))
    yield from fault
    for link in expectation.chain:
        yield from _link_rows(timeline, expectation, link)
    yield from _split_brain_rows(timeline, expectation)
    yield from afterwards


def _link_rows(timeline, expectation, link):
    arrivals = {mark: expectation.arrival(timeline, link, mark)
                for mark in links.Mark}
    seen = list(filter(None, arrivals.values()))
    for one in seen:
        begin, end = _between(timeline, one)
        yield (link.label, _after(timeline, begin), _after(timeline, end),
               '%s %s' % (_what(link, one), one.object_id))
    if link in expectation.forbidden:
        absence = '' if seen else 'absent'
    else:
        absence = '' if arrivals[expectation.required[link]] else 'missing'
    if absence:
        watched = timeline.watched.get(link)
        yield (link.label, '', absence,
               'last state: %s' % (watched.state if watched else 'unknown'))


def _between(timeline, evidence):
    """Return the bounds of an event: those of the polls, or narrower."""
    when = timeline.when(evidence)
    if when.width < evidence.seen_at - evidence.not_before:
        return when.begin, when.end
    return evidence.not_before, evidence.seen_at


def _split_brain_rows(timeline, expectation):
    found = expectation.split_brain(timeline)
    if found is not None:
        probe = found[1]
        yield (links.Link.APPLICATION.label, _after(timeline, probe.begin),
               _after(timeline, probe.end),
               'old server answered from boot %s' % probe.boot)


def _after(timeline, at):
    return times.after(judge.elapsed(timeline, at))


def _what(link, one):
    nouns = {links.Link.ALARM: 'raised', links.Link.DEDUCTION: 'deduced',
             links.Link.APPLICATION: 'answered from boot'}
    return nouns.get(link, one.mark.value)
