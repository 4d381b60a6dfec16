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

from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import waiting


class Readiness:
    """The cloud around one application and its host."""

    def __init__(self, clients, settings, datasource, application):
        """Take what to look at.

        :param clients: :class:`.services.clients.Clients`
        :param settings: :class:`.config.Settings`
        :param datasource: ``vitrage_type`` of the monitor's alarms
        :param application: :class:`.application.Application`, in use
        """
        self._clients, self._settings = clients, settings
        self._times = settings.timeouts
        self._datasource, self._application = datasource, application
        self._server = self._alarms_before = None

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

        found = self._wait(
            observe, all, timeout=self._times.graph,
            what="server %s on host %s in Vitrage's graph"
                 % (app.server_id, app.host),
            describe=lambda seen: 'host %s, server %s, contains edge %s'
                                  % tuple('there' if one else 'missing'
                                          for one in seen),
            look_at="Vitrage's datasources nova.host and nova.instance, and "
                    "Nova's notifications")
        host, self._server = found[:2]
        self._alarms_before = self._wait(
            lambda: (frozenset(map(_key, self._past_alarms(host))),),
            timeout=self._times.graph, what='the alarms of host %s in '
            "Vitrage's history" % app.host, look_at='vitrage-persistor',
            accept=bool)[0]
        return host, self._server

    def unmet(self, host):
        """Return the preconditions that do not hold, as strings.

        :param host: the host's vertex in Vitrage's graph
        """
        checks = [self._host_up, self._others_up, self._stack_complete,
                  lambda: (self._alarm_active(host)
                           or self._alarm_passed(host)),
                  self._deduced_before, self._healing_before]
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
        app = self._application
        probe = app.probe(waiting.CLOCK.now)
        if not probe.ok:
            return 'the application at %s: %s' % (app.url, probe.error)
        if probe.server != app.server_id:
            return 'the application at %s answers as server %s, not as %s' % (
                app.url, probe.server or 'without name', app.server_id)
        return ''

    def _alarm_active(self, host):
        """Return that an alarm is on the host, in the graph or the history.

        Either may have it alone: the history comes late, and the graph
        forgets an alarm whose end the history has not got.
        """
        around = self._clients.vitrage.around(host['vitrage_id'])
        if around is None:
            return "host %s is not in Vitrage's graph" % (
                self._application.host)
        names = self._alarm_names()
        active = [alarm['name'] for alarm in around.alarms
                  if alarm['vitrage_type'] == self._datasource
                  and alarm['name'] in names]
        active += [alarm['name'] for alarm in self._past_alarms(host)
                   if not alarm.get('end_timestamp')]
        return '' if not active else 'alarm %s is active on host %s' % (
            active[0], self._application.host)

    def _alarm_passed(self, host):
        """Return that an alarm came and went since the application is there.

        What it has set off may be under way.
        """
        if self._alarms_before is None:
            return ''
        new = [alarm for alarm in self._past_alarms(host)
               if _key(alarm) not in self._alarms_before]
        return '' if not new else (
            'alarm %s was on host %s since the application is there, from %s '
            'to %s' % (new[0]['name'], self._application.host,
                       new[0].get('start_timestamp'),
                       new[0].get('end_timestamp')))

    def _alarm_names(self):
        return (self._settings.host_alarm.name, self._settings.nic_alarm.name)

    def _past_alarms(self, host):
        return [alarm for name in self._alarm_names()
                for alarm in self._clients.vitrage.alarms(
                    host['vitrage_id'], self._datasource, name)]

    def _deduced_before(self):
        """Return that something was deduced for the server already."""
        if self._server is None:
            return ''
        name, vitrage_id = (self._settings.deduced_alarm_name,
                            self._server['vitrage_id'])
        around = self._clients.vitrage.around(vitrage_id)
        there = around is not None and any(
            alarm['name'] == name for alarm in around.alarms)
        return '' if not (there or self._clients.vitrage.alarms(
            vitrage_id, 'vitrage', name)) else (
                'alarm %s was deduced for server %s before the fault' % (
                    name, self._application.server_id))

    def _healing_before(self):
        """Return that the server is, or was, to be healed already."""
        app = self._application
        found = app.workflow and self._clients.mistral.executions(
            app.workflow, app.server_id)
        return '' if not found else (
            'execution %s of %s was started for server %s before the fault'
            % (found[0]['id'], app.workflow, app.server_id))

    def _remains(self, server_id):
        if self._clients.nova.server(server_id) is not None:
            return 'it is still in Nova'
        if self._clients.vitrage.entity('nova.instance', server_id):
            return "it is still in Vitrage's graph"
        return ''

    def _wait(self, observe, accept, **options):
        return waiting.wait_for(
            observe, accept, interval=self._times.poll_interval,
            tolerate=errors.ServiceUnavailable, **options)


def usable(service):
    """Return whether Nova would put a server on a host.

    :param service: its nova-compute, as a dict of Nova
    """
    return (service['state'] == 'up' and service['status'] == 'enabled'
            and not service['forced_down'])


def _key(alarm):
    # The same vertex may come back: the start makes it another alarm.
    return alarm['vitrage_id'], alarm.get('start_timestamp')
