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

"""The write-ahead record of faults: JSON lines that outlive the runner.

Each line is one state of one fault. The first one holds the plan, with all
that is needed to take the fault back, and is on the disk before anything is
touched. A fault is open until it is verified that it is gone.
"""

import contextlib
import dataclasses
import datetime
import enum
import json
import os
import time

import fasteners
from tempest.lib import exceptions

from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.faults import plan as plans

# Raised when a reader of older lines would misread a newer one.
FORMAT = 1

REVERT = 'self-healing-tempest revert'


class State(enum.Enum):
    """What has happened to a fault, in this order."""

    PLANNED = 'planned'
    ARMED = 'armed'
    INJECTED = 'injected'
    WITNESSED = 'witnessed'
    UNWITNESSED = 'unwitnessed'
    REVERTED = 'reverted'
    VERIFIED = 'verified'
    # No state of the fault: a process of it is about to begin.
    STARTED = 'started'


class JournalError(exceptions.TempestException):
    """The journal cannot be read or written."""

    message = 'Journal of faults: %(problem)s'

    def __init__(self, problem):
        super().__init__(problem=problem)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One fault in the journal.

    :ivar plan: :class:`.plan.Plan`
    :ivar states: what has happened to it, oldest first
    :ivar since: when it was planned, seconds since the epoch
    :ivar processes: the processes on a runner that were started for it, as
        dicts, oldest first; see :class:`.processes.Process`
    """

    plan: plans.Plan
    states: tuple[State, ...]
    since: float
    processes: tuple[dict, ...] = ()

    @property
    def open(self):
        """Return whether the fault may still be there."""
        return State.VERIFIED not in self.states

    @property
    def state(self):
        """Return the newest state."""
        return self.states[-1]


@dataclasses.dataclass(frozen=True)
class Damage:
    """A line that cannot be read.

    :ivar number: of the line, from 1
    :ivar why: what is wrong with it
    :ivar text: the line
    """

    number: int
    why: str
    text: str


class Journal:
    """The journal in one directory, and the lock beside it."""

    def __init__(self, directory):
        """Take the directory; it is made when something is written.

        :param directory: see [self_healing] state_dir
        """
        self.directory = directory
        self.path = os.path.join(directory, 'journal.jsonl')
        self._lock_path = os.path.join(directory, 'lock')

    def read(self):
        """Return all faults, oldest first, and the lines that are damaged.

        :returns: tuple of :class:`Entry`, tuple of :class:`Damage`
        :raises JournalError: when there is a journal that cannot be read
        """
        entries, damages = {}, []
        for number, text in enumerate(self._lines(), 1):
            try:
                _read_line(entries, json.loads(text))
            except (ValueError, KeyError, TypeError,
                    AttributeError) as error:
                damages.append(Damage(number, str(error), text))
        return tuple(entries.values()), tuple(damages)

    def open_entries(self):
        """Return the faults that may still be there, newest first."""
        return tuple(entry for entry in reversed(self.read()[0])
                     if entry.open)

    def plan(self, plan):
        """Record a fault before anything is touched.

        :param plan: :class:`.plan.Plan`
        :raises JournalError: when it is not on the disk
        """
        self._write(plan.id, State.PLANNED, plan=plans.to_dict(plan))

    def record(self, fault_id, state, detail=''):
        """Record what has happened to a fault.

        :param fault_id: id of its plan
        :param state: :class:`State`
        :param detail: for people
        :raises JournalError: when it is not on the disk
        """
        self._write(fault_id, state, detail=detail)

    def started(self, fault_id, process):
        """Record a process of a fault before it can do anything.

        :param fault_id: id of its plan
        :param process: dict that tells it from all others, fit for JSON; see
            :class:`.processes.Process`
        :raises JournalError: when it is not on the disk
        """
        self._write(fault_id, State.STARTED, process=process)

    def processes(self, fault_id):
        """Return the processes that were started for a fault, as dicts."""
        for entry in self.read()[0]:
            if entry.plan.id == fault_id:
                return entry.processes
        return ()

    @contextlib.contextmanager
    def held(self):
        """Hold the lock: of all processes, one breaks and repairs.

        :raises .gates.FaultRefused: when another process holds it
        """
        with self._named_errors():
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
        lock = fasteners.InterProcessLock(self._lock_path)
        with self._named_errors():
            taken = lock.acquire(blocking=False)
        if not taken:
            raise gates.FaultRefused(
                'another run holds %s, see [self_healing] state_dir; one '
                'fault at a time' % self._lock_path)
        try:
            yield
        finally:
            lock.release()

    def refuse_open(self):
        """Refuse to go on while a fault may still be there.

        :raises .gates.FaultRefused: with the command that helps
        """
        entries, damages = self.read()
        open_ones = [entry for entry in entries if entry.open]
        if open_ones:
            raise gates.FaultRefused(
                'a fault of an earlier run may still be there (%s); run: %s'
                % ('; '.join(entry.plan.description for entry in open_ones),
                   REVERT))
        if damages:
            raise gates.FaultRefused(
                'line %d of %s is damaged (%s) and may be a fault that is '
                'still there; run: %s' % (damages[0].number, self.path,
                                          damages[0].why, REVERT))

    def set_aside(self, damages):
        """Move damaged lines into a file of their own.

        :param damages: :class:`Damage`, as :meth:`read` has returned them
        :returns: path of that file
        :raises JournalError: when that fails; then nothing is lost
        """
        numbers = {damage.number for damage in damages}
        path = self.path + '.damaged'
        with self._named_errors():
            self._append(path, [damage.text for damage in damages])
            kept = [line for number, line in enumerate(self._lines(), 1)
                    if number not in numbers]
            temporary = self.path + '.new'
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            self._append(temporary, kept)
            os.replace(temporary, self.path)
            self._sync_directory()
        return path

    def _lines(self):
        self._trust()
        with self._named_errors():
            try:
                with open(self.path, encoding='utf-8',
                          errors='backslashreplace') as stream:
                    return stream.read().splitlines()
            except FileNotFoundError:
                return []

    def _trust(self):
        # What the journal says is run: it must be ours.
        with self._named_errors():
            try:
                found = os.stat(self.directory)
            except FileNotFoundError:
                return
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise JournalError(
                '%s belongs to another user or can be written by others, and '
                'its commands would be run; see [self_healing] state_dir'
                % self.directory)

    def _write(self, fault_id, state, **fields):
        now = time.time()
        line = json.dumps(dict(
            format=FORMAT, id=fault_id, state=state.value, at=round(now, 3),
            time=datetime.datetime.fromtimestamp(
                now, datetime.timezone.utc).isoformat('T', 'seconds'),
            pid=os.getpid(), **fields), sort_keys=False)
        with self._named_errors():
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            self._append(self.path, [line])
            self._sync_directory()

    def _append(self, path, lines):
        # One write: a line is there or not. One that a full disk cut off
        # is taken away again, or ended, if that fails too, by the next.
        data = ''.join(line + '\n' for line in lines).encode()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND,
                             0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b'\n':
                data = b'\n' + data
            try:
                written = os.write(descriptor, data)
                if written != len(data):
                    raise OSError('%d of %d bytes written to %s' % (
                        written, len(data), path))
                os.fsync(descriptor)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)

    def _sync_directory(self):
        descriptor = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _named_errors(self):
        try:
            yield
        except OSError as error:
            raise JournalError('%s; see [self_healing] state_dir' % (
                error if error.filename else '%s: %s' % (
                    self.path, error))) from None


def _read_line(entries, line):
    if line['format'] != FORMAT:
        raise ValueError('format %r instead of %d' % (line['format'], FORMAT))
    fault_id, state = line['id'], State(line['state'])
    if state is State.PLANNED:
        entries[fault_id] = Entry(plans.from_dict(line['plan']), (state,),
                                  float(line['at']))
        return
    if fault_id not in entries:
        raise ValueError('fault %s was never planned' % fault_id)
    entry = entries[fault_id]
    if state is State.STARTED:
        entries[fault_id] = dataclasses.replace(
            entry, processes=(*entry.processes, dict(line['process'])))
        return
    entries[fault_id] = dataclasses.replace(
        entry, states=(*entry.states, state))
