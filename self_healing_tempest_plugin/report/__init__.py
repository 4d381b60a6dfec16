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

"""A timeline for people and for programs."""

import json
import os

from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.chain import verdict as judge
from self_healing_tempest_plugin.report import table

# Raised when a reader of older files would misread a newer one.
FORMAT = 2

_HEADER = ('link', 'not before', 'seen at', 'what')
_ALIGN = {'link': 'l', 'not before': 'r', 'seen at': 'r', 'what': 'l'}

# What the life of a fault ends with.
_AFTERWARDS = ('reverted', 'disarmed', 'verified')


def line(timeline, expectation):
    """Return the verdict as one line."""
    return str(judge.verdict(timeline, expectation))


def text(timeline, expectation):
    """Return verdict, table of links and times, and remarks as text."""
    remarks = ['remark: %s' % remark for remark in timeline.remarks]
    times = table.plain(_HEADER, _rows(timeline, expectation), _ALIGN)
    return '\n'.join([line(timeline, expectation), '', times, *remarks])


def document(timeline, expectation):
    """Return the run as plain lists and dicts, ready for JSON.

    Times are seconds after the watch began, on the runner's monotonic
    clock.
    """
    found = judge.verdict(timeline, expectation)
    origin, concluded = timeline.origin, timeline.concluded
    return {
        'format': FORMAT,
        'verdict': {
            'kind': found.kind.value, 'why': found.why,
            'link': None if found.link is None else found.link.label,
            'look_at': found.look_at, 'seconds': found.seconds},
        'expectation': _expectation(expectation),
        'concluded': None if concluded is None else round(
            concluded - origin, 3),
        'transitions': [_timed(one, origin) for one in timeline.transitions],
        'evidence': [_timed(one, origin) for one in timeline.evidence],
        'failures': [_timed(one, origin) for one in timeline.failures],
        'probes': [_timed(one, origin) for one in timeline.probes],
        'watched': {link.label: _timed(one, origin)
                    for link, one in timeline.watched.items()},
        'remarks': list(timeline.remarks),
        'unmet': list(timeline.unmet),
    }


def dumps(timeline, expectation):
    """Return :func:`document` as JSON text."""
    return json.dumps(document(timeline, expectation), indent=2)


def save(directory, name, timeline, expectation):
    """Write a run as ``<name>.json`` and ``<name>.txt``.

    :param directory: made where it is missing
    :returns: the two paths
    """
    os.makedirs(directory, exist_ok=True)
    paths = []
    for suffix, content in (('json', dumps(timeline, expectation)),
                            ('txt', text(timeline, expectation))):
        paths.append(os.path.join(directory, '%s.%s' % (name, suffix)))
        with open(paths[-1], 'w', encoding='utf-8') as stream:
            stream.write(content + '\n')
    return tuple(paths)


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
    for link in judge.CHAIN:
        yield from _link_rows(timeline, expectation, link)
    yield from _split_brain_rows(timeline, expectation)
    yield from afterwards


def _link_rows(timeline, expectation, link):
    arrivals = {mark: expectation.arrival(timeline, link, mark)
                for mark in links.Mark}
    seen = list(filter(None, arrivals.values()))
    for one in seen:
        yield (link.label, _after(timeline, one.not_before),
               _after(timeline, one.seen_at),
               '%s %s' % (_what(link, one), one.object_id))
    if link in expectation.forbidden:
        absence = '' if seen else 'absent'
    else:
        absence = '' if arrivals[expectation.required[link]] else 'missing'
    if absence:
        watched = timeline.watched.get(link)
        yield (link.label, '', absence,
               'last state: %s' % (watched.state if watched else 'unknown'))


def _split_brain_rows(timeline, expectation):
    found = expectation.split_brain(timeline)
    if found is not None:
        probe = found[1]
        yield (links.Link.APPLICATION.label, _after(timeline, probe.begin),
               _after(timeline, probe.end),
               'old server answered from boot %s' % probe.boot)


def _after(timeline, at):
    return '%+.1f s' % (round(judge.elapsed(timeline, at), 1) + 0.0)


def _what(link, one):
    nouns = {links.Link.ALARM: 'raised', links.Link.DEDUCTION: 'deduced',
             links.Link.APPLICATION: 'answered from boot'}
    return nouns.get(link, one.mark.value)


def _expectation(expectation):
    values = dict(vars(expectation))
    values['timeouts'] = {link.label: seconds for link, seconds
                          in expectation.timeouts.items()}
    values['steps'] = [{'link': link.label, 'mark': mark.value}
                       for link, mark in expectation.steps]
    return values


def _timed(record, origin):
    values = dict(vars(record))
    for key in ('begin', 'end', 'seen_at', 'not_before', 'last_begin',
                'answered'):
        if values.get(key) is not None:
            values[key] = round(values[key] - origin, 3)
    if 'link' in values:
        values['link'] = record.link.label
    if 'mark' in values:
        values['mark'] = record.mark.value
    if 'payload' in values:
        values['payload'] = dict(record.payload)
    return values
