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

"""Tests whose details and failures tell no secret, and are not too long."""

import traceback

from testtools import content
from testtools import content_type

from self_healing_tempest_plugin.redaction import runtime


# Bytes of a detail.
MOST_BYTES = 2 << 20


class FailedWithSecrets(Exception):
    """An exception whose text, or that of its cause, had secrets in it."""


def redacted(one):
    """Return a detail of a test without secrets; what is no text stays.

    Of a long one, such as the log of a long run, the middle is left out: a
    packet of subunit may have 4 MiB, and one that has more ends the worker,
    so that the tests after it never run.

    :param one: :class:`testtools.content.Content`
    """
    if one.content_type.type != 'text' and one.content_type.subtype != 'json':
        return one

    def chunks():
        # As a whole: a chunk may end in the midst of a secret.
        yield shortened(runtime.text(one.as_text()).encode(
            'utf-8', 'replace'))

    return content.Content(content_type.ContentType(
        one.content_type.type, one.content_type.subtype,
        dict(one.content_type.parameters, charset='utf8')), chunks)


def shortened(text):
    """Return UTF-8 of which the middle is left out where it is too long.

    :param text: bytes
    """
    left_out = len(text) - MOST_BYTES
    if left_out <= 0:
        return text
    # Half a character at the cut is none.
    begin, end = (part.decode('utf-8', 'ignore').encode('utf-8') for part in (
        text[:MOST_BYTES // 2], text[-(MOST_BYTES // 2):]))
    return begin + b'\n[... %d bytes left out ...]\n' % left_out + end


class Discreet:
    """A mixin of test cases; it stands before :class:`testtools.TestCase`.

    Failures become details of the test, logs do, and what a test adds.
    """

    def addDetail(self, name, content_object):
        """Add a detail without its secrets.

        :param name: of the detail
        :param content_object: :class:`testtools.content.Content`
        """
        super().addDetail(name, redacted(content_object))

    @classmethod
    def setUpClass(cls):
        # A failure in here is no test's: it goes to the result as it is.
        try:
            super().setUpClass()
        except Exception as error:
            told = ''.join(traceback.format_exception(error))
            if runtime.text(told) == told:
                raise
            raise FailedWithSecrets(runtime.text(told)) from None
