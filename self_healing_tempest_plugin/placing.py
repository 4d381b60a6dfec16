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

"""Where the further applications of a drill come to be.

A fault hits all applications of one host, so all have to be on it. A template
that named a host would have its next server there, too; so Nova is kept from
putting servers elsewhere for as long as they are created.
"""

import contextlib

from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin import readiness
from self_healing_tempest_plugin import removal


@contextlib.contextmanager
def nowhere_but(host, clients, journal):
    """Keep new servers off all compute hosts but one.

    What is disabled already stays as it is.

    :param host: its name in Nova
    :param clients: :class:`.services.clients.Clients` of the administrator
    :param journal: :class:`.faults.journals.Journal`, held
    :raises .services.errors.ServiceError: when Nova does not do it
    """
    others = [service for service in clients.nova.compute_services()
              if service['host'] != host and readiness.usable(service)]
    entry = journals.Object(
        plans.new_id(), removal.CLOSED_HOSTS, 'all but %s' % host,
        {'services': [service['id'] for service in others]})
    journal.plan_object(entry)
    try:
        for service in others:
            clients.nova.disable(service['id'], removal.closed_for(entry.id))
        yield
    finally:
        removal.patiently(lambda: removal.open_hosts(
            clients.nova, entry.id, entry.known))
        journal.record(entry.id, journals.State.REMOVED)
