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

from self_healing_tempest_plugin.report import formatting
from self_healing_tempest_plugin.report import lookup
from self_healing_tempest_plugin.report import scale

# A deadline this much farther away than the run was long is not drawn.
_FAR = 1.3

# Share of the run that is shown of the time before the fault, where nothing
# needs to have happened: the label of the fault's moment needs the room.
_BEFORE = 0.08

ANSWERS = {'old': 'old server', 'new': 'new server', 'silent': 'no answer',
           'wrong': 'wrong answer', 'mixed': 'several by turns'}


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
class Tick:
    """A moment that is marked.

    :ivar x: per cent from the left
    :ivar title: what it is, for people
    :ivar outside: whether it lies to the right of the picture
    """

    x: float
    title: str
    outside: bool = False


@dataclasses.dataclass(frozen=True)
class Caption:
    """A line of text, and what stands behind it in smaller type."""

    text: str
    more: str | None = None


@dataclasses.dataclass(frozen=True)
class Lane:
    """A line of the picture.

    :ivar link: name of the link
    :ivar arrow: the two sides of the link
    :ivar state: ``came``, ``missing``, ``waiting`` (for a link before it),
        ``absent`` (as it should be) or ``unwanted``
    :ivar captions: what stands beside it
    """

    link: str
    arrow: str
    state: str
    captions: tuple[Caption, ...]
    bars: tuple[Bar, ...] = ()
    whiskers: tuple[Bar, ...] = ()
    deadlines: tuple[Tick, ...] = ()


@dataclasses.dataclass(frozen=True)
class Answerer:
    """A guest that answered at the application's address.

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

    :ivar ticks: of the axis
    :ivar zero: per cent at which the fault was injected, or None
    :ivar verdict: per cent at which the verdict was sure, or None
    :ivar dense: whether time is denser after the verdict
    :ivar end: the last moment, as text
    :ivar fault: the life of the fault
    :ivar lanes: one for each link
    :ivar answers: the application's answers as bars
    :ivar outage: when these began and ended to fail, with the uncertainty
    :ivar brain: when the old server answered after another server, or None
    """

    ticks: tuple[Tick, ...]
    zero: float | None
    verdict: float | None
    dense: bool
    end: str
    fault: Lane
    lanes: tuple[Lane, ...]
    answers: tuple[Bar, ...]
    outage: tuple[Bar, ...]
    brain: Tick | None
    answerers: tuple[Answerer, ...]


@dataclasses.dataclass(frozen=True)
class _Stretch:
    """Answers one after the other.

    :ivar looks: how many of them are of which key of :data:`ANSWERS`
    """

    begin: float
    end: float
    looks: dict

    @property
    def look(self):
        """Return the look of all, ``mixed`` where there are several."""
        return next(iter(self.looks)) if len(self.looks) == 1 else 'mixed'

    @property
    def count(self):
        """Return how many answers."""
        return sum(self.looks.values())

    @property
    def named(self):
        """Return what they are, in words."""
        return ANSWERS[self.look] if len(self.looks) == 1 else ' and '.join(
            '%d %s' % (count, ANSWERS[look])
            for look, count in self.looks.items())

    def joined(self, later):
        """Return this stretch and a later one of the same looks as one."""
        return _Stretch(self.begin, max(self.end, later.end), {
            look: count + later.looks[look]
            for look, count in self.looks.items()})


def picture(run):
    """Return the picture of a run.

    :param run: a document
    :returns: :class:`Picture`
    """
    return _Drawing(run).picture()


