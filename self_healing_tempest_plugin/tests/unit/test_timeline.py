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

"""Recording what several threads see, and watching with them."""

import dataclasses
import inspect
import math
import threading

import fixtures
from hypothesis import given
from hypothesis import strategies
import testtools

from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.model import chains
from self_healing_tempest_plugin.model import expectations
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import outages
from self_healing_tempest_plugin.model import stopping
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.tests.unit import samples
from self_healing_tempest_plugin.tests.unit import test_waiting
from self_healing_tempest_plugin import waiting
from self_healing_tempest_plugin.watching import gates
from self_healing_tempest_plugin.watching import looks
from self_healing_tempest_plugin.watching import recorders
from self_healing_tempest_plugin.watching import watch

Link, Mark = vitrage, links.Mark

STAMP = timelines.Stamp('Heat', 1.0, 2.0)


def sight(object_id='a1', mark=Mark.FINISHED, stamps=(), **payload):
    return looks.Look('active', (
        looks.Sighting(mark, object_id, payload, 2.0, stamps),))


class RecordsTest(testtools.TestCase):
    """What has been seen cannot be changed afterwards."""

    def test_frozen(self):
        for module in (timelines, looks, expectations, verdicts, links,
                       chains, stopping, outages):
            records = [member for _, member in inspect.getmembers(
                module, lambda member: isinstance(member, type)
                and dataclasses.is_dataclass(member))
                if member.__module__ == module.__name__]
            self.assertNotEqual([], records, module)
            for record_type in records:
                record = object.__new__(record_type)
                self.assertRaises(
                    dataclasses.FrozenInstanceError, setattr, record,
                    dataclasses.fields(record_type)[0].name, 'else')


class IntervalTest(testtools.TestCase):
    """timelines.Interval."""

    def test_width(self):
        self.assertEqual(2.5, timelines.Interval(101.0, 103.5).width)

    def test_meet(self):
        """Two intervals may have one moment only in common."""
        interval = timelines.Interval(101.0, 103.0)
        for begin, end, common in ((103.0, 105.0, (103.0, 103.0)),
                                   (99.0, 101.0, (101.0, 101.0)),
                                   (102.0, 105.0, (102.0, 103.0)),
                                   (103.1, 105.0, None), (99.0, 100.9, None)):
            meeting = interval.meet(timelines.Interval(begin, end))
            self.assertEqual(common and timelines.Interval(*common), meeting)


