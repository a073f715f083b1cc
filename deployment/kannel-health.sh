#!/bin/bash
# Ends with status 0 while bearerbox runs and, with KANNEL_SMSC=smpp, is connected to the operator's message centre.
# Otherwise it prints why not.
set -o nounset

unhealthy() {
    echo "$1"
    exit 1
}

{ exec 3<>"/dev/tcp/127.0.0.1/${KANNEL_ADMIN_PORT:-13000}"; } 2>/dev/null || unhealthy "Kannel does not run."
printf 'GET /status.txt HTTP/1.0\r\n\r\n' >&3
status=$(timeout 4 cat <&3 | tr --delete '\0')
[[ $status == *$'\n'"Status: running"* ]] || unhealthy "Kannel does not answer, or takes no messages."
[[ ${KANNEL_SMSC:-fake} != smpp || $status == *"operator[operator]"*"(online "* ]] ||
    unhealthy "Kannel is not connected to the operator's message centre. Its log says why."
