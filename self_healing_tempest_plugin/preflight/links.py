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

"""What the services answer, link by link: questions, and their meaning."""

import functools
import os

import yaml

from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin.preflight import rows
from self_healing_tempest_plugin import readiness
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import glance
from self_healing_tempest_plugin.services import placement
from self_healing_tempest_plugin import templates

KEYSTONE = 'Keystone'

_NOTIFIER = 'VitrageNotifierService'
_PERSISTOR = 'PersistorService'

_UNASKED = object()


@functools.cache
def application():
    """Return what the application's template takes for granted.

    :returns: resource types of Heat, and actions of Mistral, as sets
    """
    found = yaml.safe_load(templates.read(templates.APPLICATION))['resources']
    types = {one['type'] for one in found.values()}
    actions = {task['action'] for one in found.values()
               if one['type'] == 'OS::Mistral::Workflow'
               for task in one['properties']['tasks']}
    return types, actions


def questions(clients, manager, settings):
    """Return all questions to the services.

    The name of a service is the question whether it answers at all.

    :param clients: :class:`..services.clients.Clients`
    :param manager: Tempest's ``clients.Manager``
    :param settings: :class:`..config.Settings`
    :returns: dict of name to :class:`..services.asking.Question`
    """
    nova, neutron = clients.nova, clients.neutron
    heat, mistral, vitrage = clients.heat, clients.mistral, clients.vitrage
    types, actions = application()
    datasource = monitors.MONITORS[settings.monitor].datasource
    network = settings.application.external_network
    asked = {
        'Nova': {
            'Nova': nova.version,
            'services': nova.services,
            'hypervisors': nova.hypervisors,
            'servers': lambda: {host: nova.servers_on(host)
                                for host in settings.fault_hosts},
            'flavor': lambda: nova.flavor(settings.application.flavor)},
        'Neutron': {
            'Neutron': neutron.version,
            'network': lambda: neutron.external_network(network)},
        'Glance': {
            'image': lambda: find_image(
                manager, settings.application.image)},
        'Placement': {'room': lambda: _room(manager, nova, settings)},
        'Heat': {
            'Heat': lambda: '%s, build %s' % (heat.version(), heat.build()),
            'resource types': lambda: types - heat.resource_types()},
        'Mistral': {
            'Mistral': mistral.version,
            'actions': lambda: actions - mistral.actions(actions)},
        'Vitrage': {
            'Vitrage': vitrage.version,
            'graph': vitrage.status,
            'processes': lambda: _processes(vitrage),
            'counts': vitrage.counts,
            'hosts': vitrage.hosts,
            'templates': lambda: _states(vitrage, settings),
            'active alarms': lambda: vitrage.active_alarms(datasource),
            'newest alarm': lambda: vitrage.newest_alarm(datasource)}}
    return {name: asking.Question(service, ask)
            for service, several in asked.items()
            for name, ask in several.items()}


def find_image(manager, image):
    """Return an image as Glance's answer, see :func:`questions`."""
    # Tempest makes no client of a service that is declared missing.
    if not hasattr(manager, 'image_client_v2'):
        return _UNASKED
    return glance.Glance(manager).image(image)


def _room(manager, nova, settings):
    flavor = nova.flavor(settings.application.flavor)
    return placement.Placement(manager).places(flavor) if flavor else set()


def _states(vitrage, settings):
    # The list of templates is long in coming; the tests bring their own.
    named = settings.host_alarm.template or settings.nic_alarm.template
    return {one['name']: one['status']
            for one in (vitrage.templates() if named else ())}


def _processes(vitrage):
    # Where it has no [coordination], its answer is an error.
    try:
        return vitrage.processes()
    except errors.ServiceError as error:
        if error.code is None:
            raise
        return None


def examine(answers, settings, checks=None):
    """Return the rows of all links.

    :param answers: :class:`..services.asking.Answers`
    :param settings: :class:`..config.Settings`
    :param checks: :class:`.rows.Check`, by default all
    """
    return [row for check in checks or CHECKS
            for row in _rows(check, answers, settings)]


def _rows(check, answers, settings):
    try:
        findings = check.judge(settings, *(
            answers[name] for name in check.needs))
    except errors.ServiceError as error:
        findings = trouble(error, answers, check.what)
    return [rows.Row(check.link, check.what, one, check.todo)
            for one in findings]


