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

"""One application of a drill: what is seen of it, and what comes of that."""

import contextlib
import dataclasses
import functools
import locale

import fixtures
from oslo_log import log
from testtools import content

from self_healing_tempest_plugin.diagnosis import details
from self_healing_tempest_plugin.diagnosis import diagnose
from self_healing_tempest_plugin.faults import kinds
from self_healing_tempest_plugin.faults import remains
from self_healing_tempest_plugin.faults import targets
from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.model import expectations
from self_healing_tempest_plugin.model import healing
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin import readiness
from self_healing_tempest_plugin.report import attaching
from self_healing_tempest_plugin.report import documents
from self_healing_tempest_plugin.report import encoding
from self_healing_tempest_plugin.report import saving
from self_healing_tempest_plugin.report import terminal
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import nova
from self_healing_tempest_plugin import waiting
from self_healing_tempest_plugin.watching import recorders
from self_healing_tempest_plugin.watching import watch

LOG = log.getLogger(__name__)

# Seconds in which a service has to say what it is asked when all is over.
PATIENCE = 15.0

# Good answers before the fault, half a second's worth: an outage begins with
# the last of them.
ANSWERS_BEFORE = 5

# Seconds between two looks whether there are as many.
ANSWERS_INTERVAL = 0.1


class Subject(fixtures.Fixture):
    """An application that is drilled, once, with its timeline.

    :ivar recorder: :class:`.watching.recorders.Recorder`
    :ivar app: :class:`.application.Application`, once it is there
    :ivar around: :class:`.links.surroundings.Surroundings` of it
    :ivar readiness: :class:`.readiness.Readiness` around it
    :ivar diagnosis: :class:`.diagnosis.records.Diagnosis`, or None
    """

    def __init__(self, scenario, around, address_of, name='', story=''):
        """Prepare; nothing is asked yet.

        :param scenario: :class:`.scenarios.Scenario`
        :param around: :class:`.links.surroundings.Surroundings`, without an
            application
        :param address_of: returns the address of a host, of its name
        :param name: of the test, which names what is told of it
        :param story: what the test shows, in one line
        """
        super().__init__()
        self.around = around
        self._scenario, self._address_of = scenario, address_of
        self._name, self._story = name, story
        self._settings, self._nova = around.settings, around.clients.nova
        self.app = self.readiness = self.diagnosis = None

    def _setUp(self):
        self.recorder = recorders.Recorder()

    def adopt(self, app):
        """Take an application that answers; wait until each link could come.

        :param app: :class:`.application.Application`, in use
        """
        self.app = app
        self.around = kit.prepared(
            self._scenario.chain,
            dataclasses.replace(self.around, application=app))
        self.readiness = readiness.Readiness(self._scenario.chain,
                                             self.around)

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
               **kit.ids(scenario.chain, self.around)}
        return expectations.Expectation(
            chain=scenario.chain, fault=plan.description,
            fault_look_at=plan.look_at, ids=ids, steps=scenario.steps,
            timeouts={'fault': times.witness, **times.links},
            quiet=times.quiet, alive=scenario.alive,
            max_executions=self._settings.max_executions)

    def remember(self):
        """Learn what is to be known from right before the fault."""
        self.around = kit.remembering(self._scenario.chain, self.around)

    def see_ready(self):
        """Record what makes the run invalid."""
        for problem in self.readiness.unmet():
            self.recorder.unmet(problem)

    def watch(self):
        """Return a watch on all links of the chain, not yet started.

        :returns: :class:`.watching.watch.Watch`
        """
        # Each watcher asks first what was there before the fault.
        watchers = waiting.side_by_side(*(
            functools.partial(link_kit.watcher, self.around)
            for link_kit in kit.of_chain(self._scenario.chain)))
        return watch.Watch(
            filter(None, watchers), self.recorder,
            self._settings.timeouts.poll_interval, patience=max(
                watch.PATIENCE, 2 * self._settings.cloud.request_timeout),
            steps=self._scenario.chain.steps, shut_out=self.around.shut_out)

    def see_calm(self, expected):
        """Record where the application does not answer, or more is seen.

        A link that came before the fault would be taken for an effect of it.

        :param expected: :class:`.model.expectations.Expectation`
        """
        if self._scenario.guests and not self._answers_before(expected):
            return
        for seen in self.recorder.timeline().evidence:
            self.recorder.unmet('%s %s came before the fault' % (
                seen.link.name, seen.object_id))

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

    def look_around(self, expected):
        """Ask what else is worth knowing; the verdict is sure without it.

        :param expected: :class:`.model.expectations.Expectation`
        """
        with self.afterwards('the details'):
            # The links that a bisect sets off are no detail of this run.
            details.collect(self.recorder, expected, self.around)
        self.diagnose(expected)

    def diagnose(self, expected):
        """Ask why a run is not good, unless that is known.

        :param expected: :class:`.model.expectations.Expectation`
        """
        if self.diagnosis is None:
            with self.afterwards('the diagnosis'):
                self.diagnosis = diagnose.diagnose(
                    self.recorder.timeline(), expected, self.around)

    @contextlib.contextmanager
    def afterwards(self, what):
        """Note what fails when the verdict is sure, and go on.

        :param what: what is asked for, for people
        """
        try:
            yield
        except fixtures.TimeoutException:
            raise
        except Exception as error:
            LOG.exception('Asking for %s failed', what)
            self.recorder.remark(('afterwards', what), '%s: unknown, %s' % (
                what, watch.reason(error)))

    def see_server_gone(self, expected):
        """Wait until nothing is left of the server of before, if it is dead.

        :param expected: :class:`.model.expectations.Expectation`
        """
        server_id = expected.ids['server_id']
        server = patiently('server %s' % server_id,
                           lambda: self._nova.server(server_id))
        # Nova is asked, since Heat may be what is broken, and a stack whose
        # update has failed has a new server and keeps the old one.
        if nova.is_deleted(server):
            self.readiness.wait_server_gone(server_id)
        elif not self._moved(server, expected):
            return
        if self._scenario.guests:
            self._see_guest_gone(expected)

    def _see_guest_gone(self, expected):
        ids = expected.ids
        remains.wait_gone(ids['server_id'], self.target(ids['host']),
                          self.around.transports)
        waiting.pause(self._settings.timeouts.return_watch)

    def _moved(self, server, expected):
        """Return whether a server is, as it should be, on another host."""
        return (self._scenario.chain.healed is healing.MOVED
                and server['OS-EXT-SRV-ATTR:host'] != expected.ids['host'])

    def target(self, host):
        """Return a host as what a fault is of.

        :param host: its name in Nova
        :returns: :class:`.faults.targets.Target`
        """
        return targets.target(host, self._settings, self._address_of,
                              self.app.server_id if self.app else '')

    def is_good(self, expected):
        """Return whether all went well.

        :param expected: :class:`.model.expectations.Expectation`
        """
        return verdicts.verdict(self.recorder.timeline(), expected).good

    def publish(self, expected, joint=None):
        """Tell what was seen in every way that works.

        :param expected: :class:`.model.expectations.Expectation`
        :param joint: see :func:`.report.documents.document`
        :returns: the document, None where there is none
        """
        with self.afterwards('the document'):
            run = documents.document(
                self.recorder.timeline(), expected, self.diagnosis,
                self._name, self._story, joint)
            short = attaching.thinned(run)
            self.addDetail('timeline.json',
                           content.text_content(saving.dumps(short)))
            self._show(short)
            self._save(run)
            return short
        return None

    def _show(self, run):
        with self.afterwards('the table'):
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


def patiently(what, ask):
    """Ask until a service answers at all, and return its answer.

    :param what: what is asked for, for people
    :param ask: called without arguments
    :raises .waiting.WaitTimeout: when there is no answer in time
    """
    return waiting.wait_for(
        lambda: (ask(),), what=what, timeout=PATIENCE,
        tolerate=errors.ServiceUnavailable)[0]
