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

"""Looks at the event alarms of the stack in Aodh."""

from self_healing_tempest_plugin.links import aodh_events
from self_healing_tempest_plugin.links.event_alarm import link
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import stamps
from self_healing_tempest_plugin.watching import looks

_GONE = 'gone'


class EventAlarmWatcher:
    """The event alarms of the stack, and the events that have fired them."""

    link, pace = link.LINK, looks.USUAL

    def __init__(self, aodh, names, server_id):
        """Take the events of before.

        :param aodh: :class:`...services.aodh.Aodh` of the owner
        :param names: ids of the alarms, with their names, a dict
        :param server_id: the server that an event has to be about
        """
        self._aodh, self._names = aodh, names
        self._server_id = server_id
        listed = aodh.alarms()
        self._reasons = {alarm_id: _reason(listed.get(alarm_id))
                         for alarm_id in names}
        self._before = {alarm_id: self._fired(alarm_id, reason)
                        for alarm_id, reason in self._reasons.items()}

    def look(self, recorder):
        """Ask once; see :class:`..looks.Look`.

        The list of alarms tells the last reason of each. It is the history
        that has the others, and the times; it may come a moment later, and
        there is none where Aodh is told to record nothing.
        """
        listed = self._aodh.alarms()
        seen_at = recorder.now()
        fired = {alarm_id: self._since(alarm_id, _reason(listed.get(alarm_id)))
                 for alarm_id in self._names}
        return looks.Look(
            self._state(listed, fired),
            tuple(self._sighting(alarm_id, event, time)
                  for alarm_id, events in fired.items()
                  for event, time in events.items()),
            objects=tuple(alarm_id for alarm_id, events in fired.items()
                          if any(event.server_id == self._server_id
                                 for event in events)),
            seen_at=seen_at)

    def _since(self, alarm_id, reason):
        """Return the events since then, each with its time, a dict."""
        if reason == self._reasons[alarm_id]:
            return {}
        return {event: time for event, time
                in self._fired(alarm_id, reason).items()
                if event not in self._before[alarm_id]}

    def _fired(self, alarm_id, reason):
        """Return all events that have fired an alarm, each with its time."""
        if reason is None:
            return {}
        fired = {aodh_events.of_reason(change['reason']): change['timestamp']
                 for change in self._aodh.transitions(alarm_id)}
        fired.setdefault(aodh_events.of_reason(reason))
        # Somebody may have set the state by hand.
        fired.pop(None, None)
        return fired

    def _sighting(self, alarm_id, event, time):
        return looks.Sighting(links.Mark.FINISHED, alarm_id, {
            'server_id': event.server_id, 'alarm': self._names[alarm_id],
            'event_id': event.id, 'event_type': event.type,
            'timestamp': time}, stamps=stamps.at('Aodh', time))

    def _state(self, listed, fired):
        return ', '.join('%s %s' % (
            name, 'fired' if fired[alarm_id]
            else listed.get(alarm_id, {}).get('state', _GONE))
            for alarm_id, name in self._names.items())


def _reason(alarm):
    """Return why an alarm is as it is, None of one that is gone."""
    return alarm and alarm.get('state_reason')
