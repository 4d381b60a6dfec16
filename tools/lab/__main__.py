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

"""What ``python tools/lab`` runs."""

import pathlib
import sys

# Python has put this folder there.
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[2])

from tools.lab import command  # noqa: E402
from tools import terminals  # noqa: E402

if __name__ == '__main__':
    terminals.forgive()
    sys.exit(command.main())