class RecorderTest(testtools.TestCase):
    """recorders.Recorder."""

    def setUp(self):
        super().setUp()
        self.clock = test_waiting.FakeClock()
        self.recorder = recorders.Recorder(self.clock)

    def poll(self, look, takes=1.0, link=Link.ALARM):
        """Record a poll that takes some seconds."""
        begin = self.clock.now()
        self.clock.sleep(takes)
        self.recorder.look(link, begin, self.clock.now(), look)

    def found(self):
        evidence, = self.recorder.timeline().evidence
        return evidence

    def test_uncertainty(self):
        """An alarm came after the last poll that missed it had begun."""
        self.poll(looks.Look('not there'))
        self.clock.sleep(4)
        self.poll(looks.Look('not there'))
        self.clock.sleep(4)
        self.poll(sight())
        self.assertEqual((1005.0, 1011.0, 1003.0), (
            self.found().not_before, self.found().seen_at,
            self.found().earliest))

    def test_first_poll(self):
        """Before the first poll there is only the origin."""
        self.clock.sleep(3)
        self.poll(sight())
        self.assertEqual((1000.0, 1004.0), (self.found().not_before,
                                            self.found().seen_at))

    def test_silence_proves_nothing(self):
        """A poll without an answer does not move not_before."""
        self.poll(looks.Look('not there'))
        begin = self.clock.now()
        self.clock.sleep(5)
        self.recorder.silence(Link.ALARM, begin, 'HTTP 503')
        watched = self.recorder.timeline().watched[Link.ALARM]
        self.assertEqual((2, 1, 'no answer: HTTP 503', begin), (
            watched.polls, watched.errors, watched.state,
            watched.last_begin))
        self.poll(sight())
        self.assertEqual(1000.0, self.found().not_before)

    def test_first_sighting_counts(self):
        """The same thing is not recorded twice."""
        self.poll(sight('a1', host='x'))
        self.poll(sight('a1', host='x', state='worse'))
        self.assertEqual('a1', self.found().object_id)
        self.assertEqual({'host': 'x'}, dict(self.found().payload))

    def test_another_thing_of_the_same_mark(self):
        """The first does not hide it; its own polls say when it came."""
        for link, key, values in (
                (Link.STACK, 'server_id', 'new newer'),
                (Link.STACK, 'updated_time', 'u1 u2'),
                (Link.STACK, 'host', 'x y'), (Link.ALARM, 'host', 'x y'),
                (Link.ALARM, 'start_timestamp', 't1 t2'),
                (Link.DEDUCTION, 'start_timestamp', 't1 t2'),
                (Link.DEDUCTION, 'server_id', 's1 s2'),
                (Link.WORKFLOW, 'stack_id', 'k1 k2'),
                (Link.WORKFLOW, 'server_id', 's1 s2'),
                (Link.APPLICATION, 'boot', 'b1 b2'),
                (Link.APPLICATION, 'host', 'x y'),
                (Link.APPLICATION, 'server', 's1 s2')):
            first, second = values.split()
            recorder = self.recorder = recorders.Recorder(self.clock)
            begin = self.clock.now()
            self.poll(sight(**{key: first}), link=link)
            later = self.clock.now()
            self.poll(sight(**{key: second}), link=link)
            self.assertEqual(
                [(first, begin, later), (second, begin, later + 1.0)],
                [(evidence.payload[key], evidence.not_before, evidence.seen_at)
                 for evidence in recorder.timeline().evidence], key)

    def test_host_that_is_told_later(self):
        """Who answers is seen before Nova says where it is."""
        self.poll(sight('b1', boot='b1'), link=Link.APPLICATION)
        self.poll(sight('b1', boot='b1', host='x', moved_by='evacuate'),
                  link=Link.APPLICATION)
        self.assertEqual(('x', 'evacuate'), tuple(
            self.found().payload[key] for key in ('host', 'moved_by')))

    def test_told_by_one_of_two_looks(self):
        """The graph has no start of an alarm, the history has."""
        self.poll(sight(host='x', start_timestamp=None))
        self.poll(sight(host='x', start_timestamp='t1'))
        self.assertEqual(1, len(self.recorder.timeline().evidence))

    def test_cause_that_is_told_later(self):
        """An alarm is there before what it was deduced from is known."""
        self.poll(sight(causes=(), stamps=(STAMP,)), link=Link.DEDUCTION)
        self.poll(sight(causes=('a0',)), link=Link.DEDUCTION)
        self.assertEqual((('a0',), (STAMP,)), (
            self.found().payload['causes'], self.found().stamps))

    def test_endless_strangers(self):
        """Somebody answers with a new name each time: memory has an end."""
        for number in range(recorders.MOST_SIGHTINGS + 5):
            self.poll(sight('a%d' % number), takes=0.0)
        seen = self.recorder.timeline()
        self.assertEqual(recorders.MOST_SIGHTINGS, len(seen.evidence))
        self.assertIn('more than 100 different sightings of alarm finished',
                      seen.remarks[0])

    def test_ended(self):
        """What ended the watch is kept, and nothing comes after it."""
        self.poll(sight())
        self.recorder.end('it was interrupted')
        self.recorder.end('something else')
        self.recorder.conclude()
        self.poll(sight(mark=Mark.STARTED))
        self.recorder.unmet('late')
        seen = self.recorder.timeline()
        self.assertEqual(('it was interrupted', None, 1, ()), (
            seen.ended, seen.concluded, len(seen.evidence), seen.unmet))

    def test_ended_after_the_conclusion(self):
        """The verdict is sure: nothing can end it early any more."""
        self.recorder.conclude()
        self.recorder.end('late')
        self.assertEqual('', self.recorder.timeline().ended)

    def test_both_marks(self):
        self.poll(sight(mark=Mark.STARTED))
        self.poll(sight())
        self.assertEqual([Mark.STARTED, Mark.FINISHED], [
            evidence.mark for evidence in self.recorder.timeline().evidence])

    def test_failure_keeps_its_time_and_goes(self):
        """A failure holds from its first poll to the first better one."""
        bad = looks.Look('ERROR', failure='boom', object_id='e1')
        self.poll(bad)
        self.poll(bad)
        failure = self.recorder.timeline().failure(Link.ALARM)
        self.assertEqual(('e1', 1001.0, 'boom'), (
            failure.object_id, failure.seen_at, failure.why))
        self.assertIsNone(self.recorder.timeline().failure(Link.STACK))
        self.poll(looks.Look('RUNNING'))
        self.assertIsNone(self.recorder.timeline().failure(Link.ALARM))

    def test_remark_is_replaced(self):
        self.recorder.remark('executions', '2 executions')
        self.recorder.remark('executions', '3 executions')
        self.recorder.remark('state', 'not seen')
        self.assertEqual(('3 executions', 'not seen'),
                         self.recorder.timeline().remarks)

    def test_watched(self):
        """Both polls count, but only one of them has seen anything."""
        self.poll(looks.Look('not there'))
        self.clock.sleep(4)
        self.recorder.silence(Link.ALARM, self.clock.now(), 'HTTP 503')
        watched = self.recorder.timeline().watched[Link.ALARM]
        self.assertEqual((1000.0, 1005.0), (watched.answered,
                                            watched.last_begin))

    def test_concluded(self):
        """The verdict is sure: what it is made of stays as it is."""
        self.poll(looks.Look('ERROR', failure='boom', object_id='e1'))
        self.recorder.conclude()
        before = self.recorder.timeline()
        self.assertEqual(1001.0, before.concluded)
        self.poll(sight())
        self.poll(sight(), link=Link.APPLICATION)
        self.recorder.silence(Link.ALARM, 1002.0, 'HTTP 503')
        self.recorder.silence(Link.STACK, 1002.0, 'HTTP 503')
        self.recorder.unmet('host compute-1 is down')
        self.assertEqual(before, self.recorder.timeline())

    def test_recorded_after_the_conclusion(self):
        """The fault is taken back, and somebody may answer, or start."""
        self.poll(looks.Look('x', objects=('e1',)), link=Link.WORKFLOW)
        self.recorder.conclude()
        self.recorder.transition('reverted', 1000.0)
        probe = samples.probe(1001.0, 'old')
        self.recorder.probe(probe)
        self.poll(looks.Look('x', objects=('e1', 'e2')),
                  link=Link.WORKFLOW)
        detail = timelines.Detail(Link.STACK, 'Heat event', 'ev', 'x', STAMP)
        self.recorder.detail(detail)
        seen = self.recorder.timeline()
        self.assertEqual((probe,), seen.probes)
        self.assertIsNotNone(seen.transition('reverted'))
        self.assertEqual({Link.WORKFLOW: ('e1', 'e2')}, dict(seen.objects))
        self.assertEqual((detail,), seen.details)

    def test_slow_poll_comes_last(self):
        """The slow poll began before the others: its state is older."""
        self.clock.sleep(4)
        now = self.clock.now()
        self.recorder.look(Link.ALARM, now - 1, now,
                           looks.Look('new', failure='boom'))
        self.recorder.look(Link.ALARM, now - 3, now, looks.Look('old'))
        self.recorder.silence(Link.ALARM, now - 2, 'HTTP 503')
        seen = self.recorder.timeline()
        watched = seen.watched[Link.ALARM]
        self.assertEqual((3, 1, now - 1, 'new', now - 1), (
            watched.polls, watched.errors, watched.last_begin,
            watched.state, watched.answered))
        self.assertEqual('boom', seen.failure(Link.ALARM).why)

    def test_seen_before_more_was_asked(self):
        """The time is that of the answer which shows it."""
        self.poll(looks.Look('active', (
            looks.Sighting(Mark.FINISHED, 'a1', {}),), seen_at=1000.5))
        self.assertEqual(1000.5, self.found().seen_at)

    def test_blind_poll_that_began_later(self):
        """An alarm that a poll missed may have been gone when it looked."""
        self.recorder.look(Link.ALARM, 1000.5, 1001.0,
                           looks.Look('not there'))
        self.recorder.look(Link.ALARM, 1003.0, 1004.0,
                           looks.Look('not there'))
        self.recorder.look(Link.ALARM, 1002.0, 1005.0, sight())
        self.assertEqual((1000.5, 1005.0), (self.found().not_before,
                                            self.found().seen_at))

    def test_blind_poll_that_was_over_later(self):
        """The poll may have looked when all was gone, whenever it began."""
        for begin, end in ((1001.0, 1001.5), (1002.0, 1003.1)):
            self.recorder.look(Link.ALARM, begin, end,
                               looks.Look('not there'))
        self.recorder.look(Link.ALARM, 1003.0, 1004.1, sight())
        self.recorder.look(Link.ALARM, 1002.5, 1005.0,
                           looks.Look('not there'))
        self.assertEqual(1001.0, self.found().not_before)

    def test_blind_poll_that_was_over_just_then(self):
        """The blind poll was over before, without a moment in between."""
        for look in (looks.Look('not there'), sight()):
            self.poll(look)
        self.poll(looks.Look('not there'), link=Link.STACK)
        self.poll(looks.Look('not there'), link=Link.STACK)
        self.poll(sight(), link=Link.STACK)
        self.assertEqual([1000.0, 1003.0], [
            evidence.not_before
            for evidence in self.recorder.timeline().evidence])

    def test_unmet(self):
        self.recorder.unmet('the alarm is there already')
        self.assertEqual(('the alarm is there already',),
                         self.recorder.timeline().unmet)

    def test_blind_polls_one_after_the_other(self):
        """The last of those that were over counts, by their beginning."""
        for begin, end in ((1001.0, 1004.0), (1003.0, 1003.5),
                           (1002.0, 1005.0)):
            self.recorder.look(Link.ALARM, begin, end,
                               looks.Look('not there'))
        self.recorder.look(Link.ALARM, 1005.0, 1005.5, sight())
        self.assertEqual(1003.0, self.found().not_before)

    def test_time_that_is_told_later(self):
        """The service writes it down after the thing itself."""
        self.poll(sight(server_id='new', event_id=None))
        before = self.found()
        self.assertTrue(self.recorder.unstamped(Link.ALARM))
        self.recorder.conclude()
        self.poll(sight(stamps=(STAMP,), server_id='new', event_id='ev'))
        self.assertFalse(self.recorder.unstamped(Link.ALARM))
        evidence = self.found()
        self.assertEqual(((STAMP,), 'ev'), (evidence.stamps,
                                            evidence.payload['event_id']))
        self.assertEqual((before.not_before, before.seen_at, before.lag),
                         (evidence.not_before, evidence.seen_at, evidence.lag))

    def test_time_of_something_else(self):
        """A stamp of another object says nothing of the one that was there."""
        self.poll(sight(server_id='new'))
        before = self.recorder.timeline()
        for link, sighting in (
                (Link.ALARM, sight('a2', stamps=(STAMP,), server_id='new')),
                (Link.ALARM, sight(stamps=(STAMP,), server_id='newer')),
                (Link.STACK, sight(stamps=(STAMP,), server_id='new'))):
            self.poll(sighting, link=link)
            self.assertIn(before.evidence[0],
                          self.recorder.timeline().evidence)
        self.assertFalse(self.recorder.unstamped(Link.STACK))

    def test_time_of_another_state(self):
        """One value like before is not enough: it may be of an update."""
        self.poll(sight(server_id='new', stack_status='UPDATE_COMPLETE'))
        self.poll(sight(stamps=(STAMP,), server_id='new',
                        stack_status='UPDATE_IN_PROGRESS'))
        self.assertEqual(((), 'UPDATE_COMPLETE'), (
            self.found().stamps, self.found().payload['stack_status']))

    def test_first_time_counts(self):
        """A stamp is there already: a later one may be of an update."""
        self.poll(sight(stamps=(STAMP,)))
        self.poll(sight(stamps=(timelines.Stamp('Heat', 5.0, 6.0),)))
        self.assertEqual((STAMP,), self.found().stamps)

    def test_what_was_seen_is_gone(self):
        """That it is not there later says nothing of when it came."""
        self.recorder.look(Link.ALARM, 1005.0, 1005.1, sight())
        self.recorder.look(Link.ALARM, 1005.0, 1006.0,
                           looks.Look('not there'))
        self.assertEqual(1000.0, self.found().not_before)

    def test_clock_measured_twice(self):
        """The clock may have been anywhere in between meanwhile."""
        self.recorder.clock('Heat', timelines.Offset(5.0, 6.0))
        self.recorder.clock('Heat', timelines.Offset(5.5, 7.0))
        self.assertEqual({'Heat': timelines.Offset(5.0, 7.0)},
                         dict(self.recorder.timeline().clocks))

    def test_concluded_once(self):
        self.assertIsNone(self.recorder.timeline().concluded)
        self.recorder.conclude()
        self.clock.sleep(1)
        self.recorder.conclude()
        self.assertEqual(1000.0, self.recorder.timeline().concluded)

    def test_last_probe(self):
        """A probe that is not over at the conclusion is not judged."""
        self.assertIsNone(self.recorder.timeline().last_probe())
        first, second = samples.probe(1000.0, 'old'), samples.probe(1001.0)
        self.recorder.probe(first)
        self.recorder.probe(second)
        self.assertEqual(second, self.recorder.timeline().last_probe())
        self.clock.sleep(1.25)
        self.recorder.conclude()
        self.assertEqual(first, self.recorder.timeline().last_probe())

    def test_a_timeline_stays_as_it_is(self):
        """A timeline that was handed out does not change any more."""
        before = self.recorder.timeline()
        self.poll(sight())
        self.recorder.transition('injected', 1000.0)
        self.assertEqual(((), (), {}), (
            before.evidence, before.transitions, dict(before.watched)))


