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

"""The questions of the sabotage to the lab."""

import re
from urllib import parse

from tools.lab import labs


def alarms(lab, name):
    """Return the alarms that Vitrage has of a name."""
    listed = lab.cloud.ask('rca', '/v1/alarm/?vitrage_id=all&all_tenants=1')
    return [alarm for alarm in listed if alarm['name'] == name]


def alerts(lab):
    """Return how many alerts the monitor has, pending ones too."""
    return sum(map(len, lab.monitor.alerts().values()))


def compute_service(lab, host):
    """Return the id of a host's nova-compute."""
    answer = lab.cloud.ask('compute', '/os-services?binary=nova-compute')
    return next(service['id'] for service in answer['services']
                if service['host'] == host)


def mac(lab, url):
    """Return the MAC address of the floating address in a URL."""
    address = parse.urlsplit(url).hostname
    answer = lab.cloud.ask(
        'network', '/v2.0/ports?fixed_ips=ip_address%%3D%s' % address)
    return answer['ports'][0]['mac_address']


def queued(lab, beginning):
    """Return how many messages wait in RabbitMQ's queues.

    :param beginning: of the names of the queues
    """
    return sum(int(line.split()[1]) for line in _queues(lab, 'messages')
               if line.startswith(beginning))


def readers(lab, queue):
    """Return how many consumers a queue of RabbitMQ has.

    :param queue: its name
    """
    return sum(int(line.split()[1]) for line in _queues(lab, 'consumers')
               if line.split()[0] == queue)


def _queues(lab, column):
    """Return the lines of RabbitMQ's list of queues: name and a number."""
    return lab.run(
        labs.CONTROLLER, 'env', 'HOME=/var/lib/rabbitmq',
        '/usr/lib/rabbitmq/bin/rabbitmqctl', '-q', '--no-table-headers',
        'list_queues', 'name', column).splitlines()


def switch_port(lab, host):
    """Return the port of the data network's switch that a host is at."""
    text = (lab.directory / 'hosts' / host / 'host.env').read_text()
    values = dict(re.findall(r'^(\w+)=(\S+)$', text, re.MULTILINE))
    return '%(PREFIX)s-%(SHORT)s-d' % values
