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

"""What goes wrong in any chain, and which verdicts are right then.

Each trouble knows what is right from what it does, not from how the verdict
is found.
"""

import dataclasses
import typing

from self_healing_tempest_plugin.model import healing
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.tests.unit import any_stories
from self_healing_tempest_plugin.tests.unit import chain_samples

STARTED, FINISHED = links.Mark.STARTED, links.Mark.FINISHED
Kind, Noise, INF = verdicts.Kind, any_stories.Noise, any_stories.INF


@dataclasses.dataclass(frozen=True)
class Trouble:
    """What goes wrong in a story.

    :ivar tell: makes it happen in a :class:`.any_stories.Story`,
        and returns the verdicts that are right, as a set of pairs of kind
        and link
    :ivar mode: what the chain is expected to do
    :ivar without: the noise that would matter
    """

    tell: typing.Callable
    mode: str = 'heal'
    without: int = 0


UNTOUCHED, INVALID = {(Kind.UNTOUCHED, None)}, {(Kind.INVALID, None)}


def good(story):
    return {(Kind.HEALED if story.mode == 'heal' else Kind.REPAIRED, None)}


def broken(link):
    return {(Kind.BROKEN, link)}


def by_others(link):
    return {(Kind.NOT_HEALED_BY_THIS_CHAIN, link)}


def unexpected(link):
    return {(Kind.UNEXPECTED_HEALING, link)}


def _fine(story):
    """All comes, in time."""
    story.lay()
    return good(story)


def _unstarted(story):
    """Of what lasts, only the end is ever shown."""
    story.lay()
    story.unstarted.update(link for link in story.chain.links if link.lasting)
    return good(story)


def _steps_of(story, link):
    return [step for step in story.steps if step.link is link]


def _carrier(story, link):
    """Return who works on a link: it starts before it and ends after it."""
    order = [(step.link, step.mark) for step in story.steps]
    return next((
        carrier for carrier in story.chain.links if carrier is not link
        and (carrier, STARTED) in order and (link, FINISHED) in order
        and order.index((carrier, STARTED)) < order.index((link, FINISHED))
        < order.index((carrier, FINISHED))), None)


def _lost(story):
    """From a link on nothing comes, or something that is not it."""
    story.lay()
    link = story.pick([step.link for step in story.steps])
    if link is story.chain.goal:
        return _lost_goal(story)
    carrier = _carrier(story, link)
    at = story.base(_steps_of(story, link)[0]) + story.within(link)
    ways = [_nothing, _foreign, _failed]
    ways += [_misnamed] * bool(story.misnamed(link))
    ways += [_unfit] * bool(chain_samples.PAYLOADS[link].unfit)
    ways += [_endless] * link.lasting
    way = story.rng.choice(ways)
    begun = way(story, link, at)
    idle = carrier is not None and story.rng.random() < 0.5
    if idle:
        _end_idle(story, carrier, link)
    blamed = link if begun or idle or carrier is None else carrier
    if story.mode == 'heal' and story.rng.random() < 0.3:
        return _somebody_answers(story, link, way, blamed)
    return broken(blamed)


def _end_idle(story, carrier, link):
    """Let the carrier of a link end well, without having done anything."""
    story.times[carrier, FINISHED] = story.times[
        carrier, STARTED] + story.within(carrier)
    story.patient(link, story.shares[carrier] + story.slack)


def _somebody_answers(story, link, way, blamed):
    """Let another one bring back the application, in time."""
    guest = story.rng.choice((
        any_stories.STRANGER, any_stories.NAMELESS,
        *any_stories.REVIVED[story.chain.healed]))
    story.patient(link, story.slack)
    story.guests.append((story.soon(story.first), (guest,)))
    if way is _failed and guest in (any_stories.STRANGER,
                                    any_stories.NAMELESS):
        # The failure is reason enough, and nobody knows whose server it is.
        return broken(blamed)
    return by_others(blamed)


def _nothing(story, link, at):
    story.drop(_steps_of(story, link)[0])
    return False


def _foreign(story, link, at):
    _nothing(story, link, at)
    story.extra.append(story.thing(
        link, 'not-ours', at, story.soon(at), False,
        **story.rng.choice(chain_samples.PAYLOADS[link].foreign)))
    return False


def _misnamed(story, link, at):
    _nothing(story, link, at)
    story.extra.append(story.thing(link, 'of-another', at, story.soon(at),
                                   **story.misnamed(link)))
    return False


