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

"""The deadline and the objective of each link of a chain.

A link brings a record, from which its options are made: ``<link>_timeout``
and ``slo_<link>``. Objectives are what "self-healing-tempest report" holds
against the times of several runs; nothing else reads them.
"""

import dataclasses
import typing

from oslo_config import cfg

from self_healing_tempest_plugin import chains
from self_healing_tempest_plugin.config.options import timing


@dataclasses.dataclass(frozen=True)
class LinkOptions:
    """The options of a link.

    :ivar link: name of the link
    :ivar default: seconds of its deadline, or a function that returns them
        for the group [self_healing]
    :ivar help: what the deadline bounds
    :ivar objective: what the objective bounds, None where there is none
    :ivar maximum: seconds that the deadline may be at most
    """

    link: str
    default: int | typing.Callable[[typing.Any], int]
    help: str
    objective: str | None
    maximum: int = 86400

    @property
    def timeout(self):
        """Return the name of the option of its deadline."""
        return '%s_timeout' % self.link

    def seconds(self, own):
        """Return its deadline in seconds.

        :param own: the group [self_healing]
        """
        value = getattr(own, self.timeout)
        if value is None and callable(self.default):
            return self.default(own)
        return value


WITNESS = LinkOptions(
    'witness', default=30, maximum=3600, objective=None,
    help='Seconds until an injected fault must show. Without a witness '
         'the run is invalid.')


def of_links(links):
    """Return the options of some links, of each name once.

    :param links: :class:`..model.links.Link` objects
    :returns: tuple of :class:`LinkOptions`
    """
    return tuple({link.name: LinkOptions(
        link.name, help=link.deadline.help, objective=link.deadline.takes,
        default=timing.snapshot_and_margin if link.deadline.seconds is None
        else link.deadline.seconds) for link in links
        if link.deadline is not None}.values())


# The longest chain has the order of the others within it.
LINKS = of_links(link for chain in sorted(
    chains.known(), key=lambda chain: len(chain.links), reverse=True)
    for link in chain.links)

_HEALING = 'the time from the fault to the answer of the healed application'


def timeout_options(links):
    """Return the options of the deadlines, as a list.

    :param links: :class:`LinkOptions`, in the order of the options
    """
    return [cfg.IntOpt(
        link.timeout, min=1, max=link.maximum, help=link.help,
        default=None if callable(link.default) else link.default)
        for link in links]


def objective_options(links):
    """Return the options of the objectives, as a list.

    :param links: :class:`LinkOptions`, in the order of the options; the
        whole chain has the last one
    """
    options = [_objective(link.link, link.objective) for link in links
               if link.objective is not None]
    return options + [_objective('healing', _HEALING)]


def _objective(name, what):
    return cfg.FloatOpt(
        'slo_%s' % name, min=0, max=86400,
        help='Seconds that p95 of %s may be at most, over several runs; '
             '"self-healing-tempest report" says whether that is met. Empty: '
             'no objective.' % what)


TIMEOUTS = timeout_options((WITNESS, *LINKS))
OBJECTIVES = objective_options(LINKS)
