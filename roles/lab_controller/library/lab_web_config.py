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
"""TLS and basic authentication of a program of Prometheus.

What is there and still good stays: a new certificate, and a new salt of the
same password, would be a change each time.
"""

import datetime
import ipaddress
import json
import os

from ansible.module_utils.basic import AnsibleModule
import bcrypt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography import x509

DOCUMENTATION = r"""
module: lab_web_config
short_description: A web configuration of Prometheus, and its certificate
description:
  - Writes C(web.yml) for C(--web.config.file), C(cert.pem) and C(key.pem) that
    it names, and C(ca.pem), by which the certificate is verified.  They are
    only their owner's to read.
options:
  directory:
    description: Where they are, an absolute path.
    type: str
    required: true
  host:
    description: Name that the certificate is about.
    type: str
    required: true
  address:
    description: IP address that it is about, too.
    type: str
    required: true
  username:
    description: The one user who is let in.
    type: str
    required: true
  password:
    description: Of that user.
    type: str
    required: true
"""

#: What is of a certificate, in the order in which it is written.
FILES = ('key.pem', 'cert.pem', 'ca.pem')
#: Days that a certificate is good for, and that it must be good for yet.
LIFE, REST = 3650, 30

_KEY_USAGE = dict.fromkeys((
    'digital_signature', 'content_commitment', 'key_encipherment',
    'data_encipherment', 'key_agreement', 'key_cert_sign', 'crl_sign',
    'encipher_only', 'decipher_only'), False)


def certificate(host, address):
    """Return a new key, its certificate, and that of the authority, as PEM.

    The key of the authority is forgotten: it signs nothing else.

    :returns: dict of the names of :data:`FILES` to bytes
    """
    signer, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate(signer, signer, 'the lab', 'the lab', (
        (x509.BasicConstraints(True, 0), True),
        (_usage('key_cert_sign', 'crl_sign'), True)))
    leaf = _certificate(key, signer, host, 'the lab', (
        (x509.BasicConstraints(False, None), True),
        (_usage('digital_signature'), True),
        (x509.ExtendedKeyUsage(
            [x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName([
            x509.DNSName(host),
            x509.IPAddress(ipaddress.ip_address(address))]), False)))
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
    return {'key.pem': private, 'cert.pem': leaf.public_bytes(pem),
            'ca.pem': authority.public_bytes(pem)}


def _usage(*usages):
    return x509.KeyUsage(**{**_KEY_USAGE, **dict.fromkeys(usages, True)})


def _certificate(key, signer, subject, issuer, extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(subject)).issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Whoever looks at it may have a clock that is a little behind.
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=LIFE)))
    extensions += (
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(
            signer.public_key()), False))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256())


def _named(name):
    return x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])


def is_good(files, host, address):
    """Return whether files are a certificate that can go on being used.

    :param files: dict of the names of :data:`FILES` to bytes
    """
    try:
        leaf = x509.load_pem_x509_certificate(files['cert.pem'])
        leaf.verify_directly_issued_by(
            x509.load_pem_x509_certificate(files['ca.pem']))
        key = serialization.load_pem_private_key(files['key.pem'], None)
        names = leaf.extensions.get_extension_for_class(
            x509.SubjectAlternativeName).value
    except Exception:
        # Whatever is wrong with what is there: it is made again.
        return False
    rest = leaf.not_valid_after_utc - datetime.datetime.now(
        datetime.timezone.utc)
    return (key.public_key() == leaf.public_key()
            and rest > datetime.timedelta(days=REST)
            and host in names.get_values_for_type(x509.DNSName)
            and ipaddress.ip_address(address)
            in names.get_values_for_type(x509.IPAddress))


def settings(username, password):
    """Return a new web.yml, as bytes: JSON, which is YAML."""
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(10)).decode()
    return json.dumps({
        'tls_server_config': {'cert_file': 'cert.pem', 'key_file': 'key.pem'},
        'basic_auth_users': {username: hashed}}, indent=2).encode() + b'\n'


def lets_in(content, username, password):
    """Return whether a web.yml lets a user in, and nobody else.

    :param content: as :func:`settings` has returned it, or anything
    """
    try:
        (found, hashed), = json.loads(content)['basic_auth_users'].items()
        return found == username and bcrypt.checkpw(
            password.encode(), hashed.encode())
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def read(directory, *names):
    """Return dict of names to what is in the files, b'' without one."""
    found = {}
    for name in names:
        try:
            with open(os.path.join(directory, name), 'rb') as file:
                found[name] = file.read()
        except FileNotFoundError:
            found[name] = b''
    return found


def write(directory, files):
    """Write files that only their owner may read, each in one step.

    :param files: dict of names to bytes
    """
    os.makedirs(directory, 0o755, exist_ok=True)
    for name, content in files.items():
        path = os.path.join(directory, name)
        if os.path.lexists(path + '.part'):
            os.unlink(path + '.part')
        descriptor = os.open(
            path + '.part', os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, 'wb') as file:
            file.write(content)
        os.rename(path + '.part', path)


def missing(directory, host, address, username, password):
    """Return what has to be written, a dict of names to bytes."""
    files = {}
    if not is_good(read(directory, *FILES), host, address):
        files.update(certificate(host, address))
    if not lets_in(read(directory, 'web.yml')['web.yml'], username, password):
        files['web.yml'] = settings(username, password)
    return files


def main():
    module = AnsibleModule(argument_spec={
        **{name: {'type': 'str', 'required': True} for name in (
            'directory', 'host', 'address', 'username')},
        'password': {'type': 'str', 'required': True, 'no_log': True}})
    files = missing(**module.params)
    write(module.params['directory'], files)
    module.exit_json(changed=bool(files), written=sorted(files))


if __name__ == '__main__':
    main()