def _unfit(story, link, at):
    story.drop(_steps_of(story, link)[0])
    story.extra.append(story.thing(
        link, 'unfit', at, story.soon(at),
        **story.rng.choice(chain_samples.PAYLOADS[link].unfit)))
    return link.lasting


def _endless(story, link, at):
    _nothing(story, link, at)
    story.times[link, STARTED] = at
    return True


def _failed(story, link, at):
    """Let something be there that will not come to a good end."""
    story.drop(_steps_of(story, link)[0])
    failed = dataclasses.replace(
        story.thing(link, '%s-id' % link.name, at, INF), failed=story.soon(at)
        if link.lasting else at, end=INF)
    if not link.lasting:
        failed = dataclasses.replace(failed, begin=INF)
    story.extra.append(failed)
    return True


def _lost_goal(story):
    """The right one never answers; nobody does, or somebody else."""
    goal, at = story.chain.goal, story.times[story.chain.goal, FINISHED]
    story.times[goal, FINISHED], story.took = INF, None
    guest = story.rng.choice((
        None, None, any_stories.UNCHANGED, any_stories.STRANGER,
        any_stories.NAMELESS, any_stories.UNKNOWN,
        *any_stories.REVIVED[story.chain.healed]))
    story.guests.append((at, guest and (guest,)))
    if guest in (None, any_stories.UNCHANGED):
        return broken(goal)
    return by_others(goal)


def _late(story):
    """A step comes, and with it all that waits for it, when it is late."""
    story.lay()
    step = story.pick(story.steps)
    at = story.too_late(step)
    carrier, goal = _carrier(story, step.link), story.chain.goal
    waits = story.mode == 'heal' and story.chain.steps[-1] not in (
        story.waiting(step))
    begun = story.times.get((step.link, STARTED), INF)
    story.took = None
    story.move(step, at)
    blamed = step.link
    if carrier is not None:
        if begun + story.slack > story.due(step) or (
                story.rng.random() < 0.5):
            begun, blamed = at - story.rng.uniform(0, 0.5) * (
                story.slack), carrier
        story.times[step.link, STARTED] = begun
    if step.link is goal:
        story.times[goal, FINISHED] = at
    return broken(blamed) | (by_others(blamed) if waits else set())


def _edge(story):
    """A step comes so late that it may be seen to be late, or not."""
    story.lay()
    step = story.pick(story.steps)
    story.took = None
    story.move(step, story.due(step) + story.rng.uniform(-1, 2) * story.slack)
    if step.link.lasting and step.mark is FINISHED:
        begun = story.times.get((step.link, STARTED), INF)
        story.times[step.link, STARTED] = min(begun, story.at(step))
    allowed = good(story)
    for waiting in story.waiting(step):
        for link in (waiting.link, _carrier(story, waiting.link)):
            allowed |= broken(link) | by_others(link)
    return allowed


def _unseen(story):
    """The application is back, but a link never came: somebody else did it."""
    story.lay()
    link = story.pick(story.chain.links[:-1])
    story.hidden.add(link)
    follower, seconds = story.followed(link)
    story.patient(link, seconds)
    if follower.link is not story.chain.goal and story.rng.random() < 0.5:
        # What has come behind it keeps the watch open.
        _delay(story, 3 * story.slack)
    return by_others(link)


def _dark(story):
    """The service of a link stops to answer, before it shows anything.

    What else comes comes, or nothing does.
    """
    story.lay()
    link = story.pick([link for link in story.chain.links
                       if _steps_of(story, link)
                       and link is not story.chain.goal])
    step = _steps_of(story, link)[0]
    # It may come while the fault is still being injected.
    latest = min(story.base(step), story.times.get((link, STARTED), INF))
    story.dark.add((link, story.rng.uniform(
        min(story.injected, latest), latest)))
    if story.mode == 'repair' or story.rng.random() < 0.5:
        story.took = None
        story.drop(step)
        return broken(link)
    story.patient(link, story.last() - story.first + 2 * story.slack)
    return by_others(link)


def _unfinished(story):
    """The carrier of other links never comes to an end."""
    story.lay()
    carriers = [link for link in story.chain.links if any(
        _carrier(story, carried) is link for carried in story.chain.links)]
    if not carriers:
        return good(story)
    link = story.pick(carriers)
    story.times[link, FINISHED] = INF
    if story.mode == 'repair':
        return broken(link)
    story.patient(link, story.last() - story.first + 2 * story.slack)
    return by_others(link)


