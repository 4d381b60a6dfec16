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

"""The end of a log, for people."""

import collections

#: How much of each line is shown.
COLUMNS = 200


def end(path, lines):
    """Return the last lines of a log as text, indented.

    :param path: :class:`pathlib.Path`
    :param lines: how many
    :returns: the reason, in parentheses, where it cannot be read
    """
    try:
        with path.open(errors='replace') as file:
            last = collections.deque(file, lines)
    except OSError as error:
        last = ['(%s)' % error.strerror]
    return '\n'.join('    ' + line.rstrip()[:COLUMNS] for line in last)
