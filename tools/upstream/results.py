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

"""What came of each test, read from a subunit stream."""

import collections
import dataclasses
import re

import subunit
import testtools

PASSED, FAILED, SKIPPED = 'passed', 'failed', 'skipped'

#: What a status of subunit means; one that is not final is a failure.
OUTCOMES = {'success': PASSED, 'xfail': PASSED, 'skip': SKIPPED}

#: What a stream attaches to a test: why it is skipped, how it failed.
ATTACHED = ('reason', 'traceback')

_CLASS = re.compile(r'setUpClass \((?P<name>[^)]+)\)')


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one test.

    :ivar kind: :data:`PASSED`, :data:`FAILED` or :data:`SKIPPED`
    :ivar detail: why it was skipped, or the line that says how it failed
    """

    kind: str
    detail: str = ''


class Reader(testtools.StreamResult):
    """Keeps the last status of each test, and what is attached to it."""

    def __init__(self):
        """Begin with nothing."""
        super().__init__()
        self.statuses = {}
        self.attached = collections.defaultdict(bytes)

    def status(self, test_id=None, test_status=None, file_name=None,
               file_bytes=None, **_):
        """Take an event, see :class:`testtools.StreamResult`."""
        if test_id is None:
            return
        # That it exists is said once more by each of two runs.
        if test_status not in (None, 'exists'):
            self.statuses[test_id] = test_status
        if file_bytes and str(file_name).startswith(ATTACHED):
            self.attached[test_id] += bytes(file_bytes)


def name(test):
    """Return the name of a test without its id and its tags.

    Two steps of a file of Gabbi can have the same.
    """
    return test.partition('[')[0]


def read(stream):
    """Return what a stream says.

    :param stream: of bytes, subunit v2
    :returns: :class:`Outcome` by test, with its id and its tags, and by the
        name of a class that was not set up
    """
    reader = Reader()
    subunit.ByteStreamToStreamResult(
        stream, non_subunit_name='output').run(reader)
    return {_of(test): Outcome(
        OUTCOMES.get(status, FAILED),
        _detail(status, reader.attached[test].decode(errors='replace')))
        for test, status in reader.statuses.items()}


def complete(tests, found):
    """Return what came of each test that was to be run.

    :param tests: with their ids and tags
    :param found: see :func:`read`
    :returns: :class:`Outcome` by test: that of its class where the class was
        not set up, and a failure where the run ended before the test
    """
    return {test: found.get(test) or found.get(name(test).rpartition('.')[0])
            or Outcome(FAILED, 'the run ended before it') for test in tests}


def _of(test):
    match = _CLASS.match(test)
    return match['name'] if match else test


def _detail(status, text):
    if status == 'inprogress':
        return 'the run ended while it ran'
    lines = text.strip().splitlines()
    return lines[-1].strip() if status == 'fail' and lines else ' '.join(lines)
