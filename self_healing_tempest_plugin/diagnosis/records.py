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

"""What a diagnosis consists of, as frozen records."""

import dataclasses

from self_healing_tempest_plugin.model import links


@dataclasses.dataclass(frozen=True)
class Fact:
    """What one side says.

    :ivar side: the service that says it, e.g. ``Alertmanager``
    :ivar good: whether it is as it should be; None where nobody knows
    :ivar text: one line, but for a console
    """

    side: str
    good: bool | None
    text: str


@dataclasses.dataclass(frozen=True)
class Works:
    """Whether a link works when it gets its input from us.

    :ivar link: :class:`..model.links.Link`
    :ivar works: None where nobody knows
    :ivar why: one sentence
    """

    link: links.Link
    works: bool | None
    why: str


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """Why a run is not good, as far as the services tell.

    :ivar last_good: the last link that came, or None
    :ivar last_object_id: what shows it
    :ivar missing: the first link that did not come, or None
    :ivar facts: what each side says, tuple of :class:`Fact`
    :ivar look_at: one sentence on where to look next, without a full stop
    :ivar bisect: the links after the missing one, tuple of :class:`Works`
    """

    last_good: links.Link | None
    last_object_id: str
    missing: links.Link | None
    facts: tuple[Fact, ...]
    look_at: str
    bisect: tuple[Works, ...] = ()
