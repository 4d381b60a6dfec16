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

"""The outcome at each point, and the points still to be tried."""

import dataclasses
import json
import re

from tools.crash import points
from tools import tables

HEADER = ('Fault', 'Run', 'Left in the journal', 'Revert', 'Revert took',
          'Fingerprints equal after', 'All of it took')
#: How a line begins that is about what a run has created.
OBJECTS = ('stack: ', 'template: ')


@dataclasses.dataclass(frozen=True)
class Case:
    """The outcome at one point.

    :ivar point: where the process got its signal
    :ivar left: what was open in the journal after that, and showed
    :ivar revert: what the command said of it
    :ivar seconds: that the command took
    :ivar settled: seconds until the fingerprints were equal, None when they
        never were
    :ivar took: seconds of the whole case
    :ivar decorated: whether the hosts' networks had more than the lab's own
    :ivar problems: what is wrong, empty when all is right
    """

    kind: str
    point: str
    left: str
    revert: str
    seconds: float
    settled: float | None
    took: float
    decorated: bool
    problems: tuple[str, ...]


def read(path):
    """Return the cases of a file, a list."""
    if not path.exists():
        return []
    return [Case(**dict(values, problems=tuple(values['problems'])))
            for values in json.loads(path.read_text())['cases']]


def write(path, found):
    """Write the cases, as JSON and as a table beside it.

    :param path: of the JSON; the table has the suffix .csv
    """
    found = ordered(found)
    path.write_text(json.dumps(
        {'timer': points.TIMER,
         'cases': [dataclasses.asdict(case) for case in found]},
        indent=1) + '\n')
    tables.write(path.with_suffix('.csv'), HEADER, map(row, found))


def ordered(found):
    """Return cases in the order of their points, the decorated ones last."""
    order = {(point.kind, point.name): number for number, point
             in enumerate(points.points((points.NOTHING, *points.KINDS)))}
    return sorted(found, key=lambda case: (
        case.decorated, order.get((case.kind, case.point), len(order))))


def row(case):
    """Return a case as a cell for each of :data:`HEADER`."""
    return ('%s%s' % (case.kind, ' *' if case.decorated else ''),
            case.point, _short(case.left), case.revert,
            '%.1f s' % case.seconds, 'never' if case.settled is None
            else '%.1f s' % case.settled, '%.0f s' % case.took)


def _short(left):
    return '; '.join(line if line.startswith(OBJECTS) else 'fault'
                     for line in left.split('; ') if ':' in line) or 'nothing'


def faults(lines):
    """Return what shows that a fault is there, of what is open."""
    return [line for line in lines
            if not line.startswith(OBJECTS)]


def same(case, other):
    """Return whether two cases are of the same point."""
    return (case.kind, case.point, case.decorated) == (
        other.kind, other.point, other.decorated)


def wanted(options, found):
    """Yield the points that are to be gone through."""
    done = {(case.kind, case.point) for case in found
            if case.decorated == options.decorate and not case.problems}
    for point in points.points(
            options.kind or (points.NOTHING, *points.KINDS),
            options.application):
        if (point.kind, point.name) in done and not options.again:
            continue
        if options.decorate and point.kind == 'host-crash':
            # What a host has beside its settings goes with its power.
            continue
        if re.search(options.point, point.name):
            yield point
