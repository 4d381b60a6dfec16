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

It knows nothing but the journal and how hosts are reached, and asks no
service of the cloud; only an alarm that a bisect has posted is cleared
through Vitrage.
"""

import datetime
import time

from self_healing_tempest_plugin.chain import timeline
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import journal as journals
from self_healing_tempest_plugin.faults import life
from self_healing_tempest_plugin.faults import transports as ways
from self_healing_tempest_plugin.redaction import process
from self_healing_tempest_plugin.report import table

NAME = 'revert'
HELP = ('Take back the faults that runs have left behind, newest first. The '
        'exit code is 0 only when it is verified that none is left.')

_WIDTH = 72


def add_arguments(parser):
    """Add the options of this command to an argparse parser."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument('--list', action='store_true',
                      help='show the faults of the journal, change nothing')
    what.add_argument('--dry-run', action='store_true',
                      help='print the commands, run none of them')


def run(options, conf):
    """Take all open faults back, or show them.

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
    with journal.held():
        return _revert(journal, recovery)


def _list(journal):
    entries, damages = journal.read()
    found = table.plain(('fault', 'what', 'planned at', 'state'), (
        (entry.plan.id, entry.plan.description, _time(entry.since),
         '%s%s' % (entry.state.value, ', OPEN' if entry.open else ''))
        for entry in entries), max_width=_WIDTH)
    print(found if entries else 'No fault in %s.' % journal.path)
    _tell_damages(journal, damages)
    return 0


def _dry_run(journal):
    entries = journal.open_entries()
    for entry in entries:
        print('%s: %s' % (entry.plan.id, entry.plan.description))
        for command in (*reversed(entry.plan.revert), *entry.plan.disarm):
            print('    %s' % command)
        for check in entry.plan.checks:
            print('    then wait until: %s' % check.what)
    if not entries:
        print('No open fault in %s.' % journal.path)
    _tell_damages(journal, journal.read()[1])
    return 0


def _revert(journal, recovery):
    transports = ways.Transports(recovery.access)
    rows = [(entry, *_take_back(entry, journal, transports, recovery))
            for entry in journal.open_entries()]
    if rows:
        print(table.plain(('fault', 'what', 'result', 'problem'), (
            (entry.plan.id, entry.plan.description, result, problem)
            for entry, result, problem in rows), max_width=_WIDTH))
    else:
        print('No open fault in %s.' % journal.path)
    damages = journal.read()[1]
    _tell_damages(journal, damages)
    if damages:
        print('They are kept in %s; look whether one of them is a fault that '
              'is still there.' % journal.set_aside(damages))
    return int(bool(damages) or any(
        result != journals.State.VERIFIED.value for _, result, _ in rows))


def _take_back(entry, journal, transports, recovery):
    """Return result and problem of one fault."""
    print('Taking back: %s' % entry.plan.description, flush=True)
    left = entry.since + entry.plan.timer - time.time()
    one = life.Life(entry.plan, journal, transports, recovery.timeouts,
                    timeline.Recorder())
    try:
        one.take_back(max(0.0, min(left, entry.plan.timer)))
    except life.RevertFailed as error:
        return 'still open', str(error)
    return journals.State.VERIFIED.value, ''


def _tell_damages(journal, damages):
    for damage in damages:
        print('Line %d of %s cannot be read (%s): %s' % (
            damage.number, journal.path, damage.why,
            process.text(damage.text)[:200]))


def _time(seconds):
    return datetime.datetime.fromtimestamp(seconds).isoformat(' ', 'seconds')
