#!/bin/sh
# Makes the namespace and the search attributes by which people find workflows. Harmless when run again.
# The Temporal CLI reads TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE by itself.
set -eu

KEYWORDS="TenantId CustomerId InvoiceId InvoiceState PaymentId PaymentState Gateway Currency"
DATETIMES="NextActionAt"

tries=60
until temporal operator cluster health >/dev/null 2>&1; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ]; then
        echo "Temporal at $TEMPORAL_ADDRESS does not answer; see the log of the service \"temporal\"." >&2
        exit 1
    fi
    sleep 1
done

# Whoever looks into a payment asks after weeks: closed workflows are kept for 30 days.
temporal operator namespace describe "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
    temporal operator namespace create --retention 720h "$TEMPORAL_NAMESPACE"

# A namespace that was just made is known to all parts of the server a few seconds later.
tries=30
until known=$(temporal operator search-attribute list 2>/dev/null); do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { echo "Namespace $TEMPORAL_NAMESPACE does not become ready." >&2; exit 1; }
    sleep 1
done

add() {
    if ! echo "$known" | grep -qw "$1"; then
        temporal operator search-attribute create --name "$1" --type "$2"
    fi
}

for name in $KEYWORDS; do add "$name" Keyword; done
for name in $DATETIMES; do add "$name" Datetime; done
