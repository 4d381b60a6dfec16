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
# options of the tests. "settings" says what can be changed, and reads
# lib/chains, which says what the chosen ways to heal need. Here is what is
# checked, and which phase calls what; lib/ has what it does, in one file for
# each service that it is done for.
#
# DevStack sources this file once in each phase, with the name of the phase in
# $1 and $2, under errexit. Everything can be done twice.

# What is done
# ------------

SELF_HEALING_LIB_DIR=$SELF_HEALING_DIR/devstack/lib

source "$SELF_HEALING_LIB_DIR/alertmanager"
source "$SELF_HEALING_LIB_DIR/aodh"
source "$SELF_HEALING_LIB_DIR/ceilometer"
source "$SELF_HEALING_LIB_DIR/files"
source "$SELF_HEALING_LIB_DIR/heat"
source "$SELF_HEALING_LIB_DIR/mistral"
source "$SELF_HEALING_LIB_DIR/monitor"
source "$SELF_HEALING_LIB_DIR/node_exporter"
source "$SELF_HEALING_LIB_DIR/nodes"
source "$SELF_HEALING_LIB_DIR/notifications"
source "$SELF_HEALING_LIB_DIR/nova"
source "$SELF_HEALING_LIB_DIR/ovn"
source "$SELF_HEALING_LIB_DIR/prometheus"
source "$SELF_HEALING_LIB_DIR/service"
source "$SELF_HEALING_LIB_DIR/ssh"
source "$SELF_HEALING_LIB_DIR/tempest"
source "$SELF_HEALING_LIB_DIR/vitrage"
source "$SELF_HEALING_LIB_DIR/vitrage_api"
source "$SELF_HEALING_LIB_DIR/zaqar"

# Checks of what local.conf says
# ------------------------------

# Refuse what would show only after half an hour, or never.
function self_healing_check {
    self_healing_check_chains
    self_healing_check_plugins
    self_healing_check_features
    self_healing_check_fault_hosts
    self_healing_check_power
    if ! is_ubuntu && [[ "$SELF_HEALING_MONITOR" == "prometheus" ]]; then
        die $LINENO "Prometheus comes from the packages of Debian or Ubuntu." \
            "Elsewhere set SELF_HEALING_MONITOR=doctor."
    fi
}

function self_healing_check_chains {
    local chain
    for chain in ${SELF_HEALING_CHAINS//,/ }; do
        if [[ " ${SELF_HEALING_KNOWN_CHAINS[*]} " != *" $chain "* ]]; then
            die $LINENO "SELF_HEALING_CHAINS: there is no $chain, only" \
                "${SELF_HEALING_KNOWN_CHAINS[*]}."
        fi
    done
}

# A plugin is configured after those that local.conf names before it.
function self_healing_check_plugins {
    local plugin
    local before=${DEVSTACK_PLUGINS%%,self-healing-tempest-plugin*},
    for plugin in $(self_healing_needed_plugins); do
        if [[ "$before" == *",$plugin,"* ]]; then
            continue
        elif is_plugin_enabled "$plugin"; then
            die $LINENO "enable_plugin $plugin must stand before" \
                "enable_plugin self-healing-tempest-plugin in local.conf."
        elif is_self_healing_control_plane; then
            die $LINENO "self-healing-tempest-plugin needs the plugin" \
                "$plugin: add enable_plugin $plugin to local.conf."
        fi
    done
}

function self_healing_check_features {
    local feature chain
    for feature in ${SELF_HEALING_FEATURES//,/ }; do
        if [[ " ${SELF_HEALING_KNOWN_FEATURES[*]} " != *" $feature "* ]]; then
            die $LINENO "SELF_HEALING_FEATURES: there is no $feature, only" \
                "${SELF_HEALING_KNOWN_FEATURES[*]}."
        fi
        for chain in $(self_healing_chains_of "$feature"); do
            if ! is_self_healing_chain "$chain"; then
                die $LINENO "SELF_HEALING_FEATURES: $feature needs the chain" \
                    "$chain, which is not in SELF_HEALING_CHAINS."
            fi
        done
    done
}

function self_healing_check_fault_hosts {
    local host
    for host in ${SELF_HEALING_FAULT_HOSTS//,/ }; do
        if [[ -z "$(self_healing_address "$host")" ]]; then
            die $LINENO "SELF_HEALING_FAULT_HOSTS: $host is not in" \
                "SELF_HEALING_NODES, which says how it is reached."
        fi
    done
}

function self_healing_check_power {
    local variable
    for variable in "${!SELF_HEALING_POWER_@}"; do
        if [[ " ${SELF_HEALING_KNOWN_POWER[*]} " != \
                *" ${variable#SELF_HEALING_POWER_} "* ]]; then
            die $LINENO "There is no $variable, only" \
                "SELF_HEALING_POWER_ with ${SELF_HEALING_KNOWN_POWER[*]}."
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
        if is_self_healing_control_plane && is_self_healing_chain vitrage; then
            self_healing_install_notifier
        fi
        self_healing_install_monitor
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
            self_healing_configure_notifications "$NEUTRON_CONF"
            self_healing_configure_notifications "$HEAT_CONF"
            self_healing_configure_mistral
            self_healing_configure_vitrage
            self_healing_configure_monitor
            self_healing_make_key
        fi
        if is_self_healing_events_needed; then
            self_healing_configure_ceilometer
            self_healing_configure_aodh
            self_healing_configure_zaqar
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
        self_healing_start_monitor
        ;;
    stack/test-config)
        if is_service_enabled tempest; then
            echo_summary "Configuring Tempest for self-healing"
            self_healing_configure_tempest
        fi
        ;;
    unstack/)
        self_healing_stop_monitor
        if is_self_healing_events_needed; then
            self_healing_stop_zaqar
        fi
        ;;
    clean/)
        # What is in the files of other services goes with these.
        self_healing_clean_monitor
        self_healing_clean_ssh
        self_healing_clean_tempest
        ;;
esac
