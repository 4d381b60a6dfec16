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

"""The scenarios in the order in which they share applications.

testresources would do it, but its suite runs no ``setUpClass``, on which all
tests of Tempest stand.
"""

import contextlib
import functools
import sys
import unittest

from tempest import config as tempest_config
from tempest.lib.common import api_microversion_fixture
import testtools

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin import scenarios
from self_healing_tempest_plugin.services import nova
from self_healing_tempest_plugin import sharing

#: Names what went wrong when the last application was removed.
REMOVAL = 'self_healing_tempest_plugin.removal_of_the_shared_application'


class SharingSuite(unittest.TestSuite):
    """Tests that hand an application from one to the next.

    What is left of it in the end is removed, or that is an error of its own.
    """

    def run(self, result, debug=False):
        """Run them, see :class:`unittest.TestSuite`."""
        if not (self.countTestCases()
                and tempest_config.CONF.self_healing.share_applications):
            return super().run(result, debug)
        try:
            with sharing.SHELF.opened(_held):
                super().run(result, debug)
        except Exception:
            testtools.ErrorHolder(REMOVAL, sys.exc_info()).run(result)
        return result


@contextlib.contextmanager
def _held():
    """Hold the journal while an application is removed.

    Outside of a test Tempest asks Nova for its oldest microversion.
    """
    journal = journals.Journal(config.settings(tempest_config.CONF).state_dir)
    with journal.held(), api_microversion_fixture.APIMicroversionFixture(
            compute_microversion=nova.COMPUTE_MICROVERSION):
        yield


def sharing_suite(suite):
    """Return the tests of a suite, those together that share an application.

    :param suite: :class:`unittest.TestSuite`, or several of them in a list
    :returns: :class:`SharingSuite`
    """
    return SharingSuite(sorted(_tests(suite), key=_place))


def _tests(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _tests(test)
        else:
            yield test


def _place(test):
    feature = getattr(test, 'feature', None)
    order = _order()
    return order.get(feature, len(order))


@functools.cache
def _order():
    """Return the place of each scenario, by its feature.

    The scenarios of one application come one after the other, and applications
    in the order of the table.
    """
    first = {}
    for place, scenario in enumerate(scenarios.SCENARIOS):
        first.setdefault(scenario.application, place)
    ordered = sorted(scenarios.SCENARIOS,
                     key=lambda scenario: first[scenario.application])
    return {scenario.feature: place
            for place, scenario in enumerate(ordered)}
