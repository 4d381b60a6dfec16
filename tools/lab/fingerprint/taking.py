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

"""What the lab is like: taken before and after a run, and compared.

A fingerprint has nothing that changes while nobody touches the lab, nor what
a host does not find again after its power was off and on. Two of them differ
where a run has left something behind. It is taken at once, as things are.
"""

import argparse
import collections
from concurrent import futures
import functools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time
from urllib import parse
from urllib import request

from keystoneauth1 import exceptions as keystone_exceptions
from openstack import config as openstack_config

from tools.lab import services

SOURCE = pathlib.Path(__file__).resolve().parents[3]

#: Seconds that a service or a command on a host may take to answer.
TIMEOUT = 5
#: The key of what could not be asked; never equal to anything.
UNANSWERED = 'not answered'
#: How many characters of a value a difference shows.
LONG = 160

#: Where Prometheus and Alertmanager list their alerts, on the controller.
PROMETHEUS = ':9090/api/v1/alerts'
ALERTMANAGER = ':9093/api/v2/alerts'

#: The states of entries of the journal that are no longer open.
CLOSED = frozenset(['verified', 'removed', 'closed'])

# What is asked on every host, and on a compute host beside that. The names
# are those of the sections of the fingerprint.
HOST_COMMANDS = {
    'links': 'ip -j -d address',
    # Each command prints one document.
    'routes': 'ip -j -4 route show table all && '
              'ip -j -6 route show table all',
    'rules': 'ip -j -4 rule && ip -j -6 rule',
    'nexthops': 'ip -j nexthop',
    'neighbours': 'ip -j neigh show nud permanent',
    'qdiscs': 'tc qdisc',
    'nftables': 'nft -s list ruleset',
    'processes': 'ps -A -o stat= -o args=',
    'files': "find /run -maxdepth 1 -name 'self-healing-*'",
}
COMPUTE_COMMANDS = {
    'bridges': 'bridges=$(ovs-vsctl list-br) || exit; '
               'for bridge in $bridges; do '
               'echo $bridge $(ovs-vsctl list-ports $bridge); done',
    'domains': 'domains=$(virsh list --all --uuid) || exit; '
               'for domain in $domains; do '
               'echo $domain $(virsh domstate $domain); done',
}


class Unanswered(Exception):
    """A service or a host did not say what it was asked for."""


def take(lab_dir):
    """Return what the lab is like now.

    :param lab_dir: directory of the lab
    :returns: nested dict, which JSON can hold; what was not answered is a
        dict of :data:`UNANSWERED` to the reason
    :raises services.LabDown: when that lab does not run
    """
    lab_dir = pathlib.Path(lab_dir).absolute()
    programs = _programs(lab_dir)
    session, controller = _session(lab_dir)
    questions = dict(
        _cloud_questions(session),
        alerts=functools.partial(_alerts, controller),
        journal=functools.partial(_journal, lab_dir / 'state'),
        hosts=functools.partial(_hosts, lab_dir, programs))
    with futures.ThreadPoolExecutor(len(questions)) as pool:
        waiting = {name: pool.submit(_answer, question)
                   for name, question in questions.items()}
        found = {name: one.result() for name, one in waiting.items()}
    return dict(found, programs=programs)


def differences(before, after):
    """Return what differs between two fingerprints.

    :returns: list of lines "path: before → after", empty when nothing
        differs; what was not answered differs always
    """
    return list(_differences(before, after, ()))


def settle(lab_dir, before, seconds):
    """Wait until the lab is what it was.

    :param lab_dir: directory of the lab
    :param before: its fingerprint
    :param seconds: after which it is looked at for the last time
    :returns: seconds that it took, and what still differs
    """
    begin = time.monotonic()
    while True:
        differs = differences(before, take(lab_dir))
        passed = time.monotonic() - begin
        if not differs or passed > seconds:
            return passed, differs
        time.sleep(1)


def _differences(before, after, path):
    dicts = [one for one in (before, after) if isinstance(one, dict)]
    unanswered = any(UNANSWERED in one for one in dicts)
    if len(dicts) == 2 and not unanswered:
        for key in sorted({*before, *after}):
            yield from _differences(before.get(key), after.get(key),
                                    (*path, key))
    elif before != after or unanswered:
        yield '%s: %s → %s' % ('/'.join(path), _shown(before), _shown(after))


def _shown(value):
    if value is None:
        return '(none)'
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= LONG else '%s…' % text[:LONG]


def _answer(question):
    try:
        return question()
    except Unanswered as error:
        return {UNANSWERED: str(error)}


def _programs(lab_dir):
    found = collections.defaultdict(dict)
    for one in services.services(lab_dir):
        found[one.host][one.name] = one.state
    return dict(found)


def _session(lab_dir):
    """Return a session as administrator, and the controller's address."""
    clouds = lab_dir / 'clouds.yaml'
    if not clouds.exists():
        raise services.LabDown('%s is missing' % clouds)
    region = openstack_config.OpenStackConfig(
        config_files=[str(clouds)], load_envvars=False).get_one(
            'lab', api_timeout=TIMEOUT)
    address = parse.urlsplit(region.get_auth_args()['auth_url']).hostname
    return region.get_session(), address


