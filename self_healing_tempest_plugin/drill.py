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

"""One fault, one chain: from the deployment to the verdict.

It needs no Tempest process: a test, or a script, uses it as a fixture.
"""

import collections
import contextlib
import dataclasses
import functools

import fixtures
from oslo_log import log

from self_healing_tempest_plugin import application
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.faults import kinds
from self_healing_tempest_plugin.faults import lifecycle
from self_healing_tempest_plugin.faults import remains
from self_healing_tempest_plugin import joint
from self_healing_tempest_plugin.links import judging
from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.links import member_checks
from self_healing_tempest_plugin import placing
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import gathering
from self_healing_tempest_plugin import sharing
from self_healing_tempest_plugin import stacks
from self_healing_tempest_plugin import subject
from self_healing_tempest_plugin import synthetic_alarm
from self_healing_tempest_plugin import waiting
from self_healing_tempest_plugin.watching import clocks
from self_healing_tempest_plugin.watching import recorders

LOG = log.getLogger(__name__)

# Seconds that the services have to say what the member may create.
MEMBER_PATIENCE = 30.0


class Drill(fixtures.Fixture):
    """A drill of one scenario: reserve, deploy, plan, run.

    :ivar subjects: tuple of :class:`.subject.Subject`, one for each
        application; the first of them stands for the drill
    :ivar compute_service: nova-compute of the host during the fault as a
        dict of Nova, None where that did not say
    """

    def __init__(self, scenario, around, name='', story='', own=(),
                 shelf=None, before=None, owners=()):
        """Prepare; nothing is asked yet.

        :param scenario: :class:`.scenarios.Scenario`
        :param around: :class:`.links.surroundings.Surroundings`, without an
            application
        :param name: of the test, which names what the drill leaves
        :param story: what the test shows, in one line
        :param own: ids of the entries that the test has in the journal
        :param shelf: :class:`.sharing.Shelf` with what drills of before have
            left; None: an application of its own
        :param before: the drill whose application this one is of, or None
        :param owners: :class:`.services.clients.Clients` of the projects that
            get the further applications, as many as there are to be
        """
        super().__init__()
        self._shelf = shelf or sharing.Shelf()
        self._scenario, self._around = scenario, around
        self._kits = kit.of_chain(scenario.chain)
        self._name, self._story, self._own = name, story, own
        self._before, self._owners = before, tuple(owners)
        self._clients, self._settings = around.clients, around.settings
        self.compute_service = None

    def _setUp(self):
        # Every target of a fault takes the addresses of all fault hosts.
        self._address_of = functools.cache(self._clients.nova.host_address)
        self.subjects = tuple(self.useFixture(subject.Subject(
            self._scenario, self._around_of(owner), self._address_of,
            self._scenario_name(), self._story))
            for owner in (self._around.owner, *self._owners))
        self._recorder = recorders.Several(
            tuple(subject.recorder for subject in self.subjects))
        self._timekeeper = clocks.Timekeeper(
            {**self._clients.dates(), **self._around.monitor.dates()},
            self._recorder)
        self.addCleanup(self._timekeeper.stop)

    @property
    def app(self):
        """Return the :class:`.application.Application`, None without one."""
        return self.subjects[0].app

    @property
    def recorder(self):
        """Return the :class:`.watching.recorders.Recorder` of the first."""
        return self.subjects[0].recorder

    @property
    def diagnosis(self):
        """Return the diagnosis of the first application, or None."""
        return self.subjects[0].diagnosis

    def reserve(self):
        """Be the only run, and see whether the hosts are fit for the fault.

        :raises .faults.gates.FaultRefused: when another run is at work, when
            one of before has left something, for a host that is not fit, or
            for a member that may not create the application
        """
        self._hold_journal()
        self._refuse_unfit_hosts()
        self._refuse_unfit_member()

    def _scenario_name(self):
        # A host with many applications is another scenario: its links take
        # another time.
        return '%s_of_%d' % (self._name, len(self._owners) + 1) if (
            self._owners) else self._name

    def _around_of(self, owner):
        # What a bisect sets off would reach the other applications, too.
        settings = dataclasses.replace(
            self._settings, bisect=self._settings.bisect and not self._owners)
        return dataclasses.replace(self._around, owner=owner,
                                   settings=settings,
                                   company=len(self._owners) + 1)

    def deploy(self):
        """Create the applications with their wiring, and see them answer.

        :raises .faults.gates.FaultRefused: when they are not on one host
        """
        self._timekeeper.measure()
        for link_kit in self._kits:
            self._wire(link_kit.wire(self._around))
        for one in self.subjects:
            one.around = self._around_of(one.around.owner)
        first, *others = self.subjects
        first.adopt(self._application(first))
        if others:
            with placing.nowhere_but(first.app.host, self._clients,
                                     self._around.journal):
                applications = self._side_by_side(others)
            for one, made in zip(others, applications):
                one.adopt(made)
            self._refuse_spread()
            self._ask_together()

    def _ask_together(self):
        """Let what watches the applications ask at the same time as one."""
        host = self._clients.vitrage.hosts().get(self.app.host)
        if host is None:
            # Whoever needs it says so.
            return
        together = gathering.Clients(self._clients, host['vitrage_id'])
        for one in self.subjects:
            owner = one.around.owner
            one.around = dataclasses.replace(
                one.around, clients=together,
                owner=together if owner is self._clients else owner)

    def _refuse_spread(self):
        hosts = collections.Counter(one.app.host for one in self.subjects)
        if len(hosts) > 1:
            raise gates.FaultRefused(
                'the applications are on several hosts (%s), and one fault '
                'would not hit all of them' % ', '.join(
                    '%d on %s' % (number, host)
                    for host, number in sorted(hosts.items())))

    def _side_by_side(self, subjects):
        """Return new applications, which go all at the same time, too."""
        made = []
        self.addCleanup(lambda: waiting.side_by_side(
            *(new.cleanUp for new in made)))

        def make(one):
            new = self._new(one)
            new.setUp()
            made.append(new)
            return new

        return waiting.side_by_side(*(
            functools.partial(make, one) for one in subjects))

    def _application(self, one):
        """Return the application of before, or else a new one."""
        use = sharing.Use(
            self._scenario.application, one.around.owner.project_id,
            kit.parameters(self._scenario.chain, self._settings))
        kept = self._shelf.taken(use)
        if kept is not None:
            if _usable(kept):
                self.addCleanup(self._shelf.put_back)
                return kept
            self._shelf.clear()
        made = self._new(one)
        made.setUp()
        self.addCleanup(self._shelf.put_back
                        if self._shelf.put(use, made) else made.cleanUp)
        return made

    def _new(self, one):
        """Return an application of which nothing is created yet."""
        scenario, around = self._scenario, one.around
        return application.Application(
            self._clients, self._settings, scenario.wired, scenario.guests,
            owner=around.owner, template=scenario.chain.template,
            parameters=kit.parameters(scenario.chain, self._settings),
            journal=around.journal, transports=around.transports,
            left=functools.partial(self._left, one)
            if scenario.guests else None)

    def _left(self, one, server_id, host):
        """Return what the server's deletion may leave on a broken host."""
        return remains.left(server_id, self._clients.nova.ports(server_id),
                            one.target(host))

    def again(self):
        """Return the drill of another fault of the same application.

        Nothing is created for it, and it ends before this one.
        """
        return Drill(self._scenario, self._around, '%s_again' % self._name,
                     self._story, self._own, self._shelf, self)

    def adopt(self):
        """Learn what the application is like by now, and see it answer."""
        self._timekeeper.measure()
        for one, before in zip(self.subjects, self._before.subjects):
            before.app.learn()
            one.adopt(before.app)

    def _wire(self, fixture):
        if fixture is None:
            return
        self.useFixture(fixture)
        self._around = self._around.knowing(**fixture.learned)
        if fixture.problem:
            self._recorder.remark(fixture, fixture.problem)

    def plan(self):
        """Return the fault of the application's host, if it is allowed.

        :returns: :class:`.faults.plans.Plan`
        :raises .faults.gates.FaultRefused: when it is not
        """
        self.ask_gates(self.app.host)
        return self._plan(self.app.host)

    def expect(self, plan):
        """Return what the fault should do to each application.

        :param plan: :class:`.faults.plans.Plan`
        :returns: tuple of :class:`.model.expectations.Expectation`
        """
        return tuple(one.expect(plan) for one in self.subjects)

    def run(self, plan, expected):
        """Inject a fault, watch until the verdict is sure, take it back.

        See :func:`.joint.run`.

        :param plan: :class:`.faults.plans.Plan`
        :param expected: what :meth:`expect` returns
        """
        self._shelf.touch()
        joint.run(plan, self, tuple(zip(self.subjects, expected,
                                        strict=True)))
        if all(one.is_good(one_expected) for one, one_expected
               in zip(self.subjects, expected)):
            self._shelf.settle()

    def current_server_id(self):
        """Return the server that the stack has now."""
        return stacks.server_of(self._around.owner.heat.resources(
            self.app.stack.identifier))

    def servers(self):
        """Return the ids of all servers that the stack has had and used."""
        heat, stack = self._around.owner.heat, self.app.stack
        return stacks.servers_that_came_to_be(
            heat.resources(stack.identifier), heat.events(stack))

    def _hold_journal(self):
        """Be the only run, until all that this run has made is gone."""
        held = contextlib.ExitStack()
        held.enter_context(self._around.journal.held())
        self.addCleanup(held.close)
        self._around.journal.refuse_open((*self._own, *self._shelf.entries))

    def _refuse_unfit_hosts(self):
        """Refuse what cannot be done before anything is created.

        The application may come to be on any of the hosts.
        """
        hosts = self._settings.fault_hosts
        if not hosts:
            raise gates.FaultRefused('[self_healing] fault_hosts is empty')
        for host in hosts:
            try:
                unmet = lifecycle.unmet(self._plan(host),
                                        self._around.transports)
            except commands.CommandFailed as error:
                unmet = (str(error),)
            if unmet:
                raise gates.FaultRefused('host %s in [self_healing] '
                                         'fault_hosts is not fit: %s'
                                         % (host, '; '.join(unmet)))

    def _refuse_unfit_member(self):
        """Refuse what the owner may not create, before any of it is there."""
        chain, around = self._scenario.chain, self._around
        checks = member_checks.checks(chain)
        asked = member_checks.questions(member_checks.Asked(
            lambda: around.owner, around.clients, around.settings,
            {chain.template: kit.parameters(chain, around.settings)}))
        needed = {name for check in checks for name in check.needs}
        wrong = judging.refused(
            checks, {name: asked[name] for name in sorted(needed)},
            around.settings, MEMBER_PATIENCE)
        for row in wrong:
            # The later ones may follow from the first.
            raise gates.FaultRefused('%s: %s; %s' % (
                row.what, row.finding.text, row.todo))

    def ask_gates(self, host):
        """Refuse a fault of a host that is not allowed.

        :param host: its name in Nova
        :raises .faults.gates.FaultRefused: when it is not
        """
        nova, owner = self._clients.nova, self._around.owner
        gates.check(host, nova.servers_on(host), nova.services(),
                    {self._clients.project_id, owner.project_id,
                     *(other.project_id for other in self._owners)},
                    self._settings)

    def _plan(self, host):
        fault = self._scenario.fault
        if not fault:
            return synthetic_alarm.planned(host, self._around)
        return kinds.KINDS[fault](self.subjects[0].target(host),
                                  self._around.transports)

    def unfit(self, plan):
        """Return why a fault cannot be injected and taken back now.

        :param plan: :class:`.faults.plans.Plan`
        :returns: tuple of strings
        """
        return lifecycle.unmet(plan, self._around.transports)

    def inject(self, plan, gate):
        """Return a context manager in which a fault is there.

        :param plan: :class:`.faults.plans.Plan`
        :param gate: called right before, see
            :class:`.faults.lifecycle.injected`
        """
        return lifecycle.injected(
            plan, self._around.journal, self._around.transports,
            self._settings.timeouts, self._recorder, gate=gate)

    def know_clocks(self):
        """Wait until the clocks of the services are known, as far as told."""
        self._timekeeper.wait()

    def look_at_host(self, host):
        """Ask what is worth knowing of the host during the fault.

        :param host: its name in Nova
        """
        with self.subjects[0].afterwards('the clocks'):
            self._timekeeper.measure()
        with self.subjects[0].afterwards('nova-compute during the fault'):
            # As it is during the fault; the caller knows what it should be.
            self.compute_service = asking.ask({'Nova': asking.Question(
                'Nova', lambda: subject.patiently(
                    'nova-compute on host %s' % host,
                    lambda: self._clients.nova.compute_service(host)))},
                2 * subject.PATIENCE)['Nova']


def _usable(kept):
    """Return whether an application of before is fit for another fault."""
    try:
        if not kept.sound():
            return False
        kept.learn()
    except (errors.ServiceError, waiting.WaitError):
        LOG.exception('Stack %s is not used again', kept.stack.name)
        return False
    return True
