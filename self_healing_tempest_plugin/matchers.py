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

"""``assertThat(timeline, as_expected(expectation))``."""

from oslo_log import log
from testtools import matchers

from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.report import attaching
from self_healing_tempest_plugin.report import documents
from self_healing_tempest_plugin.report import terminal

LOG = log.getLogger(__name__)


class AsExpected:
    """A testtools matcher, whose mismatch describes the run."""

    def __init__(self, expectation, diagnosis=None):
        self._expectation, self._diagnosis = expectation, diagnosis

    def __str__(self):
        return 'as_expected(%s)' % self._expectation.fault

    def match(self, timeline):
        """Return None for a good verdict, else a mismatch.

        :param timeline: :class:`.model.timelines.Timeline`
        """
        verdict = verdicts.verdict(timeline, self._expectation)
        if verdict.good:
            return None
        try:
            words = terminal.text(attaching.thinned(documents.document(
                timeline, self._expectation, self._diagnosis)))
        except Exception:
            LOG.exception('The table of this run cannot be made')
            words = str(verdict)
        return matchers.Mismatch(words)


def as_expected(expectation, diagnosis=None):
    """Return a matcher for timelines that show what they should.

    :param expectation: :class:`.model.expectations.Expectation`
    :param diagnosis: :class:`.diagnosis.records.Diagnosis` for the message,
        or None
    """
    return AsExpected(expectation, diagnosis)
