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

"""What healed means: replaced or moved, alone and in whole verdicts."""

import dataclasses

import testtools

from self_healing_tempest_plugin.model import healing
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import stopping
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.tests.unit import chain_samples

STARTED, FINISHED = links.Mark.STARTED, links.Mark.FINISHED
IDS, CHAIN, Kind = chain_samples.IDS, chain_samples.MOVING, verdicts.Kind
ALARM, NOTIFICATION, SERVER, APPLICATION = CHAIN.links

EXPECTED = chain_samples.expected(CHAIN)
QUIET = chain_samples.expected(CHAIN, steps=CHAIN.until(ALARM), quiet=30.0)
NOTHING = chain_samples.expected(CHAIN, steps=(), quiet=30.0)


def payload(server, boot, **host):
    return {'server': server, 'boot': boot, 'url': IDS['url'], **host}


# Who may answer, in the words of an operator.
UNCHANGED = payload('old', 'boot-1')
AS_BEFORE = payload('old', 'boot-1', host='compute-1')
REBOOTED = payload('old', 'boot-2', host='compute-1')
EVACUATED = payload('old', 'boot-2', host='compute-2')
MIGRATED = payload('old', 'boot-1', host='compute-2')
UNKNOWN = payload('old', 'boot-2')
REPLACEMENT = payload('new', 'boot-2')
NAMELESS = payload('', 'boot-2')
BOOTLESS = payload('old', '', host='compute-2')


class FitsTest(testtools.TestCase):
    """fits(): who counts as healed."""

    def check(self, meaning, *healed):
        for answer in (UNCHANGED, AS_BEFORE, REBOOTED, EVACUATED, MIGRATED,
                       UNKNOWN, REPLACEMENT, NAMELESS, BOOTLESS):
            self.assertIs(answer in healed, meaning.fits(IDS, answer),
                          answer)

    def test_replaced(self):
        """Any other server; which one is right, the chain's ties say."""
        self.check(healing.REPLACED, REPLACEMENT, NAMELESS)

    def test_moved(self):
        """Same id, another host, another boot, and all three known."""
        self.check(healing.MOVED, EVACUATED)

    def test_without_a_boot(self):
        for meaning in (healing.REPLACED, healing.MOVED):
            for answer in ({}, {'server': 'new'}, {'boot': None}):
                self.assertFalse(meaning.fits(IDS, answer))

    def test_replaced_by_the_boot_of_before(self):
        """A new name for the old guest is no other server."""
        self.assertFalse(healing.REPLACED.fits(IDS, payload('new', 'boot-1')))

    def test_another_server_elsewhere(self):
        """A new server whose host is known is no moved one for that."""
        self.assertFalse(healing.MOVED.fits(IDS, payload(
            'new', 'boot-2', host='compute-2')))

    def test_moved_host_that_nova_does_not_know(self):
        self.assertFalse(healing.MOVED.fits(IDS, payload(
            'old', 'boot-2', host=None)))

    def test_names(self):
        self.assertEqual(('replaced', 'moved'), (
            healing.REPLACED.name, healing.MOVED.name))


class OfBeforeTest(testtools.TestCase):
    """of_before(): who is the guest that should be dead."""

    OLD = chain_samples.probe(1.0, 'boot-1', 'old')
    AGAIN = chain_samples.probe(1.0, 'boot-2', 'old')
    OTHER = chain_samples.probe(1.0, 'boot-2', 'new')
    RENAMED = chain_samples.probe(1.0, 'boot-1', 'new')

    def check(self, meaning, *before):
        for probe in (self.OLD, self.AGAIN, self.OTHER, self.RENAMED):
            self.assertIs(probe in before, meaning.of_before(IDS, probe))
            self.assertFalse(meaning.of_before(
                IDS, dataclasses.replace(probe, ok=False)))

    def test_replaced(self):
        """The old server, however often it has booted."""
        self.check(healing.REPLACED, self.OLD, self.AGAIN, self.RENAMED)

    def test_moved(self):
        """The old boot: the same server is to answer from another one."""
        self.check(healing.MOVED, self.OLD, self.RENAMED)


