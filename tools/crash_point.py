#!/usr/bin/env python3
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

"""One fault on a host, by a process that dies at a point of its journal.

A part of crash_points.py, which runs it in the environment that has the
plugin.
"""

import argparse
import contextlib
import dataclasses
import os
import signal
import sys

from tempest import clients as tempest_clients
from tempest.common import credentials_factory
from tempest import config as tempest_config
from tempest.lib.common import api_microversion_fixture

from self_healing_tempest_plugin.chain import timeline
from self_healing_tempest_plugin import clients
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import checks
from self_healing_tempest_plugin.faults import journal as journals
from self_healing_tempest_plugin.faults import kinds
from self_healing_tempest_plugin.faults import life
from self_healing_tempest_plugin.faults import targets
from self_healing_tempest_plugin.faults import transports as ways


class FatalJournal(journals.Journal):
    """A journal that a process does not survive."""

    def __init__(self, directory, state, moment, deadly):
        """Take the point.

        :param state: name of the state
        :param moment: ``before`` or ``after`` its line is written
        :param deadly: the signal that the process sends itself
        """
        super().__init__(directory)
        self._point, self._deadly = (state, moment), deadly

    def plan(self, plan):
        """Record a plan, and die where this is the point."""
        with self._dying(journals.State.PLANNED):
            super().plan(plan)

    def record(self, fault_id, state, detail=''):
        """Record a state, and die where this is the point."""
        with self._dying(state):
            super().record(fault_id, state, detail)

    @contextlib.contextmanager
    def _dying(self, state):
        self._die(state, 'before')
        yield
        self._die(state, 'after')

    def _die(self, state, moment):
        if self._point == (state.value, moment):
            os.kill(os.getpid(), self._deadly)


def inject(options, settings):
    """Inject a fault and take it back, as far as the process lives."""
    transports = ways.Transports(settings.access)
    target = targets.target(options.host, settings, _address)
    plan = kinds.KINDS[options.kind](target, transports)
    unmet = life.unmet(plan, transports)
    if unmet:
        sys.exit('\n'.join(unmet))
    journal = FatalJournal(settings.state_dir, options.state, options.moment,
                           signal.Signals[options.signal])
    with journal.held():
        journal.refuse_open()
        with life.injected(plan, journal, transports, settings.timeouts,
                           timeline.Recorder()):
            pass


def look(options, settings):
    """Print the first thing that shows that an open fault is there.

    The first is enough: to ask a host that is cut off takes as long as its
    timer.
    """
    transports = ways.Transports(settings.access)
    for entry in journals.Journal(settings.state_dir).open_entries():
        found = (checks.complaint(check, transports)
                 for check in entry.plan.checks)
        print(next(filter(None, found), ''))


def _address(host):
    with api_microversion_fixture.APIMicroversionFixture(
            compute_microversion=clients.COMPUTE_MICROVERSION):
        manager = tempest_clients.Manager(
            credentials_factory.get_configured_admin_credentials(
                identity_version='v3'))
        return clients.Nova(manager).host_address(host)


def main():
    """Run one step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config_file')
    steps = parser.add_subparsers(required=True)
    looking = steps.add_parser('look')
    looking.set_defaults(step=look, timer=None)
    injecting = steps.add_parser('inject')
    injecting.set_defaults(step=inject)
    injecting.add_argument('kind', choices=sorted(kinds.KINDS))
    injecting.add_argument('host')
    injecting.add_argument('state', choices=[
        state.value for state in journals.State])
    injecting.add_argument('moment', choices=['before', 'after'])
    injecting.add_argument('signal', choices=['SIGKILL', 'SIGSTOP'])
    injecting.add_argument('timer', type=int, metavar='SECONDS')
    options = parser.parse_args()
    tempest_config.CONF.set_config_path(os.path.abspath(options.config_file))
    settings = config.settings(tempest_config.CONF)
    if options.timer:
        settings = dataclasses.replace(settings, timeouts=dataclasses.replace(
            settings.timeouts, host_timer=options.timer))
    options.step(options, settings)


if __name__ == '__main__':
    main()
