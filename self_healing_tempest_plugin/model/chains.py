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

"""A way of healing, as a value: links, their order, and what healed means."""

import dataclasses
import functools

from self_healing_tempest_plugin.model import healing
from self_healing_tempest_plugin.model import links


@dataclasses.dataclass(frozen=True)
class Step:
    """Something that a run waits for.

    :ivar link: :class:`.links.Link`
    :ivar mark: :class:`.links.Mark`
    :ivar after: the step that it waits for, None for the fault
    """

    link: links.Link
    mark: links.Mark = links.Mark.FINISHED
    after: 'Step | None' = None


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Chain:
    """Links in order, from what the fault sets off to the application.

    :ivar name: as reports name it
    :ivar links: tuple of :class:`.links.Link`; in the last, the application
        answers
    :ivar steps: tuple of :class:`Step`, in the order in which to wait; an
        object that works on the link behind it ends after that
    :ivar repair: the link whose end shows that the server is repaired
    :ivar template: file name of the HOT of an application that it heals
    :ivar member: whether a plain member of another project owns the
        application, and not the administrator
    :ivar once: whether a server that is replaced more than once is a failure:
        several work side by side, and only one may
    :ivar healed: what "healed" means, one of :mod:`.healing`
    """

    name: str
    links: tuple[links.Link, ...]
    steps: tuple[Step, ...]
    repair: links.Link
    template: str = ''
    member: bool = False
    once: bool = False
    healed: healing.Healing = healing.REPLACED

    def __repr__(self):
        return '<chain %s>' % self.name

    @property
    def goal(self):
        """Return the last link, in which the application answers."""
        return self.links[-1]

    def index(self, link):
        """Return the place of a link; the fault is before all links.

        :param link: :class:`.links.Link`
        :returns: 0 for the first link, -1 for the fault
        """
        return -1 if link is links.FAULT else self.links.index(link)

    def link(self, name):
        """Return the link of a name, None when there is none.

        :param name: e.g. ``workflow``
        """
        return self._named.get(name)

    @functools.cached_property
    def _named(self):
        return {link.name: link
                for link in reversed((links.FAULT, *self.links))}

    def before(self, link):
        """Return the links before another link, the nearest first.

        :param link: :class:`.links.Link`
        :returns: tuple, without the fault
        """
        return self.links[:max(0, self.index(link))][::-1]

    def since(self, link):
        """Return the steps of a link and of those behind it.

        :param link: :class:`.links.Link`
        :returns: tuple of :class:`Step`
        """
        return tuple(step for step in self.steps
                     if self.index(step.link) >= self.index(link))

    def until(self, link):
        """Return the steps of a link and of those before it.

        :param link: :class:`.links.Link`, None for no step at all
        :returns: tuple of :class:`Step`
        """
        return () if link is None else tuple(
            step for step in self.steps
            if self.index(step.link) <= self.index(link))

    @property
    def carriers(self):
        """Return the links whose objects work on links behind them."""
        ends = {step.link for step in self.steps
                if step.mark is links.Mark.FINISHED}
        return tuple(step.link for step in self.steps
                     if step.mark is links.Mark.STARTED and step.link in ends)

    def carrier(self, link):
        """Return the link whose object works on another link, or None.

        The carrier starts before that link, and ends after it; of several
        carriers it is the last that has started.

        :param link: :class:`.links.Link`
        """
        ends = [step.link for step in self.steps
                if step.mark is links.Mark.FINISHED]
        return next((
            carrier for carrier in reversed(self.carriers) if link in ends
            and self.index(carrier) < self.index(link)
            and ends.index(carrier) > ends.index(link)), None)