def _carrier_failed(story):
    """The carrier of a link fails when the link has begun, or had not."""
    story.lay()
    carried = [link for link in story.chain.links
               if _carrier(story, link) is not None and link.lasting]
    if not carried:
        return good(story)
    link = story.pick(carried)
    carrier, begun = _carrier(story, link), story.times[link, STARTED]
    story.took = None
    story.drop(_steps_of(story, link)[-1])
    story.times[carrier, FINISHED] = INF
    if story.rng.random() < 0.5:
        # It is seen that it has begun before it is late.
        story.times[link, STARTED] = begun
        story.failed[carrier] = story.soon(begun)
        return broken(link)
    story.failed[carrier] = story.soon(story.times[carrier, STARTED])
    return broken(carrier)


def _again(story):
    """A step that has failed is done once more, and then all is well."""
    if story.grace <= 0:
        return _fine(story)
    link = story.pick(story.chain.links[:story.chain.index(
        story.chain.repair) + 1])
    story.lay()
    step = _steps_of(story, link)[0]
    failed = story.base(step)
    begin = failed + story.rng.uniform(0.2, 0.9) * story.grace
    for chain_link in story.chain.links:
        # The time of those behind runs from what has failed.
        story.patient(chain_link, begin - failed + story.shares[link])
    story.times.pop((link, STARTED), None)
    story.move(step, begin + story.within(link))
    if link.lasting and step.mark is FINISHED:
        story.times[link, STARTED] = begin
    if story.mode == 'heal':
        story.took = story.times[story.chain.goal, FINISHED] - story.injecting
    story.extra.append(dataclasses.replace(
        story.thing(link, 'failed', failed if link.lasting else INF, INF),
        failed=failed, end=INF))
    return good(story)


def _reversed(story):
    """A link came, and all that should follow it was there before."""
    story.lay()
    before = story.chain.links[:story.chain.index(story.steps[-1].link)] if (
        story.mode == 'heal') else story.chain.links[:story.chain.index(
            story.chain.repair)]
    link = story.pick(before)
    late = story.last() + 3 * story.slack - story.first
    story.patient(link, late + story.slack)
    for mark in links.Mark:
        if story.times.get((link, mark), INF) < INF:
            story.times[link, mark] += late
    return by_others(story.chain.links[story.chain.index(link) + 1])


def _split(story):
    """The guest of before answers after the right one has."""
    allowed = story.rng.choice((_fine, _unseen))(story)
    old = story.rng.choice((any_stories.UNCHANGED, any_stories.REBOOTED)) if (
        story.chain.healed is healing.REPLACED) else any_stories.UNCHANGED
    at = story.times[story.chain.goal, FINISHED] + story.rng.uniform(
        1, 3) * story.slack
    story.guests.append((at, story.rng.choice(((old,), (story.right, old)))))
    story.until = at + 3 * story.slack
    del allowed
    return {(Kind.SPLIT_BRAIN, story.chain.goal)}


def _overtaken(story):
    """The guest of before answers until the right one does: it is well."""
    story.lay()
    story.down = story.times[story.chain.goal, FINISHED]
    return good(story)


def _stranger(story):
    """Somebody else answers, before the right one or beside it."""
    story.lay()
    _delay(story, 3 * story.slack)
    guest = story.rng.choice((
        any_stories.STRANGER, any_stories.NAMELESS,
        *any_stories.REVIVED[story.chain.healed]))
    story.guests.append((
        story.times[story.chain.goal, FINISHED] - 2 * story.slack, (guest,)))
    return by_others(story.chain.goal)


def _beside(story):
    """A stranger takes turns with the right one; he may be seen too late."""
    story.lay()
    story.guests.append((story.times[story.chain.goal, FINISHED],
                         (story.right, any_stories.STRANGER)))
    story.patient(story.chain.goal, story.slack * 2)
    story.took = None
    return good(story) | by_others(story.chain.goal)


def _delay(story, seconds):
    """Let the right one answer later, in time all the same."""
    story.patient(story.chain.goal, seconds)
    story.times[story.chain.goal, FINISHED] += seconds
    story.took = story.times[story.chain.goal, FINISHED] - story.injecting


def _unknown_host(story):
    """Nova says late where the moved server is, or whence another boot was.

    Nobody is accused of what nobody knows.
    """
    story.lay()
    if story.chain.healed is healing.REPLACED:
        return good(story)
    _delay(story, 2 * story.slack)
    at = story.times[story.chain.goal, FINISHED]
    story.patient(story.chain.goal, story.slack)
    story.right = dataclasses.replace(story.right,
                                      known=at + story.slack / 2)
    if story.rng.random() < 0.5:
        story.guests.append((at - story.slack, (any_stories.UNKNOWN,)))
    return good(story)


