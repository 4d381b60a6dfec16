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

"""The one way to wait for something."""

import time


class TimeUp(Exception):
    """It did not come."""


def until(observe, what, seconds, interval=1.0):
    """Ask until the answer is true, once more at the deadline.

    :param observe: asks; called without arguments
    :param what: what is waited for, for the message
    :param seconds: until the last question
    :param interval: seconds between two questions
    :returns: the answer
    :raises TimeUp: when it did not come
    """
    deadline = time.monotonic() + seconds
    while True:
        last = time.monotonic() >= deadline
        answer = observe()
        if answer:
            return answer
        if last:
            raise TimeUp('waited %d s in vain for %s' % (seconds, what))
        time.sleep(interval)