class WhenTest(testtools.TestCase):
    """timelines.Timeline.when(): what stamps add to the polls."""

    def when(self, *stamps, lag=0.0, **offsets):
        """Return when what was seen between 105 and 108 s happened."""
        seen = timelines.Timeline(origin=0.0, clocks={
            name: timelines.Offset(*bounds)
            for name, bounds in offsets.items()})
        evidence = timelines.Evidence(
            Link.STACK, Mark.FINISHED, 's', 105.0, 108.0, lag=lag,
            stamps=stamps)
        interval = seen.when(evidence)
        return interval.begin, interval.end

    def test_polls_only(self):
        self.assertEqual((105.0, 108.0), self.when())
        self.assertEqual((103.0, 108.0), self.when(lag=2.0))

    def test_narrowed(self):
        """The uncertainty of the clock is carried along."""
        self.assertEqual((105.75, 107.25), self.when(
            timelines.Stamp('Heat', 1106.0, 1107.0), Heat=(999.75, 1000.25)))

    def test_cut_off_at_the_polls(self):
        self.assertEqual((105.0, 106.0), self.when(
            timelines.Stamp('Heat', 1105.0, 1106.0), Heat=(1000.0, 1001.0)))

    def test_upper_bound(self):
        self.assertEqual((105.0, 106.5), self.when(
            timelines.Stamp('Heat', -math.inf, 1106.0),
            Heat=(999.5, 1000.0)))

    def test_unknown_clock(self):
        """A service without a known clock adds nothing to the polls."""
        self.assertEqual((105.0, 108.0), self.when(
            timelines.Stamp('Heat', 1106.0, 1107.0)))

    def test_contradiction(self):
        """The polls win, and the other stamp still counts."""
        self.assertEqual((106.0, 107.0), self.when(
            timelines.Stamp('Heat', 1206.0, 1207.0),
            timelines.Stamp('Nova', 1106.0, 1107.0),
            Heat=(1000.0, 1000.0), Nova=(1000.0, 1000.0)))

    def test_disbelieved(self):
        evidence = timelines.Evidence(
            Link.STACK, Mark.FINISHED, 's', 105.0, 108.0,
            stamps=(timelines.Stamp('Heat', 1206.0, 1207.0),
                    timelines.Stamp('Nova', 1106.0, 1107.0)))
        seen = timelines.Timeline(
            origin=0.0, evidence=(evidence,), clocks=dict.fromkeys(
                ('Heat', 'Nova'), timelines.Offset(1000.0, 1000.0)))
        self.assertEqual(['Heat'], seen.disbelieved())

    @given(strategies.lists(strategies.tuples(
        strategies.floats(90, 120), strategies.floats(0, 3),
        strategies.floats(0, 1)), max_size=4),
        strategies.floats(105, 108))
    def test_truth_is_kept(self, told, truth):
        """What true stamps leave is never empty, and holds the truth."""
        stamps, offsets = [], {}
        for number, (offset, before, after) in enumerate(told):
            name = 'service-%d' % number
            stamps.append(timelines.Stamp(name, truth + offset - before,
                                          truth + offset + after))
            offsets[name] = (offset - after, offset + before)
        begin, end = self.when(*stamps, **offsets)
        self.assertTrue(105.0 <= begin <= end <= 108.0)
        self.assertTrue(begin - 1e-9 <= truth <= end + 1e-9)


