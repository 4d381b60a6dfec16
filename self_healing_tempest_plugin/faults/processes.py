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

"""Processes on the runner that may outlive the run that has started them.

A power command of a run that was killed goes on, and turns a host off that
was repaired meanwhile. So each one that a fault has started is in the journal
before it can do anything, and is ended before it is looked whether the fault
is gone.
"""

import contextlib
import dataclasses
import os
import pathlib
import secrets
import signal
import socket
import time

from self_healing_tempest_plugin import waiting

# Name of the environment variable that every process of a command inherits,
# also one that has left its group.
MARK = 'SELF_HEALING_COMMAND'

# Seconds that processes have to end after SIGTERM, and then after SIGKILL.
GRACE, DEATH = 2.0, 5.0

_PROC = pathlib.Path('/proc')
# Fields of /proc/PID/stat behind the name of the program, see proc(5).
_STATE, _GROUP, _START = 0, 2, 19
_DEAD = 'ZX'


@dataclasses.dataclass(frozen=True)
class Process:
    """A group of processes, told from all others that have its number.

    :ivar group: id of the group, which was the id of its leader
    :ivar start: when the leader began, in clock ticks since the boot
    :ivar boot: id of the boot of the machine
    :ivar machine: name of the machine
    :ivar namespace: the PID namespace in which the numbers mean something
    :ivar mark: value of :data:`MARK` in the environment of all of them
    :ivar since: when the command was started, seconds since the epoch
    :ivar until: when the command will have been given up, seconds since the
        epoch
    :ivar breaks: whether the command breaks something. Then what has left the
        group is ended as well; what a repair has left behind is none of
        ours, such as the host that it has started.
    """

    group: int
    start: int
    boot: str
    machine: str
    namespace: int
    mark: str
    since: float
    until: float
    breaks: bool = True


def new_mark():
    """Return a value of :data:`MARK` that no other command has."""
    return secrets.token_hex(8)


def identify(pid, mark, timeout, breaks=True):
    """Return the group of processes that a child of ours leads.

    :param pid: its id; nobody has waited for it yet
    :param mark: value of :data:`MARK` in its environment
    :param timeout: seconds after which the command is given up
    :param breaks: see :class:`Process`
    :returns: :class:`Process`
    """
    now = time.time()
    return Process(
        pid, int(_stat(pid)[_START]), _boot(), socket.gethostname(),
        _namespace(), mark, round(now, 3), round(now + timeout, 3), breaks)


def to_dict(process):
    """Return a process as a plain dict, ready for JSON."""
    return dataclasses.asdict(process)


def from_dict(values):
    """Return the process that :func:`to_dict` made the values of.

    Fields that this version does not know are passed over.

    :raises ValueError: when it is none
    """
    kinds = {field.name: field.type for field in dataclasses.fields(Process)}
    try:
        fields = {name: kind(values[name]) for name, kind in kinds.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError('no process: %r' % error) from None
    if fields['group'] <= 1:
        raise ValueError('no group of processes: %d' % fields['group'])
    return Process(**fields)


def out_of_sight(process):
    """Return for how many seconds a process may still be at work elsewhere.

    Its numbers say nothing on another machine, or in another container. Then
    it is waited until its time is over: 0 where it can be seen, and after a
    reboot, which nothing outlives.
    """
    if process.machine == socket.gethostname() and (
            process.boot != _boot() or process.namespace == _namespace()):
        return 0.0
    return max(0.0, process.until - time.time())


def end(process):
    """End a group of processes, by SIGTERM and then by SIGKILL.

    :param process: :class:`Process`
    :returns: '' when none of them is left, or why some are
    """
    for number, seconds in ((signal.SIGTERM, GRACE),
                            (signal.SIGKILL, DEATH)):
        try:
            waiting.wait_for(
                lambda number=number: _signal(process, number),
                lambda left: not left, timeout=seconds, interval=0.05,
                what='end of process group %d' % process.group)
        except waiting.WaitTimeout:
            continue
        return ''
    return 'processes %s of a command of this fault cannot be ended' % (
        ', '.join(map(str, members(process))) or process.group)


def members(process):
    """Return the ids of the processes of a group that live, as a list.

    A number that others have by now names none of them. The group is known by
    its leader, or by one member that bears the mark: as long as one lives the
    number of the group is not given to another one.
    """
    if process.boot != _boot() or process.namespace != _namespace():
        return []
    grouped, marked, ours = [], [], False
    for pid in _pids():
        with contextlib.suppress(OSError, IndexError, ValueError):
            stat = _stat(pid)
            in_group = int(stat[_GROUP]) == process.group
            bears_mark = _bears_mark(pid, process.mark)
            ours |= in_group and (bears_mark or (
                pid == process.group and int(stat[_START]) == process.start))
            if stat[_STATE] in _DEAD:
                continue
            if in_group:
                grouped.append(pid)
            if bears_mark:
                marked.append(pid)
    pids = set(grouped if ours else ()) | set(
        marked if process.breaks else ())
    return sorted(pids - {os.getpid()})


def _signal(process, number):
    """Send a signal to a group, and return the ids of those that live."""
    pids = members(process)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            # Held by a descriptor, it is still the same process.
            descriptor = os.pidfd_open(pid)
            try:
                if pid in members(process):
                    signal.pidfd_send_signal(descriptor, number)
            except PermissionError:
                pass
            finally:
                os.close(descriptor)
    return pids


def _pids():
    return [int(path.name) for path in _PROC.iterdir() if path.name.isdigit()]


def _stat(pid):
    text = (_PROC / str(pid) / 'stat').read_text(errors='replace')
    return text.rpartition(')')[2].split()


def _bears_mark(pid, mark):
    try:
        environment = (_PROC / str(pid) / 'environ').read_bytes()
    except OSError:
        return False
    return ('%s=%s' % (MARK, mark)).encode() in environment.split(b'\0')


def _boot():
    return (_PROC / 'sys/kernel/random/boot_id').read_text().strip()


def _namespace():
    return os.stat(_PROC / 'self/ns/pid').st_ino
