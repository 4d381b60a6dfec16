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

"""The results of suites as rows of tables."""

import itertools

from tools.upstream import results

SUITES = ('Suite', 'Package', 'Version', 'Tests', 'Ran', 'Passed', 'Failed',
          'Skipped', 'Left out', 'Rate')
EXPLAINED = ('Test', 'Tests', 'What', 'Why')


def counts(judged):
    """Return the row of a suite.

    :param judged: :class:`.explanations.Judged`
    """
    kinds = [judged.count(kind) for kind in (
        results.PASSED, results.FAILED, results.SKIPPED)]
    return (judged.suite.name, judged.suite.distribution, judged.version,
            len(judged.tests), sum(kinds[:2]), *kinds,
            len(judged.tests) - len(judged.outcomes),
            '%.1f %%' % (100 * judged.rate))


def explained(judged):
    """Return a row for each test that did not pass, and why.

    Tests of a class one after another, of which the same is said, are one row.

    :param judged: :class:`.explanations.Judged`
    """
    said = [(test, *_said(judged, test)) for test in sorted(judged.tests)]
    said = [entry for entry in said if entry[1] != results.PASSED]
    rows = []
    for (group, what, why), entries in itertools.groupby(said, key=_alike):
        tests = [test for test, *_ in entries]
        rows.append((group if len(tests) > 1 else results.name(tests[0]),
                     len(tests), what, why))
    return rows


def _alike(entry):
    test, what, why = entry
    return results.name(test).rpartition('.')[0], what, why


def _said(judged, test):
    """Return what came of a test, and why."""
    outcome = judged.outcomes.get(test)
    if outcome is None:
        return 'left out', judged.explanations.why_left_out(test)
    if outcome.kind == results.FAILED:
        return (outcome.kind, judged.explanations.why_failing(test)
                or outcome.detail)
    return outcome.kind, outcome.detail
