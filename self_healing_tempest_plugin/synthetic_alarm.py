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

"""An alarm of our own in Vitrage, as a fault of the journal.

Where nobody clears it, it goes with one of Vitrage's next snapshots, or never:
that depends on the datasource, see its monitor. So each alarm is written down
in the journal before it is raised, and ``self-healing-tempest revert`` clears
it when the run was killed.

The commands of the journal run this module in a process of its own::

    python -m self_healing_tempest_plugin.synthetic_alarm \
        raise|clear|look|came --config-file FILE ALARM

``look`` has the exit code 0 when the alarm is there, and 1 when it is not;
``came`` has 0 when it has been there, too.
"""

import dataclasses
import json
import sys

from tempest.common import credentials_factory
from tempest import config as tempest_config

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import steps
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin.monitors import events
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import session
from self_healing_tempest_plugin.services import vitrage
from self_healing_tempest_plugin import waiting

KIND = 'synthetic-alarm'

# Seconds after which an alarm whose end was posted should be gone.
CLEAR_PATIENCE = 20.0


def plan(alarm, monitor, config_file):
    """Return the fault that is this alarm.

    :param alarm: :class:`..monitors.events.Alarm`
    :param monitor: its name, one of :func:`..monitors.names`
    :param config_file: absolute path of the tempest.conf
    :returns: :class:`..faults.plans.Plan`
    :raises ..faults.gates.FaultRefused: where nobody can raise an alarm in
        the place of that monitor
    """
    if monitors.kind(monitor).event_source is None:
        raise gates.FaultRefused(
            'no alarm can be raised in the place of [self_healing] monitor '
            '"%s"' % monitor)
    text = json.dumps(dict(dataclasses.asdict(alarm), monitor=monitor),
                      sort_keys=True)

    def command(step):
        return steps.command(__spec__.name, step, config_file, text)

    what = 'synthetic alarm %s on host %s in Vitrage' % (
        alarm.name, alarm.host)
    there = command('look')
    return plans.Plan(
        id=plans.new_id(), kind=KIND, host=alarm.host, description=what,
        look_at="'vitrage alarm list' and vitrage-graph's log",
        checks=(plans.Check('there is no %s' % what, there, holds=False),),
        # A snapshot may take it back within a second.
        inject=(command('raise'),),
        witnesses=(plans.Check(what, command('came')),),
        revert=(command('clear'),))


def planned(host, around):
    """Return the fault that is an alarm on a host, as the monitor raises it.

    :param host: as Nova names it
    :param around: :class:`.links.surroundings.Surroundings`
    :returns: :class:`.faults.plans.Plan`
    :raises .faults.gates.FaultRefused: for a host that may run guests, and
        see :func:`plan`
    """
    gates.check_guests(host, around.clients.nova.hypervisor_type(host))
    alarm = events.Alarm(
        around.alarm.name, host, events.stamp(waiting.CLOCK.wall()),
        around.monitor.labels(around.alarm.name, host))
    return plan(alarm, around.settings.monitor, around.settings.config_file)


def is_there(vitrage, alarm, source):
    """Return whether the graph has this alarm.

    Vitrage keeps one alarm of a name on a host, and may tell a later time of
    it than was posted, once another alarm was deduced from it. Whether it is
    ours says the event source that raised it, by ``is_own``.

    :param vitrage: :class:`..services.vitrage.Vitrage`
    :param alarm: :class:`..monitors.events.Alarm`
    :param source: :class:`..monitors.events.EventSource` that raised it
    """
    host = vitrage.entity('nova.host', alarm.host)
    return host is not None and _is_on(host, vitrage, alarm, source)


def _is_on(host, vitrage, alarm, source):
    around = vitrage.around(host['vitrage_id'])
    return around is not None and any(
        (present['vitrage_type'], present['name']) == (
            source.datasource, alarm.name)
        and source.is_own(present, alarm)
        for present in around.alarms)


def has_come(vitrage, alarm, source):
    """Return whether Vitrage has taken this alarm, be it gone by now.

    The history keeps the time that was posted, as whole seconds.

    :param vitrage: see :func:`is_there`
    :param alarm: see :func:`is_there`
    :param source: see :func:`is_there`
    """
    host = vitrage.entity('nova.host', alarm.host)
    return host is not None and (
        _is_on(host, vitrage, alarm, source) or any(
            source.is_own(past, alarm)
            and _second(past['start_timestamp']) >= _second(alarm.began)
            for past in vitrage.alarms(host['vitrage_id'], source.datasource,
                                       alarm.name)))


def _second(text):
    """Return a time in UTC as text that can be compared."""
    return text.replace('T', ' ')[:len('2026-01-01 00:00:00')]


def _raise(vitrage, alarm, source):
    _post(vitrage, source.raised(alarm))
    return 0


def _clear(vitrage, alarm, source):
    # Vitrage breaks over the end of an alarm that it does not know.
    if not is_there(vitrage, alarm, source):
        return 0
    _end(vitrage, alarm, source)
    try:
        waiting.wait_for(
            lambda: is_there(vitrage, alarm, source),
            lambda there: not there, what='the end of alarm %s' % alarm.name,
            timeout=CLEAR_PATIENCE, tolerate=errors.ServiceUnavailable)
    except waiting.WaitError:
        # A vitrage-graph that was started again still has the alarm in its
        # graph, but its driver does not know it and drops its end.
        _raise(vitrage, alarm, source)
        _end(vitrage, alarm, source)
    return 0


def _end(vitrage, alarm, source):
    _post(vitrage, source.cleared(
        alarm, events.stamp(waiting.CLOCK.wall())))


def _post(vitrage, event):
    vitrage.post_event(event.time, event.kind, event.details)


def _look(vitrage, alarm, source):
    return int(not is_there(vitrage, alarm, source))


def _came(vitrage, alarm, source):
    return int(not has_come(vitrage, alarm, source))


STEPS = {'raise': _raise, 'clear': _clear, 'look': _look, 'came': _came}


def run(step, text, vitrage):
    """Take one step.

    :param step: a key of :data:`STEPS`
    :param text: the alarm, as the journal has it
    :param vitrage: :class:`..services.vitrage.Vitrage`
    :returns: exit code
    """
    values = json.loads(text)
    source = monitors.kind(values.pop('monitor')).event_source
    return STEPS[step](vitrage, events.Alarm(**values), source)


def main(arguments=None):
    """Run one step in a process of its own.

    :param arguments: list of words, or None for those of the process
    :returns: its exit code
    """
    return steps.main(
        __doc__.splitlines()[0], STEPS,
        lambda step, text: run(step, text, _vitrage()), arguments)


def _vitrage():
    cloud = config.settings(tempest_config.CONF).cloud
    credentials = credentials_factory.get_configured_admin_credentials(
        identity_version='v3')
    return vitrage.Vitrage(session.of_project(cloud, credentials), cloud)


if __name__ == '__main__':
    sys.exit(main())
