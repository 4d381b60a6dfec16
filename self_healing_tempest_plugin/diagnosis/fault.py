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

from self_healing_tempest_plugin.diagnosis import case as cases

Finding, Question = cases.Finding, cases.Question


def unmet(case):
    """Which preconditions did not hold?"""
    return [Finding(False, one, one) for one in case.timeline.unmet]


def life(case):
    """How far did the fault get, and what did the witnesses say?"""
    return [Finding(one.name != 'unwitnessed', '%s%s' % (
        one.name, one.detail and ': %s' % one.detail))
        for one in case.timeline.transitions]


def compute(case):
    """How does Nova see the host?"""
    host = case.expectation.host
    found = case.clients.nova.compute_service(host)
    if found is None:
        return (Finding(False, 'host %s has no nova-compute' % host),)
    return (Finding(None, 'nova-compute on host %s is %s and %s%s' % (
        host, found['state'], found['status'],
        ', forced down' if found['forced_down'] else '')),)


QUESTIONS = (
    Question('Preconditions', 'what does not hold', unmet),
    Question('Fault', 'its life', life),
    Question('Nova', 'the host', compute),
)
