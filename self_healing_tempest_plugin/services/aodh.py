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

"""Aodh: the event alarms of one project, and what has become of them.

An alarm of type ``event`` goes to state ``alarm`` by an event of its project,
and by nothing does it leave that state. What can be seen of a second event
that comes in that state depends on the alarm's ``repeat_actions``: where it is
false, the event is passed over. Where it is true, the alarm is stored again,
with the second event in its ``state_reason``, and its history has one more
entry of type ``state transition`` (``aodh.evaluator.event``, since 2016).
``state_timestamp`` is left as it is: it tells when the alarm was made.
"""

import contextlib
import functools
import json

from self_healing_tempest_plugin.services import apis
from self_healing_tempest_plugin.services import errors


def _own(error):
    # aodh.api.middleware; of a path that it does not know, it wraps a page.
    told = errors.body(error).get('error_message')
    return isinstance(told, dict) and 'faultstring' in told


_calling = functools.partial(errors.calling, 'Aodh', dialect=errors.Dialect(
    own=_own))

_TRANSITION = 'state transition'


class Aodh:
    """Event alarms of one project."""

    def __init__(self, keystone, cloud):
        self._api = apis.Api(keystone, cloud, cloud.aodh_catalog_type, 'v2')

    def version(self):
        """Return the newest version of its API as text."""
        with _calling('show its version'):
            return self._api.newest(self.alarms)

    def alarms(self):
        """Return the event alarms of the project by id, as dicts."""
        with _calling('list event alarms'):
            listed = self._api.get('alarms', **{
                'q.field': 'type', 'q.op': 'eq', 'q.value': 'event'})
            return {alarm['alarm_id']: dict(alarm) for alarm in listed
                    if alarm['type'] == 'event'}

    def alarm(self, alarm_id):
        """Return an alarm as a dict, None when there is none."""
        with contextlib.suppress(errors.NotThere), _calling(
                'show alarm %s' % alarm_id):
            return self._api.get('alarms/%s' % alarm_id)
        return None

    def transitions(self, alarm_id):
        """Return the changes of an alarm's state, oldest first.

        :returns: list of dicts: ``timestamp``, and ``reason``, of the event
            that has fired it; none of an alarm that is gone, nor where
            ``[DEFAULT] record_history`` is false
        """
        with contextlib.suppress(errors.NotThere), _calling(
                'show the history of alarm %s' % alarm_id):
            changes = self._api.get('alarms/%s/history' % alarm_id)
            return [{'timestamp': change['timestamp'],
                     'reason': json.loads(change['detail']).get(
                         'transition_reason')}
                    for change in reversed(changes)
                    if change['type'] == _TRANSITION]
        return []
