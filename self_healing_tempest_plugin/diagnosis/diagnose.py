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

"""Why a run is not good: both sides of the link are asked, then and there.

Vitrage swallows most of its errors, and only the missing next link shows
them; so the service that hands over is asked whether it did, and the service
that receives, whether it got anything. They are asked while the fault is still
there, because what explains a missing link goes with the fault.
"""

from self_healing_tempest_plugin.diagnosis import bisect
from self_healing_tempest_plugin.diagnosis import records
from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.links import trust_clues
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.services import asking

Kind = verdicts.Kind

# Seconds in which all answers have to be there.
PATIENCE = 20.0


def diagnose(timeline, expectation, surroundings, patience=PATIENCE):
    """Ask why a run is not good, and bisect where that is wanted.

    That a service does not answer is a fact, too: nothing is raised because
    of it.

    :param timeline: :class:`..model.timelines.Timeline`, concluded
    :param expectation: :class:`..model.expectations.Expectation`
    :param surroundings: :class:`..links.surroundings.Surroundings`
    :param patience: seconds in which all answers have to be there
    :returns: :class:`.records.Diagnosis`, None for a run that is good
    """
    verdict = verdicts.verdict(timeline, expectation)
    if verdict.good:
        return None
    case = context.Case(timeline, expectation, verdict, surroundings)
    answered = _ask(_inquiries(case), case, patience)
    works, more = bisect.bisect(case)
    link, object_id = _last_good(case)
    return records.Diagnosis(
        last_good=link, last_object_id=object_id, missing=_missing(verdict),
        facts=(*(fact for fact, _ in answered), *more),
        look_at=_look_at(case, [clue for _, clue in answered if clue]),
        bisect=works)


def _missing(verdict):
    return verdict.link if verdict.kind in (
        Kind.BROKEN, Kind.NOT_HEALED_BY_THIS_CHAIN) else None


def _last_good(case):
    missing = _missing(case.verdict)
    if missing is None:
        return None, ''
    for link in case.expectation.chain.before(missing):
        arrival = case.arrival(link)
        if arrival is not None:
            return link, arrival.object_id
    return links.FAULT, case.expectation.fault


def _inquiries(case):
    """Return what to ask both sides of the link, and who else acts on it."""
    kind = case.verdict.kind
    link = links.FAULT if kind is Kind.INVALID else case.verdict.link
    own = kit.of(link).inquiries(case)
    if kind in (Kind.INVALID, Kind.SPLIT_BRAIN, Kind.EXECUTION_STORM):
        return own
    chain = case.expectation.chain
    if chain.member:
        own = (trust_clues.OWNER, *own)
    carrier = chain.carrier(link)
    if carrier is not None:
        own += kit.of(carrier).at_work(case)
    if kind is Kind.BROKEN:
        return own
    others = (kit.of(any_link).others(case)
              for any_link in reversed(chain.links))
    return tuple(dict.fromkeys((*own, *(
        inquiry for group in others for inquiry in group))))


def _ask(inquiries, case, patience):
    """Return pairs of a :class:`.records.Fact` and its clue, or None.

    All are asked side by side; the answers come in the order of the
    inquiries. An inquiry without an answer has no clue.
    """
    names = ['%s: %s' % (inquiry.side, inquiry.what)
             for inquiry in inquiries]
    answers = asking.ask({
        name: asking.Question(inquiry.side, _asker(inquiry, case))
        for name, inquiry in zip(names, inquiries)}, patience)
    answered = []
    for name, inquiry in zip(names, inquiries):
        error = answers.error(name)
        if error:
            answered.append((records.Fact(inquiry.side, None, context.safe(
                '%s: no answer: %s' % (inquiry.what, error))), None))
            continue
        answered.extend((_fact(inquiry.side, clue), clue)
                        for clue in answers[name])
    return answered


def _asker(inquiry, case):
    return lambda: tuple(inquiry.ask(case))


def _fact(side, clue):
    first, *more = clue.text.split('\n') or ['']
    return records.Fact(side, clue.good,
                        '\n'.join([context.safe(first), *more]))


def _look_at(case, clues):
    """Return the clearest place to look: what is wrong, or may be."""
    kinds = (Kind.BROKEN, Kind.NOT_HEALED_BY_THIS_CHAIN, Kind.INVALID)
    for good in (False, None):
        for clue in clues:
            if (clue.look_at and clue.good is good
                    and case.verdict.kind in kinds):
                return context.safe(clue.look_at)
    return case.verdict.look_at
