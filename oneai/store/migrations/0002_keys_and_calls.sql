-- API keys, and what `oneai why` needs to tell a call's story from its usage rows.

create table if not exists public.api_keys (
  key_hash text primary key,
  name text not null,
  allow jsonb,
  admin boolean not null default false,
  expires_at timestamptz,
  max_in_flight integer,
  revoked_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create unique index if not exists api_keys_live_name on public.api_keys (name) where revoked_at is null;

alter table public.model_usage_log
  add column if not exists call_id text,
  add column if not exists request_id text,
  add column if not exists key_name text,
  add column if not exists profile text,
  add column if not exists provider text,
  add column if not exists attempt integer,
  add column if not exists requested_model text,
  add column if not exists ttft_ms integer,
  add column if not exists finish_reason text,
  add column if not exists status integer,
  add column if not exists message text,
  add column if not exists circuit text,
  add column if not exists tenant text,
  add column if not exists run text;

create index if not exists model_usage_log_call_id on public.model_usage_log (call_id);
create index if not exists model_usage_log_request_id on public.model_usage_log (request_id);
create index if not exists model_usage_log_created_at on public.model_usage_log (created_at);

-- No policies: only the service role, which row level security does not bind, reads and writes.
alter table public.models enable row level security;
alter table public.model_health enable row level security;
alter table public.model_usage_log enable row level security;
alter table public.api_keys enable row level security;

-- Projects differ in what a new table grants by default, and a plain PostgreSQL has no such role.
do $$
begin
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    grant select, insert, update, delete
      on public.models, public.model_health, public.model_usage_log, public.api_keys to service_role;
  end if;
end
$$;
