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

"""The lists of services, described item by item.

Without what changes by itself, and without what a service makes by itself.
"""

import json

#: The states of entries of the journal that are no longer open.
CLOSED = frozenset(['verified', 'removed', 'closed'])


def described(listed, describe):
    """Return the description of each item of a list.

    :param listed: items, as a service has them
    :param describe: returns name and description of an item, None for one
        that says nothing
    """
    return dict(filter(None, map(describe, listed)))


def _nova_service(service):
    return ('%(binary)s on %(host)s' % service,
            {key: service[key] for key in ('state', 'status', 'forced_down')})


def _agent(agent):
    return ('%(agent_type)s on %(host)s' % agent,
            {key: agent[key] for key in ('alive', 'admin_state_up')})


def _server(server):
    return server['id'], {'status': server['status'],
                          'host': server['OS-EXT-SRV-ATTR:host']}


def _security_group(group):
    # Neutron makes that one itself, when a project first asks for its groups.
    return None if group['name'] == 'default' else (group['id'], group['name'])


def _port(port):
    return port['id'], {key: port[key] for key in ('device_owner', 'status')}


def _alarm(alarm):
    return ('%s %s' % (alarm['vitrage_type'], alarm['vitrage_id']),
            '%s on %s' % (alarm['name'], alarm.get('vitrage_resource_id')))


def _fields(identifier, *names):
    """Return a function that describes an item by some of its fields."""
    return lambda item: (item[identifier], ' '.join(
        str(item[name]) for name in names))


# Section: service, path, key of the list, and what describes an item.
CLOUD = {
    'nova services': ('compute', '/os-services', 'services', _nova_service),
    'servers': ('compute', '/servers/detail?all_tenants=1', 'servers',
                _server),
    'server groups': ('compute', '/os-server-groups?all_projects=1',
                      'server_groups', _fields('id', 'name', 'policy')),
    'neutron agents': ('network', '/v2.0/agents', 'agents', _agent),
    'networks': ('network', '/v2.0/networks', 'networks',
                 _fields('id', 'name', 'status')),
    'routers': ('network', '/v2.0/routers', 'routers',
                _fields('id', 'name', 'status')),
    'subnets': ('network', '/v2.0/subnets', 'subnets',
                _fields('id', 'name', 'cidr')),
    'security groups': ('network', '/v2.0/security-groups',
                        'security_groups', _security_group),
    'ports': ('network', '/v2.0/ports', 'ports', _port),
    'floating ips': ('network', '/v2.0/floatingips', 'floatingips',
                     _fields('id', 'floating_ip_address', 'status')),
    'stacks': ('orchestration', '/stacks?global_tenant=True', 'stacks',
               _fields('id', 'stack_name', 'stack_status')),
    'vitrage alarms': ('rca', '/v1/alarm/?vitrage_id=all&all_tenants=1',
                       None, _alarm),
    'vitrage templates': ('rca', '/v1/template/', None,
                          _fields('uuid', 'name', 'status')),
    'mistral executions': (
        'workflowv2', '/executions?all_projects=true', 'executions',
        _fields('id', 'workflow_name', 'state')),
    'mistral workflows': (
        'workflowv2', '/workflows?all_projects=true', 'workflows',
        _fields('id', 'name')),
    'aodh alarms': (
        'alarming', '/v2/alarms?q.field=all_projects&q.value=true', None,
        _fields('alarm_id', 'name', 'state')),
    'trusts': ('identity', '/OS-TRUST/trusts', 'trusts',
               _fields('id', 'project_id', 'trustor_user_id',
                       'trustee_user_id')),
}


def alerts(found):
    """Return the state of each alert.

    :param found: see :meth:`tools.lab.monitors.Monitor.alerts`
    """
    return {program: dict(map(_alert, listed))
            for program, listed in found.items()}


def _alert(alert):
    # Prometheus has it as a word, Alertmanager among other things.
    state = alert['status'] if 'status' in alert else alert
    return ' '.join('%s=%s' % label for label in sorted(
        alert['labels'].items())), state['state']


def open_entries(text):
    """Return the entries of the journal that are open, or cannot be read.

    That is read without the plugin, which may be wrong in it.

    :param text: of the journal
    """
    states = {}
    for number, line in enumerate(text.splitlines(), 1):
        try:
            entry = json.loads(line)
            states[entry['id']] = entry['state']
        except (KeyError, TypeError, ValueError):
            states['line %d' % number] = 'not to be read'
    return {key: state for key, state in states.items()
            if state not in CLOSED}
