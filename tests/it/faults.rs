//! Faults: processes killed at random points, a locked database, a full disk. No job is lost, none is
//! charged twice, no answer is noised twice, and the ledger balances.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use sordino_client::{ClientError, buyer, buyer::CheckedOffer};
use sordino_protocol::{
    api::{Job, JobState, Listing},
    layout::LayoutKind,
    policy::{Epsilon, Noise, Policy},
};
use sordino_server::{Config, platform};
use sordino_tests::{
    app::{TestApp, block_on, config},
    parties::{PASSPHRASE, Party, make_operator, top_up, traders},
    process::{Process, free_port, until_it_answers},
    skip::skip,
    tables,
};

/// Jobs bought while processes are killed.
const JOBS: usize = 10;
const SQL: &str = "SELECT city, COUNT(*) AS n, SUM(income) AS total FROM people WHERE age < 8 GROUP BY city";

/// Server, worker and gate as processes of their own.
struct Cluster {
    folder: PathBuf,
    url: String,
    server: Process,
    worker: Process,
    gate: Process,
}

impl Cluster {
    fn start(folder: &Path, url: &str) -> Self {
        let folder = folder.to_owned();
        let server = Self::server(&folder);
        let worker = Self::worker(&folder);
        let gate = Self::gate(&folder);
        Self { folder, url: url.to_owned(), server, worker, gate }
    }

    fn server(folder: &Path) -> Process {
        Self::platform(folder, "serve")
    }

    fn worker(folder: &Path) -> Process {
        Self::platform(folder, "worker")
    }

    fn platform(folder: &Path, command: &str) -> Process {
        let config = folder.join("sordino.toml");
        let arguments = [OsStr::new("--config"), config.as_os_str(), OsStr::new(command)];
        Process::start("sordino-server", &arguments, &[], &folder.join(format!("{command}.log")))
    }

    fn gate(folder: &Path) -> Process {
        let environment =
            [("SORDINO_HOME", folder.as_os_str()), ("SORDINO_PASSPHRASE", OsStr::new(PASSPHRASE))];
        let arguments = ["--profile", "owner", "gate", "run"];
        Process::start("sordino", &arguments, &environment, &folder.join("gate.log"))
    }

    /// Kills one of the three and starts it again.
    fn strike(&mut self, which: u32) -> &'static str {
        match which % 3 {
            0 => {
                self.server.kill();
                self.server = Self::server(&self.folder);
                "server"
            }
            1 => {
                self.worker.kill();
                self.worker = Self::worker(&self.folder);
                "worker"
            }
            _ => {
                self.gate.kill();
                self.gate = Self::gate(&self.folder);
                "gate"
            }
        }
    }
}

#[test]
fn killed_at_random_points_nothing_is_lost_or_done_twice() {
    let seed =
        std::env::var("SORDINO_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(rand::random);
    println!("SORDINO_TEST_SEED={seed}");
    block_on(async move {
        let mut rng = StdRng::seed_from_u64(seed);
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path();
        let config = separate_processes(home);
        let url = format!("http://{}", config.server.listen);
        let (owner, buyer, listing) = prepare(home, &config).await;
        drop(owner);
        let mut cluster = Cluster::start(home, &url);
        until_it_answers(&cluster.url).await;

        let striking = async {
            for strike in 0..2 * JOBS {
                tokio::time::sleep(Duration::from_millis(rng.random_range(50..1_500))).await;
                let which = if strike < 3 { strike as u32 } else { rng.random_range(0..3) };
                eprintln!("killed the {}", cluster.strike(which));
            }
        };
        let buying = async {
            let mut bought = vec![];
            for number in 0..JOBS {
                let layout = if number % 2 == 0 { LayoutKind::Rollup } else { LayoutKind::Scan };
                bought.push(buy_stubbornly(&buyer, &listing, layout).await);
            }
            bought
        };
        let ((), bought) = tokio::join!(striking, buying);
        let mut spent = 0;
        let mut answers = vec![];
        for (offer, job) in &bought {
            let job = finish_stubbornly(&buyer, job).await;
            match job.state {
                JobState::Released => {
                    spent += job.price.as_minor();
                    let opened =
                        buyer::open(&buyer.session, &buyer.keys, &job, Some(offer)).await.expect("opens");
                    answers.push(opened.answer.groups);
                }
                // An unlucky job whose every attempt was struck ends as failed, and costs nothing.
                JobState::Failed => eprintln!("{}: {:?}", job.id, job.problem),
                state => panic!("{} ended {state:?}: {:?}", job.id, job.problem),
            }
        }
        assert!(answers.len() >= JOBS / 2, "{} of {JOBS} released", answers.len());
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "noise was drawn more than once");
        let balance = buyer.session.client.balance().await.expect("a balance");
        assert_eq!((balance.prepaid.as_minor(), balance.held.as_minor()), (100_000 - spent, 0));
        let storage = platform::storage(&config).await.expect("the database opens");
        let audit = storage.ledger().audit().await.expect("an audit");
        assert!(audit.is_clean(), "{:?}", audit.findings);
    });
}

