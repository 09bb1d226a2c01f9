//! Defines every setting with its type, meaning and default, and reads their values.
//!
//! A settings file overrides the defaults, the environment overrides the file, and flags override the environment. The rest
//! of the program gets [`Settings`] and reads neither environment nor files.

mod admin;
mod conflict;
mod ineffective;
mod language_limits;
mod limits;
mod runners;
mod sign_in;
mod source;
mod unsupported;
mod users;
mod values;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use coderun_domain::StorePolicy;

use crate::compose::values::{KeyPrefix, LanguageTable, LanguageTableError, RedisAddress};
use values::{languages_file, seconds, whole};

pub(crate) use admin::AdminAddress;
pub(crate) use limits::LimitSettings;
pub(crate) use runners::{Runner, RunnerSettings};
pub(crate) use source::read;
pub(crate) use users::{TokenIssuer, UserSettings};
pub(crate) use values::Origins;

/// The default port of the API.
const API_PORT: u16 = 8001;
/// The user of development tokens that name no other.
pub(crate) const DEVELOPER: &str = "developer";
/// The least default of what one user runs at a time.
const USER_RUNNING_MAX_LEAST: u32 = 8;
/// The default port of a worker's health checks.
const HEALTH_PORT: u16 = 8002;

/// A command with its settings, as read from the command line.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    pub(crate) command: Command,
    pub(crate) settings: Settings,
    /// Every setting that has a value, as text, in the order of the help.
    pub(crate) effective: Vec<(String, String)>,
}

/// Runs submitted code in a sandbox and streams its output while it runs.
///
/// Each setting is a flag, an environment variable of the same name (`--execution-ttl`, `EXECUTION_TTL`) and a key of the settings
/// file (`execution_ttl`). Flags override the environment, the environment overrides the file.
#[derive(Debug, Parser)]
#[command(name = "coderun", version, next_line_help = true)]
pub(crate) struct CommandLine {
    /// Command to run; without one, `serve`.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// TOML file with settings.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The settings.
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// A command of the program.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Command {
    /// Serve the API, run executions, or both, depending on the role (the default).
    Serve,
    /// Print a token of the development issuer.
    Token(TokenRequest),
    /// Check what works on this machine and what does not.
    Doctor,
    /// Check the settings and print the effective ones.
    CheckConfig,
    /// Print the OpenAPI document of the API.
    Openapi,
    /// Print the AsyncAPI document of sockets and event streams.
    Asyncapi,
    /// Ask a running service whether it is ready; for containers.
    Healthcheck {
        /// Base URL of the service. Default: the address in the settings.
        url: Option<String>,
    },
}

/// The user and the lifetime of a token to print.
#[derive(Debug, Clone, Args)]
pub(crate) struct TokenRequest {
    /// User id.
    #[arg(long, default_value = DEVELOPER)]
    pub(crate) uid: String,
    /// Email address of the user.
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Name of the user.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Lifetime of the token in seconds.
    #[arg(long, default_value = "3600", value_parser = seconds)]
    pub(crate) lifetime: Duration,
}

