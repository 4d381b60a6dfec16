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

"""One application, one fault, one chain: from the deployment to the verdict.

It needs no Tempest process: a test, or a script, uses it as a fixture.
"""

import contextlib
import dataclasses
import functools
import locale

import fixtures
from oslo_log import log
from testtools import content

from self_healing_tempest_plugin import application
from self_healing_tempest_plugin.diagnosis import details
from self_healing_tempest_plugin.diagnosis import diagnose
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.faults import kinds
from self_healing_tempest_plugin.faults import lifecycle
from self_healing_tempest_plugin.faults import remains
from self_healing_tempest_plugin.faults import targets
from self_healing_tempest_plugin.links import judging
from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.links import member_checks
from self_healing_tempest_plugin.model import expectations
from self_healing_tempest_plugin.model import healing
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin import readiness
from self_healing_tempest_plugin.report import attaching
from self_healing_tempest_plugin.report import documents
from self_healing_tempest_plugin.report import encoding
from self_healing_tempest_plugin.report import live
from self_healing_tempest_plugin.report import saving
from self_healing_tempest_plugin.report import terminal
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import sharing
from self_healing_tempest_plugin import stacks
from self_healing_tempest_plugin import synthetic_alarm
from self_healing_tempest_plugin import waiting
from self_healing_tempest_plugin.watching import clocks
from self_healing_tempest_plugin.watching import recorders
from self_healing_tempest_plugin.watching import watch

LOG = log.getLogger(__name__)

# Seconds in which a service has to say what it is asked when all is over.
PATIENCE = 15.0

# Good answers before the fault, half a second's worth: an outage begins with
# the last of them.
ANSWERS_BEFORE = 5

# Seconds that the services have to say what the member may create.
MEMBER_PATIENCE = 30.0

# Seconds between two looks whether there are as many.
ANSWERS_INTERVAL = 0.1