/// Settings of a platform whose worker is a process of its own and gives up leases soon.
fn separate_processes(home: &Path) -> Config {
    let mut config = config(home);
    config.server.listen.set_port(free_port());
    config.worker.in_server = false;
    config.worker.lease_seconds = 2;
    let text = toml::to_string(&config).expect("settings can be written");
    std::fs::write(home.join("sordino.toml"), text).expect("written");
    config
}

/// Accounts, credit and a listing with noise, made by a server in this process.
async fn prepare(home: &Path, config: &Config) -> (Party, Party, Listing) {
    let running = sordino_server::serve::start(config.clone()).await.expect("the marketplace starts");
    let (owner, buyer) = traders(&running, home, running.url(), 100_000).await;
    let csv = home.join("people.csv");
    tables::write_small(&csv, tables::small_rows());
    let noise =
        Noise::DiscreteGaussian { epsilon_per_query: Epsilon::millionths(1_000_000), delta_exponent: 6 };
    let epsilon_budget = Some(Epsilon::millionths(1_000_000));
    let policy = Policy { min_cohort: 1, noise, epsilon_budget, ..Policy::default() };
    let listing = owner.publish(&csv, tables::small_schema(), policy).await.expect("published").listing;
    running.stop().await.expect("it stops");
    (owner, buyer, listing)
}

async fn buy_stubbornly(buyer: &Party, listing: &Listing, layout: LayoutKind) -> (CheckedOffer, Job) {
    for _ in 0..200 {
        let offer = match buyer::quote(&buyer.session, listing.id, SQL, Some(layout)).await {
            Ok(offer) => offer,
            Err(error) => {
                retryable(&error);
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        for _ in 0..200 {
            match buyer::buy(&buyer.session, &buyer.keys, &offer).await {
                Ok(job) => return (offer, job),
                Err(error) => retryable(&error),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    panic!("nothing could be bought");
}

async fn finish_stubbornly(buyer: &Party, job: &Job) -> Job {
    for _ in 0..1_200 {
        match buyer.session.client.job(job.id).await {
            Ok(job) if job.state.is_final() => return job,
            Ok(_) => {}
            Err(error) => retryable(&error),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{} does not end", job.id);
}

/// A dead server is no answer; anything else that is not worth repeating is a bug.
fn retryable(error: &ClientError) {
    if let ClientError::Problem(problem) = error {
        assert!(problem.retryable, "{problem:?}");
    }
}

#[test]
fn a_locked_database_is_survived() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let buyer = Party::join(home, app.url(), "buyer").await;
        let operator = Party::join(home, app.url(), "operator").await;
        make_operator(&app.running, &operator).await;
        let database = app.running.data_dir().join("sordino.sqlite");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
        let mut other = sqlx::ConnectOptions::connect(&options).await.expect("a second connection");
        sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("the write lock");
        let unlocking = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            sqlx::query("COMMIT").execute(&mut other).await.expect("unlocked");
        };
        tokio::join!(top_up(&operator, &buyer, 500), unlocking);
        let balance = buyer.session.client.balance().await.expect("a balance");
        assert_eq!(balance.prepaid.as_minor(), 500, "credited once, after the lock was gone");
    });
}

#[test]
fn a_full_disk_is_survived() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(_mounted) = Mounted::small(folder.path()) else {
        return skip("a small file system can be mounted (needs root)");
    };
    block_on(async {
        let home = tempfile::tempdir().expect("a folder");
        let app = TestApp::start_with(|config| config.server.data_dir = folder.path().join("data")).await;
        let owner = Party::join(home.path(), app.url(), "owner").await;
        let buyer = Party::join(home.path(), app.url(), "buyer").await;
        let operator = Party::join(home.path(), app.url(), "operator").await;
        make_operator(&app.running, &operator).await;
        let csv = home.path().join("people.csv");
        tables::write_small(&csv, tables::small_rows());
        let policy = Policy { min_cohort: 1, ..Policy::default() };

        let ballast = folder.path().join("ballast");
        fill(&ballast);
        let full =
            owner.publish(&csv, tables::small_schema(), policy.clone()).await.expect_err("the disk is full");
        let ClientError::Problem(problem) = &full else { panic!("{full}") };
        assert!(problem.retryable, "{problem:?}");

        std::fs::remove_file(&ballast).expect("space again");
        let listing = owner.publish(&csv, tables::small_schema(), policy).await.expect("published").listing;
        top_up(&operator, &buyer, 1_000).await;
        let gate = owner.run_gate().await;
        buyer.ask(&listing, SQL, None).await.expect("answered");
        assert!(app.running.storage().ledger().audit().await.expect("an audit").is_clean());
        gate.abort();
        app.running.stop().await.expect("it stops");
    });
}

/// A small file system, unmounted when dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn small(folder: &Path) -> Option<Self> {
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"])
            .arg(folder)
            .stderr(std::process::Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(folder.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: a connection may still be closing.
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Writes until there is no space but for a little.
fn fill(ballast: &Path) {
    use std::io::Write;
    let mut file = std::fs::File::create(ballast).expect("a file");
    let block = [0; 64 << 10];
    while file.write_all(&block).is_ok() {}
    let _ = file.sync_all();
}
