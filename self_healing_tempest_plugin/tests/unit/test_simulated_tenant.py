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

"""The real watchers of a tenant's links on thousands of runs."""

import collections
import os
import random
import sys
import time

import fixtures
import testtools

from self_healing_tempest_plugin.links import aodh_events
from self_healing_tempest_plugin.links.event_alarm import (
    watcher as event_alarm)
from self_healing_tempest_plugin.links import mistral_executions
from self_healing_tempest_plugin.model import stamps
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.tests.unit import any_troubles
from self_healing_tempest_plugin.tests.unit import simulated_any
from self_healing_tempest_plugin.tests.unit import simulated_tenant

# Of each chain.
# Of each chain twice as many; the others of ten thousand are those that plain
# watchers see, in test_simulated_any.
RUNS = 1000

SEED = int(os.environ.get('OS_TEST_SEED') or random.SystemRandom().getrandbits(
    32))

# So many runs without a complaint mean that a defect goes unnoticed.
DEFECT_RUNS = 1000

TROUBLES = sorted(set(any_troubles.TROUBLES) - set(simulated_tenant.UNKNOWN))


class SimulatedTenantTest(testtools.TestCase):
    """No wrong verdict, and no wrong link, as the real watchers see it."""

    def check(self, chain, part=0):
        """Check runs; each part of them has others."""
        seen = collections.Counter()
        rng = random.Random('%s %d %d' % (chain, SEED, part))
        busy = time.process_time()
        for given in simulated_any.several(rng, chain, TROUBLES, RUNS):
            seen[self.judged(given).kind] += 1
        sys.__stderr__.write(
            'Simulated chain %s, real watchers, part %d: %d runs in %.1f s '
            'of CPU, no wrong verdict, no wrong link (OS_TEST_SEED=%d)\n' % (
                chain, part, seen.total(), time.process_time() - busy, SEED))
        self.assertEqual(set(verdicts.Kind), set(seen))

    def judged(self, given):
        """Return the verdict on a case, or fail with a plain one."""
        kind = simulated_tenant.Run
        try:
            return simulated_any.check(given, kind)
        except AssertionError as error:
            plain = simulated_any.simplest(given, kind)
            try:
                simulated_any.check(plain, kind)
            except AssertionError as plainer:
                error = plainer
            self.fail('OS_TEST_SEED=%d, seen with %s\n%s' % (
                SEED, given, error))

    def test_tenant(self):
        self.check('tenant')

    def test_more_of_tenant(self):
        self.check('tenant', 1)

    def test_autohealing(self):
        self.check('autohealing')

    def test_more_of_autohealing(self):
        self.check('autohealing', 1)


class DefectTest(testtools.TestCase):
    """Something is broken on purpose, and there must be a complaint."""

    def complaint(self, *troubles):
        rng = random.Random(SEED)
        for given in simulated_any.several(rng, 'autohealing', troubles,
                                           DEFECT_RUNS):
            try:
                simulated_any.check(given, simulated_tenant.Run)
            except AssertionError as error:
                return str(error)
        self.fail('unnoticed in %d runs, OS_TEST_SEED=%d' % (
            DEFECT_RUNS, SEED))

    def replaced(self, target, name, new):
        self.useFixture(fixtures.MockPatchObject(target, name, new))

    def test_any_server(self):
        """Whichever server an event is about, it is ours."""
        self.replaced(aodh_events, 'of_reason', lambda reason: reason and (
            aodh_events.Event(reason, 'x', simulated_tenant.OLD)))
        self.complaint('lost')

    def test_any_message(self):
        of_body = aodh_events.of_body
        self.replaced(aodh_events, 'of_body', lambda body: (
            lambda event: aodh_events.Event(
                event.id, event.type, simulated_tenant.OLD, event.generated)
        )(of_body(body)))
        self.complaint('lost')

    def test_last_event_only(self):
        """What the history has, and the list no more, is not seen."""
        self.replaced(event_alarm.EventAlarmWatcher, '_fired',
                      lambda watcher, alarm_id, reason: {})
        self.complaint('fine')

    def test_no_end(self):
        self.replaced(mistral_executions.ExecutionWatcher, '_healed',
                      lambda watcher, execution: False)
        self.complaint('fine')

    def test_failed_for_ever(self):
        """An execution in ERROR is no failure."""
        self.replaced(mistral_executions, 'BAD', frozenset())
        self.complaint('carrier failed', 'lost')

    def test_cause_is_the_time(self):
        """That Nova notified is when it came."""
        self.replaced(stamps, 'not_before', stamps.not_after)
        self.complaint('fine')