def _cloud_questions(session):
    """Return what the services of OpenStack are asked, by section."""
    return {name: functools.partial(_listed, session, *question)
            for name, question in CLOUD.items()}


def _listed(session, service, path, key, describe):
    """Return what one service lists, described one by one.

    :param key: of the list in the answer, or None where it is the answer
    :param describe: returns name and description of an item, None for one
        that says nothing
    """
    try:
        # Nova shows forced_down, and the name of a group's one policy, only
        # to whom asks for a newer version than its first.
        body = session.get(
            path, endpoint_filter={'service_type': service},
            headers={'OpenStack-API-Version': 'compute 2.90'}).json()
    except (keystone_exceptions.ClientException, ValueError) as error:
        raise Unanswered('%s: %s' % (service, _line(error))) from error
    return dict(filter(None, map(describe, body[key] if key else body)))


def _nova_service(one):
    return ('%(binary)s on %(host)s' % one,
            {key: one[key] for key in ('state', 'status', 'forced_down')})


def _agent(one):
    return ('%(agent_type)s on %(host)s' % one,
            {key: one[key] for key in ('alive', 'admin_state_up')})


def _server(one):
    return one['id'], {'status': one['status'],
                       'host': one['OS-EXT-SRV-ATTR:host']}


def _security_group(one):
    # Neutron makes that one itself, when a project first asks for its groups.
    return None if one['name'] == 'default' else (one['id'], one['name'])


def _port(one):
    return one['id'], {key: one[key] for key in ('device_owner', 'status')}


def _alarm(one):
    return ('%s %s' % (one['vitrage_type'], one['vitrage_id']),
            '%s on %s' % (one['name'], one.get('vitrage_resource_id')))


def _fields(identifier, *names):
    """Return what describes an item by some of its fields."""
    return lambda one: (one[identifier], ' '.join(
        str(one[name]) for name in names))


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
}


def _alerts(controller):
    prometheus = _get('http://%s%s' % (controller, PROMETHEUS))
    manager = _get('http://%s%s' % (controller, ALERTMANAGER))
    return {
        'prometheus': dict(_alert(one, one['state'])
                           for one in prometheus['data']['alerts']),
        'alertmanager': dict(_alert(one, one['status']['state'])
                             for one in manager)}


def _alert(one, state):
    return ' '.join('%s=%s' % label
                    for label in sorted(one['labels'].items())), state


def _get(url):
    # A proxy of the environment does not know the lab.
    opener = request.build_opener(request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT) as response:
            return json.load(response)
    except (OSError, ValueError) as error:
        raise Unanswered('%s: %s' % (url, _line(error))) from error


def _journal(directory):
    """Return what is open in the journal of faults, and not to be read.

    That is read without the plugin, which may be wrong in it.
    """
    found = {}
    try:
        text = (directory / 'journal.jsonl').read_text(errors='replace')
    except FileNotFoundError:
        return found
    for number, line in enumerate(text.splitlines(), 1):
        try:
            one = json.loads(line)
            found[one['id']] = one['state']
        except (KeyError, TypeError, ValueError):
            found['line %d' % number] = 'not to be read'
    return {key: state for key, state in found.items()
            if state not in CLOSED}


def _hosts(lab_dir, programs):
    """Return what is on every host, side by side."""
    names = sorted(programs['lab'])
    with futures.ThreadPoolExecutor(len(names)) as pool:
        found = pool.map(functools.partial(_host, lab_dir, programs), names)
        return dict(zip(names, found))


def _host(lab_dir, programs, name):
    if programs['lab'][name] != 'RUNNING':
        return 'off'
    commands = dict(HOST_COMMANDS)
    if 'nova-compute' in programs.get(name, ()):
        commands.update(COMPUTE_COMMANDS)
    return _answer(functools.partial(_entered, lab_dir, name, commands))


def _entered(lab_dir, host, commands):
    """Run commands on a host, one after the other.

    :param commands: dict of section to a line for the shell
    :returns: dict of section to what :data:`READERS` make of the output
    :raises Unanswered: when the host cannot be entered
    """
    # By standard input: the processes that are looked for have their names
    # in their command lines, and this one should not.
    script = ''.join(
        'timeout %d sh -c %s 2>&1; printf "\\0%%d\\0" $?\n'
        % (TIMEOUT, shlex.quote(command)) for command in commands.values())
    try:
        done = subprocess.run(
            [str(lab_dir / 'bin' / 'enter'), host, 'bash'], input=script,
            capture_output=True, text=True, errors='replace',
            timeout=TIMEOUT * (len(commands) + 1))
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unanswered(_line(error)) from error
    parts = done.stdout.split('\0')
    if len(parts) != 2 * len(commands) + 1:
        raise Unanswered(_line(done.stderr) or 'it was cut off')
    return {section: _answer(functools.partial(_read, section, output, code))
            for section, output, code
            in zip(commands, parts[::2], parts[1::2])}


def _read(section, output, code):
    if code != '0':
        raise Unanswered('exit code %s: %s' % (code, _line(output)))
    return READERS[section](output)


