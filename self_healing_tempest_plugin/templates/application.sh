#!/bin/sh
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

# The application, as user_data: an HTTP server that answers
#
#   GET /?nonce=<hex>
#
# with lines that say which server answers, in which of its boots, and that
# the answer is to this very request:
#
#   nonce=<hex>
#   server=<id of the Nova server>
#   boot=<boot id of its kernel>
#
# Nothing but busybox is needed, as in cirros: each connection is a process
# of its own (inetd, or nc where there is none), so that a client that hangs
# holds up nobody else.

# Heat puts the number here.
port=@APPLICATION_PORT@

directory=/run/self-healing-application
program=${directory}/application

# Seconds that a client has for each line of its request.
patience=5

# Prints the first string with key $1 in the JSON on standard input. Nova
# writes its own "uuid" before all that a user can choose.
json_string() {
    grep -o "\"$1\": *\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4
}

# Prints the server's id: from the config drive as cirros unpacks it, from
# the metadata service, or from the firmware, where libvirt writes it.
server_id() {
    cat /run/cirros/datasource/data/uuid 2> /dev/null && return
    wget -q -T 3 -O - \
        http://169.254.169.254/openstack/latest/meta_data.json \
        2> /dev/null | json_string uuid | grep . && return
    cat /sys/class/dmi/id/product_uuid 2> /dev/null || echo unknown
}

# Answers with status $1 and body $2.
answer() {
    printf '%s\r\n' "HTTP/1.1 $1" 'Content-Type: text/plain' \
        "Content-Length: $((${#2} + 1))" 'Cache-Control: no-store' \
        'Connection: close' ''
    printf '%s\n' "$2"
}

# Reads the rest of the request: a connection closed with something unread is
# reset, and the client may lose the answer. An empty line, which is a lone
# carriage return here, ends it; so does the 64th line.
skip_headers() {
    count=0
    while [ "${count}" -lt 64 ]; do
        IFS= read -r -t "${patience}" header || exit
        [ "${#header}" -gt 1 ] || return
        count=$((count + 1))
    done
}

# Prints the value of nonce in the query string $1.
nonce_of() {
    case "&$1" in
        *'&nonce='*) ;;
        *) return ;;
    esac
    nonce="&$1"
    nonce=${nonce#*&nonce=}
    echo "${nonce%%&*}"
}

handle_request() {
    IFS=' ' read -r -t "${patience}" method target version || exit
    skip_headers
    case "${method} ${target}" in
        'GET /') nonce= ;;
        'GET /?'*) nonce=$(nonce_of "${target#*\?}") ;;
        *) answer '404 Not Found' "only GET / is served"; return ;;
    esac
    case ${nonce} in
        *[!0-9a-fA-F]*) answer '400 Bad Request' 'nonce must be hex'; return ;;
    esac
    read -r server < "${directory}/server"
    read -r boot < /proc/sys/kernel/random/boot_id
    answer '200 OK' "nonce=${nonce}
server=${server}
boot=${boot}"
}

# Never returns. nc is started again should it fail; each -l beyond the second
# lets one connection more wait to be accepted.
serve() {
    if command -v inetd > /dev/null; then
        echo "${port} stream tcp nowait root ${program} application request" \
            > "${directory}/inetd.conf"
        exec inetd -f "${directory}/inetd.conf"
    fi
    while :; do
        nc -llllllllllllllll -p "${port}" -e "${program}" request
        sleep 1
    done
}

# cirros runs user_data in the first boot only, and rc.local in each of them,
# the first one included.
start() {
    [ -e /etc/rc.local ] || cp -p "$0" /etc/rc.local
    mkdir "${directory}" 2> /dev/null || return 0
    cp "$0" "${program}"
    chmod 755 "${program}"
    server_id > "${directory}/server"
    setsid "${program}" serve < /dev/null > /dev/null 2>&1 &
}

case ${port} in
    '' | *[!0-9]*) port=80 ;;
esac
case ${1:-start} in
    request) handle_request 2> /dev/null ;;
    serve) serve ;;
    *) start ;;
esac
