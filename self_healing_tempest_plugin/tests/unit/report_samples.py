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

"""Runs as a small cloud shows them, made by code, to look at their report.

The fault is injected at :data:`FAULT`; the ids and the seconds are like those
of a run with two compute hosts.
"""

import functools

from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.diagnosis import records
from self_healing_tempest_plugin.model import expectations
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.report import documents

Link, Mark = vitrage, links.Mark

ORIGIN = 51200.0
BEGAN = 1795475338.123
FAULT = ORIGIN + 39.8

# What a service's clock shows at 0 of the runner's monotonic one.
WALL = BEGAN - ORIGIN

OLD = '16c3a5b4-5f5e-43e9-9c90-4ff7f540efae'
NEW = '4037f312-5b8b-4f9d-bfd1-10a86e821918'
STACK = '496a782b-367b-4098-986d-874f443379b5'
OLD_BOOT = '6ba08651-1bab-4524-907c-1f31b5c7b180'
NEW_BOOT = '27459cd3-b34f-4a75-8b19-e2947e0b5307'
EXECUTION = '8c0f1b74-6c50-489a-9c4d-4315cfb6667f'
ALARM = '91db88d0-3287-41c8-876a-610f7be4eb88'
DEDUCED = 'b971ab7c-7444-4da1-8fbd-877d21ebc3d6'
WORKFLOW = 'tempest-self-healing-application-1385179561-heal_instance-qav4hz'
URL = 'http://10.78.0.215:80/'

PAYLOADS = {
    Link.ALARM: {'name': 'HostDown', 'vitrage_type': 'prometheus',
                 'host': 'compute-1', 'end_timestamp': None},
    Link.DEDUCTION: {'name': 'Instance down', 'vitrage_type': 'vitrage',
                     'server_id': OLD, 'state_error': True},
    Link.WORKFLOW: {'server_id': OLD, 'state': 'RUNNING',
                    'workflow': WORKFLOW,
                    'input': {'stack_id': STACK, 'server_id': OLD}},
    Link.STACK: {'stack_id': STACK, 'server_id': NEW, 'host': 'compute-2',
                 'status': 'ACTIVE', 'stack_status': 'UPDATE_COMPLETE'},
    Link.APPLICATION: {'url': URL, 'boot': NEW_BOOT, 'server': NEW,
                       'nonce': '90677d9abeb73adc'},
}

OBJECTS = {Link.ALARM: ALARM, Link.DEDUCTION: DEDUCED,
           Link.WORKFLOW: EXECUTION, Link.STACK: STACK,
           Link.APPLICATION: NEW_BOOT}

# Seconds after the fault between which polls saw each step.
HEALTHY = (
    (Link.ALARM, Mark.FINISHED, 4.6, 5.3),
    (Link.DEDUCTION, Mark.FINISHED, 4.9, 5.6),
    (Link.WORKFLOW, Mark.STARTED, 5.6, 6.2),
    (Link.STACK, Mark.STARTED, 8.1, 8.7),
    (Link.STACK, Mark.FINISHED, 28.4, 29.0),
    (Link.APPLICATION, Mark.FINISHED, 30.3, 30.6),
    (Link.WORKFLOW, Mark.FINISHED, 33.6, 34.2),
)

LIFE = (('planned', -0.1, -0.1, 'host compute-1 without power'),
        ('armed', -0.1, -0.1, 'no timer on host compute-1'),
        ('injected', 0.0, 0.3, ''),
        ('witnessed', 0.3, 2.4,
         'power of compute-1 is off, 10.77.0.11 port 22 is silent'))

BACK = (('reverted', 35.2, 36.9, ''), ('verified', 36.9, 37.1, ''))

TIMEOUTS = {'fault': 30, 'alarm': 60, 'deduction': 30, 'workflow': 30,
            'stack': 300, 'application': 120}

IDS = {
    'host': 'compute-1', 'server_id': OLD, 'boot': OLD_BOOT,
    'avoid': 'compute-1', 'elsewhere': ' on another host than compute-1',
    'stack_id': STACK, 'workflow': WORKFLOW, 'url': URL,
    'host_alarm': 'HostDown', 'deduced_alarm': 'Instance down',
    'monitor_look_at': 'the alerts of Prometheus, and the notifications '
                       'that Alertmanager failed to send'}

