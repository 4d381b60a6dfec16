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

"""An alarm of our own in Vitrage, from which it should deduce."""

import contextlib
import dataclasses

from self_healing_tempest_plugin.faults import lifecycle
from self_healing_tempest_plugin.links import handover
from self_healing_tempest_plugin.monitors import events
from self_healing_tempest_plugin import synthetic_alarm
from self_healing_tempest_plugin import waiting


@contextlib.contextmanager
def _alarm(case, recorder):
    around, name, host = case.around, case.ids['host_alarm'], case.ids['host']
    plan = synthetic_alarm.plan(
        events.Alarm(name, host, events.stamp(waiting.CLOCK.wall()),
                     around.monitor.labels(name, host)),
        around.settings.monitor, around.settings.config_file)
    # A cleared alarm goes at once, or with the next snapshot.
    times = around.settings.timeouts
    times = dataclasses.replace(times, host_return=times.graph)
    with lifecycle.injected(plan, around.journal, around.transports, times,
                            recorder):
        yield


# The alarm that is deduced from it names it as its cause.
HANDOVER = handover.Handover(
    what='an alarm of our own in Vitrage', hand_over=_alarm, makes='alarm')
