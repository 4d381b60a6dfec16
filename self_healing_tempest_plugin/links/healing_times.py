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

"""How long the workflow of an application takes, by the options."""

# Seconds that the workflow gives each of its steps at least, Mistral's
# scheduler alone needs some of them; and which part of the time for the stack
# it is where that is more.
STEP_TIME, STEPS = 30, 10


def parameters(settings):
    """Return what the template of the application takes for its times.

    :param settings: :class:`..config.Settings`
    """
    stack_time = settings.timeouts.stack
    return {'heal_time': 2 * stack_time,
            'heal_step_time': max(STEP_TIME, stack_time // STEPS)}
