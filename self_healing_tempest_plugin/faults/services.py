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

"""nova-compute is stopped, or frozen, while its guests live."""

import dataclasses
import os
import re
import shlex

from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import targets
from self_healing_tempest_plugin.faults import timers

_LOOK_AT = '[self_healing] service_manager and compute_service'


@dataclasses.dataclass(frozen=True)
class ServiceManager:
    """A manager of services: lines for the shell, with ``{service}``.

    :ivar start: must do no harm to a service that runs
    :ivar thaw: must do no harm to a service that is not frozen
    :ivar status: prints a state, exits with 0 in all of them
    :ivar running: regular expression of the state of a running service
    :ivar pid: prints the id of its main process, or 0
    :ivar freezes: which processes :attr:`freeze` freezes: ``main`` only, all
        of its ``group``, or those of its ``container``
    """

    stop: str
    start: str
    freeze: str
    thaw: str
    status: str
    running: str
    pid: str
    freezes: str


def _engine(name):
    """Return an engine of containers; the service is one of them.

    There is a signal for the first process of a container only, which may be
    an init that does nothing but wait: the engine freezes all of them.
    """
    status = ("%s ps --all --filter name='^'{service}'$' "
              "--format '{{.State}}'" % name)
    return ServiceManager(
        stop='%s stop {service}' % name, start='%s start {service}' % name,
        freeze='%s pause {service}' % name,
        thaw='%s unpause {service} || test "$(%s)" = running' % (name,
                                                                 status),
        status=status, running=r'^running$',
        pid="%s inspect --format '{{.State.Pid}}' {service}" % name,
        freezes='container')


MANAGERS = {
    'systemd': ServiceManager(
        stop='systemctl stop {service}',
        start='systemctl start {service}',
        freeze='systemctl kill --signal=SIGSTOP {service}',
        thaw='systemctl kill --signal=SIGCONT {service}',
        status='systemctl show --property=ActiveState --value {service}',
        running=r'^active$',
        pid='systemctl show --property=MainPID --value {service}',
        freezes='group'),
    # Starting what runs is an error there, and so is asking for what does
    # not.
    'supervisor': ServiceManager(
        stop='supervisorctl stop {service}',
        start='supervisorctl start {service} || '
              'supervisorctl status {service}',
        freeze='supervisorctl signal STOP {service}',
        thaw='supervisorctl signal CONT {service} || '
             'supervisorctl status {service}',
        status='supervisorctl status {service} || test $? -eq 3',
        running=r'\bRUNNING\b',
        pid='supervisorctl pid {service}',
        freezes='main'),
    'podman': _engine('podman'),
    'docker': _engine('docker'),
}

# Looks for nova-compute among the main process of a service and all that it
# has started: the first one on each way. Of an interpreter it is a word of
# its arguments. A process that is frozen with its control group is not
# stopped in the eyes of ps.
#
# Prints the id and the arguments of the main process, and then for each
# nova-compute its id, its state, when it was started, and whether it is in the
# same control groups as the main process; nothing where no process is the main
# one.
_LOOK = r"""
main=$(%s) || exit
case $main in ''|0|*[!0-9]*) exit 0 ;; esac
ps -o pid= -o args= -p "$main" || exit 0
groups=$(cat "/proc/$main/cgroup")
ps -e -o pid= -o ppid= -o state= -o args= | awk -v main="$main" '
    function base(word) { sub(/.*\//, "", word); return word }
    {
        parent[$1] = $2; state[$1] = $3
        if (base($4) ~ /^nova-compute/) own[$1] = 1
        if (base($4) ~ /^python/)
            for (i = 5; i <= NF; i++)
                if (base($i) ~ /^(nova-compute|nova\.cmd\.compute)$/)
                    own[$1] = 1
    }
    END {
        for (pid in own) {
            if (parent[pid] in own) continue
            for (up = pid; up + 0 > 1 && up != main; up = parent[up]);
            if (up == main) print pid, state[pid]
        }
    }' | while read -r pid state; do
    mine=$(cat "/proc/$pid/cgroup") || continue
    new=$(echo "$mine" | sed -n 's/^0:://p')
    old=$(echo "$mine" | sed -n 's/^[0-9]*:\([^:]*,\)*freezer[^:]*://p')
    all=/sys/fs/cgroup
    for file in "$all$new/cgroup.events" "$all/unified$new/cgroup.events"; do
        ! grep -qs '^frozen 1$' "$file" || state=frozen
    done
    ! grep -qsx FROZEN "$all/freezer$old/freezer.state" || state=frozen
    where=apart
    [ "$mine" != "$groups" ] || where=together
    echo "$pid $state $(sed 's/.*) //' "/proc/$pid/stat" | cut -d' ' -f20)" \
        "$where"
done
"""

