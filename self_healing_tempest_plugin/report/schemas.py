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

"""The JSON Schemas of documents, one for each format that can be read."""

import functools
from importlib import resources
import json

import jsonschema

# Raised when a reader of older files would misread a newer file.
FORMAT = 5

READABLE = (3, 4, FORMAT)


def schema(number=FORMAT):
    """Return the JSON Schema of a format, as a dict.

    :param number: one of :data:`READABLE`
    """
    return json.loads(resources.files(__package__).joinpath(
        'schema/timeline-%d.json' % number).read_text('utf-8'))


@functools.cache
def validator(number=FORMAT):
    """Return the validator of the documents of a format.

    :param number: one of :data:`READABLE`
    """
    return jsonschema.Draft202012Validator(schema(number))
