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

"""Whether the cloud is fit for a fault, and clean after it.

A precondition that does not hold before the fault makes a run invalid: that is
neither a healed nor a broken chain.
"""

import functools

from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import waiting


# Further reports of nova-compute that are waited for once it is up again. One
# may have been on its way when the host was cut off: Nova takes note of it
# when the host is back, and the program may wait for its answer for a minute.
REPORTS = 2


class Readiness:
    """The cloud around one application and its host."""

    def __init__(self, chain, around):
        """Take what to look at.

        :param chain: :class:`.model.chains.Chain`
        :param around: :class:`.links.surroundings.Surroundings`, prepared
        """
        self._kits, self._around = kit.of_chain(chain), around
        self._nova, self._host = around.clients.nova, around.application.host
        self._reported = set()

    def unmet(self):
        """Return the preconditions that do not hold, as strings."""
        return tuple(filter(None, waiting.side_by_side(
            self._host_up, self._others_up,
            *(functools.partial(link_kit.unmet, self._around)
              for link_kit in self._kits))))

    def wait_host_back(self):
        """Wait until the host works as before.

        :raises .waiting.WaitTimeout: when it does not
        """
        self._wait(
            lambda: self._reports() or next(filter(None, (
                link_kit.not_back(self._around)
                for link_kit in self._kits)), ''),
            what='host %s as before the fault' % self._host,
            look_at="the monitor's alerts, and vitrage-notifier's log for "
                    'the host that it un-forces')

    def wait_host_reports(self):
        """Wait until nova-compute has reported since the host was back.

        :raises .waiting.WaitTimeout: when it does not
        """
        def problem():
            missing = self._reports()
            if missing or len(self._reported) > REPORTS:
                return missing
            return 'it has reported at %s' % ', '.join(
                sorted(self._reported))

        self._wait(
            problem, what='%d reports of nova-compute on host %s' % (
                REPORTS, self._host),
            look_at='the log of nova-compute on host %s for lost connections '
                    'to RabbitMQ' % self._host)

    def wait_server_gone(self, server_id):
        """Wait until the old server is on no host, and known to nobody.

        :param server_id: the server
        :raises .waiting.WaitTimeout: when it stays
        """
        self._wait(
            lambda: self._remains(server_id),
            what='nothing left of server %s' % server_id,
            look_at="the log of nova-compute on host %s for 'Deleting "
                    "instance as it has been deleted'" % self._host)

    def _reports(self):
        """Note when nova-compute has reported; return whether it is not up."""
        service = self._nova.compute_service(self._host)
        problem = self._unusable(service)
        if problem:
            self._reported.clear()
        else:
            self._reported.add(str(service['updated_at']))
        return problem

    def _host_up(self):
        return self._unusable(self._nova.compute_service(self._host))

    def _unusable(self, service):
        if service is None:
            return 'host %s has no nova-compute' % self._host
        if service['forced_down']:
            return 'host %s is forced down' % self._host
        if not usable(service):
            return 'nova-compute on %s is %s and %s' % (
                self._host, service['state'], service['status'])
        return ''

    def _others_up(self):
        other_hosts = [
            service['host'] for service in self._nova.compute_services()
            if service['host'] != self._host and usable(service)]
        return '' if other_hosts else (
            'no compute host but %s is up and enabled' % self._host)

    def _remains(self, server_id):
        if self._nova.server(server_id) is not None:
            return 'it is still in Nova'
        return next(filter(None, (
            link_kit.remains(self._around, server_id)
            for link_kit in self._kits)), '')

    def _wait(self, problem, **options):
        times = self._around.settings.timeouts
        waiting.wait_for(
            problem, lambda seen: not seen, timeout=times.host_return,
            interval=times.poll_interval, tolerate=errors.ServiceUnavailable,
            **options)


def usable(service):
    """Return whether Nova would put a server on a host.

    :param service: its nova-compute, as a dict of Nova
    """
    return (service['state'] == 'up' and service['status'] == 'enabled'
            and not service['forced_down'])
