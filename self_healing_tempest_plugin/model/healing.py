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

"""What it means that an application is healed: replaced, or moved.

Each says which guest counts as healed, which is the guest of before, and how
to say it.
"""

import abc

# Two guests at one address: the old one was not dead.
SPLIT_BRAIN_LOOK_AT = (
    'the fencing of host {host}: the old server must be dead before another '
    'one takes its address')

# Some faults a server has to live through: nobody is to repair it.
LIVES = 'answer of the application at {url} from boot {boot}'
LIVES_LOOK_AT = 'the console of server {server_id} and its events in Nova'


class Healing(abc.ABC):
    """What a chain does to the server of the application.

    :cvar name: as reports name it
    """

    name = ''

    @abc.abstractmethod
    def fits(self, ids, payload):
        """Return whether an answer is from the healed application.

        :param ids: of the expectation: ``host``, ``server_id``, ``boot``
        :param payload: of the answer: ``boot``, ``server``, and ``host``
            where Nova says it
        """

    @abc.abstractmethod
    def of_before(self, ids, probe):
        """Return whether a probe was answered by the guest of before.

        :param ids: see :meth:`fits`
        :param probe: :class:`.timelines.Probe`
        """

    @abc.abstractmethod
    def taken_over(self, ids, payload):
        """Return which server or host has taken over from which, in words.

        :param ids: see :meth:`fits`
        :param payload: of the evidence that the server is repaired
        """

    def revived(self, ids, payload):
        """Return whether the old server answers, and is not healed.

        It has booted again, or Nova says that it is on another host: that is
        no work of this chain.

        :param ids: see :meth:`fits`
        :param payload: see :meth:`fits`
        """
        return (payload.get('server') == ids['server_id']
                and not self.fits(ids, payload))


class Replaced(Healing):
    """Another server, with another id."""

    name = 'replaced'

    def fits(self, ids, payload):
        """Return whether another server answers; see :class:`Healing`."""
        return (bool(payload.get('boot'))
                and payload['boot'] != ids['boot']
                and payload.get('server') != ids['server_id'])

    def of_before(self, ids, probe):
        """Return whether the old server answered, booted again or not."""
        return probe.ok and (probe.boot == ids['boot']
                             or probe.server == ids['server_id'])

    def taken_over(self, ids, payload):
        """Return which server took over from which."""
        return 'server %s took over from %s' % (
            payload.get('server_id', 'unknown'), ids['server_id'])


class Moved(Healing):
    """The same server, booted again on another host."""

    name = 'moved'

    def fits(self, ids, payload):
        """Return whether the server answers from another host.

        Where Nova does not say on which host it is, nobody knows. See
        :class:`Healing`.
        """
        return (payload.get('server') == ids['server_id']
                and bool(payload.get('boot'))
                and payload['boot'] != ids['boot']
                and payload.get('host') not in (None, ids['host']))

    def of_before(self, ids, probe):
        """Return whether the boot of before the fault answered."""
        return probe.ok and probe.boot == ids['boot']

    def revived(self, ids, payload):
        """Return whether the server is known to answer, and not to be moved.

        Where Nova does not say its host, that is not known.
        """
        return payload.get('host') is not None and super().revived(
            ids, payload)

    def taken_over(self, ids, payload):
        """Return from which host to which the server was moved."""
        return 'server %s is on host %s, no more on %s' % (
            ids['server_id'], payload.get('host', 'unknown'), ids['host'])


REPLACED, MOVED = Replaced(), Moved()
