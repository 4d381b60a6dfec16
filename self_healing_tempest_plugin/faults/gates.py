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

"""Who may be hurt: every refusal is one line that names the option."""

from tempest.lib import exceptions

# What Nova calls a hypervisor that runs nothing.
FAKE = 'fake'


class FaultRefused(exceptions.TempestException):
    """A fault that must not be injected here."""

    message = 'Fault refused: %(reason)s'

    def __init__(self, reason):
        super().__init__(reason=reason)


class NotReady(FaultRefused):
    """A fault that would prove nothing: something came up before it."""


def check(host, servers, services, projects, settings):
    """Refuse a fault on a host that must not be hurt.

    This is asked before anything is created, and with fresh lists right before
    the injection: a server comes to a host at any time.

    :param host: the Nova host name
    :param servers: all servers on it, as dicts of Nova
    :param services: all services of Nova, as dicts
    :param projects: ids of the projects whose servers may be hurt
    :param settings: :class:`..config.Settings`
    :raises FaultRefused: with the option that would allow it, if one does
    """
    if not settings.allow_faults:
        raise FaultRefused('[self_healing] allow_faults is false')
    if host not in settings.fault_hosts:
        raise FaultRefused(
            'host %s is not in [self_healing] fault_hosts (%s)'
            % (host, ', '.join(settings.fault_hosts) or 'empty'))
    binaries = sorted({str(service.get('binary')) for service in services
                       if service.get('host') == host} - {'nova-compute'})
    if binaries:
        raise FaultRefused(
            'host %s runs the control plane (%s); take it from '
            '[self_healing] fault_hosts' % (host, ', '.join(binaries)))
    # A server without a project is not known to be ours.
    foreign = sorted({server.get('tenant_id') or 'unknown'
                      for server in servers} - {*projects})
    if foreign and not settings.allow_foreign_servers:
        raise FaultRefused(
            'host %s carries servers of other projects (%s); name in '
            '[self_healing] fault_hosts only hosts without them, or set '
            'allow_foreign_servers' % (host, ', '.join(foreign)))


def check_guests(host, hypervisor_type):
    """Refuse an alarm without a fault where guests would live through it.

    Such a guest would have its address beside its successor.

    :param host: the Nova host name
    :param hypervisor_type: what runs its guests, as Nova says, or None
    :raises FaultRefused: unless nothing does
    """
    if hypervisor_type != FAKE:
        raise FaultRefused(
            'the guests of host %s would live on, its hypervisor is %s: '
            'an alarm without a fault, synthetic_alarm or '
            'tenant_synthetic_alarm in [self_healing_feature_enabled], is '
            'for the fake driver of Nova'
            % (host, hypervisor_type or 'unknown'))
