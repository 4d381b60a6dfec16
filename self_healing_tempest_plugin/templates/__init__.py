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

"""The HOT, Vitrage and Mistral templates, as files, and how to read them."""

import functools
from importlib import resources

import yaml

APPLICATION = 'application.hot.yaml'
#: Made of two files, see :func:`read`.
BOTH = 'both.hot.yaml'
APPLICATION_SCRIPT = 'application.sh'
HEAL_INSTANCE = 'heal_instance.vitrage.yaml'
HOST_DOWN = 'host_down.vitrage.yaml'
HOST_DOWN_TENANT = 'host_down_tenant.vitrage.yaml'
NIC_DOWN = 'nic_down.vitrage.yaml'
NIC_DOWN_TENANT = 'nic_down_tenant.vitrage.yaml'
TENANT = 'tenant.hot.yaml'

#: The workflow of an application, and the one that a rule starts where there
#: are two.
BY_MESSAGE, BY_RULE = 'heal_instance', 'heal_by_rule'


def read(name):
    """Return the text of one template.

    :data:`BOTH` is :data:`TENANT`, wired as :data:`APPLICATION` is, too. Its
    workflows are :data:`BY_MESSAGE` and :data:`BY_RULE`.

    :param name: file name inside this package, e.g. :data:`HOST_DOWN`
    :raises FileNotFoundError: when the package holds no such file
    """
    if name == BOTH:
        return yaml.safe_dump(_both(), sort_keys=False)
    return resources.files(__name__).joinpath(name).read_text('utf-8')


def _both():
    both, ruled = (yaml.safe_load(read(name))
                   for name in (TENANT, APPLICATION))
    parts, rule = ruled['resources'], ruled['resources']['healing_rule']
    rule['properties']['template_params']['workflow_name'] = {
        'get_resource': BY_RULE}
    both['parameters'].update(ruled['parameters'])
    # One after the other: Mistral's parser of expressions spoils two workflows
    # that it reads at the same time.
    second = dict(parts[BY_MESSAGE], depends_on=BY_MESSAGE)
    both['resources'].update({BY_RULE: second, 'healing_rule': rule})
    return both


@functools.cache
def files_of(name):
    """Return what an application's HOT includes by ``get_file``.

    Heat looks a ``get_file`` up by the name that the template uses, so the
    bare file names are enough.

    :param name: see :func:`read`
    :returns: dict of file name to text, as Heat's ``files`` takes it
    """
    return {included: read(included)
            for included in _included(yaml.safe_load(read(name)))}


def _included(node):
    """Yield the names of the files that a part of a HOT includes."""
    if isinstance(node, dict):
        if isinstance(node.get('get_file'), str):
            yield node['get_file']
        node = node.values()
    elif not isinstance(node, list):
        return
    for part in node:
        yield from _included(part)


@functools.cache
def needs(*names):
    """Return what the templates of applications take for granted.

    :param names: see :func:`read`
    :returns: resource types of Heat, and actions of Mistral, as frozen sets
    """
    defined = [resource for name in names for resource
               in yaml.safe_load(read(name))['resources'].values()]
    return frozenset(resource['type'] for resource in defined), frozenset(
        task['action'] for resource in defined
        if resource['type'] == 'OS::Mistral::Workflow'
        for task in resource['properties']['tasks'])
