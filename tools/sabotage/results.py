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

"""The results of cases, for people and for files."""

import dataclasses
import json

import prettytable

from tools.sabotage import catalog
from tools import tables

COLUMNS = ('case', 'expected', 'verdict', 'seconds', 'ok')


@dataclasses.dataclass(frozen=True)
class Result:
    """The result of one case.

    :ivar number: of the round
    :ivar verdict: as the report has it, None where there is no report
    :ivar diagnosis: as the report has it
    :ivar seconds: that the case took, until the lab was what it was
    :ivar problems: what is wrong, empty when all is right
    """

    case: object
    number: int
    verdict: dict | None
    diagnosis: dict | None
    seconds: float
    problems: tuple[str, ...]

    @property
    def said(self):
        """Return the verdict in a few words."""
        if self.verdict is None:
            return 'none'
        link = self.verdict['link']
        return self.verdict['kind'] + (' at %s' % link if link else '')

    def document(self):
        """Return the result as plain values, ready for JSON."""
        return {
            'case': self.case.name, 'round': self.number,
            'broken': self.case.broken,
            'expected': {'kind': self.case.kind, 'link': self.case.link},
            'verdict': self.verdict, 'diagnosis': self.diagnosis,
            'seconds': round(self.seconds, 1), 'ok': not self.problems,
            'problems': list(self.problems)}


def shown(result):
    """Return a result as lines for people."""
    line = '%-26s %-36s %5.0f s  %s' % (
        result.case.name, result.said, result.seconds,
        'WRONG' if result.problems else 'as expected')
    return '\n'.join([line, *('    %s' % problem
                              for problem in result.problems)])


def table(results):
    """Return results as a table."""
    view = prettytable.PrettyTable(COLUMNS)
    view.align = 'l'
    view.align['seconds'] = 'r'
    for result in results:
        view.add_row([result.case.name, result.case.expected, result.said,
                      '%.0f' % result.seconds,
                      'no' if result.problems else 'yes'])
    return view.get_string()


def listing(cases):
    """Return cases as a table."""
    view = prettytable.PrettyTable(('case', 'broken', 'expected', 'quick'))
    view.align = 'l'
    for case in cases:
        view.add_row([case.name, case.broken, case.expected,
                      'yes' if case.quick else ''])
    return view.get_string()


def write_json(path, results):
    """Write all that is known of results."""
    path.write_text(json.dumps(
        {'format': 1, 'results': [result.document() for result in results]},
        indent=1, ensure_ascii=False) + '\n')


def write_csv(path, results):
    """Write a row for each case, with a column for each round."""
    rounds = sorted({result.number for result in results})
    tables.write(path, ['Case', 'Broken', 'Expected', *(
        'Round %d' % number for number in rounds)], rows(results, rounds))


def rows(results, rounds):
    """Yield the row of each case that there are results of."""
    for case in catalog.CASES:
        own = {result.number: '%s, %.0f s' % (result.said, result.seconds)
               for result in results if result.case is case}
        if own:
            yield [case.name, case.broken, case.expected,
                   *(own.get(number, '') for number in rounds)]
