//! Every setting, with its type, its meaning and its default; and where values come from.
//!
//! Defaults stand here. A file replaces them, the environment the file, and flags the environment. The rest of the
//! program gets [`Settings`] and reads neither environment nor files.

mod admin;
mod conflict;
mod idle;
mod limits;
mod runners;
mod source;
mod unsupported;
mod users;
mod values;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::compose::values::KeyPrefix;

pub(crate) use admin::AdminAddress;
pub(crate) use limits::LimitSettings;
pub(crate) use runners::{Runner, RunnerSettings};
pub(crate) use source::read;
pub(crate) use users::{Issuers, UserSettings};
pub(crate) use values::{Origins, RedisUrl, Seconds, Size};

/// Where the API is found.
const API_PORT: u16 = 8001;
/// Where a worker says how it is.
const HEALTH_PORT: u16 = 8002;

/// What the program was asked to do, and with what settings.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    pub(crate) command: Command,
    pub(crate) settings: Settings,
    /// Every setting that has a value, as text, in the order of the help.
    pub(crate) effective: Vec<(String, String)>,
}

/// Runs code that people send, in a sandbox, and shows what happens while it happens.
///
/// Each setting is a flag, an environment variable of the same name (`--execution-ttl`, `EXECUTION_TTL`) and a key of the settings
/// file (`execution_ttl`). Flags win over the environment, the environment over the file.
#[derive(Debug, Parser)]
#[command(name = "coderun", version, next_line_help = true)]
pub(crate) struct CommandLine {
    /// What to do; without it, serve.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// TOML file with settings.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The settings.
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// What the program can do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Command {
    /// Do what the role says: serve the API and run what is submitted (the default).
    Serve,
    /// Print a token of the development issuer.
    Token(TokenRequest),
    /// Find out what works on this machine and what does not.
    Doctor,
    /// Check the settings and print them as they are in force.
    CheckConfig,
    /// Ask a running service whether it is ready; for containers.
    Healthcheck {
        /// The service's base URL; by default where the settings say that it listens.
        url: Option<String>,
    },
}

/// Whose token to print.
#[derive(Debug, Clone, Args)]
pub(crate) struct TokenRequest {
    /// User id.
    #[arg(long, default_value = "developer")]
    pub(crate) uid: String,
    /// Address of the user.
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Name of the user.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// How long the token is valid, in seconds.
    #[arg(long, default_value = "3600")]
    pub(crate) lifetime: Seconds,
}

/// Everything that can be set.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) host: IpAddr,
    /// Port to listen on; 0 takes a free one. By default 8001, and 8002 for a worker, which answers only how it is.
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// What this process does: serve the API (`api`), run what is submitted (`worker`), or both (`all`). Apart they need state that they share.
    #[arg(long, default_value = "all")]
    pub(crate) role: Role,
    /// Redis or Valkey, where state is kept that several processes share: `redis://`, `rediss://`, `redis+sentinel://host,host/master-name` or `redis+cluster://host,host`. Without it, state is kept in `DATA_DIR`, or else in the memory of this process.
    #[arg(long, hide_default_value = true)]
    pub(crate) redis_url: Option<RedisUrl>,
    /// Redis replicas that must have what was accepted or finished before that is told; 0 waits for none. Not on a cluster.
    #[arg(long, default_value_t = 0)]
    pub(crate) redis_wait_replicas: u32,
    /// Folder where state is kept across restarts, without Redis; made if it is not there. One process at a time works on it.
    #[arg(long)]
    pub(crate) data_dir: Option<PathBuf>,
    /// What the names of all keys in Redis begin with.
    #[arg(long, default_value_t = KeyPrefix::default())]
    pub(crate) key_prefix: KeyPrefix,
    /// What runs the code.
    #[command(flatten)]
    pub(crate) runners: RunnerSettings,
    /// Seconds that what runs may still take when the service is told to stop.
    #[arg(long, default_value = "30")]
    pub(crate) drain_seconds: Seconds,
    /// IP address and port of metrics, for operators alone; port 0 takes a free one, `off` serves none. By default `127.0.0.1:9001`, and none where that is taken.
    #[arg(long)]
    pub(crate) admin_addr: Option<AdminAddress>,
    /// Origins of pages that may call the API, separated by commas. By default none; with tokens of the development issuer or the emulator every loopback origin.
    #[arg(long)]
    pub(crate) cors_origins: Option<Origins>,
    /// Folder for the key of the development issuer; by default `coderun` in the user's state directory.
    #[arg(long)]
    pub(crate) state_dir: Option<PathBuf>,
    /// Folders in which compilers and interpreters are looked for, separated by colons; by default those of PATH.
    #[arg(long)]
    pub(crate) toolchain_path: Option<String>,
    /// Who users are.
    #[command(flatten)]
    pub(crate) users: UserSettings,
    /// How log lines look; by default `pretty` on a terminal and `json` elsewhere.
    #[arg(long)]
    pub(crate) log_format: Option<LogFormat>,
    /// Sizes, times and counts.
    #[command(flatten)]
    pub(crate) limits: LimitSettings,
    /// The user's home directory, which version managers of toolchains ask for.
    #[arg(skip)]
    pub(crate) home: Option<String>,
}

impl Settings {
    /// Where to listen.
    pub(crate) fn listen_address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port())
    }

    /// On which port to listen.
    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(match self.role {
            Role::All | Role::Api => API_PORT,
            Role::Worker => HEALTH_PORT,
        })
    }

    /// Whether other processes can work with the state of this one.
    pub(crate) const fn shares_state(&self) -> bool {
        self.redis_url.is_some()
    }
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Serve the API and run what is submitted.
    All,
    /// Serve the API; workers are elsewhere.
    Api,
    /// Run what is submitted; the API is elsewhere.
    Worker,
}

impl Role {
    /// The word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Worker => "worker",
        }
    }

    /// Whether it runs what is submitted.
    pub(crate) const fn runs_code(self) -> bool {
        match self {
            Self::All | Self::Worker => true,
            Self::Api => false,
        }
    }

    /// Whether users talk to it.
    pub(crate) const fn serves_api(self) -> bool {
        match self {
            Self::All | Self::Api => true,
            Self::Worker => false,
        }
    }
}

/// How log lines look.
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
