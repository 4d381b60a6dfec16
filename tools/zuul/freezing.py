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

"""Jobs as Zuul would run them: frozen, and compared with what they must be.
"""

import dataclasses
import re
import typing

from self_healing_tempest_plugin.tests.zuul import broken

_OURS = 'openstack/self-healing-tempest-plugin'
_RELEASE = 'stable/2025.2'
_URL = 'https://opendev.org/openstack/'
_NAME = re.compile(r'<Job (\S+)')

_DEVSTACK = (
    'base', 'openstack-multinode-fips', 'devstack-base', 'devstack-minimal',
    'devstack', 'devstack-tempest', broken.BASE)
# Of the projects with branches, devstack's is the one of the release.
_DEVSTACK_PLAYBOOKS = (
    'opendev/base-jobs playbooks/base/pre.yaml master',
    'openstack/devstack playbooks/pre.yaml %s' % _RELEASE,
    '%s playbooks/pre.yaml master' % _OURS,
    'openstack/tempest playbooks/devstack-tempest.yaml master',
    '%s playbooks/post.yaml master' % _OURS,
    'openstack/tempest playbooks/post-tempest.yaml master',
    'openstack/devstack playbooks/post.yaml %s' % _RELEASE,
    'opendev/base-jobs playbooks/base/post.yaml master',
    'opendev/base-jobs playbooks/base/cleanup.yaml master')
_DEVSTACK_VARIABLES = {
    'devstack_plugins': {
        name: _URL + name for name in
        ('aodh', 'ceilometer', 'heat', 'mistral',
         'self-healing-tempest-plugin', 'vitrage', 'zaqar')},
    'devstack_services': {
        'n-cpu': True, 'tempest': True, 'tls-proxy': False, 'c-vol': False},
    'tempest_concurrency': 1,
    'tempest_plugins': ['self-healing-tempest-plugin'],
    'tempest_test_regex': r'^self_healing_tempest_plugin\.',
    'tox_envlist': 'all'}
_DEVSTACK_PROJECTS = (
    'openstack/aodh', 'openstack/ceilometer', 'openstack/devstack',
    'openstack/heat', 'openstack/mistral', 'openstack/mistral-extra',
    'openstack/mistral-lib', 'openstack/nova', 'openstack/python-heatclient',
    'openstack/python-mistralclient', 'openstack/python-vitrageclient',
    'openstack/python-zaqarclient', _OURS, 'openstack/tempest',
    'openstack/vitrage', 'openstack/zaqar')


@dataclasses.dataclass(frozen=True)
class Expectation:
    """A frozen job as it must be; of dicts, the least that they must have.

    :ivar name: of the job
    :ivar pipeline: one that it is in
    :ivar ancestry: names of the jobs that it is made of, the oldest first
    :ivar playbooks: in their order, each with its project and branch
    :ivar nodes: name of a node to its label
    :ivar override: branch that is checked out, or None
    :ivar timeout: seconds
    :ivar variables: for all nodes
    :ivar extra_variables: that win over all others
    :ivar groups: variables of groups
    :ivar projects: names of projects that Zuul brings
    """

    name: str
    pipeline: str
    ancestry: tuple
    playbooks: tuple
    nodes: typing.Mapping
    override: str | None
    timeout: int
    variables: typing.Mapping
    extra_variables: typing.Mapping = dataclasses.field(default_factory=dict)
    groups: typing.Mapping = dataclasses.field(default_factory=dict)
    projects: tuple = ()