class RevivedTest(testtools.TestCase):
    """revived(): the old server is back, by no work of this chain."""

    def check(self, meaning, *revived):
        for answer in (REBOOTED, EVACUATED, MIGRATED, UNKNOWN, REPLACEMENT,
                       NAMELESS):
            self.assertIs(answer in revived, meaning.revived(IDS, answer),
                          answer)

    def test_replaced(self):
        """Whatever was done to it, and wherever it is."""
        self.check(healing.REPLACED, REBOOTED, EVACUATED, MIGRATED, UNKNOWN)

    def test_moved(self):
        """On the same host, or with the same boot; not where unknown."""
        self.check(healing.MOVED, REBOOTED, MIGRATED)

    def test_another_server(self):
        """What does not heal is not always the old server."""
        for meaning in (healing.REPLACED, healing.MOVED):
            self.assertFalse(meaning.revived(IDS, payload(
                'new', 'boot-1', host='compute-2')))

    def test_moved_unknown_host(self):
        self.assertFalse(healing.MOVED.revived(IDS, payload(
            'old', 'boot-2', host=None)))


class TakenOverTest(testtools.TestCase):
    """taken_over(): who took over, in words."""

    def test_replaced(self):
        for given, text in (({'server_id': 'new'}, 'server new took over '
                             'from old'),
                            ({}, 'server unknown took over from old')):
            self.assertEqual(text, healing.REPLACED.taken_over(IDS, given))

    def test_moved(self):
        for given, text in (
                ({'host': 'compute-2'},
                 'server old is on host compute-2, no more on compute-1'),
                ({}, 'server old is on host unknown, no more on compute-1')):
            self.assertEqual(text, healing.MOVED.taken_over(IDS, given))


class MovingCase(testtools.TestCase):
    """Runs of a chain that heals by moving the server."""

    def check(self, kind, link, seen, expected=EXPECTED, *words):
        verdict = verdicts.verdict(seen, expected)
        self.assertEqual((kind, link), (verdict.kind, verdict.link), verdict)
        for word in words:
            self.assertIn(word, verdict.why)
        return verdict

    def answer(self, seen_at, given, name=None):
        """Return that somebody answered."""
        return timelines.Evidence(
            APPLICATION, FINISHED, name or given['boot'], seen_at - 1.0,
            seen_at, given)

    def answered(self, *answers, without=(), **changes):
        """Return a run in which others answer, each at a time."""
        return chain_samples.healthy(
            CHAIN, (*without, APPLICATION),
            tuple(self.answer(*answer) for answer in answers), **changes)

    def quiet(self, *added, **changes):
        """Return a run in which the alarm comes, and what is added."""
        return chain_samples.healthy(
            CHAIN, (NOTIFICATION, SERVER, APPLICATION), added, **changes)


class HealedTest(MovingCase):
    """HEALED: each link has come, and the server answers from elsewhere."""

    def test_all_links(self):
        verdict = self.check(Kind.HEALED, None, chain_samples.healthy(CHAIN))
        self.assertEqual(25.0, verdict.seconds)
        self.assertTrue(verdict.good)
        self.assertEqual('by this chain in 25.0 s; server old is on host '
                         'compute-2, no more on compute-1', verdict.why)

    def test_repaired(self):
        """Nobody asks the application."""
        expected = chain_samples.expected(CHAIN, steps=CHAIN.until(SERVER))
        self.check(Kind.REPAIRED, None, self.answered(), expected,
                   'the server, by this chain in 15.0 s',
                   'server old is on host compute-2')

    def test_host_known_late(self):
        """Nova had not said yet where it is, and nobody was accused."""
        self.check(Kind.HEALED, None, self.answered(
            (122.0, UNKNOWN, 'a'), (125.0, EVACUATED, 'b')))

    def test_moved_twice(self):
        """Where it is in the end is no matter: it is not where it was."""
        self.check(Kind.HEALED, None, self.answered(
            (125.0, EVACUATED, 'a'),
            (130.0, payload('old', 'boot-3', host='compute-3'), 'b')))

    def test_old_boot_before_the_new_one(self):
        """The fault may leave its data path as it was."""
        self.check(Kind.HEALED, None, chain_samples.healthy(CHAIN, probes=(
            chain_samples.probe(110.0, 'boot-1', 'old'),
            chain_samples.probe(124.0, 'boot-2', 'old'))))


