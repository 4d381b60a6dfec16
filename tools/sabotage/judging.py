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

"""The problems of how a case went."""

import re

#: Seconds that a case may take.
RUN = 420


def judge_others(case, others):
    """Yield the problems of the other applications on the host.

    :param case: :class:`.case.Case`
    :param others: their reports
    """
    healed = sum(report['verdict']['kind'] == 'HEALED' for report in others)
    if (healed, len(others)) != (case.healed, case.healed):
        yield '%d others should be healed; %s' % (case.healed, ', '.join(
            map(describe, others)) or 'there are none')


def judge(case, code, report, output):
    """Yield the problems of how a case went.

    :param case: :class:`.case.Case`
    :param code: exit code of the scenario, None without an end
    :param report: as the scenario has written it, empty where there is none
    :param output: of the scenario
    """
    if code is None:
        yield 'not over after %d s' % RUN
    # A verdict is an expectation that failed: it has no traceback.
    if broke(output, case.interrupted):
        yield 'the scenario broke: %s' % output[-1500:]
    if not report:
        yield 'no report: %s' % output[-1500:]
        return
    verdict = report['verdict']
    if (verdict['kind'], verdict['link']) != (case.kind, case.link):
        yield 'it should be %s; %s' % (case.expected, describe(report))
    elif not re.search(case.says, verdict['why']):
        yield 'it should say %s; %s' % (case.says, describe(report))
    looks = (report['diagnosis'] or {}).get('look_at', '')
    if not re.search(case.points, looks):
        yield 'it should point at %s; %s' % (case.points, looks)
    works = bisected(report)
    if works != case.works:
        yield 'the bisect says %s, not %s' % (works, case.works)
    good = verdict['kind'] == 'HEALED'
    if code is not None and good != (code == 0):
        yield 'the scenario says %s and its exit code is %d' % (
            verdict['kind'], code)


def broke(output, interrupted):
    """Return whether a scenario ended otherwise than by its verdict.

    :param output: of the scenario
    :param interrupted: whether it was to be interrupted
    """
    traces = re.findall(r'^Traceback .*(?:\n[ ].*)*\n(.*)$', output,
                        re.MULTILINE)
    if interrupted:
        traces = [trace for trace in traces
                  if not trace.startswith('KeyboardInterrupt')]
    return bool(traces)


def bisected(report):
    """Return which later links work on their own, by label."""
    links = (report['diagnosis'] or {}).get('bisect', ())
    return {link['link']: link['works'] for link in links}


def describe(report):
    """Return a verdict as a sentence."""
    verdict = report['verdict']
    return '%s: %s; look at: %s' % (
        verdict['kind'], verdict['why'], verdict['look_at'] or 'nothing')