_STOPPED = r'^\d+ (T|frozen) '

# Arguments: id of a process, when it was started.
_THERE = r"""
set -- "$1" "$2" $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null)
case $3 in ''|Z|X) exit 1 ;; esac
test "${22}" = "$2"
"""

# What systemd runs, to see which unit would start a container again.
_UNITS = ('[ -d /run/systemd/system ] || exit 0; exec systemctl show '
          "--property=Id --property=ActiveState --property=ExecStart "
          "'*.service'")

# States of a unit that starts its container again.
_UP = ('active', 'activating', 'reloading')

# Between the commands of a shell. Within a word it is a part of it.
_SEPARATOR = re.compile(r'(?:&&|\|\|?|;|&)(?=\s|$)')


@dataclasses.dataclass(frozen=True)
class _Process:
    """nova-compute itself.

    :ivar since: when it was started, in ticks of the kernel
    :ivar apart: whether it is in other control groups than the main process
    """

    pid: str
    since: str
    apart: bool


def compute_stopped(target, transports):
    """Plan to stop nova-compute.

    :param target: :class:`.targets.Target`
    :param transports: :class:`.transports.Transports`
    :returns: :class:`.plans.Plan`
    :raises .commands.Hopeless: when what would be stopped is not nova-compute
    """
    manager, found = _examined(target, transports)
    return _plan(target, 'compute-service-stopped', 'stopped',
                 manager.stop, manager.start,
                 checks=(_running(target, manager),),
                 witnesses=(_running(target, manager, False),
                            *(_gone(target, one) for one in found)))


def compute_frozen(target, transports):
    """Plan to freeze nova-compute, and not the guests.

    :param target: :class:`.targets.Target`
    :param transports: :class:`.transports.Transports`
    :returns: :class:`.plans.Plan`
    :raises .commands.Hopeless: when what would be frozen is not nova-compute
    """
    manager, _ = _examined(target, transports)
    return _plan(target, 'compute-service-frozen', 'frozen',
                 manager.freeze, manager.thaw,
                 checks=(_running(target, manager),
                         _frozen(target, manager, False)),
                 witnesses=(_frozen(target, manager),))


def unit_of(container, engine, text):
    """Return the unit of systemd that keeps a container running, or ''.

    Kolla has one for each container: where it is stopped behind its back, it
    is started again at once.

    :param container: its name
    :param engine: name of the engine's program
    :param text: what "systemctl show" prints of units
    """
    for block in re.split(r'\n\s*\n', text):
        lines = re.findall(r'argv\[\]=(.*?) ; ignore_errors', block)
        values = dict(re.findall(r'^(Id|ActiveState)=(.*)$', block, re.M))
        if values.get('ActiveState') in _UP and any(
                _keeps(line, container, engine) for line in lines):
            return values.get('Id', '')
    return ''


def _keeps(line, container, engine):
    """Return whether a line starts a container, by itself or by a shell.

    What stands before the engine, such as a shell, env or exec, runs it.

    :param line: words as systemd prints them, with quotes or without
    """
    for part in _SEPARATOR.split(re.sub('["\']', '', line)):
        words = part.split()
        names = [os.path.basename(word) for word in words]
        if engine in names and _starts(words[names.index(engine) + 1:],
                                       container):
            return True
    return False


