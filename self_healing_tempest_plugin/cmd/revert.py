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

"""``self-healing-tempest revert``: take back what a run has left.

Faults first: for them it knows nothing but the journal and how hosts are
reached, and asks no service of the cloud. Then come alarms that were posted,
and what was created in the cloud; that stays open where the cloud's services
do not answer.
"""

import contextlib
import dataclasses
import datetime
import functools
import os
import sys
import time

from tempest import clients as tempest_clients
from tempest.common import credentials_factory
from tempest.lib.common import api_microversion_fixture

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import lifecycle
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin import projects
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin import removal
from self_healing_tempest_plugin.report import table
from self_healing_tempest_plugin.services import clients
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import nova
from self_healing_tempest_plugin import synthetic_alarm
from self_healing_tempest_plugin.watching import recorders

_WIDTH = 72

# The order of ranks; within a rank, the newest entry comes first.
_FAULT, _ALARM, _OBJECT = range(3)


@dataclasses.dataclass(frozen=True)
class _Outcome:
    """The outcome for one entry.

    :ivar entry: :class:`.journal.Entry`
    :ivar result: in a few words
    :ivar problem: why it is still open, '' when it is not
    """

    entry: journals.Entry
    result: str
    problem: str = ''


def add_arguments(parser):
    """Add the options of this command to an argparse parser."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument('--list', action='store_true',
                      help='show all of the journal, change nothing')
    what.add_argument('--dry-run', action='store_true',
                      help='print what would be done, do none of it')
    what.add_argument('--close', metavar='ID',
                      help='do nothing but close this entry, or this damaged '
                           'line, in the journal: you have seen to it that '
                           'nothing is left of it; needs --reason')
    parser.add_argument('--reason', metavar='TEXT',
                        help='why it is closed; it is kept in the journal, '
                             'with your name')


def run(options, conf):
    """Take back all that is open, show it, or close an entry.

    :param options: parsed command line
    :param conf: Tempest's ``CONF``
    :returns: exit code
    """
    recovery = config.recovery(conf)
    journal = journals.Journal(recovery.state_dir)
    if options.list:
        return _list(journal)
    if options.dry_run:
        return _dry_run(journal)
    if options.close is not None or options.reason is not None:
        return _close(journal, options)
    with journal.held():
        return _revert(journal, recovery, conf)


def _list(journal):
    entries, damages = journal.read()
    if entries:
        _say(table.plain(('entry', 'what', 'planned at', 'state'), (
            (entry.id, entry.description, _time(entry.since), _state(entry))
            for entry in entries), max_width=_WIDTH))
    else:
        _say('No fault in %s.' % _place(journal))
    _tell_damages(journal, damages)
    return 0


def _state(entry):
    text = entry.state.value
    if entry.closed:
        text += ' by %s' % entry.closed
    return text + (', OPEN' if entry.open else '')


def _dry_run(journal):
    entries = _ordered(journal.open_entries())
    for entry in entries:
        _say('%s: %s' % (entry.id, entry.description))
        for line in _steps(entry):
            _say('    %s' % line)
    if not entries:
        _say('No open fault in %s.' % _place(journal))
    _tell_damages(journal, journal.read()[1])
    return 0


def _steps(entry):
    """Yield the steps that would be taken."""
    if entry.object:
        yield 'remove it from the cloud, by its name'
        return
    for command in (*reversed(entry.plan.revert), *entry.plan.disarm):
        yield str(command)
    for check in entry.plan.checks:
        yield 'then wait until: %s' % check.what


def _close(journal, options):
    reason = ' '.join((options.reason or '').split())
    if not options.close or not reason:
        raise journals.JournalError(
            'to close an entry takes both, its id and why: %s'
            % journals.CLOSE)
    with journal.held():
        what = journal.close(options.close, reason)
    _say('Closed: %s. Nothing else was done.' % what)
    return 0


def _revert(journal, recovery, conf):
    entries = _ordered(journal.open_entries())
    outcomes = []
    with contextlib.ExitStack() as held:
        ways_back = _WaysBack(journal, recovery, conf, held)
        for entry in entries:
            _say('Taking back: %s' % entry.description)
            outcomes.append(_taken_back(entry, ways_back))
    if outcomes:
        _say(table.plain(('entry', 'what', 'result', 'problem'), (
            (outcome.entry.id, outcome.entry.description, outcome.result,
             outcome.problem)
            for outcome in outcomes), max_width=_WIDTH))
    else:
        _say('No open fault in %s.' % _place(journal))
    damages = journal.read()[1]
    _tell_damages(journal, damages)
    problems = [outcome for outcome in outcomes if outcome.problem]
    if problems or damages:
        _say('What cannot be taken back, and what you have looked after '
             'yourself, is closed by: %s' % journals.CLOSE)
    return int(bool(problems or damages))


def _ordered(entries):
    """Return entries as they are taken back.

    Hosts need nothing but SSH, and all else needs them.

    :param entries: newest first
    """
    return sorted(entries, key=_rank)


def _rank(entry):
    if entry.plan is None:
        return _OBJECT
    return _ALARM if entry.plan.kind == synthetic_alarm.KIND else _FAULT


def _taken_back(entry, ways_back):
    """Take one entry back; whatever happens, the next one has its turn."""
    try:
        if entry.object:
            ways_back.removal().remove(entry.id)
            return _Outcome(entry, journals.State.REMOVED.value)
        ways_back.take_back(entry)
    except lifecycle.RevertFailed as error:
        return _Outcome(entry, 'still open', str(error))
    except Exception as error:
        return _Outcome(entry, 'still open', ' '.join(
            ('%s: %s' % (type(error).__name__, error)).split()))
    return _Outcome(entry, journals.State.VERIFIED.value)


class _WaysBack:
    """How faults are taken back, and objects of the cloud removed."""

    def __init__(self, journal, recovery, conf, held):
        """Keep the arguments; the cloud is not asked before it has to be.

        :param held: :class:`contextlib.ExitStack` that outlives this
        """
        self._journal, self._recovery = journal, recovery
        self._conf, self._held = conf, held
        self._transports = transports.Transports(recovery.access)
        self._removal = self._refusal = None

    def take_back(self, entry):
        """Take a fault back, and see that it is gone.

        :raises .life.RevertFailed: when it is not seen
        """
        plan = entry.plan
        left = entry.since + plan.timer - time.time()
        life = lifecycle.Life(plan, self._journal, self._transports,
                              self._recovery.timeouts, recorders.Recorder())
        life.take_back(max(0.0, min(left, plan.timer)))

    def removal(self):
        """Return :class:`.removal.Removal`.

        :raises Exception: why there is none; the cloud is asked but once
        """
        if self._refusal is not None:
            raise self._refusal
        if self._removal is None:
            try:
                self._removal = self._connected()
            except Exception as error:
                self._refusal = error
                raise
        return self._removal

    def _connected(self):
        cloud = config.cloud(self._conf)
        manager = tempest_clients.Manager(
            credentials_factory.get_configured_admin_credentials(
                identity_version='v3'))
        api_clients = clients.Clients(cloud, manager)
        if not api_clients.project_id:
            raise errors.ServiceRefused('Keystone', 'get a token',
                                        'it is of no project')
        self._held.enter_context(
            api_microversion_fixture.APIMicroversionFixture(
                compute_microversion=nova.COMPUTE_MICROVERSION))
        return removal.Removal(
            api_clients, self._journal, self._recovery.timeouts,
            self._transports, functools.cache(
                lambda project: projects.way_in(
                    project, api_clients, self._journal, self._held)))


def _place(journal):
    """Return the path of the journal, and whether there is no such file."""
    return journal.path if os.path.lexists(journal.path) else (
        '%s: there is no such file, see [self_healing] state_dir'
        % journal.path)


def _tell_damages(journal, damages):
    for damage in damages:
        _say('%s: line %d of %s cannot be read (%s); look whether it is a '
             'fault that is still there: %s' % (
                 damage.id, damage.number, journal.path, damage.why,
                 runtime.text(damage.text)[:200]))


def _say(text):
    # A reader that has stopped to listen stops no repair.
    with contextlib.suppress(OSError, ValueError):
        print(table.visible(text), file=sys.stdout, flush=True)


def _time(seconds):
    return datetime.datetime.fromtimestamp(seconds).isoformat(' ', 'seconds')
