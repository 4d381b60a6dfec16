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

"""Deadlines and objectives: the options of the links, and the rest."""

import dataclasses

import fixtures
from oslo_config import cfg
import testtools

from self_healing_tempest_plugin import chains as known_chains
from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.config.options import links as link_options
from self_healing_tempest_plugin.model import chains
from self_healing_tempest_plugin import scenarios
from self_healing_tempest_plugin.tests.unit import test_config


class LinkOptionsTest(testtools.TestCase):
    """The timing that a link states becomes its options."""

    BELL = link_options.LinkOptions(
        'bell', default=3, maximum=7, help='Seconds until it rings.',
        objective='the time from the hand to the sound')
    ECHO = link_options.LinkOptions(
        'echo', default=lambda own: 2 * own.bell_timeout, objective=None,
        help='Seconds until it comes back. Empty: bell_timeout twice.')

    def group(self, **values):
        """Return a group that has the options of both."""
        conf = cfg.ConfigOpts()
        conf.register_opts(
            link_options.timeout_options((self.BELL, self.ECHO)), group='a')
        for name, value in values.items():
            conf.set_override(name, value, 'a')
        conf([])
        return conf.a

    def test_timeouts(self):
        self.assertEqual(
            [('bell_timeout', 3, 1, 7, 'Seconds until it rings.'),
             ('echo_timeout', None, 1, 86400, self.ECHO.help)],
            [(option.name, option.default, option.type.min, option.type.max,
              option.help)
             for option in link_options.timeout_options(
                (self.BELL, self.ECHO))])

    def test_seconds(self):
        """The value, or else the default, be it computed or not."""
        for values, bell, echo in (
                ({}, 3, 6), ({'bell_timeout': 5}, 5, 10),
                ({'echo_timeout': 1}, 3, 1)):
            own = self.group(**values)
            self.assertEqual((bell, echo), (self.BELL.seconds(own),
                                            self.ECHO.seconds(own)))

    def test_objectives(self):
        """Of each link that has one, and of the whole chain."""
        bell, healing = link_options.objective_options((self.BELL, self.ECHO))
        self.assertEqual(('slo_bell', 'slo_healing'),
                         (bell.name, healing.name))
        self.assertEqual((None, 0, 86400), (bell.default, bell.type.min,
                                            bell.type.max))
        self.assertIn('p95 of the time from the hand to the sound may be at '
                      'most', bell.help)

    def test_names(self):
        """The links that the chains have are the ones that have options."""
        self.assertEqual(
            sorted({link.name for chain in known_chains.known()
                    for link in chain.links}),
            sorted(link.link for link in link_options.LINKS))

    def test_same_name(self):
        """Links of one name have one deadline: they share their options."""
        deadlines = {}
        for chain in known_chains.known():
            for link in chain.links:
                self.assertEqual(link.deadline, deadlines.setdefault(
                    link.name, link.deadline), link.name)


class TimeoutsTest(test_config.SettingsTestCase):
    """What config.settings() says of deadlines, of the chain of Vitrage."""

    def setUp(self):
        super().setUp()
        self.enable('host_crash')

    def enable(self, feature, value=True):
        self.override(feature, value, 'self_healing_feature_enabled')

    def test_deadlines_follow_the_snapshots(self):
        """A cloud with slow snapshots gets more time."""
        self.override('vitrage_snapshots_interval', 30)
        quick = config.settings(self.conf).timeouts
        self.override('vitrage_snapshots_interval', 600)
        slow = config.settings(self.conf).timeouts
        self.assertEqual((60, 630),
                         (quick.links['alarm'], slow.links['alarm']))
        self.assertEqual((60, 630), (quick.graph, slow.graph))
        self.assertEqual(570, slow.host_return - quick.host_return)
        self.override('alarm_timeout', 7)
        self.assertEqual(
            7, config.settings(self.conf).timeouts.links['alarm'])

    def test_host_timer_is_the_sum(self):
        """From the witness to the application: healing is over by then."""
        for number, option in enumerate((
                'witness_timeout', 'alarm_timeout', 'deduction_timeout',
                'workflow_timeout', 'stack_timeout', 'application_timeout')):
            self.override(option, 2 ** number)
        self.assertEqual(63,
                         config.settings(self.conf).timeouts.host_timer)
        self.override('host_timer', 77)
        self.assertEqual(77, config.settings(self.conf).timeouts.host_timer)

    def test_host_timer_follows_the_snapshots(self):
        before = config.settings(self.conf).timeouts.host_timer
        self.assertEqual(30 + 630 + 30 + 30 + 300 + 120, before)
        self.override('vitrage_snapshots_interval', 700)
        self.assertEqual(before + 100,
                         config.settings(self.conf).timeouts.host_timer)

    def test_quiet_time(self):
        self.assertEqual(660, config.settings(self.conf).timeouts.quiet)
        self.override('alarm_timeout', 40)
        self.override('deduction_timeout', 2)
        self.assertEqual(42, config.settings(self.conf).timeouts.quiet)
        self.override('quiet_time', 9)
        self.assertEqual(9, config.settings(self.conf).timeouts.quiet)

    def test_of_the_links(self):
        """Each link has its own deadline, and healing is over after all."""
        names = ('alarm', 'deduction', 'workflow', 'stack', 'application')
        for number, name in enumerate(names):
            self.override('%s_timeout' % name, 10 + number)
        self.override('witness_timeout', 5)
        times = config.settings(self.conf).timeouts
        self.assertEqual(list(range(10, 15)),
                         [times.links[name] for name in names])
        self.assertEqual((13, 14), (times.stack, times.application))
        self.assertEqual(5 + 10 + 11 + 12 + 13 + 14, times.healing)

    def test_chains_that_are_drilled(self):
        """A chain that no enabled scenario has makes nobody wait."""
        crash, unhealed, *others = scenarios.SCENARIOS
        short = chains.Chain(
            name='short', links=(vitrage.ALARM, vitrage.APPLICATION),
            steps=(), repair=vitrage.APPLICATION)
        self.useFixture(fixtures.MockPatchObject(scenarios, 'SCENARIOS', (
            dataclasses.replace(crash, chain=short), unhealed, *others)))
        healing = 30 + 630 + 120
        self.assertEqual(healing,
                         config.settings(self.conf).timeouts.healing)
        self.enable('unhealed_host_crash')
        longest = config.settings(self.conf).timeouts
        self.assertEqual(healing + 30 + 30 + 300, longest.healing)
        # Who takes back what a run has left may have enabled none; event
        # alarm and message are links of other chains.
        for feature in ('host_crash', 'unhealed_host_crash'):
            self.enable(feature, False)
        self.assertEqual(longest.healing + 60 + 30,
                         config.recovery(self.conf).timeouts.healing)

    def test_host_timer_of_bisect(self):
        self.override('bisect', True)
        times = config.settings(self.conf).timeouts
        self.assertEqual(2 * times.healing, times.host_timer)
