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
import re
from urllib import parse

from self_healing_tempest_plugin.services import strangers

_COUNTER = re.compile(
    r'^alertmanager_notification(?P<unit>s|_requests)_(?P<failed>failed_)?'
    r'total\{(?P<labels>[^}]*)\} (?P<value>\S+)$', re.MULTILINE)
_INTEGRATION = re.compile(r'\bintegration="([^"]*)"')


@dataclasses.dataclass(frozen=True)
class Sent:
    """What Alertmanager has sent by one integration since it started.

    :ivar total: notifications, and tries where it counts them
    :ivar failed: how many of these failed
    """

    total: float
    failed: float

    def since(self, before):
        """Return what has come since an earlier count.

        :param before: :class:`Sent`; a greater count is of an earlier process
        """
        if before.total > self.total:
            return self
        return Sent(self.total - before.total, self.failed - before.failed)


class Alertmanager(strangers.Api):
    """Alerts, silences and notifications of one Alertmanager, API v2."""

    service = 'Alertmanager'

    def alerts(self, name):
        """Return the alerts of one name, silenced ones too, as dicts.

        :param name: of the alert
        """
        alerts = self._json('list alerts', '/api/v2/alerts')
        return [alert for alert in alerts
                if alert['labels']['alertname'] == name]

    def silence(self, silence_id):
        """Return a silence as a dict."""
        return self._json('show silence %s' % silence_id,
                          '/api/v2/silence/%s' % parse.quote(silence_id))

    def sent(self):
        """Return what was sent, as :class:`Sent` by name of integration.

        Tries count sooner than notifications, which fail only when all
        their tries have; an old Alertmanager counts no tries.
        """
        text = self._get('count notifications', '/metrics').text
        counts = {}
        for match in _COUNTER.finditer(text):
            name = _INTEGRATION.search(match['labels'])
            if name:
                key = match['unit'], bool(match['failed']), name[1]
                counts[key] = counts.get(key, 0) + float(match['value'])
        unit = '_requests' if any(key[0] == '_requests'
                                  for key in counts) else 's'
        return {name: Sent(value, counts.get((unit, True, name), 0))
                for (its, failed, name), value in counts.items()
                if its == unit and not failed}
