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

"""What the users of the application saw: a pure function of the probes."""

import dataclasses

from self_healing_tempest_plugin.model import timelines


@dataclasses.dataclass(frozen=True)
class Outage:
    """The longest time without a good answer after the fault.

    :ivar begin: when it began, :class:`.timelines.Interval`
    :ivar end: when it ended, :class:`.timelines.Interval`, None when it did
        not
    """

    begin: timelines.Interval
    end: timelines.Interval | None

    @property
    def seconds(self):
        """Return how long it took at least and at most, or None."""
        if self.end is None:
            return None
        return timelines.Interval(
            max(0.0, self.end.begin - self.begin.end),
            self.end.end - self.begin.begin)


@dataclasses.dataclass(frozen=True)
class Service:
    """How the application answered during a run.

    :ivar probes: how often it was asked
    :ivar good: how many of the answers were good
    :ivar wrong: the probes that something answered wrong
    :ivar outage: :class:`Outage`, None when there was none
    """

    probes: int
    good: int
    wrong: tuple[timelines.Probe, ...]
    outage: Outage | None


def service(seen):
    """Return how the application answered.

    :param seen: :class:`.timelines.Timeline`
    :returns: :class:`Service`
    """
    probes = sorted(seen.probes, key=lambda probe: probe.begin)
    return Service(
        probes=len(probes), good=sum(probe.ok for probe in probes),
        wrong=tuple(probe for probe in probes
                    if probe.answered and not probe.ok),
        outage=max(_outages(probes), key=_length, default=None))


def _length(outage):
    return float('inf') if outage.end is None else outage.seconds.end


def _outages(probes):
    """Yield the stretches in which no probe had a good answer."""
    good, bad = None, []
    for probe in probes:
        if not probe.ok:
            bad.append(probe)
            continue
        if bad:
            yield _outage(good, bad, probe)
        good, bad = probe, []
    if bad:
        yield _outage(good, bad, None)


def _outage(before, bad, after):
    # A good answer was given some time between question and answer, and so
    # was a bad one, or none.
    begin = timelines.Interval(before.begin if before else bad[0].begin,
                               bad[0].end)
    end = after and timelines.Interval(min(bad[-1].begin, after.end),
                                       after.end)
    return Outage(begin, end)
