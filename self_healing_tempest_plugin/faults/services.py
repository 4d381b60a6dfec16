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

from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import targets
from self_healing_tempest_plugin.faults import timers


@dataclasses.dataclass(frozen=True)
class ServiceManager:
    """A manager of services: lines for the shell, with ``{service}``.

    :ivar start: must do no harm to a service that runs
    :ivar thaw: must do no harm to a service that is not frozen
    :ivar status: prints a state, exits with 0 in all of them
    :ivar running: regular expression of the state of a running service
    :ivar pid: prints the id of its main process
    """

    stop: str
    start: str
    freeze: str
    thaw: str
    status: str
    running: str
    pid: str


MANAGERS = {
    'systemd': ServiceManager(
        stop='systemctl stop {service}',
        start='systemctl start {service}',
        freeze='systemctl kill --signal=SIGSTOP {service}',
        thaw='systemctl kill --signal=SIGCONT {service}',
        status='systemctl show --property=ActiveState --value {service}',
        running=r'^active$',
        pid='systemctl show --property=MainPID --value {service}'),
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
        pid='supervisorctl pid {service}'),
}


def compute_stopped(target, transports):
    """Plan to stop nova-compute.

    :param target: :class:`.targets.Target`
    :param transports: :class:`.transports.Transports`
    :returns: :class:`.plans.Plan`
    """
    manager = MANAGERS[target.settings.service_manager]
    return _plan(target, transports, 'compute-service-stopped', 'stopped',
                 manager.stop, manager.start,
                 checks=(_running(target, manager),),
                 witnesses=(_running(target, manager, False),))


def compute_frozen(target, transports):
    """Plan to freeze nova-compute by SIGSTOP.

    :param target: :class:`.targets.Target`
    :param transports: :class:`.transports.Transports`
    :returns: :class:`.plans.Plan`
    """
    manager = MANAGERS[target.settings.service_manager]
    return _plan(target, transports, 'compute-service-frozen', 'frozen',
                 manager.freeze, manager.thaw,
                 checks=(_running(target, manager),
                         _frozen(target, manager, False)),
                 witnesses=(_frozen(target, manager),))


def _plan(target, transports, kind, word, inject, revert, *, checks,
          witnesses):
    targets.probe(target, transports)
    service, fault_id = target.settings.compute_service, plans.new_id()
    return plans.Plan(
        id=fault_id, kind=kind, host=target.host,
        description='%s on host %s %s' % (service, target.host, word),
        look_at='[self_healing] service_manager and compute_service, and '
                'service %s on host %s' % (service, target.host),
        checks=checks, witnesses=witnesses,
        inject=(timers.act(fault_id, target,
                           inject.format(service=service)),),
        **timers.reverters(fault_id, target, revert.format(service=service)))


def _shell(target, line):
    return target.ssh('sh', '-c', line.format(
        service=target.settings.compute_service))


def _running(target, manager, holds=True):
    what = 'service %s on host %s %s' % (
        target.settings.compute_service, target.host,
        'runs' if holds else 'does not run')
    return plans.Check(what, _shell(target, manager.status), manager.running,
                       holds)


def _frozen(target, manager, holds=True):
    what = 'main process of %s on host %s %s' % (
        target.settings.compute_service, target.host,
        'is frozen' if holds else 'is not frozen')
    line = 'ps -o state= -p "$(%s)"' % manager.pid
    return plans.Check(what, _shell(target, line), r'^T', holds)
