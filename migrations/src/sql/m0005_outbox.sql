create table idempotency_keys (
    account text not null references accounts (id),
    idempotency_key text not null,
    request text not null check (length(request) = 64),
    outcome text not null,
    created_at {time} not null,
    primary key (account, idempotency_key)
);

create table outbox (
    id {sequence},
    topic text not null check (topic in ('job_queued', 'release_requested', 'job_ended')),
    job text not null references jobs (id),
    gate text not null references gates (id),
    buyer text not null references accounts (id),
    created_at {time} not null
);

create table meta (
    name text not null primary key,
    content text not null,
    created_at {time} not null
);
