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

"""The life of a fault: plan, inject, witness, revert, verify."""

import contextlib

from self_healing_tempest_plugin import waiting


@contextlib.contextmanager
def injected(fault, recorder):
    """Break something, and repair it at the end of the ``with``.

    The repair is registered before the injection: one that fails half-way,
    or whose command never returns, is taken back, too. A fault that nobody
    witnesses is recorded as such and is no exception, so that the run gets
    its verdict.

    :param fault: e.g. :class:`.power.HostCrash`
    :param recorder: :class:`..chain.timeline.Recorder`
    """
    begin = recorder.now()
    recorder.transition('planned', begin, fault.description)
    with contextlib.ExitStack() as undo:
        undo.callback(_revert, fault, recorder)
        begin = recorder.now()
        fault.inject()
        recorder.transition('injected', begin)
        _witness(fault, recorder)
        yield fault


def _witness(fault, recorder):
    begin = recorder.now()
    try:
        seen = fault.witness()
    except waiting.WaitError as error:
        recorder.transition('unwitnessed', begin, str(error))
    else:
        recorder.transition('witnessed', begin, seen)


def _revert(fault, recorder):
    begin = recorder.now()
    fault.revert()
    recorder.transition('reverted', begin)
    begin = recorder.now()
    fault.verify()
    recorder.transition('verified', begin)
