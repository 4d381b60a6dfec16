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

"""What the services tell of a run when it is over, each asked once."""

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.services import asking

# Seconds in which all answers have to be there.
PATIENCE = 20.0


def collect(recorder, expectation, surroundings, patience=PATIENCE):
    """Ask once, and record the details; a missing answer is a remark.

    :param recorder: :class:`..watching.recorders.Recorder`, concluded
    :param expectation: :class:`..model.expectations.Expectation`
    :param surroundings: :class:`..links.surroundings.Surroundings`
    :param patience: seconds in which all answers have to be there
    """
    seen = recorder.timeline()
    if seen.transition('injected') is None:
        return
    questions = {}
    for link_kit in kit.of_chain(expectation.chain):
        questions |= link_kit.details(seen, expectation, surroundings)
    answers = asking.ask(questions, patience)
    for name in questions:
        error = answers.error(name)
        if error:
            recorder.remark('details: %s' % name, context.safe(
                'no details of %s: %s' % (name, error)))
            continue
        for detail in answers[name]:
            recorder.detail(detail)
