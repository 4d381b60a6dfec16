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

"""What goes wrong in simulated clouds, and which verdicts are right then.

Each trouble knows what is right from what it does, not from how the verdict
is found.
"""

import dataclasses
import typing

from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.tests.unit import simulated_stories
from self_healing_tempest_plugin.tests.unit import simulated_world

# That the fault is noticed, and nothing is done about it.
DEDUCED = vitrage.CHAIN.until(vitrage.DEDUCTION)

Link, Kind = vitrage, verdicts.Kind
Noise = simulated_stories.Noise
INF, OLD = simulated_world.INF, simulated_world.OLD
REBOOTED = simulated_world.REBOOTED
SILENCE, STRANGER = simulated_world.SILENCE, simulated_world.STRANGER

# So long something else may repair what has failed.
GRACE = 15.0


@dataclasses.dataclass(frozen=True)
class Trouble:
    """What goes wrong in a story.

    :ivar tell: makes it happen in a :class:`Story`, and returns the verdicts
        that are right, as a set of pairs of kind and link
    :ivar links: where it can go wrong
    :ivar without: the noise that would matter
    """

    tell: typing.Callable
    links: tuple = vitrage.CHAIN.links
    without: int = 0


HEALED = {(Kind.HEALED, None)}
UNTOUCHED = {(Kind.UNTOUCHED, None)}


def broken(link):
    return {(Kind.BROKEN, link)}


def by_others(link):
    return {(Kind.NOT_HEALED_BY_THIS_CHAIN, link)}


def _fine(story):
    """All links come in time."""
    story.lay()
    return HEALED


def _lost(story):
    """From a link on nothing comes, or something that is not it."""
    story.lay()
    at = {Link.ALARM: story.alarm, Link.DEDUCTION: story.deduced,
          Link.WORKFLOW: story.created, Link.STACK: story.begun,
          Link.APPLICATION: story.answered}[story.link]
    story.rng.choice(_INSTEAD[story.link])(story, at)
    return by_others(story.link) if story.answer is REBOOTED else (
        broken(story.link))


def _nothing(story, at):
    story.stop(story.link)


def no_update(story, at):
    story.stop(Link.STACK)
    story.timeouts[Link.STACK] += story.slack
    story.ended = story.created + story.within(Link.STACK)


def _other_alarm(story, at):
    story.stop(Link.ALARM)
    story.alarms.append(simulated_stories.alarm(
        story, 'other', *story.rng.choice(simulated_stories.OTHER_ALARMS), at))


def _stale_alarm(story, at):
    story.stop(Link.ALARM)
    story.alarms.append(simulated_stories.host_alarm(story, 'stale',
                                                     story.origin - 100))


def _other_deduction(story, at):
    story.stop(Link.DEDUCTION)
    story.alarms.append(simulated_stories.alarm(
        story, 'other',
        *story.rng.choice(simulated_stories.OTHER_DEDUCTIONS), at))


def _no_state(story, at):
    story.stop(Link.WORKFLOW)
    story.has_state = False


def _other_execution(story, at):
    story.stop(Link.WORKFLOW)
    story.executions.append(simulated_world.Execution(
        'other', 'other', at, at + 1))


def _stale_execution(story, at):
    story.stop(Link.WORKFLOW)
    before = story.origin - 100
    story.executions.append(simulated_world.Execution(
        'stale', OLD.server, before, before + 1))


def _idle_execution(story, at):
    story.stop(Link.STACK)
    story.output = '{"found": false}'


def _endless_execution(story, at):
    story.stop(Link.STACK)
    story.ended = INF


def _endless_update(story, at):
    story.done = story.ended = story.answered = INF


def _same_server(story, at):
    story.server, story.answered = OLD.server, INF


def _dead_server(story, at):
    story.status, story.answered = story.rng.choice(
        ('BUILD', 'ERROR', 'SHUTOFF')), INF


def _same_host(story, at):
    story.host, story.answered = simulated_world.HOST, INF


def _wrong_answer(story, at):
    story.answer = story.rng.choice((STRANGER, OLD, REBOOTED))


