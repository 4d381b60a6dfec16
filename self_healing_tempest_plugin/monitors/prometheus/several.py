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

"""Several that do the same: at several URLs, or behind one of them.

Two Prometheus each raise the alert, two Alertmanagers each have it, and one of
them tells Vitrage. That it is missing at one of them is a fault only where
nobody else has it; and where somebody has not answered, nobody knows that.
"""

import dataclasses
import functools
import itertools

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.monitors import monitor
from self_healing_tempest_plugin.monitors.prometheus import counting
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import waiting

Clue = context.Clue

#: How often one URL is asked, where the answers are not good: whoever shares
#: the work out in turn has asked each of so many by then.
LOOKS = 3

# More of them, where there are said to be more; and seconds in which a further
# look may begin.
_MOST_LOOKS = 12
_PATIENCE = monitor.MONITOR_TIMEOUT

#: Seconds in which all of them have to answer; and where somebody waits.
ALL = 2.0 * monitor.MONITOR_TIMEOUT
SOON = 3.0


def inquiry(apis, what, ask, about):
    """Return the :class:`...links.context.Inquiry` to several of a kind.

    :param apis: not empty
    :param what: see there
    :param ask: function of one of them and of what ``about`` returns, which
        returns clues
    :param about: function of the case, called once for all of them
    """
    return context.Inquiry(
        apis[0].service, what,
        lambda case: _asked(apis, ask, about(case)))


def each(apis, ask, seconds=ALL):
    """Ask all of several of a kind, side by side.

    :param ask: function of one of them
    :returns: list of pairs of an answer and a
        :class:`...services.errors.ServiceError`, one of which is None
    """
    answers = asking.ask({
        str(number): asking.Question(api.service, functools.partial(ask, api))
        for number, api in enumerate(apis)}, seconds)
    told = []
    for number in range(len(apis)):
        error = answers.error(str(number))
        told.append((None if error else answers[str(number)], error))
    return told


def answered(apis, ask, seconds=ALL):
    """Return the answers of those that answer, see :func:`each`.

    :raises ...services.errors.ServiceError: when there are some, and none
        does
    """
    told = each(apis, ask, seconds)
    found = [answer for answer, error in told if error is None]
    if told and not found:
        raise told[0][1]
    return found


def alerts(apis, name, wanted):
    """Return the alerts of one name, of all Alertmanagers, each once.

    :param apis: :class:`.alertmanager.Alertmanager` objects
    :param name: of the alert
    :param wanted: function of an alert; where it holds for one, nobody else
        behind the same URL is looked for
    :returns: list of :class:`.shapes.Alert`
    :raises ...services.errors.ServiceError: when nobody answers
    """
    found = answered(apis, lambda api: [
        alert for answer, _ in _looks(
            lambda: api.alerts(name), lambda alerts: any(map(wanted, alerts)))
        for alert in answer or ()])
    return list({alert.fingerprint or id(alert): alert
                 for several in found for alert in several}.values())


def in_turn(apis):
    """Return how to ask the time of several, of another one each time.

    Where their clocks are not the same, all of them are the clock.

    :param apis: not empty
    """
    order = itertools.cycle(apis)

    def ask():
        for left in reversed(range(len(apis))):
            try:
                return next(order).date()
            except errors.ServiceError:
                if not left:
                    raise
        return None

    return ask


def counts(apis):
    """Return what all Alertmanagers have sent, :class:`.counting.Counts`.

    :param apis: :class:`.alertmanager.Alertmanager` objects
    :raises ...services.errors.ServiceError: when nobody answers
    """
    told = each(apis, _counted)
    if all(error for _, error in told):
        raise told[0][1]
    return counting.together(
        [[count for count, _ in looks or () if count] for looks, _ in told],
        any(error or any(trouble for _, trouble in looks)
            for looks, error in told))


def _counted(api):
    seen = []

    def enough(count):
        seen.append(count)
        keys = {one.key for one in seen}
        return len(seen) >= LOOKS and (None in keys or len(keys) >= max(
            one.members for one in seen))

    return _looks(api.count, enough, _MOST_LOOKS)


def _looks(ask, enough, most=LOOKS):
    """Ask one URL until it is enough, or often enough.

    :returns: list of pairs of an answer and an error, one of which is None
    :raises ...services.errors.ServiceError: when there is no answer at all
    """
    began, looks = waiting.CLOCK.now(), []
    while len(looks) < most:
        try:
            looks.append((ask(), None))
        except errors.ServiceError as error:
            looks.append((None, error))
        answer, error = looks[-1]
        if (error is None and enough(answer)) or (
                waiting.CLOCK.now() - began > _PATIENCE) or (
                    len(looks) == LOOKS and not any(
                        trouble is None for _, trouble in looks)):
            break
    if all(trouble for _, trouble in looks):
        raise looks[0][1]
    return looks


def _asked(apis, ask, case):
    """Return the clues of all of them, as an inquiry has them."""
    told = each(apis, lambda api: _clues(api, ask, case))
    if all(error for _, error in told):
        raise told[0][1]
    good = any(clue.good for clues, _ in told for clue in clues or ())
    sure = not good and not any(error for _, error in told)
    prefixes = ['%s: ' % api.place if len(apis) > 1 else '' for api in apis]
    found = []
    for prefix, (clues, error) in zip(prefixes, told):
        if error:
            found.append(Clue(None, '%sno answer: %s' % (prefix, error)))
            continue
        found += [dataclasses.replace(
            clue if sure or clue.good is not False else _doubted(clue, good),
            text=prefix + clue.text) for clue in clues]
    return tuple(found)


def _doubted(clue, good):
    """Return what is wrong at one, where that may be nothing."""
    return Clue(None, clue.text, '' if good else clue.look_at)


def _clues(api, ask, case):
    """Return the clues of whoever is behind one URL.

    What one of them says is no fault where another one says otherwise.
    """
    looks = _looks(lambda: tuple(ask(api, case)),
                   lambda clues: any(clue.good for clue in clues))
    answers = [clues for clues, error in looks if error is None]
    if any(clue.good for clue in answers[-1]):
        return answers[-1]
    if len(answers) == len(looks) and len(set(answers)) == 1:
        return answers[-1]
    return tuple(_doubted(clue, False) if clue.good is False else clue
                 for clue in answers[-1])
