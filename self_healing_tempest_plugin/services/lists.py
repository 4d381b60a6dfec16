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

"""Which of the things that a service lists is meant."""

from tempest.lib import exceptions as lib_exc

# What it raises to look for the versions of a service by Tempest's clients
# where a page for people is in their place, or another answer: it may answer
# to all else.
NO_VERSIONS = (lib_exc.TempestException, LookupError, TypeError, ValueError)


def current(versions):
    """Return the current version of those that a service lists.

    :param versions: list of dicts, with ``status``
    :returns: the last version where none says that it is current
    """
    return next((version for version in versions
                 if version['status'] == 'CURRENT'), versions[-1])


def by_id_or_name(listed, wanted):
    """Return the entry with an id or name, or None.

    :param listed: list of dicts, with ``id`` and ``name``
    :param wanted: an id or a name, as Heat takes either
    """
    return next((entry for entry in listed
                 if wanted in (entry['id'], entry['name'])), None)
