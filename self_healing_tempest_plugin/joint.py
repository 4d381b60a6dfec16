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

"""One fault for all applications of a drill: from the fault to the verdicts.

Each application has a timeline and a verdict of its own, and is watched by
itself. What is of the host is done once, by the first of the drills.
"""

from concurrent import futures
import contextlib
import functools
import locale

from oslo_log import log
from testtools import content

from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.report import encoding
from self_healing_tempest_plugin.report import live
from self_healing_tempest_plugin.report import together
from self_healing_tempest_plugin import waiting
from self_healing_tempest_plugin.watching import watch

LOG = log.getLogger(__name__)

# How many applications are asked about at the same time, once the verdicts
# are sure.
AT_ONCE = 8


def run(plan, drill, subjects):
    """Inject a fault, watch until each verdict is sure, take it back.

    Nothing is injected where the cloud is not fit for it, or one of the
    applications is not. The answers of the applications are watched until
    nothing is left of the fault. What was seen is published, whatever becomes
    of it.

    :param plan: :class:`.faults.plans.Plan`
    :param drill: :class:`.drill.Drill`, deployed
    :param subjects: pairs of a :class:`.subject.Subject` of it and its
        :class:`.model.expectations.Expectation`
    """
    _Run(plan, drill, subjects).run()


class _Run:
    """One fault, and the applications that it is of."""

    def __init__(self, plan, drill, subjects):
        self._plan, self._drill, self._subjects = plan, drill, subjects
        # What is of the host is of it, too.
        self._first, _ = subjects[0]

    def run(self):
        """See :func:`run`."""
        try:
            self._drill.know_clocks()
            self._each(lambda one, expected: one.remember())
            if self._ready():
                self._watch()
            self._few(lambda one, expected: one.diagnose(expected))
        except BaseException as error:
            for one, _ in self._subjects:
                one.recorder.end(watch.reason(error))
            raise
        finally:
            with self._first.afterwards('the clocks'):
                self._drill.know_clocks()
            self._publish()

    def _publish(self):
        number = len(self._subjects)
        told = [one.publish(expected, None if number == 1 else {
            'fault': self._plan.id, 'number': index, 'of': number,
            'stack': one.app.stack.name}) for index, (one, expected)
            in enumerate(self._subjects, 1)]
        for group in together.of(filter(None, told)):
            text = together.text(group)
            LOG.info('%s', encoding.fitted(
                text, locale.getpreferredencoding(False)))
            self._drill.addDetail('applications.txt',
                                  content.text_content(text))

    def _each(self, call):
        return _each(self._subjects, call)

    def _few(self, call):
        """Call for each application, for some at the same time."""
        if len(self._subjects) == 1:
            call(*self._subjects[0])
            return
        pool = futures.ThreadPoolExecutor(AT_ONCE)
        try:
            for done in [pool.submit(call, *pair) for pair in self._subjects]:
                done.result()
        finally:
            # Whoever is interrupted has a fault to take back first.
            pool.shutdown(wait=False, cancel_futures=True)

    def _ready(self):
        """Return whether nothing makes the run invalid."""
        self._each(lambda one, expected: one.see_ready())
        for problem in self._drill.unfit(self._plan):
            self._first.recorder.unmet(problem)
        return self._fit()

    def _fit(self):
        """Return whether all are fit for the fault; tell it to all."""
        unmet = next((
            (one, problem) for one, _ in self._subjects
            for problem in one.recorder.timeline().unmet), None)
        for one, _ in self._subjects if unmet else ():
            if not one.recorder.timeline().unmet:
                one.recorder.unmet('application %s: %s' % (
                    unmet[0].app.stack.name, unmet[1]))
        return unmet is None

    def _watch(self):
        with contextlib.ExitStack() as running:
            watched = tuple(
                (running.enter_context(one), expected) for one, (_, expected)
                in zip(self._each(lambda one, expected: one.watch()),
                       self._subjects))
            self._each(lambda one, expected: one.see_calm(expected))
            if self._fit() and self._break(watched):
                see_clean(self._subjects)

    def _break(self, watched):
        """Drill, and return whether anything was broken."""
        try:
            with self._drill.inject(self._plan, self._look_last):
                with live.Progress(*(expected for _, expected
                                     in watched)) as progress:
                    watch.until_all_over(watched, progress)
                self._drill.look_at_host(self._plan.host)
                self._few(lambda one, expected: one.look_around(expected))
        except gates.NotReady:
            return False
        return True

    def _look_last(self):
        """Refuse a fault right before it, where something has come up.

        :raises .faults.gates.FaultRefused: when it is not allowed any more
        :raises .faults.gates.NotReady: when it would prove nothing
        """
        self._each(lambda one, expected: one.see_ready())
        self._each(lambda one, expected: one.see_calm(expected))
        if not self._fit():
            raise gates.NotReady('; '.join(
                self._first.recorder.timeline().unmet))
        self._drill.ask_gates(self._plan.host)


def see_clean(subjects):
    """Wait until host and graph are as before the fault.

    :param subjects: see :func:`run`
    :raises .waiting.WaitTimeout: when they do not come to be
    """
    ready = subjects[0][0].readiness
    ready.wait_host_back()
    _each(subjects, lambda one, expected: one.see_server_gone(expected))
    # Most of them have come meanwhile.
    ready.wait_host_reports()


def _each(subjects, call):
    """Call for each application, all at the same time.

    For one it is called here, where an interrupt reaches it.
    """
    if len(subjects) == 1:
        return [call(*subjects[0])]
    return waiting.side_by_side(*(
        functools.partial(call, *pair) for pair in subjects))
