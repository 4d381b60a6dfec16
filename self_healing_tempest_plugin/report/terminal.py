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

"""A document as text for a terminal."""

from self_healing_tempest_plugin.report import formatting
from self_healing_tempest_plugin.report import lookup
from self_healing_tempest_plugin.report import table

_HEADER = ('link', 'not before', 'seen at', 'what')
_ALIGN = {'link': 'l', 'not before': 'r', 'seen at': 'r', 'what': 'l'}

# The transitions with which the life of a fault ends.
_AFTERWARDS = ('reverted', 'verified')

_MARKS = ('started', 'finished')

_BISECTED = {
    True: ('works on its own', 'work on their own'),
    False: ('does not work on its own', 'do not work on their own'),
    None: ('is unknown', 'are unknown')}

ANSWERS = {True: 'yes', False: 'no', None: 'unknown'}


def line(run):
    """Return the verdict as one line.

    :param run: a document, see :mod:`.documents`
    """
    verdict = run['verdict']
    text = '%s: %s' % (judged(verdict), verdict['why'])
    return table.visible('%s; look at: %s' % (text, verdict['look_at'])
                         if verdict['look_at'] else text)


def text(run):
    """Return verdict, table of links and times, and what else is known.

    :param run: a document, see :mod:`.documents`
    """
    return '\n'.join([
        line(run), '', table.plain(_HEADER, _rows(run), _ALIGN),
        *_outage(run), *_diagnosis(run['diagnosis']),
        *('remark: %s' % table.visible(remark)
          for remark in run['remarks'])])


def judged(verdict):
    """Return a verdict in short, e.g. ``BROKEN at link workflow``.

    :param verdict: that part of a document
    """
    return verdict['kind'] if verdict['link'] is None else (
        '%s at link %s' % (verdict['kind'], verdict['link']))


def away(application, zero):
    """Return how long the application did not answer, as a sentence.

    :param application: that part of a document
    :param zero: when the fault was injected, in seconds as in the document
    """
    outage = application['outage']
    if outage is None:
        return 'application was never away'
    if outage['end'] is None:
        return 'application has been away since %s' % formatting.between(*(
            None if at is None else at - zero
            for at in (outage['begin']['low'], outage['begin']['high'])))
    return 'application was away for %s' % formatting.span(
        outage['seconds']['low'], outage['seconds']['high'])


def away_for(application):
    """Return how long the application did not answer, in short.

    :param application: that part of a document
    """
    outage = application['outage']
    if outage is None:
        return 'never' if application['probes'] else formatting.UNKNOWN
    if outage['seconds'] is None:
        return 'until the end'
    return formatting.span(outage['seconds']['low'], outage['seconds']['high'])


def asked(application):
    """Return how often the application was asked, in a few words.

    :param application: that part of a document
    """
    return '%s, %s' % (formatting.count(application['probes'], 'probe'),
                       formatting.count(application['wrong'], 'wrong answer'))


def _outage(run):
    if run['application']['probes']:
        yield ''
        yield '%s, %s' % (away(run['application'], lookup.zero(run)),
                          asked(run['application']))


def _diagnosis(diagnosis):
    if diagnosis is None:
        return
    yield ''
    yield table.visible('diagnosis: %s' % summary(diagnosis)).rstrip()
    if diagnosis['facts']:
        yield table.plain(('side', 'good', 'fact'), (
            (fact['side'], ANSWERS[fact['good']], fact['text'])
            for fact in diagnosis['facts']), show_header=False)
    if diagnosis['bisect']:
        yield table.visible('bisect: %s' % bisected(diagnosis))
    for answer in diagnosis['bisect']:
        yield table.visible('link %s %s: %s' % (
            answer['link'], works(answer['works']), answer['why']))
    if diagnosis['look_at']:
        yield table.visible('look at: %s' % diagnosis['look_at'])


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
        links = [tried['link'] for tried in diagnosis['bisect']
                 if tried['works'] is answer]
        if links:
            parts.append('%s %s' % (', '.join(links), words[len(links) > 1]))
    return '; '.join(parts) if diagnosis['bisect'] else ''


def works(answer):
    """Return whether a link works on its own, in words.

    :param answer: True, False, or None where nobody knows
    """
    return _BISECTED[answer][0]


def _rows(run):
    """Yield the rows of the table: the fault, the chain, the way back."""
    if lookup.injected(run) is None:
        return
    fault, afterwards = [], []
    for step in run['transitions']:
        rows = afterwards if step['name'] in _AFTERWARDS else fault
        rows.append((
            'fault', _after(run, step['begin']), _after(run, step['end']),
            ('%s %s' % (step['name'], step['detail'])).strip()))
    yield from fault
    for link in run['chain']['links']:
        yield from _link_rows(run, link, [
            row for row in run['links'] if row['link'] == link['name']])
    yield from _split_brain_rows(run)
    yield from afterwards


def _link_rows(run, link, rows):
    """Yield the rows of a link: what came, and that nothing did.

    :param rows: of the document, in order; of each mark the first counts
    """
    came = {row['mark']: row for row in reversed(rows)
            if row['state'] == 'came'}
    for row in (came[mark] for mark in _MARKS if mark in came):
        begin, end = _between(run, row)
        yield (link['name'], _after(run, begin), _after(run, end),
               '%s %s' % (row['mark'] if link['lasting'] else link['came'],
                          row['object_id']))
    if rows and rows[-1]['state'] != 'came':
        watched = run['watched'].get(link['name'])
        yield (link['name'], '', rows[-1]['state'], 'last state: %s' % (
            watched['state'] if watched else 'unknown'))


def _between(run, row):
    """Return the bounds of an event: those of the polls, or narrower."""
    same = ('link', 'mark', 'object_id', 'begin', 'end')
    seen = next((evidence for evidence in run['evidence']
                 if all(evidence[key] == row[key] for key in same)), None)
    if seen is None or (row['begin'] is not None and (
            row['end'] - row['begin'] < seen['seen_at'] - seen['not_before'])):
        return row['begin'], row['end']
    return seen['not_before'], seen['seen_at']


def _split_brain_rows(run):
    brain = run['application']['split_brain']
    if brain is not None:
        yield (lookup.goal(run), _after(run, brain['begin']),
               _after(run, brain['old']),
               'old server answered from boot %s' % brain['boot'])


def _after(run, at):
    return formatting.after(None if at is None else at - lookup.zero(run))
