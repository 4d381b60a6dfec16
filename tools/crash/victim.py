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

"""One run on the lab, by a process that dies at a point of its journal.

A part of ``tools/crash``, which runs it in the environment that has the
plugin. The run is what a scenario does, without what it looks at: a template
in Vitrage, an application with its healing rule, a fault on the application's
host, and all of it taken back.
"""

import argparse
import contextlib
import dataclasses
import functools
import os
import shlex
import signal
import sys
import threading

from tempest import clients as tempest_clients
from tempest.common import credentials_factory
from tempest import config as tempest_config
from tempest.lib.common import api_microversion_fixture

from self_healing_tempest_plugin import application
from self_healing_tempest_plugin.chains import vitrage as vitrage_chain
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import checks
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import kinds
from self_healing_tempest_plugin.faults import lifecycle
from self_healing_tempest_plugin.faults import remains
from self_healing_tempest_plugin.faults import targets
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.links.vitrage_deduction import template
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin.services import clients
from self_healing_tempest_plugin.services import heat
from self_healing_tempest_plugin.services import mistral
from self_healing_tempest_plugin.services import nova
from self_healing_tempest_plugin.services import vitrage
from self_healing_tempest_plugin.watching import recorders

#: The requests that create and delete, by what they do it to.
REQUESTS = {
    ('template', 'adding'): (vitrage.Vitrage, 'add_template'),
    ('template', 'deleting'): (vitrage.Vitrage, 'delete_template'),
    ('stack', 'creating'): (heat.Heat, 'create'),
    ('stack', 'deleting'): (heat.Heat, 'delete'),
    ('executions', 'deleting'): (mistral.Mistral, 'delete_executions'),
}


@dataclasses.dataclass(frozen=True)
class Point:
    """Where the process gets its signal.

    :ivar what: ``fault``, or what is created in the cloud
    :ivar state: of its entry in the journal, or what a request does to it
    :ivar moment: ``before`` or ``after`` that is on the disk, or answered
    :ivar seconds: after that
    :ivar number: the signal
    """

    what: str
    state: str
    moment: str
    seconds: float
    number: signal.Signals

    def reached(self, *where):
        """Send the signal, where this is the point."""
        if where != (self.what, self.state, self.moment):
            return
        if not self.seconds:
            os.kill(os.getpid(), self.number)
            return
        later = threading.Timer(self.seconds, os.kill,
                                (os.getpid(), self.number))
        later.daemon = True
        later.start()

    @contextlib.contextmanager
    def around(self, what, state):
        """Send the signal before or after what is in the ``with``."""
        self.reached(what, state, 'before')
        yield
        self.reached(what, state, 'after')


class FatalJournal(journals.Journal):
    """A journal that a process does not survive."""

    def __init__(self, directory, point):
        super().__init__(directory)
        self._point, self._kinds = point, {}

    def plan_object(self, thing):
        """Remember the kind of object of an entry."""
        self._kinds[thing.id] = thing.kind
        super().plan_object(thing)

    def _write(self, entry_id, state, **fields):
        # An application is created, and is learned when it is there.
        name = 'learned' if 'host' in fields.get('known', ()) else state.value
        what = self._kinds.get(entry_id, 'fault')
        with self._point.around(what, name):
            super()._write(entry_id, state, **fields)


def make_fatal(point):
    """Let the process not survive a request."""
    for where, (owner, name) in REQUESTS.items():
        setattr(owner, name, _fatal(getattr(owner, name), point, where))


def _fatal(request, point, where):
    @functools.wraps(request)
    def fatal(*args, **options):
        with point.around(*where):
            return request(*args, **options)

    return fatal


def inject(options, settings):
    """Make a run, as far as the process lives."""
    point = Point(options.what, options.state, options.moment,
                  options.seconds, signal.Signals[options.signal])
    make_fatal(point)
    journal = FatalJournal(settings.state_dir, point)
    with contextlib.ExitStack() as run:
        run.enter_context(_microversion())
        run.enter_context(journal.held())
        journal.refuse_open()
        _run(run, options, settings, journal)


def _run(run, options, settings, journal):
    ways = transports.Transports(settings.access)
    cloud = clients.Clients(settings.cloud, _manager())
    address = functools.cache(cloud.nova.host_address)
    alarm = (settings.nic_alarm if 'nic' in options.kind.split('-')
             else settings.host_alarm)
    if options.application:
        run.enter_context(template.DeductionTemplate(
            cloud, settings, monitors.of(settings).datasource,
            alarm, journal))
        app = run.enter_context(application.Application(
            cloud, settings, answers=False,
            parameters=kit.parameters(vitrage_chain.CHAIN, settings),
            journal=journal,
            transports=ways, left=lambda server, host: remains.left(
                server, cloud.nova.ports(server),
                targets.target(host, settings, address))))
    if options.kind == 'nothing':
        return
    host = app.host if options.application else settings.fault_hosts[0]
    plan = kinds.KINDS[options.kind](
        targets.target(host, settings, address), ways)
    unmet = lifecycle.unmet(plan, ways)
    if unmet:
        sys.exit('\n'.join(unmet))
    with lifecycle.injected(plan, journal, ways, settings.timeouts,
                            recorders.Recorder()):
        pass


def look(options, settings):
    """Print the open entries, and the first complaint of each.

    The first is enough: to ask a host that is cut off takes as long as its
    timer.
    """
    ways = transports.Transports(settings.access)
    for entry in journals.Journal(settings.state_dir).open_entries():
        if entry.object:
            print('%s: %s' % (entry.object.kind, entry.state.value))
            continue
        problems = (checks.complaint(check, ways)
                    for check in entry.plan.checks)
        print(next(filter(None, problems), ''))


def _manager():
    return tempest_clients.Manager(
        credentials_factory.get_configured_admin_credentials(
            identity_version='v3'))


def _microversion():
    return api_microversion_fixture.APIMicroversionFixture(
        compute_microversion=nova.COMPUTE_MICROVERSION)


def _parser():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config_file')
    steps = parser.add_subparsers(required=True)
    looking = steps.add_parser('look')
    looking.set_defaults(step=look, timer=None, power=None)
    injecting = steps.add_parser('inject')
    injecting.set_defaults(step=inject)
    injecting.add_argument('kind', choices=['nothing', *sorted(kinds.KINDS)])
    injecting.add_argument('what')
    injecting.add_argument('state')
    injecting.add_argument('moment', choices=['before', 'after'])
    injecting.add_argument('signal', choices=['SIGKILL', 'SIGSTOP', 'SIGINT'])
    injecting.add_argument('seconds', type=float)
    injecting.add_argument('timer', type=int, metavar='SECONDS')
    injecting.add_argument('--no-application', dest='application',
                           action='store_false')
    injecting.add_argument('--power', nargs=3,
                           metavar=('OFF', 'ON', 'STATUS'))
    return parser


def main():
    """Run one step."""
    options = _parser().parse_args()
    conf = tempest_config.CONF
    conf.set_config_path(os.path.abspath(options.config_file))
    settings = config.settings(conf)
    if options.power:
        # Past the BMC, which does nothing late.
        settings = dataclasses.replace(settings, power=config.HostPower(
            *(tuple(shlex.split(words)) for words in options.power)))
    if options.timer:
        settings = dataclasses.replace(settings, timeouts=dataclasses.replace(
            settings.timeouts, host_timer=options.timer))
    options.step(options, settings)


if __name__ == '__main__':
    main()
