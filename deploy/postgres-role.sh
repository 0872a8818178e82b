#!/bin/sh
# Makes the role and the database of Dunlin; PostgreSQL's image runs it once, when its volume is empty.
#
# The role is no superuser: row-level security, which keeps tenants apart, does not hold for one. It may make roles, because the
# migrations make the one that tenant sessions run as.
set -eu

psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=password="$DUNLIN_DB_PASSWORD" --username "$POSTGRES_USER" <<'SQL'
CREATE ROLE dunlin LOGIN CREATEROLE PASSWORD :'password';
CREATE DATABASE dunlin OWNER dunlin TEMPLATE template0 ENCODING 'UTF8';
SQL
