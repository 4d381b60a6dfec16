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

"""Whether the application answers, and is the one that is to be broken."""

from self_healing_tempest_plugin import waiting

# How often it is asked before its silence counts: one answer that is late on a
# busy cloud is no application that is away.
TRIES = 3


def unmet(around):
    """Return why the application is not known to answer.

    :param around: :class:`..surroundings.Surroundings`
    """
    app = around.application
    if not app.answers:
        return ''
    for _ in range(TRIES):
        probe = app.probe(waiting.CLOCK.now)
        if probe.ok:
            break
    else:
        return 'the application at %s: %s' % (app.url, probe.error)
    if probe.server != app.server_id:
        return 'the application at %s answers as server %s, not as %s' % (
            app.url, probe.server or 'without name', app.server_id)
    return ''
