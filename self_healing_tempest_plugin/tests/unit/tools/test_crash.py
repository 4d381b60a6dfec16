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

"""The points at which runs are killed, and what is told of them."""

import argparse
import collections
import csv
import pathlib
import signal

import fixtures
import testtools

from self_healing_tempest_plugin.faults import kinds
from tools.crash import cases
from tools.crash import points

ALL = (points.NOTHING, *points.KINDS)
# Points without a fault, with one of the power or a NIC, with any other.
COUNT = 31 + sum(18 if kind in ('host-crash', *points.NICS) else 15
                 for kind in points.KINDS)


def case(kind='data-nic-down', point='killed after injected', **values):
    """Return what happened at a point; all was right there."""
    return cases.Case(**{
        'kind': kind, 'point': point, 'left': 'nothing', 'revert': 'verified',
        'seconds': 1.25, 'settled': 0.5, 'took': 30.4, 'decorated': False,
        'problems': (), **values})


class PointsTest(testtools.TestCase):
    """points.points()."""

    def names(self, *kinds, **options):
        return [point.name for point in points.points(kinds or ALL, **options)]

    def test_names(self):
        """Names tell all points of a kind apart: by them they are known."""
        counts = collections.Counter(
            (point.kind, point.name) for point in points.points(ALL))
        self.assertEqual([], [name for name in counts if counts[name] > 1])
        self.assertEqual(COUNT, len(counts))

    def test_kinds(self):
        """Runs are killed with each fault that there is."""
        # Of a server that is broken nothing is taken back.
        self.assertEqual(tuple(kind for kind in kinds.KINDS
                               if kind not in kinds.OF_SERVERS),
                         points.KINDS)

    def test_values(self):
        """What a run is told, which finds nothing else in its journal."""
        states = {'stack': {'planned', 'creating', 'created', 'learned',
                            'deleting', 'removed'},
                  'template': {'planned', 'adding', 'created', 'deleting',
                               'removed'},
                  'executions': {'deleting'}, 'fault': set(points.STATES)}
        for point in points.points(ALL):
            self.assertIn(point.state, states[point.what], point)
            self.assertIn(point.moment, points.MOMENTS, point)
            self.assertTrue(0 <= point.seconds <= points.TIMER, point)

    def test_every_step_of_a_fault(self):
        """Right before and right after each, in their order."""
        self.assertEqual(
            ['killed %s %s' % (moment, state)
             for state in ('planned', 'armed', 'injected', 'witnessed',
                           'reverted', 'verified')
             for moment in ('before', 'after')],
            self.names('packets-dropped', application=False)[:12])

    def test_only_what_is_asked_for(self):
        self.assertEqual({'host-crash'}, {
            point.kind for point in points.points(('host-crash',))})
        self.assertEqual([], self.names(points.NOTHING, application=False))

    def test_nothing(self):
        """What a run creates is killed for around each request, too."""
        names = self.names(points.NOTHING)
        self.assertIn('killed before stack creating', names)
        self.assertIn('killed 4 s after stack created', names)

    def test_timer(self):
        """The timer is on every host but one without power."""
        self.assertEqual(set(points.KINDS) - {'host-crash'}, {
            point.kind for point in points.points(ALL)
            if point.number is signal.SIGSTOP})

    def test_sleepers(self):
        """Only a host that is powered off has a command that can sleep."""
        sleepers = [point for point in points.points(ALL) if point.sleeper]
        self.assertEqual(set(points.SLEEPERS),
                         {point.sleeper for point in sleepers})
        self.assertEqual({'host-crash'}, {point.kind for point in sleepers})
        self.assertIn('killed while power-off sleeps in the shell',
                      self.names('host-crash'))
        # It must still sleep when the run is killed.
        self.assertLess(points.KILLED_AFTER, points.SLEEP)

    def test_interrupted(self):
        """Within the moment that a NIC lives on."""
        interrupted = [point for point in points.points(ALL)
                       if point.number is signal.SIGINT]
        self.assertEqual(set(points.NICS),
                         {point.kind for point in interrupted})
        self.assertIn('interrupted 0.15 s after injected',
                      self.names('data-nic-down'))

    def test_without_application(self):
        """Nothing is cleaned up after the fault."""
        more = set(self.names('data-nic-blip')) - set(
            self.names('data-nic-blip', application=False))
        self.assertEqual({'killed after stack deleting',
                          'killed before template deleting'}, more)


