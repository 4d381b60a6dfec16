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

"""Applications that several drills use, one after the other.

A drill takes longer to create its application, and to delete it, than the
healing takes. So what the last drill has left as good as new is used again:
the stack as it is by now, with the server that it has by now. There is one
such application at a time; another one on the same host would be broken with
it, and healed beside it.
"""

import contextlib
import dataclasses
import types
import typing


@dataclasses.dataclass(frozen=True)
class Use:
    """What an application is for; for the same, it may be used again.

    :ivar application: of its scenario, see :class:`.scenarios.Scenario`
    :ivar project_id: of its owner
    :ivar parameters: further parameters of the HOT
    """

    application: tuple
    project_id: str
    parameters: typing.Mapping = dataclasses.field(
        default_factory=lambda: types.MappingProxyType({}))


class Shelf:
    """Keeps an application, and its owner, from one drill to the next.

    :ivar owner: what the owner's class of tests has made, None without one;
        see :meth:`keep_owner`
    """

    def __init__(self):
        """Be closed: each drill has an application of its own."""
        self._is_open = False
        self._use = self._application = self._fit = None
        self.owner, self._owner_entries, self._let_go = None, (), None

    @contextlib.contextmanager
    def opened(self, hold):
        """Keep what drills leave, and remove the last of it at the end.

        :param hold: returns a context manager, in which it is removed
        """
        self._is_open = True
        try:
            yield
        finally:
            self._is_open = False
            with contextlib.ExitStack() as cleanups:
                cleanups.callback(self._remove_owner)
                if self._application is not None:
                    cleanups.enter_context(hold())
                    cleanups.callback(self.clear)

    @property
    def entries(self):
        """Return the ids of what is kept, in the journal; a tuple."""
        return self._owner_entries if self._application is None else (
            *self._owner_entries, self._application.entry_id)

    def taken(self, use):
        """Return the application of before, where it is fit for a use.

        One that is for something else is removed.

        :param use: :class:`Use`
        :returns: :class:`.application.Application`, or None
        :raises Exception: what its removal broke over
        """
        if self._use != use:
            self.clear()
        self.touch()
        return self._application

    def put(self, use, application):
        """Keep a new application, unless nobody would use it again.

        :param use: :class:`Use`
        :param application: :class:`.application.Application`, in use
        :returns: whether it is kept; else its user has to remove it
        """
        if self._is_open:
            self._use, self._application = use, application
            self.touch()
        return self._is_open

    def touch(self):
        """Note that a fault begins: the application may be worn by it."""
        self._fit = False

    def settle(self):
        """Note that the application is as good as new."""
        self._fit = True

    def put_back(self):
        """Remove an application that is not as good as new.

        :raises Exception: what its removal broke over
        """
        if not self._fit:
            self.clear()

    def clear(self):
        """Remove the application, if there is one.

        :raises Exception: what its removal broke over
        """
        kept, self._application, self._use = self._application, None, None
        if kept is not None:
            kept.cleanUp()

    def keep_owner(self, owner, entries, let_go):
        """Keep the owner of applications from one class to the next.

        :param owner: anything
        :param entries: ids of what was made for it, in the journal
        :param let_go: lets what was made for it be deleted
        :returns: whether it is kept; else its class has to delete it
        """
        if self._is_open:
            self.owner, self._owner_entries, self._let_go = (
                owner, tuple(entries), let_go)
        return self._is_open

    def _remove_owner(self):
        let_go, self.owner, self._owner_entries, self._let_go = (
            self._let_go, None, (), None)
        if let_go is not None:
            let_go()


#: Of this process.
SHELF = Shelf()