def _line(text):
    """Return the end of an error, as one line."""
    return ' '.join(str(text).split())[-LONG:]


def _lines(text):
    """Return how often each line is there."""
    return dict(collections.Counter(
        ' '.join(line.split()) for line in text.splitlines()))


def _links(text):
    return {one['ifname']: _link(one) for one in json.loads(text)}


def _link(one):
    # Open vSwitch makes up the address of its datapath's own link whenever
    # it starts.
    made_up = one['ifname'] == 'ovs-netdev'
    # Link-local addresses are made of the MAC address that a link had when it
    # came up, which is not that of today where Open vSwitch sets it later.
    return {
        'up': 'UP' in one['flags'], 'carrier': 'LOWER_UP' in one['flags'],
        'mtu': one['mtu'], 'master': one.get('master'),
        'mac': None if made_up else one['address'],
        'addresses': {
            '%(local)s/%(prefixlen)s' % address: address['scope']
            for address in one['addr_info'] if address['scope'] != 'link'}}


def _documents(text):
    """Yield what is in the JSON documents that several commands print."""
    decoder, text = json.JSONDecoder(), text.strip()
    while text:
        # Where there is nothing, some versions of ip print nothing at all.
        found, end = decoder.raw_decode(text)
        text = text[end:].lstrip()
        # An older one prints empty objects for what it does not show.
        yield from filter(None, found)


def _counted(text, *passing):
    """Return how often each item is there, as JSON with sorted keys.

    :param passing: keys of what changes by itself
    """
    return dict(collections.Counter(
        json.dumps({key: value for key, value in one.items()
                    if key not in passing}, sort_keys=True)
        for one in _documents(text)))


def _routes(text):
    # Those to the link-local addresses are made with the links. A neighbour's
    # advertisement has an end.
    return {route: count for route, count in _counted(
        text, 'expires', 'cache', 'used', 'age').items()
        if not re.search(r'"dst": "fe80:[^"/]*"', route)}


def _neighbours(text):
    return _counted(text, 'used', 'confirmed', 'updated', 'refcnt', 'probes')


def _qdiscs(text):
    # Without the numbers that the kernel hands out one after the other.
    return _lines(re.sub(r' refcnt \d+| [0-9a-f]+:[0-9a-f]*(?=\s)', '',
                         text))


def _ruleset(text):
    """Return how often each line is there, after the blocks it is in."""
    blocks, found = [], collections.Counter()
    for line in map(str.strip, text.splitlines()):
        if line == '}':
            blocks.pop()
        elif line:
            found[' '.join([*blocks, line])] += 1
            if line.endswith('{'):
                blocks.append(line)
    return dict(found)


def _processes(text):
    """Return which processes are stopped, and which are the plugin's."""
    pairs = [line.split(None, 1) for line in text.splitlines()]
    return {
        'stopped': _lines('\n'.join(
            command for state, command in pairs if state.startswith('T'))),
        'own': _lines('\n'.join(
            command for _, command in pairs
            if re.search(r'(\s|/run/)self-healing-', command)))}


def _bridges(text):
    # While a host has a port of an external network, OVN joins its bridges by
    # a pair of patch ports; afterwards it parts them when it comes to it.
    return {bridge: {port: 1 for port in ports
                     if not port.startswith('patch-')}
            for bridge, *ports in map(str.split, text.splitlines())}


def _domains(text):
    return dict(line.split(None, 1) for line in text.splitlines())


READERS = {'links': _links, 'routes': _routes, 'rules': _counted,
           'nexthops': _counted, 'neighbours': _neighbours,
           'qdiscs': _qdiscs, 'nftables': _ruleset, 'files': _lines,
           'processes': _processes, 'bridges': _bridges,
           'domains': _domains}


def parsed(arguments):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog='tools/lab/fingerprint', description=__doc__.splitlines()[0])
    steps = parser.add_subparsers(dest='step', required=True)
    step = steps.add_parser('take', help='write what the lab is like')
    step.add_argument(
        '--dir', type=pathlib.Path, metavar='DIRECTORY',
        default=os.environ.get('LAB_DIR', SOURCE / '.lab'),
        help='where the lab keeps its files (default: LAB_DIR of the '
             'environment, or %(default)s)')
    step.add_argument('file', type=pathlib.Path)
    step = steps.add_parser(
        'compare', help='print what differs; exit code 1 if anything does')
    step.add_argument('before', type=pathlib.Path)
    step.add_argument('after', type=pathlib.Path)
    return parser.parse_args(arguments)


def main(arguments=None):
    """Take a fingerprint, or compare two.

    :returns: the exit code
    """
    options = parsed(arguments)
    if options.step == 'take':
        try:
            found = take(options.dir)
        except services.LabDown as error:
            print('The lab is down: %s.' % error, file=sys.stderr)
            return 1
        options.file.write_text(json.dumps(
            found, indent=2, sort_keys=True) + '\n')
        return 0
    lines = differences(*(json.loads(file.read_text()) for file
                          in (options.before, options.after)))
    print('\n'.join(lines), end='\n' if lines else '')
    return 1 if lines else 0