def _storm(story):
    """What may come only so often comes again and again."""
    story.lay()
    limited = [link for link in story.chain.links if link.limit is not None]
    link, count = story.pick(limited), story.rng.randint(2, 5)
    story.most = story.rng.choice((0, count, *[count - 1] * 3))
    thing = story.thing(link, 'again', story.times[link, STARTED], INF)
    story.extra += [story.repeated(thing, number)
                    for number in range(1, count)]
    if story.mode == 'heal':
        _delay(story, 2 * story.slack)
    else:
        story.most = 0
    if 0 < story.most < count:
        return {(Kind.EXECUTION_STORM, link)}
    return good(story)


def _before(story):
    """Something of ours was there before the fault."""
    story.lay()
    story.took = None
    story.origin -= 3 * story.slack
    link = story.pick(story.chain.links)
    at = story.injecting - story.rng.uniform(0.01, 1.5) * story.slack
    if link is story.chain.goal:
        story.guests += [(at - story.slack, (any_stories.STRANGER,)),
                         (story.injecting, None)]
    else:
        story.extra.append(story.thing(link, 'of-before', at, INF))
    # A clock that lies may tell that it came later, and be as good as true.
    lying = story.given.clocks == 'lying'
    return {(Kind.INVALID, link)} | (good(story) if lying else set())


def _interrupted(story):
    """The watch ends before the verdict is sure."""
    story.lay()
    story.interrupted = story.rng.uniform(story.origin, story.last())
    story.told = story.rng.random() < 0.7
    return INVALID


def _no_drill(story):
    """Nobody has seen the fault, it never was, or nothing was ready."""
    story.lay()
    what = story.pick(('unwitnessed', 'not injected', 'not ready'))
    if what == 'unwitnessed':
        story.witnessed = False
        return {(Kind.INVALID, links.FAULT)}
    if what == 'not injected':
        story.is_injected = False
    else:
        story.unmet = ('the host is down',)
    return INVALID


def _quiet(story):
    """Some first links have to come, and no others do.

    The guest lives, or need not.
    """
    chain = story.chain
    first = next(chain.index(step.link) for step in chain.steps
                 if step.mark is STARTED or step.link is chain.repair)
    last = story.pick((None, *chain.links[:first]))
    story.steps = chain.until(last)
    story.lay()
    story.quiet = (story.first - story.injecting
                   + story.rng.uniform(0.5, 3) * story.slack)
    story.alive = story.rng.random() < 0.5
    if story.alive or story.rng.random() < 0.5:
        story.down = INF
    return UNTOUCHED


def _end(story):
    """Return when the quiet time is over at the earliest."""
    return max(story.injected, *story.times.values(), 0) + story.quiet


def _forbidden(story):
    return [link for link in story.chain.links
            if not _steps_of(story, link)]


def _quiet_moment(story):
    moment = story.rng.uniform(story.first, max(story.first, _end(story)))
    if story.has(Noise.LAGGED | Noise.LOSSES):
        # It may not be seen at once.
        story.quiet += story.slack
    return moment


def _quiet_lost(story):
    """A link that has to come does not, or comes late."""
    _quiet(story)
    if not story.steps:
        return UNTOUCHED
    step = story.rng.choice(story.steps)
    if story.rng.random() < 0.5:
        story.drop(step)
    else:
        story.move(step, story.too_late(step))
    return broken(step.link)


def _unexpected(story):
    """A link comes that must not: whole, begun, or unfit."""
    _quiet(story)
    link = story.rng.choice(_forbidden(story)[:-1])
    at = _quiet_moment(story)
    changes = story.rng.choice((
        {}, story.misnamed(link), *chain_samples.PAYLOADS[link].unfit))
    end = story.rng.choice((INF, at + 0.01))
    thing = story.thing(link, 'unexpected', at, end, **changes)
    if end < INF and story.rng.random() < 0.5:
        thing = dataclasses.replace(thing, unstarted=True, begin=end)
    story.extra.append(thing)
    return unexpected(link)


def _unexpected_late(story):
    """A link that must not come does so when nobody looks any more."""
    _quiet(story)
    link = story.rng.choice(_forbidden(story)[:-1])
    at = _end(story) + 5 * story.slack
    story.extra.append(story.thing(link, 'late', at, at + 0.01))
    return UNTOUCHED


def _unexpected_answer(story):
    """Somebody else answers, where nobody should be healed."""
    _quiet(story)
    guest = story.rng.choice((
        any_stories.REBOOTED, any_stories.EVACUATED, any_stories.MIGRATED,
        any_stories.UNKNOWN, any_stories.STRANGER, any_stories.NAMELESS,
        story.right))
    at = _quiet_moment(story)
    story.guests.append((at, (guest,)))
    return unexpected(story.chain.goal)


