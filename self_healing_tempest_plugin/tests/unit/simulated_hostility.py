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

"""What a hostile world does to a run, and which verdicts are right then.

The watch is interrupted, services refuse or never end, things were there
before the fault, and somebody else heals. As in :mod:`.simulated_troubles`,
each knows what is right from what it does.
"""

import dataclasses

from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.tests.unit import simulated_services
from self_healing_tempest_plugin.tests.unit import simulated_stories
from self_healing_tempest_plugin.tests.unit import simulated_troubles
from self_healing_tempest_plugin.tests.unit import simulated_wire
from self_healing_tempest_plugin.tests.unit import simulated_world

Link, Kind, Noise = vitrage, verdicts.Kind, simulated_stories.Noise
Trouble, HEALED = simulated_troubles.Trouble, simulated_troubles.HEALED
INF, OLD = simulated_world.INF, simulated_world.OLD
REBOOTED = simulated_world.REBOOTED

# The watch ended before anything was sure.
EARLY = {(Kind.INVALID, None)}


def _sure(story):
    """Return when the verdict can be sure at the earliest."""
    return max(story.alarm, story.deduced, story.created, story.done,
               story.ended, story.answered)


def _interrupted(story):
    """The watch ends at any moment before the verdict is sure."""
    story.lay()
    sure = _sure(story)
    if story.rng.random() < 0.5:
        sure = story.before(story.link) + story.timeouts[story.link]
        story.stop(story.link)
    story.interrupted = story.rng.uniform(story.origin + 0.01, sure)
    story.told = story.rng.random() < 0.7
    return EARLY


def _interrupted_split(story):
    """What was seen when the watch ended is told: two servers live."""
    story.lay()
    story.ended = INF
    story.timeouts[Link.WORKFLOW] += 10 * story.slack
    back = story.answered + 2 * story.slack
    story.late_answers = [(back, story.rng.choice((OLD, REBOOTED)))]
    story.interrupted = back + story.slack + story.soon()
    story.remarked = Kind.SPLIT_BRAIN.value
    return EARLY


def _refused(story):
    """A service says no, or nonsense, for a while or for ever."""
    story.lay()
    service = {Link.ALARM: 'Vitrage', Link.WORKFLOW: 'Mistral',
               Link.STACK: 'Heat', Link.APPLICATION: 'Nova'}[story.link]
    problem = story.rng.choice([
        refusal for refusal in simulated_services.REFUSALS
        if refusal != 'not found'])
    if story.rng.random() < 0.5:
        return _refused_shortly(story, service, problem)
    story.bear(simulated_services.REFUSED + 3 * story.slack)
    begin = story.rng.uniform(story.origin, _sure(story))
    story.spells.append(simulated_world.Spell(
        service, begin, INF, problem=problem))
    own = {'Vitrage': story.deduced, 'Mistral': story.ended}.get(
        service, story.done)
    if begin < own or begin < (_sure(story) - simulated_services.REFUSED
                               - 2 * story.slack):
        return EARLY
    return EARLY | HEALED


def _refused_shortly(story, service, problem):
    story.bear(2 * simulated_services.REFUSED)
    begin = story.rng.uniform(story.origin, _sure(story))
    length = simulated_services.REFUSED - (
        simulated_stories.MOST_REQUESTS * story.slowest)
    story.spells.append(simulated_world.Spell(service, begin, begin + max(
        0.5, story.rng.uniform(0, length)), problem=problem))
    # Nobody can be sure of who takes so long to say no; and a body that
    # makes no sense to our own code ends the watch at once.
    sure = length > 0.5 and problem not in simulated_services.BODIES
    return HEALED if sure else HEALED | EARLY


def _not_found(story):
    """Vitrage, or Mistral of one execution, says 404 for a while."""
    story.lay()
    story.bear(2 * simulated_services.REFUSED + story.slack)
    service, request = ('Vitrage', '') if story.link is Link.ALARM else (
        'Mistral', 'get')
    begin = story.rng.uniform(story.origin, _sure(story))
    story.spells.append(simulated_world.Spell(
        service, begin, begin + story.rng.uniform(0.5, 9), 0.0, 'not found',
        request))
    return HEALED