_INSTEAD = {
    Link.ALARM: (_nothing, _other_alarm, _stale_alarm),
    Link.DEDUCTION: (_nothing, _other_deduction, _no_state),
    Link.WORKFLOW: (_nothing, _other_execution, _stale_execution,
                    _idle_execution, _endless_execution),
    Link.STACK: (no_update, _endless_update, _same_server, _dead_server,
                 _same_host),
    Link.APPLICATION: (_nothing, _wrong_answer),
}


def _late(story):
    """A link comes, and with it all behind it, when it is too late."""
    story.lay()
    story.move(story.link, story.before(story.link)
               + story.too_long(story.link))
    return broken(story.link)


def _edge(story):
    """A link comes so late that it may be seen to be late, or not."""
    story.lay()
    story.move(story.link, story.before(story.link)
               + story.timeouts[story.link] + story.soon(2))
    return HEALED | broken(story.link) | by_others(story.link)


def _unseen(story):
    """All is healed, but a link is missing: it was someone else."""
    story.patient(story.link)
    story.lay()
    if story.link is Link.ALARM:
        story.alarm, story.deduced = INF, story.first + story.soon(1)
        story.lay(Link.WORKFLOW)
    elif story.link is Link.DEDUCTION:
        story.deduced, story.created = INF, story.alarm + story.soon(1)
        story.lay(Link.STACK)
    elif story.link is Link.WORKFLOW:
        story.created, story.begun = INF, story.deduced + story.soon(0.5)
        story.done, story.ended = story.begun + story.soon(0.5), INF
        story.answered = story.done + story.within(Link.APPLICATION)
    else:
        story.begun = story.done = INF
        story.ended = story.created + story.soon(1)
        story.answered = story.created + story.soon(1)
    return by_others(story.link)


def _reversed(story):
    """A link comes well before the one that should lead to it."""
    story.patient(vitrage.CHAIN.before(story.link)[0])
    story.lay()
    late = 2.2 * story.slack
    if story.link is Link.DEDUCTION:
        story.deduced = story.first + story.soon()
        story.alarm = story.deduced + late
        story.created = story.alarm + story.within(Link.WORKFLOW)
    elif story.link is Link.WORKFLOW:
        story.created = story.alarm + story.soon()
        story.deduced = story.created + late
        story.done = story.deduced + story.within(Link.STACK)
        story.begun = story.rng.uniform(story.deduced, story.done)
    elif story.link is Link.STACK:
        story.begun = story.deduced + story.soon()
        story.created = story.begun + late
        story.done = story.begun + story.soon(2)
    return _settle_reversed(story, late)


def _settle_reversed(story, late):
    if story.link is Link.DEDUCTION:
        # It lays the execution's end, too, and the answer after that.
        story.lay(Link.STACK)
        return by_others(story.link)
    if story.link is Link.APPLICATION:
        story.answered = story.created + story.soon()
        story.begun = story.answered + late
        story.done = story.begun + story.soon()
    else:
        story.answered = story.done + story.soon()
    story.ended = max(story.done, story.created) + story.within(Link.WORKFLOW)
    return by_others(story.link)


def _failed(story):
    """A link says itself that it has failed."""
    story.lay()
    story.state = 'ERROR'
    if story.link is Link.WORKFLOW:
        story.stop(Link.STACK)
        story.ended = story.created + story.within(Link.WORKFLOW)
        return broken(Link.WORKFLOW)
    if story.rng.random() < 0.5:
        story.deleted = story.rng.uniform(story.created, story.done)
    story.updates.append(simulated_world.Update(
        'update', story.begun, story.done, 'FAILED'))
    story.begun = story.done = story.answered = INF
    return broken(Link.STACK)


def _again(story):
    """What fails at first is repaired by a second execution."""
    story.patient(Link.STACK)
    story.timeouts[Link.STACK] += GRACE
    story.lay()
    end = story.created + story.soon()
    if story.link is Link.STACK:
        story.updates.append(simulated_world.Update(
            'failed', story.rng.uniform(story.created, end), end, 'FAILED'))
        end += 0.01
    story.executions.append(simulated_world.Execution(
        'execution-x', OLD.server, story.created, end, 'ERROR', None))
    patience = max(0, GRACE - story.slack)
    story.created = end + story.rng.uniform(0, patience)
    story.lay(Link.STACK)
    if story.link is Link.STACK:
        story.begun = min(story.begun, story.rng.uniform(
            story.created, end + patience))
    return HEALED


