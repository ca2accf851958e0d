//! The server's configuration: one typed file plus environment overrides, read once, here.
//!
//! Every field has a default, so no file is needed. `SORDINO__SERVER__LISTEN=0.0.0.0:8788`
//! overrides `listen` of section `[server]`; an unknown field is an error that names it.

use std::{net::SocketAddr, path::PathBuf};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Serialize};
use sordino_protocol::money::Currency;

/// All settings.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where it listens and keeps its things.
    pub server: Server,
    /// Where relational state lives.
    pub database: Database,
    /// Where objects live.
    pub objects: Objects,
    /// How jobs are evaluated.
    pub worker: Worker,
    /// Currency and fee.
    pub money: Money,
    /// What is refused as too much.
    pub limits: Limits,
    /// What is logged.
    pub logging: Logging,
}

/// Section `[server]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How others reach it, for links and cookies; by default `http://` and `listen`.
    pub public_url: Option<String>,
    /// Everything that is not configured elsewhere is kept in this folder.
    pub data_dir: PathBuf,
    /// Threads that answer requests; 0 is one per core.
    pub threads: usize,
    /// Whether strangers may register.
    pub open_registration: bool,
    /// Whether a proxy in front reports the caller's address truthfully.
    pub behind_proxy: bool,
    /// Hours until a session ends.
    pub session_hours: u32,
}

/// Section `[database]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `sqlite://PATH` or `postgres://…`; by default `sordino.sqlite` in the data folder.
    pub url: Option<String>,
    /// Connections at most; 0 is a fitting default.
    pub max_connections: u32,
}

/// Section `[objects]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Objects {
    /// Folder of the objects; by default `objects` in the data folder.
    pub folder: Option<PathBuf>,
}

/// Section `[worker]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Worker {
    /// Whether `serve` also evaluates jobs; otherwise run `sordino-server worker` beside it.
    pub in_server: bool,
    /// Threads that compute on ciphertext; 0 is one per core.
    pub threads: usize,
    /// Jobs evaluated at the same time, sharing the threads.
    pub concurrent_jobs: usize,
    /// Seconds until another worker may take over a job whose worker is silent.
    pub lease_seconds: u32,
    /// Hours until a job that nobody finished expires and its hold is void.
    pub expire_hours: u32,
    /// Compute units (about microseconds of one core of the reference machine) per second and
    /// thread on this machine, as `sordino-server bench` measures; only for expected seconds.
    pub units_per_second: u64,
}

/// Section `[money]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Money {
    /// Currency of balances.
    pub currency: Currency,
    /// The platform's share of a price, in hundredths of a percent.
    pub fee_basis_points: u16,
    /// Minutes a quote stands.
    pub quote_minutes: u32,
}

/// Section `[limits]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of a JSON body.
    pub json_bytes: usize,
    /// Bytes of a manifest's JSON, which lists every object.
    pub manifest_bytes: usize,
    /// Bytes of a stored object.
    pub object_bytes: u64,
    /// Attempts to register or sign in, per address and minute.
    pub sign_ins_per_minute: u32,
    /// Quotes per account and minute.
    pub quotes_per_minute: u32,
    /// Bytes of the JSON of a model for sale.
    pub model_bytes: usize,
    /// Bytes of the encrypted inputs of one request for predictions.
    pub prediction_bytes: u64,
    /// Requests for predictions per account and minute.
    pub predictions_per_minute: u32,
}

/// Section `[logging]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Logging {
    /// Directives such as `info,sordino_web=debug`.
    pub filter: String,
    /// One JSON object a line, or text for people.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8788)),
            public_url: None,
            data_dir: PathBuf::from("sordino-data"),
            threads: 0,
            open_registration: true,
            behind_proxy: false,
            session_hours: 12,
        }
    }
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            in_server: true,
            threads: 0,
            concurrent_jobs: 2,
            lease_seconds: 30,
            expire_hours: 72,
            units_per_second: 1_000_000,
        }
    }
}

impl Default for Money {
    fn default() -> Self {
        Self { currency: Currency::EUR, fee_basis_points: 1_000, quote_minutes: 15 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            json_bytes: 1 << 20,
            manifest_bytes: 64 << 20,
            object_bytes: 1 << 30,
            sign_ins_per_minute: 30,
            quotes_per_minute: 240,
            model_bytes: 32 << 20,
            prediction_bytes: 256 << 20,
            predictions_per_minute: 240,
        }
    }
}

impl Default for Logging {
    fn default() -> Self {
        Self { filter: "info,sqlx=warn,sea_orm_migration=warn".to_owned(), format: LogFormat::Text }
    }
}

impl Config {
    /// Reads the file, if one is given, and the environment.
    ///
    /// # Errors
    /// Names the field and the source of what cannot be read.
    pub fn load(file: Option<&std::path::Path>) -> Result<Self, Box<figment::Error>> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        figment.merge(Env::prefixed("SORDINO__").split("__")).extract().map_err(Box::new)
    }

    /// The database's address.
    pub fn database_url(&self) -> String {
        self.database.url.clone().unwrap_or_else(|| {
            format!("sqlite://{}?mode=rwc", self.server.data_dir.join("sordino.sqlite").display())
        })
    }

    /// The folder of the objects.
    pub fn objects_folder(&self) -> PathBuf {
        self.objects.folder.clone().unwrap_or_else(|| self.server.data_dir.join("objects"))
    }

    /// Threads that compute on ciphertext.
    pub fn compute_threads(&self) -> usize {
        match self.worker.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_configuration_is_read_and_an_unknown_field_refused() {
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/sordino.example.toml");
        let config = Config::load(Some(sample.as_ref())).expect("the sample is valid");
        assert_eq!(config.money.currency, Currency::EUR);
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("bad.toml");
        std::fs::write(&file, "[server]\nlisten_on = \"127.0.0.1:1\"\n").expect("written");
        let error = Config::load(Some(&file)).expect_err("unknown field").to_string();
        assert!(error.contains("listen_on"), "{error}");
    }
}
