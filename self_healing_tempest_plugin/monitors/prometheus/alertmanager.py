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

"""Alertmanager: its alerts, its silences, and what it has sent."""

import dataclasses
from urllib import parse

import yaml

from self_healing_tempest_plugin.monitors.prometheus import counting
from self_healing_tempest_plugin.monitors.prometheus import shapes
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import strangers

_METRICS = '/metrics'

# Seconds that it waits before it tells of a new group of alerts, where its
# configuration does not say (config.go, DefaultRoute).
_GROUP_WAIT = 30.0


class Alertmanager(strangers.Api):
    """Alerts, silences and notifications of what is behind one URL, API v2."""

    service = 'Alertmanager'

    def alerts(self, name):
        """Return the alerts of one name, silenced ones too.

        What others have there, with whichever labels, is passed over.

        :param name: of the alert
        :returns: list of :class:`.shapes.Alert`
        """
        operation = 'list alerts'
        answer = self._json(operation, '/api/v2/alerts')
        with errors.calling(self.service, operation):
            return [shapes.alert(entry) for entry
                    in shapes.objects(answer, 'the alerts')
                    if shapes.labels(entry).get('alertname') == name]

    def silence(self, silence_id):
        """Return a silence as a dict of strings."""
        operation = 'show silence %s' % silence_id
        answer = self._json(operation, '/api/v2/silence/%s'
                            % parse.quote(silence_id))
        with errors.calling(self.service, operation):
            return {key: value for key, value in shapes.members(
                answer, 'the silence').items() if isinstance(value, str)}

    def count(self):
        """Return what was sent, as :class:`.counting.Count`.

        Grafana and Mimir have their API below a path, and their metrics at
        the root.

        :raises .errors.ServiceError: when no counter is to be had
        """
        operation = 'count notifications'
        places = dict.fromkeys((self._url, self._root))
        trouble = None
        for place in places:
            try:
                text = self._read(operation, place + _METRICS, {}).text
            except errors.ServiceRefused as error:
                trouble = trouble or error
                continue
            count = counting.read(text)
            if count is not None:
                return count
        raise trouble or errors.ServiceRefused(
            self.service, operation, 'it counts no notifications at %s'
            % _METRICS)

    def status(self):
        """Return version, size of the cluster, and waits, :class:`Status`."""
        operation = 'show status'
        answer = self._json(operation, '/api/v2/status')
        with errors.calling(self.service, operation):
            return _status(shapes.members(answer, 'the status'))


@dataclasses.dataclass(frozen=True)
class Status:
    """What an Alertmanager says of itself.

    :ivar version: '' where it does not say
    :ivar members: how many are in its cluster
    :ivar group_waits: seconds that it waits before it tells of a new group,
        for each route that may tell Vitrage; empty where it does not say
    """

    version: str
    members: int
    group_waits: tuple[float, ...]


def _status(answer):
    def part(name):
        found = answer.get(name)
        return found if isinstance(found, dict) else {}

    peers = part('cluster').get('peers')
    return Status(
        shapes.text(part('versionInfo').get('version')),
        max(1, len(peers) if isinstance(peers, list) else 1),
        _group_waits(shapes.text(part('config').get('original'))))


def _group_waits(original):
    """Return the waits of the routes to webhooks, of all without any."""
    try:
        configured = yaml.safe_load(original)
    except (yaml.YAMLError, RecursionError):
        return ()
    if not isinstance(configured, dict) or not isinstance(
            configured.get('route'), dict):
        return ()
    receivers = configured.get('receivers')
    webhooks = {receiver.get('name') for receiver in receivers
                if isinstance(receiver, dict)
                and receiver.get('webhook_configs')} if (
                    isinstance(receivers, list)) else set()
    try:
        waits = list(_waits(configured['route'], None, _GROUP_WAIT))
    except RecursionError:
        return ()
    return tuple(wait for receiver, wait in waits if receiver in webhooks) or (
        tuple(wait for _, wait in waits))


def _waits(route, receiver, wait):
    """Yield receiver and wait of a route and of those below it."""
    receiver = route.get('receiver') or receiver
    wait = _wait(route.get('group_wait'), wait)
    yield receiver, wait
    routes = route.get('routes')
    for below in routes if isinstance(routes, list) else ():
        if isinstance(below, dict):
            yield from _waits(below, receiver, wait)


def _wait(value, otherwise):
    found = shapes.seconds(value)
    return otherwise if found is None else found
