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

"""The local.conf of each node, from a frozen job, and what must be in it.

What renders it in a real job is a module of devstack's role
write-devstack-local-conf, which is not ours to copy. Given a checkout of
devstack, it is that module. Without one it is :class:`Rendered`, which knows
as much of its ways as the expectations are about.
"""

import dataclasses
import importlib.util
import pathlib
import re
import tempfile

import jinja2

from self_healing_tempest_plugin.tests.zuul import broken
from self_healing_tempest_plugin.tests.zuul import layout as layouts

_MODULE = 'roles/write-devstack-local-conf/library/devstack_local_conf.py'
_BASE = '/opt/stack'
# What Ansible would know of two nodes.
_FACTS = {
    'external_bridge_mtu': 1430,
    'hostvars': {
        'controller': {
            'ansible_nodename': 'np1',
            'ansible_default_ipv4': {'interface': 'ens3'},
            'nodepool': {'private_ipv4': '192.0.2.1'}},
        'compute1': {
            'ansible_nodename': 'np2',
            'ansible_default_ipv4': {'interface': 'ens4'},
            'nodepool': {'private_ipv4': '192.0.2.2'}}}}

_ALWAYS = (
    'disable_service tls-proxy', 'disable_service c-vol',
    'enable_service n-cpu', 'enable_service ovn-controller',
    'TEMPEST_PLUGINS="/opt/stack/self-healing-tempest-plugin"')
_CONTROLLER = _ALWAYS + (
    'disable_service etcd3', 'disable_service s-proxy',
    'enable_service n-api', 'enable_service tempest',
    *('enable_plugin %s https://opendev.org/openstack/%s' % (name, name)
      for name in ('aodh', 'ceilometer', 'heat', 'mistral', 'vitrage',
                   'zaqar')),
    '[[post-config|$NEUTRON_CONF]]', 'global_physnet_mtu = 1430')
_OURS = ('enable_plugin self-healing-tempest-plugin '
         'https://opendev.org/openstack/self-healing-tempest-plugin')


@dataclasses.dataclass(frozen=True)
class Expectation:
    """What the local.conf of a node must have, and must not have.

    :ivar job: its name
    :ivar node: its name
    :ivar lines: that must be there
    :ivar absent: regexes of lines that must not
    """

    job: str
    node: str
    lines: tuple
    absent: tuple


EXPECTED = (
    Expectation(
        broken.GATE, 'controller', _CONTROLLER + (
            'min_compute_nodes = 1', 'VIRT_DRIVER="fake"',
            'NUMBER_FAKE_NOVA_COMPUTE="2"',
            'SELF_HEALING_FAULT_HOSTS="np11,np12"',
            'SELF_HEALING_CHAINS="vitrage,tenant"',
            'SELF_HEALING_FEATURES="synthetic_alarm,tenant_synthetic_alarm"'),
        ('SELF_HEALING_SSH_KEYSCAN=',)),
    Expectation(
        broken.FULL, 'controller', _CONTROLLER + (
            'min_compute_nodes = 2',
            'SELF_HEALING_NODES="np1:192.0.2.1,np2:192.0.2.2"',
            'SELF_HEALING_ALLOW_FAULTS="True"',
            'SELF_HEALING_FAULT_HOSTS="np2"',
            'SELF_HEALING_CHAINS="vitrage,autohealing"',
            'SELF_HEALING_FEATURES="compute_service_frozen,'
            'compute_service_stopped,management_nic_down,guest_killed,'
            'server_deleted,server_stopped"',
            'SELF_HEALING_MANAGEMENT_NIC="ens4"',
            'SELF_HEALING_SSH_KEYSCAN="False"'), ()),
    Expectation(
        broken.FULL, 'compute1', _ALWAYS + (
            'disable_service tempest', 'SERVICE_HOST="192.0.2.1"',
            '[[post-config|$NEUTRON_CONF]]', 'global_physnet_mtu = 1430'), (
            'enable_plugin (aodh|ceilometer|heat|mistral|vitrage|zaqar)',
            'enable_service n-api', 'enable_service (c-|s-|h-|tempest)',
            'SELF_HEALING_FAULT_HOSTS=')),
)


def variables(frozen, node):
    """Return the variables of a node, as Ansible has them, without Jinja.

    :param frozen: see :meth:`.api.Api.frozen`
    :param node: its name
    """
    groups = {group['name']: group['nodes']
              for group in frozen['nodeset']['groups']}
    merged = dict(frozen['vars'])
    for group, values in frozen['group_vars'].items():
        # A variable of a group replaces the job's, whatever it holds.
        merged.update(values if node in groups.get(group, ()) else {})
    merged.update(frozen['host_vars'].get(node, {}))
    return _filled(merged, {**_FACTS, 'groups': groups})