def _early(story):
    """Something of a link was there before the fault."""
    story.inject(story.origin + 2 * story.slack)
    story.lay()
    at = story.rng.uniform(story.origin + 0.01,
                           story.injecting - 1.1 * story.slack)
    if story.rng.random() < 0.3:
        story.stop(Link.ALARM)
    if story.link is Link.ALARM:
        story.alarm = at
    elif story.link is Link.DEDUCTION:
        story.deduced = at
    elif story.link is Link.WORKFLOW:
        story.created, story.ended = at, at + story.soon()
    elif story.link is Link.STACK:
        story.updates.append(simulated_world.Update(
            'early', at, at + story.soon(0.1)))
    else:
        story.answered = at
    return {(Kind.INVALID, story.link)}


def _unwitnessed(story):
    """Nobody sees the fault."""
    story.lay()
    story.witnessed = False
    return {(Kind.INVALID, links.FAULT)}


def _split(story):
    """The old server answers after the new one has."""
    story.lay()
    back = story.answered + 2 * story.slack + story.soon(2)
    story.late_answers = [(back, story.rng.choice((OLD, REBOOTED)))]
    story.until = back + story.slack
    return {(Kind.SPLIT_BRAIN, Link.APPLICATION)}


def _storm(story):
    """More executions are started than may be, or just as many."""
    story.lay()
    number = story.rng.randint(2, 6)
    story.executions += [
        simulated_stories.repeated(story, index, story.created + story.soon(3))
        for index in range(1, number)]
    most = story.rng.randint(1, number)
    story.changes['max_executions'] = most
    story.until = story.slack + max(
        execution.begin for execution in story.executions)
    return HEALED if number <= most else {
        (Kind.EXECUTION_STORM, Link.WORKFLOW)}


def _dark(story):
    """A service never answers again, from before its link on."""
    story.lay()
    service, until = {
        Link.ALARM: ('Vitrage', story.alarm),
        Link.WORKFLOW: ('Mistral', story.created),
        Link.STACK: (story.rng.choice(('Heat', 'Nova')), story.begun),
    }[story.link]
    story.dark.append((service, story.rng.uniform(story.origin, until)))
    return broken(story.link) | by_others(story.link)


# After these the application is to be healed.
HEALING = {
    'fine': Trouble(_fine),
    'lost': Trouble(_lost),
    'late': Trouble(_late, without=Noise.REPEATED),
    'edge': Trouble(_edge),
    'unseen': Trouble(_unseen, vitrage.CHAIN.links[:-1]),
    'reversed': Trouble(
        _reversed, vitrage.CHAIN.links[1:],
        Noise.FLAPPING | Noise.FORGOTTEN | Noise.FOREIGN),
    'failed': Trouble(_failed, (Link.WORKFLOW, Link.STACK), Noise.REPEATED),
    'again': Trouble(_again, (Link.WORKFLOW, Link.STACK), Noise.REPEATED),
    'early': Trouble(_early, without=Noise.OUTAGE | Noise.FLAPPING
                     | Noise.FORGOTTEN | Noise.FOREIGN),
    'unwitnessed': Trouble(_unwitnessed),
    'split': Trouble(_split),
    'storm': Trouble(_storm, without=Noise.REPEATED),
    'dark': Trouble(_dark, (Link.ALARM, Link.WORKFLOW, Link.STACK)),
}


def calm(story, steps=None):
    """Expect that nothing is healed.

    :param steps: what must come, chosen by chance when None
    :returns: when the quiet time ends at the earliest and at the latest
    """
    steps = story.rng.choice((DEDUCED, ())) if (
        steps is None) else steps
    quiet = story.gap + story.slack * story.rng.uniform(0.5, 1.5)
    story.changes = {'steps': steps, 'quiet': quiet, 'alive': False}
    story.lay()
    story.stop(Link.WORKFLOW if steps else Link.ALARM)
    story.down = INF
    last = story.deduced if steps else story.injected
    return (last + quiet,
            last + story.slack + story.hidden(Link.DEDUCTION) + quiet)


