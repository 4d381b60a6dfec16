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

"""Who notices a dead host, and which alarms come of it."""

from oslo_config import cfg
from oslo_config import types

from self_healing_tempest_plugin.config.options import access
from self_healing_tempest_plugin import monitors

_URL = types.URI(schemes=['http', 'https'])

OPTIONS = [
    cfg.StrOpt(
        'monitor', default='prometheus', choices=monitors.names(),
        help="Who notices a dead host: the Vitrage datasource that its "
             'alarms come from, or "other" for the one that '
             'monitor_datasource names.'),
    cfg.StrOpt(
        'monitor_datasource',
        help='Vitrage datasource (vitrage_type) of the alarms of a monitor '
             'that has no name of its own in monitor, such as "nagios". It '
             'must be set where monitor is "other", and only there. Such a '
             'monitor is not asked when an alarm is missing, nor can an '
             'alarm be raised in its place.'),
    cfg.ListOpt(
        'prometheus_url', item_type=_URL, default=[],
        help='URL of Prometheus, such as http://192.0.2.1:9090, or of what '
             'evaluates its rules, such as vmalert, the ruler of Thanos or '
             'Mimir, or Grafana (http://192.0.2.1:3000/api/prometheus/'
             'grafana), which is asked about its rule, its targets and its '
             'alerts when an alarm is missing. Several with commas between '
             'them, where several do the same. User, password and other '
             'secrets must not be in it. Empty: none is asked.'),
    *access.options('prometheus', 'Prometheus'),
    cfg.ListOpt(
        'alertmanager_url', item_type=_URL, default=[],
        help='URL of Alertmanager, such as http://192.0.2.1:9093 (that of '
             'Grafana: http://192.0.2.1:3000/api/alertmanager/grafana), '
             'which is asked about alerts, silences and failed notifications '
             'when an alarm is missing. Of a cluster, the URL of each member, '
             'with commas between them: of those behind one URL, nobody '
             'knows which has answered. User, password and other secrets '
             'must not be in it. Empty: none is asked.'),
    *access.options('alertmanager', 'Alertmanager'),
    cfg.StrOpt(
        'host_alarm_name', default='HostDown',
        help="Name of the monitor's alarm on a dead host, as Vitrage shows "
             'it.'),
    cfg.StrOpt(
        'nic_alarm_name', default='HostNicDown',
        help="Name of the monitor's alarm on a host whose data NIC is down, "
             'as Vitrage shows it.'),
    cfg.StrOpt(
        'deduced_alarm_name', default='Instance down',
        help='Name of the alarm that Vitrage deduces for every instance of '
             'a dead host.'),
    cfg.StrOpt(
        'host_template',
        help='Name of the Vitrage template that deduces instance alarms from '
             'host alarms, where the cloud has one. Empty: the tests add '
             'their own and remove it afterwards.'),
    cfg.StrOpt(
        'nic_template',
        help='The same for the alarms on data NICs. Empty: the tests add '
             'their own and remove it afterwards.'),
]
