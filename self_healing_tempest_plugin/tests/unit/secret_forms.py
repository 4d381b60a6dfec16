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

"""Forms in which secrets stand in what a cloud writes, and harmless lines.

A form is a template and the way in which its surroundings write a value; the
value itself is made anew each time, at random.
"""

import base64
import dataclasses
import html
import json
import pathlib
import random
import re
import shlex
import string
import typing
from urllib import parse

LETTERS = string.ascii_letters + string.digits
# What a value may hold that is part of a URL, a line, or in quotes.
SPECIAL = '!@#$%^&*()_+-=[]{}|;:,.<>?/~\'"\\'


def _random(alphabet, length, first=LETTERS):
    # Not for keeping: a seed must be able to repeat a run.
    return random.choice(first) + ''.join(
        random.choice(alphabet) for _ in range(length - 2)) + (
            random.choice(LETTERS))


def plain():
    """Return letters and digits."""
    return _random(LETTERS, random.randint(14, 28))


def wild():
    """Return letters, digits and all of ASCII's signs."""
    return _random(LETTERS + SPECIAL, random.randint(16, 28))


def spaced():
    """Return the same with blanks."""
    return _random(LETTERS + SPECIAL + ' ', random.randint(16, 28))


def like_python():
    """Return what begins as a string of Python does, and is none."""
    return random.choice('bBuUrR') + random.choice('"\'') + (
        random.choice(('', '"', "'")) + spaced())


def of_url():
    """Return what people put into URLs although it should be quoted."""
    return _random(LETTERS + "/'@:!$&*+=~", random.randint(16, 28),
                   string.ascii_letters)


def tame():
    """Return signs that no shell and no list of words ends a word at."""
    return _random(LETTERS + '!@#%^*_+-=./~:?', random.randint(16, 28))


def base64url(length=43):
    """Return characters of base64 for URLs."""
    return lambda: _random(LETTERS + '-_', length)


def base64std(length=60):
    """Return characters of base64."""
    return lambda: _random(LETTERS + '+/', length)


def hexadecimal():
    """Return an id of 32 digits, as UUID tokens are."""
    return '%032x' % random.getrandbits(128)


def words():
    """Return a user and a password."""
    return 'user:' + plain()


def body(width=64, count=5):
    """Return lines of base64, as in a PEM."""
    return lambda: '\n'.join(
        ''.join(random.choice(LETTERS + '+/') for _ in range(width))
        for _ in range(count))


def _as_is(value):
    return value


def _json(value):
    return json.dumps(value)


def _json2(value):
    return json.dumps(json.dumps({'adminPass': value}))


def _url(value):
    return parse.quote(value, safe='')


def _yaml1(value):
    return "'%s'" % value.replace("'", "''")


def _b64(value):
    return base64.b64encode(value.encode()).decode()


def _escaped_lines(value):
    return value.replace('\n', '\\n')


def _indented(value):
    return value.replace('\n', '\n    ')


def _printf(value):
    return re.sub(r'([^\w./:@%+=,-])', r'\\\1', value)


@dataclasses.dataclass(frozen=True)
class Form:
    """A form in which secrets stand.

    :ivar name: of the form
    :ivar template: text around it; ``%s`` is where it stands
    :ivar make: makes a value
    :ivar write: writes it as the surroundings want it
    """

    name: str
    template: str
    make: typing.Callable[[], str] = wild
    write: typing.Callable[[str], str] = _as_is

    def sample(self):
        """Return a :class:`Sample` with a new value."""
        value = self.make()
        return Sample(self.name, value, self.template.replace(
            '%s', self.write(value)))


@dataclasses.dataclass(frozen=True)
class Sample:
    """A text with a secret.

    :ivar name: of the form
    :ivar secret: the value
    :ivar text: with it
    """

    name: str
    secret: str
    text: str

    def seen_in(self, text):
        """Return the part of the secret that a text shows, '' for none."""
        pieces = [self.secret[at:at + 8]
                  for at in range(max(1, len(self.secret) - 7))]
        ways = {'', *pieces} | {_json(piece)[1:-1] for piece in pieces} | {
            html.escape(piece) for piece in pieces} | {
            _b64(self.secret)[:-4]}
        return max((way for way in ways if way in text), key=len)


