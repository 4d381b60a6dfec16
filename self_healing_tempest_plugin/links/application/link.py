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

"""The application, which answers at its address from another boot.

Which server has to answer, another or the same on another host, says the
chain.
"""

from self_healing_tempest_plugin.model import links


def _ties(ids, payload):
    return payload.get('url') == ids['url']


LINK = links.Link(
    name='application',
    words=links.Words(
        arrow='new server → application',
        arrived='the application answered at {url}',
        expected='answer of the application at {url} from another boot',
        look_at='the console of the new server, its port and the floating '
                'address',
        unexpected='the port and the floating address of the application: '
                   'who else than server {server_id} has them',
        came='answered from boot'),
    deadline=links.Deadline(
        help='Seconds from the active server to the answer of its '
             'application.',
        takes='the time from the updated stack to the answer of its '
              'application',
        seconds=120),
    ties=_ties,
    origins=(links.Origin('stack', key='server', of='server_id',
                          needed=True),),
    identity=('boot', 'server', 'host'),
    late=('host', 'moved_by'),
    watched_on=True,
    kit='self_healing_tempest_plugin.links.application.kit:KIT')
