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

"""Whether both answer, and how late their alarms may come.

What passes between a fault and the alarm in Vitrage, as far as settings say:
the next scrape has to come and to fail, the next evaluation of the rule, its
``for``, and Alertmanager's ``group_wait``; and when one of both is started
again meanwhile, as long as Prometheus waits before it tells the same alert
again (``--rules.alert.resend-delay``, a minute by default).
"""

import contextlib
import dataclasses
import functools
import math

from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin.monitors import monitor
from self_healing_tempest_plugin.monitors.prometheus import several
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import errors

_NOT_ASKED = '%s is not asked: [self_healing] %s_url is empty'


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of the delay of an alarm.

    :ivar least: seconds that it takes at least
    :ivar most: seconds that it may take, None where that is not known
    :ivar text: what it is, for people
    """

    least: float
    most: float | None
    text: str


def of(servers, alertmanagers, alarms, seconds):
    """Return what preflight is told, see :meth:`..monitor.Monitor.outlook`.

    :param servers: :class:`.server.Prometheus` objects
    :param alertmanagers: :class:`.alertmanager.Alertmanager` objects
    :param alarms: names of alarms
    :param seconds: that an alarm may take
    :returns: :class:`..monitor.Outlook`
    """
    answers = asking.ask({
        **{name: asking.Question('Prometheus', functools.partial(
            _rules, servers, name)) for name in alarms},
        'scrapes': asking.Question('Prometheus', lambda: _scrapes(servers)),
        'resend': asking.Question('Prometheus', lambda: _resend(servers)),
        'status': asking.Question('Alertmanager', lambda: several.each(
            alertmanagers, lambda api: api.status(), several.SOON))},
        several.SOON + 1)
    rules = {name: None if answers.error(name) else answers[name]
             for name in alarms}
    status = [] if answers.error('status') else answers['status']
    return monitor.Outlook(
        answers=(*_servers(servers, alarms, answers),
                 *_alertmanagers(alertmanagers, status)),
        delays=tuple(finding for name in alarms for finding in _delay(
            name, rules[name], answers, status, seconds)))


def _rules(servers, name):
    """Return the rules of a name, all that there are.

    :raises ...services.errors.ServiceError: when nobody answers
    """
    told = several.answered(servers, lambda api: api.rules(name),
                            several.SOON)
    return [rule for rules in told for rule in rules or ()]


def _scrapes(servers):
    """Return the longest that a scrape is away, and that it may take.

    :returns: pair of seconds; None where they are not told
    """
    targets = [target for targets in several.answered(
        servers, lambda api: api.targets(), several.SOON)
        for target in targets if target.interval is not None]
    if not targets:
        return None
    return (max(target.interval for target in targets),
            max(target.timeout or 0 for target in targets))


def _resend(servers):
    delays = several.answered(servers, lambda api: api.resend_delay(),
                              several.SOON)
    return max((delay for delay in delays if delay is not None),
               default=None)


def _servers(servers, alarms, answers):
    if not servers:
        return rows.unknown(_NOT_ASKED % ('Prometheus', 'prometheus'))
    findings = []
    for name in alarms:
        if answers.error(name):
            return rows.unknown(rows.one_line(answers.error(name)))
        rules = answers[name]
        findings += rows.yes('Prometheus: rule %s, for %s' % (
            name, _seconds(rules[0].duration))) if rules else rows.unknown(
                'Prometheus: no rule raises %s' % name)
    return tuple(findings)


def _alertmanagers(apis, status):
    if not apis:
        return rows.unknown(_NOT_ASKED % ('Alertmanager', 'alertmanager'))
    findings = []
    for api, (told, error) in zip(apis, status):
        if error:
            findings += rows.unknown(rows.one_line(error))
            continue
        text = 'Alertmanager %s at %s' % (told.version or '?', api.place)
        findings += rows.yes(text) if told.members <= len(apis) else (
            rows.unknown('%s is one of %d in a cluster, of which %d URL%s '
                         'known: what another one has sent is not' % (
                             text, told.members, len(apis),
                             ' is' if len(apis) == 1 else 's are')))
    return tuple(findings)


def _delay(name, rules, answers, status, seconds):
    """Return the finding on the delay of one alarm."""
    if not rules:
        return ()
    parts = (_scrape(answers), _evaluation(rules), _group_wait(status))
    resend = None if answers.error('resend') else answers['resend']
    least = sum(part.least for part in parts)
    most = sum(part.most or 0 for part in parts)
    text = '%s: %s; ' % (name, ', '.join(part.text for part in parts))
    if least > seconds:
        return rows.no('%snot before %g s, and alarm_timeout is %g s' % (
            text, least, seconds))
    late = most + (resend or 0)
    text += '%g s at most, %s; alarm_timeout is %g s' % (
        most, 'and how much later where one of both is started again is not '
        'told' if resend is None else '%g s where one of both is started '
        'again' % late, seconds)
    known = all(part.most is not None for part in parts)
    sure = known and resend is not None and late <= seconds
    return rows.yes(text) if sure else rows.unknown(text)


def _scrape(answers):
    with contextlib.suppress(errors.ServiceError):
        if answers['scrapes']:
            interval, timeout = answers['scrapes']
            return Part(0, interval + timeout, 'scrape %g + %g s' % (
                interval, timeout))
    return Part(0, None, 'scrape not told')


def _evaluation(rules):
    """Return what the slowest of the rules of a name takes."""
    waits = [rule.duration for rule in rules if rule.duration is not None]
    if not waits:
        return Part(0, None, 'for not told')
    intervals = [rule.interval for rule in rules if rule.interval]
    wait, interval = max(waits), max(intervals, default=None)
    # Whether it has lasted long enough is looked at once an interval.
    return Part(
        min(waits), None if interval is None else interval * (
            1 + math.ceil(wait / interval)),
        'evaluation %s, for %g s' % (
            'not told' if interval is None else '%g s' % interval, wait))


def _group_wait(status):
    waits = [wait for told, _ in status if told for wait in told.group_waits]
    if not waits:
        return Part(0, None, 'group_wait not told')
    return Part(min(waits), max(waits), 'group_wait %g s' % max(waits))


def _seconds(duration):
    return 'a time that it does not tell' if duration is None else (
        '%g s' % duration)