DIAGNOSIS = records.Diagnosis(
    last_good=Link.DEDUCTION, last_object_id=DEDUCED, missing=Link.WORKFLOW,
    facts=(
        records.Fact('Vitrage', True,
                     'the healing rule is ACTIVE: template 3 of 3'),
        records.Fact('vitrage-notifier', False,
                     'its log has no line for server %s' % OLD),
        records.Fact('Mistral', None,
                     'the workflow is there; nobody asked for an execution')),
    look_at="vitrage-notifier's log, and whether the process is there",
    bisect=(
        records.Works(Link.STACK, True,
                      'an execution that was started by hand updated it'),
        records.Works(Link.APPLICATION, None, 'the time was over')))


def expected(**changes):
    """Return what a run should show; all of it unless told otherwise."""
    return expectations.Expectation(**dict(dict(
        chain=vitrage.CHAIN, fault='host compute-1 without power',
        fault_look_at='the host_power commands in [self_healing]',
        ids=IDS, timeouts=TIMEOUTS, steps=vitrage.CHAIN.steps), **changes))


def untouched(**changes):
    """Return that alarm and deduction come, and nothing else for 40 s."""
    return expected(**dict(dict(
        steps=vitrage.CHAIN.until(Link.DEDUCTION), quiet=40.0), **changes))


def run(steps=HEALTHY, until=34.3, life=LIFE, back=BACK, **changes):
    """Return a timeline.

    :param steps: link, mark, and seconds after the fault of the last poll
        without it and the first with it
    :param until: when the verdict was sure, seconds after the fault
    """
    values = dict(
        origin=ORIGIN, began=BEGAN, concluded=FAULT + until,
        transitions=tuple(timelines.Transition(
            name, FAULT + begin, FAULT + end, detail)
            for name, begin, end, detail in (*life, *back)),
        evidence=tuple(_evidence(*step) for step in sorted(
            steps, key=lambda step: step[3])),
        probes=probes(until=until + 20),
        watched={link: timelines.Watched(
            70, 1, FAULT + until, 'as it was', FAULT + until)
            for link in vitrage.CHAIN.links},
        objects={Link.WORKFLOW: (EXECUTION,)},
        clocks={service: timelines.Offset(WALL - 0.041, WALL + 0.033)
                for service in ('Heat', 'Mistral', 'Vitrage')})
    return timelines.Timeline(**dict(values, **changes))


def _evidence(link, mark, begin, end):
    stamps = ()
    if link in (Link.STACK, Link.WORKFLOW):
        at = WALL + FAULT + (begin + end) / 2
        service = 'Heat' if link is Link.STACK else 'Mistral'
        stamps = (timelines.Stamp(service, at - 0.2, at + 0.8),)
    return timelines.Evidence(
        link, mark, OBJECTS[link], FAULT + begin, FAULT + end,
        PAYLOADS[link], 0.0, stamps)


def probes(away=0.2, back=30.3, until=55.0, begin=-3.0, **kinds):
    """Return ten requests a second; none is answered between two moments.

    :param away: when the old server is gone, seconds after the fault
    :param back: when the new one is there, None: never
    :param kinds: moments of ``wrong`` answers, and of the ``old`` server's
    """
    moments = [begin + 0.1 * count
               for count in range(int((until - begin) * 10))]
    return tuple(probe(at, answerer(round(at, 1), away, back, kinds))
                 for at in moments)


def answerer(at, away, back, kinds):
    """Return who answers at a moment; see :func:`probes`."""
    special = [name for name, moments in kinds.items() if at in moments]
    if special:
        return special[0]
    if at < away:
        return 'old'
    return 'new' if back is not None and at >= back else ''


def probe(at, who):
    """Return one answer.

    :param at: seconds after the fault
    :param who: ``old``, ``new``, ``wrong``, or empty for nobody
    """
    begin = FAULT + at
    answered, ok = bool(who), who in ('old', 'new')
    boot = {'old': OLD_BOOT, 'new': NEW_BOOT}.get(who, '')
    server = {'old': OLD, 'new': NEW}.get(who, '')
    error = '' if ok else '502 Bad Gateway' if answered else 'ConnectTimeout'
    return timelines.Probe(begin, begin + (0.02 if answered else 1.0), ok,
                           '%016x' % int(at * 10 + 100), boot, server, error,
                           answered)


