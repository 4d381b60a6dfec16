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

"""Many questions side by side, and one time at which all of it is over."""

from concurrent import futures
import dataclasses
import threading
import typing

from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import waiting


@dataclasses.dataclass(frozen=True)
class Question:
    """A question to a service.

    :ivar service: name of the service, for messages
    :ivar ask: returns the answer
    """

    service: str
    ask: typing.Callable[[], typing.Any]


class Answers:
    """The answers, by the names of the questions.

    To look for an answer waits for it, until all have to be there.
    """

    def __init__(self, questions, outcomes, deadline):
        """Take what was asked.

        :param questions: dict of name to :class:`Question`
        :param outcomes: dict of name to ``Future``
        :param deadline: on the clock of the pollers
        """
        self._questions, self._outcomes = questions, outcomes
        self._deadline = deadline

    def __contains__(self, name):
        """Return whether a question was asked."""
        return name in self._questions

    def __getitem__(self, name):
        """Return an answer.

        :raises .errors.ServiceError: when there is none
        """
        error = self.error(name)
        if error:
            raise error
        return self._outcomes[name].result()

    def error(self, name):
        """Return why a question has no answer, None where it has one.

        :returns: :class:`.errors.ServiceError`; a question that
            was not asked has none
        """
        if name not in self._outcomes:
            return None
        left = max(0.0, self._deadline - waiting.CLOCK.now())
        try:
            return self._outcomes[name].exception(left)
        except futures.TimeoutError:
            return errors.TooLate(
                self._questions[name].service, name, 'no answer in time')

    def answered(self, name):
        """Return whether a question was asked, and has an answer."""
        return name in self and self.error(name) is None


class Several:
    """Answers to questions that had not the same time, as one."""

    def __init__(self, *parts):
        """Take the parts.

        :param parts: :class:`Answers`, without a name in common
        """
        self._parts = parts

    def __getitem__(self, name):
        """Return an answer; see :class:`Answers`."""
        return self._part(name)[name]

    def error(self, name):
        """Return why a question has no answer; see :class:`Answers`."""
        return self._part(name).error(name)

    def answered(self, name):
        """Return whether there is an answer; see :class:`Answers`."""
        return self._part(name).answered(name)

    def _part(self, name):
        return next((part for part in self._parts if name in part),
                    self._parts[0])


class Refusal:
    """Answers of a cloud that nobody could enter."""

    def __init__(self, error):
        """Take why.

        :param error: :class:`.errors.ServiceError`
        """
        self._error = error

    def __getitem__(self, name):
        """Raise why there is no answer."""
        raise self._error

    def error(self, name):
        """Return why there is no answer."""
        return self._error

    def answered(self, name):
        """Return that there is none."""
        return False


def ask(questions, seconds):
    """Ask all questions at once, and do not wait.

    Libraries have timeouts of their own, try again behind the back of their
    callers, and some wait for a name server without any. A question without
    an answer in time is left alone: its thread is a daemon, and does not keep
    the process from ending.

    :param questions: dict of name to :class:`Question`
    :param seconds: until a missing answer is an error
    :returns: :class:`Answers`
    """
    outcomes = {name: futures.Future() for name in questions}
    for name, question in questions.items():
        threading.Thread(
            target=_answer, args=(name, question, outcomes[name]),
            daemon=True).start()
    return Answers(questions, outcomes, waiting.CLOCK.now() + seconds)


def _answer(name, question, outcome):
    try:
        with errors.calling(question.service, name):
            outcome.set_result(question.ask())
    except errors.ServiceError as error:
        outcome.set_exception(error)
