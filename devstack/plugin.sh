#!/bin/bash
#
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

# The DevStack plugin: what Nova, Neutron, Heat, Mistral and Vitrage need to
# heal an application, a monitor that tells Vitrage of dead hosts, and the
# options of the tests. "settings" says what can be changed.
#
# DevStack sources this file once in each phase, with the name of the phase in
# $1 and $2, under errexit. Everything can be done twice.

# What the line in authorized_keys is known by.
SELF_HEALING_KEY_COMMENT=self-healing-tempest-plugin

# The options of [self_healing_feature_enabled].
SELF_HEALING_KNOWN_FEATURES=(host_crash unhealed_host_crash host_isolated
    data_nic_down management_nic_down packets_dropped
    compute_service_stopped compute_service_frozen data_nic_blip
    synthetic_alarm)

# What is written into SELF_HEALING_CONF_DIR.
SELF_HEALING_CONF_FILES=(prometheus.yml targets.yml host-rules.yml
    nic-rules.yml alertmanager.yml vitrage-password vitrage-api.ini
    vitrage-prometheus.yaml)
SELF_HEALING_PASSWORD_FILE=$SELF_HEALING_CONF_DIR/vitrage-password
SELF_HEALING_VITRAGE_API_INI=$SELF_HEALING_CONF_DIR/vitrage-api.ini
SELF_HEALING_VITRAGE_PROMETHEUS=$SELF_HEALING_CONF_DIR/vitrage-prometheus.yaml

function is_self_healing_control_plane {
    is_service_enabled n-api
}

function is_self_healing_subnode {
    is_service_enabled n-cpu && ! is_service_enabled n-api
}

# Checks of what local.conf says
# ------------------------------

# Refuse what would show only after half an hour, or never.
function self_healing_check {
    self_healing_check_plugins
    self_healing_check_features
    self_healing_check_fault_hosts
    if ! is_ubuntu && [[ "$SELF_HEALING_MONITOR" == "prometheus" ]]; then
        die $LINENO "Prometheus comes from the packages of Debian or Ubuntu." \
            "Elsewhere set SELF_HEALING_MONITOR=doctor."
    fi
}

# A plugin is configured after those that local.conf names before it.
function self_healing_check_plugins {
    local plugin
    local before=${DEVSTACK_PLUGINS%%,self-healing-tempest-plugin*},
    for plugin in heat mistral vitrage; do
        if [[ "$before" == *",$plugin,"* ]]; then
            continue
        elif is_plugin_enabled $plugin; then
            die $LINENO "enable_plugin $plugin must stand before" \
                "enable_plugin self-healing-tempest-plugin in local.conf."
        elif is_self_healing_control_plane; then
            die $LINENO "self-healing-tempest-plugin needs the plugin" \
                "$plugin: add enable_plugin $plugin to local.conf."
        fi
    done
}

