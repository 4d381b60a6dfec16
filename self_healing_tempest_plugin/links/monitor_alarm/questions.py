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

"""Link alarm: the monitor as its sender, Vitrage as its receiver."""

import contextlib

from self_healing_tempest_plugin.diagnosis import context
from self_healing_tempest_plugin.links import vitrage_inquiries
from self_healing_tempest_plugin.monitors import prometheus
from self_healing_tempest_plugin.services import errors

Clue, Inquiry = context.Clue, context.Inquiry


def _addresses(case):
    """Return the addresses that a label may name the host by."""
    host = case.ids['host']
    found = [case.around.settings.access.addresses.get(host)]
    with contextlib.suppress(errors.ServiceError):
        found.append(case.clients.nova.host_address(host))
    return tuple(filter(None, found))


def _of_host(several, case):
    """Return those that name the host by a label."""
    addresses = _addresses(case)
    return [one for one in several if prometheus.naming(
        one['labels'], case.ids['host'], addresses)]


def _labels(one):
    return ', '.join('%s=%s' % pair for pair in sorted(
        one['labels'].items()) if pair[0] in prometheus.HOST_LABELS)


def rule(case):
    """Does Prometheus have the rule, and what does it make of the host?"""
    if case.around.prometheus is None:
        return ()
    name = case.ids['host_alarm']
    found = case.around.prometheus.rules(name)
    if not found:
        return (Clue(
            False, 'no rule raises alert %s' % name,
            "Prometheus' rule files: none of them raises %s" % name),)
    sick = [one for one in found if one.get('health') == 'err']
    if sick:
        problem = sick[0].get('lastError') or 'no reason given'
        return (Clue(
            False, 'rule %s cannot be evaluated: %s' % (name, problem),
            "Prometheus' rule %s, whose expression fails: %s" % (
                name, problem)),)
    alerts = [one for each in found for one in each['alerts']]
    return (_alert(case, found[0], alerts),)


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
                name, alerts[0]['state'], _labels(alerts[0])),
            "the labels of alert %s and of its target in Prometheus: none of "
            'them names host %s' % (name, host))
    return Clue(
        False, 'rule %s sees nothing wrong: %s' % (name, its_rule['query']),
        "the expression of Prometheus' rule %s: it holds for no host, "
        'though %s' % (name, case.expectation.fault))


def target(case):
    """Does Prometheus scrape the host, and how does that go?"""
    if case.around.prometheus is None:
        return ()
    host = case.ids['host']
    found = _of_host(case.around.prometheus.targets(), case)
    if not found:
        return (Clue(
            False, 'no target has a label that names host %s' % host,
            "Prometheus' scrape configuration: no target has a label that "
            'names host %s' % host),)
    return [Clue(True, 'target %s of host %s is %s%s' % (
        one['scrapeUrl'], host, one['health'],
        one['lastError'] and ': %s' % one['lastError']))
        for one in found[:3]]


def receivers(case):
    """Does Prometheus know whom to tell?"""
    if case.around.prometheus is None:
        return ()
    found = case.around.prometheus.alertmanagers()
    if found:
        return (Clue(True, 'alerts go to %s' % ', '.join(found)),)
    return (Clue(
        False, 'there is no Alertmanager that alerts go to',
        "\"alerting\" in Prometheus' configuration: it knows no "
        'Alertmanager'),)


def alert(case):
    """Does Alertmanager have the alert, and may it tell anybody?"""
    api = case.around.alertmanager
    if api is None:
        return ()
    name, host = case.ids['host_alarm'], case.ids['host']
    found = api.alerts(name)
    here = _of_host(found, case)
    if here:
        return [_passed_on(api, one, name, host) for one in here[:3]]
    if found:
        return (Clue(
            False, 'alert %s names another host: %s' % (
                name, _labels(found[0])),
            'the labels of alert %s: they name another host than %s' % (
                name, host)),)
    return (Clue(
        False, 'there is no alert %s' % name,
        "Prometheus: is alert %s firing there, and does "
        'prometheus_notifications_errors_total grow?' % name),)


def _passed_on(api, one, name, host):
    status = one['status']
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
        name, host, status['state'], one['startsAt'],
        ', '.join(each['name'] for each in one['receivers']) or 'nobody'))


