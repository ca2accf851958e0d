//! What differs between SQLite and PostgreSQL.

use sea_orm_migration::{
    SchemaManager,
    sea_orm::{ConnectionTrait, DbBackend, DbErr},
};

/// Runs a script of SQL in which `{time}` and `{sequence}` stand for the types of the database at hand.
pub(crate) async fn run(manager: &SchemaManager<'_>, script: &str) -> Result<(), DbErr> {
    let (time, sequence) = match manager.get_database_backend() {
        DbBackend::Sqlite => ("timestamp_with_timezone_text", "integer primary key autoincrement"),
        _ => ("timestamptz", "bigint generated always as identity primary key"),
    };
    let script = script.replace("{time}", time).replace("{sequence}", sequence);
    manager.get_connection().execute_unprepared(&script).await.map(drop)
}

/// Refuses every change and removal of rows of `table`.
pub(crate) async fn make_immutable(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    let script = match manager.get_database_backend() {
        DbBackend::Sqlite => format!(
            "create trigger {table}_no_update before update on {table}
             begin select raise(abort, '{table} is immutable'); end;
             create trigger {table}_no_delete before delete on {table}
             begin select raise(abort, '{table} is immutable'); end;"
        ),
        _ => format!(
            "create function {table}_refuse() returns trigger language plpgsql as
             $$ begin raise exception '{table} is immutable'; end $$;
             create trigger {table}_no_change before update or delete on {table}
             for each row execute function {table}_refuse();
             create trigger {table}_no_truncate before truncate on {table}
             for each statement execute function {table}_refuse();"
        ),
    };
    manager.get_connection().execute_unprepared(&script).await.map(drop)
}

/// Refuses changes of rows of `table` that meet `condition` (about `old`), and every removal.
pub(crate) async fn make_final(
    manager: &SchemaManager<'_>,
    table: &str,
    condition: &str,
) -> Result<(), DbErr> {
    let script = match manager.get_database_backend() {
        DbBackend::Sqlite => format!(
            "create trigger {table}_final before update on {table} when {condition}
             begin select raise(abort, 'the row of {table} is final'); end;
             create trigger {table}_kept before delete on {table}
             begin select raise(abort, 'rows of {table} are kept'); end;"
        ),
        _ => format!(
            "create function {table}_refuse() returns trigger language plpgsql as
             $$ begin raise exception 'the row of {table} is final'; end $$;
             create trigger {table}_final before update on {table}
             for each row when ({condition}) execute function {table}_refuse();
             create trigger {table}_kept before delete on {table}
             for each row execute function {table}_refuse();"
        ),
    };
    manager.get_connection().execute_unprepared(&script).await.map(drop)
}
