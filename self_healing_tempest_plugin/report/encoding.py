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

"""What a terminal can show of a text, whatever its encoding.

A character that a terminal does not know is replaced by what stands for it
in ASCII, or by its escape; nothing is worth an error.
"""

import codecs
import contextlib
import errno
import io
import os

#: What is written for the characters that this plugin uses itself.
PLAIN = {
    '–': '-', '—': '-', '…': '...', '→': '->', '←': '<-', '≤': '<=',
    '≥': '>=', '×': 'x', '·': '.', '“': '"', '”': '"', '‘': "'", '’': "'",
    '±': '+-', '\u00a0': ' ', '\u2009': ' ', '━': '-', '╸': '-', '╺': '-'}

_HANDLER = 'self_healing_plain'


def _plain(error):
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = ''.join(
        PLAIN.get(character) or character.encode(
            'ascii', 'backslashreplace').decode('ascii')
        for character in error.object[error.start:error.end])
    return text, error.end


codecs.register_error(_HANDLER, _plain)


def fitted(text, encoding):
    """Return a text that can be written in an encoding.

    :param text: string
    :param encoding: its name; None, or one that Python does not know, is
        ASCII
    """
    try:
        codec = codecs.lookup(encoding or 'ascii').name
    except LookupError:
        codec = 'ascii'
    return text.encode(codec, _HANDLER).decode(codec)


class Stream(io.TextIOBase):
    """A stream that writes whatever text it gets.

    It has the encoding and all else of the stream that it writes to. Where
    that is gone, or full, what is written is dropped: what a command does
    goes on without anybody who reads of it.

    :ivar lost: the OSError by which the stream was lost, or None
    """

    def __init__(self, stream):
        """Take the stream that is written to.

        :param stream: None where it was closed before
        """
        self._stream = stream
        self.lost = OSError(errno.EBADF, 'it is closed') if (
            stream is None) else None

    def write(self, string):
        """Write a text as the stream can."""
        # Where a stream says no encoding it holds text, such as StringIO.
        encoding = getattr(self._stream, 'encoding', None)
        self._unless_lost(lambda: self._stream.write(
            fitted(string, encoding) if encoding else string))
        return len(string)

    def flush(self):
        """Flush the stream."""
        self._unless_lost(lambda: self._stream.flush())

    def _unless_lost(self, use):
        if self.lost is None:
            try:
                use()
            except OSError as error:
                self.lost = error
                self._divert()

    def _divert(self):
        """Let what the stream still holds go nowhere, without an error."""
        with contextlib.suppress(OSError), open(os.devnull, 'wb') as nowhere:
            os.dup2(nowhere.fileno(), self._stream.fileno())

    def isatty(self):
        """Return whether the stream is a terminal."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self):
        """Return the descriptor of the stream."""
        if self._stream is None:
            raise io.UnsupportedOperation('fileno')
        return self._stream.fileno()

    @property
    def encoding(self):
        """Return the encoding of the stream."""
        return getattr(self._stream, 'encoding', None)
