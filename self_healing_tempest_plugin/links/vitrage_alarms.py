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

"""Alarms in Vitrage: those of the graph, and those of the history."""

import dataclasses
import typing

from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import stamps
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import waiting
from self_healing_tempest_plugin.watching import looks

# Vitrage's history is a database that its persistor fills from a queue: an
# alarm may be older than its first showing by that many seconds. On a loaded
# 2-core machine 3 s were measured.
VITRAGE_DATABASE_LAG = 10.0

# Seconds between two looks into the history for an alarm that came and went
# between two looks at the graph; and, of what is seen already, for what
# caused it.
HISTORY_INTERVAL = 5.0

NOT_YET = 'not there'

# The datasource of what Vitrage deduces.
DEDUCED = 'vitrage'


def wait(around, observe, accept=bool, **options):
    """Wait for something in Vitrage as long as that may take, and return it.

    :param around: :class:`.surroundings.Surroundings`
    :param observe: returns what is there
    :param accept: of that; whether it is enough
    :param options: see :func:`..waiting.wait_for`
    :raises ..waiting.WaitTimeout: when it does not come
    """
    times = around.settings.timeouts
    return waiting.wait_for(
        observe, accept, timeout=times.graph, interval=times.poll_interval,
        tolerate=errors.ServiceUnavailable, **options)


class Alarms:
    """The alarms of one name on one entity, without those of before.

    The graph shows an alarm at once, and forgets it with its entity; the
    history comes later, and keeps it.
    """

    def __init__(self, vitrage, entity, datasource, name, clock='Vitrage'):
        """Take the alarms of before.

        :param entity: vertex of the graph, a dict
        :param datasource: ``vitrage_type`` of the alarms
        :param name: of the alarms
        :param clock: whose times the history has; of an alarm that Vitrage
            deduces its own, of another one the monitor's
        """
        self._vitrage, self._entity = vitrage, entity
        self._datasource, self._name = datasource, name
        self._clock = clock
        self._before = frozenset(map(key, self._past()))
        around = vitrage.around(entity['vitrage_id'])
        self._active_before = frozenset(
            alarm['vitrage_id'] for alarm in self._here(around))
        self._past_empty = self._past_asked = -float('inf')

    def look(self, now):
        """Ask the graph, and the history where it is time for that.

        :param now: returns seconds on the runner's clock
        :returns: the entity or None, and the new alarms, a tuple
        """
        begin = now()
        entity, alarms = self._present()
        if entity is not None and (
                begin < self._past_asked + HISTORY_INTERVAL):
            return entity, alarms
        past = [alarm for alarm in self._past()
                if key(alarm) not in self._before]
        self._past_asked = max(self._past_asked, begin)
        if not past:
            self._past_empty = max(self._past_empty, begin)
            return entity, alarms
        gone = _without(past, alarms)
        if entity is not None and any(map(_is_active, gone)):
            # It may have come to the graph between the two questions.
            entity, alarms = self._present()
            gone = _without(past, alarms)
        lag = self._lag(now())
        # An alarm that came and went before the others may have caused all.
        return entity, alarms + tuple(
            _past_sighting(alarm, lag, self._clock)
            for alarm in reversed(gone))

    def _lag(self, now):
        # It counts when the history did not have the alarm; that the graph
        # did not have it later says nothing, and is not asked for longer.
        return VITRAGE_DATABASE_LAG + min(now - self._past_empty,
                                          HISTORY_INTERVAL)

    def _present(self):
        around = self._vitrage.around(self._entity['vitrage_id'])
        return around and around.entity, tuple(
            _graph_sighting(alarm) for alarm in self._here(around)
            if alarm['vitrage_id'] not in self._active_before)

    def _here(self, around):
        return [] if around is None else [
            alarm for alarm in around.alarms
            if (alarm['vitrage_type'], alarm['name'])
            == (self._datasource, self._name)]

    def _past(self):
        return self._vitrage.alarms(self._entity['vitrage_id'],
                                    self._datasource, self._name)


@dataclasses.dataclass(frozen=True)
class Alarm:
    """An alarm of the graph or of the history.

    :ivar present: whether it is in the graph
    """

    id: str
    present: bool
    state: str
    payload: typing.Mapping
    lag: float
    stamps: tuple[timelines.Stamp, ...]

    def sighting(self, **ties):
        """Return that it is there.

        :param ties: what ties it to the fault
        :returns: :class:`..watching.looks.Sighting`
        """
        return looks.Sighting(
            links.Mark.FINISHED, self.id, dict(self.payload, **ties),
            self.lag, self.stamps)


def _graph_sighting(alarm):
    # The sample is of the newest of perhaps several updates. An alarm that
    # Vitrage deduces is updated by itself only: then that is its beginning.
    told = stamps.not_after('Vitrage', alarm.get('vitrage_sample_timestamp'))
    if alarm['vitrage_type'] == DEDUCED:
        told += stamps.at('Vitrage', alarm.get('update_timestamp'))
    return Alarm(alarm['vitrage_id'], True, 'active', _alarm_payload(alarm),
                 0.0, told)


def _past_sighting(alarm, lag, clock):
    return Alarm(alarm['vitrage_id'], False, _alarm_state(alarm),
                 _alarm_payload(alarm), lag,
                 stamps.stored(clock, alarm.get('start_timestamp')))


def key(alarm):
    """Return what tells an alarm from all others.

    :param alarm: a dict of Vitrage
    """
    # The same vertex may come back: the start makes it another alarm.
    return alarm['vitrage_id'], alarm.get('start_timestamp')


def _alarm_payload(alarm):
    return {key: alarm.get(key) for key in (
        'name', 'vitrage_type', 'vitrage_resource_id', 'start_timestamp',
        'end_timestamp', 'update_timestamp', 'vitrage_sample_timestamp')}


def _without(past, present):
    """Return the alarms of the history that the graph does not show."""
    shown = {alarm.id for alarm in present}
    return [alarm for alarm in past if alarm['vitrage_id'] not in shown]


def _is_active(alarm):
    return not alarm.get('end_timestamp')


def _alarm_state(alarm):
    return 'active' if _is_active(alarm) else 'ended'
