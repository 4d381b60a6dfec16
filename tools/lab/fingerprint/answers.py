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

"""The answer to a question, or why there is none."""

from tools.lab import errors

#: The key of what could not be asked; never equal to anything.
UNANSWERED = 'not answered'
#: How many characters of a reason or a value are shown.
LONG = 160


def answer(question):
    """Return what a question returns; the reason where it is not answered.

    :param question: called without arguments
    """
    try:
        return question()
    except errors.LabError as error:
        return {UNANSWERED: reason(error)}


def reason(text):
    """Return the end of an error, as one line."""
    return ' '.join(str(text).split())[-LONG:]
