create table accounts (
    id text not null primary key,
    email text not null unique,
    password_hash text not null,
    role text not null check (role in ('member', 'operator')),
    signing_key text check (length(signing_key) = 64),
    created_at {time} not null
);

create table gates (
    id text not null primary key,
    owner text not null references accounts (id),
    signing_key text not null unique check (length(signing_key) = 64),
    name text not null,
    created_at {time} not null
);
create index gates_by_owner on gates (owner);

create table api_keys (
    id text not null primary key,
    account text not null references accounts (id),
    name text not null,
    scope text not null check (scope in ('full', 'buy', 'gate')),
    gate text references gates (id),
    prefix text not null unique,
    hash text not null,
    created_at {time} not null,
    revoked_at {time},
    check ((scope = 'gate') = (gate is not null))
);
create index api_keys_by_account on api_keys (account, created_at);
create unique index api_keys_one_for_a_gate on api_keys (gate) where revoked_at is null;
