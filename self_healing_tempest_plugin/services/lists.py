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
from urllib3 import exceptions as urllib3_exc

# What it raises to look for the versions of a service by Tempest's clients
# where a page for people is in their place, another answer, or one that sends
# us to another host: it may answer to all else.
_NO_VERSIONS = (lib_exc.TempestException, LookupError, TypeError, ValueError,
                urllib3_exc.HTTPError)


def version(told, ask, known):
    """Return the newest version of a service as text.

    :param told: returns it, as the service lists it to Tempest's client
    :param ask: what asks the service for something else, where it does not
    :param known: the version that that is asked by, e.g. ``v2.1``
    :raises Exception: of ``ask``; or that nobody answered in time: to ask
        again would take as long
    """
    try:
        return told()
    except _NO_VERSIONS as error:
        if _is_late(getattr(error, 'reason', error)):
            raise
    ask()
    return '%s answers; its endpoint lists no versions' % known


def _is_late(error):
    # For urllib3, a connection that is refused is one kind of these.
    return isinstance(error, urllib3_exc.ConnectTimeoutError) and (
        not isinstance(error, urllib3_exc.NewConnectionError))


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