/// The settings of a process.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) host: IpAddr,
    /// Port to listen on; 0 picks a free one. Default: 8001, or 8002 for a worker, which serves health checks only.
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Role of this process: serve the API (`api`), run executions (`worker`), or both (`all`). Separate roles need shared state.
    #[arg(long, default_value = "all")]
    pub(crate) role: Role,
    /// Redis or Valkey for state that several processes share: `redis://`, `rediss://`,
    /// `redis+sentinel://host,host/master-name` or `redis+cluster://host,host`. Without it, state is kept in
    /// `DATA_DIR`, or else in the memory of this process.
    #[arg(long, hide_default_value = true)]
    pub(crate) redis_url: Option<RedisAddress>,
    /// Redis replicas that must confirm an accepted or finished execution before the answer is sent; 0 waits for none.
    /// Not supported on a cluster.
    #[arg(long, default_value_t = 0, value_parser = whole::<0, 16, u32>)]
    pub(crate) redis_wait_replicas: u32,
    /// Folder that keeps state across restarts, without Redis; created if it is missing. Only one process at a time can use it.
    #[arg(long)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Prefix of all key names in Redis.
    #[arg(long, default_value_t = KeyPrefix::default())]
    pub(crate) key_prefix: KeyPrefix,
    /// The runner of the code.
    #[command(flatten)]
    pub(crate) runners: RunnerSettings,
    /// Seconds that running executions may still take after the service is told to stop.
    #[arg(long, default_value = "30", value_parser = seconds)]
    pub(crate) drain_seconds: Duration,
    /// IP address and port of the metrics, for operators only; port 0 picks a free one, `off` disables them. Default:
    /// `127.0.0.1:9001`, or none if that is in use.
    #[arg(long)]
    pub(crate) admin_addr: Option<AdminAddress>,
    /// Origins of pages that may call the API, separated by commas; `https://*.example.org` allows one or more labels
    /// in place of `*`. Default: none, or every loopback origin with tokens of the development issuer or the emulator.
    #[arg(long)]
    pub(crate) cors_origins: Option<Origins>,
    /// Folder for the key of the development issuer. Default: `coderun` in the user's state directory.
    #[arg(long)]
    pub(crate) state_dir: Option<PathBuf>,
    /// Folders to search for compilers and interpreters, separated by colons. Default: those of PATH.
    #[arg(long)]
    pub(crate) toolchain_path: Option<String>,
    /// TOML file that adds languages, or changes single keys of those that are built in.
    #[arg(long, value_name = "FILE", value_parser = languages_file)]
    pub(crate) languages_file: Option<LanguageTable>,
    /// The users whose tokens are accepted.
    #[command(flatten)]
    pub(crate) users: UserSettings,
    /// Format of log lines. Default: `pretty` on a terminal, `json` elsewhere.
    #[arg(long)]
    pub(crate) log_format: Option<LogFormat>,
    /// Sizes, times and counts.
    #[command(flatten)]
    pub(crate) limits: LimitSettings,
    /// The user's home directory, which version managers of toolchains need.
    #[arg(skip)]
    pub(crate) home: Option<String>,
}

impl Settings {
    /// The address to listen on.
    pub(crate) fn listen_address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port())
    }

    /// The languages that the service knows.
    pub(crate) fn languages(&self) -> Result<LanguageTable, LanguageTableError> {
        let own = self.languages_file.clone();
        own.map_or_else(|| LanguageTable::with_file(""), Ok)
    }

    /// The limits of the store. A user may use all places of a worker while nobody else waits. A process without a worker
    /// does not know how many those are, and only takes part in counting.
    pub(crate) fn store_policy(&self) -> StorePolicy {
        let places = u32::try_from(self.runners.places()).unwrap_or(u32::MAX);
        self.limits.store_policy(if self.role.runs_code() {
            places.max(USER_RUNNING_MAX_LEAST)
        } else {
            u32::MAX
        })
    }

    /// The most programs that run here at a time, with those that wait for a person.
    pub(crate) fn programs_max(&self) -> usize {
        if self.role.runs_code() {
            self.runners.concurrency().total() + self.limits.interactive_max
        } else {
            0
        }
    }

    /// The port to listen on.
    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(match self.role {
            Role::All | Role::Api => API_PORT,
            Role::Worker => HEALTH_PORT,
        })
    }

    /// Whether other processes can use the state of this one.
    pub(crate) const fn shares_state(&self) -> bool {
        self.redis_url.is_some()
    }
}

/// The role of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Serve the API and run executions.
    All,
    /// Serve the API; other processes run executions.
    Api,
    /// Run executions; other processes serve the API.
    Worker,
}

impl Role {
    /// The name of the role, as in the settings.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Worker => "worker",
        }
    }

    /// Whether the process runs executions.
    pub(crate) const fn runs_code(self) -> bool {
        match self {
            Self::All | Self::Worker => true,
            Self::Api => false,
        }
    }

    /// Whether the process serves the API.
    pub(crate) const fn serves_api(self) -> bool {
        match self {
            Self::All | Self::Api => true,
            Self::Worker => false,
        }
    }
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Pretty,
    /// For machines.
    Json,
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
