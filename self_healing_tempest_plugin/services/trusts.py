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

"""Keystone's trusts: who may act for the user of a project."""

import contextlib
import functools

from oslo_utils import uuidutils

from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin.services import errors

_calling = functools.partial(
    errors.calling, 'Keystone', dialect=errors.Dialect(own=errors.with_code))


def keep_secret(trust_ids):
    """Let no text show the ids of trusts.

    Who has an id, and is the right service, acts as the user.

    :param trust_ids: as Keystone makes them; what looks otherwise is a name
    """
    runtime.learn(filter(uuidutils.is_uuid_like, trust_ids))


class Trusts:
    """The trusts of one user, and the roles that they can hand on."""

    def __init__(self, keystone, cloud):
        self._keystone, self._cloud = keystone, cloud

    def trust(self, trust_id):
        """Return a trust of the user as a dict, None when there is none.

        :param trust_id: id of the trust
        """
        keep_secret([trust_id])
        with contextlib.suppress(errors.NotThere), _calling('show a trust'):
            return self._keystone.get('%s/OS-TRUST/trusts/%s' % (
                self._cloud.auth_url.rstrip('/'), trust_id)).json()['trust']
        return None

    def given(self):
        """Return the trusts that the user has given, None without the API.

        :returns: list of dicts; None where Keystone has no trusts
        """
        with _calling('get a token'):
            user_id = self._keystone.get_user_id()
        return self.given_by(user_id)

    def given_by(self, user_id):
        """Return the trusts that a user has given, None without the API.

        :param user_id: whose they are; another's only an administrator sees
        :returns: list of dicts; None where Keystone has no trusts
        """
        with contextlib.suppress(errors.NotThere), _calling(
                'list trusts of user %s' % user_id):
            listed = self._keystone.get(
                '%s/OS-TRUST/trusts' % self._cloud.auth_url.rstrip('/'),
                params={'trustor_user_id': user_id}).json()['trusts']
            keep_secret(trust['id'] for trust in listed)
            return listed
        return None

    def delete(self, trust_id):
        """Delete a trust; one that is gone is fine.

        :param trust_id: of a trust that the user has given; an administrator
            may delete another's
        """
        keep_secret([trust_id])
        with contextlib.suppress(errors.NotThere), _calling('delete a trust'):
            self._keystone.delete('%s/OS-TRUST/trusts/%s' % (
                self._cloud.auth_url.rstrip('/'), trust_id))

    def roles(self):
        """Return the names of the roles that the user has in the project now.

        A token of before tells those of before, and goes on being used.
        """
        with _calling('get a token'):
            return frozenset(self._keystone.auth.get_auth_ref(
                self._keystone).role_names)


def given_to(service, trusts, keystone):
    """Return the ids of the trusts that are given to a service, as a list.

    A trust does not tell whom it is for: the name of the trustee does.

    :param service: name of the service, which that of its user begins with
    :param trusts: as Keystone lists them
    :param keystone: :class:`.keystone.Keystone`
    """
    name = functools.cache(keystone.user_name)
    return [trust['id'] for trust in trusts
            if (name(trust['trustee_user_id']) or '').startswith(service)]
