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

"""Why a test is left out, or fails; and whether that is still so."""

import dataclasses
import pathlib

import yaml

from tools.upstream import results

PATH = pathlib.Path(__file__).with_name('explanations.yaml')

#: Share of the tests that run which must pass.
ENOUGH = 0.97


@dataclasses.dataclass(frozen=True)
class Explanations:
    """What is known of the tests of a suite.

    :ivar left_out: why a test, or all of a class or module, is not run, by
        name
    :ivar failing: why a test fails, by name
    """

    left_out: dict[str, str]
    failing: dict[str, str]

    def why_left_out(self, test):
        """Return why a test is not run, None where it is."""
        return next((why for name, why in self.left_out.items()
                     if _within(test, name)), None)

    def why_failing(self, test):
        """Return why a test fails, None where nobody knows."""
        return self.failing.get(results.name(test))


@dataclasses.dataclass(frozen=True)
class Judged:
    """A suite, and what came of it.

    :ivar suite: :class:`.suites.Suite`
    :ivar version: of the package that has the tests
    :ivar tests: all that it has, with their ids and tags
    :ivar outcomes: :class:`.results.Outcome` of each that was run
    :ivar explanations: :class:`Explanations`
    """

    suite: object
    version: str
    tests: tuple[str, ...]
    outcomes: dict
    explanations: Explanations

    def count(self, kind):
        """Return how many tests came to this."""
        return sum(outcome.kind == kind for outcome in self.outcomes.values())

    @property
    def rate(self):
        """Return the share of the tests that ran which passed."""
        passed = self.count(results.PASSED)
        ran = passed + self.count(results.FAILED)
        return passed / ran if ran else 0.0

    def problems(self):
        """Yield what is not as it should be, a line each."""
        for test, outcome in self.outcomes.items():
            if (outcome.kind == results.FAILED
                    and not self.explanations.why_failing(test)):
                yield '%s fails, and nobody says why: %s' % (
                    results.name(test), outcome.detail)
        for name in self.explanations.failing:
            kinds = {outcome.kind for test, outcome in self.outcomes.items()
                     if results.name(test) == name}
            if results.FAILED not in kinds:
                yield '%s is said to fail: %s' % (
                    name, ', '.join(sorted(kinds)) or 'it is not run')
        for name in self.explanations.left_out:
            if not any(_within(test, name) for test in self.tests):
                yield '%s is left out, and there is none' % name
        if self.rate < ENOUGH:
            yield '%.1f %% of what runs passes, which is less than %.0f %%' % (
                100 * self.rate, 100 * ENOUGH)


def load(path=PATH):
    """Return the :class:`Explanations` of each suite, by its name."""
    return {suite: Explanations(said.get('left out') or {},
                                said.get('failing') or {})
            for suite, said in yaml.safe_load(path.read_text()).items()}


def _within(test, name):
    return (results.name(test) + '.').startswith(name + '.')