def trouble(error, answers, what=''):
    """Return what it means that a question has no answer.

    :param error: :class:`..services.errors.ServiceError` of the question
    :param answers: :class:`..services.asking.Answers`
    :param what: the question; the one whether a service answers is a no
    """
    for service in (KEYSTONE, error.service):
        cause = answers.error(service)
        if service != what and cause:
            return rows.unknown('%s %s' % (service, 'does not answer' if (
                isinstance(cause, errors.ServiceUnavailable))
                else 'refuses to answer'))
    return rows.no(rows.one_line(error))


def _version(settings, text):
    return rows.yes(text)


def _keystone(settings, text, project):
    return rows.yes('%s, project %s' % (text, project))


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
                        '%s has raised none yet' % settings.monitor)


def _process(name):
    def judge(settings, processes):
        if processes is None:
            return rows.unknown('Vitrage lists its processes only with '
                                '[coordination] backend_url')
        if any(one.startswith(name) for one in processes):
            return rows.yes('runs')
        return rows.no('is not among the processes')
    return judge


def _graph(settings, reason):
    return rows.yes('vitrage-graph answers: %s' % reason)


def _templates(settings, states):
    findings = []
    for alarm in (settings.host_alarm, settings.nic_alarm):
        if not alarm.template:
            findings += rows.yes('%s: the tests add their own' % alarm.name)
        elif states.get(alarm.template) == 'ACTIVE':
            findings += rows.yes('%s: %s is ACTIVE' % (
                alarm.name, alarm.template))
        else:
            findings += rows.no('%s: %s is %s' % (
                alarm.name, alarm.template,
                states.get(alarm.template, 'not there')))
    return tuple(findings)


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


def _actions(settings, absent):
    if absent:
        return rows.no('without %s' % ', '.join(sorted(absent)))
    return rows.yes(', '.join(sorted(application()[1])))


def _types(settings, absent):
    if absent:
        return rows.no('without %s' % ', '.join(sorted(absent)))
    return rows.yes('all %d of the application' % len(application()[0]))


def _image(settings, image):
    if image is _UNASKED:
        return rows.unknown('[service_available] glance is false')
    if image is None:
        return rows.no('there is no %s' % settings.application.image)
    named = '%s (%s)' % (image['name'], image['id'])
    if image['status'] != 'active':
        return rows.no('%s is %s' % (named, image['status']))
    return rows.yes(named)


def _flavor(settings, flavor):
    if flavor is None:
        return rows.no('there is no %s' % settings.application.flavor)
    return rows.yes('%s (%s)' % (flavor['name'], flavor['id']))


def _network(settings, network):
    if network is None:
        return rows.no('there is no external network %s'
                       % settings.application.external_network)
    return rows.yes('%s (%s)' % (network['name'], network['id']))


def _compute(settings, found):
    known = {one['host']: one for one in found
             if one['binary'] == 'nova-compute'}
    return rows.by_host({host: _service(known.get(host))
                         for host in settings.fault_hosts})


def _service(service):
    if service is None:
        return rows.no('Nova knows no nova-compute there')
    text = 'nova-compute is %s and %s%s' % (
        service['state'], service['status'],
        ', forced down' if service['forced_down'] else '')
    return rows.yes(text) if readiness.usable(service) else rows.no(text)


def _usable_hosts(found):
    return {one['host'] for one in found
            if one['binary'] == 'nova-compute' and readiness.usable(one)}


def _allowed(settings, project, found, servers):
    findings = {}
    for host in settings.fault_hosts:
        try:
            gates.check(host, servers[host], found, project, settings)
        except gates.FaultRefused as error:
            findings[host] = rows.no(rows.one_line(error))
        else:
            findings[host] = rows.yes('allowed')
    return rows.by_host(findings)


def _others(settings, found):
    usable = _usable_hosts(found)
    findings = {}
    for host in settings.fault_hosts:
        others = sorted(usable - {host})
        findings[host] = rows.yes('there is %s' % _some(others)) if (
            others) else rows.no('no other compute host is up and enabled')
    return rows.by_host(findings)


