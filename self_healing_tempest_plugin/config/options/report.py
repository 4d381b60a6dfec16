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

"""Where reports go."""

from oslo_config import cfg

OPTIONS = [
    cfg.StrOpt(
        'artifacts_dir', default='self-healing-artifacts',
        help='Directory for the timeline of each run, as JSON and as text, '
             'and for a page of all of them. A relative one is below the '
             'working directory.'),
]
