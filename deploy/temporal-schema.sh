#!/bin/sh
# Makes or updates the two databases of Temporal. Harmless when run again: `create` takes a database that exists for made, and
# `setup-schema` keeps the version of a schema that is further on.
set -eu

schema() {
    database=$1
    folder=$2
    set -- temporal-sql-tool --plugin postgres12 --ep "$POSTGRES_SEEDS" --port "$DB_PORT" --user "$POSTGRES_USER" --db "$database"
    "$@" create
    "$@" setup-schema -v 0.0
    "$@" update-schema -d "/etc/temporal/schema/postgresql/v12/$folder/versioned"
}

schema temporal temporal
schema temporal_visibility visibility