class _Drawing:
    """A document and its axis."""

    def __init__(self, run):
        self._run, self._zero = run, lookup.zero(run)
        self._injected = lookup.injected(run)
        self._scale = _axis(run, self._zero)

    def picture(self):
        axis, concluded = self._scale, self._run['concluded']
        brain = self._run['application']['split_brain']
        return Picture(
            ticks=tuple(Tick(axis.at(self._zero + at), '%+g s' % at
                             if at else '0 s')
                        for at in axis.ticks(self._zero)),
            zero=axis.at(self._zero) if self._injected else None,
            verdict=None if concluded is None else axis.at(concluded),
            dense=axis.dense, end=formatting.after(axis.end - self._zero),
            fault=self._fault(), lanes=tuple(self._lanes()),
            answers=tuple(self._answers()), outage=tuple(self._outage()),
            brain=brain and Tick(
                axis.at(brain['old']), 'the old server answers again at %s'
                % self._after(brain['old'])),
            answerers=tuple(self._answerers()))

    def _lanes(self):
        rows = self._run['links']
        expected = {step['link']
                    for step in self._run['expectation']['steps']}
        for name in dict.fromkeys(row['link'] for row in rows):
            mine = [row for row in rows if row['link'] == name]
            yield self._expected(name, mine) if (
                name in expected) else self._forbidden(mine[0])

    def _lane(self, name, state, captions, **drawn):
        return Lane(name, lookup.arrow(self._run, name), state, captions,
                    **drawn)

    def _forbidden(self, row):
        """Return the lane of a link that should not come."""
        if row['state'] == 'came':
            return self._lane(row['link'], 'unwanted', (
                Caption('came %s' % self._when(row), 'and should not have'),),
                bars=(self._bar(self._zero, row['end'], 'unwanted',
                                'came %s' % self._when(row)),),
                whiskers=self._whisker(row))
        end = row['deadline']
        return self._lane(row['link'], 'absent', (Caption(
            'absent', 'as it should be' if end is None
            else 'watched until %s' % self._after(end)),),
            deadlines=self._deadline(row, 'end of the quiet time'))

    def _expected(self, name, rows):
        """Return the lane of a link that should come."""
        # Of what did not come only the first tells something.
        late = [row for row in rows if row['state'] == 'missing']
        rows = [row for row in rows if row not in late[1:]]
        state = 'came' if not late else 'missing' if (
            name == self._run['verdict']['link']) else 'waiting'
        # A wait that was too short was no wait in vain.
        bars = [self._progress(row, rows) for row in rows
                if state != 'waiting' or row['state'] == 'came']
        return self._lane(
            name, state, tuple(self._caption(row, state) for row in rows),
            bars=tuple(filter(None, bars)),
            whiskers=tuple(itertools.chain(*map(self._whisker, rows))),
            deadlines=() if state == 'waiting' else tuple(itertools.chain(*(
                self._deadline(row, 'deadline') for row in rows))))

    def _caption(self, row, state):
        if row['state'] == 'missing':
            late = state == 'missing' and row['deadline'] is not None
            return Caption(
                'not %s' % (row['mark'] if self._lasting(row) else 'seen'),
                'by %s' % self._after(row['deadline']) if late else '')
        took = row['took']
        return Caption(
            '%s %s' % (self._came(row), self._when(row)), took and (
                'took %s%s' % (formatting.span(took['low'], took['high']),
                               self._allowed(row['link']))))

    def _lasting(self, row):
        return lookup.lasting(self._run, row['link'])

    def _came(self, row):
        return row['mark'] if self._lasting(row) else 'came'

    def _allowed(self, link):
        seconds = self._run['expectation']['timeouts'].get(link)
        return '' if seconds is None else ' of %g s' % seconds

    def _progress(self, row, rows):
        """Return the bar that ends with a step, or would have."""
        started = next((start for start in rows if start['mark'] == 'started'
                        and start['state'] == 'came' and start is not row),
                       None)
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
        if row['after'] is None:
            return self._injected and self._injected['end']
        before = lookup.awaited(self._run, row)
        return _middle(before) if (
            before and before['state'] == 'came') else None

    def _whisker(self, row):
        if row['state'] != 'came' or row['end'] is None:
            return ()
        begin = row['end'] if row['begin'] is None else row['begin']
        return (self._bar(begin, row['end'], 'whisker',
                          '%s %s' % (self._came(row), self._when(row))),)

    def _deadline(self, row, name):
        at = row['deadline']
        if at is None:
            return ()
        outside = at > self._scale.end
        return (Tick(self._scale.at(at), '%s %s' % (name, self._after(at)),
                     outside),)

    def _fault(self):
        steps = self._run['transitions']
        bars = []
        if self._injected is not None:
            end = max([step['end'] for step in steps
                       if step['name'] == 'reverted'],
                      default=self._scale.end)
            bars.append(self._bar(self._injected['begin'], end, 'broken',
                                  'the fault is there'))
        bars += [self._bar(
            step['begin'], step['end'], 'step injected'
            if step is self._injected else 'step',
            '%s %s' % (step['name'], self._between(step))) for step in steps]
        return self._lane('fault', 'came' if any(
            step['name'] == 'witnessed' for step in steps) else 'missing',
            tuple(Caption('%s %s' % (step['name'], self._between(step)))
                  for step in steps
                  if step['name'] not in ('planned', 'armed', 'reverted')),
            bars=tuple(bars))

    def _answers(self):
        groups = self._stretches()
        ends = [group.begin for group in groups[1:]]
        for group, end in itertools.zip_longest(groups, ends):
            if group.end < self._scale.start:
                continue
            yield self._bar(
                group.begin, group.end if end is None else end, group.look,
                '%s: %s from %s to %s' % (
                    group.named, formatting.count(group.count, 'probe'),
                    self._after(group.begin), self._after(group.end)))

    def _stretches(self):
        """Return the stretches of answers that look different."""
        probes, groups = self._run['probes'], []
        for stretch in probes['stretches']:
            looks = {}
            for number, count in stretch['answers']:
                look = _look(probes['kinds'][number])
                looks[look] = looks.get(look, 0) + count
            one = _Stretch(stretch['begin'], stretch['end'], looks)
            if groups and groups[-1].looks.keys() == one.looks.keys():
                one = groups.pop().joined(one)
            groups.append(one)
        return groups

    def _answerers(self):
        answerers = {}
        for kind in self._run['probes']['kinds']:
            if (kind['ok'] or kind['answered']) and kind['count']:
                key = _look(kind), kind['server'], kind['boot']
                answerers.setdefault(key, []).append(kind)
        for (look, server, boot), kinds in answerers.items():
            yield Answerer(
                look, server, boot, sum(kind['count'] for kind in kinds),
                formatting.between(
                    min(kind['begin'] for kind in kinds) - self._zero,
                    max(kind['end'] for kind in kinds) - self._zero))

    def _outage(self):
        outage = self._run['application']['outage']
        for name in ('begin', 'end'):
            at = outage and outage[name]
            if at and None not in at.values():
                yield self._bar(at['low'], at['high'], 'whisker',
                                '%s of the outage %s' % (
                                    name, formatting.between(
                                        at['low'] - self._zero,
                                        at['high'] - self._zero)))

    def _bar(self, begin, end, look, title):
        left, right = self._scale.at(begin), self._scale.at(end)
        return Bar(left, max(0.0, right - left), look, title)

    def _when(self, row):
        return formatting.between(*(
            None if row[key] is None else row[key] - self._zero
            for key in ('begin', 'end')))

    def _between(self, step):
        return formatting.between(step['begin'] - self._zero,
                                  step['end'] - self._zero)

    def _after(self, at):
        return formatting.after(at - self._zero)


def _axis(run, fault):
    main = [run['concluded'], *(row['end'] for row in run['links']),
            *(evidence['seen_at'] for evidence in run['evidence'])]
    main = [at for at in main if at is not None] or [fault]
    bend = max(*main, fault)
    near = fault + _FAR * (bend - fault)
    bend = max([bend, *(row['deadline'] for row in run['links']
                        if row['deadline'] is not None
                        and row['deadline'] <= near)])
    ends = [step['end'] for step in (*run['transitions'],
                                     *run['probes']['stretches'])]
    start = fault - max(1.0, _BEFORE * (bend - fault))
    return scale.of(start, bend, max([bend, *ends]))


def _look(probe):
    if not probe['ok']:
        return 'wrong' if probe['answered'] else 'silent'
    return 'old' if probe['of_before'] else 'new'


def _middle(row):
    begin = row['end'] if row['begin'] is None else row['begin']
    return (begin + row['end']) / 2
