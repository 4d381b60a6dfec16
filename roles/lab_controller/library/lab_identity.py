#!/usr/bin/python
# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.
"""Users, roles and the service catalog of the lab, made where missing."""

from ansible.module_utils.basic import AnsibleModule
import openstack

DOCUMENTATION = r"""
module: lab_identity
short_description: Users, roles and the service catalog of the lab
description:
  - Makes what is missing; changes and removes nothing.
options:
  cloud:
    description: Arguments of openstack.connect().
    type: dict
    required: true
  region:
    description: Region of the endpoints.
    type: str
    required: true
  users:
    description: The users of the services, each with I(name) and I(projects),
      those that it administers.
    type: list
    elements: dict
    required: true
  members:
    description: Users who are members of a project and nothing else, each
      with I(name) and I(project).
    type: list
    elements: dict
    required: true
  endpoints:
    description: The catalog, each with I(name) and I(type) of the service,
      and the I(url) of all its interfaces.
    type: list
    elements: dict
    required: true
  passwords:
    description: Passwords by user name.
    type: dict
    required: true
"""

#: Roles that services expect and Keystone's bootstrap does not make.
ROLES = ('service', 'heat_stack_owner', 'heat_stack_user')
#: The domain of the users that Heat makes for its stacks.
HEAT_DOMAIN = 'heat'
HEAT_ADMIN = 'heat_domain_admin'


class Identity:
    """Finds or makes identity objects and notes whether it made any."""

    def __init__(self, cloud, passwords):
        self.api = openstack.connect(**cloud).identity
        self.passwords = passwords
        self.changed = False

    def role(self, name):
        found = self.api.find_role(name)
        return found or self._made(self.api.create_role(name=name))

    def project(self, name):
        found = self.api.find_project(name, domain_id='default')
        return found or self._made(
            self.api.create_project(name=name, domain_id='default'))

    def domain(self, name):
        found = self.api.find_domain(name)
        return found or self._made(self.api.create_domain(name=name))

    def user(self, name, domain_id='default'):
        found = self.api.find_user(name, domain_id=domain_id)
        return found or self._made(self.api.create_user(
            name=name, domain_id=domain_id, password=self.passwords[name]))

    def grant(self, user, role, project):
        if not self.api.validate_user_has_project_role(project, user, role):
            self.api.assign_project_role_to_user(project, user, role)
            self.changed = True

    def grant_in_domain(self, user, role, domain):
        if not self.api.validate_user_has_domain_role(domain, user, role):
            self.api.assign_domain_role_to_user(domain, user, role)
            self.changed = True

    def endpoints(self, name, kind, url, region):
        service = self.api.find_service(name) or self._made(
            self.api.create_service(name=name, type=kind))
        present = {endpoint.interface for endpoint
                   in self.api.endpoints(service_id=service.id)}
        for interface in {'public', 'internal', 'admin'} - present:
            self._made(self.api.create_endpoint(
                service_id=service.id, interface=interface, url=url,
                region_id=region))

    def _made(self, thing):
        self.changed = True
        return thing


def make_service_user(identity, name, projects):
    """The user of a service, with the rights services need.

    :param projects: names of those that it administers
    """
    user = identity.user(name)
    for project in projects:
        identity.grant(
            user, identity.role('admin'), identity.project(project))
    identity.grant(
        user, identity.role('service'), identity.project('service'))


def make_member(identity, name, project):
    """A user without any right but those of a member of a project."""
    identity.grant(identity.user(name), identity.role('member'),
                   identity.project(project))


def make_heat_domain(identity):
    """Where Heat keeps the users of its stacks, and who rules there."""
    domain = identity.domain(HEAT_DOMAIN)
    user = identity.user(HEAT_ADMIN, domain.id)
    identity.grant_in_domain(user, identity.role('admin'), domain)


def main():
    module = AnsibleModule(argument_spec={
        'cloud': {'type': 'dict', 'required': True, 'no_log': True},
        'region': {'type': 'str', 'required': True},
        'users': {'type': 'list', 'elements': 'dict', 'required': True},
        'members': {'type': 'list', 'elements': 'dict', 'required': True},
        'endpoints': {'type': 'list', 'elements': 'dict', 'required': True},
        'passwords': {'type': 'dict', 'required': True, 'no_log': True},
    })
    identity = Identity(module.params['cloud'], module.params['passwords'])
    for role in ROLES:
        identity.role(role)
    for user in module.params['users']:
        make_service_user(identity, user['name'], user['projects'])
    for member in module.params['members']:
        make_member(identity, **member)
    make_heat_domain(identity)
    for endpoint in module.params['endpoints']:
        identity.endpoints(
            endpoint['name'], endpoint['type'], endpoint['url'],
            module.params['region'])
    module.exit_json(changed=identity.changed)


if __name__ == '__main__':
    main()
