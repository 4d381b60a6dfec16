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

"""Secrets are replaced, wherever they stand: one code for all.

Everything that leaves the process goes through it: log, report, subunit,
what commands print. The role that collects files brings the same package to
its node, which has no more than Python: nothing in here needs more, nor
anything else of the plugin.

A secret is a value after a name that says so, or in a form that only secrets
have (:mod:`.names`, :mod:`.forms`, :mod:`.programs`, :mod:`.urls`,
:mod:`.keys`), and each value that is known to be one, in all the ways that
it may be written (:mod:`.known`).
"""

import functools
import json

from self_healing_tempest_plugin.redaction import forms
from self_healing_tempest_plugin.redaction import keys
from self_healing_tempest_plugin.redaction import known
from self_healing_tempest_plugin.redaction import names
from self_healing_tempest_plugin.redaction import programs
from self_healing_tempest_plugin.redaction import spans
from self_healing_tempest_plugin.redaction import urls

REPLACEMENT = spans.REPLACEMENT

# {"name": "password", "value": "a"}
_NAMES = ('name', 'Name', 'key', 'Key', 'variable', 'option', 'field',
          'output_key')
_VALUES = ('value', 'Value', 'val', 'content', 'data', 'output_value',
           'default')

# How many texts are remembered, and how long they may be.
_REMEMBERED, _SHORT = 4096, 2048

# Each takes a spans.Text, and yields where secrets begin and end.
FINDERS = (names.find, urls.find, keys.find, forms.find, programs.find)


def find(text):
    """Return where a text holds what looks like a secret.

    :param text: string
    :returns: list of pairs of begin and end, in order, apart
    """
    seen = spans.Text(text)
    return spans.merged(text, [span for finder in FINDERS
                               for span in finder(seen)])


def _named(value):
    """Return the secret name that a dict gives to its value, or None."""
    return next((value[key] for key in _NAMES
                 if isinstance(value.get(key), str)
                 and names.is_secret(value[key])), None)


class Redactor:
    """Replaces known secrets, and what looks like one; never changes."""

    def __init__(self, secrets=()):
        """Take the values that must not be seen.

        :param secrets: iterable of strings; see :mod:`.known` for those that
            are too short to be looked for
        """
        self.secrets = frozenset(secrets)
        self._known = known.Known(self.secrets)
        # Documents and tables say the same again and again.
        self._short = functools.lru_cache(_REMEMBERED)(self._redacted)

    def __call__(self, text):
        """Return a text without secrets.

        :param text: string
        """
        return (self._short if len(text) < _SHORT else self._redacted)(text)

    def _redacted(self, text):
        return spans.replaced(text, [*find(text), *self._known.find(text)])

    def data(self, value):
        """Return dicts, lists and strings without secrets.

        A value under a secret name is replaced as a whole; keys and all else
        stay.

        :param value: as JSON has it, and tuples
        """
        if isinstance(value, str):
            return self(value)
        if isinstance(value, dict):
            named = _named(value)
            return {self._key(key): self._member(
                named if named and key in _VALUES else key, member)
                for key, member in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(map(self.data, self._words(value)))
        return value

    def _words(self, value):
        """Return a list without the secrets that its words point to.

        The list may be a command: ``['ipmitool', '-P', 'a']``.
        """
        if len(value) < 2 or not all(isinstance(word, str) for word in value):
            return value
        try:
            words = json.loads(self(json.dumps(value)))
        except ValueError:
            return value
        return words if len(words) == len(value) else value

    def _key(self, key):
        return self(key) if isinstance(key, str) else key

    def _pair(self, key, value):
        """Return a value without what is a secret beside such a key only."""
        if not (isinstance(key, str) and isinstance(value, str)
                and key.lower() in forms.KEYS):
            return value
        try:
            return json.loads(self(json.dumps({key: value})))[key]
        except (ValueError, KeyError):
            return value

    def _member(self, key, value):
        if not isinstance(key, str) or not names.is_secret(key):
            return self.data(self._pair(key, value))
        if isinstance(value, str):
            return value if spans.harmless(value) else REPLACEMENT
        if isinstance(value, (list, tuple)):
            return type(value)(self._member(key, member) for member in value)
        if isinstance(value, dict) and names.is_plural(key):
            return {self._key(name): self._member(key, member)
                    for name, member in value.items()}
        if isinstance(value, dict):
            return dict(self.data(value), **{
                name: self._member(key, value[name])
                for name in names.members(key)
                if isinstance(value.get(name), (str, list))})
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value if names.is_counted(key) else REPLACEMENT
        return self.data(value)
