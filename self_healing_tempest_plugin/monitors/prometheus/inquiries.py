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
from self_healing_tempest_plugin.model import stamps
from self_healing_tempest_plugin.monitors.prometheus import counting
from self_healing_tempest_plugin.monitors.prometheus import labels
from self_healing_tempest_plugin.monitors.prometheus import several
from self_healing_tempest_plugin.services import errors

Clue = context.Clue

# Seconds that the clock of a monitor may be behind, so that an alert that is
# older than the fault is somebody else's.
_CLOCK = 60.0


class _About:
    """What is asked about.

    :ivar case: :class:`...links.context.Case`
    """

    def __init__(self, case):
        self.case = case
        self.name, self.host = case.ids['host_alarm'], case.ids['host']

    @functools.cached_property
    def addresses(self):
        """Return the addresses that a label may name the host by."""
        given = self.case.around.settings.access.addresses.get(self.host)
        with contextlib.suppress(errors.ServiceError):
            return tuple(filter(None, (
                given, self.case.clients.nova.host_address(self.host))))
        return (given,) if given else ()

    def of_host(self, entries):
        """Return the alerts or targets that name the host by a label."""
        return [entry for entry in entries
                if self._whose(entry) is labels.Whose.OURS]

    def maybe(self, entries):
        """Return those of which nobody can say whether they name it."""
        return [entry for entry in entries
                if self._whose(entry) is labels.Whose.MAYBE]

    def _whose(self, entry):
        # Nova is asked only where the name alone does not do.
        if labels.naming(entry.labels, self.host):
            return labels.Whose.OURS
        return labels.whose(entry.labels, self.host, self.addresses)


def _recent(alerts, case):
    """Return the alerts that may be of this fault, by their time."""
    return [alert for alert in alerts if not any(
        stamp.high < case.timeline.began - _CLOCK
        for stamp in stamps.at('', alert.since))]


def _elsewhere(where, alerts, about):
    """Return the clue that all alerts are of others, or may be."""
    name, host = about.name, about.host
    maybe = about.maybe(alerts)
    if not maybe:
        return Clue(
            False, 'alert %s is %s, but its labels name another host: %s' % (
                name, alerts[0].state, _naming(alerts[0])),
            '%s: none of them names host %s' % (where, host))
    return Clue(
        None, 'alert %s is %s, and whether its labels name host %s is not '
        'known: %s' % (name, maybe[0].state, host, _naming(maybe[0])),
        '%s: does one of them name host %s?' % (where, host))


def _naming(entry):
    return ', '.join(
        '%s=%s' % pair for pair in sorted(entry.labels.items())
        if pair[0] in labels.HOST_LABELS) or 'none has the name of a host'


def rule(server, about):
    """Does Prometheus have the rule, and what does it make of the host?"""
    name = about.name
    rules = server.rules(name)
    if rules is None:
        return (Clue(
            None, 'it has no rules at all',
            'prometheus_url: does something else evaluate the rules, such as '
            'vmalert or a ruler? There it has none'),)
    if not rules:
        return (Clue(
            False, 'no rule raises alert %s' % name,
            "Prometheus' rule files: none of them raises %s" % name),)
    here = [(its_rule, alert) for its_rule in rules
            for alert in about.of_host(its_rule.alerts)]
    for its_rule, alert in here:
        if alert.firing:
            return (Clue(True, 'alert %s is firing for host %s since %s' % (
                name, about.host, alert.since)),)
    idle = _idle(name, [its_rule for its_rule, _ in here] or rules)
    if idle:
        return (idle,)
    if here:
        return (_not_firing(about, *here[0]),)
    return (_unseen(about, rules),)


def _idle(name, rules):
    """Return the clue that none of several rules works, or None."""
    awake = [its_rule for its_rule in rules if not its_rule.paused]
    if not awake:
        return Clue(False, 'rule %s is paused' % name,
                    'rule %s: it is paused' % name)
    if not all(map(_is_sick, awake)):
        return None
    problem = awake[0].problem or 'no reason given'
    return Clue(
        False, 'rule %s cannot be evaluated: %s' % (name, problem),
        "Prometheus' rule %s, whose expression fails: %s" % (name, problem))


def _is_sick(its_rule):
    return its_rule.health in ('err', 'error')


