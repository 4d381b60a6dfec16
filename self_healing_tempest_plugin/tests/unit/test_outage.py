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

"""What the users of the application saw."""

from hypothesis import given
from hypothesis import strategies
import testtools

from self_healing_tempest_plugin.model import outages
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.tests.unit import samples


def service(*probes):
    return outages.service(timelines.Timeline(origin=0.0, probes=probes))


class ServiceTest(testtools.TestCase):
    """outages.service()."""

    def test_never_asked(self):
        self.assertEqual(outages.Service(0, 0, (), None), service())

    def test_always_there(self):
        seen = service(samples.probe(1.0, 'old'), samples.probe(2.0, 'old'))
        self.assertEqual((2, 2, None), (seen.probes, seen.good, seen.outage))

    def test_away_for_a_while(self):
        seen = service(
            samples.probe(1.0, 'old'), samples.probe(2.0),
            samples.probe(3.0), samples.probe(4.0, 'new'))
        self.assertEqual((4, 2), (seen.probes, seen.good))
        self.assertEqual(timelines.Interval(1.0, 2.5), seen.outage.begin)
        self.assertEqual(timelines.Interval(3.0, 4.5), seen.outage.end)
        self.assertEqual(timelines.Interval(0.5, 3.5), seen.outage.seconds)

    def test_the_longest_counts(self):
        """The order in which the answers came does not matter."""
        seen = service(
            samples.probe(9.0, 'new'), samples.probe(1.0, 'old'),
            samples.probe(2.0), samples.probe(3.0, 'old'),
            samples.probe(4.0), samples.probe(8.0))
        self.assertEqual(9.5, seen.outage.end.end)

    def test_never_back(self):
        """An outage without end is the longest of all."""
        seen = service(
            samples.probe(1.0, 'old'), samples.probe(2.0),
            samples.probe(9.0, 'old'), samples.probe(10.0))
        self.assertEqual((9.0, None, None), (
            seen.outage.begin.begin, seen.outage.end, seen.outage.seconds))

    def test_wrong_answers(self):
        """Something answered, and it was not the application."""
        wrong = timelines.Probe(1.0, 1.5, False, 'n', error='HTTP 500',
                                answered=True)
        self.assertEqual((wrong,), service(wrong, samples.probe(2.0)).wrong)

    @given(strategies.floats(1, 9), strategies.floats(0.5, 9),
           strategies.lists(strategies.floats(0, 20), min_size=3,
                            max_size=40, unique=True),
           strategies.floats(0, 1))
    def test_truth_is_within(self, away, takes, begins, wait):
        """Whenever it was asked, it was away within the bounds."""
        probes = []
        for begin in begins:
            asked = begin + wait / 2
            there = not away <= asked < away + takes
            probes.append(timelines.Probe(begin, begin + wait, there, 'n'))
        seen = service(*probes)
        if seen.outage is None:
            self.assertTrue(all(probe.ok for probe in probes))
            return
        before = [probe for probe in probes if probe.ok and probe.begin < away]
        if before:
            self.assertTrue(seen.outage.begin.begin <= away
                            <= seen.outage.begin.end + 1e-9)
        if seen.outage.end is not None:
            back = away + takes
            self.assertTrue(seen.outage.end.begin - 1e-9 <= back
                            <= seen.outage.end.end)
