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

"""One case of sabotage, as data."""

import dataclasses
import types
import typing

#: Seconds that a link may take on the lab. Healthy ones take less than half
#: of it: a broken one shall show soon.
DEADLINES = types.MappingProxyType({
    'alarm': 20, 'deduction': 10, 'event_alarm': 15, 'message': 10,
    'workflow': 10, 'stack': 90, 'application': 20})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that is wrong, and what the suite must say of it.

    :ivar name: of the case
    :ivar broken: what is wrong, in a few words
    :ivar kind: of the verdict
    :ivar link: label of the link that the verdict must name, or None
    :ivar before: what is broken before the application is created, until it
        is deleted; instances of classes of :mod:`.breakages`
    :ivar act: name of the function of :mod:`.acts` that breaks something
        around the drill, or None
    :ivar options: of [self_healing], other than those of the lab
    :ivar deadlines: seconds by link, other than :data:`DEADLINES`
    :ivar says: a regular expression that the verdict's reason must match
    :ivar points: the same for where the diagnosis says to look next
    :ivar interrupted: whether the run is interrupted, and so ends by a
        KeyboardInterrupt
    :ivar works: whether each later link works on its own, by label, as the
        bisect must say; empty: without a bisect
    :ivar expectation: fields of the expectation, other than by default
    :ivar healing: whether the application has a healing rule
    :ivar feature: of the scenario, see :mod:`...scenarios`
    :ivar healed: how many other applications on the host are healed
    :ivar quick: whether it is one of the few that run always
    """

    name: str
    broken: str
    kind: str = 'BROKEN'
    link: str | None = None
    before: tuple = ()
    act: str | None = None
    options: typing.Mapping = dataclasses.field(default_factory=dict)
    deadlines: typing.Mapping = dataclasses.field(default_factory=dict)
    says: str = ''
    points: str = ''
    interrupted: bool = False
    works: typing.Mapping = dataclasses.field(default_factory=dict)
    expectation: typing.Mapping = dataclasses.field(default_factory=dict)
    healing: bool = True
    feature: str = 'host_crash'
    healed: int = 0
    quick: bool = False

    @property
    def settings(self):
        """Return the options of [self_healing] that the case is run with."""
        return dict(self.options, bisect=str(bool(self.works)).lower())

    @property
    def expected(self):
        """Return the verdict in a few words."""
        return self.kind + (' at %s' % self.link if self.link else '')
