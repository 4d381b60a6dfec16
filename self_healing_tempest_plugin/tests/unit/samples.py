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

from self_healing_tempest_plugin.chain import expectation
from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.chain import timeline

Link, Mark = links.Link, links.Mark

PAYLOADS = {
    Link.ALARM: {'host': 'compute-1'},
    Link.DEDUCTION: {'server_id': 'old'},
    Link.WORKFLOW: {'server_id': 'old', 'state': 'SUCCESS'},
    Link.STACK: {'stack_id': 'stack-1', 'server_id': 'new',
                 'host': 'compute-2', 'status': 'ACTIVE'},
    Link.APPLICATION: {'url': 'http://192.0.2.1:80/', 'boot': 'boot-2',
                       'server': 'new', 'nonce': 'n'},
}

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
    """Return what a healthy run should show."""
    values = dict(
        host='compute-1', server_id='old', boot='boot-1', stack_id='stack-1',
        workflow='heal', url='http://192.0.2.1:80/', host_alarm='HostDown',
        deduced_alarm='Instance down', monitor_look_at='the monitor',
        timeouts={Link.ALARM: 30, Link.DEDUCTION: 20, Link.WORKFLOW: 10,
                  Link.STACK: 60, Link.APPLICATION: 40})
    return expectation.Expectation(**dict(values, **changes))


def evidence(link, mark, seen_at, uncertainty=1.0, lag=0.0, **payload):
    """Return one record of a healthy run, with changes."""
    return timeline.Evidence(
        link, mark, '%s-id' % link.label, seen_at - uncertainty, seen_at,
        dict(PAYLOADS[link], **payload), lag)


def healthy(without=(), witnessed=True, **changes):
    """Return a healthy timeline; the fault is injected at 100 s.

    :param without: links whose evidence is left out
    """
    transitions = [timeline.Transition('injected', 100.0, 101.0)]
    if witnessed:
        transitions.append(timeline.Transition('witnessed', 101.0, 103.0))
    values = dict(
        origin=90.0, transitions=tuple(transitions),
        evidence=tuple(evidence(*step) for step in HEALTHY
                       if step[0] not in without),
        watched={link: timeline.Watched(9, 0, 99.0, 'not there')
                 for link in Link if link is not Link.FAULT})
    return timeline.Timeline(**dict(values, **changes))


def polled(seen, **begins):
    """Return a timeline whose last polls began at the given times."""
    watched = dict(seen.watched)
    for label, begin in begins.items():
        watched[Link[label.upper()]] = timeline.Watched(9, 0, begin, 'x')
    return watched