def _dripping(story):
    """The requests to a service never end, for a while or for ever."""
    story.lay()
    service, until = {
        Link.ALARM: ('Vitrage', story.alarm),
        Link.WORKFLOW: ('Mistral', story.created),
        Link.STACK: (story.rng.choice(('Heat', 'Nova')), story.begun),
    }[story.link]
    begin = story.rng.uniform(story.origin, until)
    if story.rng.random() < 0.5:
        story.spells.append(simulated_world.Spell(
            service, begin, INF, simulated_services.ENDLESS, 'drips'))
        return simulated_troubles.broken(story.link) | (
            simulated_troubles.by_others(story.link))
    story.bear(2 * simulated_services.PATIENCE + story.slack)
    story.spells.append(simulated_world.Spell(
        service, begin, begin + story.slack, simulated_services.ENDLESS,
        'drips'))
    return HEALED


def _just_before(story):
    """Something of a link began in the last seconds before the fault."""
    story.inject(story.origin + story.rng.uniform(0.1, 9))
    story.bear(
        simulated_stories.LONGEST_LAG + simulated_stories.HISTORY_INTERVAL
        + story.slack, Link.ALARM, Link.DEDUCTION)
    story.lay()
    at = story.injecting - story.rng.uniform(0.02, 8)
    if story.link is Link.ALARM:
        story.alarm = INF
        story.alarms.append(_alarm_before(story, at))
    elif story.link is Link.DEDUCTION:
        story.deduced, story.causes = at, ()
    elif story.link is Link.WORKFLOW:
        story.created = at
    else:
        story.updates.append(simulated_world.Update('early', at, min(
            at + story.soon(0.1), story.injecting)))
    right = {(Kind.INVALID, story.link)}
    if story.link is Link.STACK and story.begun < at + story.slack:
        # The stack shows its last update only: one that has changed nothing,
        # and is followed by another between two polls, is seen by nobody.
        right |= HEALED
    if story.given.clocks == 'lying':
        # Where the polls do not know better, a lie is believed.
        return (right | HEALED
                | simulated_troubles.by_others(story.link)).union(
                    *map(simulated_troubles.broken, vitrage.CHAIN.links))
    return right


def _alarm_before(story, at):
    """Return an alarm of before the fault, that may come and go unseen."""
    end, lag = story.rng.choice((
        (INF, None), (INF, INF),
        (story.rng.uniform(at, story.injecting), None)))
    alarm = simulated_stories.host_alarm(story, 'alarm-1', at, end)
    return alarm if lag is None else dataclasses.replace(alarm, lag=lag)


def _flaps(story):
    """The alarm was there before the fault, and comes again after it."""
    story.inject(story.origin + story.rng.uniform(0.1, 9))
    story.lay()
    at = story.injecting - story.rng.uniform(0.02, 8)
    story.alarms.append(simulated_stories.host_alarm(
        story, 'alarm-0', at, story.rng.uniform(at, story.injecting)))
    right = HEALED | {(Kind.INVALID, Link.ALARM)}
    if story.given.clocks != 'lying':
        return right
    # A lie may make it an effect of the fault, from which nothing followed.
    return (right | simulated_troubles.broken(Link.DEDUCTION)
            | simulated_troubles.by_others(Link.DEDUCTION))


def _flaps_after(story):
    """The alarm comes, goes unseen, and comes again."""
    story.bear(
        simulated_stories.LONGEST_LAG + simulated_stories.HISTORY_INTERVAL
        + story.slack, Link.ALARM, Link.DEDUCTION)
    story.lay()
    end = story.rng.uniform(story.alarm, story.deduced)
    again = end + story.soon()
    story.alarms += [
        simulated_stories.host_alarm(story, 'alarm-1', story.alarm, end),
        simulated_stories.host_alarm(story, 'alarm-2', again)]
    story.alarm = INF
    # Of what is in no graph any more, and in no history yet, nobody knows.
    return HEALED.union(
        *map(simulated_troubles.by_others, vitrage.CHAIN.links))


def _by_somebody(story):
    """Somebody else brings the application back, in many ways."""
    return story.rng.choice((_instead, _beside, _at_the_end))(
        story, story.rng.choice((*simulated_world.IMPOSTORS, 'evacuated',
                                 'evacuated', 'migrated')))


def _answers_as(story, who, at):
    """Let somebody answer from a moment on, and return how it does."""
    if who not in ('evacuated', 'migrated'):
        return who
    moved = story.rng.uniform(story.fault, at)
    if who == 'migrated':
        # Nobody asks where a server is that has not been away.
        moved = story.answered = max(at, story.fault + 2 * story.slack)
    story.places[OLD.server] = [
        simulated_world.Place(-INF, simulated_world.HOST),
        simulated_world.Place(moved, simulated_world.SPARE)]
    return REBOOTED if who == 'evacuated' else OLD


