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

import re

# Labels that exporters and their configurations use for the name of a host.
HOST_LABELS = ('hostname', 'host', 'instance', 'node', 'nodename')

_PORT = re.compile(r':\d+$')


def naming(labels, host, addresses=()):
    """Return the labels that name a host, as a tuple.

    :param labels: dict
    :param host: as Nova names it
    :param addresses: of the host
    """
    return tuple(label for label, value in labels.items()
                 if _PORT.sub('', value).strip('[]') in (host, *addresses))


def alert_labels(name, host, rules=(), targets=()):
    """Return the labels that an alert on a host would have.

    Which of them Vitrage finds the host by, its prometheus_conf.yaml says,
    which no API shows. Labels that Prometheus itself would put on win; without
    them, the usual names of such a label are all there.

    :param name: of the alert
    :param host: as Nova names it
    :param rules: as :meth:`Prometheus.rules` lists them
    :param targets: of the host, as :meth:`Prometheus.targets` lists them
    """
    labels = dict(dict.fromkeys(HOST_LABELS, host), severity='critical')
    for entries in (targets, rules):
        for entry in entries[:1]:
            # A rule may make a label of other labels, which is left to it.
            labels.update({label: value for label, value
                           in entry['labels'].items() if '{{' not in value})
    return dict(labels, alertname=name)
