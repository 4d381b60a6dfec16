#!/usr/bin/python
# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.
"""Many small files in one task.

Ansible's own template module takes a third of a second for each file; the
lab has about a hundred, and ``up`` looks at each of them.
"""

import base64
import contextlib
import json
import os
import pwd

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: lab_files
short_description: Writes files and the directories they are in
description:
  - A file whose content, mode or owner differs is replaced in one step.
options:
  files:
    description: JSON list, in base64, of I(path), I(content), I(mode) as
      octal digits and I(owner), a user whose group the file gets too.  One
      opaque string, because each value below a secret option would be struck
      out of the result.
    type: str
    required: true
"""

RETURN = r"""
written:
  description: Paths of the files that were written, and nothing else.
  type: list
"""


def make_directory(path):
    """Make a directory, and those above it, for everybody to look into.

    A service that is not root's finds its file there, whatever the umask.
    """
    if os.path.isdir(path):
        return
    make_directory(os.path.dirname(path))
    with contextlib.suppress(FileExistsError):
        os.mkdir(path)
        os.chmod(path, 0o755)


class File:
    """A file as it should be."""

    def __init__(self, path, content, mode, owner):
        self.path, self.content = path, content.encode()
        self.mode = int(mode, 8)
        user = pwd.getpwnam(owner)
        self.uid, self.gid = user.pw_uid, user.pw_gid

    def is_there(self):
        try:
            state = os.stat(self.path)
            with open(self.path, 'rb') as file:
                content = file.read()
        except FileNotFoundError:
            return False
        return (state.st_mode & 0o7777, state.st_uid, state.st_gid,
                content) == (self.mode, self.uid, self.gid, self.content)

    def write(self):
        """Write beside it and rename: no reader sees half of it."""
        make_directory(os.path.dirname(self.path))
        part = self.path + '.part'
        # One that is there would keep its mode, and those who have it open.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)
        # Never readable by more than the owner while its mode is not set.
        descriptor = os.open(
            part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, 'wb') as file:
            file.write(self.content)
            os.fchown(file.fileno(), self.uid, self.gid)
            os.fchmod(file.fileno(), self.mode)
        os.rename(part, self.path)


def main():
    module = AnsibleModule(
        argument_spec={
            'files': {'type': 'str', 'required': True, 'no_log': True}},
        supports_check_mode=True)
    entries = json.loads(base64.b64decode(module.params['files']))
    files = [File(**entry) for entry in entries]
    different = [file for file in files if not file.is_there()]
    if not module.check_mode:
        for file in different:
            file.write()
    module.exit_json(
        changed=bool(different), written=[file.path for file in different])


if __name__ == '__main__':
    main()
