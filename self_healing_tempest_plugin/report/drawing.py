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

"""What is where in the picture of a run: bars, whiskers and marks.

All positions are per cent of the width, so that one drawing fits a phone and
a wide screen. It is made of a document, see :mod:`.documents`.
"""

import dataclasses
import itertools

from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.report import scale
from self_healing_tempest_plugin.report import times

# A deadline this much farther away than the run was long is not drawn.
_FAR = 1.3

# Share of the run that is shown of the time before the fault, where nothing
# needs to have happened: the label of the fault's moment needs the room.
_BEFORE = 0.08

# Links that take a while: they have two marks.
LASTING = ('workflow', 'stack')

ARROWS = {link.label: words.arrow
          for link, words in links.DESCRIPTIONS.items()}

ANSWERS = {'old': 'old server', 'new': 'new server', 'silent': 'no answer',
           'wrong': 'wrong answer'}


@dataclasses.dataclass(frozen=True)
class Bar:
    """A stretch of time.

    :ivar x: per cent from the left
    :ivar width: per cent
    :ivar look: name of its look in the style sheet
    :ivar title: what it is, for people
    """

    x: float
    width: float
    look: str
    title: str


@dataclasses.dataclass(frozen=True)
class Mark:
    """A moment.

    :ivar x: per cent from the left
    :ivar title: what it is, for people
    :ivar outside: whether it lies to the right of the picture
    """

    x: float
    title: str
    outside: bool = False


