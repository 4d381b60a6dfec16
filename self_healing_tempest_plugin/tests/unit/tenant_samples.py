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

"""Runs of a tenant's chain that are not good, in a cloud that can be asked."""

import dataclasses

from self_healing_tempest_plugin.chains import tenant
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.tests.unit import chain_samples
from self_healing_tempest_plugin.tests.unit import diagnosis_samples
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_tenant_cloud

Mark = links.Mark

_NAMES = {'old': fake_cloud.SERVER, 'new': fake_cloud.NEW_SERVER,
          'stack-1': fake_cloud.STACK, 'heal': fake_cloud.WORKFLOW,
          'queue-1': fake_tenant_cloud.QUEUE}


class TenantTestCase(diagnosis_samples.DiagnosisTestCase):
    """A cloud in which a member owns the application.

    :cvar chain: :class:`.chains.Chain` that should have healed it
    """

    kind = fake_tenant_cloud.FakeTenantCloud
    chain = tenant.CHAIN

    def setUp(self):
        super().setUp()
        self.owner = fake_tenant_cloud.owner(self.cloud)

    def fill(self, cloud):
        """Let everything be as it should during a fault."""
        super().fill(cloud)
        cloud.stack_resources = [
            dict(resource, resource_status='CREATE_COMPLETE')
            for resource in fake_tenant_cloud.resources()]

    def application(self):
        """Return the application as it is when it was set up."""
        app = super().application()
        app.resources = {name: physical for name, _, physical
                         in fake_tenant_cloud.RESOURCES}
        return app

    def surroundings(self, **changes):
        """Return whom to ask."""
        known = {alarm_id: name for name, alarm_id
                 in fake_tenant_cloud.ALARMS.items()}
        return super().surroundings(**dict(
            dict(owner=self.owner), **changes)).knowing(event_alarms=known)

    def expected(self, **changes):
        """Return what the run should have shown."""
        ids = {name: self._named(value)
               for name, value in chain_samples.IDS.items()}
        return chain_samples.expected(self.chain, **dict(
            dict(ids=ids), **changes))

    def seen(self, until, *more, **changes):
        """Return a run in which the links before one came.

        :param until: the first link that is missing
        :param more: further evidence
        """
        first = self.chain.index(until)
        healthy = chain_samples.healthy(
            self.chain, without=self.chain.links[first:],
            began=diagnosis_samples.BEGAN)
        return dataclasses.replace(healthy, **dict(dict(evidence=(
            *map(self._renamed, healthy.evidence),
            *map(self._renamed, more))), **changes))

    def evidence(self, link, mark, seen_at, **changes):
        """Return one record of a run that goes well, with changes."""
        return chain_samples.evidence(self.chain, link, mark, seen_at,
                                      **changes)

    def _renamed(self, evidence):
        return dataclasses.replace(evidence, payload={
            name: self._named(value)
            for name, value in evidence.payload.items()})

    def _named(self, value):
        if value == chain_samples.IDS['url']:
            return self.cloud.url + '/'
        return _NAMES.get(value, value) if isinstance(value, str) else value