def details():
    """Return what the services told of a healing afterwards."""
    told = (
        (Link.WORKFLOW, 'Mistral task', 6.4, 'find_stack is in SUCCESS'),
        (Link.WORKFLOW, 'Mistral task', 7.9, 'mark_unhealthy is in SUCCESS'),
        (Link.STACK, 'Heat event', 8.3,
         'UPDATE_IN_PROGRESS: Stack UPDATE started'),
        (Link.STACK, 'Heat event', 12.2, 'server DELETE_IN_PROGRESS'),
        (Link.STACK, 'Heat event', 16.8, 'server CREATE_IN_PROGRESS'),
        (Link.STACK, 'Nova action', 17.5, 'create of server %s' % NEW),
        (Link.STACK, 'Heat event', 28.6,
         'UPDATE_COMPLETE: Stack UPDATE completed successfully'))
    return tuple(_detail(index, *fields) for index, fields in enumerate(told))


def _detail(index, link, source, at, text):
    service = 'Heat' if link is Link.STACK else 'Mistral'
    begin = WALL + FAULT + at
    return timelines.Detail(
        link, source, 'f%07d-7411-4c3c-9a5e-0f6d1d4c2b11' % index, text,
        timelines.Stamp(service, begin, begin + 1))


def healed():
    """Return a run that healed, and what was expected of it."""
    return run(details=details(), probes=probes(wrong=(30.7,))), expected()


def night(number, stack=0.0):
    """Return a run that healed some nights later.

    :param stack: seconds that the stack took longer
    """
    late = {(Link.STACK, Mark.FINISHED), (Link.APPLICATION, Mark.FINISHED),
            (Link.WORKFLOW, Mark.FINISHED)}
    steps = tuple(
        (link, mark, *(at + stack if (link, mark) in late else at
                       for at in (begin, end)))
        for link, mark, begin, end in HEALTHY)
    return run(steps, until=34.3 + stack, began=BEGAN + 86400 * number,
               probes=probes(back=30.3 + stack)), expected()


def broken():
    """Return a run whose workflow was never started."""
    return run(HEALTHY[:2], until=36.1, probes=probes(back=None, until=60),
               back=(('reverted', 36.2, 37.8, ''),
                     ('verified', 37.8, 58.3, '')), objects={}), expected()


@functools.cache
def every_kind():
    """Return timeline and expectation of each kind of verdict, by name."""
    doubled = {Link.WORKFLOW: (EXECUTION, DEDUCED, ALARM)}
    return {
        'HEALED': healed(), 'BROKEN': broken(),
        'REPAIRED': (run(HEALTHY[:5] + HEALTHY[6:], probes=()), expected(
            steps=vitrage.CHAIN.until(Link.STACK), ids=dict(IDS, boot=''))),
        'UNTOUCHED': (run(HEALTHY[:2], until=45.8, objects={},
                          probes=probes(back=None, until=70)), untouched()),
        'NOT_HEALED_BY_THIS_CHAIN': (
            run(HEALTHY[:1] + HEALTHY[3:], until=40.0), expected()),
        'UNEXPECTED_HEALING': (run(HEALTHY[:4], until=8.8), untouched()),
        'SPLIT_BRAIN': (run(probes=probes(old=(41.0, 41.3))), expected()),
        'EXECUTION_STORM': (run(objects=doubled),
                            expected(max_executions=2)),
        'INVALID': (run((), until=32.5, life=LIFE[:3] + (
            ('unwitnessed', 0.3, 32.4, 'no witness after 30 s'),)),
            expected())}


def document(kind, **changes):
    """Return the document of a run of one kind of verdict."""
    seen, wanted = every_kind()[kind]
    return dict(documents.document(
        seen, wanted, DIAGNOSIS if kind == 'BROKEN' else None,
        name='test_host_crash',
        story='The application is healed, by this chain.'), **changes)
