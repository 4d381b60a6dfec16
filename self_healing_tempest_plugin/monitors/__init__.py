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

"""Who notices a dead host, and how Vitrage shows what it has noticed."""

import dataclasses
import typing

from self_healing_tempest_plugin.monitors import doctor
from self_healing_tempest_plugin.monitors import prometheus


@dataclasses.dataclass(frozen=True)
class Monitor:
    """A monitor as Vitrage sees it.

    :ivar datasource: ``vitrage_type`` of its alarms
    :ivar look_at: where to look when it raises none
    :ivar raised: returns the event that raises an :class:`.events.Alarm`
    :ivar cleared: returns the event that ends one, at a given moment
    :ivar is_own: returns whether an alarm of that name on that host, as the
        graph has it, is the :class:`.events.Alarm` that was raised
    """

    datasource: str
    look_at: str
    raised: typing.Callable
    cleared: typing.Callable
    is_own: typing.Callable


MONITORS = {name: Monitor(one.DATASOURCE, one.LOOK_AT, one.raised,
                          one.cleared, one.is_own)
            for name, one in (('prometheus', prometheus),
                              ('doctor', doctor))}
