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

"""What binds a link to the cloud: its watcher, its inquiries, its checks."""

import dataclasses
import pkgutil
import typing

from self_healing_tempest_plugin.model import links


def _nobody(around):
    del around


def _nothing(*around):
    del around
    return ''


def _none(*around):
    del around
    return ()


def _no_names(*around):
    del around
    return {}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kit:
    """All that is done for one link; each part may be missing.

    ``around`` is :class:`.surroundings.Surroundings`, with what the links
    before this link have learned.

    :ivar link: :class:`..model.links.Link`
    :ivar ids: of around; what the link adds to the ids of an expectation
    :ivar parameters: of :class:`..config.Settings`; what the template of the
        application takes for the link
    :ivar wire: of around; a fixture that is in use while the application is
        there, or None. It has ``learned``, a dict, and ``problem``, why it
        will not work, or ''
    :ivar prepare: of around; waits until the link could come, and returns
        what it has learned, a dict
    :ivar remember: of around; what is to be known from right before the
        fault, a dict
    :ivar watcher: of around; what looks for the link, see
        :mod:`..watching.looks`. None for a link that nobody looks for
    :ivar unmet: of around; why a fault would prove nothing now, or ''
    :ivar not_back: of around; what is not as before the fault, or ''
    :ivar remains: of around and a server's id; what is left of it, or ''
    :ivar inquiries: of :class:`.context.Case`; what both sides of
        the link are asked when it is not as it should be
    :ivar at_work: of the same; what the service that works on the link behind
        is asked when that link is missing
    :ivar others: of the same; what is asked when somebody else may have healed
    :ivar details: of a timeline, an expectation and around; what to ask when
        all is over, :class:`..services.asking.Question` by name, each of
        which returns :class:`..model.timelines.Detail` objects
    :ivar handover: :class:`.handover.Handover` that feeds the link, or None
    :ivar questions: of :class:`..preflight.cloud.Cloud`; what preflight
        asks, by service and name
    :ivar checks: what its answers mean, :class:`.rows.Check`
        objects
    """

    link: links.Link
    ids: typing.Callable = _no_names
    parameters: typing.Callable = _no_names
    wire: typing.Callable = _nobody
    prepare: typing.Callable = _no_names
    remember: typing.Callable = _no_names
    watcher: typing.Callable = _nobody
    unmet: typing.Callable = _nothing
    not_back: typing.Callable = _nothing
    remains: typing.Callable = _nothing
    inquiries: typing.Callable = _none
    at_work: typing.Callable = _none
    others: typing.Callable = _none
    details: typing.Callable = _no_names
    handover: typing.Any = None
    questions: typing.Callable = _no_names
    checks: tuple = ()


def of(link):
    """Return the kit of a link.

    :param link: :class:`..model.links.Link`
    :returns: :class:`Kit`
    """
    return pkgutil.resolve_name(link.kit)


def of_chain(chain):
    """Return the kits of the links of a chain, in order.

    :param chain: :class:`..model.chains.Chain`
    :returns: tuple of :class:`Kit`
    """
    return tuple(map(of, chain.links))


def parameters(chain, settings):
    """Return what the template of an application takes for a chain, a dict.

    :param chain: :class:`..model.chains.Chain`
    :param settings: :class:`..config.Settings`
    """
    return {name: value for kit in of_chain(chain)
            for name, value in kit.parameters(settings).items()}


def prepared(chain, around):
    """Wait until the links of a chain could come.

    :param chain: :class:`..model.chains.Chain`
    :param around: :class:`.surroundings.Surroundings`, with an application
    :returns: the same, with what the links have learned
    """
    for kit in of_chain(chain):
        around = around.knowing(**kit.prepare(around))
    return around


def remembering(chain, around):
    """Return surroundings with what is to be known of before the fault.

    :param chain: :class:`..model.chains.Chain`
    :param around: :class:`.surroundings.Surroundings`, prepared
    """
    for kit in of_chain(chain):
        around = around.knowing(**kit.remember(around))
    return around


def ids(chain, around):
    """Return what the links of a chain add to the ids of an expectation.

    :param chain: :class:`..model.chains.Chain`
    :param around: :class:`.surroundings.Surroundings`, prepared
    """
    return {name: value for kit in of_chain(chain)
            for name, value in kit.ids(around).items()}
