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

"""The alarm that Vitrage deduces for the server, and the server's state."""

import dataclasses

from self_healing_tempest_plugin.model import links


def _remark(payload):
    return '' if payload.get('state_error', True) else (
        'the deduced state ERROR was not seen: the server had left the graph')


LINK = links.Link(
    name='deduction',
    words=links.Words(
        arrow='Vitrage alarm → Vitrage deduction',
        arrived='alarm {deduced_alarm} was deduced for server {server_id}',
        expected='deduced alarm {deduced_alarm} and state ERROR of server '
                 '{server_id}',
        look_at="the status of the host template in 'vitrage template list' "
                "and vitrage-graph's log",
        unexpected="the alarms of host {host} in Vitrage, and the host "
                   "template's conditions for {deduced_alarm}",
        came='deduced'),
    deadline=links.Deadline(
        help="Seconds from the monitor's alarm to the deduced alarm and "
             'state of the server.',
        takes="the time from the monitor's alarm to the deduced one",
        seconds=30),
    ties=links.of_server,
    # A template may deduce without saying from what.
    origins=(links.Origin('alarm', key='causes'),),
    remark=_remark,
    # Where Vitrage has once lost the relation of a server and its host, it
    # takes back and deduces with whatever Nova says of the server. To mark
    # the server down is such a word of Nova, too.
    again='alarm {deduced_alarm} was deduced for server {server_id}: Vitrage '
          'has taken it back in between, as it does when it loses the '
          "relation of the server and its host; look at vitrage-graph's log "
          'for UNDO',
    identity=('server_id', 'start_timestamp'),
    late=('causes',),
    kit='self_healing_tempest_plugin.links.vitrage_deduction.kit:KIT')

# The same, by templates that put the server into ERROR in Nova as well, which
# is what the link behind it comes of.
MARKING = dataclasses.replace(
    LINK, kit='self_healing_tempest_plugin.links.vitrage_deduction.kit:'
              'MARKING')