function self_healing_check_features {
    local feature
    for feature in ${SELF_HEALING_FEATURES//,/ }; do
        if [[ " ${SELF_HEALING_KNOWN_FEATURES[*]} " != *" $feature "* ]]; then
            die $LINENO "SELF_HEALING_FEATURES: there is no $feature, only" \
                "${SELF_HEALING_KNOWN_FEATURES[*]}."
        fi
    done
}

function self_healing_check_fault_hosts {
    local host
    for host in ${SELF_HEALING_FAULT_HOSTS//,/ }; do
        if [[ -z "$(self_healing_address $host)" ]]; then
            die $LINENO "SELF_HEALING_FAULT_HOSTS: $host is not in" \
                "SELF_HEALING_NODES, which says how it is reached."
        fi
    done
}

# self_healing_address HOST: print the address of a node, if it is known. An
# address of IPv6 has colons, too.
function self_healing_address {
    local node
    for node in ${SELF_HEALING_NODES//,/ }; do
        if [[ "${node%%:*}" == "$1" ]]; then
            echo "${node#*:}"
        fi
    done
}

# An alarm that no fault stands behind reaches no host.
function is_self_healing_ssh_needed {
    [[ -n "$SELF_HEALING_FAULT_HOSTS" &&
        "$SELF_HEALING_FEATURES" != "synthetic_alarm" ]]
}

# Installation
# ------------

function self_healing_install {
    if is_self_healing_control_plane; then
        # Into the environment of Vitrage, for its notifier. What Tempest and
        # the tests need has no place there.
        pip_install --no-deps "$SELF_HEALING_DIR"
    fi
    if is_service_enabled self-healing-prometheus; then
        self_healing_install_package prometheus
    fi
    if is_service_enabled self-healing-alertmanager; then
        self_healing_install_package prometheus-alertmanager
    fi
    if is_service_enabled self-healing-node-exporter; then
        self_healing_install_package prometheus-node-exporter
    fi
}

# self_healing_install_package NAME: the package starts a service of its own,
# of the same name and on the port that ours needs.
function self_healing_install_package {
    install_package $1
    $SYSTEMCTL disable --now $1.service
}

# Configuration of the services
# -----------------------------

# Called after configure_nova, and before DevStack goes on with nova.conf in
# the background: by post-config, two would write it at once. nova-compute's
# own file is a copy, made when it is started.
function self_healing_configure_nova {
    iniset $NOVA_CONF notifications notification_format \
        $NOVA_NOTIFICATION_FORMAT
    iniset $NOVA_CONF notifications versioned_notifications_topics \
        versioned_notifications,$SELF_HEALING_TOPIC
    iniset $NOVA_CONF DEFAULT running_deleted_instance_poll_interval \
        $SELF_HEALING_DELETED_GUESTS_INTERVAL
}

# The application of the tests may come to be on any compute host, and what is
# on the control plane must not be broken. So Nova takes another host first,
# and the control plane when that one is gone.
function self_healing_configure_scheduler {
    iniset $NOVA_CONF DEFAULT reserved_host_memory_mb \
        $SELF_HEALING_RESERVED_MEMORY
    iniset $NOVA_CONF filter_scheduler ram_weight_multiplier 100
}

# self_healing_configure_notifications FILE: those of Neutron or Heat.
function self_healing_configure_notifications {
    iniset $1 oslo_messaging_notifications driver messagingv2
    iniset $1 oslo_messaging_notifications topics \
        notifications,$SELF_HEALING_TOPIC
}

function self_healing_configure_mistral {
    iniset $MISTRAL_CONF_FILE openstack_actions os_actions_endpoint_type public
    iniset $MISTRAL_CONF_FILE openstack_actions default_region "$REGION_NAME"
}

function self_healing_configure_vitrage {
    iniset $VITRAGE_CONF DEFAULT notifiers $SELF_HEALING_NOTIFIERS
    iniset $VITRAGE_CONF DEFAULT use_nova_versioned_notifications True
    iniset $VITRAGE_CONF DEFAULT executor_thread_pool_size 1
    # Vitrage would ask its other services whether they live, before each
    # answer, which takes as long as the answer.
    iniset $VITRAGE_CONF api check_backend False
    iniset $VITRAGE_CONF mistral notifier $SELF_HEALING_MISTRAL_NOTIFIER
    iniset $VITRAGE_CONF datasources types $SELF_HEALING_DATASOURCES
    iniset $VITRAGE_CONF datasources snapshots_interval \
        $SELF_HEALING_SNAPSHOTS_INTERVAL
    iniset $VITRAGE_CONF datasources notification_topics $SELF_HEALING_TOPIC
    iniset $VITRAGE_CONF service_credentials interface public
    iniset $VITRAGE_CONF service_credentials timeout \
        $SELF_HEALING_VITRAGE_TIMEOUT
    iniset $VITRAGE_UWSGI_FILE uwsgi threads $SELF_HEALING_VITRAGE_API_THREADS
    if is_service_enabled self-healing-alertmanager; then
        # Without the URL, Vitrage would drop all alarms of Prometheus at each
        # snapshot.
        iniset $VITRAGE_CONF prometheus alertmanager_url \
            $(self_healing_url $SELF_HEALING_ALERTMANAGER_PORT)/api/v2/alerts
        # As in alertmanager.yml.
        iniset $VITRAGE_CONF prometheus receiver vitrage
        iniset $VITRAGE_CONF prometheus config_file \
            $SELF_HEALING_VITRAGE_PROMETHEUS
    fi
}

# Vitrage's snapshots list the stacks of all projects, which Heat allows to
# nobody. Vitrage's plugin says so too; twice the same key is an error in YAML.
function self_healing_allow_stack_list {
    local policy=$HEAT_CONF_DIR/policy.yaml
    if ! grep -qs '^"stacks:global_index"' $policy; then
        echo '"stacks:global_index": "rule:deny_stack_user"' >>$policy
    fi
}

# Neutron
# -------

# The hosts of Nova's fake driver have no Open vSwitch, and Neutron binds no
# port to a host that OVN does not know, or that is behind. So OVN is told of
# them; they are ahead of it for ever. init_ovn makes a new database, which
# takes them back.
function self_healing_add_chassis {
    local node name chassis number=0
    for node in ${SELF_HEALING_NODES//,/ }; do
        name=${node%%:*}
        chassis=self-healing-$name
        # A tunnel needs an address of its own, if nobody is there.
        number=$((number + 1))
        sudo ovn-sbctl --db=unix:$OVN_RUNDIR/ovnsb_db.sock \
            --if-exists destroy Chassis_Private $chassis \
            -- --if-exists chassis-del $chassis
        sudo ovn-sbctl --db=unix:$OVN_RUNDIR/ovnsb_db.sock \
            --id=@encap create Encap type=geneve ip=198.51.100.$number \
            chassis_name=$chassis \
            -- --id=@chassis create Chassis name=$chassis hostname=$name \
            encaps=@encap \
            -- create Chassis_Private name=$chassis chassis=@chassis \
            nb_cfg=2147483647
    done
}

# The monitor
# -----------

# self_healing_socket ADDRESS PORT: print both as one word.
function self_healing_socket {
    case "$1" in
        \[*) echo "$1:$2" ;;
        *:*) echo "[$1]:$2" ;;
        *) echo "$1:$2" ;;
    esac
}

# self_healing_url PORT: print where a service of the monitor is.
function self_healing_url {
    echo "http://$(self_healing_socket $SELF_HEALING_LISTEN_ADDRESS $1)"
}

# self_healing_fill FILE NAME=VALUE...: write a file of SELF_HEALING_CONF_DIR
# from its template, with each %NAME% replaced.
function self_healing_fill {
    local file=$1 text pair
    shift
    text=$(<$SELF_HEALING_DIR/devstack/files/$file.template)
    for pair in "$@"; do
        # In quotes, or bash would take an ampersand for what it replaces.
        text=${text//"%${pair%%=*}%"/"${pair#*=}"}
    done
    echo "$text" >$SELF_HEALING_CONF_DIR/$file
}

function self_healing_configure_monitor {
    sudo install -d -m 0755 -o $STACK_USER $SELF_HEALING_CONF_DIR
    if is_service_enabled self-healing-prometheus; then
        self_healing_configure_prometheus
    fi
    if is_service_enabled self-healing-alertmanager; then
        self_healing_configure_alertmanager
    fi
    if is_service_enabled self-healing-vitrage-api; then
        self_healing_configure_vitrage_api
    fi
}

function self_healing_configure_prometheus {
    self_healing_fill prometheus.yml \
        SCRAPE_INTERVAL=$SELF_HEALING_SCRAPE_INTERVAL \
        ALERTMANAGER=$(self_healing_socket $SELF_HEALING_LISTEN_ADDRESS \
            $SELF_HEALING_ALERTMANAGER_PORT)
    self_healing_targets >$SELF_HEALING_CONF_DIR/targets.yml
    self_healing_fill host-rules.yml HOST_ALARM="$SELF_HEALING_HOST_ALARM" \
        HOST_DOWN_FOR=$SELF_HEALING_HOST_DOWN_FOR
    # An earlier stack.sh may have had a data NIC.
    rm -f $SELF_HEALING_CONF_DIR/nic-rules.yml
    if [[ -n "$SELF_HEALING_DATA_NIC" ]]; then
        self_healing_fill nic-rules.yml NIC_ALARM="$SELF_HEALING_NIC_ALARM" \
            NIC_DOWN_FOR=$SELF_HEALING_NIC_DOWN_FOR \
            DATA_NIC=$SELF_HEALING_DATA_NIC
    fi
}

# Print all nodes as targets of Prometheus. Vitrage finds the entity of an
# alert by the host's name in Nova.
function self_healing_targets {
    local node target
    echo "# Written by the DevStack plugin self-healing-tempest-plugin."
    for node in ${SELF_HEALING_NODES//,/ }; do
        target=$(self_healing_socket ${node#*:} \
            $SELF_HEALING_NODE_EXPORTER_PORT)
        echo "- targets: ['$target']"
        echo "  labels: {hostname: '${node%%:*}'}"
    done
}

function self_healing_configure_alertmanager {
    self_healing_write_password
    self_healing_fill alertmanager.yml \
        REPEAT_INTERVAL=$SELF_HEALING_REPEAT_INTERVAL \
        VITRAGE_API_PORT=$SELF_HEALING_VITRAGE_API_PORT \
        VITRAGE_USER=$(iniget $VITRAGE_CONF service_credentials username) \
        PASSWORD_FILE=$SELF_HEALING_PASSWORD_FILE
    self_healing_fill vitrage-prometheus.yaml \
        HOST_ALARM="$SELF_HEALING_HOST_ALARM" \
        NIC_ALARM="$SELF_HEALING_NIC_ALARM"
}

# The password that Alertmanager tells Vitrage. Alertmanager runs as the same
# user. It is in no variable, so that it is not in DevStack's log: iniget traces
# nothing.
function self_healing_write_password {
    install -m 0600 /dev/null $SELF_HEALING_PASSWORD_FILE
    iniget $VITRAGE_CONF service_credentials password \
        >$SELF_HEALING_PASSWORD_FILE
}

# A vitrage-api for Alertmanager alone. DevStack's own is at /rca of the common
# web server, and Vitrage takes user and password only where the whole path is
# /v1/event; below /rca it wants a token. Alertmanager could read one from a
# file, but tokens expire, and somebody would have to renew it and to live as
# long as the cloud. A second process has none of that: it reads the same
# vitrage.conf, keeps no state, and listens on the loopback device, so that the
# password never leaves the machine.
function self_healing_configure_vitrage_api {
    write_uwsgi_config $SELF_HEALING_VITRAGE_API_INI $VITRAGE_PUBLIC_UWSGI "" \
        127.0.0.1:$SELF_HEALING_VITRAGE_API_PORT self-healing-vitrage-api
}

# The units are DevStack's, and so are their logs. run_process starts nothing
# that is not enabled on this node.
function self_healing_start {
    self_healing_forget_past
    run_process self-healing-node-exporter "$(echo \
        /usr/bin/prometheus-node-exporter \
        --web.listen-address=$(self_healing_socket \
            $SELF_HEALING_NODE_EXPORTER_ADDRESS \
            $SELF_HEALING_NODE_EXPORTER_PORT))"
    run_process self-healing-vitrage-api "$(echo \
        $(type -P uwsgi) --procname-prefix vitrage \
        --ini $SELF_HEALING_VITRAGE_API_INI)"
    run_process self-healing-alertmanager "$(echo \
        /usr/bin/prometheus-alertmanager \
        --config.file=$SELF_HEALING_CONF_DIR/alertmanager.yml \
        --storage.path=$SELF_HEALING_DATA_DIR/alertmanager \
        --cluster.listen-address= \
        --web.listen-address=$(self_healing_socket \
            $SELF_HEALING_LISTEN_ADDRESS $SELF_HEALING_ALERTMANAGER_PORT))"
    run_process self-healing-prometheus "$(echo \
        /usr/bin/prometheus \
        --config.file=$SELF_HEALING_CONF_DIR/prometheus.yml \
        --storage.tsdb.path=$SELF_HEALING_DATA_DIR/prometheus \
        --storage.tsdb.retention.time=$SELF_HEALING_RETENTION \
        --web.listen-address=$(self_healing_socket \
            $SELF_HEALING_LISTEN_ADDRESS $SELF_HEALING_PROMETHEUS_PORT))"
    self_healing_wait_for self-healing-vitrage-api \
        http://127.0.0.1:$SELF_HEALING_VITRAGE_API_PORT/
    self_healing_wait_for self-healing-alertmanager \
        $(self_healing_url $SELF_HEALING_ALERTMANAGER_PORT)/-/ready
    self_healing_wait_for self-healing-prometheus \
        $(self_healing_url $SELF_HEALING_PROMETHEUS_PORT)/-/ready
}

# A new cloud has no past. Alertmanager would take an alert of the old one for
# told already, and keep it from Vitrage.
function self_healing_forget_past {
    rm -rf $SELF_HEALING_DATA_DIR/prometheus \
        $SELF_HEALING_DATA_DIR/alertmanager
    mkdir -p $SELF_HEALING_DATA_DIR
}

# self_healing_wait_for SERVICE URL
function self_healing_wait_for {
    if is_service_enabled $1 && ! wait_for_service $SERVICE_TIMEOUT $2; then
        die $LINENO "$1 does not answer at $2, see: journalctl" \
            "--unit devstack@$1"
    fi
}

# SSH
# ---

function self_healing_make_key {
    if ! is_self_healing_ssh_needed; then
        return
    fi
    if [[ ! -e $SELF_HEALING_SSH_KEY_FILE ]]; then
        mkdir -p -m 0700 $(dirname $SELF_HEALING_SSH_KEY_FILE)
        ssh-keygen -q -t ed25519 -N "" -C $SELF_HEALING_KEY_COMMENT \
            -f $SELF_HEALING_SSH_KEY_FILE
        echo_summary "A subnode must let in" \
            "$SELF_HEALING_SSH_KEY_FILE.pub, see SELF_HEALING_SSH_PUBLIC_KEY"
    fi
}

# What the hosts say of themselves now is what they must show later.
function self_healing_keyscan {
    local host address keys known=
    if [[ "$SELF_HEALING_SSH_KEYSCAN" != "True" ]]; then
        return
    fi
    for host in ${SELF_HEALING_FAULT_HOSTS//,/ }; do
        address=$(self_healing_address $host)
        keys=$(ssh-keyscan -T 10 -p $SELF_HEALING_SSH_PORT $address \
            2>/dev/null | sort) || true
        if [[ -z "$keys" ]]; then
            die $LINENO "SELF_HEALING_FAULT_HOSTS: no SSH server of $host" \
                "answers at $address port $SELF_HEALING_SSH_PORT."
        fi
        known+=$keys$'\n'
    done
    mkdir -p -m 0700 $(dirname $SELF_HEALING_SSH_KNOWN_HOSTS_FILE)
    echo -n "$known" >$SELF_HEALING_SSH_KNOWN_HOSTS_FILE
}

# Let the control plane in, as the user that runs DevStack.
function self_healing_authorize_key {
    local key=$SELF_HEALING_SSH_PUBLIC_KEY type blob
    if [[ -z "$key" && -n "$SELF_HEALING_SSH_PUBLIC_KEY_FILE" ]]; then
        key=$(<$SELF_HEALING_SSH_PUBLIC_KEY_FILE)
    fi
    if [[ -z "$key" ]]; then
        return
    elif ! ssh-keygen -l -f - <<<"$key" >/dev/null; then
        die $LINENO "SELF_HEALING_SSH_PUBLIC_KEY is no public key of SSH."
    fi
    self_healing_forget_key
    read -r type blob _ <<<"$key"
    mkdir -p -m 0700 $HOME/.ssh
    (umask 077; echo "$type $blob $SELF_HEALING_KEY_COMMENT" \
        >>$HOME/.ssh/authorized_keys)
}

function self_healing_forget_key {
    local file=$HOME/.ssh/authorized_keys
    if [[ -e $file ]]; then
        sed -i "/ $SELF_HEALING_KEY_COMMENT\$/d" $file
        if [[ ! -s $file ]]; then
            rm -f $file
        fi
    fi
}

# Tempest
# -------

function self_healing_configure_tempest {
    # The journal's own directory is made by whoever runs Tempest first. One
    # like /tmp above it: nobody can take away what is another's.
    if [[ ! -d ${SELF_HEALING_STATE_DIR%/*} ]]; then
        sudo mkdir -p -m 1777 ${SELF_HEALING_STATE_DIR%/*}
    fi
    mkdir -p $SELF_HEALING_ARTIFACTS_DIR
    iniset $TEMPEST_CONFIG service_available self_healing True
    self_healing_configure_features
    self_healing_option allow_faults $SELF_HEALING_ALLOW_FAULTS
    self_healing_option fault_hosts "$SELF_HEALING_FAULT_HOSTS"
    self_healing_option host_power_off_command \
        "$SELF_HEALING_POWER_OFF_COMMAND"
    self_healing_option host_power_on_command "$SELF_HEALING_POWER_ON_COMMAND"
    self_healing_option host_power_status_command \
        "$SELF_HEALING_POWER_STATUS_COMMAND"
    self_healing_option host_power_password_file \
        "$SELF_HEALING_POWER_PASSWORD_FILE"
    self_healing_option host_management_nic "$SELF_HEALING_MANAGEMENT_NIC"
    self_healing_option host_data_nic "$SELF_HEALING_DATA_NIC"
    self_healing_option host_data_addresses "$SELF_HEALING_DATA_ADDRESSES"
    self_healing_option control_plane_addresses \
        "$SELF_HEALING_CONTROL_PLANE_ADDRESSES"
    self_healing_option service_manager "$SELF_HEALING_SERVICE_MANAGER"
    self_healing_option compute_service "$SELF_HEALING_COMPUTE_SERVICE"
    self_healing_option host_timer "$SELF_HEALING_HOST_TIMER"
    self_healing_option blip_time "$SELF_HEALING_BLIP_TIME"
    self_healing_option vitrage_snapshots_interval \
        $SELF_HEALING_SNAPSHOTS_INTERVAL
    self_healing_option state_dir "$SELF_HEALING_STATE_DIR"
    self_healing_option artifacts_dir "$SELF_HEALING_ARTIFACTS_DIR"
    self_healing_configure_tempest_monitor
    if is_self_healing_ssh_needed; then
        self_healing_configure_tempest_ssh
    fi
}

# self_healing_option NAME VALUE: without a value the default stays, and it is
# in one place only.
function self_healing_option {
    if [[ -n "$2" ]]; then
        iniset $TEMPEST_CONFIG self_healing $1 "$2"
    fi
}

function self_healing_configure_features {
    local feature
    for feature in "${SELF_HEALING_KNOWN_FEATURES[@]}"; do
        iniset $TEMPEST_CONFIG self_healing_feature_enabled $feature False
    done
    for feature in ${SELF_HEALING_FEATURES//,/ }; do
        iniset $TEMPEST_CONFIG self_healing_feature_enabled $feature True
    done
}

function self_healing_configure_tempest_monitor {
    self_healing_option monitor $SELF_HEALING_MONITOR
    self_healing_option host_alarm_name "$SELF_HEALING_HOST_ALARM"
    self_healing_option nic_alarm_name "$SELF_HEALING_NIC_ALARM"
    self_healing_option deduced_alarm_name "$SELF_HEALING_DEDUCED_ALARM"
    self_healing_option host_template "$SELF_HEALING_HOST_TEMPLATE"
    self_healing_option nic_template "$SELF_HEALING_NIC_TEMPLATE"
    if is_service_enabled self-healing-prometheus; then
        self_healing_option prometheus_url \
            $(self_healing_url $SELF_HEALING_PROMETHEUS_PORT)
    fi
    if is_service_enabled self-healing-alertmanager; then
        self_healing_option alertmanager_url \
            $(self_healing_url $SELF_HEALING_ALERTMANAGER_PORT)
    fi
}

function self_healing_configure_tempest_ssh {
    local host addresses=
    self_healing_keyscan
    for host in ${SELF_HEALING_FAULT_HOSTS//,/ }; do
        addresses+=${addresses:+,}$host:$(self_healing_address $host)
    done
    self_healing_option host_addresses $addresses
    self_healing_option host_ssh_user "$SELF_HEALING_SSH_USER"
    self_healing_option host_ssh_sudo $SELF_HEALING_SSH_SUDO
    self_healing_option host_ssh_port $SELF_HEALING_SSH_PORT
    self_healing_option host_ssh_key_file "$SELF_HEALING_SSH_KEY_FILE"
    self_healing_option host_ssh_known_hosts_file \
        "$SELF_HEALING_SSH_KNOWN_HOSTS_FILE"
}

# The end
# -------

function self_healing_stop {
    stop_process self-healing-prometheus
    stop_process self-healing-alertmanager
    stop_process self-healing-vitrage-api
    stop_process self-healing-node-exporter
}

# Take back what was written, and nothing else. What is in the files of other
# services goes with these; the packages stay, as DevStack leaves all of them.
# Reports stay where there are some.
function self_healing_clean {
    local file
    self_healing_forget_past
    for file in "${SELF_HEALING_CONF_FILES[@]}"; do
        sudo rm -f $SELF_HEALING_CONF_DIR/$file
    done
    rm -f $SELF_HEALING_SSH_DIR/id_ed25519 \
        $SELF_HEALING_SSH_DIR/id_ed25519.pub $SELF_HEALING_SSH_DIR/known_hosts
    self_healing_forget_key
    for file in $SELF_HEALING_CONF_DIR $SELF_HEALING_DATA_DIR \
            $SELF_HEALING_SSH_DIR $SELF_HEALING_STATE_DIR \
            ${SELF_HEALING_STATE_DIR%/*} $SELF_HEALING_ARTIFACTS_DIR; do
        if [[ -d $file ]]; then
            sudo rmdir --ignore-fail-on-non-empty $file
        fi
    done
}

# The phases
# ----------

case "$1/${2:-}" in
    stack/pre-install)
        self_healing_check
        ;;
    stack/install)
        echo_summary "Installing what heals"
        self_healing_install
        if is_service_enabled nova; then
            self_healing_configure_nova
        fi
        if is_self_healing_control_plane &&
                [[ -n "$SELF_HEALING_FAULT_HOSTS" ]]; then
            self_healing_configure_scheduler
        fi
        if is_self_healing_subnode; then
            self_healing_authorize_key
        fi
        ;;
    stack/post-config)
        if is_self_healing_control_plane; then
            echo_summary "Configuring what heals"
            self_healing_configure_notifications $NEUTRON_CONF
            self_healing_configure_notifications $HEAT_CONF
            self_healing_configure_mistral
            self_healing_configure_vitrage
            self_healing_configure_monitor
            self_healing_make_key
        fi
        ;;
    stack/extra)
        if is_self_healing_control_plane; then
            self_healing_allow_stack_list
        fi
        if is_service_enabled ovn-northd &&
                [[ "$VIRT_DRIVER" == "fake" ]]; then
            self_healing_add_chassis
        fi
        self_healing_start
        ;;
    stack/test-config)
        if is_service_enabled tempest; then
            echo_summary "Configuring Tempest for self-healing"
            self_healing_configure_tempest
        fi
        ;;
    unstack/)
        self_healing_stop
        ;;
    clean/)
        self_healing_clean
        ;;
esac
