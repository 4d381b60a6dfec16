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

"""Documents as details of a test, which have to be small.

A result of a test goes to subunit, whose packets may have 4 MiB: what is more
ends the worker, and the tests after it never run. In an attachment the
answers of the application are told in stretches, and what else is much is
thinned; all of it is in the file of the run.
"""

from self_healing_tempest_plugin.report import answers
from self_healing_tempest_plugin.report import saving

# Bytes of a document as JSON. There are other details beside it.
MOST_BYTES = 1 << 20

# What is left of long lists, and of long texts in characters: the first of
# these pairs with which the document is short enough.
_LIMITS = ((1000, 20000), (200, 4000), (40, 1000), (20, 300))

# Lists that readers look things up in, by place or by name.
_WHOLE = ('kinds', 'links', 'steps', 'answers')

REMARK = ('This copy leaves out what would be too long for it; all of it is '
          'in the JSON file of the run, in [self_healing] artifacts_dir.')


def thinned(run):
    """Return a document that is short enough to be attached to a test.

    :param run: a document, see :mod:`.documents`; it is not changed
    :returns: a valid document: the single answers are left out, and where it
        is still too long the middle of long lists and the ends of long texts
    """
    short = answers.without_singles(run)
    if len(saving.dumps(short)) <= MOST_BYTES:
        return short
    for most, length in _LIMITS:
        cut = _cut(short, most, length)
        cut['remarks'] = [*cut['remarks'], REMARK]
        if len(saving.dumps(cut)) <= MOST_BYTES:
            break
    return cut


def _cut(value, most, length, key=''):
    if isinstance(value, str):
        return value if len(value) <= length else value[:length - 2] + ' …'
    if isinstance(value, dict):
        return {name: _cut(one, most, length, name)
                for name, one in _some(value, most)}
    if isinstance(value, list):
        if key not in _WHOLE and len(value) > most:
            value = value[:most // 2] + value[-(most // 2):]
        return [_cut(one, most, length) for one in value]
    return value


def _some(values, most):
    # What a stranger says may have any number of keys.
    return list(values.items())[:max(most, 60)]
