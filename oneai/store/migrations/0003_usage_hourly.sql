-- Hourly roll-ups of usage, kept by the database itself in the transaction that inserts the rows, and retention.

create table if not exists public.usage_hourly (
  hour timestamptz not null,
  model_code text not null,
  task text not null,
  key_name text not null default '',
  calls bigint not null default 0,
  errors bigint not null default 0,
  tokens_in bigint not null default 0,
  tokens_out bigint not null default 0,
  cost_usd numeric not null default 0,
  latency jsonb not null default '{}',  -- bucket number to how many successes fell into it
  primary key (hour, model_code, task, key_name)
);

alter table public.usage_hourly enable row level security;

-- The same formula and constants as oneai/store/rollup.py: bucket n holds 1.05^n to 1.05^(n+1) ms, 309 is the last.
create or replace function public.oneai_latency_bucket(ms integer) returns integer
language sql immutable set search_path = '' as $$
  select least(floor(ln(greatest(ms, 1)::double precision) / ln(1.05::double precision))::integer, 309)
$$;

create or replace function public.oneai_add_counts(kept jsonb, more jsonb) returns jsonb
language sql immutable set search_path = '' as $$
  select coalesce(jsonb_object_agg(bucket, n), '{}'::jsonb)
  from (
    select bucket, sum(n::bigint) as n
    from (
      select key, value from jsonb_each_text(kept)
      union all
      select key, value from jsonb_each_text(more)
    ) as counts (bucket, n)
    group by bucket
  ) as summed
$$;

create or replace function public.oneai_count_usage(fresh public.model_usage_log[]) returns void
language sql set search_path = '' as $$
  with attempts as (
    select
      date_trunc('hour', coalesce(created_at, now()), 'UTC') as hour, model_code, task,
      coalesce(key_name, '') as key_name, success, tokens_in, tokens_out, cost_usd,
      case when success and latency_ms is not null then public.oneai_latency_bucket(latency_ms) end as bucket
    from unnest(fresh)
  ),
  buckets as (
    select hour, model_code, task, key_name, jsonb_object_agg(bucket, n) as latency
    from (
      select hour, model_code, task, key_name, bucket, count(*) as n
      from attempts where bucket is not null
      group by hour, model_code, task, key_name, bucket
    ) as counted
    group by hour, model_code, task, key_name
  ),
  totals as (
    select
      hour, model_code, task, key_name, count(*) as calls, count(*) filter (where success is false) as errors,
      coalesce(sum(tokens_in), 0) as tokens_in, coalesce(sum(tokens_out), 0) as tokens_out,
      coalesce(sum(cost_usd), 0) as cost_usd
    from attempts
    group by hour, model_code, task, key_name
  )
  insert into public.usage_hourly as kept
    (hour, model_code, task, key_name, calls, errors, tokens_in, tokens_out, cost_usd, latency)
  select
    hour, model_code, task, key_name, calls, errors, tokens_in, tokens_out, cost_usd, coalesce(latency, '{}'::jsonb)
  from totals left join buckets using (hour, model_code, task, key_name)
  -- Two gateways that ship at once take the rows in the same order, so neither waits for the other in a circle.
  order by hour, model_code, task, key_name
  on conflict (hour, model_code, task, key_name) do update set
    calls = kept.calls + excluded.calls,
    errors = kept.errors + excluded.errors,
    tokens_in = kept.tokens_in + excluded.tokens_in,
    tokens_out = kept.tokens_out + excluded.tokens_out,
    cost_usd = kept.cost_usd + excluded.cost_usd,
    latency = public.oneai_add_counts(kept.latency, excluded.latency)
$$;

-- Runs as the tables' owner, so that whoever may insert a usage row has it counted. The transition table holds only
-- the rows that were really inserted: one that `on conflict do nothing` passed over is not counted again.
create or replace function public.oneai_count_inserted() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform public.oneai_count_usage(array(select row(fresh.*)::public.model_usage_log from fresh));
  return null;
end
$$;

-- What is there already is counted once, before the trigger takes over, with inserts held off in between.
do $$
begin
  if exists (
    select from pg_catalog.pg_trigger
    where tgrelid = 'public.model_usage_log'::regclass and tgname = 'oneai_count_inserted'
  ) then
    return;
  end if;
  lock table public.model_usage_log in share row exclusive mode;
  perform public.oneai_count_usage(array_agg(log)) from public.model_usage_log as log
    group by date_trunc('hour', log.created_at, 'UTC');
  create trigger oneai_count_inserted after insert on public.model_usage_log
    referencing new table as fresh for each statement execute function public.oneai_count_inserted();
end
$$;

create or replace function public.oneai_prune(before timestamptz) returns bigint
language sql set search_path = '' as $$
  with gone as (delete from public.model_usage_log where created_at < before returning 1)
  select count(*) from gone
$$;

revoke execute on function
  public.oneai_count_usage(public.model_usage_log[]), public.oneai_count_inserted(),
  public.oneai_prune(timestamptz) from public;

do $$
declare
  visitor text;
begin
  for visitor in select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated') loop
    execute format(
      'revoke execute on function public.oneai_count_usage(public.model_usage_log[]),
       public.oneai_count_inserted(), public.oneai_prune(timestamptz) from %I', visitor);
  end loop;
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    grant select, insert, update, delete on public.usage_hourly to service_role;
    grant execute on function public.oneai_prune(timestamptz) to service_role;
  end if;
end
$$;