_F = Form
FORMS = (
    # Options
    _F('ini', '[DEFAULT]\nadmin_password = %s\nx = 1', spaced),
    _F('ini, no blanks', 'password=%s', spaced),
    _F('ini, begins as a string', '[DEFAULT]\nadmin_password = %s\nx = 1',
       like_python),
    _F('ini, commented out', '#password = %s', spaced),
    _F('ini, CRLF', 'a = 1\r\nadmin_password = %s\r\nb = 2\r\n', spaced),
    _F('ini, lines', '[a]\nsecret_key = %s\nx = 1',
       body(30, 3), _indented),
    _F('ini, value below', '[a]\nadmin_password =\n    %s\nx = 1', spaced),
    _F('ini, quoted', 'password = "%s"\n', plain),
    _F('ini, upper case', 'RABBIT_PASSWORD=%s', spaced),
    _F('ini, fernet', '[fernet]\nkey = %s\nx = 1', plain),
    _F('ini, fernet keys', '[keystone_fernet_keys]\nkey_0 = %s', plain),
    _F('ini, secret key', 'memcache_secret_key=%s'),
    _F('ini, encryption key', 'auth_encryption_key = %s'),
    _F('ini, shared secret', 'metadata_proxy_shared_secret = %s', spaced),
    _F('ini, numbered', 'password_2 = %s', spaced),
    _F('oslo.config dump', '2026-01-01 00:00:00.000 1 DEBUG oslo_service '
       '[-] database.admin_password          = %s log_opt_values', plain),
    _F('diff', '+admin_password = %s\n-x = 1', spaced),
    # URLs
    _F('URL', 'mysql+pymysql://heat:%s@127.0.0.1/heat?charset=utf8', plain),
    _F('URL, signs', 'connection = mysql://heat:%s@db.example.com:3306/heat',
       of_url),
    _F('URL, signs, in a log', 'cannot reach postgresql://u:%s@192.0.2.1/d '
       'today', of_url),
    _F('URL, quoted', 'amqp://u:%s@192.0.2.1:5672/v', wild, _url),
    _F('URL, in repr', "{'url': 'rabbit://u:%s@192.0.2.1:5672//'}", tame),
    _F('URL, in JSON', '{"url":"http://u:%s@192.0.2.1:9090/x","b":"c@d"}',
       tame),
    _F('URL, no user', 'redis://:%s@192.0.2.1:6379/0', plain),
    _F('URL, token as user', 'cloning https://%s@git.example.com/x.git',
       lambda: 'a1' + plain() + plain()),
    _F('transport_url, first host', 'transport_url = rabbit://a:%s@'
       '192.0.2.1:5672,b:x@192.0.2.2:5672//', plain),
    _F('transport_url, second host', 'transport_url = rabbit://a:x@'
       '192.0.2.1:5672,b:%s@192.0.2.2:5672//', plain),
    _F('transport_url, third host', 'rabbit://a:x@one.example.com,b:y@'
       'two.example.com,c:%s@three.example.com/v', plain),
    _F('URL, IPv6', 'http://u:%s@[2001:db8::1]:9090/', plain),
    _F('JDBC', 'jdbc:mysql://root:%s@localhost/x', plain),
    _F("Go's DSN", 'root:%s@tcp(127.0.0.1:3306)/prometheus', tame),
    _F('URL, ?token', 'GET /vnc_auto.html?path=x&token=%s&y=1 HTTP/1.1',
       hexadecimal),
    _F('URL, ?password', 'http://192.0.2.1/?password=%s&user=x', plain),
    _F('URL, ?access_token', 'http://192.0.2.1/a?access_token=%s', plain),
    _F('URL, signature', 'PUT /v1/a/o?temp_url_sig=%s&temp_url_expires=1',
       hexadecimal),
    _F('URL, X-Amz-Signature', 'http://s3/x?X-Amz-Signature=%s&a=1',
       hexadecimal),
    # Trusts of Keystone, and what Zaqar signs
    _F('trust, action', 'trust+zaqar://%s:delete@?queue_name=q', hexadecimal),
    _F('trust, quoted', 'a=trust%2Bhttps%3A%2F%2F%s%3Adelete%40h',
       hexadecimal),
    _F('trust, URL', 'GET http://k/v3/OS-TRUST/trusts/%s -H', hexadecimal),
    _F('trust, quoted URL', 'a=http%3A%2F%2Fk%2Fv3%2FOS-TRUST%2Ftrusts%2F%s&',
       hexadecimal),
    _F('trust, dict', "{'trust_id': %s, 'x': 1}", hexadecimal, repr),
    _F('trust, JSON', '{"a": {"trust_id": %s}}', hexadecimal, _json),
    _F('trust, query', 'zaqar://?queue_name=q&trust_id=%s', hexadecimal),
    _F('trust, token', '"OS-TRUST:trust": {"id": %s, "x": true}', hexadecimal,
       _json),
    _F('trust, not found', 'Could not find trust: %s.', hexadecimal),
    _F('signature, query', 'zaqar://?paths=%2Fv2&signature=%s&expires=x',
       hexadecimal),
    _F('signature, quoted', 'a%3Fsignature%3D%s%26expires', hexadecimal),
    _F('signature, header', "-H 'URL-Signature: %s'", hexadecimal),
    _F('signature, dict', '{"signature": %s, "paths": []}', hexadecimal,
       _json),
    # Dicts in logs
    _F('dict', "body: {'adminPass': %s, 'id': 1}", spaced, repr),
    _F('dict, of u', "{u'password': u%s, u'id': 1}", spaced, repr),
    _F('dict, of bytes', "{b'password': b%s}", spaced, repr),
    _F('dict, double', '{"password": %s, "id": 1}', spaced, _json),
    _F('dict, nested', "{'a': {'b': [{'os_password': %s}]}}", spaced, repr),
    _F('dict in a string', 'error: %s', spaced, lambda secret: repr(
        str({'password': secret, 'x': "it's"}))),
    _F('JSON in JSON', '{"body": %s}', spaced, _json2),
    _F('JSON in JSON in JSON', '%s', spaced,
       lambda secret: _json(_json2(secret))),
    _F('JSON, lines', '{\n  "password": %s,\n  "a": 1\n}', spaced, _json),
    _F('JSON, value below', '{"password":\n   %s}', spaced, _json),
    _F('JSON, api_key', '{"api_key": %s}', spaced, _json),
    _F('JSON, apiKey', '{"apiKey":%s}', spaced, _json),
    _F('JSON, list', '{"passwords": [%s, "x"]}', spaced, _json),
    _F('JSON, map', '{"passwords": {"heat": %s, "n": "x"}}', spaced, _json),
    _F('JSON, name and value', '{"name": "admin_password", "value": %s}',
       spaced, _json),
    _F('JSON, environment', '{"Env": ["A=1", %s]}', spaced,
       lambda secret: _json('DB_PASSWORD=' + secret)),
    _F('repr of an object', '<Auth(user=admin, password=%s, x=1)>', tame),
    _F('repr of a dataclass', 'Credentials(username="a", password=%s)',
       spaced, repr),
    _F('tuple', "[('user', 'a'), ('password', %s)]", spaced, repr),
    _F('Secret()', "password=SecretStr(%s)", plain, repr),
    _F('escaped for HTML', '<td>{&#39;adminPass&#39;: &#39;%s&#39;}</td>',
       plain),
    _F('escaped for JavaScript', r'{\u0027password\u0027: \u0027%s\u0027}',
       plain),
    _F('form', 'grant_type=password&username=a&password=%s&x=1', plain),
    _F('form, quoted', 'body: user%3Da%26password%3D%s', plain),
    # Arguments
    _F('--os-password X', 'openstack --os-password %s server list', tame),
    _F('--os-password X, quoted', 'openstack --os-password %s server list',
       spaced, shlex.quote),
    _F('--os-password=X', 'openstack --os-password=%s server list', tame),
    _F("--os-password='X'", 'openstack --os-password=%s server list', spaced,
       shlex.quote),
    _F('--os-token', 'openstack --os-token %s token issue', plain),
    _F('--password in a list', "['x', '--password', %s, '-v']", spaced, repr),
    _F('--password in JSON', '["x", "--password", %s]', spaced, _json),
    _F('--password in YAML', 'args:\n  - --password\n  - %s\n  - x', plain),
    _F('-password', 'tool -password %s -x', tame),
    _F('--api-key', 'tool --api-key %s', tame),
    _F('ipmitool -P', 'ipmitool -I lanplus -H h -U root -P %s power off',
       tame),
    _F("ipmitool -P 'X'", 'ipmitool -H h -U root -P %s chassis power off',
       spaced, shlex.quote),
    _F('ipmitool -PX', 'ipmitool -H h -U root -P%s chassis power off', plain),
    _F('ipmitool in a list', "['ipmitool', '-H', 'h', '-P', %s, 'power']",
       spaced, repr),
    _F('ipmitool with a path', '/usr/bin/ipmitool -P %s -H h power status',
       tame),
    _F('ipmitool -k', 'ipmitool -I lanplus -k %s -H h power on', plain),
    _F('ipmitool user set', 'ipmitool user set password 2 %s', plain),
    _F('IPMI_PASSWORD', 'IPMI_PASSWORD=%s ipmitool -E -H h power on', tame),
    _F('ipmipower', 'ipmipower -h h -u root -p %s --off', tame),
    _F('fence', 'fence_ipmilan -a h -l root -p %s -o off', tame),
    _F('fence --password', 'fence_ipmilan --ip=h --password=%s', tame),
    _F('power wrapper', 'power -P %s off compute-1', tame),
    _F('racadm', 'racadm -r h -u root -p %s serveraction', tame),
    _F('sshpass -p', 'sshpass -p %s ssh root@h', tame),
    _F('sshpass -pX', "sshpass -p%s ssh root@h", plain),
    _F('SSHPASS', 'SSHPASS=%s sshpass -e ssh h', tame),
    _F('mysql -pX', 'mysql -uroot -p%s -e "select 1"', plain),
    _F("mysql -p'X'", "mysql -uroot -p%s nova", spaced, shlex.quote),
    _F('mysqldump', 'mysqldump --password=%s nova', tame),
    _F('curl -u', 'curl -s -u admin:%s http://192.0.2.1/', tame),
    _F('curl --user', 'curl --user %s http://h/', spaced,
       lambda secret: shlex.quote('admin:' + secret)),
    _F('curl -H', 'curl -H %s http://h/', plain,
       lambda secret: shlex.quote('X-Auth-Token: ' + secret)),
    _F('curl -d', "curl -d '{\"password\": \"%s\"}' http://h/", plain),
    _F('wget', 'wget --http-password=%s http://h/', tame),
    _F('ldapsearch', 'ldapsearch -x -D cn=a -w %s -b dc=x', tame),
    _F('snmpwalk', 'snmpwalk -v2c -c %s 192.0.2.1', tame),
    _F('redis-cli', 'redis-cli -a %s ping', tame),
    _F('smbclient', 'smbclient -U user%%s //h/x', plain),
    _F('docker login', 'docker login -u a -p %s registry.example.com', tame),
    _F('docker -e', 'docker run -e MYSQL_ROOT_PASSWORD=%s mariadb', tame),
    _F('openssl', 'openssl rsa -passin pass:%s -in k', tame),
    _F('rabbitmqctl', 'rabbitmqctl add_user openstack %s', plain),
    _F('rabbitmqctl change', 'rabbitmqctl change_password openstack %s',
       plain),
    _F('htpasswd', 'htpasswd -bc /etc/x user %s', plain),
    _F('chpasswd', 'echo root:%s | chpasswd', plain),
    _F('chpasswd, sudo', 'echo "root:%s" | sudo chpasswd', plain),
    _F('passwd --stdin', 'echo %s | passwd --stdin root', plain),
    _F('chpasswd, here', 'chpasswd <<< "root:%s"', plain),
    _F('sudo', 'echo %s | sudo -S true', plain),
    _F('sudo, quoted', "echo '%s' | sudo -k -S true", plain),
    # Environments
    _F('export', 'export OS_PASSWORD=%s', spaced),
    _F("export 'X'", 'export OS_PASSWORD=%s; x', spaced, shlex.quote),
    _F('export, printf', 'export OS_PASSWORD=%s', spaced, _printf),
    _F('declare -x', 'declare -x OS_PASSWORD="%s"', plain),
    _F('env dump', 'HOME=/root\nOS_PASSWORD=%s\nPWD=/root', spaced),
    _F('os.environ', "environ({'HOME': '/', 'OS_PASSWORD': %s})", spaced,
       repr),
    _F('one line of environment', "environment: HOME=/ OS_PASSWORD=%s A=1",
       tame),
    _F('MYSQL_PWD', 'MYSQL_PWD=%s', spaced),
    _F('PGPASSWORD', 'PGPASSWORD=%s psql', tame),
    _F('AWS_SECRET_ACCESS_KEY', 'AWS_SECRET_ACCESS_KEY=%s', base64std(40)),
    _F('OS_TOKEN', 'OS_TOKEN=%s', hexadecimal),
    _F('systemd', '[Service]\nEnvironment=OS_PASSWORD=%s\n', spaced),
    _F('systemd, quoted', 'Environment="A=1" "DB_PASSWORD=%s"', plain),
    _F('localrc', 'ADMIN_PASSWORD=%s\nHOST_IP=192.0.2.1', spaced),
    _F('setenv', 'setenv OS_PASSWORD %s\nsetenv OS_PASSWORD=x',
       lambda: 'P=' + plain(), lambda secret: '"%s"' % secret),
    # YAML
    _F('YAML', 'a:\n  password: %s\n  b: 1', tame),
    _F("YAML 'X'", 'a:\n  password: %s\n  b: 1', spaced, _yaml1),
    _F('YAML "X"', '- username: u\n  password: %s\n', spaced, _json),
    _F('YAML |', 'a:\n  password: |\n    %s\n  b: 1', body(30, 3),
       _indented),
    _F('YAML >-', 'password: >-\n    %s\nb: 1', body(30, 2), _indented),
    _F('YAML |2', 'password: |2-\n    %s\nb: 1', body(30, 2), _indented),
    _F('YAML, value below', 'a:\n  password:\n    %s\n  b: 1', plain),
    _F('YAML, tag', 'password: !vault %s', plain),
    _F('YAML, flow', 'auth: {username: a, password: %s, project: x}', plain),
    _F('YAML, list', 'passwords:\n  - %s\n  - x\nb: 1', plain),
    _F('YAML, map', 'passwords:\n  heat: %s\n  nova: x\nb: 1', plain),
    _F('clouds.yaml', 'clouds:\n  lab:\n    auth:\n      auth_url: http://x\n'
       '      password: %s\n      username: a', tame),
    _F('accounts.yaml', "- username: 'a'\n  tenant_name: 'b'\n"
       "  password: '%s'\n", plain),
    _F('kubeconfig, token', 'users:\n- name: a\n  user:\n    token: %s',
       plain),
    _F('kubeconfig, key', 'user:\n  client-key-data: %s\n', plain,
       lambda secret: _b64('-----BEGIN RSA PRIVATE KEY-----\n' + secret * 4)),
    _F('cloud-init', '#cloud-config\npassword: %s\nchpasswd: '
       '{expire: False}\n', tame),
    _F('cloud-init, chpasswd in a line',
       'chpasswd: {list: "root:%s", expire: false}', plain),
    _F('cloud-init, chpasswd in JSON',
       '{"chpasswd": {"list": ["root:%s"]}}', plain),
    _F('cloud-init, chpasswd of several',
       '{"chpasswd": {"list": ["root:secret", "u:secret", "v:%s"]}}', plain),
    _F('cloud-init, chpasswd', '#cloud-config\nchpasswd:\n  list: |\n'
       '    root:%s\n    user:x\n  expire: False\n', tame),
    _F('cloud-init, plain_text_passwd', 'users:\n  - name: a\n'
       '    plain_text_passwd: %s\n', tame),
    _F('user_data', '{"server": {"name": "a", "user_data": "%s"}}', spaced,
       lambda secret: _b64('#cloud-config\npassword: ' + secret)),
    _F('Alertmanager', '    basic_auth:\n      username: x\n      password: '
       '%s\n', tame),
    # Headers
    _F('X-Auth-Token', 'X-Auth-Token: %s', hexadecimal),
    _F('X-Subject-Token', '< X-Subject-Token: %s', plain),
    _F('X-Auth-Token in a dict', "headers {'X-Auth-Token': '%s'}", plain),
    _F('X-Auth-Token in a list', "[(b'x-auth-token', b'%s')]", plain),
    _F('Authorization: Basic', 'Authorization: Basic %s', words, _b64),
    _F('Basic alone', 'sent Basic %s to it', words, _b64),
    _F('Authorization: Bearer', '"Authorization": "Bearer %s"', plain),
    _F('Authorization: Digest', 'Authorization: Digest username="u", '
       'realm="r", nonce="n", uri="/", response="%s"', hexadecimal),
    _F('Authorization: Digest in a dict', "{'Authorization': 'Digest "
       'username="u", response="%s"\'}', hexadecimal),
    _F('Authorization: AWS4', 'Authorization: AWS4-HMAC-SHA256 Credential='
       'A/2026/x, SignedHeaders=host, Signature=%s', hexadecimal),
    _F('Authorization: Negotiate', 'authorization: Negotiate %s',
       base64std()),
    _F('bearer, without its header', 'sent Bearer %s to h', base64url(40)),
    _F('digest, without its header', 'sent Digest username="u", realm="r", '
       'response="%s"', hexadecimal),
    _F('AWS, without its header', 'sent AWS4-HMAC-SHA256 Credential=u/d, '
       'Signature=%s', hexadecimal),
    _F('AWS, its credential', 'sent AWS4-HMAC-SHA256 Credential=%s/d, '
       'Signature=0', plain),
    _F('Proxy-Authorization', 'Proxy-Authorization: Basic %s', words, _b64),
    _F('Cookie', 'Cookie: a=1; session=%s; b=2', plain),
    _F('Cookie in a dict', "{'Cookie': 'session=%s; a=1'}", plain),
    _F('Set-Cookie', 'Set-Cookie: session=%s; Path=/; HttpOnly', plain),
    _F('request of http.client', "send: b'GET / HTTP/1.1\\r\\nX-Auth-Token: "
       "%s\\r\\nHost: x\\r\\n'", hexadecimal),
    _F('X-Api-Key', 'X-Api-Key: %s', plain),
    _F('Private-Token', 'PRIVATE-TOKEN: %s', plain),
    # Tokens
    _F('Fernet token', 'token gAAAAA%s is no more', base64url(120)),
    _F('JWS', 'got eyJhbGciOiJFUzI1NiJ9.%s', base64url(80)),
    _F('JWT', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.%s', base64url()),
    _F('GitHub', 'remote said ghp_%s', lambda: plain() + plain()),
    _F('GitLab', 'glpat-%s', lambda: plain() + plain()),
    _F('GitHub, OAuth', 'gho_%s', lambda: plain() + plain()),
    _F('GitHub, of fine grain', 'github_pat_%s', lambda: plain() + plain()),
    _F('Slack', 'a xoxb-%s', plain),
    _F('Vault', 'got hvs.%s', lambda: plain() + plain()),
    _F('AWS access key', 'user AKIA%s is gone',
       lambda: _random(string.ascii_uppercase + string.digits, 16,
                       string.digits).upper()),
    _F('Slack webhook', 'https://hooks.slack.com/services/T0/B0/%s', plain),
    _F('Discord webhook', 'https://discord.com/api/webhooks/12/%s', plain),
    _F('Teams webhook', 'https://a.webhook.office.com/webhookb2/%s', plain),
    _F('Telegram bot', 'https://api.telegram.org/bot12:%s/sendMessage',
       plain),
    _F('value within', '{"admin_password": {"type": "string", "value": "%s"}}',
       plain),
    _F('default within', '{"password": {"hidden": true, "default": "%s"}}',
       plain),
    _F('parameter of HOT', 'parameters:\n  admin_password:\n'
       '    type: string\n    hidden: true\n    default: %s\n', plain),
    _F('output of a stack', "{'output_key': 'password', 'output_value': '%s'}",
       plain),
    _F('output of a stack in JSON',
       '{"output_value": "%s", "output_key": "admin_password"}', plain),
    _F('token in a request', '{"auth": {"identity": {"methods": ["token"], '
       '"token": {"id": "%s"}}}}', hexadecimal),
    _F('token in an answer', "{'access': {'token': {'expires': 'now', 'id': "
       "u'%s'}}}", hexadecimal),
    _F('token in JSON in JSON', r'"{\"token\": {\"id\": \"%s\"}}"',
       hexadecimal),
    _F('Fernet key alone', '%s=\n', base64url(43)),
    _F('Fernet key', 'key = %s=\n', base64url(43)),
    # Keys
    _F('PEM', '-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n',
       body()),
    _F('PEM, RSA, encrypted', '-----BEGIN RSA PRIVATE KEY-----\n'
       'Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n%s\n'
       '-----END RSA PRIVATE KEY-----', body()),
    _F('PEM, OpenSSH', '-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n'
       '-----END OPENSSH PRIVATE KEY-----', body(70)),
    _F('PEM, end cut', 'a\n-----BEGIN EC PRIVATE KEY-----\n%s', body()),
    _F('PEM, begin cut', '%s\n-----END PRIVATE KEY-----\nb', body()),
    _F('PEM, in JSON', '{"key": "-----BEGIN PRIVATE KEY-----\\n%s\\n'
       '-----END PRIVATE KEY-----\\n"}', body(), _escaped_lines),
    _F('PEM, in JSON, end cut', '{"key": "-----BEGIN PRIVATE KEY-----\\n%s',
       body(), _escaped_lines),
    _F('PEM, in YAML', 'key: |\n    -----BEGIN PRIVATE KEY-----\n    %s\n'
       '    -----END PRIVATE KEY-----\nb: 1', body(), _indented),
    _F('PEM, CRLF', '-----BEGIN PRIVATE KEY-----\r\n%s\r\n-----END PRIVATE '
       'KEY-----\r\n', body(), lambda secret: secret.replace('\n', '\r\n')),
    _F('PGP', '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n%s\n=abcd\n'
       '-----END PGP PRIVATE KEY BLOCK-----', body()),
    _F('PuTTY', 'Private-Lines: 5\n%s\nPrivate-MAC: 00', body()),
    # Files of their own
    _F('.netrc', 'machine h.example.com login u password %s', tame),
    _F('.netrc, lines', 'machine h\n  login u\n  password %s\n', tame),
    _F('.netrc, password first', 'machine h password %s login u', tame),
    _F('.pgpass', '192.0.2.1:5432:nova:nova:%s', plain),
    _F('.pgpass, any', '*:*:*:postgres:%s', plain),
    _F('/etc/shadow', 'root:$6$%s:19000:0:99999:7:::', lambda: plain() + '$'
       + plain()),
    _F('/etc/shadow, yescrypt', 'u:$y$j9T$%s:19000:0:99999:7:::', plain),
    _F('/etc/shadow, DES', 'u:%s:19000:0:99999:7:::', plain),
    _F('htpasswd file', 'admin:$apr1$%s', lambda: plain() + '$' + plain()),
    *(_F('hash %s' % prefix, 'is ' + prefix + '%s',
         lambda: plain() + '$' + plain())
      for prefix in ('$1$', '$5$', '$6$', '$7$', '$y$j9T$', '$gy$', '$2a$10$',
                     '$2b$10$', '$2y$10$', '$argon2i$v=19$', '$argon2d$v=19$',
                     '$argon2id$v=19$', '$scrypt$ln=16$', '$pbkdf2-sha512$',
                     '$bcrypt-sha256$', '$sha1$', '$md5$',
                     'pbkdf2_sha256$260000$')),
    _F('LDAP', 'userPassword: {SSHA}%s', base64std(40)),
    _F('LDAP, alone', 'is {SSHA256}%s', base64std(40)),
    _F('LDAP, SHA', 'is {SHA}%s', base64std(28)),
    _F('LDAP, MD5', 'is {MD5}%s', base64std(24)),
    _F('SCRAM', 'is SCRAM-SHA-256$4096:%s', base64std(40)),
    _F('SQL', "CREATE USER 'a'@'%' IDENTIFIED BY '%s';",
       lambda: _random(LETTERS + '!@#$^&*', 20)),
    _F('SQL, IDENTIFIED WITH', 'CREATE USER a IDENTIFIED WITH '
       "mysql_native_password AS '%s'", plain),
    _F('Go, by a socket', 'u:%s@unix(/run/db.sock)/nova', plain),
    _F('SQL, PASSWORD()', "SET PASSWORD FOR a = PASSWORD('%s')", plain),
    _F('SQL, PostgreSQL', "ALTER ROLE a WITH PASSWORD '%s'", plain),
    _F('snmpd.conf', 'rocommunity %s 192.0.2.0/24', plain),
    _F('snmpd.conf, to write', 'rwcommunity %s', plain),
    _F('snmpd.conf, traps', 'trapcommunity %s', plain),
    _F('com2sec', 'com2sec readonly default %s', plain),
    _F('snmp-server', 'snmp-server community %s RO', plain),
    _F('SNMP in prose', 'snmp community %s', plain),
    _F('kickstart', 'rootpw --plaintext %s', tame),
    _F('slapd.conf', 'rootpw\t%s', tame),
    _F('createUser', 'createUser u SHA "%s" AES', plain),
    _F('SNMP exporter', 'auths:\n  a:\n    community: %s\n', plain),
    _F('libvirt', "<graphics type='vnc' port='-1' passwd='%s'/>", plain),
    _F('libvirt, spice', '<graphics type="spice" passwd="%s"/>', wild,
       lambda secret: html.escape(secret)),
    _F('XML', '<password>%s</password>', wild, html.escape),
    _F('XML, attribute', '<user name="a" password="%s"/>', wild,
       html.escape),
    _F('XML, namespace', '<ns:adminPass xmlns:ns="x">%s</ns:adminPass>',
       plain),
    _F('XML, name and value', '<property><name>db.password</name><value>%s'
       '</value></property>', plain),
    _F('Redfish', '{"UserName": "root", "Password": "%s"}', plain),
    _F('Ironic', "'driver_info': {'ipmi_address': 'h', 'ipmi_password': "
       "'%s'}", plain),
    _F('Ceph', '[client.admin]\n\tkey = AQ%s==\n', base64std(36)),
    _F('Erlang', 'RABBITMQ_ERLANG_COOKIE=%s', plain),
    _F('WireGuard', '[Interface]\nPrivateKey = %s=\n', base64std(43)),
    _F('table', '| adminPass | %s |\n| id | 1 |', plain),
    _F('prose', 'the password is %s and was kept',
       lambda: 'P4$' + plain()),
    _F('quoted in prose', "password for user a was set to '%s'", plain),
    _F('console', 'Password: %s', tame),
    _F('console, for a user', 'Password for admin: %s',
       lambda: 'P4$' + plain()),
    _F("Git's prompt", "Password for 'https://u@git.example.com': %s",
       lambda: 'P4$' + plain()),
    _F('message of MariaDB', "(using password: %s)", plain),
)


#: Lines as services, Tempest and this plugin write them; nothing in them is
#: secret.
HARMLESS = tuple(pathlib.Path(__file__).with_name('harmless.txt').read_text(
    encoding='utf-8').splitlines())
