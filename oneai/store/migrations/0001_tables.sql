-- The three tables that every OneAI system has. Where they exist already, nothing happens.

create table if not exists public.models (
  model_code text not null primary key,
  domain text not null,
  role text not null,
  provider text not null,
  endpoint text not null,
  timeout_ms integer default 60000,
  max_tokens integer default 4096,
  active boolean default true,
  fallback_model_code text references public.models (model_code),
  meta jsonb default '{}',
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);

create table if not exists public.model_health (
  model_code text primary key references public.models (model_code),
  status text default 'healthy',
  failure_count integer default 0,
  success_count integer default 0,
  consecutive_failures integer default 0,
  last_failure_at timestamptz,
  last_success_at timestamptz,
  last_error_message text,
  circuit_state text default 'closed',
  circuit_opened_at timestamptz,
  avg_latency_ms integer,
  p95_latency_ms integer,
  updated_at timestamptz default now()
);

create table if not exists public.model_usage_log (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid,
  doc_id text,
  model_code text not null references public.models (model_code),
  task text not null,
  wf_run_id uuid,
  tokens_in integer,
  tokens_out integer,
  latency_ms integer,
  cost_usd numeric,
  success boolean default true,
  error_class text,
  created_at timestamptz default now()
);