def _starts(words, container):
    """Return whether the arguments of an engine start a container.

    Before the verb are options and their values only.
    """
    for number, word in enumerate(words):
        rest = words[number + 1:]
        if word == 'start':
            return container in rest
        if word in ('run', 'create'):
            return '--name=%s' % container in rest or (
                '--name', container) in zip(rest, rest[1:])
        if word != 'container' and not any(
                one.startswith('-') for one in words[max(number - 1, 0):
                                                     number + 1]):
            return False
    return False


def _examined(target, transports):
    """Return the manager of a service, and the nova-compute that it runs.

    :returns: :class:`ServiceManager` and a list of :class:`_Process`, empty
        where the service does not run: the checks of the plan say so
    """
    targets.probe(target, transports)
    name = target.settings.service_manager
    manager = MANAGERS[name]
    result = transports.run(_shell(target, _LOOK % manager.pid))
    main, _, rest = result.stdout.partition('\n')
    found = [_Process(pid, since, where == 'apart')
             for pid, _, since, where in map(str.split, rest.splitlines())]
    if result.exit_status == 0 and main:
        _refuse_others(target, manager, main.split(), found)
    if manager.freezes == 'container':
        manager = _kept_by_systemd(target, manager, name, transports)
    return manager, found


def _refuse_others(target, manager, main, found):
    """Refuse a service of which nova-compute would not be hurt.

    :param main: id and arguments of its main process
    """
    why = ''
    if not found or manager.freezes == 'main' and main[0] != found[0].pid:
        why = 'is not nova-compute'
    elif manager.freezes != 'container' and any(one.apart for one in found):
        why = 'runs nova-compute in a container'
    if not why:
        return
    hint = 'the name of the container' if manager.freezes == 'container' else (
        'podman or docker, and the name of the container, where it runs in '
        'one')
    raise commands.Hopeless(('ps',), (
        'the main process of service %s on host %s %s: %s; see %s: %s' % (
            target.settings.compute_service, target.host, why,
            ' '.join(main[1:])[:80], _LOOK_AT, hint)))


def _kept_by_systemd(target, manager, engine, transports):
    """Return a manager that stops the unit of a container, if it has one."""
    text = transports.run(_shell(target, _UNITS)).check().stdout
    unit = unit_of(target.settings.compute_service, engine, text)
    if not unit:
        return manager
    return dataclasses.replace(
        manager, stop=shlex.join(('systemctl', 'stop', unit)),
        start=shlex.join(('systemctl', 'start', unit)))


def _plan(target, kind, word, inject, revert, *, checks, witnesses):
    service, fault_id = target.settings.compute_service, plans.new_id()
    return plans.Plan(
        id=fault_id, kind=kind, host=target.host,
        description='%s on host %s %s' % (service, target.host, word),
        look_at='%s, and service %s on host %s' % (
            _LOOK_AT, service, target.host),
        checks=checks, witnesses=witnesses,
        inject=(timers.act(fault_id, target, _filled(target, inject)),),
        **timers.reverters(fault_id, target, _filled(target, revert)))


def _filled(target, line):
    return line.replace('{service}',
                        shlex.quote(target.settings.compute_service))


def _shell(target, line):
    return target.ssh('sh', '-c', _filled(target, line).strip())


def _running(target, manager, holds=True):
    what = 'service %s on host %s %s' % (
        target.settings.compute_service, target.host,
        'runs' if holds else 'does not run')
    return plans.Check(what, _shell(target, manager.status), manager.running,
                       holds)


def _gone(target, process):
    return plans.Check(
        'process %s, nova-compute on host %s, is gone' % (
            process.pid, target.host),
        target.ssh('sh', '-c', _THERE.strip(), 'sh', process.pid,
                   process.since), holds=False)


def _frozen(target, manager, holds=True):
    what = 'nova-compute, which %s on host %s runs, is %s' % (
        target.settings.compute_service, target.host,
        'frozen' if holds else 'not frozen')
    return plans.Check(what, _shell(target, _LOOK % manager.pid), _STOPPED,
                       holds)
