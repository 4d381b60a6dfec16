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

"""The write-ahead record of a run: JSON lines that outlive the runner.

Each line is one state of one fault, or of one object that was created in the
cloud. The first one holds the plan, or the object's name, with all that is
needed to take it back, and is on the disk before anything is touched. An
entry is open until it is verified that it is gone, or until the operator has
closed it.
"""

import contextlib
import dataclasses
import datetime
import enum
import hashlib
import json
import os
import pwd
import time
import typing

import fasteners
from tempest.lib import exceptions

from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import private_files

# Raised when a reader of older lines would misread a newer one. Fields that
# it does not know are none of that: it passes over them.
#
# 1: faults
# 2: objects of the cloud, entries that were closed by hand
FORMAT = 2
OLDEST = 1

REVERT = 'self-healing-tempest revert'
CLOSE = REVERT + ' --close ID --reason TEXT'

# The end of time as far as a line may tell it: the year 9999 in UTC.
_LATEST = 253402300799.0


class State(enum.Enum):
    """The states of a fault, in this order.

    An object of the cloud is planned, created and removed.
    """

    PLANNED = 'planned'
    ARMED = 'armed'
    INJECTED = 'injected'
    WITNESSED = 'witnessed'
    UNWITNESSED = 'unwitnessed'
    REVERTED = 'reverted'
    VERIFIED = 'verified'
    CREATED = 'created'
    REMOVED = 'removed'
    CLOSED = 'closed'
    # No state of the fault: a process of it is about to begin.
    STARTED = 'started'


#: Nothing is left then, or the operator has said so.
_ENDS = frozenset([State.VERIFIED, State.REMOVED, State.CLOSED])


class JournalError(exceptions.TempestException):
    """The journal cannot be read or written."""

    message = 'Journal of faults: %(problem)s'

    def __init__(self, problem):
        super().__init__(problem=problem)


@dataclasses.dataclass(frozen=True)
class Object:
    """An object of the cloud, by a name that nothing else has.

    :ivar id: tells this entry from all others
    :ivar kind: ``stack`` or ``template``
    :ivar name: in the cloud; it is found by it where no answer came
    :ivar known: what its removal needs to know, fit for JSON; more of it is
        known once it is created
    """

    id: str
    kind: str
    name: str
    known: typing.Mapping = dataclasses.field(default_factory=dict)

    @property
    def description(self):
        """Return a description in a few words."""
        return '%s %s' % (self.kind, self.name)


