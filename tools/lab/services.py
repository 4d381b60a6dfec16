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

"""The programs of a lab: asked of the process supervisor of each host."""

import dataclasses
import datetime
import os
import pathlib

import prettytable
import psutil

from tools.lab import errors
from tools.lab import labs
from tools import logs
from tools import supervisors

#: How much of a dead service's log is shown.
LOG_LINES = 10


@dataclasses.dataclass(frozen=True)
class Service:
    """One program of one host, as its supervisor sees it.

    :ivar host: name of the host, ``lab`` for the hosts themselves, or
        ``machine`` for their BMCs
    :ivar name: name of the program
    :ivar state: state in supervisor's words, such as RUNNING
    :ivar since: when it came into that state, or None
    :ivar memory: resident memory of it and its children in MiB, or None
    :ivar log: path of its log
    """

    host: str
    name: str
    state: str
    since: datetime.datetime | None
    memory: int | None
    log: pathlib.Path

    @property
    def runs(self):
        return self.state == 'RUNNING'


def _ask(name):
    """Return a supervisor's record of each of its programs.

    :raises OSError: when it does not listen
    """
    return supervisors.ask(
        labs.RUN_DIR / ('%s.sock' % name)).getAllProcessInfo()


def _pid_inside(process):
    """Return a process's id in its own PID namespace, and that namespace."""
    path = pathlib.Path('/proc/%d' % process.pid)
    for line in (path / 'status').read_text().splitlines():
        if line.startswith('NSpid:'):
            return (path / 'ns' / 'pid').readlink(), int(line.split()[-1])
    raise OSError('no NSpid')


def _processes():
    """Return all processes by PID namespace and id within it."""
    processes = {}
    for process in psutil.process_iter():
        try:
            processes[_pid_inside(process)] = process
        except (OSError, psutil.Error):
            continue
    return processes


def _memory(process):
    """Return the resident memory of a process and its children in MiB."""
    if process is None:
        return None
    try:
        family = [process] + process.children(recursive=True)
        return sum(member.memory_info().rss for member in family) >> 20
    except psutil.Error:
        return None


def _since(record):
    """Return when a program came into its state, or None if it never ran."""
    moment = record['stop'] if record['statename'] in (
        'STOPPED', 'EXITED', 'FATAL') else record['start']
    return datetime.datetime.fromtimestamp(moment) if moment else None


def _service(host, record, process, log):
    return Service(host=host, name=record['name'],
                   state=record['statename'], since=_since(record),
                   memory=_memory(process), log=log)


def services(lab):
    """Return every host and, of those that are on, every service.

    :param lab: :class:`.labs.Lab`
    :raises LabDown: when that lab does not run
    """
    owner = labs.RUN_DIR / 'lab_dir'
    try:
        running = os.fsdecode(owner.read_bytes().removesuffix(b'\n'))
        if running != str(lab.directory):
            raise errors.LabDown('the lab that runs is in %s' % running)
        programs = _ask(labs.MACHINE)
    except OSError as error:
        raise errors.LabDown('no lab runs') from error
    processes = _processes()
    listed = []
    for program in programs:
        log = lab.directory / 'log' / ('%s.log' % program['name'])
        if program['name'].startswith(labs.BMC):
            listed.append(_service('machine', program,
                                   _process(program['pid']), log))
            continue
        listed.append(_service('lab', program, None, log))
        if program['statename'] == 'RUNNING':
            listed += _services_of(lab, program, processes)
    return listed


def _process(pid):
    """Return a process of the machine, None where there is none."""
    try:
        return psutil.Process(pid) if pid else None
    except psutil.Error:
        return None


def _services_of(lab, host, processes):
    """Return the services of a host that is on."""
    name = host['name']
    namespace = _namespace_of(host['pid'])
    directory = lab.directory / 'hosts' / name / 'var' / 'log'
    try:
        records = _ask(name)
    except OSError:
        return []
    return [
        _service(name, record, processes.get((namespace, record['pid'])),
                 directory / ('%s.log' % record['name']))
        for record in records]


def _namespace_of(pid):
    """Return the PID namespace of the init that ``unshare`` forked."""
    try:
        init = psutil.Process(pid).children()[0]
        return _pid_inside(init)[0]
    except (IndexError, OSError, psutil.Error):
        return None


def table(found):
    """Return services as a table.

    :param found: list of :class:`Service`
    """
    view = prettytable.PrettyTable(
        ['host', 'service', 'state', 'since', 'memory (MiB)'])
    view.align = 'l'
    view.align['memory (MiB)'] = 'r'
    for service in found:
        view.add_row([
            service.host, service.name, service.state,
            service.since.strftime('%F %T') if service.since else '',
            service.memory if service.memory is not None else ''])
    memory = sum(service.memory or 0 for service in found)
    return '%s\n%d services, %d MiB' % (view, len(found), memory)


def describe_dead(found):
    """Return each service that does not run with the end of its log.

    :param found: list of :class:`Service`
    :returns: text, empty when all run
    """
    return '\n'.join(
        '%s on %s is %s; the end of %s:\n%s' % (
            service.name, service.host, service.state, service.log,
            logs.end(service.log, LOG_LINES))
        for service in found if not service.runs)