def _places(settings, found, hypervisors, room):
    usable = _usable_hosts(found)
    hosts = {one['service']['host'] for one in hypervisors
             if one['id'] in room} & usable
    if not hosts & set(settings.fault_hosts):
        return rows.no('on no fault host is room for the application')
    findings = {}
    for host in settings.fault_hosts:
        others = sorted(hosts - {host})
        findings[host] = rows.yes('room on %s' % _some(others)) if (
            others) else rows.no('no room on any other host')
    return rows.by_host(findings)


def _some(names, limit=3):
    more = len(names) - limit
    return ', '.join(names[:limit]) + (
        ' and %d more' % more if more > 0 else '')


def _unseen(text):
    def judge(settings):
        return rows.unknown(text)
    return judge


def writable(directory):
    """Return whether a directory can be written, or made where it is not.

    :param directory: absolute path
    """
    while not os.path.exists(directory):
        directory = os.path.dirname(directory)
    return os.path.isdir(directory) and os.access(
        directory, os.W_OK | os.X_OK)


CHECKS = (
    rows.Check('services', KEYSTONE, (KEYSTONE, 'project'), _keystone,
               'look at [identity] uri_v3 and [auth] admin_*'),
    rows.Check('services', 'Nova', ('Nova',), _version,
               'look at [compute] catalog_type, and at nova-api'),
    rows.Check('services', 'Neutron', ('Neutron',), _version,
               'look at [network] catalog_type, and at neutron-server'),
    rows.Check('services', 'Heat', ('Heat',), _version,
               'look at [self_healing] heat_catalog_type, and at heat-api '
               'and heat-engine'),
    rows.Check('services', 'Mistral', ('Mistral',), _version,
               'look at [self_healing] mistral_catalog_type, and at '
               'mistral-api'),
    rows.Check('services', 'Vitrage', ('Vitrage',), _version,
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
    rows.Check('alarm', 'active alarms', ('hosts', 'active alarms'),
               _no_alarms, "repair the host, or end the monitor's alarm"),
    rows.Check('deduction', 'graph', ('graph',), _graph,
               'look at vitrage-graph'),
    rows.Check('deduction', 'templates', ('templates',), _templates,
               'look at [self_healing] host_template and nic_template, and '
               'at: vitrage template list'),
    rows.Check('deduction', 'vitrage-persistor', ('processes',),
               _process(_PERSISTOR),
               'start vitrage-persistor: without it no alarm is listed'),
    rows.Check('workflow', 'vitrage-notifier', ('processes',),
               _process(_NOTIFIER), 'start vitrage-notifier'),
    rows.Check('workflow', 'notifier class', (), _unseen(
        'Vitrage does not tell it, and with its own it starts no workflow'),
        'look at [DEFAULT] notifiers (mistral, nova) and [mistral] notifier '
        'in vitrage.conf'),
    rows.Check('workflow', 'actions', ('actions',), _actions,
               'install mistral-extra for API, engine and executor of '
               'Mistral'),
    rows.Check('stack', 'resource types', ('resource types',), _types,
               'look at the plug-ins of Heat, and whether its catalog has '
               'the service'),
    rows.Check('stack', 'stack domain', (), _unseen(
        'Heat does not tell its stack_user_domain_id, which '
        'OS::Mistral::Workflow needs'),
        'look at stack_user_domain_id and stack_domain_admin in heat.conf'),
    rows.Check('stack', 'image', ('image',), _image,
               'set [self_healing] image_ref'),
    rows.Check('stack', 'flavor', ('flavor',), _flavor,
               'set [self_healing] flavor_ref'),
    rows.Check('stack', 'network', ('network',), _network,
               'set [self_healing] external_network'),
    rows.Check('stack', 'another host', ('services',), _others,
               'bring up and enable a second compute host'),
    rows.Check('stack', 'room', ('services', 'hypervisors', 'room'), _places,
               'make room, or set a smaller [self_healing] flavor_ref'),
    rows.Check('application', 'its address', (), _unseen(
        'whether it is reached from here shows when there is one'),
        'look at the way from here to [self_healing] external_network'),
    rows.Check('hosts', 'nova-compute', ('services',), _compute,
               'look at [self_healing] fault_hosts, and at: openstack '
               'compute service list'),
    rows.Check('hosts', 'may be broken', ('project', 'services', 'servers'),
               _allowed, 'look at [self_healing] fault_hosts'),
)
