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

"""How many polls of a link may be under way at the same time."""

import math
import threading

from self_healing_tempest_plugin.model import links

# A poll that took a second is followed by the next one this many seconds after
# its beginning: the answers take a small part of the time of a service that is
# busy, and one that is fast is asked as often as ever.
SHARE = 5.0

# Polls that may be under way where nobody is there to take them, and so none
# is a burden to anybody: requests to a dead application take three seconds at
# the most, and are made ten times a second.
UNREACHED_AT_ONCE = 32


class Gate:
    """Says whether a link may be asked for now.

    At most one poll at a time of a service that gave no answer: each may
    hold up a worker of it long after the runner has given up. A few at a
    time of a service that takes long, or the polls alone could keep it from
    answering any, and not soon after one that took long. A link that has come
    is polled at leisure, and so is one whose turn has not come yet, unless its
    pace has no rest: what is asked takes the services time in which they
    could heal.
    """

    def __init__(self, link, pace, recorder, steps=()):
        """Let the first polls in.

        :param link: :class:`..model.links.Link`
        :param pace: :class:`.looks.Pace`
        :param recorder: :class:`.recorders.Recorder`, which has the time
        :param steps: each :class:`..model.chains.Step` of the chain; without
            one of this link, it may come at any time
        """
        self._link, self._pace, self._recorder = link, pace, recorder
        self._steps = tuple(step for step in steps if step.link is link)
        self._lock = threading.Lock()
        self._under_way, self._most = 0, pace.at_once
        self._begun, self._took, self._come = -math.inf, 0.0, False

    def enter(self):
        """Return whether to ask now; then :meth:`leave` must follow."""
        now, rest = self._recorder.now(), self._rest()
        with self._lock:
            if now < self._begun + rest or self._under_way >= self._most:
                return False
            self._under_way += 1
            self._begun = now
        return True

    def leave(self, look, begin):
        """Take note of the end of a question.

        :param look: a :class:`.looks.Look`, None where there was no answer
        :param begin: when the question began
        """
        with self._lock:
            self._under_way -= 1
            self._took = self._recorder.now() - begin
            if look is None:
                self._most = 1
            else:
                self._most = (UNREACHED_AT_ONCE if look.unreached
                              else self._pace.at_once)

    def _rest(self):
        rest = self._pace.rest
        # What has come stays.
        self._come = self._come or self._recorder.has(
            self._link, links.Mark.FINISHED)
        if self._come:
            return rest
        injecting = self._recorder.injecting()
        if injecting is None or self._begun <= injecting:
            # What comes after such a poll is known to come after the fault.
            return 0.0
        return min(rest, SHARE * self._took) if self._awaited() else rest

    def _awaited(self):
        """Return whether this link may come now, as far as is known."""
        seen = self._recorder.has
        return not self._steps or any(
            step.after is None or seen(step.after.link, step.after.mark)
            for step in self._steps if not seen(step.link, step.mark))
