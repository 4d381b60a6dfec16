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

"""The labels of an alert, and which of them name its host."""

import enum
import ipaddress
import re

# Labels that exporters and their configurations use for the name of a host.
HOST_LABELS = ('hostname', 'host', 'instance', 'node', 'nodename')

_SCHEME = re.compile(r'^[A-Za-z][\w+.-]*://')
_PORT = re.compile(r':\d{1,5}$')


class Whose(enum.Enum):
    """Whose an alert or a target is, by its labels."""

    OURS = 'ours'
    MAYBE = 'maybe'
    ANOTHER = 'another'


def naming(labels, host, addresses=()):
    """Return the labels that name a host, as a tuple.

    :param labels: dict of strings
    :param host: as Nova names it
    :param addresses: of the host
    """
    wanted = {_plain(place) for place in (host, *addresses)}
    return tuple(label for label, value in labels.items()
                 if wanted & _places(value))


def whose(labels, host, addresses=()):
    """Return whether labels name a host, or another one.

    A label that is an address may be one of the host that nobody has told,
    and a name that has the other one in it, such as ``compute-1-mgmt``, may
    be the same host.

    :param labels: dict of strings
    :param host: as Nova names it
    :param addresses: of the host
    :returns: :class:`Whose`
    """
    if naming(labels, host, addresses):
        return Whose.OURS
    names = [value for label, value in labels.items()
             if label in HOST_LABELS and value.strip()
             and not any(map(_is_address, _places(value)))]
    if not names or any(
            _has(value, _short(host)) for value in labels.values()) or any(
                _has(host, _short(place))
                for value in names for place in _places(value)):
        return Whose.MAYBE
    return Whose.ANOTHER


def _places(value):
    """Return what hosts a label may mean, as a set.

    Behind an address of IPv6 without brackets nobody can tell a port from
    the last part of the address.
    """
    place = value.strip()
    if _SCHEME.match(place):
        place = re.split('[/?#]', _SCHEME.sub('', place), maxsplit=1)[0]
    without = _PORT.sub('', place)
    bare = place.count(':') > 1 and not place.startswith('[')
    return {_plain(place), _plain(without)} if bare else {_plain(without)}


def _plain(place):
    """Return an address in its only form, and a name as it is."""
    place = place.removeprefix('[').removesuffix(']')
    try:
        address = ipaddress.ip_address(place.partition('%')[0])
    except ValueError:
        return place
    return str(getattr(address, 'ipv4_mapped', None) or address)


def _is_address(place):
    try:
        ipaddress.ip_address(place)
    except ValueError:
        return False
    return True


def _short(name):
    return name if _is_address(name) else name.partition('.')[0]


def _has(text, name):
    """Return whether a name is in a text with no letter or digit at it."""
    return re.search(r'(?<![^\W_])%s(?![^\W_])' % re.escape(name), text,
                     re.IGNORECASE) is not None


def alert_labels(name, host, rules=(), targets=()):
    """Return the labels that an alert on a host would have.

    Which of them Vitrage finds the host by, its prometheus_conf.yaml says,
    which no API shows. Labels that Prometheus itself would put on win; without
    them, the usual names of such a label are all there.

    :param name: of the alert
    :param host: as Nova names it
    :param rules: :class:`.shapes.Rule` objects
    :param targets: :class:`.shapes.Target` objects of the host
    """
    labels = dict(dict.fromkeys(HOST_LABELS, host), severity='critical')
    for entries in (targets, rules):
        for entry in entries[:1]:
            # A rule may make a label of other labels, which is left to it.
            labels.update({label: value for label, value
                           in entry.labels.items() if '{{' not in value})
    return dict(labels, alertname=name)
