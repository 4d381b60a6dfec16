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

"""Looks for what Vitrage deduces for the server."""

import dataclasses
import threading

from self_healing_tempest_plugin.links import vitrage_alarms
from self_healing_tempest_plugin.links.vitrage_deduction import link
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.watching import looks


class DeductionWatcher:
    """The deduced alarm on the server, and its deduced state."""

    pace = looks.USUAL

    def __init__(self, vitrage, server, name, of=link.LINK, lag=0.0):
        """Take the alarms of before.

        :param server: the server's vertex in Vitrage's graph, a dict
        :param name: name of the deduced alarm
        :param of: :class:`..model.links.Link` that it is evidence of
        :param lag: seconds that the deduction may be older than its alarm in
            the graph
        """
        self.link, self._lag = of, lag
        self._vitrage, self._server = vitrage, server['id']
        self._alarms = vitrage_alarms.Alarms(
            vitrage, server, vitrage_alarms.DEDUCED, name)
        self._lock = threading.Lock()
        self._causes, self._asked = {}, {}

    def look(self, recorder):
        """Ask once; see :class:`..looks.Look`.

        The server and its state go when Heat deletes the server, and the
        state goes with an alarm that is cleared; then the alarm in the
        history is enough.
        """
        entity, alarms = self._alarms.look(recorder.now)
        seen_at = recorder.now()
        state = _deduced_state(entity)
        text = 'alarm %s, server %s' % (
            alarms[-1].state if alarms else vitrage_alarms.NOT_YET, state)
        sure = [alarm for alarm in alarms
                if not alarm.present or state == 'ERROR']
        return looks.Look(text, tuple(
            self._sighting(alarm, state, recorder.now()) for alarm in sure),
            objects=tuple(alarm.id for alarm in alarms),
            seen_at=seen_at if sure else None)

    def _sighting(self, alarm, state, now):
        alarm = dataclasses.replace(alarm, lag=max(alarm.lag, self._lag))
        return alarm.sighting(
            server_id=self._server, state_error=state == 'ERROR',
            causes=self._causes_of(alarm.id, now))

    def _causes_of(self, alarm_id, now):
        """Return the ids of the alarms that caused an alarm, as far as known.

        Other causes may join the first, so that they are asked for again.
        """
        with self._lock:
            if now < self._asked.get(alarm_id, -float('inf')) + (
                    vitrage_alarms.HISTORY_INTERVAL):
                return self._causes.get(alarm_id, ())
            self._asked[alarm_id] = now
        try:
            causes = self._vitrage.causes(alarm_id)
        except errors.ServiceError:
            # Nobody knows then, and the alarm is there all the same.
            causes = ()
        with self._lock:
            self._causes[alarm_id] = tuple(sorted(
                {*self._causes.get(alarm_id, ()), *causes}))
            return self._causes[alarm_id]


def _deduced_state(entity):
    if entity is None:
        return 'gone'
    return entity.get('vitrage_aggregated_state') or 'without state'
