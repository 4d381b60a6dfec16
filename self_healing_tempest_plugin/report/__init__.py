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

# Raised when a reader of older files would misread a newer one.
FORMAT = 1

_HEADER = ('link', 'after', 'not before', 'what')


def line(timeline, expectation):
    """Return the verdict as one line."""
    return str(judge.verdict(timeline, expectation))


def text(timeline, expectation):
    """Return verdict, table of links and times, and remarks as text."""
    rows = list(_rows(timeline, expectation))
    widths = [max(len(row[column]) for row in [_HEADER, *rows])
              for column in range(3)]
    table = ['%-*s  %*s  %*s  %s' % (
        widths[0], row[0], widths[1], row[1], widths[2], row[2], row[3])
        for row in [_HEADER, *rows]]
    remarks = ['remark: %s' % remark for remark in timeline.remarks]
    return '\n'.join([line(timeline, expectation), '', *table, *remarks])


def document(timeline, expectation):
    """Return the run as plain lists and dicts, ready for JSON.

    Times are seconds after the watch began, on the runner's monotonic
    clock.
    """
    found = judge.verdict(timeline, expectation)
    origin = timeline.origin
    return {
        'format': FORMAT,
        'verdict': {
            'kind': found.kind.value, 'why': found.why,
            'link': None if found.link is None else found.link.label,
            'look_at': found.look_at, 'seconds': found.seconds},
        'expectation': _expectation(expectation),
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
    injected = timeline.transition('injected')
    if injected is None:
        return
    for one in timeline.transitions:
        yield ('fault', _after(timeline, one.end),
               _after(timeline, one.begin),
               ('%s %s' % (one.name, one.detail)).strip())
    for link in judge.CHAIN:
        yield from _link_rows(timeline, expectation, link)


def _link_rows(timeline, expectation, link):
    arrivals = [expectation.arrival(timeline, link, mark)
                for mark in links.Mark]
    for one in filter(None, arrivals):
        yield (link.label, _after(timeline, one.seen_at),
               _after(timeline, one.not_before),
               '%s %s' % (_what(link, one), one.object_id))
    if arrivals[-1] is None:
        watched = timeline.watched.get(link)
        yield (link.label, 'missing', '',
               'last state: %s' % (watched.state if watched else 'unknown'))


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
    return values


def _timed(record, origin):
    values = dict(vars(record))
    for key in ('begin', 'end', 'seen_at', 'not_before', 'last_begin'):
        if values.get(key) is not None:
            values[key] = round(values[key] - origin, 3)
    if 'link' in values:
        values['link'] = record.link.label
    if 'mark' in values:
        values['mark'] = record.mark.value
    if 'payload' in values:
        values['payload'] = dict(record.payload)
    return values
