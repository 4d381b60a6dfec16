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

"""Files that nobody but their owner ever reads."""

import os


def write(path, content):
    """Write a file that only its owner may read, in one step.

    A file that is there is replaced, and never written into: it would keep
    its mode, and those who have it open.

    :param path: :class:`pathlib.Path`
    :param content: text or bytes
    """
    part = path.with_name(path.name + '.part')
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, 'wb') as file:
        file.write(content.encode() if isinstance(content, str) else content)
    part.replace(path)
