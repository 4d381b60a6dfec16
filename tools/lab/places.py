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

"""Which directories a lab, and the checkout that it is built from, may have.

All that is ours quotes a path or hands it over as one word. A few characters
are beyond us, because a service underneath gives them a meaning that cannot be
quoted. ``roles/lab_preflight/files/preflight`` has the same rule, for those
who run the playbooks themselves.
"""

import os
import pathlib

import tools
from tools.lab import errors

#: Who cannot bear it, by character.
REFUSED = {
    '"': 'stestr',
    '#': "supervisor's settings",
    '$': 'tempest.conf',
    '%': "supervisor's settings",
    ':': 'PATH',
    ';': "supervisor's settings",
    '\\': 'stestr',
    '`': 'stestr',
    '{': 'the power commands of tempest.conf',
    '}': 'the power commands of tempest.conf',
}


def directory(text):
    """Return the one name of a directory: absolute, without links.

    :param text: as a person writes it, also "~" at its beginning
    :returns: :class:`pathlib.Path`
    :raises LabError: when it cannot be borne, in one line
    """
    if not text:
        raise errors.LabError(
            'the name of the directory is empty: --dir and LAB_DIR name one')
    try:
        path = pathlib.Path(text).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise errors.LabError('%s: %s' % (ascii(text), error)) from error
    for name, place in (('the lab', path), ('the checkout', tools.SOURCE)):
        # As the services read it, whatever the terminal speaks.
        why = _objection(os.fsencode(place).decode(errors='surrogateescape'))
        if why:
            raise errors.LabError(
                'the directory of %s, %s, %s: choose another one'
                % (name, ascii(str(place)), why))
    return path


def from_environment():
    """Return where the lab is when nobody says it, as text."""
    return os.environ.get('LAB_DIR') or str(tools.SOURCE / '.lab')


def _objection(path):
    """Return what is against a path, None where nothing is."""
    for character in path:
        if character in REFUSED:
            return 'has %s, which %s cannot bear' % (
                character, REFUSED[character])
        # Other blanks than " ", what begins a line, and what is no UTF-8.
        if not character.isprintable():
            return 'has %s, which cannot be printed' % ascii(character)
    return None