def _silence(api, silence_id):
    try:
        found = api.silence(silence_id)
    except errors.ServiceError:
        return 'by %s' % silence_id
    return 'by %s until %s (%s: %s)' % (
        silence_id, found['endsAt'], found['createdBy'], found['comment'])


def notifications(case):
    """Did Alertmanager's notifications succeed?"""
    if case.around.alertmanager is None:
        return ()
    now, before = case.around.alertmanager.sent(), case.around.learned.get(
        'sent')
    if before is not None:
        zero = prometheus.Sent(0, 0)
        now = {name: one.since(before.get(name, zero))
               for name, one in now.items()}
    return _sent({name: one for name, one in now.items() if one.total},
                 before is not None)


def _sent(counts, known):
    since = 'since the fault' if known else 'since it started'
    if not counts:
        return (Clue(
            False if known else None,
            'nothing was sent to anybody %s' % since,
            "Alertmanager's route for the alert: nothing was sent to "
            'anybody' if known else ''),)
    return [_sent_by(name, one, since, known)
            for name, one in sorted(counts.items())]


def _sent_by(name, one, since, known):
    text = '%d of %d notifications by %s failed %s' % (
        one.failed, one.total, name, since)
    if not one.failed:
        return Clue(True, text)
    # Without a count of before, the failures may be of long ago.
    return Clue(
        False if known or one.failed == one.total else None, text,
        "Alertmanager's log for 'Notify for alerts failed': the URL of the "
        "%s, its user and its password, and Vitrage's answer" % name)


def in_graph(case):
    """Does Vitrage's graph have the host that the alarm would be on?"""
    host = case.ids['host']
    if case.clients.vitrage.entity('nova.host', host):
        return (Clue(True, 'host %s is in the graph' % host),)
    return (Clue(
        False, 'host %s is not in the graph' % host,
        "Vitrage's datasource nova.host: host %s is not in its graph"
        % host),)


def active(case):
    """Which alarms of that name does Vitrage have, and on whom?"""
    name, datasource = (case.ids['host_alarm'],
                        case.around.monitor.datasource)
    found = [one for one in case.clients.vitrage.active_alarms(datasource)
             if one['name'] == name]
    if not found:
        return (Clue(False, 'there is no active alarm %s of %s' % (
            name, datasource)),)
    hosts = {one['vitrage_id']: one['id']
             for one in case.clients.vitrage.hosts().values()}
    return [_place(case, one, hosts.get(one.get('vitrage_resource_id')))
            for one in found[:5]]


def _place(case, one, host):
    name, expected = case.ids['host_alarm'], case.ids['host']
    since = one.get('update_timestamp')
    if host == expected:
        return Clue(None, 'alarm %s is on host %s since %s' % (
            name, host, since))
    place = 'host %s' % host if host else 'no host of the graph'
    return Clue(
        False, 'alarm %s is on %s, not on host %s, since %s' % (
            name, place, expected, since),
        "the alert's labels, and Vitrage's prometheus_conf.yaml: alarm %s "
        'is on %s instead of host %s' % (name, place, expected))


def datasource(case):
    """Has Vitrage ever had an alarm of the monitor?"""
    name = case.around.monitor.datasource
    found = case.clients.vitrage.newest_alarm(name)
    if found:
        return (Clue(True, 'its newest alarm of %s: %s at %s' % (
            name, found['name'], found.get('start_timestamp'))),)
    return (Clue(
        None, 'it has never had an alarm of %s' % name,
        "Vitrage's [datasources] types: is %s there? It has never had an "
        'alarm of it' % name),)


_INQUIRIES = (
    Inquiry('Prometheus', 'rule of the alert', rule),
    Inquiry('Prometheus', 'target of the host', target),
    Inquiry('Prometheus', 'its Alertmanagers', receivers),
    Inquiry('Alertmanager', 'the alert', alert),
    Inquiry('Alertmanager', 'its notifications', notifications),
    Inquiry('Vitrage', 'its status', vitrage_inquiries.status),
    Inquiry('Vitrage', 'the host in the graph', in_graph),
    Inquiry('Vitrage', 'alarms of that name', active),
    Inquiry('Vitrage', 'alarms of the monitor', datasource),
)


def inquiries(case):
    """Return what to ask when the alarm is missing.

    :param case: :class:`..diagnosis.context.Case`
    """
    del case
    return _INQUIRIES
