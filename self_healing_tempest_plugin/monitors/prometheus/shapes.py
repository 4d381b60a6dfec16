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

"""What answers say, whoever gives them, as frozen values.

Prometheus, vmalert, the rulers of Thanos and Mimir, and Grafana list rules by
the same API, and leave out what is empty: Grafana and vmalert ``alerts``, and
Grafana ``duration`` (their sources: ``app/vmalert/rule/web.go``, and
``pkg/services/ngalert/api/tooling/definitions/prom.go``). An entry that makes
no sense is somebody else's, and is passed over; a list that is none is an
error.
"""

import dataclasses
import re
import typing

# As Grafana and the others call the states of an alert, in lower case, with
# what Grafana writes behind: "Alerting (NoData)".
_FIRING = ('firing', 'alerting', 'recovering')
_QUIET = ('inactive', 'normal')

_UNITS = {'ms': 0.001, 's': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800,
          'y': 31536000}
_DURATION = re.compile(r'(\d+(?:\.\d+)?)(ms|s|m|h|d|w|y)')


@dataclasses.dataclass(frozen=True)
class Raised:
    """An alert of a rule.

    :ivar firing: False while it is pending, None in another state
    :ivar state: as it is written
    :ivar since: ISO 8601, '' where it is not told
    """

    labels: typing.Mapping[str, str]
    firing: bool | None
    state: str
    since: str


@dataclasses.dataclass(frozen=True)
class Rule:
    """An alerting rule.

    :ivar duration: its ``for`` in seconds, None where it is not told
    :ivar interval: seconds between two evaluations, or None
    :ivar health: ``ok``, ``err``, ``error``, ``nodata``, ``unknown``, or ''
    :ivar alerts: those that are pending or firing, and odd ones
    :ivar state: of all of it, in lower case, or ''
    """

    name: str
    query: str
    duration: float | None
    interval: float | None
    labels: typing.Mapping[str, str]
    alerts: tuple[Raised, ...]
    state: str
    health: str
    problem: str
    paused: bool


@dataclasses.dataclass(frozen=True)
class Target:
    """A target.

    :ivar interval: seconds between two scrapes, or None
    :ivar timeout: seconds that a scrape may take, or None
    """

    labels: typing.Mapping[str, str]
    url: str
    health: str
    problem: str
    interval: float | None
    timeout: float | None


@dataclasses.dataclass(frozen=True)
class Alert:
    """An alert of Alertmanager.

    :ivar held_back: by whom, for people: pairs of ``silencedBy`` or the like
        and ids
    """

    labels: typing.Mapping[str, str]
    fingerprint: str
    since: str
    state: str
    receivers: tuple[str, ...]
    held_back: tuple[tuple[str, tuple[str, ...]], ...]


def listed(value, what):
    """Return a list as it is, and None as an empty one.

    :param what: what it should be, for the error
    :raises ValueError: when it is something else
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError('%s are no list' % what)
    return value


def members(value, what):
    """Return a dict as it is.

    :param what: what it should be, for the error
    :raises ValueError: when it is something else
    """
    if not isinstance(value, dict):
        raise ValueError('%s is no object' % what)
    return value


def objects(value, what):
    """Return those of a list that are dicts; see :func:`listed`."""
    return [entry for entry in listed(value, what) if isinstance(entry, dict)]


def text(value):
    """Return a string as it is, and anything else as an empty one."""
    return value if isinstance(value, str) else ''


def texts(value):
    """Return the strings of a list, none of anything else."""
    return tuple(entry for entry in value if isinstance(entry, str)) if (
        isinstance(value, list)) else ()


def labels(entry):
    """Return the labels of an entry that are strings, as a dict."""
    found = entry.get('labels')
    return {name: value for name, value in found.items()
            if isinstance(value, str)} if isinstance(found, dict) else {}


def seconds(value):
    """Return a number of seconds, None of what is none.

    :param value: a number, or a duration as Prometheus writes it, ``1m30s``
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return None
    if value == '0':
        return 0.0
    parts = _DURATION.findall(value)
    if not parts or ''.join(map(''.join, parts)) != value:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def rules(data, name):
    """Return the alerting rules of a name, None where there are no groups.

    Those of other names are not looked at.

    :param data: of the answer
    :param name: of the alert
    :returns: tuple of :class:`Rule`, or None
    :raises ValueError: when it is no list of groups
    """
    groups = objects(members(data, 'the data').get('groups', ''),
                     'the groups of rules')
    return tuple(
        _rule(entry, seconds(group.get('interval'))) for group in groups
        for entry in objects(group.get('rules'), 'the rules of a group')
        if entry.get('name') == name
        and entry.get('type') != 'recording') if groups else None


def _rule(entry, interval):
    raised = map(_raised, objects(entry.get('alerts'), 'the alerts of a rule'))
    return Rule(
        name=entry['name'], query=text(entry.get('query')),
        # Nothing is written where it is nothing.
        duration=seconds(entry.get('duration', 0)), interval=interval,
        labels=labels(entry), state=text(entry.get('state')).lower(),
        alerts=tuple(alert for alert in raised if alert is not None),
        health=text(entry.get('health')).lower(),
        problem=text(entry.get('lastError')),
        paused=entry.get('isPaused') is True)


def _raised(entry):
    """Return an alert of a rule, None where there is nothing to alert of."""
    state = text(entry.get('state'))
    word = state.partition(' ')[0].lower()
    if word in _QUIET:
        return None
    return Raised(labels(entry), {'pending': False, **dict.fromkeys(
        _FIRING, True)}.get(word), state, text(entry.get('activeAt')))


def target(entry):
    """Return a :class:`Target` of an entry."""
    return Target(
        labels(entry), text(entry.get('scrapeUrl')),
        text(entry.get('health')), text(entry.get('lastError')),
        seconds(entry.get('scrapeInterval')),
        seconds(entry.get('scrapeTimeout')))


def alert(entry):
    """Return an :class:`Alert` of an entry."""
    status = entry.get('status')
    status = status if isinstance(status, dict) else {}
    held_back = ((key, texts(status.get(key)))
                 for key in ('silencedBy', 'inhibitedBy', 'mutedBy'))
    receivers = entry.get('receivers')
    return Alert(
        labels(entry), text(entry.get('fingerprint')),
        text(entry.get('startsAt')), text(status.get('state')),
        tuple(text(receiver.get('name')) for receiver in receivers
              if isinstance(receiver, dict))
        if isinstance(receivers, list) else (),
        tuple(pair for pair in held_back if pair[1]))
