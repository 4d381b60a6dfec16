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

"""The differences between two fingerprints."""

import json

from tools.lab.fingerprint import answers


def differences(before, after):
    """Return the differences between two fingerprints.

    :returns: list of lines, each with the path to what differs, empty when
        they are equal; what was not answered differs always
    """
    return list(_differences(before, after, ()))


def _differences(before, after, path):
    dicts = [side for side in (before, after) if isinstance(side, dict)]
    unanswered = any(answers.UNANSWERED in side for side in dicts)
    if len(dicts) == 2 and not unanswered:
        for key in sorted({*before, *after}):
            yield from _differences(before.get(key), after.get(key),
                                    (*path, key))
    elif before != after or unanswered:
        yield '%s: %s → %s' % ('/'.join(path), _shown(before), _shown(after))


def _shown(value):
    if value is None:
        return '(none)'
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= answers.LONG else '%s…' % text[:answers.LONG]