def _not_firing(about, its_rule, alert):
    name, host = about.name, about.host
    if alert.firing is None:
        return Clue(
            None, 'alert %s for host %s is %s since %s' % (
                name, host, alert.state or 'in no state', alert.since),
            'the state %s of rule %s' % (alert.state, name))
    waits = 'a time that it does not tell' if its_rule.duration is None else (
        '%g s' % its_rule.duration)
    return Clue(
        False, 'alert %s for host %s is only %s since %s, its rule waits %s'
        % (name, host, alert.state, alert.since, waits),
        "the \"for\" of Prometheus' rule %s, and alarm_timeout" % name)


def _unseen(about, rules):
    """Return the clue of rules that have no alert of the host."""
    name = about.name
    others = _recent([alert for its_rule in rules
                      for alert in its_rule.alerts], about.case)
    if others:
        return _elsewhere('the labels of alert %s and of its target in '
                          'Prometheus' % name, others, about)
    if any(its_rule.state == 'firing' and not its_rule.alerts
           for its_rule in rules):
        return Clue(None, 'rule %s is firing, for whom it does not tell'
                    % name)
    working = [its_rule for its_rule in rules
               if not (its_rule.paused or _is_sick(its_rule))]
    if not any(its_rule.health or its_rule.state for its_rule in working):
        return Clue(None, 'rule %s does not tell what it sees' % name)
    if all(its_rule.health == 'unknown' for its_rule in working):
        return Clue(None, 'rule %s has not been evaluated yet' % name,
                    'rule %s: it has not been evaluated yet' % name)
    seen = 'rule %s sees nothing wrong%s: %s' % (
        name, ', and has no data' if any(
            its_rule.health == 'nodata' for its_rule in working) else '',
        working[0].query)
    if len(working) < len(rules):
        # It may be another one that should have raised it.
        return Clue(
            None, '%s; another one of its name is paused or cannot be '
            'evaluated' % seen,
            'the %d rules %s: not all of them are evaluated' % (
                len(rules), name))
    return Clue(
        False, seen, "the expression of Prometheus' rule %s: it holds for no "
        'host, though %s' % (name, about.case.expectation.fault))


def target(server, about):
    """Does Prometheus scrape the host, and how does that go?"""
    host, scraped = about.host, server.targets()
    targets = about.of_host(scraped)
    if targets:
        return [Clue(True, 'target %s of host %s is %s%s' % (
            entry.url, host, entry.health,
            entry.problem and ': %s' % entry.problem))
            for entry in targets[:3]]
    if not scraped:
        return (Clue(
            None, 'it has no targets at all',
            'prometheus_url: does something else scrape host %s, such as '
            'vmagent? There it has no targets' % host),)
    if _raised(server, about):
        return (Clue(None, 'no target has a label that names host %s, and '
                     'its alert has' % host),)
    maybe = about.maybe(scraped)
    if maybe:
        return (Clue(
            None, 'whether a label of target %s names host %s is not known: '
            '%s' % (maybe[0].url, host, _naming(maybe[0])),
            "Prometheus' targets: does a label of one of them name host %s?"
            % host),)
    return (Clue(
        False, 'no target has a label that names host %s' % host,
        "Prometheus' scrape configuration: no target has a label that names "
        'host %s' % host),)


def _raised(server, about):
    """Return whether there is an alert on the host, wherever it is from."""
    return any(about.of_host(its_rule.alerts)
               for its_rule in server.rules(about.name) or ())


def receivers(server, about):
    """Does Prometheus know whom to tell?"""
    urls = server.alertmanagers()
    if urls:
        return (Clue(True, 'alerts go to %s' % ', '.join(urls)),)
    if server.rules(about.name) is None:
        return (Clue(None, 'it has no rules, and no Alertmanager that alerts '
                     'would go to'),)
    return (Clue(
        False, 'there is no Alertmanager that alerts go to',
        "\"alerting\" in Prometheus' configuration: it knows no "
        'Alertmanager'),)


def alert(api, about):
    """Does Alertmanager have the alert, and may it tell anybody?"""
    name, host = about.name, about.host
    alerts = api.alerts(name)
    here = about.of_host(alerts)
    if here:
        return [_passed_on(api, entry, name, host) for entry in here[:3]]
    others = _recent(alerts, about.case)
    if others:
        return (_elsewhere('the labels of alert %s' % name, others, about),)
    return (_absent(api, name),)


def _absent(api, name):
    look_at = ("Prometheus: is alert %s firing there, and does "
               'prometheus_notifications_errors_total grow?' % name)
    # Each of a cluster has what Prometheus has told it, and no more.
    try:
        members = api.status().members
    except errors.ServiceError as error:
        return Clue(None, 'there is no alert %s; whether it is one of a '
                    'cluster is not known: %s' % (name, error), look_at)
    if members > 1:
        return Clue(None, 'there is no alert %s; it is one of %d in a cluster'
                    % (name, members), look_at)
    return Clue(False, 'there is no alert %s' % name, look_at)


