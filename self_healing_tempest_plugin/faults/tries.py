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

"""Several tries of one command, as a BMC may need them."""

import dataclasses

from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin import waiting

# Seconds between two tries.
INTERVAL = 1.0


@dataclasses.dataclass(frozen=True)
class _Try:
    """What came of a try: a result, or an error in its place."""

    result: commands.Result | None = None
    error: commands.CommandFailed | None = None

    def outcome(self):
        if self.error is not None:
            raise self.error
        return self.result


def insist(command, attempt, timeout, holds):
    """Run a command until it does not fail, or its time is over.

    What counts is what the command is for, not what it says of it: a BMC may
    refuse to take the power from a host that has none, see
    :attr:`.plans.Command.done`.

    :param command: :class:`.plans.Command`
    :param attempt: runs it once, in so many seconds at most
    :param timeout: seconds that all tries together may take
    :param holds: whether a :class:`.plans.Check` holds
    :returns: :class:`.commands.Result`, that of the last try
    :raises .commands.Hopeless: when another try cannot help
    :raises .commands.CommandFailed: when the last try had no end
    """
    deadline = waiting.CLOCK.now() + timeout

    def left():
        return deadline - waiting.CLOCK.now()

    def once():
        try:
            made = _Try(attempt(max(0.1, round(left(), 1))))
        except commands.Hopeless:
            raise
        except commands.CommandFailed as error:
            made = _Try(error=error)
        if made.result and made.result.exit_status in command.answers:
            return made, True
        if command.done is not None and holds(command.done):
            return _Try(commands.Result(command.argv, 0, '', '')), True
        return made, left() <= INTERVAL

    made, _ = waiting.wait_for(
        once, lambda seen: seen[1], what='an end of %s' % command.argv[0],
        timeout=timeout + INTERVAL, interval=INTERVAL)
    return made.outcome()
