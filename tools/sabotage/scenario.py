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

"""The scenario that a case is run by; ``SABOTAGE_CASE`` names the case.

``tools/sabotage`` runs it in the environment of the lab that has Tempest
and the plugin. ``tempest run`` never sees it.
"""

import contextlib
import dataclasses
import os
import types

from tempest.common import credentials_factory
from tempest.lib import decorators

from self_healing_tempest_plugin import scenarios
from self_healing_tempest_plugin.services import session
from self_healing_tempest_plugin.tests.scenario import base
from tools.lab import labs
from tools.sabotage import acts
from tools.sabotage import breakages
from tools.sabotage import case as cases
from tools.sabotage import catalog

CASE = catalog.find(os.environ['SABOTAGE_CASE'])


SCENARIO, = scenarios.of((CASE.feature,))


@decorators.serial
class SabotageTest(
        base.MemberTest if SCENARIO.chain.member else base.SelfHealingTest):
    """One drill, with one thing broken.

    :ivar lab: :class:`tools.lab.labs.Lab`
    """

    feature = CASE.feature

    @classmethod
    def setup_clients(cls):
        super().setup_clients()
        cls.scenario = dataclasses.replace(cls.scenario, wired=CASE.healing)

    def test_sabotage(self):
        """The verdict names what is broken.

        1. Break what is broken before anybody comes.
        2. Deploy an application that answers at an address.
        3. Break what is broken around the drill.
        4. Break its host, watch, repair the host.
        5. Undo all, the last first; the application goes in between.
        """
        self.lab = labs.Lab(os.environ['LAB_DIR'])
        self.notes = breakages.Notes(self.lab)
        before = contextlib.ExitStack()
        self.addCleanup(before.close)
        for breakage in CASE.before:
            before.enter_context(self.broken(breakage))
        self.deploy()
        fault = self.plan()
        act = getattr(acts, CASE.act) if CASE.act else contextlib.nullcontext
        with act(self):
            self.drill(fault)

    def expect(self, plan):
        """Return what the fault should do, within the deadlines of the case.

        :param plan: the fault
        """
        return tuple(map(impatient, super().expect(plan)))

    @property
    def app(self):
        """Return the application."""
        return self._drill.app

    @property
    def apps(self):
        """Return the applications, a tuple."""
        return tuple(one.app for one in self._drill.subjects)

    @property
    def recorder(self):
        """Return the recorder of the drill."""
        return self._drill.recorder

    def current_server_id(self):
        """Return the server that the stack has now."""
        return self._drill.current_server_id()

    def ask_as_owner(self, service, path, method='GET', **options):
        """Ask a service as the owner of the application.

        :param service: its type in the catalog
        :param path: after the address in the catalog
        :param options: of :meth:`keystoneauth1.session.Session.request`
        :returns: what the JSON of the answer says, None where it has none
        """
        credentials = self.owner_credentials()
        answer = session.of_project(
            self.settings.cloud, credentials).request(
                path, method, endpoint_filter={'service_type': service},
                **options)
        return answer.json() if answer.text else None

    def owner_credentials(self):
        """Return Tempest's credentials of the owner of the application."""
        return (self.os_primary.credentials if SCENARIO.chain.member
                else credentials_factory.get_configured_admin_credentials(
                    identity_version='v3'))

    def broken(self, breakage):
        """Return a context manager in which something is broken.

        :param breakage: instance of a class of :mod:`.breakages`
        """
        return self.notes.broken(breakage)

    @property
    def other_host(self):
        """Return the host that the application is not on."""
        return next(host for host in self.settings.fault_hosts
                    if host != self.app.host)


def impatient(expected):
    """Return an expectation with the deadlines of the case.

    :param expected: :class:`..model.expectations.Expectation`
    """
    seconds = dict(cases.DEADLINES, **CASE.deadlines)
    timeouts = {name: seconds.get(name, default)
                for name, default in expected.timeouts.items()}
    return dataclasses.replace(
        expected, timeouts=types.MappingProxyType(timeouts),
        **CASE.expectation)
