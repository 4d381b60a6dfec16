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

"""The tempest.conf of the suites, made from that of the lab."""

import configparser
import io

from tools import private_files
from tools.upstream import suites

#: The services that the suites ask for, and whether the lab has them.
AVAILABLE = {
    'heat': True, 'mistral': True, 'zaqar': True, 'aodh': True,
    'cinder': False, 'swift': False, 'octavia': False, 'gnocchi': False,
    # Its notification agent alone measures nothing.
    'ceilometer': False, 'sg_core': False,
}


def made(settings, flavor, image, password, lock_path):
    """Return the settings of a Tempest that runs the suites.

    :param settings: those of the lab, a :class:`configparser.ConfigParser`
    :param flavor: name of one that a member may use
    :param image: name of the guests' image
    :param password: of :data:`.suites.MEMBER`
    :param lock_path: a directory of this Tempest alone
    :returns: another :class:`configparser.ConfigParser`
    """
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_dict({
        name: section for name, section in settings.items()
        if not name.startswith('self_healing')})
    parser.read_dict({
        'oslo_concurrency': {'lock_path': lock_path},
        'service_available': _words(AVAILABLE),
        'telemetry_services': {'metric_backends': ''},
        'heat_plugin': _heat(settings, flavor, image, password),
        # A credential for it would be a secret of Barbican.
        'heat_features_enabled': _words(
            {'stack_cancel': True, 'multi_cloud': False}),
    })
    parser.remove_option('service_available', 'self_healing')
    return parser


def write(path, parser):
    """Write settings that nobody else may read: there are passwords in them.

    :param path: :class:`pathlib.Path`
    :param parser: :class:`configparser.ConfigParser`
    """
    text = io.StringIO()
    parser.write(text)
    private_files.write(path, text.getvalue())


def _words(flags):
    return {name: str(flag).lower() for name, flag in flags.items()}


def _heat(settings, flavor, image, password):
    """Return the options of [heat_plugin], which has credentials of its own.

    Without image_ref, the tests are skipped that want cloud-init and Heat's
    agents in the guest.
    """
    auth, identity = settings['auth'], settings['identity']
    return {
        'auth_url': identity['uri_v3'], 'region': identity['region'],
        'username': suites.MEMBER, 'password': password,
        'project_name': suites.PROJECT,
        'user_domain_name': auth['admin_user_domain_name'],
        'project_domain_name': auth['admin_domain_name'],
        'admin_username': auth['admin_username'],
        'admin_password': auth['admin_password'],
        'admin_project_name': auth['admin_project_name'],
        'minimal_instance_type': flavor, 'minimal_image_ref': image,
        'fixed_network_name': suites.NETWORK,
        'fixed_subnet_name': suites.SUBNET,
        'network_for_ssh': suites.NETWORK,
        'floating_network_name': settings['network']['floating_network_name'],
        'build_interval': '2', 'build_timeout': '600',
        # The one that Heat hides by default.
        'hidden_stack_tag': 'data-processing-cluster',
    }
