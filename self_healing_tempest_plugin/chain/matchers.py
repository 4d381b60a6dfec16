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

"""``assertThat(timeline, healed(expectation))``."""

from testtools import matchers

from self_healing_tempest_plugin.chain import verdict as judge
from self_healing_tempest_plugin import report


class Healed:
    """A testtools matcher; what does not match describes itself."""

    def __init__(self, expectation):
        self._expectation = expectation

    def __str__(self):
        return 'healed(%s)' % self._expectation.stack_id

    def match(self, timeline):
        """Return None for a healed timeline, else a mismatch.

        :param timeline: :class:`.timeline.Timeline`
        """
        found = judge.verdict(timeline, self._expectation)
        if found.kind is judge.Kind.HEALED:
            return None
        return matchers.Mismatch(report.text(timeline, self._expectation))


def healed(expectation):
    """Return a matcher for timelines that show a healed application.

    :param expectation: :class:`.expectation.Expectation`
    """
    return Healed(expectation)
