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

"""The table of all scenarios; options, preflight and docs come from it."""

import dataclasses

from self_healing_tempest_plugin.chains import autohealing
from self_healing_tempest_plugin.chains import both
from self_healing_tempest_plugin.chains import tenant
from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.model import chains

# The needs of scenarios, which a cloud has to meet: :mod:`.preflight.options`.
POWER, SSH = 'power', 'ssh'
MANAGEMENT_NIC, DATA_NIC = 'management-nic', 'data-nic'
CONTROL_PLANE, EVENT_SOURCE = 'control-plane', 'event-source'


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scenario:
    """One application, one fault, one expectation.

    :ivar feature: option of [self_healing_feature_enabled]
    :ivar help: of that option
    :ivar chain: :class:`.model.chains.Chain` that heals
    :ivar fault: what breaks, a name in :data:`.faults.kinds.KINDS`; empty:
        nothing does, and an alarm is raised all the same
    :ivar needs: what a cloud has to have for it, as the names above
    :ivar until: name of the last link that has to come, after which none
        may; the application: it is healed; the link of the repair: it is
        repaired, and nobody asks the application; empty: nothing may come
    :ivar wired: whether the application has what starts its healing
    :ivar alive: whether the guest of before has to live through the fault
    :ivar guests: whether servers have guests, which answer, and live on
        where their host does
    :ivar nic_alarm: whether the monitor's alarm is the one on data NICs
    :ivar compute_service: ``up`` or ``down``, how Nova has to see
        nova-compute during the fault; empty: in any way
    :ivar timed: whether only the timer on the host brings it back
    :ivar several: whether several applications may be on the host that
        breaks: not where the fault is of one server, comes twice, or is none
    """

    feature: str
    help: str
    chain: chains.Chain
    fault: str = ''
    needs: tuple[str, ...] = ()
    until: str = 'application'
    wired: bool = True
    alive: bool = False
    guests: bool = True
    nic_alarm: bool = False
    compute_service: str = ''
    timed: bool = False
    several: bool = False

    @property
    def application(self):
        """Return what tells its application from those of other scenarios.

        :returns: file name of the HOT, whether a member owns it, whether it
            has what starts its healing, whether it has a guest
        """
        return (self.chain.template, self.chain.member, self.wired,
                self.guests)

    @property
    def steps(self):
        """Return the steps that must come, see :class:`.model.chains.Step`."""
        return self.chain.until(self.chain.link(self.until))


