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

"""Tables for a terminal: columns apart by spaces, no lines."""

import prettytable

from self_healing_tempest_plugin.redaction import runtime


def plain(header, rows, align='l', max_width=None, show_header=True):
    """Return a table as text.

    :param header: names of the columns
    :param rows: iterable of tuples
    :param align: ``l`` or ``r`` for all columns, or a dict of column to it
    :param max_width: characters of a column's lines, or a dict of column to
        them; None: as wide as need be
    :param show_header: whether the names of the columns are in the table
    """
    view = prettytable.PrettyTable(
        header, border=False, padding_width=0, right_padding_width=2,
        header=show_header)
    _set(view, 'align', align)
    if max_width is not None:
        _set(view, 'max_width', max_width)
    view.add_rows([[visible(cell) for cell in row] for row in rows])
    return '\n'.join(line.rstrip() for line in view.get_string().splitlines())


def _set(view, attribute, value):
    # That a dict can be assigned is newer than OpenStack 2025.2.
    if isinstance(value, dict):
        getattr(view, attribute).update(value)
    else:
        setattr(view, attribute, value)


def visible(text):
    """Return text that a terminal shows and does not obey, without secrets.

    :param text: may come from anywhere; lines stay
    """
    return ''.join(character if character.isprintable() or character == '\n'
                   else character.encode('unicode_escape').decode('ascii')
                   for character in runtime.text(text))