def _instead(story, who):
    """The chain stops at a link, and somebody heals."""
    story.lay()
    story.timeouts[story.link] += (
        simulated_stories.HISTORY_INTERVAL + 4 * story.slack)
    at = max(story.first, story.before(story.link)) + story.soon(1)
    if story.link is Link.STACK:
        simulated_troubles.no_update(story, at)
    else:
        story.stop(story.link)
    story.answered = at
    story.answer = _answers_as(story, who, at)
    return simulated_troubles.by_others(story.link)


def _beside(story, who):
    """All links come, and then somebody else answers."""
    story.lay()
    story.timeouts[Link.APPLICATION] += (simulated_stories.HISTORY_INTERVAL
                                         + 2 * story.slack)
    story.answer = _answers_as(story, who, story.answered)
    return simulated_troubles.by_others(Link.APPLICATION)


def _at_the_end(story, who):
    """All links come, but somebody has answered before the new server."""
    story.lay()
    story.timeouts[Link.APPLICATION] += (simulated_stories.HISTORY_INTERVAL
                                         + 5 * story.slack)
    story.answer = _answers_as(story, who, story.answered)
    story.late_answers = [(
        story.answered + simulated_stories.HISTORY_INTERVAL + 2 * story.slack,
        simulated_world.NEW)]
    return simulated_troubles.by_others(Link.APPLICATION)


def _on_the_wire(story):
    """Something at the address does what nobody should believe.

    Time may run away while it does: nothing else is exact then.
    """
    story.lay()
    story.bear(120, Link.APPLICATION)
    story.wired = True
    story.answer = story.rng.choice(list(simulated_wire.STRANGERS.values()))
    if story.rng.random() < 0.5:
        return simulated_troubles.broken(Link.APPLICATION)
    story.late_answers = [
        (story.answered + 3 * story.slack, simulated_world.NEW)]
    return HEALED


def _two_updates(story):
    """The first update brings a server that is no good, the second does."""
    story.lay()
    story.timeouts[Link.STACK] += 6 * story.slack
    begin = story.created + story.soon()
    end = begin + story.soon(1)
    host, status = story.rng.choice((
        (simulated_world.HOST, 'ACTIVE'), (simulated_world.SPARE, 'ERROR'),
        (simulated_world.SPARE, 'BUILD'), (simulated_world.HOST, 'SHUTOFF')))
    middle = simulated_world.MIDDLE.server
    story.places[middle] = [simulated_world.Place(-INF, host, status)]
    story.servers.append((story.rng.uniform(begin, end), middle))
    story.updates.append(simulated_world.Update('first', begin, end))
    story.begun = end + story.soon(2)
    story.done = story.begun + story.soon()
    _second_execution(story, end)
    story.answered = story.done + story.within(Link.APPLICATION)
    if story.rng.random() < 0.3:
        story.late_answers = [(story.answered, simulated_world.NEW)]
        story.answer, story.answered = simulated_world.MIDDLE, end
    return HEALED


def _idle_update(story):
    """Somebody's update brings the server, and the chain's does nothing."""
    story.patient(Link.WORKFLOW)
    story.timeouts[Link.STACK] += 3 * story.slack
    story.lay()
    story.begun = story.deduced + story.soon()
    story.created = story.begun + 2.2 * story.slack
    story.done = story.begun + story.soon(3)
    begin = story.created + story.soon(1)
    end = max(story.done, begin) + story.soon()
    story.updates.append(simulated_world.Update('idle', begin, end))
    story.answered = story.done + story.soon()
    story.ended = end + story.within(Link.WORKFLOW)
    return simulated_troubles.by_others(Link.STACK)


def _second_execution(story, end):
    if story.rng.random() < 0.5:
        story.ended = story.done + story.within(Link.WORKFLOW)
        return
    story.ended = end + story.soon(0.1)
    story.executions.append(simulated_world.Execution(
        'execution-second', OLD.server, story.rng.uniform(end, story.begun),
        story.done + story.soon()))


def _other_cause(story):
    """Vitrage deduces from another alarm, that others have."""
    story.lay()
    story.causes = ('other',)
    story.alarms.append(simulated_stories.alarm(
        story, 'other', *story.rng.choice(simulated_stories.OTHER_ALARMS),
        story.rng.uniform(story.first, story.deduced)))
    # The history has it late: nobody can know it before.
    late = simulated_stories.LONGEST_LAG + (
        2 * simulated_stories.HISTORY_INTERVAL + story.slack)
    story.patient(Link.DEDUCTION)
    if story.rng.random() < 0.3:
        story.timeouts[Link.WORKFLOW] += late
        story.stop(Link.WORKFLOW)
        return simulated_troubles.broken(Link.DEDUCTION)
    story.timeouts[Link.APPLICATION] += late + story.slack
    story.answered = max(story.answered, story.deduced + late)
    return simulated_troubles.by_others(Link.DEDUCTION)


