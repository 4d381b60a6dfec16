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

"""Our configuration, broken on purpose: what has to be complained of."""

import dataclasses
import typing


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way to break it.

    :ivar name: of the variant
    :ivar change: breaks a list of items, see :class:`.layout.Layout`
    :ivar complaint: what must be said of it, a regex
    :ivar files: other files that are written, path to text
    """

    name: str
    change: typing.Callable
    complaint: str
    files: typing.Mapping = dataclasses.field(default_factory=dict)

    @property
    def project(self):
        """Return the name of a project that has it as its configuration."""
        return 'variants/%s' % self.name.replace(' ', '-')


def named(items, kind, name):
    """Return the definition of a kind and a name."""
    return next(item[kind] for item in items
                if kind in item and item[kind]['name'] == name)


def job(name, **changes):
    """Return what sets attributes of a job; a dash is an underscore here."""
    def change(items):
        named(items, 'job', name).update(
            (key.replace('_', '-'), value) for key, value in changes.items())
    return change


def project(change_project):
    """Return what changes the project."""
    def change(items):
        change_project(next(item['project'] for item in items
                            if 'project' in item))
    return change


def _misspell(stanza):
    stanza['perodic'] = stanza.pop('periodic')


def _queue(pipeline, name):
    return project(
        lambda stanza: stanza[pipeline]['jobs'].append(name))


def _variables(name, **changes):
    def change(items):
        named(items, 'job', name).setdefault('vars', {}).update(changes)
    return change


def _forget_plugins(items):
    del named(items, 'job', FULL)['group-vars']['subnode']['devstack_plugins']


def _leave_out_plugin(items):
    del named(items, 'job', FULL)['group-vars']['subnode'][
        'devstack_plugins']['heat']


def _without_project(items):
    named(items, 'job', BASE)['required-projects'].remove('openstack/heat')


def _override_one(items):
    base = named(items, 'job', BASE)
    del base['override-checkout']
    base['required-projects'] += [
        {'name': 'openstack/heat', 'override-checkout': 'stable/x'}]


def _not_tried(stanza):
    stanza['experimental']['jobs'].remove(FULL)


BASE = 'self-healing-tempest-base'
FULL = 'self-healing-tempest'
GATE = 'self-healing-tempest-gate'
LAB = 'self-healing-tempest-lab'

_ODD_GROUP = {'nodes': [{'name': 'lab', 'label': 'debian-bookworm'}],
              'groups': [{'name': 'tempest', 'nodes': ['controller']}]}

#: What Zuul itself refuses when it reads the configuration.
REFUSED = (
    Variant('unknown key', job(LAB, run_pre='playbooks/lab/pre.yaml'),
            r"extra keys not allowed @ data\['run-pre'\]"),
    Variant('wrong type', job(LAB, timeout='an hour'),
            r"expected int for dictionary value @ data\['timeout'\]"),
    Variant('unknown parent', job(LAB, parent='bass'),
            'Job bass not defined'),
    Variant('unknown project', job(GATE, required_projects=['openstack/hat']),
            'The project "openstack/hat" was not found'),
    Variant('unknown nodeset', job(GATE, nodeset='openstack-no-node'),
            'nodeset "openstack-no-node" was not found'),
    Variant('group of an unknown node', job(LAB, nodeset=_ODD_GROUP),
            'the group "tempest" contains a node named "controller"'),
    Variant('unknown template', project(
        lambda stanza: stanza['templates'].append('tempest-plugin-job')),
        'template "tempest-plugin-job" was not found'),
    Variant('unknown job', _queue('check', 'self-healing-tempest-lap'),
            'Job self-healing-tempest-lap not defined'),
    Variant('no YAML', lambda items: None,
            'did not find expected node content',
            {'zuul.d/no.yaml': '- job: [\n'}),
)

#: What Zuul takes without a word, and our own checks do not: the name of the
#: check, and a variant.
STRUCTURE = (
    ('misspelt_pipelines', Variant(
        'misspelt pipeline', project(_misspell),
        'pipeline perodic: there is none')),
    ('missing_playbooks', Variant(
        'missing playbook', job(LAB, post_run='playbooks/lab/gone.yaml'),
        'there is no playbooks/lab/gone.yaml')),
    ('unknown_hosts', Variant(
        'unknown group', job(FULL, group_vars={
            'subnode': {'devstack_plugins': dict.fromkeys(
                ('aodh', 'ceilometer', 'heat', 'mistral', 'vitrage', 'zaqar',
                 'self-healing-tempest-plugin'),
                '')}, 'subnodes': {}}),
        'group subnodes is not in its nodeset')),
    ('unknown_hosts', Variant(
        'play on nobody', job(LAB, run='playbooks/post.yaml'),
        'playbooks/post.yaml plays on tempest, which is not in its nodeset')),
    ('unknown_branches', Variant(
        'branch that there is not', job(BASE, override_checkout='stable/2052'),
        'none of its required-projects has the branch stable/2052')),
    ('unknown_branches', Variant(
        "project's branch that there is not", _override_one,
        'openstack/heat has no branch stable/x')),
    ('scattered_overrides', Variant(
        'two releases', job(GATE, override_checkout='stable/2025.2',
                            required_projects=['openstack/heat']),
        'more than one place: job self-healing-tempest-base; job self-')),
    ('abstract_jobs_queued', Variant(
        'abstract job in a pipeline', _queue('check', BASE),
        'pipeline check: job self-healing-tempest-base is abstract')),
    ('refused_regexes', Variant(
        'look-ahead', job(GATE, files=['^(?!doc/)']), r'files \^\(\?!doc')),
    ('missing_roles', Variant(
        'role that there is not',
        job(LAB, run='playbooks/lab/broken.yaml'), 'needs the role gone',
        {'playbooks/lab/broken.yaml':
         '[{hosts: all, tasks: [{block: [{include_role: {name: gone}}]}]}]'
         })),
    ('plugins_without_project', Variant(
        'plugin that Zuul does not bring', _without_project,
        'plugin heat is not in required-projects')),
    ('plugins_without_project', Variant(
        'plugin in another directory', _variables(GATE, devstack_plugins={
            'heat': 'https://opendev.org/openstack/mistral'}),
        'plugin heat is not https')),
    ('plugins_without_project', Variant(
        'Tempest plugin that Zuul does not bring', _variables(
            GATE, tempest_plugins=['heat-tempest-plugin']),
        'Tempest plugin heat-tempest-plugin is not in')),
    ('plugins_on_subnodes', Variant(
        'all plugins on the subnode', _forget_plugins,
        'do not say which devstack_plugins')),
    ('plugins_on_subnodes', Variant(
        'plugin without order on the subnode', _leave_out_plugin,
        'do not name the plugin heat')),
    ('unordered_plugins', Variant(
        'plugin of another name', lambda items: None,
        'devstack_plugins lacks another-plugin',
        {'devstack/settings': 'define_plugin another-plugin\n'
         'plugin_requires another-plugin heat\n'})),
    ('untried_jobs', Variant(
        'job that is only periodic', project(_not_tried),
        'job self-healing-tempest is in periodic but not in experimental')),
    ('short_timeouts', Variant(
        'no time for a test', job(GATE, timeout=5000),
        'timeout of 5000 s leaves no time for a test of 2400 s')),
    ('loose_test_regexes', Variant(
        'tests of others', _variables(GATE, tempest_test_regex='heal'),
        "tempest_test_regex 'heal' is not anchored")),
)