def _filled(value, facts):
    if isinstance(value, dict):
        return {_filled(key, facts): _filled(item, facts)
                for key, item in value.items()
                if key != 'zuul_copy_output'}
    if isinstance(value, list):
        return [_filled(item, facts) for item in value]
    if isinstance(value, str) and '{{' in value:
        return jinja2.Template(
            value, undefined=jinja2.StrictUndefined).render(facts)
    return value


class Rendered:
    """A local.conf, with no more than is asked about."""

    def __init__(self, localrc, localconf, base_services, services, plugins,
                 base_dir, projects, project, tempest_plugins):
        """Take the arguments of devstack's own class, in the same order."""
        self._lines = ['[[local|localrc]]', *(
            '%s_service %s' % ('enable' if on else 'disable', name)
            for name, on in services.items() if name != 'base')]
        self._lines += ['%s="%s"' % pair for pair in sorted(localrc.items())]
        self._lines.append('LIBS_FROM_GIT=' + ','.join(
            repository['short_name'] for repository in projects.values()
            if repository['required']))
        self._lines.append('TEMPEST_PLUGINS="%s"' % ' '.join(
            '%s/%s' % (_BASE, plugin) for plugin in tempest_plugins))
        self._lines += ['enable_plugin %s %s' % (name, plugins[name])
                        for name in _ordered(plugins, base_dir)
                        if plugins[name]]
        for phase, files in localconf.items():
            for path, sections in files.items():
                self._lines.append('[[%s|%s]]' % (phase, path))
                for section, options in sections.items():
                    self._lines.append('[%s]' % section)
                    self._lines += ['%s = %s' % option
                                    for option in options.items()]

    def write(self, path):
        """Write it into a file."""
        pathlib.Path(path).write_text('\n'.join(self._lines) + '\n')


def _ordered(plugins, base_dir):
    """Return names of plugins: the plugins that one requires go before it.

    :raises KeyError: when that is not among them, as devstack's class does
    """
    required = {}
    for path in pathlib.Path(base_dir).glob('*/devstack/settings'):
        for name, needed in re.findall(
                r'^plugin_requires\s+(\S+)\s+(\S+)', path.read_text(),
                re.MULTILINE):
            required.setdefault(name, []).append(needed)
    order = []

    def add(name):
        plugins[name]
        for needed in sorted(required.get(name, ())):
            add(needed)
        if name not in order:
            order.append(name)
    for name in sorted(plugins):
        add(name)
    return order


def renderer(devstack=None):
    """Return the class that renders, see the module.

    :param devstack: directory of a checkout of devstack, or None
    :raises OSError: when the module is not there
    """
    if devstack is None:
        return Rendered
    spec = importlib.util.spec_from_file_location(
        'devstack_local_conf', devstack / _MODULE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.LocalConf


def render(frozen, node, sources, renders=Rendered):
    """Return the local.conf of a node as text.

    :param frozen: see :meth:`.api.Api.frozen`
    :param node: its name
    :param sources: directory of the repositories that tell what plugins
        require
    :param renders: see :func:`renderer`
    """
    known = variables(frozen, node)
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, 'local.conf')
        renders(
            known['devstack_localrc'], known['devstack_local_conf'], None,
            dict(known['devstack_services']), known['devstack_plugins'],
            str(sources), frozen['zuul']['projects'],
            frozen['zuul']['project'], known['tempest_plugins']).write(path)
        # The directory is Zuul's here, DevStack's there.
        return path.read_text().replace(str(sources), _BASE)


def differences(text, expected):
    """Return how a local.conf differs from what it must be.

    :param text: of the file
    :param expected: :class:`Expectation`
    :returns: list of lines
    """
    lines = text.splitlines()
    missing = ['%r is not there' % line for line in expected.lines
               if line not in lines]
    wrong = ['%r is there' % line for line in lines
             for pattern in expected.absent if re.match(pattern, line)]
    return missing + wrong + _plugins(lines) + _libraries(lines)


def _plugins(lines):
    plugins = [line for line in lines if line.startswith('enable_plugin ')]
    if not (layouts.ROOT / 'devstack' / 'settings').exists():
        # Nothing says then that our plugin needs the others.
        return [] if _OURS in plugins else ['%r is not there' % _OURS]
    return [] if plugins[-1:] == [_OURS] else [
        'the last plugin is not ours: %s' % plugins]


def _libraries(lines):
    # Without it, Mistral has no action of OpenStack.
    libraries = next((line for line in lines
                      if line.startswith('LIBS_FROM_GIT=')), '')
    return [] if 'mistral-extra' in re.split('[=,]', libraries) else [
        'mistral-extra is not in LIBS_FROM_GIT: %r' % libraries]
