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

import os
import subprocess
import sys

import setuptools


def has_version():
    """Return whether pbr will find a version; it takes ten lines to say no."""
    if os.environ.get('PBR_VERSION') or os.path.exists('PKG-INFO'):
        return True
    try:
        return not subprocess.run(
            ['git', 'rev-parse', '--git-dir'], capture_output=True,
            check=False).returncode
    except OSError:
        return False


if not has_version():
    sys.exit('error: there is no version: this is no sdist, and git finds no '
             'repository here that it may read. Set PBR_VERSION, for example '
             'PBR_VERSION=1.0.0, or take a clone.')
setuptools.setup(
    setup_requires=['pbr>=6.1.1'],
    pbr=True)
