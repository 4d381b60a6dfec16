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

"""Whether the cloud is fit for a fault, and clean after it.

What does not hold before the fault makes a run invalid: it is neither a
healed nor a broken chain.
"""

from self_healing_tempest_plugin import clients as services
from self_healing_tempest_plugin import waiting


class Readiness:
    """The cloud around one application and its host."""

    def __init__(self, clients, settings, datasource, application):
        """Take what to look at.

        :param clients: :class:`.clients.Clients`
        :param settings: :class:`.config.Settings`
        :param datasource: ``vitrage_type`` of the monitor's alarms
        :param application: :class:`.application.Application`, in use
        """
        self._clients, self._settings = clients, settings
        self._times = settings.timeouts
        self._datasource, self._application = datasource, application

    def wait_in_graph(self):
        """Wait until Vitrage knows the server and that it is on the host.

        :returns: vertices of the host and of the server, dicts
        :raises .waiting.WaitTimeout: when it does not
        """
        vitrage, app = self._clients.vitrage, self._application

        def observe():
            host = vitrage.entity('nova.host', app.host)
            server = vitrage.entity('nova.instance', app.server_id)
            edge = host and server and vitrage.contains(host, server)
            return host, server, edge

        return self._wait(
            observe, all, timeout=self._times.graph,
            what="server %s on host %s in Vitrage's graph"
                 % (app.server_id, app.host),
            describe=lambda seen: 'host %s, server %s, contains edge %s'
                                  % tuple('there' if one else 'missing'
                                          for one in seen),
            look_at="Vitrage's datasources nova.host and nova.instance, and "
                    "Nova's notifications")[:2]

    def unmet(self, host):
        """Return the preconditions that do not hold, as strings.

        :param host: the host's vertex in Vitrage's graph
        """
        checks = [self._host_up, self._others_up, self._stack_complete,
                  lambda: self._alarm_active(host)]
        if self._application.answers:
            checks.append(self._application_answers)
        return tuple(filter(None, waiting.side_by_side(*checks)))

    def wait_host_back(self, host):
        """Wait until the host works as before.

        :param host: the host's vertex in Vitrage's graph
        :raises .waiting.WaitTimeout: when it does not
        """
        self._wait(
            lambda: self._host_up() or self._alarm_active(host),
            lambda problem: not problem, timeout=self._times.host_return,
            what='host %s as before the fault' % self._application.host,
            look_at="the monitor's alerts, and vitrage-notifier's log for "
                    'the host that it un-forces')

    def wait_server_gone(self, server_id):
        """Wait until the old server is on no host and in no graph.

        :raises .waiting.WaitTimeout: when it stays
        """
        self._wait(
            lambda: self._remains(server_id),
            lambda remains: not remains, timeout=self._times.host_return,
            what='nothing left of server %s' % server_id,
            look_at="the log of nova-compute on host %s for 'Deleting "
                    "instance as it has been deleted'"
                    % self._application.host)

    def _host_up(self):
        host = self._application.host
        service = self._clients.nova.compute_service(host)
        if service is None:
            return 'host %s has no nova-compute' % host
        if service['forced_down']:
            return 'host %s is forced down' % host
        if not usable(service):
            return 'nova-compute on %s is %s and %s' % (
                host, service['state'], service['status'])
        return ''

    def _others_up(self):
        host = self._application.host
        others = [one['host'] for one in self._clients.nova.compute_services()
                  if one['host'] != host and usable(one)]
        return '' if others else (
            'no compute host but %s is up and enabled' % host)

    def _stack_complete(self):
        stack = self._application.stack
        seen = self._clients.heat.stack(stack.identifier)
        status = seen['stack_status'] if seen else 'gone'
        return '' if status.endswith('_COMPLETE') else (
            'stack %s is %s' % (stack.id, status))

    def _application_answers(self):
        probe = self._application.probe(waiting.CLOCK.now)
        return '' if probe.ok else 'the application at %s: %s' % (
            self._application.url, probe.error)

    def _alarm_active(self, host):
        names = (self._settings.host_alarm.name, self._settings.nic_alarm.name)
        active = [name for name in names for alarm
                  in self._clients.vitrage.alarms(
                      host['vitrage_id'], self._datasource, name)
                  if not alarm.get('end_timestamp')]
        return '' if not active else 'alarm %s is active on host %s' % (
            active[0], self._application.host)

    def _remains(self, server_id):
        if self._clients.nova.server(server_id) is not None:
            return 'it is still in Nova'
        if self._clients.vitrage.entity('nova.instance', server_id):
            return "it is still in Vitrage's graph"
        return ''

    def _wait(self, observe, accept, **options):
        return waiting.wait_for(
            observe, accept, interval=self._times.poll_interval,
            tolerate=services.ServiceUnavailable, **options)


def usable(service):
    """Return whether Nova would put a server on a host.

    :param service: its nova-compute, as a dict of Nova
    """
    return (service['state'] == 'up' and service['status'] == 'enabled'
            and not service['forced_down'])