EXPECTED = (
    Expectation(
        broken.GATE, 'check', (*_DEVSTACK, broken.GATE), _DEVSTACK_PLAYBOOKS,
        {'controller': 'ubuntu-noble'}, _RELEASE, 9000,
        {**_DEVSTACK_VARIABLES, 'devstack_localrc': {
            'VIRT_DRIVER': 'fake', 'SELF_HEALING_MONITOR': 'doctor',
            'SELF_HEALING_CHAINS': 'vitrage,tenant',
            'SELF_HEALING_FEATURES':
                'synthetic_alarm,tenant_synthetic_alarm'}},
        projects=_DEVSTACK_PROJECTS),
    Expectation(
        broken.FULL, 'periodic', (*_DEVSTACK, broken.FULL),
        _DEVSTACK_PLAYBOOKS,
        {'controller': 'ubuntu-noble', 'compute1': 'ubuntu-noble'},
        _RELEASE, 10800,
        {**_DEVSTACK_VARIABLES, 'devstack_localrc': {
            'SELF_HEALING_ALLOW_FAULTS': True,
            'SELF_HEALING_CHAINS': 'vitrage,autohealing'}},
        groups={'subnode': {
            'devstack_plugins': {
                'aodh': '', 'ceilometer': '', 'heat': '', 'mistral': '',
                'vitrage': '', 'zaqar': '',
                'self-healing-tempest-plugin':
                    _URL + 'self-healing-tempest-plugin'},
            'devstack_services': {
                'n-cpu': True, 'tls-proxy': False, 'c-vol': False}}},
        projects=_DEVSTACK_PROJECTS),
    Expectation(
        broken.LAB, 'periodic', ('base', broken.LAB), (
            'opendev/base-jobs playbooks/base/pre.yaml master',
            '%s playbooks/lab/pre.yaml master' % _OURS,
            '%s playbooks/lab/up.yaml master' % _OURS,
            '%s playbooks/lab/run.yaml master' % _OURS,
            '%s playbooks/lab/collect.yaml master' % _OURS,
            '%s playbooks/lab/destroy.yaml master' % _OURS,
            'opendev/base-jobs playbooks/base/post.yaml master',
            'opendev/base-jobs playbooks/base/cleanup.yaml master'),
        {'lab': 'debian-bookworm'}, None, 5400, {},
        extra_variables={'lab_become': True, 'lab_dir': '/opt/lab'}),
)


def differences(frozen, expected):
    """Return how a frozen job differs from what it must be.

    :param frozen: see :meth:`.api.Api.frozen`
    :param expected: :class:`Expectation`
    :returns: list of lines
    """
    lines = _other('ancestry', _ancestry(frozen), expected.ancestry)
    lines += _other('playbooks', playbooks(frozen), expected.playbooks)
    for name, value in (
            ('nodes', {node['name']: node['label']
                       for node in frozen['nodeset']['nodes']}),
            ('override', frozen['override_checkout']),
            ('timeout', frozen['timeout'])):
        wanted = getattr(expected, name)
        if value != wanted:
            lines.append('%s is %r, not %r' % (name, value, wanted))
    for name, attribute in (('variables', 'vars'),
                            ('extra_variables', 'extra_vars'),
                            ('groups', 'group_vars')):
        lines += _lacking(getattr(expected, name), frozen[attribute], name)
    brought = {project['name'] for project in frozen['projects']}
    return lines + ['project %s is not brought' % project
                    for project in expected.projects if project not in brought]


def _other(name, actual, wanted):
    """Return how two sequences of names differ, as lines."""
    lines = ['%s: %s is missing' % (name, item)
             for item in wanted if item not in actual]
    lines += ['%s: %s is too much' % (name, item)
              for item in actual if item not in wanted]
    if not lines and actual != wanted:
        lines.append('%s: the order is %s' % (name, ', '.join(actual)))
    return lines


def _ancestry(frozen):
    # Each definition is there once for each time that it was merged.
    names = (_NAME.match(step)[1]
             for step in frozen['zuul']['_inheritance_path'])
    return tuple(dict.fromkeys(names))


def playbooks(frozen):
    """Return the playbooks of a frozen job in their order, as a tuple."""
    return tuple('%s %s %s' % (playbook['project'], playbook['path'],
                               playbook['branch'])
                 for phase in ('pre_playbooks', 'playbooks', 'post_playbooks')
                 for playbook in frozen[phase])


def _lacking(expected, actual, path):
    lines = []
    for key, value in expected.items():
        here = '%s.%s' % (path, key)
        if key not in actual:
            lines.append('%s is not there' % here)
        elif isinstance(value, dict) and isinstance(actual[key], dict):
            lines += _lacking(value, actual[key], here)
        elif actual[key] != value:
            lines.append('%s is %r, not %r' % (here, actual[key], value))
    return lines