def _other_stack(story):
    """The execution is for another stack, alone or before the right one."""
    story.lay()
    story.stack_id = simulated_world.OTHER_STACK
    kind = story.rng.randrange(3)
    if kind == 0:
        simulated_troubles.no_update(story, story.begun)
        return simulated_troubles.broken(Link.WORKFLOW)
    if kind == 1:
        story.timeouts[Link.WORKFLOW] += 4 * story.slack
        return simulated_troubles.by_others(Link.WORKFLOW)
    story.executions.append(simulated_world.Execution(
        'execution-right', OLD.server, story.created, story.ended))
    story.created -= story.rng.uniform(0, story.created - story.deduced)
    story.ended = story.created + story.soon()
    return HEALED


def _quiet_interrupted(story):
    """The watch ends before the quiet time does."""
    begin, _ = simulated_troubles.calm(story)
    story.interrupted = story.rng.uniform(story.origin + 0.01, begin)
    story.told = story.rng.random() < 0.7
    return EARLY


def _quiet_refused(story):
    """A service says no, or nonsense, from before the end on."""
    begin, _ = simulated_troubles.calm(story)
    story.changes['quiet'] += simulated_services.REFUSED + 2 * story.slack
    service = {Link.ALARM: 'Vitrage', Link.WORKFLOW: 'Mistral',
               Link.STACK: 'Heat'}[story.link]
    story.spells.append(simulated_world.Spell(
        service, story.rng.uniform(story.origin, begin), INF,
        problem=story.rng.choice([
            refusal for refusal in simulated_services.REFUSALS
            if refusal != 'not found'])))
    story.bear(simulated_services.REFUSED + 2 * story.slack)
    return EARLY


def _quiet_moved(story):
    """Somebody brings the application back, which nobody should."""
    begin, _ = simulated_troubles.calm(story)
    story.changes['quiet'] += (
        simulated_stories.HISTORY_INTERVAL + 3 * story.slack)
    story.down = story.fault
    story.answered = story.rng.uniform(story.first, max(story.first, begin))
    story.answer = _answers_as(story, story.rng.choice((
        *simulated_world.IMPOSTORS, 'evacuated', 'migrated')), story.answered)
    return {(Kind.UNEXPECTED_HEALING, Link.APPLICATION)}


# What a hostile world does to them.
HOSTILE = {
    'interrupted': Trouble(_interrupted),
    'interrupted, split': Trouble(_interrupted_split),
    'refused': Trouble(_refused, (Link.ALARM, Link.WORKFLOW, Link.STACK,
                                  Link.APPLICATION), Noise.OUTAGE),
    'not found': Trouble(_not_found, (Link.ALARM, Link.WORKFLOW)),
    'dripping': Trouble(_dripping, (Link.ALARM, Link.WORKFLOW, Link.STACK),
                        Noise.OUTAGE),
    'just before': Trouble(_just_before, vitrage.CHAIN.links[:-1],
                           Noise.REPEATED | Noise.FOREIGN | Noise.OUTAGE),
    'flaps': Trouble(_flaps, without=Noise.FOREIGN),
    'flaps after': Trouble(_flaps_after, without=Noise.FLAPPING
                           | Noise.REPEATED | Noise.FOREIGN),
    'by somebody': Trouble(_by_somebody, vitrage.CHAIN.links, Noise.OUTAGE),
    'two updates': Trouble(_two_updates,
                           without=Noise.REPEATED | Noise.FOREIGN),
    'idle update': Trouble(_idle_update, without=Noise.REPEATED
                           | Noise.FLAPPING | Noise.FORGOTTEN
                           | Noise.FOREIGN),
    'other cause': Trouble(_other_cause, without=Noise.OUTAGE),
    'other stack': Trouble(_other_stack,
                           without=Noise.REPEATED | Noise.FOREIGN),
}

# After these nothing is to be healed.
HOSTILE_QUIET = {
    'quiet, interrupted': Trouble(_quiet_interrupted),
    'quiet, refused': Trouble(_quiet_refused, (
        Link.ALARM, Link.WORKFLOW, Link.STACK), Noise.OUTAGE),
    'quiet, moved': Trouble(_quiet_moved, without=Noise.OUTAGE),
}

# What is done to those who ask by real HTTP only.
WIRED = {'on the wire': Trouble(_on_the_wire, without=Noise.LOSSES)}

# All that there are.
TROUBLES = simulated_troubles.TROUBLES | HOSTILE | HOSTILE_QUIET | WIRED
