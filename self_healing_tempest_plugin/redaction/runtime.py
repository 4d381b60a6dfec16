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

"""The secrets that this process knows, and the texts that it lets out.

One redactor for the whole process: whoever learns a secret tells it here,
and everything that goes out asks here.
"""

import functools
import io
import logging
import threading
import traceback

from self_healing_tempest_plugin import redaction

_LOCK = threading.Lock()


class _Process:
    """The redactor, which another takes the place of when more is known."""

    def __init__(self):
        self.know(())

    def know(self, secrets):
        self.redactor = redaction.Redactor(secrets)


_PROCESS = _Process()


def learn(secrets):
    """Keep values from being told, from now on.

    :param secrets: iterable of strings
    """
    with _LOCK:
        known = _PROCESS.redactor.secrets
        new = {secret for secret in secrets if secret} - known
        if new:
            _PROCESS.know(known | new)


def forget():
    """Forget all secrets; for tests."""
    with _LOCK:
        _PROCESS.know(())


def text(value):
    """Return anything as text without secrets.

    :param value: a string, or what ``str`` makes one of
    """
    return _PROCESS.redactor(str(value))


def data(value):
    """Return dicts, lists and strings without secrets.

    :param value: see :meth:`.Redactor.data`
    """
    return _PROCESS.redactor.data(value)


class Stream(io.TextIOBase):
    """A stream that lets no secret through.

    A writer in pieces must not cut a secret: ``print`` does not.
    """

    def __init__(self, stream):
        """Take the stream that is written to."""
        self._stream = stream

    def write(self, string):
        """Write a text without its secrets."""
        self._stream.write(text(string))
        return len(string)

    def flush(self):
        """Flush the stream."""
        self._stream.flush()

    def isatty(self):
        """Return whether the stream is a terminal."""
        return self._stream.isatty()

    @property
    def encoding(self):
        """Return the encoding of the stream."""
        return self._stream.encoding


def guard_log():
    """Let no record of the log have a secret, whoever handles it.

    Records are changed as they are made, so that handlers that come later,
    as those that Tempest gives to each test, do not have it either.
    """
    make = logging.getLogRecordFactory()
    if not getattr(make, 'without_secrets', False):
        logging.setLogRecordFactory(_guarded(make))


def _guarded(make):
    @functools.wraps(make)
    def record(*args, **kwargs):
        return _without_secrets(make(*args, **kwargs))

    record.without_secrets = True
    return record


def _without_secrets(record):
    try:
        message = record.getMessage()
    except Exception:
        # The logging would print message and arguments to standard error.
        record.msg, record.args = text('%s %r' % (
            record.msg, record.args)), ()
    else:
        redacted = text(message)
        if redacted != message:
            record.msg, record.args = redacted, ()
    if record.exc_info and record.exc_info[0] is not None:
        told = ''.join(traceback.format_exception(*record.exc_info)).rstrip()
        redacted = text(told)
        if redacted != told:
            # A formatter would make it anew.
            record.exc_info, record.exc_text = None, redacted
    return record
