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

from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin import waiting

# Seconds between two tries.
INTERVAL = 1.0


def insist(command, attempt, timeout, holds):
    """Run a command until it does not fail, or its time is over.

    What counts is what the command is for, not what it says of it: a BMC may
    refuse to take the power from a host that has none, see
    :attr:`.plans.Command.done`.

    :param command: :class:`.plans.Command`
    :param attempt: runs it once, in so many seconds at most
    :param timeout: seconds that all tries together may take
    :param holds: whether a :class:`.plans.Check` holds
    :returns: :class:`.commands.Result`, of the last try that had an end
    :raises .commands.Hopeless: when another try cannot help
    :raises .commands.CommandFailed: when no try had an end
    """
    results, errors = [], []
    deadline = waiting.CLOCK.now() + timeout

    def left():
        return deadline - waiting.CLOCK.now()

    def succeeds():
        try:
            results.append(attempt(max(0.1, round(left(), 1))))
        except commands.Hopeless:
            raise
        except commands.CommandFailed as error:
            errors.append(error)
        else:
            if results[-1].exit_status in command.answers:
                return True
        if command.done is None or not holds(command.done):
            return False
        results.append(commands.Result(command.argv, 0, '', ''))
        return True

    waiting.wait_for(
        lambda: succeeds() or left() <= INTERVAL, timeout=timeout + INTERVAL,
        what='an end of %s' % command.argv[0], interval=INTERVAL)
    # One that was cut off at the end says less than one that has failed.
    if not results:
        raise errors[-1]
    return results[-1]