class WantedTest(testtools.TestCase):
    """cases.wanted()."""

    def wanted(self, *done, **options):
        return [point.name for point in cases.wanted(argparse.Namespace(**{
            'kind': ['data-nic-down'], 'application': False, 'again': False,
            'decorate': False, 'point': 'after (planned|armed)', **options,
        }), done)]

    def test_those_that_are_not_done(self):
        done = case(point='killed after planned')
        self.assertEqual(['killed after planned', 'killed after armed'],
                         self.wanted())
        self.assertEqual(['killed after armed'], self.wanted(done))

    def test_those_that_were_wrong(self):
        wrong = case(point='killed after planned', problems=('left',))
        self.assertEqual(2, len(self.wanted(wrong)))

    def test_of_another_kind(self):
        foreign = case('data-nic-blip', 'killed after planned')
        self.assertEqual(2, len(self.wanted(foreign)))

    def test_decorated(self):
        """Cases without the decoration are other ones."""
        done = case(point='killed after planned')
        self.assertEqual(2, len(self.wanted(done, decorate=True)))
        done = case(point='killed after planned', decorated=True)
        self.assertEqual(2, len(self.wanted(done)))
        self.assertEqual(1, len(self.wanted(done, decorate=True)))

    def test_power_takes_the_decoration(self):
        self.assertEqual([], self.wanted(kind=['host-crash'], decorate=True))
        self.assertEqual(2, len(self.wanted(kind=['host-crash'])))

    def test_again(self):
        done = case(point='killed after planned')
        self.assertEqual(2, len(self.wanted(done, again=True)))

    def test_all_kinds(self):
        names = self.wanted(kind=None, application=True, point='')
        self.assertEqual(COUNT, len(names))


class CasesTest(testtools.TestCase):
    """What happened."""

    def test_same(self):
        """Another time at the same point takes the place of the first."""
        original = case(seconds=1.0, problems=('left',))
        self.assertTrue(cases.same(original, case(seconds=2.0)))
        for different in (case(kind='data-nic-blip'), case(point='killed'),
                          case(decorated=True)):
            self.assertFalse(cases.same(original, different))

    def test_faults(self):
        """What shows of what a run has created is none."""
        self.assertEqual(['eth1 of compute-1 is down'], cases.faults([
            'stack: created', 'eth1 of compute-1 is down',
            'template: planned']))

    def test_row(self):
        self.assertEqual(
            ('data-nic-down', 'killed after injected', 'nothing', 'verified',
             '1.2 s', '0.5 s', '30 s'), cases.row(case(seconds=1.24)))

    def test_row_of_what_never_settled(self):
        """An asterisk is for the decoration; a fault is a fault."""
        row = cases.row(case(
            settled=None, decorated=True,
            left='template: created; 10.78.0.11: no answer; nothing open'))
        self.assertEqual(('data-nic-down *', 'template: created; fault',
                          'never'), (row[0], row[2], row[5]))

    def test_ordered(self):
        """As the points are, not as they were tried; unknown ones last."""
        done = [case(point='gone since'), case(decorated=True),
                case('packets-dropped'), case(), case(points.NOTHING,
                                                      'killed after stack '
                                                      'planned')]
        self.assertEqual([done[4], done[3], done[2], done[0], done[1]],
                         cases.ordered(done))

    def test_file(self):
        """Cases that are written are read again, and stand in a table."""
        path = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path, 'points.json')
        self.assertEqual([], cases.read(path))
        done = [case(problems=('a', 'b')), case('host-crash', settled=None)]
        cases.write(path, done)
        self.assertEqual(cases.ordered(done), cases.read(path))
        with path.with_suffix('.csv').open(newline='') as stream:
            header, *rows = csv.reader(stream)
        self.assertEqual(list(cases.HEADER), header)
        self.assertEqual(['host-crash', 'data-nic-down'],
                         [row[0] for row in rows])
