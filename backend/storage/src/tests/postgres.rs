//! PostgreSQL for tests: the server named by `SORDINO_TEST_POSTGRES`, or a cluster of our own in a temporary
//! folder if the programs are installed. Without either, tests are skipped, except on CI, where they fail.

use std::{
    env, fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait, Database};

/// Starts the server and stops it when the writing end of its standard input closes, which happens when the
/// tests end, however they do.
const KEEPER: &str = r#"
trap '' INT
"$@" >"$LOG" 2>&1 &
server=$!
read -r _
kill -TERM "$server"
wait "$server"
rm -rf "$FOLDER"
"#;

/// A new database, or `None` when there is no PostgreSQL and that is fine.
pub(super) async fn new_database() -> Option<String> {
    static SERVER: OnceLock<Option<String>> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = SERVER.get_or_init(server).as_ref()?;
    let at = |database: &str| server.replacen("DATABASE", database, 1);
    let admin = connect_patiently(&at("postgres")).await;
    let name = format!("sordino_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    admin.execute_unprepared(&format!("create database {name}")).await.expect("a database");
    admin.close().await.expect("closed");
    Some(at(&name))
}

/// The address of a server, with `DATABASE` where the database goes.
fn server() -> Option<String> {
    if let Ok(url) = env::var("SORDINO_TEST_POSTGRES") {
        // postgres://user:password@host:port/database?options
        let (base, options) = url.split_once('?').unwrap_or((&url, ""));
        let base =
            base.rsplit_once('/').filter(|(head, _)| !head.ends_with('/')).map_or(base, |(head, _)| head);
        return Some(format!("{base}/DATABASE?{options}"));
    }
    let Some(programs) = programs() else {
        assert!(env::var("CI").as_deref() != Ok("true"), "PostgreSQL not found, and CI must test with it");
        eprintln!("skipped: PostgreSQL not found");
        return None;
    };
    let folder = start(&programs);
    Some(format!("postgres://sordino@localhost/DATABASE?host={}", folder.display()))
}

/// Where `initdb` and `postgres` are: on the path, or where Debian puts them.
fn programs() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = debian.map(|version| version.path().join("bin"));
    env::split_paths(&path)
        .chain(debian)
        .find(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
}

fn start(programs: &Path) -> PathBuf {
    let folder = tempfile::Builder::new().prefix("sordino-pg-").tempdir().expect("a folder").keep();
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    // PostgreSQL refuses to run as root; `nobody` exists everywhere.
    let nobody: &[&str] = &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let prefix = if is_root { nobody } else { &[] };
    if is_root {
        chown(&folder, Some(65_534), Some(65_534)).expect("owned by nobody");
    }
    let data = folder.join("data");
    let mut initdb = words(prefix, programs.join("initdb").as_path());
    initdb.extend(
        ["-U", "sordino", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"].map(String::from),
    );
    initdb.push(data.display().to_string());
    let made = Command::new(&initdb[0]).args(&initdb[1..]).output().expect("initdb runs");
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));

    let mut postgres = words(prefix, programs.join("postgres").as_path());
    postgres.extend(
        ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=400", "-D"].map(String::from),
    );
    postgres.extend([data.display().to_string(), "-k".to_owned(), folder.display().to_string()]);
    let keeper = Command::new("sh")
        .args(["-c", KEEPER, "keeper"])
        .args(&postgres)
        .env("LOG", folder.join("log"))
        .env("FOLDER", &folder)
        .stdin(Stdio::piped())
        .spawn()
        .expect("a shell");
    // Never dropped, so that its standard input closes when this process ends.
    std::mem::forget(keeper);
    folder
}

fn words(prefix: &[&str], program: &Path) -> Vec<String> {
    prefix.iter().map(|word| (*word).to_owned()).chain([program.display().to_string()]).collect()
}

async fn connect_patiently(url: &str) -> sea_orm::DatabaseConnection {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let mut options = sea_orm::ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        match Database::connect(options).await {
            Ok(connection) => return connection,
            Err(error) if Instant::now() > patience => panic!("PostgreSQL does not answer: {error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}
