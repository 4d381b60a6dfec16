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

"""What preflight asks about the monitor's alarms in Vitrage."""

from self_healing_tempest_plugin.links.monitor_alarm import link
from self_healing_tempest_plugin.links import rows


def questions(cloud):
    """Return what to ask; see :class:`..kit.Kit`."""
    vitrage, datasource = cloud.clients.vitrage, cloud.monitor.datasource
    times = cloud.settings.timeouts
    return {'the monitor': {'outlook': lambda: cloud.monitor.outlook(
        cloud.alarms, times.links[link.LINK.name])}, 'Vitrage': {
        'Vitrage': vitrage.version,
        'counts': vitrage.counts,
        'hosts': vitrage.hosts,
        'active alarms': lambda: vitrage.active_alarms(datasource),
        'newest alarm': lambda: vitrage.newest_alarm(datasource)}}


def _in_graph(settings, hosts):
    return rows.by_host({
        host: rows.yes('in the graph') if host in hosts
        else rows.no('not in the graph') for host in settings.fault_hosts})


def _instances(settings, counts, servers):
    if counts.get('nova.instance'):
        return rows.yes('%d in the graph' % counts['nova.instance'])
    if any(servers.values()):
        return rows.no('none in the graph, but the fault hosts run servers')
    return rows.unknown('no server is there that the graph could show')


def _monitor(settings, alarm):
    if alarm:
        return rows.yes('its newest alarm: %s at %s' % (
            alarm['name'], alarm['start_timestamp']))
    return rows.unknown('Vitrage shows a datasource by its alarms only, and '
                        '%s has raised none yet' % (
                            settings.monitor_datasource or settings.monitor))


def _answers(settings, outlook):
    del settings
    return outlook.answers


def _delays(settings, outlook):
    del settings
    return outlook.delays


def _no_alarms(settings, hosts, alarms):
    ids = {hosts[host]['vitrage_id']: host for host in settings.fault_hosts
           if host in hosts}
    active = {host: [] for host in settings.fault_hosts}
    for alarm in alarms:
        host = ids.get(alarm.get('vitrage_resource_id'))
        if host and not alarm.get('end_timestamp'):
            active[host].append(alarm['name'])
    return rows.by_host({
        host: rows.no('active: %s' % ', '.join(sorted(names))) if names
        else rows.yes('none') for host, names in active.items()})


CHECKS = (
    rows.Check('services', 'Vitrage', ('Vitrage',), rows.told,
               'look at [self_healing] vitrage_catalog_type, and at '
               'vitrage-api'),
    rows.Check('alarm', 'hosts', ('hosts',), _in_graph,
               'Vitrage: [datasources] types must hold nova.host; a new '
               'host comes with the next snapshot'),
    rows.Check('alarm', 'servers', ('counts', 'servers'), _instances,
               'Vitrage: [datasources] types must hold nova.instance'),
    rows.Check('alarm', 'monitor', ('newest alarm',), _monitor,
               'look whether [datasources] types of Vitrage holds it, and '
               'whether the monitor reaches Vitrage'),
    rows.Check('alarm', 'monitor asked', ('outlook',), _answers,
               'look at its URLs and its credentials in [self_healing]; a '
               'diagnosis knows less without its answers'),
    rows.Check('alarm', 'delay', ('outlook',), _delays,
               'let [self_healing] alarm_timeout be longer, or let the '
               'monitor wait less'),
    rows.Check('alarm', 'active alarms', ('hosts', 'active alarms'),
               _no_alarms, "repair the host, or end the monitor's alarm"),
)
