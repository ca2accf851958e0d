-- `listing` is what everybody may see of a model. `artefact` is an object of the vendor with the model and
-- its programs, which only the platform reads.
create table models (
    id text not null primary key,
    vendor text not null references accounts (id),
    request text not null check (length(request) = 64),
    state text not null check (state in ('active', 'withdrawn')),
    listing text not null,
    model text not null check (length(model) = 64),
    artefact text not null check (length(artefact) = 64),
    created_at {time} not null,
    unique (vendor, request)
);
create index models_by_time on models (state, created_at);

-- The bytes are an object of the account.
create table client_keys (
    account text not null references accounts (id),
    digest text not null check (length(digest) = 64),
    parameter_set text not null,
    bytes bigint not null check (bytes >= 0),
    created_at {time} not null,
    primary key (account, digest)
);

create table predictions (
    id text not null primary key,
    model text not null references models (id),
    client text not null references accounts (id),
    vendor text not null references accounts (id),
    samples bigint not null check (samples > 0),
    price bigint not null check (price >= 0),
    currency text not null check (length(currency) = 3),
    -- Null where nothing was to be paid.
    payment text unique references ledger_transactions (id),
    output text not null check (length(output) = 64),
    receipt text not null,
    created_at {time} not null,
    check ((payment is null) = (price = 0))
);
create index predictions_by_vendor on predictions (vendor, created_at);
create index predictions_by_client on predictions (client, created_at);

-- Samples by model, client and day (of UTC, counted from 1970): what quotas limit.
create table prediction_usage (
    model text not null references models (id),
    client text not null references accounts (id),
    day bigint not null,
    samples bigint not null check (samples >= 0),
    primary key (model, client, day)
);
