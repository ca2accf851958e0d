create table quotes (
    id text not null primary key,
    buyer text not null references accounts (id),
    listing text not null references listings (id),
    dataset text not null references dataset_versions (dataset),
    expires_at {time} not null,
    quote text not null,
    query text not null,
    job text unique,
    created_at {time} not null
);
create index quotes_by_buyer on quotes (buyer);

create table jobs (
    id text not null primary key,
    version bigint not null,
    buyer text not null references accounts (id),
    owner text not null references accounts (id),
    listing text not null references listings (id),
    dataset text not null references dataset_versions (dataset),
    gate text not null references gates (id),
    quote text not null unique references quotes (id),
    query text not null check (length(query) = 64),
    acceptance text not null,
    price bigint not null check (price >= 0),
    currency text not null check (length(currency) = 3),
    fee integer not null check (fee between 0 and 10000),
    total bigint not null check (total >= 0),
    state text not null check (state in (
        'quoted', 'held', 'queued', 'running', 'awaiting_release',
        'released', 'refused', 'failed', 'cancelled', 'expired'
    )),
    attempts integer not null check (attempts >= 0),
    lease_token text unique,
    lease_worker text,
    lease_until {time},
    done bigint not null check (done between 0 and total),
    evaluate_ms bigint check (evaluate_ms >= 0),
    problem_code text,
    problem_detail text,
    created_at {time} not null,
    updated_at {time} not null,
    -- A lease is held exactly while running, and then it is whole.
    check ((state = 'running') = (lease_token is not null)),
    check ((lease_token is null) = (lease_until is null)),
    check ((lease_token is null) = (lease_worker is null)),
    check ((problem_code is null) = (problem_detail is null))
);
create index jobs_to_do on jobs (state, created_at);
create index jobs_by_buyer on jobs (buyer, created_at);

create table receipts (
    job text not null primary key references jobs (id),
    digest text not null check (length(digest) = 64),
    receipt text not null,
    created_at {time} not null
);

create table releases (
    id text not null primary key,
    job text not null unique references jobs (id),
    gate text not null references gates (id),
    outputs text not null check (length(outputs) = 64),
    state text not null check (state in ('pending', 'released', 'refused', 'expired')),
    decision text,
    created_at {time} not null,
    decided_at {time},
    check ((state in ('released', 'refused')) = (decision is not null)),
    check ((state = 'pending') = (decided_at is null))
);
create index releases_to_decide on releases (gate, state, created_at);

create table sealed_answers (
    release text not null primary key references releases (id),
    job text not null unique references jobs (id),
    answer text not null,
    created_at {time} not null
);