class BrokenTest(MovingCase):
    """BROKEN at each link, with what was good and what is missing."""

    def test_alarm(self):
        self.check(Kind.BROKEN, ALARM, chain_samples.healthy(
            CHAIN, CHAIN.links), EXPECTED, 'seen by a witness',
            'no new alarm HostDown on host compute-1 within 30 s',
            'the link monitor → Vitrage is broken')

    def test_notification(self):
        self.check(Kind.BROKEN, NOTIFICATION, chain_samples.healthy(
            CHAIN, CHAIN.links[1:]), EXPECTED, 'alarm HostDown was raised',
            'no notification of server old', 'the link → notification')

    def test_notification_of_another_alarm(self):
        """The notification was sent for another alarm."""
        notification = chain_samples.evidence(
            CHAIN, NOTIFICATION, STARTED, 110.0, causes=('other',))
        self.check(Kind.BROKEN, NOTIFICATION, chain_samples.healthy(
            CHAIN, CHAIN.links[1:], (notification,)))

    def test_notification_that_does_nothing(self):
        """The notification has not ended, nothing began: all waits for it."""
        self.check(Kind.BROKEN, NOTIFICATION, chain_samples.healthy(
            CHAIN, ((NOTIFICATION, FINISHED), SERVER, APPLICATION)),
            EXPECTED, 'no end of the notification')

    def test_notification_without_an_end(self):
        """The server was moved, and it is not known whether that stays."""
        self.check(Kind.BROKEN, NOTIFICATION, chain_samples.healthy(
            CHAIN, ((NOTIFICATION, FINISHED), APPLICATION)))

    def test_server(self):
        """The notification has ended, and nobody was moved."""
        self.check(Kind.BROKEN, SERVER, chain_samples.healthy(
            CHAIN, (SERVER, APPLICATION)), EXPECTED, 'no server of server')

    def test_server_that_does_not_fit(self):
        """Still on the broken host, or not running: it is not moved."""
        for changes in chain_samples.PAYLOADS[SERVER].unfit:
            self.check(Kind.BROKEN, SERVER, chain_samples.healthy(
                CHAIN, (SERVER, APPLICATION), (chain_samples.evidence(
                    CHAIN, SERVER, FINISHED, 115.0, **changes),)))

    def test_server_has_failed(self):
        failed = timelines.Failure(SERVER, 's', 116.0, 'No valid host')
        self.check(Kind.BROKEN, SERVER, chain_samples.healthy(
            CHAIN, ((NOTIFICATION, FINISHED), SERVER, APPLICATION),
            failures=(failed,)), EXPECTED, 'No valid host')

    def test_application(self):
        self.check(Kind.BROKEN, APPLICATION, self.answered(), EXPECTED,
                   'server is there', 'no answer of the application')

    def test_guest_has_to_live(self):
        """No link came, and the guest is dead all the same."""
        expected = dataclasses.replace(QUIET, alive=True)
        self.check(Kind.BROKEN, APPLICATION, self.quiet(
            probes=(chain_samples.probe(200.0),)), expected,
            'the server should live through this fault')


