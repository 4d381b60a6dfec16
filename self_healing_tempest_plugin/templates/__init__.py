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
APPLICATION_SCRIPT = 'application.sh'
HEAL_INSTANCE = 'heal_instance.vitrage.yaml'
HOST_DOWN = 'host_down.vitrage.yaml'
NIC_DOWN = 'nic_down.vitrage.yaml'


def read(name):
    """Return the text of one template.

    :param name: file name inside this package, e.g. :data:`HOST_DOWN`
    :raises FileNotFoundError: when the package holds no such file
    """
    return resources.files(__name__).joinpath(name).read_text('utf-8')


def application_files():
    """Return what the application's HOT includes by ``get_file``.

    Heat looks a ``get_file`` up by the name that the template uses, so the
    bare file names are enough.

    :returns: dict of file name to text, as Heat's ``files`` takes it
    """
    return {name: read(name) for name in (APPLICATION_SCRIPT, HEAL_INSTANCE)}


@functools.cache
def needs(name=APPLICATION):
    """Return what an application's template takes for granted.

    :param name: see :func:`read`
    :returns: resource types of Heat, and actions of Mistral, as sets
    """
    defined = yaml.safe_load(read(name))['resources']
    types = {resource['type'] for resource in defined.values()}
    actions = {task['action'] for resource in defined.values()
               if resource['type'] == 'OS::Mistral::Workflow'
               for task in resource['properties']['tasks']}
    return types, actions
