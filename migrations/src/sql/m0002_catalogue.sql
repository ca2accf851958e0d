-- Bytes are in the object store; one object may have several owners, each of whom has sent it.
create table objects (
    owner text not null references accounts (id),
    digest text not null check (length(digest) = 64),
    bytes bigint not null check (bytes >= 0),
    created_at {time} not null,
    primary key (owner, digest)
);

create table listings (
    id text not null primary key,
    owner text not null references accounts (id),
    title text not null,
    description text not null,
    state text not null check (state in ('active', 'withdrawn')),
    lineage text not null unique,
    dataset text not null unique check (length(dataset) = 64),
    policy text not null,
    price text not null,
    gate text not null references gates (id),
    created_at {time} not null
);
create index listings_by_time on listings (state, created_at);

create table dataset_versions (
    dataset text not null primary key check (length(dataset) = 64),
    listing text not null references listings (id),
    lineage text not null,
    version integer not null check (version >= 1),
    row_count bigint not null check (row_count >= 0),
    bytes bigint not null check (bytes >= 0),
    table_schema text not null,
    layouts text not null,
    manifest text not null,
    created_at {time} not null,
    unique (lineage, version)
);
create index dataset_versions_by_listing on dataset_versions (listing);