class ByOthersTest(MovingCase):
    """NOT_HEALED_BY_THIS_CHAIN: it is back, and not by this chain."""

    def test_one_link_missing(self):
        """Evacuated by hand: nobody notified."""
        for missing in (ALARM, NOTIFICATION, SERVER):
            self.check(Kind.NOT_HEALED_BY_THIS_CHAIN, missing,
                       chain_samples.healthy(CHAIN, (missing,)), EXPECTED,
                       'from server old itself, boot boot-2, now on host '
                       'compute-2', 'someone else has repaired it')

    def test_rebooted_in_place(self):
        """Whether or not the chain had anything to do with it."""
        for missing in (APPLICATION, SERVER, NOTIFICATION):
            without = CHAIN.links[CHAIN.index(missing):-1]
            self.check(
                Kind.NOT_HEALED_BY_THIS_CHAIN, missing, self.answered(
                    (125.0, REBOOTED), without=without), EXPECTED,
                'still on host compute-1')

    def test_rebooted_in_place_before_it_was_moved(self):
        """All links came, and the application was back without them."""
        verdict = self.check(
            Kind.NOT_HEALED_BY_THIS_CHAIN, APPLICATION, self.answered(
                (112.0, REBOOTED, 'a'), (125.0, EVACUATED, 'b')), EXPECTED,
            'all links came, yet the application answered at +12.0 s',
            'still on host compute-1')
        self.assertNotEqual('', verdict.look_at)

    def test_live_migrated(self):
        """Another host, and the same boot: it has never been dead."""
        self.check(Kind.NOT_HEALED_BY_THIS_CHAIN, APPLICATION, self.answered(
            (125.0, MIGRATED)), EXPECTED, 'boot boot-1, now on host compute-2')

    def test_replaced_by_another_server(self):
        """Somebody has built a new one, with or without the chain's work."""
        for without, link in (((), APPLICATION),
                              ((NOTIFICATION, SERVER), NOTIFICATION),
                              ((SERVER,), SERVER)):
            self.check(Kind.NOT_HEALED_BY_THIS_CHAIN, link, self.answered(
                (125.0, REPLACEMENT), without=without), EXPECTED,
                'from server new', 'not known to have had')

    def test_replaced_although_it_was_moved(self):
        self.check(Kind.NOT_HEALED_BY_THIS_CHAIN, APPLICATION, self.answered(
            (118.0, REPLACEMENT, 'a'), (125.0, EVACUATED, 'b')), EXPECTED,
            'all links came', 'from server new')

    def test_host_that_nobody_knows(self):
        """The guest is back, and whether by this chain is not known."""
        self.check(Kind.NOT_HEALED_BY_THIS_CHAIN, APPLICATION, self.answered(
            (125.0, UNKNOWN)), EXPECTED, 'its host is unknown',
            'or the evidence is lost')

    def test_failed_and_host_unknown(self):
        """The failure says enough; nobody is accused."""
        failed = timelines.Failure(SERVER, 's', 116.0, 'No valid host')
        for given, kind in ((UNKNOWN, Kind.BROKEN),
                            (REBOOTED, Kind.NOT_HEALED_BY_THIS_CHAIN)):
            verdict = self.check(kind, SERVER, self.answered(
                (125.0, given), without=(SERVER,), failures=(failed,)))
            self.assertEqual(kind is not Kind.BROKEN,
                             'someone else' in verdict.why)

    def test_moved_before_it_was_notified(self):
        """An effect before its cause."""
        late = chain_samples.evidence(CHAIN, NOTIFICATION, STARTED, 140.0)
        self.check(
            Kind.NOT_HEALED_BY_THIS_CHAIN, SERVER, chain_samples.healthy(
                CHAIN, ((NOTIFICATION, STARTED),), (late,)), EXPECTED,
            'server was there before notification began')


