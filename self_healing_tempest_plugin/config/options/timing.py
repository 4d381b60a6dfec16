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

"""How long something takes, lasts or is waited for, but for the links."""

from oslo_config import cfg

from self_healing_tempest_plugin.model import links

INTERVALS = [
    cfg.FloatOpt(
        'blip_time', default=1.0, min=0.1, max=60,
        help="Seconds of the short blip of a data NIC. They must be less "
             "than what the monitor's rule waits before it raises "
             'nic_alarm_name.'),
    cfg.IntOpt(
        'quiet_time', min=5, max=86400,
        help='Seconds that nothing may be healed in, where nothing is to be '
             'healed. For a stopped nova-compute they must be more than '
             "Nova's service_down_time. Empty: alarm_timeout + "
             'deduction_timeout.'),
    cfg.FloatOpt(
        'poll_interval', default=0.4, min=0.1, max=60,
        help='Seconds between two questions to the same service, as long as '
             'what it is asked for may come next and it answers quickly.'),
    cfg.IntOpt(
        'vitrage_snapshots_interval', default=600, min=10, max=86400,
        help="Vitrage's [datasources] snapshots_interval in seconds. What "
             'Vitrage learns by no notification it learns then, and the '
             'default deadlines are computed from it.'),
    cfg.IntOpt(
        'event_alarm_cache_ttl', default=60, min=0, max=86400,
        help="Aodh's [DEFAULT] event_alarm_cache_ttl in seconds. Its "
             'listener passes over an event for an alarm that is younger, '
             'so that a new application is left alone for that long. Only '
             'chains that have an event alarm wait.'),
]

DEADLINES = [
    cfg.IntOpt(
        'host_return_timeout', min=1, max=86400,
        help='Seconds from power on to a host that is as before: compute '
             'service up, not forced down, no alarm. Empty: '
             'vitrage_snapshots_interval + 300.'),
    cfg.IntOpt(
        'return_watch_time', default=20, min=1, max=86400,
        help='Seconds after the return of the broken host during which its '
             'old guest must not answer in place of the healed '
             'application.'),
    cfg.IntOpt(
        'template_timeout', default=60, min=1, max=86400,
        help='Seconds until Vitrage has loaded or unloaded a template.'),
    cfg.IntOpt(
        'graph_timeout', min=1, max=86400,
        help="Seconds until a new server and its host are in Vitrage's "
             'graph. Empty: vitrage_snapshots_interval + %d.'
             % links.SNAPSHOT_MARGIN),
]


def snapshot_and_margin(own):
    """Return the seconds until Vitrage must know what no one tells it.

    :param own: the group [self_healing]
    """
    return own.vitrage_snapshots_interval + links.SNAPSHOT_MARGIN
