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

"""Timelines and expectations to judge."""

from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.model import expectations
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import timelines


Link, Mark = vitrage, links.Mark

PAYLOADS = {
    Link.ALARM: {'host': 'compute-1'},
    Link.DEDUCTION: {'server_id': 'old'},
    Link.WORKFLOW: {'server_id': 'old', 'state': 'SUCCESS'},
    Link.STACK: {'stack_id': 'stack-1', 'server_id': 'new',
                 'host': 'compute-2', 'status': 'ACTIVE'},
    Link.APPLICATION: {'url': 'http://192.0.2.1:80/', 'boot': 'boot-2',
                       'server': 'new', 'nonce': 'n'},
}

IDS = {'host': 'compute-1', 'server_id': 'old', 'boot': 'boot-1',
       'avoid': 'compute-1',
       'elsewhere': ' on another host than compute-1',
       'stack_id': 'stack-1', 'workflow': 'heal',
       'url': 'http://192.0.2.1:80/', 'host_alarm': 'HostDown',
       'deduced_alarm': 'Instance down', 'monitor_look_at': 'the monitor'}

# That the fault is noticed, and nothing is done about it.
DEDUCED = vitrage.CHAIN.until(vitrage.DEDUCTION)

# That the server is replaced, where no guest runs that could answer.
REPAIRED = vitrage.CHAIN.until(vitrage.STACK)

FAULT = 'host compute-1 without power'

# When each step of a healthy run is seen, in seconds.
HEALTHY = (
    (Link.ALARM, Mark.FINISHED, 105.0),
    (Link.DEDUCTION, Mark.FINISHED, 107.0),
    (Link.WORKFLOW, Mark.STARTED, 108.0),
    (Link.STACK, Mark.STARTED, 110.0),
    (Link.STACK, Mark.FINISHED, 120.0),
    (Link.WORKFLOW, Mark.FINISHED, 121.0),
    (Link.APPLICATION, Mark.FINISHED, 119.0),
)


def expected(**changes):
    """Return what a healthy run should show.

    :param changes: fields of the expectation, and ids
    """
    ids = {name: changes.pop(name, value) for name, value in IDS.items()}
    values = dict(
        chain=vitrage.CHAIN, steps=vitrage.CHAIN.steps, fault=FAULT,
        fault_look_at='the power commands', ids=ids,
        timeouts={'alarm': 30, 'deduction': 20, 'workflow': 10, 'stack': 60,
                  'application': 40})
    return expectations.Expectation(**dict(values, **changes))


def untouched(**changes):
    """Return that alarm and deduction come, and nothing else for 30 s."""
    return expected(**dict(
        dict(fault='data NIC eth1 of host compute-1 down',
             steps=DEDUCED, quiet=30.0), **changes))


def evidence(link, mark, seen_at, uncertainty=1.0, lag=0.0, **payload):
    """Return one record of a healthy run, with changes."""
    return timelines.Evidence(
        link, mark, '%s-id' % link.name, seen_at - uncertainty, seen_at,
        dict(PAYLOADS[link], **payload), lag)


def healthy(without=(), witnessed=True, **changes):
    """Return a healthy timeline; the fault is injected at 100 s.

    :param without: links whose evidence is left out
    """
    transitions = [timelines.Transition('injected', 100.0, 101.0)]
    if witnessed:
        transitions.append(timelines.Transition('witnessed', 101.0, 103.0))
    values = dict(
        origin=90.0, concluded=200.0, transitions=tuple(transitions),
        evidence=tuple(evidence(*step) for step in HEALTHY
                       if step[0] not in without),
        watched={link: timelines.Watched(9, 0, 99.0, 'not there', 99.0)
                 for link in vitrage.CHAIN.links})
    return timelines.Timeline(**dict(values, **changes))


# Deduced at 107 s: what comes later is too much until 137 s.
QUIET_END = 137.0


def deduced(*more, until=QUIET_END, **changes):
    """Return a timeline with alarm and deduction, and no more than that.

    :param more: further evidence
    :param until: when the last poll of each link began
    """
    noticed = tuple(evidence(*step) for step in HEALTHY[:2])
    values = dict(
        evidence=noticed + more, probes=(probe(until, 'old'),),
        watched={link: timelines.Watched(9, 0, until, 'not there', until)
                 for link in vitrage.CHAIN.links})
    return healthy(**dict(values, **changes))


def probe(begin, server='', boot='', takes=0.5):
    """Return a probe, answered by a server, or by none."""
    boot = boot or {'old': 'boot-1', 'new': 'boot-2'}.get(server, '')
    return timelines.Probe(begin, begin + takes, bool(server), 'n', boot,
                           server, '' if server else 'ConnectionError')


def polled(seen, **begins):
    """Return a timeline whose last polls began at the given times."""
    watched = dict(seen.watched)
    for label, begin in begins.items():
        watched[vitrage.CHAIN.link(label)] = timelines.Watched(
            9, 0, begin, 'x', begin)
    return watched