@dataclasses.dataclass(frozen=True)
class Fact:
    """A line of text, and what stands behind it in smaller type."""

    text: str
    more: str | None = None


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the picture.

    :ivar link: label of the link
    :ivar state: ``came``, ``missing``, ``waiting`` (for a link before it),
        ``absent`` (as it should be) or ``unwanted``
    :ivar facts: what stands beside it
    """

    link: str
    state: str
    facts: tuple[Fact, ...]
    bars: tuple[Bar, ...] = ()
    whiskers: tuple[Bar, ...] = ()
    deadlines: tuple[Mark, ...] = ()

    @property
    def arrow(self):
        """Return who hands over to whom."""
        return ARROWS[self.link]


@dataclasses.dataclass(frozen=True)
class Answerer:
    """Who answered at the application's address.

    :ivar look: key of :data:`ANSWERS`
    :ivar count: how many answers
    :ivar when: from when to when
    """

    look: str
    server: str
    boot: str
    count: int
    when: str


@dataclasses.dataclass(frozen=True)
class Picture:
    """All that is drawn of one run.

    :ivar ticks: marks of the axis
    :ivar zero: per cent at which the fault was injected, or None
    :ivar verdict: per cent at which the verdict was sure, or None
    :ivar dense: whether time is denser after the verdict
    :ivar end: the last moment, as text
    :ivar fault: the life of the fault
    :ivar rows: one for each link
    :ivar answers: the application's answers as bars
    :ivar outage: when these began and ended to fail, with the uncertainty
    :ivar brain: when the old server answered after another one, or None
    """

    ticks: tuple[Mark, ...]
    zero: float | None
    verdict: float | None
    dense: bool
    end: str
    fault: Row
    rows: tuple[Row, ...]
    answers: tuple[Bar, ...]
    outage: tuple[Bar, ...]
    brain: Mark | None
    answerers: tuple[Answerer, ...]


def zero(run):
    """Return when the fault was injected, 0 where none was.

    :param run: a document
    """
    return next((one['begin'] for one in run['transitions']
                 if one['name'] == 'injected'), 0.0)


def picture(run):
    """Return what to draw of a run.

    :param run: a document
    :returns: :class:`Picture`
    """
    return _Drawing(run).picture()


class _Drawing:
    """A document and its axis."""

    def __init__(self, run):
        self._run, self._zero = run, zero(run)
        self._scale = _axis(run, self._zero)
        self._steps = _with_starts(run)
        self._injected = next((one for one in run['transitions']
                               if one['name'] == 'injected'), None)

    def picture(self):
        axis, concluded = self._scale, self._run['concluded']
        brain = self._run['application']['split_brain']
        return Picture(
            ticks=tuple(Mark(axis.at(self._zero + one), '%+g s' % one
                             if one else '0 s')
                        for one in axis.ticks(self._zero)),
            zero=axis.at(self._zero) if self._injected else None,
            verdict=None if concluded is None else axis.at(concluded),
            dense=axis.dense, end=times.after(axis.end - self._zero),
            fault=self._fault(), rows=tuple(self._rows()),
            answers=tuple(self._answers()), outage=tuple(self._outage()),
            brain=brain and Mark(
                axis.at(brain['old']), 'the old server answers again at %s'
                % self._after(brain['old'])),
            answerers=tuple(self._answerers()))

    def _rows(self):
        expected = {one['link'] for one in self._run['expectation']['steps']}
        for label in dict.fromkeys(one['link']
                                   for one in self._run['links']):
            mine = [one for one in self._steps if one['link'] == label]
            yield self._row(label, mine) if (
                label in expected) else self._forbidden_row(mine[0])

    def _forbidden_row(self, row):
        if row['state'] == 'came':
            return Row(row['link'], 'unwanted', (
                Fact('came %s' % self._when(row), 'and should not have'),),
                bars=(self._bar(self._zero, row['end'], 'unwanted',
                                'came %s' % self._when(row)),),
                whiskers=self._whisker(row))
        end = row['deadline']
        return Row(row['link'], 'absent', (Fact(
            'absent', 'as it should be' if end is None
            else 'watched until %s' % self._after(end)),),
            deadlines=self._deadline(row, 'end of the quiet time'))

    def _row(self, label, mine):
        """Return the row of a link that should come."""
        # Of what did not come only the first tells something.
        late = [one for one in mine if one['state'] == 'missing']
        mine = [one for one in mine if one not in late[1:]]
        state = 'came' if not late else 'missing' if (
            label == self._run['verdict']['link']) else 'waiting'
        # What was not waited for long enough was not waited for in vain.
        bars = [self._progress(one, mine) for one in mine
                if state != 'waiting' or one['state'] == 'came']
        return Row(
            label, state, tuple(self._fact(one, state) for one in mine),
            bars=tuple(filter(None, bars)),
            whiskers=tuple(itertools.chain(*map(self._whisker, mine))),
            deadlines=() if state == 'waiting' else tuple(itertools.chain(*(
                self._deadline(one, 'deadline') for one in mine))))

    def _fact(self, row, state):
        if row['state'] == 'missing':
            name = 'not %s' % (row['mark'] if row['link'] in LASTING
                               else 'seen')
            late = state == 'missing' and row['deadline'] is not None
            return Fact(name, 'by %s' % self._after(row['deadline'])
                        if late else '')
        took = row['took']
        return Fact('%s %s' % (_name(row), self._when(row)), took and (
            'took %s%s' % (
                times.span(took['low'], took['high']),
                self._allowed(row['link']))))

    def _allowed(self, link):
        seconds = self._run['expectation']['timeouts'].get(link)
        return '' if seconds is None else ' of %g s' % seconds

    def _progress(self, row, mine):
        """Return the bar that ends with a step, or would have."""
        started = next((one for one in mine if one['mark'] == 'started'
                        and one['state'] == 'came' and one is not row), None)
        begin = _middle(started) if started else self._awaited(row)
        missing = row['state'] == 'missing'
        end = row['deadline'] if missing else _middle(row)
        if None in (begin, end) or end < begin:
            return None
        look = 'vain' if missing else 'work' if started else 'wait'
        return self._bar(begin, end, look, '%s %s' % (
            row['link'], {'vain': 'waited for in vain', 'work': 'at work',
                          'wait': 'waited for'}[look]))

    def _awaited(self, row):
        """Return when that was there which a step waits for, or None."""
        earlier = [one for one in self._steps[:self._steps.index(row)]
                   if one['link'] != row['link'] and not _is_end_of_work(one)]
        if earlier:
            return _middle(earlier[-1]) if (
                earlier[-1]['state'] == 'came') else None
        return self._injected and self._injected['end']

    def _whisker(self, row):
        if row['state'] != 'came' or row['end'] is None:
            return ()
        begin = row['end'] if row['begin'] is None else row['begin']
        return (self._bar(begin, row['end'], 'whisker',
                          '%s %s' % (_name(row), self._when(row))),)

    def _deadline(self, row, name):
        at = row['deadline']
        if at is None:
            return ()
        outside = at > self._scale.end
        return (Mark(self._scale.at(at), '%s %s' % (name, self._after(at)),
                     outside),)

    def _fault(self):
        steps = self._run['transitions']
        bars = []
        if self._injected is not None:
            end = max([one['end'] for one in steps
                       if one['name'] == 'reverted'],
                      default=self._scale.end)
            bars.append(self._bar(self._injected['begin'], end, 'broken',
                                  'the fault is there'))
        bars += [self._bar(
            one['begin'], one['end'], 'step injected'
            if one is self._injected else 'step',
            '%s %s' % (one['name'], self._between(one))) for one in steps]
        return Row('fault', 'came' if any(
            one['name'] == 'witnessed' for one in steps) else 'missing',
            tuple(Fact('%s %s' % (one['name'], self._between(one)))
                  for one in steps
                  if one['name'] not in ('planned', 'armed', 'reverted')),
            bars=tuple(bars))

    def _answers(self):
        probes = [one for one in self._probes()
                  if one['end'] >= self._scale.start]
        groups = [list(group) for _, group in itertools.groupby(
            probes, key=lambda one: self._look(one))]
        ends = [group[0]['begin'] for group in groups[1:]]
        for group, end in itertools.zip_longest(groups, ends):
            look = self._look(group[0])
            yield self._bar(
                group[0]['begin'], group[-1]['end'] if end is None else end,
                look, '%s: %s from %s to %s' % (
                    ANSWERS[look], times.count(len(group), 'probe'),
                    self._after(group[0]['begin']),
                    self._after(group[-1]['end'])))

    def _answerers(self):
        found = {}
        for one in self._probes():
            if one['ok'] or one['answered']:
                key = self._look(one), one['server'], one['boot']
                found.setdefault(key, []).append(one)
        for (look, server, boot), probes in found.items():
            yield Answerer(look, server, boot, len(probes), times.between(
                probes[0]['begin'] - self._zero,
                probes[-1]['end'] - self._zero))

    def _probes(self):
        return sorted(self._run['probes'], key=lambda one: one['begin'])

    def _look(self, probe):
        expected = self._run['expectation']
        if not probe['ok']:
            return 'wrong' if probe['answered'] else 'silent'
        old = (probe['boot'] == expected['boot']
               or probe['server'] == expected['server_id'])
        return 'old' if old else 'new'

    def _outage(self):
        outage = self._run['application']['outage']
        for name in ('begin', 'end'):
            at = outage and outage[name]
            if at and None not in at.values():
                yield self._bar(at['low'], at['high'], 'whisker',
                                '%s of the outage %s' % (
                                    name, times.between(
                                        at['low'] - self._zero,
                                        at['high'] - self._zero)))

    def _bar(self, begin, end, look, title):
        left, right = self._scale.at(begin), self._scale.at(end)
        return Bar(left, max(0.0, right - left), look, title)

    def _when(self, row):
        return times.between(*(None if row[key] is None
                               else row[key] - self._zero
                               for key in ('begin', 'end')))

    def _between(self, step):
        return times.between(step['begin'] - self._zero,
                             step['end'] - self._zero)

    def _after(self, at):
        return times.after(at - self._zero)


def _axis(run, fault):
    main = [run['concluded'], *(one['end'] for one in run['links']),
            *(one['seen_at'] for one in run['evidence'])]
    main = [one for one in main if one is not None] or [fault]
    bend = max(*main, fault)
    near = fault + _FAR * (bend - fault)
    bend = max([bend, *(one['deadline'] for one in run['links']
                        if one['deadline'] is not None
                        and one['deadline'] <= near)])
    ends = [one['end'] for one in (*run['transitions'], *run['probes'])]
    start = fault - max(1.0, _BEFORE * (bend - fault))
    return scale.of(start, bend, max([bend, *ends]))


def _with_starts(run):
    """Return the rows of the links, and begins that nobody waited for."""
    rows = []
    for row in run['links']:
        if (row['link'], row['mark']) == ('stack', 'finished'):
            rows += [dict(one, state='came', deadline=None, took=None)
                     for one in run['evidence']
                     if (one['link'], one['mark']) == ('stack', 'started')
                     and row['object_id'] in (None, one['object_id'])]
        rows.append(row)
    return rows


def _name(row):
    return row['mark'] if row['link'] in LASTING else 'came'


def _is_end_of_work(row):
    return (row['link'], row['mark']) == ('workflow', 'finished')


def _middle(row):
    begin = row['end'] if row['begin'] is None else row['begin']
    return (begin + row['end']) / 2
