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

"""What Prometheus and Alertmanager are asked when their alarm is missing."""

import contextlib
import functools

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.monitors.prometheus import alertmanager
from self_healing_tempest_plugin.monitors.prometheus import labels
from self_healing_tempest_plugin.services import errors

Clue, Inquiry = context.Clue, context.Inquiry


def _addresses(case):
    """Return the addresses that a label may name the host by."""
    host = case.ids['host']
    addresses = [case.around.settings.access.addresses.get(host)]
    with contextlib.suppress(errors.ServiceError):
        addresses.append(case.clients.nova.host_address(host))
    return tuple(filter(None, addresses))


def _of_host(entries, case):
    """Return the alerts or targets that name the host by a label."""
    addresses = _addresses(case)
    return [entry for entry in entries if labels.naming(
        entry['labels'], case.ids['host'], addresses)]


def _naming(entry):
    return ', '.join('%s=%s' % pair for pair in sorted(
        entry['labels'].items()) if pair[0] in labels.HOST_LABELS)


def rule(server, case):
    """Does Prometheus have the rule, and what does it make of the host?"""
    name = case.ids['host_alarm']
    rules = server.rules(name)
    if not rules:
        return (Clue(
            False, 'no rule raises alert %s' % name,
            "Prometheus' rule files: none of them raises %s" % name),)
    sick = [entry for entry in rules if entry.get('health') == 'err']
    if sick:
        problem = sick[0].get('lastError') or 'no reason given'
        return (Clue(
            False, 'rule %s cannot be evaluated: %s' % (name, problem),
            "Prometheus' rule %s, whose expression fails: %s" % (
                name, problem)),)
    alerts = [raised for entry in rules for raised in entry['alerts']]
    return (_alert(case, rules[0], alerts),)


def _alert(case, its_rule, alerts):
    name, host = case.ids['host_alarm'], case.ids['host']
    here = _of_host(alerts, case)
    if here:
        state, since = here[0]['state'], here[0]['activeAt']
        if state == 'firing':
            return Clue(True, 'alert %s is firing for host %s since %s'
                        % (name, host, since))
        return Clue(
            False, 'alert %s for host %s is only %s since %s, its rule waits '
            '%g s' % (name, host, state, since, its_rule['duration']),
            "the \"for\" of Prometheus' rule %s, and alarm_timeout" % name)
    if alerts:
        return Clue(
            False, 'alert %s is %s, but its labels name another host: %s' % (
                name, alerts[0]['state'], _naming(alerts[0])),
            "the labels of alert %s and of its target in Prometheus: none of "
            'them names host %s' % (name, host))
    return Clue(
        False, 'rule %s sees nothing wrong: %s' % (name, its_rule['query']),
        "the expression of Prometheus' rule %s: it holds for no host, "
        'though %s' % (name, case.expectation.fault))


def target(server, case):
    """Does Prometheus scrape the host, and how does that go?"""
    host = case.ids['host']
    targets = _of_host(server.targets(), case)
    if not targets:
        return (Clue(
            False, 'no target has a label that names host %s' % host,
            "Prometheus' scrape configuration: no target has a label that "
            'names host %s' % host),)
    return [Clue(True, 'target %s of host %s is %s%s' % (
        entry['scrapeUrl'], host, entry['health'],
        entry['lastError'] and ': %s' % entry['lastError']))
        for entry in targets[:3]]


def receivers(server, case):
    """Does Prometheus know whom to tell?"""
    del case
    urls = server.alertmanagers()
    if urls:
        return (Clue(True, 'alerts go to %s' % ', '.join(urls)),)
    return (Clue(
        False, 'there is no Alertmanager that alerts go to',
        "\"alerting\" in Prometheus' configuration: it knows no "
        'Alertmanager'),)


def alert(api, case):
    """Does Alertmanager have the alert, and may it tell anybody?"""
    name, host = case.ids['host_alarm'], case.ids['host']
    alerts = api.alerts(name)
    here = _of_host(alerts, case)
    if here:
        return [_passed_on(api, entry, name, host) for entry in here[:3]]
    if alerts:
        return (Clue(
            False, 'alert %s names another host: %s' % (
                name, _naming(alerts[0])),
            'the labels of alert %s: they name another host than %s' % (
                name, host)),)
    return (Clue(
        False, 'there is no alert %s' % name,
        "Prometheus: is alert %s firing there, and does "
        'prometheus_notifications_errors_total grow?' % name),)


def _passed_on(api, entry, name, host):
    status = entry['status']
    if status.get('silencedBy'):
        silence = status['silencedBy'][0]
        return Clue(
            False, 'alert %s on host %s is silenced %s' % (
                name, host, _silence(api, silence)),
            "Alertmanager's silence %s: it holds back alert %s" % (
                silence, name))
    for key in ('inhibitedBy', 'mutedBy'):
        if status.get(key):
            return Clue(
                False, 'alert %s on host %s is %s %s' % (
                    name, host, key[:-2], ', '.join(status[key])),
                "Alertmanager's configuration: alert %s is %s %s" % (
                    name, key[:-2] + ' by', ', '.join(status[key])))
    return Clue(True, 'alert %s on host %s is %s since %s, for %s' % (
        name, host, status['state'], entry['startsAt'],
        ', '.join(receiver['name'] for receiver in entry['receivers'])
        or 'nobody'))


def _silence(api, silence_id):
    try:
        silence = api.silence(silence_id)
    except errors.ServiceError:
        return 'by %s' % silence_id
    return 'by %s until %s (%s: %s)' % (
        silence_id, silence['endsAt'], silence['createdBy'],
        silence['comment'])


def notifications(api, case):
    """Did Alertmanager's notifications succeed?"""
    now, before = api.sent(), case.around.learned.get('sent')
    if before is not None:
        zero = alertmanager.Sent(0, 0)
        now = {name: sent.since(before.get(name, zero))
               for name, sent in now.items()}
    return _sent({name: sent for name, sent in now.items() if sent.total},
                 before is not None)


def _sent(counts, known):
    since = 'since the fault' if known else 'since it started'
    if not counts:
        return (Clue(
            False if known else None,
            'nothing was sent to anybody %s' % since,
            "Alertmanager's route for the alert: nothing was sent to "
            'anybody' if known else ''),)
    return [_sent_by(name, sent, since, known)
            for name, sent in sorted(counts.items())]


def _sent_by(name, sent, since, known):
    text = '%d of %d notifications by %s failed %s' % (
        sent.failed, sent.total, name, since)
    if not sent.failed:
        return Clue(True, text)
    # Without a count of before, the failures may be of long ago.
    return Clue(
        False if known or sent.failed == sent.total else None, text,
        "Alertmanager's log for 'Notify for alerts failed': the URL of the "
        "%s, its user and its password, and Vitrage's answer" % name)


def of_server(server):
    """Return what Prometheus is asked, nothing where there is none.

    :param server: :class:`.server.Prometheus`, or None
    """
    return _bound(server, (('rule of the alert', rule),
                           ('target of the host', target),
                           ('its Alertmanagers', receivers)))


def of_alertmanager(api):
    """Return what Alertmanager is asked, nothing where there is none.

    :param api: :class:`.alertmanager.Alertmanager`, or None
    """
    return _bound(api, (('the alert', alert),
                        ('its notifications', notifications)))


def _bound(api, asked):
    return () if api is None else tuple(
        Inquiry(api.service, what, functools.partial(ask, api))
        for what, ask in asked)