# As the real watcher of the application is paced, at the pace of the test.
ASKED = looks.Pace(at_once=4, rest=0.0)
OFTEN = looks.Pace(0.01, at_once=4, rest=0.0)


class FakeWatcher:
    """Says what it is told to, then the last for ever.

    :ivar asked: set whenever it is asked
    """

    def __init__(self, link, *of, pace=None):
        self.link, self._looks = link, list(of)
        # The answers of the application count, each of them.
        self.pace = pace or (ASKED if link is Link.APPLICATION
                             else looks.USUAL)
        self.threads = set()
        self.asked = threading.Event()

    def break_with(self, error):
        """Raise an error from now on."""
        self._looks = [error]

    def look(self, recorder):
        # Ours is who asks once more when all is over.
        self.threads.update({threading.current_thread()}
                            - {threading.main_thread()})
        self.asked.set()
        if self.link is Link.APPLICATION:
            recorder.probe(samples.probe(recorder.now(), 'new', takes=0.0))
        look = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        if isinstance(look, Exception):
            raise look
        return look


class Hanging:
    """Sees nothing, and that not before it may.

    :ivar begun: a semaphore with as many places as polls have begun, but for
        the first where that has an end of its own
    """

    def __init__(self, link, held, first=None, pace=looks.USUAL):
        self.link, self._held, self._first = link, held, first
        self.pace = pace
        self.begun = threading.Semaphore(0)

    def look(self, recorder):
        first, self._first = self._first, None
        if isinstance(first, Exception):
            raise first
        if first is not None:
            return first
        self.begun.release()
        self._held.wait(10)
        return looks.Look('not there')


