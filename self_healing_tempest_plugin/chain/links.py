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

"""The links of the chain, in order, and where to look when one is missing."""

import dataclasses
import enum


class Link(enum.IntEnum):
    """What arrives one after the other when an application is healed."""

    FAULT = 0
    ALARM = 1
    DEDUCTION = 2
    WORKFLOW = 3
    STACK = 4
    APPLICATION = 5

    @property
    def label(self):
        """Return the name as people write it."""
        return self.name.lower()


class Mark(enum.Enum):
    """What of a link a record tells; an alarm has only the second."""

    STARTED = 'started'
    FINISHED = 'finished'


# What a fault sets off, in order.
CHAIN = tuple(link for link in Link if link is not Link.FAULT)

# Links that take a while: they have both marks.
LASTING = frozenset([Link.WORKFLOW, Link.STACK])


@dataclasses.dataclass(frozen=True)
class Description:
    """A link in words; the texts are filled with the expectation's fields.

    :ivar arrow: who hands over to whom
    :ivar arrived: what one can say when it is there
    :ivar expected: what one misses when it is not
    :ivar look_at: the next place to look when it is missing
    :ivar unexpected: the next place to look when it is there and should not
        be
    """

    arrow: str
    arrived: str
    expected: str
    look_at: str
    unexpected: str = ''


DESCRIPTIONS = {
    Link.FAULT: Description(
        arrow='injector → target',
        arrived='{fault}, seen by a witness',
        expected='witness of: {fault}',
        look_at='{fault_look_at}'),
    Link.ALARM: Description(
        arrow='monitor → Vitrage',
        arrived='alarm {host_alarm} was raised on host {host}',
        expected='new alarm {host_alarm} on host {host}',
        look_at='{monitor_look_at}',
        unexpected='the rule of alarm {host_alarm} in the monitor: what it '
                   'takes for a dead host'),
    Link.DEDUCTION: Description(
        arrow='Vitrage alarm → Vitrage deduction',
        arrived='alarm {deduced_alarm} was deduced for server {server_id}',
        expected='deduced alarm {deduced_alarm} and state ERROR of server '
                 '{server_id}',
        look_at="the status of the host template in 'vitrage template list' "
                "and vitrage-graph's log",
        unexpected="the alarms of host {host} in Vitrage, and the host "
                   "template's conditions for {deduced_alarm}"),
    Link.WORKFLOW: Description(
        arrow='Vitrage → Mistral',
        arrived='execution of {workflow} was started for server {server_id}',
        expected='Mistral execution whose input names server {server_id}',
        look_at="vitrage-notifier's log for 'Failed to execute Mistral "
                "action' (its own notifier) or 'Workflow ... not started' "
                "(this package's), and the status of the healing rule in "
                "'vitrage template list'",
        unexpected="the execution in 'openstack workflow execution list': "
                   'who started it, and on which alarm'),
    Link.STACK: Description(
        arrow='Mistral → Heat',
        arrived='stack {stack_id} was updated with another server',
        expected='stack {stack_id} UPDATE_COMPLETE with another server, '
                 'ACTIVE on another host than {host}',
        look_at="'openstack stack event list {stack_id}' and the events of "
                'its server in Nova',
        unexpected="'openstack stack event list {stack_id}': who updated "
                   'it'),
    Link.APPLICATION: Description(
        arrow='new server → application',
        arrived='the application answered at {url}',
        expected='answer of the application at {url} from another boot',
        look_at='the console of the new server, its port and the floating '
                'address',
        unexpected='the port and the floating address of the application: '
                   'who else than server {server_id} has them'),
}

# When Mistral did start, the arrow before it is fine: another place to look.
WORKFLOW_UNFINISHED = Description(
    arrow='Mistral',
    arrived='',
    expected='execution of {workflow} in SUCCESS',
    look_at="'openstack workflow execution show' and the tasks of the "
            "execution, and mistral-engine's and mistral-executor's logs")

# Some faults a server has to live through: nobody is to replace it.
SERVER_LIVES = Description(
    arrow='old server → application',
    arrived='',
    expected='answer of the application at {url} from boot {boot}',
    look_at='the console of server {server_id} and its events in Nova')

# Two guests at one address: the old one was not dead.
ONE_SERVER = Description(
    arrow='old server → application',
    arrived='',
    expected='',
    look_at='the fencing of host {host}: the old server must be dead before '
            'another one takes its address')

# Each of them works on the stack; the second is one too many.
ONE_EXECUTION = Description(
    arrow='Vitrage → Mistral',
    arrived='',
    expected='',
    look_at="vitrage-notifier's log: what it refuses to start again, and "
            "vitrage-graph's for the actions on server {server_id}")
