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

"""What Alertmanagers have sent, and what of it since an earlier count.

One Alertmanager is known again by the name that it has in its cluster, and by
when its process started; both stand among its metrics. Behind one URL there
may be several, each of which counts for itself: what one of them says now
tells nothing of what another one said before. Grafana, and Mimir for all of
its tenants, count by the same names with another beginning, and only what was
sent at all.
"""

import dataclasses
import re
import typing

_COUNTER = re.compile(
    r'^(?P<family>(?:[a-zA-Z_:][\w:]*_)?)notification(?P<unit>s|_requests)_'
    r'(?P<failed>failed_)?total'
    r'\{(?P<labels>(?:[^"}]|"(?:\\.|[^"\\])*")*)\} (?P<value>\S+)',
    re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:\\.|[^"\\])*)"')
_NAME = re.compile(r'^alertmanager_cluster_peer_info\{[^}]*peer="([^"]+)"',
                   re.MULTILINE)
_MEMBERS = re.compile(r'^alertmanager_cluster_members (\S+)', re.MULTILINE)
_STARTED = re.compile(r'^process_start_time_seconds (\S+)', re.MULTILINE)

# By which Vitrage is told; what others do is nothing to it.
WEBHOOK = 'webhook'


@dataclasses.dataclass(frozen=True)
class Sent:
    """What was sent by one integration.

    :ivar total: notifications, and tries where these are counted
    :ivar failed: how many of these failed
    """

    total: float
    failed: float

    def __add__(self, other):
        """Return both together."""
        return Sent(self.total + other.total, self.failed + other.failed)

    def since(self, before):
        """Return what has come since an earlier count of the same process."""
        return Sent(self.total - before.total, self.failed - before.failed)


NOTHING = Sent(0, 0)


@dataclasses.dataclass(frozen=True)
class Count:
    """What one answer says.

    :ivar key: what tells its process from others, None where nothing does
    :ivar members: how many there are in its cluster
    :ivar sent: :class:`Sent` by name of integration
    :ivar tenants: how many tenants these are of
    :ivar exact: whether a counter that is missing has counted nothing:
        Alertmanager has them all from its start on, others show some at times
    """

    key: tuple | None
    members: int
    sent: typing.Mapping[str, Sent]
    tenants: int = 1
    exact: bool = True


@dataclasses.dataclass(frozen=True)
class Counts:
    """What all of them say that were reached.

    :ivar counts: the last :class:`Count` of each process
    :ivar whole: whether these are all that there are
    """

    counts: tuple[Count, ...]
    whole: bool

    @property
    def members(self):
        """Return how many there are, as far as is known."""
        return max([len(self.counts),
                    *(count.members for count in self.counts)])

    def total(self):
        """Return :class:`Sent` by name of integration, of all of them."""
        return _sum(count.sent for count in self.counts)

    @property
    def shared(self):
        """Return whether more than one tenant is counted."""
        return any(count.tenants > 1 for count in self.counts)


@dataclasses.dataclass(frozen=True)
class Since:
    """What was sent since an earlier count.

    :ivar sent: :class:`Sent` by name of integration, of those that are known
        from before
    :ivar whole: whether that is all that was sent by anybody
    """

    sent: typing.Mapping[str, Sent]
    whole: bool


def read(text):
    """Return the :class:`Count` of an answer, None without any counter.

    Tries count sooner than notifications, which fail only when all their
    tries have; an old Alertmanager counts no tries.

    :param text: metrics in the format of Prometheus
    """
    counts, tenants, families = {}, set(), set()
    for match in _COUNTER.finditer(text):
        its = dict(_LABEL.findall(match['labels']))
        value = _number(match['value'])
        if 'integration' not in its or value is None:
            continue
        tenants.add(its.get('user') or its.get('org'))
        families.add(match['family'])
        key = (match['unit'], bool(match['failed']), its['integration'])
        counts[key] = counts.get(key, 0) + value
    if not counts:
        return None
    unit = '_requests' if any(key[0] == '_requests' for key in counts) else 's'
    names = {name for its, _, name in counts if its == unit}
    name, started = _NAME.search(text), _STARTED.search(text)
    members = _MEMBERS.search(text)
    return Count(
        key=(name and name[1], started[1]) if started else None,
        members=max(1, int(members and _number(members[1]) or 1)),
        sent={name: Sent(counts.get((unit, False, name), 0),
                         counts.get((unit, True, name), 0)) for name in names},
        tenants=len(tenants), exact=families == {'alertmanager_'})


def together(asked, lost=False):
    """Return the :class:`Counts` of several answers.

    Where nothing tells processes from each other, answers in which each count
    grows, or stays, are taken for those of one.

    :param asked: a list for each URL of its :class:`Count` objects, in the
        order in which they came
    :param lost: whether somebody did not answer, or not each time
    """
    counts, whole = [], not lost
    for answers in asked:
        known = {answer.key: answer for answer in answers if answer.key}
        counts += known.values()
        nameless = [answer for answer in answers if not answer.key]
        counts += nameless[-1:]
        whole = whole and bool(answers) and not (known and nameless) and all(
            _follows(later, earlier)
            for earlier, later in zip(nameless, nameless[1:]))
    # The same one may be behind two URLs.
    named = {count.key: count for count in counts if count.key}
    counts = (*named.values(), *(count for count in counts if not count.key))
    made = Counts(tuple(counts), whole)
    return dataclasses.replace(
        made, whole=whole and made.members == len(counts) > 0
        and all(count.exact for count in counts))


def since(now, before):
    """Return what was sent between two counts, as :class:`Since`.

    :param now: :class:`Counts`
    :param before: :class:`Counts`
    """
    earlier, parts = list(before.counts), []
    for count in now.counts:
        same = next((past for past in earlier if past.key == count.key
                     and _follows(count, past)), None)
        if same is not None:
            earlier.remove(same)
            parts.append({name: sent.since(same.sent.get(name, NOTHING))
                          for name, sent in count.sent.items()})
    return Since(_sum(parts), now.whole and before.whole and not earlier
                 and len(parts) == len(now.counts))


def _follows(later, earlier):
    """Return whether one answer may be a later one of the same process."""
    return all(later.sent.get(name, NOTHING).total >= sent.total
               and later.sent.get(name, NOTHING).failed >= sent.failed
               for name, sent in earlier.sent.items())


def _sum(parts):
    total = {}
    for part in parts:
        for name, sent in part.items():
            total[name] = total.get(name, NOTHING) + sent
    return total


def _number(text):
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < float('inf') else None