SCENARIOS = (
    Scenario(
        feature='host_crash', chain=vitrage.CHAIN, several=True,
        fault='host-crash', needs=(POWER,),
        help='Whether the host crash scenario can run: the host power '
             'commands are set and a compute host is left to heal on.'),
    Scenario(
        feature='unhealed_host_crash', chain=vitrage.CHAIN, several=True,
        fault='host-crash', needs=(POWER,),
        until='deduction', wired=False,
        help='Whether the scenario can run in which a host crashes and no '
             'rule heals: what host_crash needs.'),
    Scenario(
        feature='host_isolated', chain=vitrage.CHAIN, several=True,
        fault='host-isolated', timed=True,
        needs=(SSH, MANAGEMENT_NIC, DATA_NIC),
        help='Whether the scenario can run in which a host loses both of its '
             'NICs: SSH to the hosts, host_management_nic, host_data_nic, '
             'host_timer.'),
    Scenario(
        feature='data_nic_down', chain=vitrage.CHAIN, several=True,
        fault='data-nic-down', nic_alarm=True,
        needs=(SSH, DATA_NIC), compute_service='up',
        help='Whether the scenario can run in which a host loses its data '
             'NIC: SSH to the hosts, host_data_nic, and a monitor that '
             'raises nic_alarm_name.'),
    Scenario(
        feature='management_nic_down', chain=vitrage.CHAIN, several=True,
        fault='management-nic-down', timed=True,
        needs=(SSH, MANAGEMENT_NIC),
        help='Whether the scenario can run in which a host loses its '
             'management NIC: SSH to the hosts, host_management_nic, '
             'host_timer. The guests go on running, and it is split brain '
             'unless the network takes the address from them.'),
    Scenario(
        feature='packets_dropped', chain=vitrage.CHAIN, several=True,
        fault='packets-dropped',
        needs=(SSH, CONTROL_PLANE),
        help='Whether the scenario can run in which a host and the control '
             'plane lose all packets between them: SSH to the hosts, '
             'control_plane_addresses, nftables on the hosts.'),
    Scenario(
        feature='compute_service_stopped', chain=vitrage.CHAIN, several=True,
        fault='compute-service-stopped',
        needs=(SSH,), until='', alive=True, compute_service='down',
        help='Whether the scenario can run in which nova-compute is stopped: '
             'SSH to the hosts, service_manager, compute_service.'),
    Scenario(
        feature='compute_service_frozen', chain=vitrage.CHAIN, several=True,
        fault='compute-service-frozen',
        needs=(SSH,), until='', alive=True, compute_service='down',
        help='Whether the scenario can run in which nova-compute is frozen: '
             'SSH to the hosts, service_manager, compute_service.'),
    Scenario(
        feature='data_nic_blip', chain=vitrage.CHAIN, several=True,
        fault='data-nic-blip', nic_alarm=True,
        needs=(SSH, DATA_NIC), until='', alive=True,
        help='Whether the scenario can run in which a data NIC is down for '
             'blip_time: what data_nic_down needs.'),
    Scenario(
        feature='synthetic_alarm', chain=vitrage.CHAIN,
        needs=(EVENT_SOURCE,), until='stack', guests=False,
        help='Whether the scenario can run in which an alarm is raised that '
             'no fault stands behind, so that the stack gets another server: '
             'hosts in fault_hosts that run no guests, as with the fake '
             'driver of Nova. Nobody asks the application.'),
    Scenario(
        feature='tenant_synthetic_alarm', chain=tenant.CHAIN,
        needs=(EVENT_SOURCE,), until='stack', guests=False,
        help="Whether the scenario can run in which an alarm is raised that "
             "no fault stands behind, so that a plain member's stack gets "
             'another server: what synthetic_alarm needs, Aodh and Zaqar, '
             'and [auth] that gives a member.'),
    Scenario(
        feature='tenant_host_crash', chain=tenant.CHAIN, several=True,
        fault='host-crash', needs=(POWER,),
        help="Whether the scenario can run in which a plain member's "
             'application is healed after a host crash: what host_crash '
             'needs, Aodh and Zaqar, and [auth] that gives a member.'),
    Scenario(
        feature='tenant_host_isolated', chain=tenant.CHAIN, several=True,
        fault='host-isolated', timed=True,
        needs=(SSH, MANAGEMENT_NIC, DATA_NIC),
        help="Whether the scenario can run in which the host of a plain "
             "member's application loses both of its NICs: what "
             'host_isolated and tenant_host_crash need.'),
    Scenario(
        feature='tenant_second_failure', chain=tenant.CHAIN,
        fault='host-crash', needs=(POWER,),
        help="Whether the scenario can run in which a plain member's "
             'application is healed after a host crash, and again when its '
             'new host crashes: what tenant_host_crash needs.'),
    Scenario(
        feature='tenant_unhealed', chain=tenant.CHAIN, several=True,
        fault='host-crash', needs=(POWER,), until='message', wired=False,
        help='Whether the scenario can run in which a host crashes and '
             "nothing listens to the queue of a plain member's application: "
             'what tenant_host_crash needs.'),
    Scenario(
        feature='both_ways', chain=both.CHAIN,
        fault='host-crash', needs=(POWER,),
        help='Whether the scenario can run in which a host crashes and both '
             "Vitrage's rule and a message in a queue start a workflow for "
             'the same application: what host_crash needs, Aodh and Zaqar.'),
    Scenario(
        feature='guest_killed', chain=autohealing.CHAIN,
        fault='guest-killed', needs=(SSH,),
        help="Whether the scenario can run in which the guest of a plain "
             "member's application is killed on its host: SSH to the hosts, "
             'Aodh and Zaqar, and [auth] that gives a member.'),
    Scenario(
        feature='server_deleted', chain=autohealing.CHAIN,
        fault='server-deleted',
        help='Whether the scenario can run in which an administrator deletes '
             "the server of a plain member's application behind the back of "
             'its stack: Aodh and Zaqar, and [auth] that gives a member.'),
    Scenario(
        feature='server_stopped', chain=autohealing.CHAIN,
        fault='server-stopped',
        help='Whether the scenario can run in which an administrator stops '
             "the server of a plain member's application: what "
             'server_deleted needs.'),
)


def of(features):
    """Return the scenarios of some features, in the order of the table.

    :param features: options of [self_healing_feature_enabled]
    """
    return tuple(scenario for scenario in SCENARIOS
                 if scenario.feature in features)


def chains_of(features):
    """Return the chains that heal in some scenarios, each once.

    :param features: options of [self_healing_feature_enabled]; none stands
        for all
    """
    return tuple(dict.fromkeys(
        scenario.chain for scenario in of(features) or SCENARIOS))
