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

"""Documents of formats 3 and 4 as documents of this format.

Format 3 knew one chain only; what it left to its readers stands here, and
does not follow what has become of that chain since. Format 4 had a record
for each probe.
"""

import types

from self_healing_tempest_plugin.report import answers
from self_healing_tempest_plugin.report import schemas

_CHAIN = {
    'name': 'vitrage', 'healed': 'replaced', 'links': [
        {'name': name, 'arrow': arrow, 'lasting': lasting, 'came': came}
        for name, arrow, lasting, came in (
            ('fault', 'injector → target', False, 'came'),
            ('alarm', 'monitor → Vitrage', False, 'raised'),
            ('deduction', 'Vitrage alarm → Vitrage deduction', False,
             'deduced'),
            ('workflow', 'Vitrage → Mistral', True, 'came'),
            ('stack', 'Mistral → Heat', True, 'came'),
            ('application', 'new server → application', False,
             'answered from boot'))]}

_IDS = ('host', 'server_id', 'boot', 'stack_id', 'workflow', 'url',
        'host_alarm', 'deduced_alarm', 'monitor_look_at')

_AWAITED_BY_NONE = ('workflow', 'finished')


def upgraded(run):
    """Return a document of this format.

    :param run: a valid document of an older format; it is not changed
    """
    if run['format'] == 3:
        run = _of_chains(run)
    probes = run['probes']
    application = run['application']
    return dict(
        run, format=schemas.FORMAT,
        probes=answers.coded(
            [types.SimpleNamespace(**probe) for probe in probes],
            lambda probe: probe.of_before),
        application=dict(application, split_brain=_split_brain(
            application['split_brain'], probes)))


def _split_brain(old, probes):
    """Return the old guest's answer, which was looked up among the probes."""
    if old is None:
        return None
    probe = next((probe for probe in probes if probe['of_before']
                  and probe['end'] == old['old']), None)
    return dict(old, begin=probe['begin'] if probe else old['old'],
                boot=probe['boot'] if probe else '')


def _of_chains(run):
    """Return a document of format 4 of one of format 3."""
    expectation = _expectation(run['expectation'])
    executions = run['executions']
    new = dict(
        run, format=4, chain=_CHAIN, expectation=expectation,
        # Left out before a verdict knew of it.
        ended=run.get('ended', ''),
        links=[*_rows(run, expectation['steps'])],
        probes=[dict(probe, of_before=_of_before(probe, expectation['ids']))
                for probe in run['probes']],
        objects={'workflow': executions} if executions else {},
        limited=['workflow'])
    del new['executions']
    return new


def _expectation(old):
    new = {key: value for key, value in old.items() if key not in _IDS}
    # The fault was always one of a whole host.
    ids = dict({key: old[key] for key in _IDS}, avoid=old['host'],
               elsewhere=' on another host than %s' % old['host'])
    return dict(new, ids=ids, steps=[*_steps(old['steps'])])


def _steps(steps):
    """Yield the steps, each with the step before it, which it waits for."""
    after = None
    for step in steps:
        yield dict(step, after=after)
        if (step['link'], step['mark']) != _AWAITED_BY_NONE:
            after = step


def _rows(run, steps):
    """Yield the rows of the links, and what had none."""
    awaited = {(step['link'], step['mark']): step['after'] for step in steps}
    for row in run['links']:
        if (row['link'], row['mark']) in awaited:
            after = awaited[row['link'], row['mark']]
            if (row['link'], row['mark']) == ('stack', 'finished'):
                yield from (_row(start, after=after)
                            for start in _seen(run, row, 'started'))
            yield dict(row, after=after)
        else:
            yield dict(row, after=None)
            # Of a link that must not come only what came first had a row.
            other = 'finished' if row['mark'] == 'started' else 'started'
            if row['state'] == 'came':
                yield from (_row(seen, deadline=row['deadline'])
                            for seen in _seen(run, row, other)[:1])


def _seen(run, row, mark):
    """Return the evidence of another mark of a row's object, as a list."""
    return [evidence for evidence in run['evidence']
            if (evidence['link'], evidence['mark']) == (row['link'], mark)
            and row['object_id'] in (None, evidence['object_id'])]


def _row(evidence, after=None, deadline=None):
    copied = ('link', 'mark', 'begin', 'end', 'object_id')
    return dict({key: evidence[key] for key in copied}, state='came',
                after=after, deadline=deadline, took=None)


def _of_before(probe, ids):
    return probe['ok'] and (probe['boot'] == ids['boot']
                            or probe['server'] == ids['server_id'])
