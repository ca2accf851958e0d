create table ledger_transactions (
    id text not null primary key,
    memo text not null,
    job text references jobs (id),
    created_at {time} not null
);
create index ledger_transactions_by_job on ledger_transactions (job);

create table ledger_entries (
    transaction_id text not null references ledger_transactions (id),
    line integer not null,
    holder text not null,
    kind text not null check (kind in (
        'buyer_prepaid', 'buyer_hold', 'owner_payable', 'platform_revenue', 'processor_clearing'
    )),
    amount bigint not null check (amount <> 0),
    currency text not null check (length(currency) = 3),
    primary key (transaction_id, line),
    check ((holder = 'platform') = (kind in ('platform_revenue', 'processor_clearing')))
);
create index ledger_entries_by_holder on ledger_entries (holder, transaction_id);

-- The sums of the entries, kept in the same transaction. Only money from outside may be owed.
create table balances (
    holder text not null,
    kind text not null,
    currency text not null,
    amount bigint not null,
    primary key (holder, kind, currency),
    check (amount >= 0 or kind = 'processor_clearing')
);

create table holds (
    id text not null primary key,
    job text not null unique references jobs (id),
    buyer text not null references accounts (id),
    owner text not null references accounts (id),
    amount bigint not null check (amount >= 0),
    currency text not null check (length(currency) = 3),
    fee integer not null check (fee between 0 and 10000),
    state text not null check (state in ('held', 'captured', 'voided')),
    created_at {time} not null,
    resolved_at {time},
    check ((state = 'held') = (resolved_at is null))
);
create index holds_by_state on holds (state);

create table usage_records (
    job text not null primary key references jobs (id),
    listing text not null references listings (id),
    buyer text not null references accounts (id),
    owner text not null references accounts (id),
    units bigint not null check (units >= 0),
    released_values bigint not null check (released_values >= 0),
    price bigint not null check (price >= 0),
    currency text not null check (length(currency) = 3),
    created_at {time} not null
);
create index usage_records_by_owner on usage_records (owner, created_at);