class Drill(fixtures.Fixture):
    """A drill of one scenario: reserve, deploy, plan, run.

    :ivar recorder: :class:`.watching.recorders.Recorder`
    :ivar app: :class:`.application.Application`, once it is deployed
    :ivar diagnosis: :class:`.diagnosis.records.Diagnosis`, or None
    :ivar compute_service: nova-compute of the host during the fault as a
        dict of Nova, None where that did not say
    """

    def __init__(self, scenario, around, name='', story='', own=(),
                 shelf=None):
        """Prepare; nothing is asked yet.

        :param scenario: :class:`.scenarios.Scenario`
        :param around: :class:`.links.surroundings.Surroundings`, without an
            application
        :param name: of the test, which names what the drill leaves
        :param story: what the test shows, in one line
        :param own: ids of the entries that the test has in the journal
        :param shelf: :class:`.sharing.Shelf` with what drills of before have
            left; None: an application of its own
        """
        super().__init__()
        self._shelf = shelf or sharing.Shelf()
        self._scenario, self._around = scenario, around
        self._kits = kit.of_chain(scenario.chain)
        self._name, self._story, self._own = name, story, own
        self._clients, self._settings = around.clients, around.settings
        self.app = self.diagnosis = self.compute_service = None

    def _setUp(self):
        self.recorder = recorders.Recorder()
        self._timekeeper = clocks.Timekeeper(
            {**self._clients.dates(), **self._around.monitor.dates()},
            self.recorder)
        self.addCleanup(self._timekeeper.stop)
        # Every target of a fault takes the addresses of all fault hosts.
        self._address_of = functools.cache(self._clients.nova.host_address)

    def reserve(self):
        """Be the only run, and see whether the hosts are fit for the fault.

        :raises .faults.gates.FaultRefused: when another run is at work, when
            one of before has left something, for a host that is not fit, or
            for a member that may not create the application
        """
        self._hold_journal()
        self._refuse_unfit_hosts()
        self._refuse_unfit_member()

    def deploy(self):
        """Create the application with its wiring, and see it answer."""
        self._timekeeper.measure()
        for link_kit in self._kits:
            self._wire(link_kit.wire(self._around))
        self.app = self._application()
        self._prepare()

    def _application(self):
        """Return the application of before, or else a new one."""
        scenario = self._scenario
        use = sharing.Use(
            scenario.application, self._around.owner.project_id,
            kit.parameters(scenario.chain, self._settings))
        kept = self._shelf.taken(use)
        if kept is not None:
            if _usable(kept):
                self.addCleanup(self._shelf.put_back)
                return kept
            self._shelf.clear()
        made = application.Application(
            self._clients, self._settings, scenario.wired, scenario.guests,
            owner=self._around.owner, template=scenario.chain.template,
            parameters=use.parameters, journal=self._around.journal,
            transports=self._around.transports,
            left=self._left if scenario.guests else None)
        made.setUp()
        self.addCleanup(self._shelf.put_back
                        if self._shelf.put(use, made) else made.cleanUp)
        return made

    def again(self):
        """Return the drill of another fault of the same application.

        Nothing is created for it, and it ends before this one.
        """
        following = Drill(self._scenario, self._around,
                          '%s_again' % self._name, self._story, self._own,
                          self._shelf)
        following.app = self.app
        return following

    def adopt(self):
        """Learn what the application is like by now, and see it answer."""
        self._timekeeper.measure()
        self.app.learn()
        self._prepare()

    def _prepare(self):
        self._around = kit.prepared(
            self._scenario.chain,
            dataclasses.replace(self._around, application=self.app))
        self._readiness = readiness.Readiness(self._scenario.chain,
                                              self._around)

    def _wire(self, fixture):
        if fixture is None:
            return
        self.useFixture(fixture)
        self._around = self._around.knowing(**fixture.learned)
        if fixture.problem:
            self.recorder.remark(fixture, fixture.problem)

    def plan(self):
        """Return the fault of the application's host, if it is allowed.

        :returns: :class:`.faults.plans.Plan`
        :raises .faults.gates.FaultRefused: when it is not
        """
        self._ask_gates(self.app.host)
        return self._plan(self.app.host)

    def expect(self, plan):
        """Return what the fault should do to the application.

        :param plan: :class:`.faults.plans.Plan`
        :returns: :class:`.model.expectations.Expectation`
        """
        times, app, scenario = (self._settings.timeouts, self.app,
                                self._scenario)
        avoid = '' if scenario.fault in kinds.OF_SERVERS else app.host
        ids = {'host': app.host, 'server_id': app.server_id,
               'boot': app.boot, 'url': app.url, 'avoid': avoid,
               'elsewhere': avoid and ' on another host than %s' % avoid,
               **kit.ids(scenario.chain, self._around)}
        return expectations.Expectation(
            chain=scenario.chain, fault=plan.description,
            fault_look_at=plan.look_at, ids=ids, steps=scenario.steps,
            timeouts={'fault': times.witness, **times.links},
            quiet=times.quiet, alive=scenario.alive,
            max_executions=self._settings.max_executions)

    def run(self, plan, expected):
        """Inject a fault, watch until the verdict is sure, take it back.

        Nothing is injected where the cloud is not fit for it. The answers of
        the application are watched until nothing is left of the fault. What
        was seen is published, whatever becomes of it.

        :param plan: :class:`.faults.plans.Plan`
        :param expected: :class:`.model.expectations.Expectation`
        """
        self._shelf.touch()
        try:
            self._timekeeper.wait()
            self._around = kit.remembering(self._scenario.chain,
                                           self._around)
            if self._ready(plan):
                with self._watch() as watched:
                    if (self._calm(expected)
                            and self._break(plan, expected, watched)):
                        self._see_clean(expected)
                        self._settle(expected)
            if self.diagnosis is None:
                self._diagnose(expected)
        except BaseException as error:
            self.recorder.end(watch.reason(error))
            raise
        finally:
            with self._afterwards('the clocks'):
                self._timekeeper.wait()
            self._publish(expected)

    def current_server_id(self):
        """Return the server that the stack has now."""
        return stacks.server_of(self._around.owner.heat.resources(
            self.app.stack.identifier))

    def servers(self):
        """Return the ids of all servers that the stack has had so far."""
        heat, stack = self._around.owner.heat, self.app.stack
        return stacks.servers_of(heat.resources(stack.identifier),
                                 heat.events(stack))

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

    def _ask_gates(self, host):
        nova, owner = self._clients.nova, self._around.owner
        gates.check(host, nova.servers_on(host), nova.services(),
                    {self._clients.project_id, owner.project_id},
                    self._settings)

    def _plan(self, host):
        fault = self._scenario.fault
        if not fault:
            return synthetic_alarm.planned(host, self._around)
        return kinds.KINDS[fault](self._target(host),
                                  self._around.transports)

    def _target(self, host):
        return targets.target(host, self._settings, self._address_of,
                              self.app.server_id if self.app else '')

    def _answers_before(self, expected):
        """See the application answer, or record that it does not."""
        try:
            waiting.wait_for(
                lambda: sum(probe.ok for probe
                            in self.recorder.timeline().probes),
                lambda good: good >= ANSWERS_BEFORE,
                what='%d good answers of the application at %s before the '
                     'fault' % (ANSWERS_BEFORE, expected.ids['url']),
                timeout=self._settings.timeouts.application,
                interval=ANSWERS_INTERVAL)
        except waiting.WaitTimeout as timeout:
            self.recorder.unmet(str(timeout))
            return False
        return True

    def _calm(self, expected):
        """Return whether the application answers, and nothing else is seen.

        A link that came before the fault would be taken for an effect of it.
        """
        if self._scenario.guests and not self._answers_before(expected):
            return False
        early = self.recorder.timeline().evidence
        for seen in early:
            self.recorder.unmet('%s %s came before the fault' % (
                seen.link.name, seen.object_id))
        return not early

    def _break(self, plan, expected, watched):
        """Drill, and return whether anything was broken."""
        try:
            with lifecycle.injected(
                    plan, self._around.journal, self._around.transports,
                    self._settings.timeouts, self.recorder,
                    gate=lambda: self._look_last(plan, expected)):
                with live.Progress(expected) as progress:
                    watched.until_over(expected, progress)
                self._look_around(expected)
        except gates.NotReady:
            return False
        return True

    def _look_last(self, plan, expected):
        """Refuse a fault right before it, where something has come up.

        :raises .faults.gates.FaultRefused: when it is not allowed any more
        :raises .faults.gates.NotReady: when it would prove nothing
        """
        for problem in self._readiness.unmet():
            self.recorder.unmet(problem)
        self._calm(expected)
        unmet = self.recorder.timeline().unmet
        if unmet:
            raise gates.NotReady('; '.join(unmet))
        self._ask_gates(plan.host)

    def _look_around(self, expected):
        """Ask what else is worth knowing; the verdict is sure without it."""
        with self._afterwards('the clocks'):
            self._timekeeper.measure()
        with self._afterwards('nova-compute during the fault'):
            # As it is during the fault; the caller knows what it should be.
            self.compute_service = asking.ask({'Nova': asking.Question(
                'Nova', lambda: self._patiently(
                    'nova-compute on host %s' % expected.ids['host'],
                    lambda: self._clients.nova.compute_service(
                        expected.ids['host'])))}, 2 * PATIENCE)['Nova']
        with self._afterwards('the details'):
            # The links that a bisect sets off are no detail of this run.
            details.collect(self.recorder, expected, self._around)
        self._diagnose(expected)

    @contextlib.contextmanager
    def _afterwards(self, what):
        """Note what fails when the verdict is sure, and go on."""
        try:
            yield
        except fixtures.TimeoutException:
            raise
        except Exception as error:
            LOG.exception('Asking for %s failed', what)
            self.recorder.remark(('afterwards', what), '%s: unknown, %s' % (
                what, watch.reason(error)))

    def _patiently(self, what, ask):
        """Ask until a service answers at all, and return its answer."""
        return waiting.wait_for(
            lambda: (ask(),), what=what, timeout=PATIENCE,
            tolerate=errors.ServiceUnavailable)[0]

    def _see_clean(self, expected):
        """Wait until host and graph are as before the fault."""
        self._readiness.wait_host_back()
        self._see_server_gone(expected)
        # Most of them have come meanwhile.
        self._readiness.wait_host_reports()

    def _see_server_gone(self, expected):
        server_id = expected.ids['server_id']
        server = self._patiently('server %s' % server_id,
                                 lambda: self._clients.nova.server(server_id))
        if _deleted(server):
            self._readiness.wait_server_gone(server_id)
        elif not self._moved(server, expected):
            return
        if self._scenario.guests:
            self._see_guest_gone(expected)

    def _settle(self, expected):
        """Let the application be used again where all went well."""
        if verdicts.verdict(self.recorder.timeline(), expected).good:
            self._shelf.settle()

    def _see_guest_gone(self, expected):
        ids = expected.ids
        remains.wait_gone(ids['server_id'], self._target(ids['host']),
                          self._around.transports)
        waiting.pause(self._settings.timeouts.return_watch)

    def _moved(self, server, expected):
        """Return whether a server is, as it should be, on another host."""
        return (self._scenario.chain.healed is healing.MOVED
                and server['OS-EXT-SRV-ATTR:host'] != expected.ids['host'])

    def _left(self, server_id, host):
        """Return what the server's deletion may leave on a broken host."""
        return remains.left(server_id, self._clients.nova.ports(server_id),
                            self._target(host))

    def _diagnose(self, expected):
        with self._afterwards('the diagnosis'):
            self.diagnosis = diagnose.diagnose(
                self.recorder.timeline(), expected, self._around)

    def _ready(self, plan):
        """Record what makes the run invalid; return whether nothing does."""
        unmet = (*self._readiness.unmet(),
                 *lifecycle.unmet(plan, self._around.transports))
        for problem in unmet:
            self.recorder.unmet(problem)
        return not unmet

    def _watch(self):
        """Return a watch on all links of the chain, not yet started."""
        # Each watcher asks first what was there before the fault.
        watchers = waiting.side_by_side(*(
            functools.partial(link_kit.watcher, self._around)
            for link_kit in self._kits))
        return watch.Watch(
            filter(None, watchers), self.recorder,
            self._settings.timeouts.poll_interval, patience=max(
                watch.PATIENCE, 2 * self._settings.cloud.request_timeout),
            steps=self._scenario.chain.steps, shut_out=self._around.shut_out)

    def _publish(self, expected):
        """Tell what was seen in every way that works."""
        with self._afterwards('the document'):
            run = documents.document(self.recorder.timeline(), expected,
                                     self.diagnosis, self._name, self._story)
            short = attaching.thinned(run)
            self.addDetail('timeline.json',
                           content.text_content(saving.dumps(short)))
            self._show(short)
            self._save(run)

    def _show(self, run):
        with self._afterwards('the table'):
            table = terminal.text(run)
            # The file of a log has the encoding of the runner.
            LOG.info('%s\n%s', self._name, encoding.fitted(
                table, locale.getpreferredencoding(False)))
            self.addDetail('timeline.txt', content.text_content(table))

    def _save(self, run):
        directory = self._settings.artifacts_dir
        try:
            saving.save(directory, run)
        except Exception as error:
            LOG.exception('The artifacts of this run are not complete')
            self.addDetail('artifacts', content.text_content(
                'Not all of this run is in [self_healing] artifacts_dir %s: '
                '%s' % (directory, watch.reason(error))))


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


def _deleted(server):
    """Return whether a server is deleted, or about to be.

    Nova is asked, since Heat may be what is broken, and a stack whose update
    has failed has a new server and keeps the old one.

    :param server: as a dict of Nova, None when it is gone
    """
    return server is None or server['OS-EXT-STS:task_state'] == 'deleting'
