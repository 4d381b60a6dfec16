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

"""What a diagnosis consists of: frozen records, and their text."""

import dataclasses

from self_healing_tempest_plugin.chain import links

_MARKS = {True: 'ok', False: 'NO', None: '??'}
_VERBS = {True: ('works', 'work'), False: ('is broken too',
                                           'are broken too'),
          None: ('is unknown', 'are unknown')}


@dataclasses.dataclass(frozen=True)
class Fact:
    """What one side says.

    :ivar side: who says it, e.g. ``Alertmanager``
    :ivar good: whether it is as it should be; None where nobody knows
    :ivar text: one line, but for a console
    """

    side: str
    good: bool | None
    text: str


@dataclasses.dataclass(frozen=True)
class Works:
    """Whether a link works when it gets its input from us.

    :ivar link: :class:`..chain.links.Link`
    :ivar works: None where nobody knows
    :ivar why: one sentence
    """

    link: links.Link
    works: bool | None
    why: str


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """Why a run is not good, as far as the services tell.

    :ivar last_good: the last link that came, or None
    :ivar last_object_id: what shows it
    :ivar missing: the first link that did not come, or None
    :ivar facts: what each side says, tuple of :class:`Fact`
    :ivar look_at: one sentence on where to look next, without a full stop
    :ivar bisect: the links after the missing one, tuple of :class:`Works`
    """

    last_good: links.Link | None
    last_object_id: str
    missing: links.Link | None
    facts: tuple[Fact, ...]
    look_at: str
    bisect: tuple[Works, ...] = ()

    @property
    def bisected(self):
        """Return what the bisect has found as one sentence, or ''."""
        if not self.bisect:
            return ''
        parts = ['%s is broken' % _named((self.missing,))]
        for works in (True, False, None):
            found = tuple(one.link for one in self.bisect
                          if one.works is works)
            if found:
                parts.append('%s %s' % (_named(found),
                                        _VERBS[works][len(found) > 1]))
        return '; '.join(parts)

    def describe(self):
        """Return all of it as text of several lines."""
        lines = []
        if self.last_good is not None:
            lines.append('last good link: %s, %s' % (
                self.last_good.label, self.last_object_id))
        if self.missing is not None:
            lines.append('first missing link: %s' % self.missing.label)
        for fact in self.facts:
            lines.extend(_entry(fact.good, '%s: %s' % (fact.side,
                                                       fact.text)))
        if self.look_at:
            lines.append('look at: %s' % self.look_at)
        if self.bisect:
            lines.append('bisect: %s' % self.bisected)
        for one in self.bisect:
            lines.extend(_entry(one.works, '%s: %s' % (one.link.label,
                                                       one.why)))
        return '\n'.join(lines)


def number(link):
    """Return the place of a link in the chain; the fault is the first."""
    return int(link) + 1


def _named(found):
    """Return links by numbers and names: ``links 4-6 (workflow, ...)``."""
    numbers = sorted(number(one) for one in found)
    text = ', '.join(str(one) for one in numbers)
    if len(numbers) > 1 and numbers[-1] - numbers[0] == len(numbers) - 1:
        text = '%d–%d' % (numbers[0], numbers[-1])
    return 'link%s %s (%s)' % (
        's' if len(found) > 1 else '', text,
        ', '.join(one.label for one in sorted(found)))


def _entry(good, text):
    first, *more = text.splitlines() or ['']
    return ['  [%s] %s' % (_MARKS[good], first),
            *('       %s' % line for line in more)]
