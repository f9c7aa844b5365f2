"""How the embedded PostgreSQL is set: what it is told at every start, and who may enter."""

from __future__ import annotations

from typing import Final

# Peer: the system says who calls. Backups and standbys are copied over the same socket.
ENTRANCES: Final = """\
local all all peer map=openfloor
local replication all peer map=openfloor
"""

CONFIGURATION: Final = """\
# Written by Openfloor at every start. Settings of your own: ALTER SYSTEM SET name = value.
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 100

shared_buffers = 128MB
effective_cache_size = 1GB
work_mem = 8MB
maintenance_work_mem = 64MB
random_page_cost = 1.1
# Queries here are short; parallel ones need shared memory that containers are often short of.
max_parallel_workers_per_gather = 0
jit = off

# What it saves in the log, a fifth, took a fifth of the time that orders cost the server.
wal_compression = off
max_wal_size = 1GB
min_wal_size = 64MB
checkpoint_timeout = 5min
# An archive or a standby that is away may cost so much room, and no more: it begins anew then.
max_slot_wal_keep_size = 8GB

# Quotes and balances are updated all day: sweep small and often.
autovacuum_naptime = 20s
autovacuum_vacuum_scale_factor = 0.05
autovacuum_analyze_scale_factor = 0.05
autovacuum_vacuum_cost_limit = 1000

timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, ymd'
default_text_search_config = 'pg_catalog.english'

# A week of logs, a file for each day.
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
log_line_prefix = '%m [%p] %u@%d '
log_lock_waits = on
log_min_duration_statement = 1s
log_checkpoints = off
"""
