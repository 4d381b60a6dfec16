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

"""The checks of a plan: whether a host is as the plan says."""

import re

from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import snapshots
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin import waiting

# How many differences of a network are told.
_TOLD = 5


def complaint(check, transports):
    """Return why a check does not hold, or ''.

    :param check: :class:`.plans.Check`
    :param transports: :class:`.transports.Transports`
    """
    try:
        result = transports.run(check.command)
        yes, said = _answer(check, result)
    except (commands.CommandFailed, snapshots.Unreadable) as error:
        # A program that is missing, or a wrong file, has asked nobody.
        silent = '%s did not answer: ' % check.asked if (
            check.asked and not isinstance(error, (
                commands.Hopeless, commands.Unclear))) else ''
        return 'unknown whether %s: %s%s' % (check.what, silent, error)
    if yes == check.holds:
        return ''
    return 'not so: %s%s' % (check.what, ' (%s)' % said if said else '')


def is_late(problem):
    """Return whether a check is unknown for want of time.

    :param problem: what :func:`complaint` has returned
    """
    return commands.NO_END in problem


def complaints(checks, transports):
    """Return why checks do not hold, as a tuple of strings."""
    problems = (complaint(check, transports) for check in checks)
    return tuple(filter(None, problems))


def wait(checks, transports, *, what, timeout, interval, look_at):
    """Wait until all checks hold.

    :param checks: :class:`.plans.Check`
    :param transports: :class:`.transports.Transports`
    :param timeout: seconds
    :param interval: seconds
    :raises ..waiting.WaitTimeout: when they do not in time
    """
    waiting.wait_for(
        lambda: complaints(checks, transports), lambda problems: not problems,
        what=what, timeout=timeout, interval=interval,
        describe='; '.join, look_at=look_at)


def _answer(check, result):
    """Return the answer, and the grounds for it, for people."""
    said = runtime.text(result.stdout.strip())[-80:]
    if check.before is not None:
        differences = snapshots.differences(check.before,
                                            result.check().stdout)
        more = ['and %d more' % (len(differences) - _TOLD)] if (
            len(differences) > _TOLD) else []
        return not differences, runtime.text(
            '; '.join((*differences[:_TOLD], *more)))
    if check.pattern:
        yes, no = (bool(pattern and re.search(
            pattern, result.check().stdout, re.IGNORECASE | re.MULTILINE))
            for pattern in (check.pattern, check.opposite))
        if check.opposite and not (yes or no):
            raise commands.Unclear(
                result.argv, 'it says %s, neither %s' % (
                    repr(said) if said else 'nothing', ' nor '.join(
                        name for pattern in (check.pattern, check.opposite)
                        for name in re.compile(pattern).groupindex)))
        return yes, said
    if result.exit_status not in (0, check.no):
        result.check()
    return result.exit_status == 0, said
