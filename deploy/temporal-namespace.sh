#!/bin/sh
# Makes the namespace and the search attributes by which people find workflows. Harmless when run again.
# The Temporal CLI reads TEMPORAL_ADDRESS by itself; not all of its commands read TEMPORAL_NAMESPACE.
set -eu

KEYWORDS="TenantId CustomerId InvoiceId InvoiceState PaymentId PaymentState Gateway Currency"
DATETIMES="NextActionAt"

# until_works WHAT COMMAND…: tries the command once a second, for a minute at most.
until_works() {
    what=$1
    shift
    tries=60
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ]; then
            echo "$what at $TEMPORAL_ADDRESS is not ready after a minute; see the log of the service \"temporal\"." >&2
            exit 1
        fi
        sleep 1
    done
}

until_works "Temporal" temporal operator cluster health

# Whoever looks into a payment asks after weeks: closed workflows are kept for 30 days.
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 720h

# A namespace that was just made is known to all parts of the server a few seconds later.
until_works "Namespace $TEMPORAL_NAMESPACE" temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE"
known=$(temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE")

add() {
    if ! echo "$known" | grep -qw "$1"; then
        temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$1" --type "$2"
    fi
}

for name in $KEYWORDS; do add "$name" Keyword; done
for name in $DATETIMES; do add "$name" Datetime; done
