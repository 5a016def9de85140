"""SQLite's own schema, as a ladder: rung n takes a file from user_version n - 1 to n, forward only."""

import sqlite3

from oneai.errors import StoreRefused
from oneai.store.sqlite.lane import writing

RUNGS: tuple[tuple[str, ...], ...] = (
    (
        """create table if not exists models (
             model_code text not null primary key,
             domain text not null,
             role text not null,
             provider text not null,
             endpoint text not null,
             timeout_ms integer default 60000,
             max_tokens integer default 4096,
             active integer default 1,
             fallback_model_code text references models (model_code) deferrable initially deferred,
             meta text default '{}',
             created_at text,
             updated_at text
           )""",
        """create table if not exists model_health (
             model_code text not null primary key references models (model_code),
             status text default 'healthy',
             failure_count integer default 0,
             success_count integer default 0,
             consecutive_failures integer default 0,
             last_failure_at text,
             last_success_at text,
             last_error_message text,
             circuit_state text default 'closed',
             circuit_opened_at text,
             avg_latency_ms integer,
             p95_latency_ms integer,
             updated_at text
           )""",
        """create table if not exists model_usage_log (
             id text not null primary key,
             tenant_id text,
             doc_id text,
             model_code text not null references models (model_code),
             task text not null,
             wf_run_id text,
             tokens_in integer,
             tokens_out integer,
             latency_ms integer,
             cost_usd real,
             success integer default 1,
             error_class text,
             created_at text,
             call_id text,
             request_id text,
             key_name text,
             profile text,
             provider text,
             attempt integer,
             requested_model text,
             ttft_ms integer,
             finish_reason text,
             status integer,
             message text,
             circuit text,
             tenant text,
             run text
           )""",
        "create index if not exists model_usage_log_call_id on model_usage_log (call_id)",
        "create index if not exists model_usage_log_request_id on model_usage_log (request_id)",
        "create index if not exists model_usage_log_created_at on model_usage_log (created_at)",
        """create table if not exists api_keys (
             key_hash text not null primary key,
             name text not null,
             allow text,
             admin integer not null default 0,
             expires_at text,
             max_in_flight integer,
             revoked_at text,
             created_at text not null,
             updated_at text not null
           )""",
        "create unique index if not exists api_keys_live_name on api_keys (name) where revoked_at is null",
        """create table if not exists usage_hourly (
             hour text not null,
             model_code text not null,
             task text not null,
             key_name text not null default '',
             calls integer not null default 0,
             errors integer not null default 0,
             tokens_in integer not null default 0,
             tokens_out integer not null default 0,
             cost_usd real not null default 0,
             latency text not null default '{}',
             primary key (hour, model_code, task, key_name)
           ) without rowid""",
    ),
)


def version(db: sqlite3.Connection) -> int:
    """Which rung a file stands on; 0 is a new one."""
    found: int = db.execute("pragma user_version").fetchone()[0]
    return found


def climb(db: sqlite3.Connection, rungs: tuple[tuple[str, ...], ...] = RUNGS) -> None:
    """Bring a file up to the last rung, all or nothing; StoreRefused when a newer oneai has been at it."""
    if version(db) == len(rungs):
        return
    with writing(db):
        # Another process may have climbed while this one waited for the lock.
        found = version(db)
        if found > len(rungs):
            raise StoreRefused(
                why=f"its file is of schema {found} and this oneai knows {len(rungs)}: run the newer version"
            )
        for statement in (statement for rung in rungs[found:] for statement in rung):
            db.execute(statement)
        db.execute(f"pragma user_version = {len(rungs)}")
