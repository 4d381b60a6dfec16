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

"""The one way to wait for something, where there is no Tempest.

The tools that build and sabotage the lab, or run Zuul, have environments of
their own without Tempest, which the package's poller needs.
"""

import time


class TimeUp(Exception):
    """The answer that was waited for did not come.

    :ivar answer: the last answer
    """

    def __init__(self, what, seconds, answer):
        super().__init__('waited %d s in vain for %s' % (seconds, what))
        self.answer = answer


def pause(seconds):
    """Let time pass.

    :param seconds: how long; nothing happens when it is not positive
    """
    if seconds > 0:
        time.sleep(seconds)


def until(observe, what, seconds, interval=1.0, accept=bool):
    """Ask until the answer is good, once more at the deadline.

    :param observe: asks; called without arguments
    :param what: what is waited for, for the message
    :param seconds: until the last question
    :param interval: seconds between two questions
    :param accept: whether an answer is what is waited for
    :returns: the answer
    :raises TimeUp: when it did not come
    """
    deadline = time.monotonic() + seconds
    while True:
        left = deadline - time.monotonic()
        answer = observe()
        if accept(answer):
            return answer
        if left <= 0:
            raise TimeUp(what, seconds, answer)
        pause(min(interval, deadline - time.monotonic()))