class SplitBrainTest(MovingCase):
    """SPLIT_BRAIN: the old boot answers after the new one has."""

    NEW = chain_samples.probe(125.0, 'boot-2', 'old')
    OLD = chain_samples.probe(150.0, 'boot-1', 'old')

    def test_old_boot_after_the_new_one(self):
        verdict = self.check(
            Kind.SPLIT_BRAIN, APPLICATION, chain_samples.healthy(
                CHAIN, probes=(self.NEW, self.OLD)), EXPECTED,
            'from boot boot-1')
        self.assertIn('the fencing of host compute-1', verdict.look_at)

    def test_whatever_is_missing(self):
        for link in CHAIN.links:
            self.check(Kind.SPLIT_BRAIN, APPLICATION, chain_samples.healthy(
                CHAIN, (link,), probes=(self.NEW, self.OLD)))

    def test_after_the_conclusion(self):
        """The old guest comes back with its host."""
        self.check(Kind.SPLIT_BRAIN, APPLICATION, chain_samples.healthy(
            CHAIN, probes=(self.NEW,
                           chain_samples.probe(400.0, 'boot-1', 'old'))))

    def test_overlapping(self):
        for begin, kind, link in ((125.4, Kind.HEALED, None),
                                  (125.5, Kind.SPLIT_BRAIN, APPLICATION)):
            self.check(kind, link, chain_samples.healthy(CHAIN, probes=(
                self.NEW, chain_samples.probe(begin, 'boot-1', 'old'))))

    def test_booted_twice(self):
        """The same server from a third boot: it was moved again."""
        self.check(Kind.HEALED, None, chain_samples.healthy(CHAIN, probes=(
            self.NEW, chain_samples.probe(150.0, 'boot-3', 'old'))))

    def test_another_server_and_the_old_boot(self):
        self.check(Kind.SPLIT_BRAIN, APPLICATION, chain_samples.healthy(
            CHAIN, probes=(chain_samples.probe(125.0, 'boot-9', 'new'),
                           self.OLD)))


class UnexpectedTest(MovingCase):
    """UNEXPECTED_HEALING, where nothing behind the alarm may come."""

    def test_each_link(self):
        for link in (NOTIFICATION, SERVER, APPLICATION):
            self.check(Kind.UNEXPECTED_HEALING, link, self.quiet(
                chain_samples.evidence(CHAIN, link, FINISHED, 120.0)), QUIET)

    def test_alarm(self):
        self.check(Kind.UNEXPECTED_HEALING, ALARM, self.quiet(), NOTHING)

    def test_begun_only(self):
        for link in (NOTIFICATION, SERVER):
            self.check(Kind.UNEXPECTED_HEALING, link, self.quiet(
                chain_samples.evidence(CHAIN, link, STARTED, 120.0)), QUIET)

    def test_whatever_comes_of_it(self):
        """What would not heal touches what is to be left alone, too."""
        for changes in chain_samples.PAYLOADS[SERVER].unfit:
            self.check(Kind.UNEXPECTED_HEALING, SERVER, self.quiet(
                chain_samples.evidence(CHAIN, SERVER, FINISHED, 120.0,
                                       **changes)), QUIET)

    def test_whoever_answers(self):
        """Moved, migrated, booted again, or another server altogether.

        From another boot it was touched, wherever it is now.
        """
        for expected in (QUIET, dataclasses.replace(QUIET, alive=True)):
            for given in (EVACUATED, MIGRATED, REBOOTED, UNKNOWN,
                          REPLACEMENT, NAMELESS):
                self.check(Kind.UNEXPECTED_HEALING, APPLICATION, self.quiet(
                    self.answer(120.0, given),
                    probes=(chain_samples.probe(200.0, 'boot-1', 'old'),)),
                    expected)

    def test_same_boot(self):
        """The guest of before touches nobody, whatever it calls itself."""
        self.check(Kind.UNTOUCHED, None, self.quiet(self.answer(
            120.0, payload('new', 'boot-1'))), QUIET)


