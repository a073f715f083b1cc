#!/bin/bash
# Writes Kannel's configuration from the environment, and starts bearerbox with it. What Kannel or the operator's message
# centre could not take as it is written ends the start with a sentence.
#
# KANNEL_SMSC is `smpp`, or `fake` for a message centre that only tests have. The others are what the operator gave:
# KANNEL_SMSC_HOST, _PORT, _USERNAME, _PASSWORD and _SYSTEM_TYPE. With `_FILE` after its name, a variable names a file.
set -o errexit -o nounset -o pipefail
export LC_ALL=C
umask 077

refuse() {
    echo "kannel: $1" >&2
    exit 1
}

# Says that everybody on this machine can read the file $2 of the variable $1, if that is so. Docker makes the files in
# /run/secrets readable for everybody in the container, which has no other users.
warn_if_public() {
    local folder=$2
    [[ $2 != /run/secrets/* && -n $(find -L "$2" -maxdepth 0 -perm -o=r) ]] || return 0
    while [[ $folder != / ]]; do
        folder=$(dirname "$(realpath --no-symlinks "$folder")")
        [[ -n $(find -L "$folder" -maxdepth 0 -perm -o=x) ]] || return 0
    done
    echo "kannel: Every user of this machine can read the file in $1. Run chmod 600 on it." >&2
}

# The value of the variable $1, or of the file that it names, between quotation marks as Kannel reads them. It is at most
# $2 bytes long: SMPP 3.4 has no more room for it, and Kannel would cut the rest off without a word.
quoted() {
    local file="${1}_FILE" value=${!1-}
    file=${!file-}
    if [[ $file ]]; then
        [[ -z $value ]] || refuse "$1 and ${1}_FILE are both set. Keep one of them."
        [[ -f $file && -r $file ]] || refuse "The file in ${1}_FILE cannot be read. Check its path and permissions."
        warn_if_public "${1}_FILE" "$file"
        value=$(tr '\0' '\1' <"$file")
        # As in the service, a line break of Windows at the end does not count either.
        value=${value%$'\r'}
        [[ $value ]] || refuse "The file in ${1}_FILE is empty. Write the value into it."
        [[ $value != $'\xef\xbb\xbf'* ]] ||
            refuse "The file in ${1}_FILE begins with a byte order mark. Save it as UTF-8 without one."
    fi
    ((${#value} <= $2)) || refuse "$1 is longer than $2 bytes, more than SMPP carries. Ask the operator for another."
    [[ ! $value =~ [[:cntrl:]] ]] || refuse "$1 contains a line break or another control character. Take it out."
    [[ $value != *include* ]] || refuse "$1 contains \"include\", a command of Kannel. Ask the operator for another."
    value=${value//\\/\\\\}
    echo "\"${value//\"/\\\"}\""
}

[[ ${KANNEL_SMSC:=fake} == @(fake|smpp) ]] || refuse "KANNEL_SMSC is neither smpp nor fake. Set it to smpp."
host=$(quoted KANNEL_SMSC_HOST 255)
port=$(quoted KANNEL_SMSC_PORT 5)
username=$(quoted KANNEL_SMSC_USERNAME 15)
password=$(quoted KANNEL_SMSC_PASSWORD 8)
system_type=$(quoted KANNEL_SMSC_SYSTEM_TYPE 12)
if [[ $KANNEL_SMSC == smpp ]]; then
    [[ $host != '""' ]] || refuse "KANNEL_SMSC_HOST is not set. The operator gives it."
    [[ $host =~ ^\"[A-Za-z0-9._-]+\"$ ]] ||
        refuse "KANNEL_SMSC_HOST is not a name or an IPv4 address alone. Put the port into KANNEL_SMSC_PORT."
    [[ $port =~ ^\"([0-9]+)\"$ ]] && ((10#${BASH_REMATCH[1]} >= 1 && 10#${BASH_REMATCH[1]} <= 65535)) ||
        refuse "KANNEL_SMSC_PORT is not a number from 1 to 65535. The operator gives it, often 2775."
    [[ $username != '""' ]] || refuse "KANNEL_SMSC_USERNAME is not set. The operator gives it."
fi
[[ $port != '""' ]] || port=10000

# Nobody administers Kannel over its port, but it does not start without one.
admin_password=$(od --address-radix=n --format=x8 --read-bytes=32 /dev/urandom | tr --delete ' \n')

# Kannel writes a file for each message, without waiting for the disk, before it tells the operator that it has taken it.
# Where the file system can, each is on the disk by then. A loss of power elsewhere leaves files with nothing in them.
folder=${KANNEL_FOLDER:-/var/spool/kannel}
chmod 700 "$folder" 2>/dev/null ||
    refuse "$folder cannot be closed to others. Make it a folder of the account that runs Kannel."
chattr -R +S "$folder" 2>/dev/null ||
    echo "kannel: $folder cannot be written synchronously. A loss of power may lose what came in the last seconds." >&2
find "$folder" -type f -empty -delete

# There is no access log, and of the other log warnings and worse only. Some of these name numbers or dump texts. Of what
# is long enough to be one, also in hexadecimal, and of what Kannel puts between brackets or quotation marks or behind
# "from" and "to", nothing is left.
masked() {
    exec sed --unbuffered --regexp-extended -e "s/<[^>]*>/<…>/g" -e "s/\`[^']*'/\`…'/g" -e 's/TLV[(][^)]*[)]/TLV(…)/g' \
        -e 's/ (from|to) [^ ,]+/ \1 …/g' -e 's/(^|[^x0-9a-fA-F])[+]?[0-9a-fA-F]{6,}/\1…/g'
}

# The configuration is no file, so that the operator's password is none.
exec bearerbox -v 2 /dev/fd/3 3<<CONFIGURATION > >(masked) 2>&1
group = core
admin-port = ${KANNEL_ADMIN_PORT:-13000}
admin-interface = 127.0.0.1
admin-password = "$admin_password"
smsbox-port = ${KANNEL_BOX_PORT:-13001}
smsbox-interface = ${KANNEL_BOX_INTERFACE:-0.0.0.0}
smsbox-max-pending = 10000
store-type = spool
store-location = "$folder"
dlr-storage = internal
# A part of a long message arrives alone if the others do not come. The default is half an hour.
sms-combine-concatenated-mo-timeout = 60

group = smsc
smsc = $KANNEL_SMSC
smsc-id = operator
host = $host
port = $port
smsc-username = $username
smsc-password = $password
system-type = $system_type
transceiver-mode = true
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
CONFIGURATION