@dataclasses.dataclass(frozen=True)
class Damage:
    """A line that cannot be read.

    :ivar number: of the line, from 1
    :ivar why: what is wrong with it
    :ivar text: the line; bytes that are no text are lone surrogates
    """

    number: int
    why: str
    text: str

    @property
    def id(self):
        """Return an id that tells the line from others, wherever it is."""
        return 'line-%s' % hashlib.sha256(
            self.text.encode('utf-8', 'surrogateescape')).hexdigest()[:8]

    @property
    def description(self):
        """Return a description in a few words."""
        return 'damaged line %d (%s)' % (self.number, self.why)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One fault, or one object of the cloud, in the journal.

    :ivar subject: :class:`.plans.Plan`, :class:`Object`, or the
        :class:`Damage` that the operator has closed
    :ivar states: the states that it has come to, oldest first
    :ivar since: when it was planned, seconds since the epoch
    :ivar closed: who closed it by hand, and why; '' when nobody did
    :ivar processes: the processes on a runner that were started for it, as
        dicts, oldest first; see :class:`.processes.Process`
    """

    subject: typing.Any
    states: tuple[State, ...]
    since: float
    closed: str = ''
    processes: tuple[dict, ...] = ()

    @property
    def id(self):
        """Return the id of the plan, the object or the line."""
        return self.subject.id

    @property
    def description(self):
        """Return a description in a few words."""
        return self.subject.description

    @property
    def plan(self):
        """Return :class:`.plans.Plan` of a fault, None when it is none."""
        return self.subject if isinstance(self.subject, plans.Plan) else None

    @property
    def object(self):
        """Return :class:`Object`, None when it is none."""
        return self.subject if isinstance(self.subject, Object) else None

    @property
    def open(self):
        """Return whether the fault or object may still be there."""
        return not _ENDS.intersection(self.states)

    @property
    def state(self):
        """Return the newest state."""
        return self.states[-1]


class Journal:
    """The journal in one directory, and the lock beside it."""

    def __init__(self, directory):
        """Take the directory; it is made when something is written.

        :param directory: absolute, see [self_healing] state_dir
        """
        self.directory = directory
        self.path = os.path.join(directory, 'journal.jsonl')
        self._lock_path = os.path.join(directory, 'lock')

    def read(self):
        """Return all entries, oldest first, and the lines that are damaged.

        :returns: tuple of :class:`Entry`, tuple of :class:`Damage`
        :raises JournalError: when there is a journal that cannot be read, or
            that a newer version has written
        """
        entries, damages = {}, []
        for number, text in enumerate(self._lines(), 1):
            try:
                self._read_line(entries, json.loads(text), number)
            except (ArithmeticError, AttributeError, KeyError, RecursionError,
                    TypeError, ValueError) as error:
                damages.append(Damage(number, str(error) or type(
                    error).__name__, text))
        return tuple(entries.values()), tuple(damages)

    def open_entries(self):
        """Return the entries that are open, newest first."""
        return tuple(entry for entry in reversed(self.read()[0])
                     if entry.open)

    def plan(self, plan):
        """Record a fault before anything is touched.

        :param plan: :class:`.plans.Plan`
        :raises JournalError: when it is not on the disk
        """
        self._write(plan.id, State.PLANNED, plan=plans.to_dict(plan))

    def plan_object(self, thing):
        """Record an object of the cloud before it is created.

        :param thing: :class:`Object`
        :raises JournalError: when it is not on the disk
        """
        self._write(thing.id, State.PLANNED, object={
            'kind': thing.kind, 'name': thing.name,
            'known': dict(thing.known)})

    def created(self, object_id, **known):
        """Record that an object is there, and what is known of it by now.

        :param object_id: id of its entry
        :param known: fit for JSON
        :raises JournalError: when it is not on the disk
        """
        self._write(object_id, State.CREATED, known=known)

    def record(self, entry_id, state, detail=''):
        """Record what has happened to a fault, or to an object.

        :param entry_id: id of its plan, or of its entry
        :param state: :class:`State`
        :param detail: for people
        :raises JournalError: when it is not on the disk
        """
        self._write(entry_id, state, detail=detail)

    def close(self, entry_id, reason):
        """Close an entry, or a damaged line, by an act of the operator.

        A damaged line moves into a file of its own. Nothing else is done.

        :param entry_id: id of an open entry or of a :class:`Damage`
        :param reason: for people; it is in the journal, with the user's name
        :returns: what was closed, in a few words
        :raises JournalError: when there is no such entry or line, or the
            act is not on the disk
        """
        entries, damages = self.read()
        how = {'reason': reason, 'user': _user(), 'uid': os.getuid()}
        broken = [damage for damage in damages if damage.id == entry_id]
        if broken:
            self._set_aside(broken, _line(
                entry_id, State.CLOSED, **how,
                damage=dataclasses.asdict(broken[0])))
            return broken[0].description
        for entry in entries:
            if entry.id == entry_id and entry.open:
                self._write(entry_id, State.CLOSED, **how)
                return entry.description
        raise JournalError('%s has no open entry %s; see %s --list' % (
            self.path, entry_id, REVERT))

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
            if entry.id == fault_id:
                return entry.processes
        return ()

    @contextlib.contextmanager
    def held(self):
        """Hold the lock: of all processes, one breaks and repairs.

        :raises .gates.FaultRefused: when another process holds it
        :raises JournalError: when others may write there
        """
        with self._named_errors(), private_files.directory(
                self.directory, create=True) as directory:
            # Nobody else can put another file there after that.
            private_files.inspected(directory, self._lock_path)
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

    def refuse_open(self, own=()):
        """Refuse to go on while anything may still be there.

        :param own: ids of entries that this run has made itself
        :raises .gates.FaultRefused: with the command that helps
        """
        entries, damages = self.read()
        open_ones = [entry for entry in entries
                     if entry.open and entry.id not in own]
        if open_ones:
            raise gates.FaultRefused(
                '%s (%s); run: %s' % (
                    'a fault of an earlier run may still be there' if any(
                        entry.plan for entry in open_ones)
                    else 'what an earlier run has created in the cloud may '
                    'still be there',
                    '; '.join(entry.description for entry in open_ones),
                    REVERT))
        if damages:
            raise gates.FaultRefused(
                'line %d of %s is damaged (%s) and may be a fault that is '
                'still there; run: %s' % (damages[0].number, self.path,
                                          damages[0].why, REVERT))

    def _set_aside(self, damages, line):
        # First they are in both files: whatever happens, none is lost.
        texts = {damage.text for damage in damages}
        with self._named_errors(), private_files.directory(
                self.directory) as directory:
            self._append(directory, self.path + '.damaged',
                         [damage.text for damage in damages])
            kept = [text for text in self._lines() if text not in texts]
            temporary = self.path + '.new'
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.basename(temporary), dir_fd=directory)
            self._append(directory, temporary, [*kept, line])
            os.replace(os.path.basename(temporary),
                       os.path.basename(self.path), src_dir_fd=directory,
                       dst_dir_fd=directory)
            os.fsync(directory)

    def _lines(self):
        with self._named_errors():
            try:
                with private_files.directory(self.directory) as directory:
                    data = self._contents(directory)
            except FileNotFoundError:
                return []
        lines = data.decode('utf-8', 'surrogateescape').split('\n')
        return lines if lines[-1] else lines[:-1]

    def _contents(self, directory):
        descriptor = private_files.opened(directory, self.path, os.O_RDONLY)
        with open(descriptor, 'rb') as stream:
            return stream.read()

    def _write(self, entry_id, state, **fields):
        line = _line(entry_id, state, **fields)
        with self._named_errors(), private_files.directory(
                self.directory, create=True) as directory:
            self._append(directory, self.path, [line])
            os.fsync(directory)

    def _append(self, directory, path, lines):
        # One write: a line is there or not. One that a full disk cut off
        # is taken away again, or ended, if that fails too, by the next.
        data = ''.join(line + '\n' for line in lines).encode(
            'utf-8', 'surrogateescape')
        descriptor = private_files.opened(
            directory, path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
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

    @contextlib.contextmanager
    def _named_errors(self):
        try:
            yield
        except private_files.NotOurs as problem:
            raise JournalError(
                '%s, and what the journal says is run as %s; see '
                '[self_healing] state_dir' % (problem, _user())) from None
        except OSError as error:
            raise JournalError('%s; see [self_healing] state_dir (%s)' % (
                error if error.filename else '%s: %s' % (self.path, error),
                self.directory)) from None

    def _read_line(self, entries, line, number):
        self._refuse_newer(line['format'], number)
        entry_id, state = line['id'], State(line['state'])
        if not isinstance(entry_id, str):
            raise ValueError('id %r' % (entry_id,))
        if state is State.PLANNED:
            if entry_id in entries:
                raise ValueError('%s was planned before' % entry_id)
            entries[entry_id] = Entry(_subject(line), (state,),
                                      _seconds(line['at']))
            return
        if state is State.CLOSED and 'damage' in line:
            entries[entry_id] = _closed_damage(line)
            return
        if entry_id not in entries:
            raise ValueError('%s was never planned' % entry_id)
        entries[entry_id] = _after(entries[entry_id], state, line)

    def _refuse_newer(self, version, number):
        known = isinstance(version, int) and not isinstance(version, bool)
        if known and version > FORMAT:
            raise JournalError(
                'line %d of %s is of format %d, and this version knows none '
                'but %d to %d: a newer one has written it and can read all of '
                'it; nothing was changed, use that one' % (
                    number, self.path, version, OLDEST, FORMAT))
        if not known or version < OLDEST:
            raise ValueError('format %r instead of %d to %d' % (
                version, OLDEST, FORMAT))


def _line(entry_id, state, **fields):
    now = time.time()
    return json.dumps(dict(
        format=FORMAT, id=entry_id, state=state.value, at=round(now, 3),
        time=datetime.datetime.fromtimestamp(
            now, datetime.timezone.utc).isoformat('T', 'seconds'),
        pid=os.getpid(), **fields), sort_keys=False)


def _subject(line):
    if 'object' not in line:
        return plans.from_dict(line['plan'])
    values = line['object']
    kind, name = values['kind'], values['name']
    if not (kind and name and isinstance(kind, str)
            and isinstance(name, str)):
        raise ValueError('no object of the cloud: %r' % (values,))
    return Object(line['id'], kind, name, dict(values['known']))


def _after(entry, state, line):
    """Return an entry after one more line."""
    if state is State.STARTED:
        return dataclasses.replace(entry, processes=(
            *entry.processes, dict(line['process'])))
    changes = {'states': (*entry.states, state)}
    if state is State.CLOSED:
        changes['closed'] = '%s: %s' % (line['user'], line['reason'])
    if state is State.CREATED:
        changes['subject'] = dataclasses.replace(
            entry.object, known=dict(entry.object.known, **line['known']))
    return dataclasses.replace(entry, **changes)


def _closed_damage(line):
    damage = line['damage']
    return Entry(
        Damage(int(damage['number']), str(damage['why']), str(damage['text'])),
        (State(line['state']),), _seconds(line['at']),
        '%s: %s' % (line['user'], line['reason']))


def _seconds(value):
    seconds = float(value)
    if not 0 <= seconds <= _LATEST:
        raise ValueError('time %r' % (value,))
    return seconds


def _user():
    """Return the name of the user, with that of a user who became root."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    who = os.environ.get('SUDO_USER')
    return '%s (sudo of %s)' % (name, who) if who else name