def _quiet(story):
    """Nothing comes but what must; the old server lives, or need not."""
    begin, _ = calm(story)
    if story.rng.random() < 0.5:
        story.down = story.fault
        return UNTOUCHED
    story.changes['alive'] = True
    if story.rng.random() < 0.5:
        silent, back = sorted(story.rng.uniform(story.fault, begin)
                              for _ in range(2))
        story.late_answers = [(silent, SILENCE), (back, OLD)]
        story.down = INF
    return UNTOUCHED


def _unexpected(story):
    """A link comes that must not, alone or with those behind it."""
    link = story.link
    begin, _ = calm(story, () if (
        link in simulated_stories.upto(Link.DEDUCTION)) else None)
    alarm, deduced = story.alarm, story.deduced
    at = story.rng.uniform(story.first, max(
        story.first, begin - 2 * story.lost_for()))
    if link is Link.STACK:
        story.begun, story.done = at, at + story.soon()
    else:
        story.move(link, at)
        if story.rng.random() < 0.5 and link is not Link.APPLICATION:
            story.stop(simulated_stories.behind(link))
    if story.changes['steps']:
        story.alarm, story.deduced = alarm, deduced
    return _firsts(story)


def _firsts(story):
    """Return what may be seen first of what must not come."""
    required = {step.link: step.mark for step in story.changes['steps']}
    came = {link: at for link, at in (
        (Link.ALARM, story.alarm), (Link.DEDUCTION, story.deduced),
        (Link.WORKFLOW, story.created), (Link.STACK, story.begun),
        (Link.APPLICATION, story.answered)) if link not in required}
    first = min(came.values())
    return {(Kind.UNEXPECTED_HEALING, link) for link, at in came.items()
            if at <= first + story.slack}


def _afterwards(story):
    """A link that must not come does so when nobody waits any more."""
    _, end = calm(story)
    at = end + story.slack + story.soon()
    if story.link is Link.WORKFLOW:
        story.created, story.ended = at, at + story.soon()
    elif story.link is Link.STACK:
        story.begun, story.done = at, at + story.soon()
    else:
        story.answered = at
    story.until = at + story.slack
    return UNTOUCHED


def _unnoticed(story):
    """A link that must come does not."""
    calm(story, DEDUCED)
    story.stop(story.link)
    return broken(story.link)


def _dead(story):
    """The server that should live through the fault does not."""
    begin, _ = calm(story)
    story.changes['alive'] = True
    answer = story.rng.choice((SILENCE, REBOOTED, STRANGER))
    story.late_answers = [(story.rng.uniform(story.fault, begin), answer)]
    # Who boots again has not lived through it; nor may anybody make it.
    return broken(Link.APPLICATION) | (
        {(Kind.UNEXPECTED_HEALING, Link.APPLICATION)} if answer is REBOOTED
        else set())


def _blind(story):
    """A service does not answer at the end of the quiet time, nor later."""
    nothing = story.link is Link.ALARM
    begin, _ = calm(story, () if nothing
                    else DEDUCED)
    service = {Link.ALARM: 'Vitrage', Link.WORKFLOW: 'Mistral',
               Link.STACK: 'Heat'}[story.link]
    story.dark.append((service, story.rng.uniform(story.origin, begin)))
    return {(Kind.INVALID, story.link)}


def _quiet_unwitnessed(story):
    """Nobody sees the fault, and nothing follows."""
    calm(story)
    story.witnessed = False
    return {(Kind.INVALID, links.FAULT)}


# After these nothing is to be healed.
QUIET = {
    'quiet': Trouble(_quiet),
    'unexpected': Trouble(
        _unexpected,
        without=Noise.FLAPPING | Noise.FORGOTTEN | Noise.FOREIGN),
    'afterwards': Trouble(_afterwards, (Link.WORKFLOW, Link.STACK,
                                        Link.APPLICATION)),
    'unnoticed': Trouble(_unnoticed, (Link.ALARM, Link.DEDUCTION)),
    'dead': Trouble(_dead, (Link.APPLICATION,)),
    'blind': Trouble(_blind, (Link.ALARM, Link.WORKFLOW, Link.STACK)),
    'quiet, unwitnessed': Trouble(_quiet_unwitnessed, (links.FAULT,)),
}

TROUBLES = HEALING | QUIET
