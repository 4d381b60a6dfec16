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

"""Link fault: what kept the drill from taking place."""

from self_healing_tempest_plugin.links import context

Clue, Inquiry = context.Clue, context.Inquiry


def unmet(case):
    """Which preconditions did not hold?"""
    return [Clue(False, problem, problem) for problem in case.timeline.unmet]


def life(case):
    """How far did the fault get, and what did the witnesses say?"""
    return [Clue(transition.name != 'unwitnessed', '%s%s' % (
        transition.name, transition.detail and ': %s' % transition.detail))
        for transition in case.timeline.transitions]


def compute(case):
    """How does Nova see the host?"""
    host = case.ids['host']
    service = case.clients.nova.compute_service(host)
    if service is None:
        return (Clue(False, 'host %s has no nova-compute' % host),)
    return (Clue(None, 'nova-compute on host %s is %s and %s%s' % (
        host, service['state'], service['status'],
        ', forced down' if service['forced_down'] else '')),)


_INQUIRIES = (
    Inquiry('Preconditions', 'what does not hold', unmet),
    Inquiry('Fault', 'its life', life),
    Inquiry('Nova', 'the host', compute),
)


def inquiries(case):
    """Return what to ask when no witness saw the fault, or it was too early.

    :param case: :class:`..context.Case`
    """
    del case
    return _INQUIRIES
