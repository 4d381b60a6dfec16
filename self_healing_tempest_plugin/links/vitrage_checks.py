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

"""What preflight learns of Vitrage's processes."""

from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin.services import errors


def processes(vitrage):
    """Return the names of its processes, None where it does not list them.

    :param vitrage: :class:`..services.vitrage.Vitrage`
    """
    # Where it has no [coordination], its answer is an error.
    try:
        return vitrage.processes()
    except errors.ServiceError as error:
        if error.code is None:
            raise
        return None


def process(name):
    """Return a judge of whether one of the processes runs.

    :param name: how the name of the process begins
    """
    def judge(settings, processes):
        if processes is None:
            return rows.unknown('Vitrage lists its processes only with '
                                '[coordination] backend_url')
        if any(running.startswith(name) for running in processes):
            return rows.yes('runs')
        return rows.no('is not among the processes')
    return judge
