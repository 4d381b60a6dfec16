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

"""The real watch of a simulated cloud, with real threads.

What :mod:`.simulated_chain` plays by itself, :class:`Run` leaves to the real
:class:`..watch.Watch`; only the clock that its threads share is simulated.
"""

import contextlib
import dataclasses

from self_healing_tempest_plugin import application
from self_healing_tempest_plugin.tests.unit import simulated_chain
from self_healing_tempest_plugin.tests.unit import simulated_services
from self_healing_tempest_plugin.tests.unit import simulated_stories
from self_healing_tempest_plugin.tests.unit import simulated_threads
from self_healing_tempest_plugin.tests.unit import simulated_wire
from self_healing_tempest_plugin.tests.unit import simulated_world
from self_healing_tempest_plugin.watching import recorders
from self_healing_tempest_plugin.watching import watch


class _Requests(simulated_services.Requests):
    """The way to the services, for several threads at the same time."""

    def __init__(self, world, rng, slowest, threads):
        super().__init__(world, rng, slowest)
        self._threads = threads

    def serve(self, service, request=''):
        takes = self._takes(service)
        served = self._threads.time + takes * self._random()
        spell = self._spell(service, request, served)
        self._threads.sleep(takes + (spell.hang if spell else 0))
        if spell is not None:
            simulated_services.fail(spell)
        return served

    def together(self, *calls):
        """Do as :func:`..waiting.side_by_side` does."""
        outcomes = [None] * len(calls)

        def make(index, call):
            try:
                outcomes[index] = call(), None
            except Exception as error:
                outcomes[index] = None, error

        running = [simulated_threads.Thread(self._threads, make, numbered)
                   for numbered in enumerate(calls)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        for _, error in outcomes:
            if error is not None:
                raise error
        return [answer for answer, _ in outcomes]


class Run(simulated_chain.Run):
    """One story, watched by the real watch from beginning to end."""

    def prepare(self):
        """Make the threads; they begin before the watchers do."""
        story = self.story
        self._threads = simulated_threads.Threads(
            story.origin - simulated_chain.LONG_BEFORE, story.rng,
            story.origin + simulated_chain.FOR_EVER)
        self._requests = _Requests(self.world, story.rng, story.slowest,
                                   self._threads)

    def play(self):
        """Let it happen, and return the timeline.

        :raises AssertionError: when the watch never ends
        """
        with contextlib.ExitStack() as held:
            held.enter_context(self._threads.instead())
            self.recorder = recorders.Recorder()
            watchers = simulated_chain.watching(self.world, self._requests,
                                                self._application(held))
            self._until(self.story.origin)
            try:
                self._drill(watch.Watch(
                    watchers, self.recorder, self.story.given.interval,
                    patience=simulated_services.PATIENCE))
            except simulated_threads.NeverEnds:
                raise
            except BaseException:
                # What ends a watch ends the run; it is in the recorder.
                self.ended = True
            self.now = self._threads.time
        self._measure_clocks()
        return self.recorder.timeline()

    def _application(self, held):
        story = self.story
        if not story.wired:
            return simulated_services.Application(
                self.world, self._requests, story.rng,
                story.has(simulated_stories.Noise.LOSSES))
        asker = object.__new__(application.Application)
        asker.url = held.enter_context(simulated_wire.Wire(
            self.world, self._threads)).url
        asker.server_id = simulated_world.OLD.server
        asker.host = simulated_world.HOST
        self.expectation = dataclasses.replace(
            self.expectation, ids={**self.expectation.ids,
                                   'url': asker.url})
        return asker

    def _drill(self, watching):
        story = self.story
        if story.interrupted < simulated_world.INF:
            self._threads.interrupt(story.interrupted, KeyboardInterrupt())
        with watching:
            self._until(story.injected)
            self.recorder.transition('injected', story.injecting)
            self._until(story.witness)
            self.recorder.transition(
                'witnessed' if story.witnessed else 'unwitnessed',
                story.injected)
            watching.until_over(self.expectation)
            self._until(max(story.until, self._threads.time)
                        + story.given.interval)

    def _until(self, time):
        if time > self._threads.time:
            self._threads.wait(time)


def check(given):
    """Play one case in threads; see :func:`.simulated_chain.check`."""
    return simulated_chain.check(given, Run)
