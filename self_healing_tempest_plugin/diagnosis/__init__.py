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
them; so whoever hands over is asked whether it did, and whoever receives,
whether it got it. It is asked while the fault is still there, because what
explains it goes with it.
"""

from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.chain import verdict as judge
from self_healing_tempest_plugin.diagnosis import afterwards
from self_healing_tempest_plugin.diagnosis import alarm
from self_healing_tempest_plugin.diagnosis import application
from self_healing_tempest_plugin.diagnosis import bisect
from self_healing_tempest_plugin.diagnosis import case as cases
from self_healing_tempest_plugin.diagnosis import deduction
from self_healing_tempest_plugin.diagnosis import fault
from self_healing_tempest_plugin.diagnosis import records
from self_healing_tempest_plugin.diagnosis import stack
from self_healing_tempest_plugin.diagnosis import workflow
from self_healing_tempest_plugin.services import asking

Fact, Works = records.Fact, records.Works
Diagnosis = records.Diagnosis
Surroundings = cases.Surroundings
sent, dates = cases.sent, cases.dates
collect = afterwards.collect

Kind = judge.Kind

# Seconds in which all answers have to be there.
PATIENCE = 20.0

_QUESTIONS = {
    links.Link.FAULT: fault.QUESTIONS,
    links.Link.ALARM: alarm.QUESTIONS,
    links.Link.DEDUCTION: deduction.QUESTIONS,
    links.Link.STACK: stack.QUESTIONS,
    links.Link.APPLICATION: application.QUESTIONS,
}

# Who else has worked on the stack, or on the server?
_OTHERS = (
    cases.Question('Heat', 'events of the stack', stack.events),
    cases.Question('Nova', 'actions on the old server', stack.actions),
    cases.Question('Mistral', 'executions', workflow.executions),
)


def diagnose(timeline, expectation, surroundings, patience=PATIENCE):
    """Ask why a run is not good, and bisect where that is wanted.

    A service that does not answer is a fact, too: nothing is raised because
    of one.

    :param timeline: :class:`..chain.timeline.Timeline`, concluded
    :param expectation: :class:`..chain.expectation.Expectation`
    :param surroundings: :class:`Surroundings`
    :param patience: seconds in which all answers have to be there
    :returns: :class:`Diagnosis`, None for a run that is good
    """
    verdict = judge.verdict(timeline, expectation)
    if verdict.good:
        return None
    case = cases.Case(timeline, expectation, verdict, surroundings)
    found = _ask(_questions(case), case, patience)
    works, more = bisect.bisect(case)
    link, object_id = _last_good(case)
    return Diagnosis(
        last_good=link, last_object_id=object_id, missing=_missing(verdict),
        facts=(*(fact for fact, _ in found), *more),
        look_at=_look_at(case, [one for _, one in found if one]),
        bisect=works)


def _missing(verdict):
    return verdict.link if verdict.kind in (
        Kind.BROKEN, Kind.NOT_HEALED_BY_THIS_CHAIN) else None


def _last_good(case):
    missing = _missing(case.verdict)
    if missing is None:
        return None, ''
    for link in reversed(links.CHAIN[:links.CHAIN.index(missing)]):
        arrival = case.arrival(link)
        if arrival is not None:
            return link, arrival.object_id
    return links.Link.FAULT, case.expectation.fault


def _questions(case):
    kind, link = case.verdict.kind, case.verdict.link
    if kind is Kind.SPLIT_BRAIN:
        return application.SPLIT_BRAIN
    if kind is Kind.EXECUTION_STORM:
        return workflow.UNSTARTED
    if kind is Kind.INVALID:
        return fault.QUESTIONS
    own = (workflow.questions(case) if link is links.Link.WORKFLOW
           else _QUESTIONS[link])
    if kind is Kind.BROKEN:
        return own
    return tuple(dict.fromkeys((*own, *_OTHERS)))


def _ask(questions, case, patience):
    """Return pairs of a :class:`Fact` and its finding, None without answer.

    All are asked side by side; the answers come in the order of the
    questions.
    """
    names = ['%s: %s' % (one.side, one.what) for one in questions]
    answers = asking.ask({
        name: asking.Question(one.side, _asker(one, case))
        for name, one in zip(names, questions)}, patience)
    found = []
    for name, one in zip(names, questions):
        error = answers.error(name)
        if error:
            found.append((Fact(one.side, None, cases.safe(
                '%s: no answer: %s' % (one.what, error))), None))
            continue
        found.extend((_fact(one.side, finding), finding)
                     for finding in answers[name])
    return found


def _asker(question, case):
    return lambda: tuple(question.ask(case))


def _fact(side, finding):
    first, *more = finding.text.split('\n') or ['']
    return Fact(side, finding.good, '\n'.join([cases.safe(first), *more]))


def _look_at(case, findings):
    """Return the clearest place to look: what is wrong, or may be."""
    kinds = (Kind.BROKEN, Kind.NOT_HEALED_BY_THIS_CHAIN, Kind.INVALID)
    for good in (False, None):
        for one in findings:
            if (one.look_at and one.good is good
                    and case.verdict.kind in kinds):
                return cases.safe(one.look_at)
    return case.verdict.look_at