def _quiet_split(story):
    """Another one answers, and then the guest of before does again."""
    _quiet(story)
    at = _quiet_moment(story)
    guest = story.rng.choice((any_stories.STRANGER, story.right))
    story.guests += [(at, (guest,)), (at + 2 * story.slack,
                                      (any_stories.UNCHANGED,))]
    story.until = at + 4 * story.slack
    return {(Kind.SPLIT_BRAIN, story.chain.goal)}


def _blind(story):
    """The service of a link that must not come stops to answer."""
    _quiet(story)
    link = story.rng.choice(_forbidden(story))
    story.dark.add((link, story.rng.uniform(
        story.injected, max(story.injected, _end(story) - 0.01))))
    return {(Kind.INVALID, link)}


def _dead(story):
    """The guest should live, and does not."""
    _quiet(story)
    story.alive = True
    story.down = story.rng.uniform(story.injected, max(
        story.injected, _end(story) - 0.01))
    return broken(story.chain.goal)


def _late_dead(story):
    """The guest stops for a while within the quiet time, and lives."""
    _quiet(story)
    story.alive = True
    at = story.rng.uniform(story.injected, _end(story))
    story.down = at
    story.guests.append((at + story.rng.uniform(0, 0.3) * any_stories.GRACE,
                         (any_stories.UNCHANGED,)))
    return UNTOUCHED


def _quiet_before(story):
    """Something of ours was there before the fault."""
    _quiet(story)
    story.origin -= 3 * story.slack
    link = story.pick(story.chain.links[:-1])
    at = story.injecting - story.rng.uniform(0.01, 1.5) * story.slack
    story.extra.append(story.thing(link, 'of-before', at, INF))
    lying = story.given.clocks == 'lying'
    return {(Kind.INVALID, link)} | (
        (UNTOUCHED | unexpected(link)) if lying else set())


def _quiet_interrupted(story):
    _quiet(story)
    story.interrupted = story.rng.uniform(story.origin, _end(story))
    story.told = story.rng.random() < 0.7
    return INVALID


HEALING = {
    'fine': Trouble(_fine), 'unstarted': Trouble(_unstarted),
    'lost': Trouble(_lost), 'late': Trouble(_late), 'edge': Trouble(_edge),
    'unseen': Trouble(_unseen), 'dark': Trouble(_dark),
    'unfinished': Trouble(_unfinished),
    'carrier failed': Trouble(_carrier_failed, without=Noise.REPEATED),
    'again': Trouble(_again, without=Noise.REPEATED | Noise.SPELLS),
    'reversed': Trouble(_reversed, without=Noise.REPEATED),
    'split': Trouble(_split), 'overtaken': Trouble(_overtaken),
    'stranger': Trouble(_stranger), 'beside': Trouble(_beside),
    'unknown host': Trouble(_unknown_host),
    'storm': Trouble(_storm, without=Noise.REPEATED),
    'before': Trouble(_before), 'interrupted': Trouble(_interrupted),
    'no drill': Trouble(_no_drill)}

REPAIRING = {
    'repaired': Trouble(_fine, 'repair'),
    'not repaired': Trouble(_lost, 'repair'),
    'late repair': Trouble(_late, 'repair'),
    'repair in the dark': Trouble(_dark, 'repair'),
    'repair without an end': Trouble(_unfinished, 'repair'),
    'repair again': Trouble(_again, 'repair',
                            Noise.REPEATED | Noise.SPELLS),
    'repair reversed': Trouble(_reversed, 'repair', Noise.REPEATED),
    'repair before': Trouble(_before, 'repair')}

QUIET = {
    'quiet': Trouble(_quiet, 'quiet'),
    'quiet lost': Trouble(_quiet_lost, 'quiet'),
    'unexpected': Trouble(_unexpected, 'quiet'),
    'unexpected late': Trouble(_unexpected_late, 'quiet'),
    'unexpected answer': Trouble(_unexpected_answer, 'quiet'),
    'quiet split': Trouble(_quiet_split, 'quiet'),
    'blind': Trouble(_blind, 'quiet'), 'dead': Trouble(_dead, 'quiet'),
    'nearly dead': Trouble(_late_dead, 'quiet'),
    'quiet before': Trouble(_quiet_before, 'quiet'),
    'quiet interrupted': Trouble(_quiet_interrupted, 'quiet')}

TROUBLES = {**HEALING, **REPAIRING, **QUIET}