def _passed_on(api, entry, name, host):
    if entry.held_back:
        how, by_whom = entry.held_back[0]
        if how == 'silencedBy':
            return Clue(
                False, 'alert %s on host %s is silenced %s' % (
                    name, host, _silence(api, by_whom[0])),
                "Alertmanager's silence %s: it holds back alert %s" % (
                    by_whom[0], name))
        return Clue(
            False, 'alert %s on host %s is %s %s' % (
                name, host, how[:-2] + ' by', ', '.join(by_whom)),
            "Alertmanager's configuration: alert %s is %s %s" % (
                name, how[:-2] + ' by', ', '.join(by_whom)))
    return Clue(
        None if entry.state == 'suppressed' else True,
        'alert %s on host %s is %s since %s, for %s' % (
            name, host, entry.state or 'there', entry.since,
            ', '.join(entry.receivers) or 'nobody'))


def _silence(api, silence_id):
    try:
        silence = api.silence(silence_id)
    except errors.ServiceError:
        return 'by %s' % silence_id
    return 'by %s until %s (%s: %s)' % (silence_id, *(
        silence.get(key, '?') for key in ('endsAt', 'createdBy', 'comment')))


def notifications(apis, case):
    """Did Alertmanager's notifications succeed?

    :param apis: :class:`.alertmanager.Alertmanager` objects
    """
    now, before = several.counts(apis), case.around.learned.get('sent')
    since = None if before is None else counting.since(now, before)
    if since is None or not since.whole:
        return _known_in_part(now, before, since)
    counts = _any(since.sent)
    if not counts:
        return (Clue(
            False, 'nothing was sent to anybody since the fault',
            "Alertmanager's route for the alert: nothing was sent to "
            'anybody'),)
    return [_sent_by(name, sent, 'since the fault', not now.shared)
            for name, sent in counts]


def _known_in_part(now, before, since):
    """Return the clues where some may have sent what nobody knows."""
    clues = [] if since is None else [
        _sent_by(name, sent, 'since the fault, as far as is known', False)
        for name, sent in _any(since.sent)]
    if not clues:
        clues = [_sent_by(name, sent, 'since it started', False)
                 for name, sent in _any(now.total())]
    if since is None and before is None and not clues:
        return (Clue(None, 'nothing was sent to anybody since it started'),)
    members = max(now.members, before.members if before else 1)
    if members > 1:
        clues.append(Clue(
            None, 'what was sent since the fault is not known: of %d '
            'Alertmanagers, %d told what they had sent before and after it; '
            'name each of them in alertmanager_url' % (members, 0 if (
                before is None) else len(
                    {count.key for count in now.counts}
                    & {count.key for count in before.counts}))))
    elif since is not None:
        clues.append(Clue(
            None, 'what was sent since the fault is not known: another one '
            'has answered, the same started again, or not all have'))
    return tuple(clues)


def _any(counts):
    return sorted((name, sent) for name, sent in counts.items() if sent.total)


def _sent_by(name, sent, since, sure):
    text = '%d of %d notifications by %s failed %s' % (
        sent.failed, sent.total, name, since)
    if not sent.failed:
        return Clue(True, text)
    if name != counting.WEBHOOK:
        # Vitrage is not told by it.
        return Clue(None, text)
    # What failed may have been another receiver's, or of long ago.
    return Clue(
        False if sure and sent.failed == sent.total else None, text,
        "Alertmanager's log for 'Notify for alerts failed': the URL of the "
        "%s, its user and its password, and Vitrage's answer" % name)


def of_servers(apis):
    """Return what Prometheus is asked, nothing where there is none.

    :param apis: :class:`.server.Prometheus` objects
    """
    return _bound(apis, (('rule of the alert', rule),
                         ('target of the host', target),
                         ('its Alertmanagers', receivers)))


def of_alertmanagers(apis):
    """Return what Alertmanager is asked, nothing where there is none.

    :param apis: :class:`.alertmanager.Alertmanager` objects
    """
    return (*_bound(apis, (('the alert', alert),)), context.Inquiry(
        apis[0].service, 'its notifications',
        lambda case: notifications(apis, case))) if apis else ()


def _bound(apis, asked):
    return tuple(several.inquiry(apis, what, ask, _About)
                 for what, ask in asked) if apis else ()