class Interrupting:
    """Raises in the main thread, when something was seen."""

    def __init__(self, recorder, error):
        self._recorder, self._error = recorder, error

    def __call__(self, seen):
        if all(link in seen.watched for link in vitrage.CHAIN.links):
            raise self._error


class TellsLate:
    """Heat, which tells its times only when all is over."""

    link, pace = Link.STACK, looks.USUAL

    def look(self, recorder):
        over = recorder.timeline().concluded is not None
        return looks.Look('done', tuple(
            looks.Sighting(mark, 's', samples.PAYLOADS[Link.STACK],
                           stamps=(STAMP,) if over else ())
            for mark in Mark))


class WatchTest(testtools.TestCase):
    """watch.Watch."""

    def chain(self, **replaced):
        sightings = {link.name: [sight(mark=Mark.STARTED, **payload),
                                 sight(**payload)]
                     for link, payload in samples.PAYLOADS.items()}
        sightings.update(replaced)
        return [FakeWatcher(vitrage.CHAIN.link(name), *of)
                for name, of in sightings.items()]

    def injected(self):
        """Return a recorder of a fault that is there."""
        recorder = recorders.Recorder()
        now = recorder.now()
        recorder.transition('injected', now)
        recorder.transition('witnessed', now)
        return recorder

    def run_watch(self, chain, **changes):
        recorder = self.injected()
        with watch.Watch(chain, recorder, 0.01) as running:
            running.until_over(self.expected(**changes))
        return recorder.timeline()

    def expected(self, **changes):
        limits = {link.name: 0.5 for link in samples.PAYLOADS}
        return samples.expected(timeouts=limits, **changes)

    def nothing(self):
        """Return watchers that see nothing."""
        missing = [looks.Look('not there')]
        return self.chain(**{link.name: missing
                             for link in vitrage.CHAIN.links})

    def test_all_links(self):
        """Each link has threads of its own, and all of them end."""
        chain = self.chain()
        seen = self.run_watch(chain)
        self.assertEqual(10, len(seen.evidence))
        threads = set().union(*(watcher.threads for watcher in chain))
        self.assertGreaterEqual(len(threads), 5)
        self.assertEqual([],
                         [thread for thread in threads if thread.is_alive()])

    def test_broken_link_ends_the_watch(self):
        missing = [looks.Look('not there')]
        seen = self.run_watch(self.chain(
            workflow=missing, stack=missing, application=missing))
        self.assertEqual({Link.ALARM, Link.DEDUCTION},
                         {evidence.link for evidence in seen.evidence})

    def test_out_of_order_for_a_while(self):
        """A service that is back in time costs nothing."""
        trouble = errors.ServiceUnavailable('Mistral', 'list', 'HTTP 503')
        seen = self.run_watch(self.chain(workflow=[
            trouble, trouble, sight(**samples.PAYLOADS[Link.WORKFLOW])]))
        self.assertEqual(2, seen.watched[Link.WORKFLOW].errors)
        self.assertIsNotNone(seen.find(Link.WORKFLOW, Mark.FINISHED))

    def test_defect_is_raised(self):
        """A watcher that breaks must not pass for a missing link."""
        self.useFixture(fixtures.MockPatchObject(watch, 'REFUSED', 0.2))
        error = errors.ServiceRefused('Heat', 'show stack', 'HTTP 403')
        log = self.useFixture(fixtures.FakeLogger())
        self.assertIs(error, self.assertRaises(
            errors.ServiceRefused, self.run_watch,
            self.chain(stack=[error])))
        self.assertIn('Watching stack failed', log.output)

    def test_quiet_time(self):
        """Every link is watched until the end of it."""
        seen = self.run_watch(self.nothing(), steps=(),
                              quiet=0.1)
        end = seen.transition('injected').end + 0.1
        for link in vitrage.CHAIN.links:
            self.assertGreaterEqual(seen.watched[link].answered, end)
        self.assertGreaterEqual(seen.concluded, end)

    def test_side_by_side(self):
        """A poll that hangs does not hold up the others of its link."""
        recorder, held = self.injected(), threading.Event()
        slow = Hanging(Link.ALARM, held)
        with watch.Watch([slow], recorder, 0.01):
            for _ in range(looks.AT_ONCE):
                self.assertTrue(slow.begun.acquire(timeout=5))
            self.assertFalse(slow.begun.acquire(timeout=0.1))
            held.set()
        self.assertGreaterEqual(
            recorder.timeline().watched[Link.ALARM].polls, looks.AT_ONCE)

    def test_one_at_a_time_in_trouble(self):
        """A service without an answer is not asked harder."""
        recorder, held = self.injected(), threading.Event()
        trouble = errors.ServiceUnavailable('Heat', 'show', 'HTTP 503')
        slow = Hanging(Link.STACK, held, trouble)
        with watch.Watch([slow], recorder, 0.1):
            self.assertTrue(slow.begun.acquire(timeout=5))
            self.assertFalse(slow.begun.acquire(timeout=0.5))
            held.set()
            for _ in range(looks.AT_ONCE):
                self.assertTrue(slow.begun.acquire(timeout=5))
        self.assertEqual(1, recorder.timeline().watched[Link.STACK].errors)

    def test_slow_application_is_not_asked_harder(self):
        """Requests that it has taken are work for it, answered or not."""
        recorder, held = self.injected(), threading.Event()
        slow = Hanging(Link.APPLICATION, held, pace=OFTEN)
        with watch.Watch([slow], recorder, 60):
            for _ in range(OFTEN.at_once):
                self.assertTrue(slow.begun.acquire(timeout=5))
            self.assertFalse(slow.begun.acquire(timeout=0.1))
            held.set()
            self.assertTrue(slow.begun.acquire(timeout=5))

    def test_dead_application_is_asked_at_the_same_pace(self):
        """Each request takes a second to fail, and is nobody's work."""
        recorder, held = self.injected(), threading.Event()
        dead = Hanging(Link.APPLICATION, held,
                       looks.Look('nobody there', unreached=True), OFTEN)
        with watch.Watch([dead], recorder, 60):
            for _ in range(2 * OFTEN.at_once):
                self.assertTrue(dead.begun.acquire(timeout=5))
            held.set()

    def test_shut_out(self):
        """A member without a role gets no answer, and the rest goes on."""
        refused, recorder = FakeWatcher(Link.WORKFLOW), self.injected()
        refused.break_with(errors.ServiceRefused('Aodh', 'list', 'no', 401))
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.watching.watch.REFUSED', -1.0))
        with watch.Watch([refused], recorder, 0.01,
                         shut_out=lambda error: error.code == 401):
            for _ in range(3):
                refused.asked.clear()
                self.assertTrue(refused.asked.wait(timeout=20))
        self.assertIn('no answer: Aodh',
                      recorder.timeline().watched[Link.WORKFLOW].state)
        self.assertEqual('', recorder.timeline().ended)

    def test_what_has_come_is_asked_for_less(self):
        """Nothing but the application, whose every answer counts."""
        recorder, chain = self.injected(), self.chain()
        for watcher in chain[:-1]:
            watcher.pace = looks.Pace(rest=60)
        with watch.Watch(chain, recorder, 0.01):
            probes = chain[-1].asked
            for _ in range(20):
                probes.clear()
                self.assertTrue(probes.wait(5))
        watched = recorder.timeline().watched
        # The mark that came last came with the second poll; some more may
        # have been under way.
        self.assertLess(watched[Link.ALARM].polls, 2 + looks.AT_ONCE)

    def test_what_waits_is_asked_for_less(self):
        """But not before all that is seen of it has come after the fault."""
        now, took = 100.0, 0.0
        recorder = recorders.Recorder(waiting.Clock(
            now=lambda: now, wall=lambda: now))
        gate = gates.Gate(Link.DEDUCTION, looks.Pace(rest=60), recorder,
                          vitrage.CHAIN.steps)

        def asked(after):
            nonlocal now
            now += after
            if entered := gate.enter():
                gate.leave(looks.Look('nothing'), now - took)
            return entered

        took = 10.0
        self.assertEqual([True] * 3, [asked(0.1) for _ in range(3)])
        took = 0.0
        recorder.transition('injected', now + 0.05)
        self.assertEqual([True, False, False], [asked(0.1) for _ in range(3)])
        self.assertEqual([True, False], [asked(60), asked(0.1)])
        recorder.look(Link.ALARM, now, now, looks.Look('raised', (
            looks.Sighting(Mark.FINISHED, 'alarm-1', {}),)))
        self.assertEqual([True] * 3, [asked(0.1) for _ in range(3)])
        # A service that is slow is given time for its work.
        took = 0.1
        self.assertEqual([True, False, True, False, True],
                         [asked(0.3) for _ in range(5)])

    def test_time_is_asked_for_at_the_end(self):
        """All has come, but nobody has told yet when the stack was done."""
        recorder = self.injected()
        chain = [TellsLate() if watcher.link is Link.STACK else watcher
                 for watcher in self.chain()]
        with watch.Watch(chain, recorder, 0.01) as running:
            running.until_over(self.expected())
        self.assertEqual((STAMP,), recorder.timeline().find(
            Link.STACK, Mark.FINISHED).stamps)

    def test_shown(self):
        """Whoever wants to see how it goes sees it, the end as well."""
        recorder, shown = self.injected(), []
        with watch.Watch(self.chain(), recorder, 0.01) as running:
            running.until_over(self.expected(), shown.append)
        self.assertEqual(10, len(shown[-1].evidence))

    def test_application_is_asked_further_on(self):
        """It and the executions, and only until the end of the with."""
        recorder, chain = self.injected(), self.chain()
        going_on = [polled for polled in chain if polled.link in (
            Link.APPLICATION, Link.WORKFLOW)]
        # What has come is asked for at leisure, which is too long here.
        for watcher in chain:
            watcher.pace = looks.Pace(rest=0.0)
        with watch.Watch(chain, recorder, 0.01) as running:
            running.until_over(self.expected())
            concluded = recorder.timeline()
            for polled in chain:
                polled.asked.clear()
            for polled in going_on * 2:
                self.assertTrue(polled.asked.wait(5))
                polled.asked.clear()
            self.assertEqual([], [polled.link for polled in chain
                                  if polled not in going_on
                                  and polled.asked.is_set()])
        seen = recorder.timeline()
        self.assertGreater(len(seen.probes), len(concluded.probes))
        self.assertEqual(concluded.watched, seen.watched)
        self.assertEqual(concluded.evidence, seen.evidence)
        self.assertLess(concluded.concluded, seen.probes[-1].begin)
        self.assertEqual([], [thread for polled in chain
                              for thread in polled.threads
                              if thread.is_alive()])

    def test_application_interval(self):
        """The application is asked at a pace of its own."""
        recorder, chain = self.injected(), self.nothing()
        chain[-1].pace = OFTEN
        with watch.Watch(chain, recorder, 60):
            for _ in range(3):
                self.assertTrue(chain[-1].asked.wait(5))
                chain[-1].asked.clear()
        seen = recorder.timeline()
        self.assertGreaterEqual(seen.watched[Link.APPLICATION].polls, 3)
        self.assertEqual(1, seen.watched[Link.ALARM].polls)

    def test_defect_after_the_conclusion(self):
        """The defect is told, and changes nothing: the verdict is sure."""
        self.useFixture(fixtures.FakeLogger())
        recorder, chain = self.injected(), self.chain()
        before = set(threading.enumerate())
        with watch.Watch(chain, recorder, 0.01) as running:
            running.until_over(self.expected())
            judged = verdicts.verdict(recorder.timeline(), self.expected())
            chain[-1].break_with(KeyError('boot'))
            waiting.wait_for(
                lambda: 'watch-application' not in {
                    thread.name
                    for thread in {*threading.enumerate()} - before},
                what='the end of who asks', timeout=20, interval=0.01)
        seen = recorder.timeline()
        self.assertEqual(judged, verdicts.verdict(seen, self.expected()))
        self.assertIn('application was not watched to the end, after the '
                      "verdict was sure: KeyError: 'boot'", seen.remarks)

    def test_refused_once(self):
        """A "no" may pass, such as one of a proxy that is restarted."""
        refusal = errors.ServiceRefused('Heat', 'show stack', 'HTTP 404')
        defect = errors.ClientDefect('Mistral', 'list', 'no JSON')
        seen = self.run_watch(self.chain(
            stack=[refusal, refusal, *self.looks(Link.STACK)],
            workflow=[defect, *self.looks(Link.WORKFLOW)]))
        self.assertEqual((2, 1), (seen.watched[Link.STACK].errors,
                                  seen.watched[Link.WORKFLOW].errors))
        self.assertEqual((10, ''), (len(seen.evidence), seen.ended))

    def looks(self, link):
        payload = samples.PAYLOADS[link]
        return [sight(mark=Mark.STARTED, **payload), sight(**payload)]

    def test_interrupted(self):
        """Whatever ends the watch: it is told, and there is no verdict."""
        for error, why in (
                (KeyboardInterrupt(), 'it was interrupted'),
                (SystemExit(3), 'SystemExit: 3'),
                (fixtures.TimeoutException(),
                 'the time of the test was over (OS_TEST_TIMEOUT)')):
            recorder = self.injected()
            interrupt = Interrupting(recorder, error)
            with testtools.ExpectedException(type(error)):
                with watch.Watch(self.nothing(), recorder, 0.01) as running:
                    running.until_over(self.expected(), interrupt)
            seen = recorder.timeline()
            self.assertEqual((why, None), (seen.ended, seen.concluded))
            verdict = verdicts.verdict(seen, self.expected())
            self.assertEqual(
                (verdicts.Kind.INVALID, 'the watch ended early: %s' % why),
                (verdict.kind, verdict.why))

    def test_picture_that_breaks(self):
        """The run is worth more than what it shows."""
        log = self.useFixture(fixtures.FakeLogger())

        def show(seen):
            raise RuntimeError('no terminal')

        recorder = self.injected()
        with watch.Watch(self.chain(), recorder, 0.01) as running:
            running.until_over(self.expected(), show)
        self.assertIsNotNone(recorder.timeline().concluded)
        self.assertIn('The run cannot be shown', log.output)

    def test_poll_without_end(self):
        """The poll counts as one without an answer, and delays nobody."""
        self.useFixture(fixtures.MockPatchObject(watch, 'FAREWELL', 0.1))
        recorder, held = self.injected(), threading.Event()
        self.addCleanup(held.set)
        slow = Hanging(Link.ALARM, held)
        chain = [slow, *self.nothing()[1:]]
        with watch.Watch(chain, recorder, 0.01, patience=0.2) as running:
            for _ in range(looks.AT_ONCE + 2):
                self.assertTrue(slow.begun.acquire(timeout=10))
        seen = recorder.timeline().watched[Link.ALARM]
        self.assertGreaterEqual(seen.errors, looks.AT_ONCE)
        self.assertIn('no answer: no end after', seen.state)
        del running
