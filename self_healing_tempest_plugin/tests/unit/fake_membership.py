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

"""What the fake cloud tells a member, and what Tempest makes one of there."""

from urllib import parse

from self_healing_tempest_plugin import templates
from self_healing_tempest_plugin.tests.unit import fake_cloud

TENANT = '22222222222222222222222222222222'
DOMAIN = {'id': 'default', 'name': 'Default'}

ROUTES = {
    'GET /identity/v3/domains': 'list_domains',
    'GET /identity/v3/roles': 'list_role_names',
    'GET /identity/v3/(users|projects)': 'list_identities',
    'POST /identity/v3/(users|projects)': 'make_identity',
    'DELETE /identity/v3/(users|projects)/([^/]+)': 'delete_identity',
    'POST /heat/v1/[^/]+/stacks/preview': 'preview_stack',
    'GET /nova/v2.1/limits': 'show_limits',
    'GET /neutron/v2.0/quotas/([^/]+)/details.json': 'show_quotas',
    'GET /zaqar/v2/queues': 'list_queues',
}

LIMITS = {
    'maxTotalInstances': 10, 'totalInstancesUsed': 0, 'maxTotalCores': 20,
    'totalCoresUsed': 0, 'maxTotalRAMSize': 51200, 'totalRAMUsed': 0,
    'maxServerGroups': 10, 'totalServerGroupsUsed': 0,
    'maxServerGroupMembers': 10, 'maxServerMeta': 128,
    'maxTotalKeypairs': 100, 'maxPersonality': 5, 'maxPersonalitySize': 10240}

QUOTAS = ('network', 'subnet', 'router', 'floatingip', 'security_group',
          'security_group_rule', 'port', 'rbac_policy', 'subnetpool')


class Membership:
    """A mixin of fake clouds.

    :ivar flavors: a member sees those that are public
    :ivar images: the same of those that are
    :ivar types_forbidden: types of resources that the policy of Heat keeps
        from members
    :ivar preview_forbidden: whether it keeps previews from them
    :ivar limits: of Nova, for the member's project
    :ivar quotas: of Neutron, for the same; None where it does not tell
    :ivar has_trusts: whether Keystone has any
    :ivar identities: what was made in Keystone: ``users`` and ``projects``,
        by id
    :ivar makes: regex of the kinds of them that Keystone makes
    """

    def _setUp(self):
        super()._setUp()
        self.flavors = [dict(fake_cloud.flavor('m1.disk'), disk=1)]
        self.images = [{'id': 'i1', 'name': 'guest', 'status': 'active'}]
        self.networks = [{'id': 'n1', 'name': 'public'}]
        self.types_forbidden, self.preview_forbidden = set(), False
        self.limits = dict(LIMITS)
        self.quotas = {name: {'limit': 100, 'used': 0, 'reserved': 0}
                       for name in QUOTAS}
        self.has_trusts, self.makes = True, ('users', 'projects')
        self.identities = {'users': {}, 'projects': {}}

    def list_trusts(self, query, body):
        if not self.has_trusts:
            raise fake_cloud.Reply(404, {'error': {
                'code': 404, 'message': 'no such extension'}})
        return super().list_trusts(query, body)

    def list_domains(self, query, body):
        return 200, {'domains': [DOMAIN]}, {}

    def list_role_names(self, query, body):
        return 200, {'roles': [{'id': name, 'name': name} for name in (
            'admin', 'member', 'reader')]}, {}

    def list_identities(self, query, body, kind):
        return 200, {kind: list(self.identities[kind].values())}, {}

    def make_identity(self, query, body, kind):
        if kind not in self.makes:
            raise fake_cloud.Reply(403, {'error': {
                'code': 403, 'message': 'no %s' % kind, 'title': 'x'}})
        made = dict(body[kind[:-1]])
        made['id'] = '%s-%d' % (kind, len(self.identities[kind]))
        made.pop('password', None)
        self.identities[kind][made['id']] = made
        return 201, {kind[:-1]: made}, {}

    def delete_identity(self, query, body, kind, identity):
        self.identities[kind].pop(identity, None)
        return 204, None, {}

    def is_made(self, user):
        """Return whether a user was made for a member.

        :param user: as a request for a token has it
        """
        return bool({user.get('id'), user.get('name')} & {
            value for made in self.identities['users'].values()
            for value in (made['id'], made['name'])})

    def list_flavors(self, query, body):
        return 200, {'flavors': [flavor for flavor in self.flavors if (
            not self.of_member()
            or flavor.get('os-flavor-access:is_public', True))]}, {}

    def list_images(self, query, body):
        status, answer, headers = super().list_images(query, body)
        return status, {'images': [image for image in answer['images'] if (
            not self.of_member()
            or image.get('visibility', 'public') == 'public')]}, headers

    def list_queues(self, query, body):
        return 200, {'queues': [{'name': name} for name in self.queues],
                     'links': []}, {}

    def show_limits(self, query, body):
        return 200, {'limits': {'absolute': self.limits, 'rate': []}}, {}

    def show_quotas(self, query, body, project):
        if self.quotas is None:
            raise fake_cloud.Reply(404, {'NeutronError': {
                'type': 'x', 'message': 'no such extension', 'detail': ''}})
        return 200, {'quota': self.quotas}, {}

    def preview_stack(self, query, body):
        """Answer as heat.engine.service: preview_stack."""
        if self.preview_forbidden:
            raise _fault(403, 'Access was denied to this resource.')
        types = templates.needs(templates.TENANT)[0]
        for kind in sorted(types & self.types_forbidden):
            raise _fault(403, 'You are not authorized to use %s.' % kind)
        for kind in sorted(types - set(self.resource_types or types)):
            raise _fault(400, 'HEAT-E99001 Service is not available for '
                         'resource type %s' % kind)
        self._constrain(body['parameters'], 'flavor', self.list_flavors(
            {}, None)[1]['flavors'])
        return 200, {'stack': {'resources': [
            {'resource_type': kind} for kind in sorted(types)]}}, {}

    def _constrain(self, parameters, name, seen):
        if parameters[name] not in {value for one in seen
                                    for value in (one['id'], one['name'])}:
            raise _fault(400, "Property error: : resources.server.properties."
                         "%s: : Error validating value '%s'" % (
                             name, parse.quote(parameters[name])))


def _fault(code, message):
    """Return an error as Heat has it."""
    return fake_cloud.Reply(code, {
        'code': code, 'title': 'x', 'explanation': 'x',
        'error': {'message': message, 'type': 'x', 'traceback': None}})