class UntouchedTest(MovingCase):
    """UNTOUCHED: the alarm came, and nothing else did."""

    def test_quiet(self):
        self.check(Kind.UNTOUCHED, None, self.quiet(), QUIET,
                   'alarm came', 'no notification, server, application')

    def test_alive(self):
        self.check(Kind.UNTOUCHED, None, self.quiet(
            probes=(chain_samples.probe(200.0, 'boot-1', 'old'),)),
            dataclasses.replace(QUIET, alive=True), 'server old lived on')

    def test_who_has_to_live(self):
        """The boot of before, after the quiet time, before the conclusion."""
        expected = dataclasses.replace(QUIET, alive=True)
        good = chain_samples.probe(135.0, 'boot-1', 'old')
        for changes, lives in (
                ({}, True), ({'begin': 134.9}, False), ({'ok': False}, False),
                ({'boot': 'boot-2'}, False), ({'end': 300.1}, False)):
            seen = self.quiet(probes=(dataclasses.replace(good, **changes),))
            self.assertEqual(lives, expected.lived(seen) is not None, changes)

    def test_application_that_cannot_be_asked(self):
        """Then the watch ends all the same, and nobody knows."""
        expected = dataclasses.replace(QUIET, alive=True)
        for begin, over in ((149.9, False), (150.0, True)):
            seen = self.quiet()
            seen = dataclasses.replace(seen, watched={
                **seen.watched, APPLICATION: timelines.Watched(
                    9, 9, begin, 'no answer', 120.0)})
            self.assertEqual(over, stopping.over(seen, expected))
            self.check(Kind.INVALID, APPLICATION, seen, expected)

    def test_something_else(self):
        """About another host, another server, another address."""
        for link in (NOTIFICATION, SERVER, APPLICATION):
            for changes in chain_samples.PAYLOADS[link].foreign:
                self.check(Kind.UNTOUCHED, None, self.quiet(
                    chain_samples.evidence(CHAIN, link, FINISHED, 120.0,
                                           **changes)), QUIET)

    def test_not_watched_to_the_end(self):
        for link in (NOTIFICATION, SERVER, APPLICATION):
            seen = self.quiet()
            watched = {**seen.watched, link: timelines.Watched(
                9, 0, 134.9, 'x', 134.9)}
            self.check(Kind.INVALID, link, dataclasses.replace(
                seen, watched=watched), QUIET, 'watched until +34.9 s only',
                'the quiet time ends at +35.0 s')


class InvalidTest(MovingCase):
    """INVALID: the drill did not take place."""

    def test_whatever_was_seen(self):
        for changes, link in (
                ({'unmet': ('no host',)}, None), ({'transitions': ()}, None),
                ({'concluded': None, 'ended': 'interrupted'}, None),
                ({'transitions': (timelines.Transition(
                    'injected', 100.0, 101.0),)}, links.FAULT)):
            for expected in (EXPECTED, QUIET, NOTHING):
                self.check(Kind.INVALID, link, chain_samples.healthy(
                    CHAIN, **changes), expected)

    def test_before_the_fault(self):
        """Somebody was moving the server when it broke."""
        for link, mark in ((ALARM, FINISHED), (NOTIFICATION, STARTED),
                           (SERVER, STARTED), (APPLICATION, FINISHED)):
            for seen_at, word in ((99.9, 'was there before the fault'),
                                  (100.5, 'it cannot be told')):
                early = chain_samples.evidence(CHAIN, link, mark, seen_at)
                self.check(Kind.INVALID, link, chain_samples.healthy(
                    CHAIN, (), (early,)), EXPECTED, word)

    def test_something_else_around_the_fault(self):
        """Others may be moved whenever they like."""
        for link in CHAIN.links:
            for changes in chain_samples.PAYLOADS[link].foreign:
                early = chain_samples.evidence(CHAIN, link, FINISHED, 100.5,
                                               **changes)
                self.check(Kind.HEALED, None, chain_samples.healthy(
                    CHAIN, (), (early,)))
