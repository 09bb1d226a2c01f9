//! Parses addresses of Redis: one node, Sentinels that know the master, or a Cluster.

use std::fmt;
use std::str::FromStr;

use deadpool_redis::redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _};

const NODE_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// The address of Redis. `Debug` and `Display` show hosts, never a password.
///
/// - `redis://[user:password@]host[:port][/database]`, `rediss://…` with TLS;
/// - `redis+sentinel://[user:password@]host[:port],host…/master-name[/database]`, with the credentials of the master;
/// - `redis+cluster://[user:password@]host[:port],host…`.
///
/// `rediss+sentinel` and `rediss+cluster` use TLS.
#[derive(Clone)]
pub struct RedisAddress {
    pub(crate) target: Target,
}

#[derive(Clone)]
pub(crate) enum Target {
    Node(ConnectionInfo),
    Sentinel(Sentinels),
    Cluster(Vec<ConnectionInfo>),
}

/// Sentinels, and the master to ask them for.
#[derive(Clone)]
pub(crate) struct Sentinels {
    pub(crate) addresses: Vec<ConnectionInfo>,
    pub(crate) master_name: String,
    /// Credentials, database and TLS of the master; its host is a placeholder.
    pub(crate) master: ConnectionInfo,
    pub(crate) has_tls: bool,
}

impl RedisAddress {
    /// Whether this is a Cluster.
    #[must_use]
    pub const fn is_cluster(&self) -> bool {
        match &self.target {
            Target::Cluster(_) => true,
            Target::Node(_) | Target::Sentinel(_) => false,
        }
    }
}

impl FromStr for RedisAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::Scheme)?;
        let parts = Parts::split(rest)?;
        let target = match scheme {
            "redis" | "rediss" => Target::Node(parse_single(scheme, &parts)?),
            "redis+sentinel" => parse_sentinel("redis", &parts)?,
            "rediss+sentinel" => parse_sentinel("rediss", &parts)?,
            "redis+cluster" => parse_cluster("redis", &parts)?,
            "rediss+cluster" => parse_cluster("rediss", &parts)?,
            _ => return Err(AddressError::Scheme),
        };
        Ok(Self { target })
    }
}

/// An address behind its scheme. The client library drops or misreads some of what an address may hold, so it gets only what has
/// passed here.
struct Parts<'a> {
    /// With the `@` behind them; empty without any.
    credentials: &'a str,
    hosts: &'a str,
    /// Without the slash before it.
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn split(rest: &'a str) -> Result<Self, AddressError> {
        let authority_end = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(authority_end);
        // Behind an `@` that is not the first one, or after a `/`, is what was meant as the end of a password.
        if rest.matches('@').count() > 1 || path.contains('@') {
            return Err(AddressError::NotEncoded);
        }
        if rest.contains('#') {
            return Err(AddressError::Fragment);
        }
        if rest.contains('?') {
            return Err(AddressError::Query);
        }
        let credentials_end = authority.find('@').map_or(0, |at| at + 1);
        let (credentials, hosts) = authority.split_at(credentials_end);
        check_credentials(credentials)?;
        Ok(Self {
            credentials,
            hosts,
            path: path.strip_prefix('/').unwrap_or_default(),
        })
    }
}

/// Refuses credentials of which a part would be dropped.
fn check_credentials(credentials: &str) -> Result<(), AddressError> {
    let Some(credentials) = credentials.strip_suffix('@') else {
        return Ok(());
    };
    let (_, password) = credentials.split_once(':').unwrap_or_default();
    if password.is_empty() {
        return Err(AddressError::NoPassword);
    }
    let is_escape = |rest: &str| {
        let mut digits = rest.bytes().take(2);
        digits.len() == 2 && digits.all(|digit| digit.is_ascii_hexdigit())
    };
    let has_bad_escape = credentials.split('%').skip(1).any(|rest| !is_escape(rest));
    if has_bad_escape || credentials.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(AddressError::NotEncoded);
    }
    Ok(())
}

fn parse_single(scheme: &str, parts: &Parts<'_>) -> Result<ConnectionInfo, AddressError> {
    if parts.hosts.contains(',') {
        return Err(AddressError::ManyHosts);
    }
    check_database(parts.path)?;
    let mut nodes = parse_hosts(
        scheme,
        parts.credentials,
        parts.hosts,
        parts.path,
        NODE_PORT,
    )?;
    nodes.pop().ok_or(AddressError::Host)
}

/// Accepts nothing, or a number as the server counts its databases.
fn check_database(path: &str) -> Result<(), AddressError> {
    let is_number = path.bytes().all(|byte| byte.is_ascii_digit());
    let is_possible = path.is_empty() || path.parse::<u16>().is_ok();
    (is_number && is_possible)
        .then_some(())
        .ok_or(AddressError::Database)
}

fn parse_sentinel(scheme: &str, parts: &Parts<'_>) -> Result<Target, AddressError> {
    let (master_name, database) = parts.path.split_once('/').unwrap_or((parts.path, ""));
    if master_name.is_empty() {
        return Err(AddressError::MasterName);
    }
    check_database(database)?;
    let addresses = parse_hosts(scheme, "", parts.hosts, "", SENTINEL_PORT)?;
    let credentials = parts.credentials;
    let master = parse_node(&format!("{scheme}://{credentials}master/{database}"))?;
    Ok(Target::Sentinel(Sentinels {
        addresses,
        master_name: master_name.to_owned(),
        master,
        has_tls: scheme == "rediss",
    }))
}

fn parse_cluster(scheme: &str, parts: &Parts<'_>) -> Result<Target, AddressError> {
    if !parts.path.is_empty() {
        return Err(AddressError::ClusterDatabase);
    }
    let nodes = parse_hosts(scheme, parts.credentials, parts.hosts, "", NODE_PORT)?;
    Ok(Target::Cluster(nodes))
}

fn parse_hosts(
    scheme: &str,
    credentials: &str,
    hosts: &str,
    database: &str,
    default_port: u16,
) -> Result<Vec<ConnectionInfo>, AddressError> {
    let parse = |host: &str| {
        let host = host.trim();
        // A colon inside brackets belongs to an IPv6 address.
        let port = host.rsplit(']').next().and_then(|it| it.rsplit_once(':'));
        let default_port = match port {
            Some((_, port)) if port.parse::<u16>().is_ok_and(|port| port > 0) => String::new(),
            Some(_) => return Err(AddressError::Host),
            None => format!(":{default_port}"),
        };
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(AddressError::Host);
        }
        parse_node(&format!(
            "{scheme}://{credentials}{host}{default_port}/{database}"
        ))
    };
    hosts.split(',').map(parse).collect()
}

fn parse_node(url: &str) -> Result<ConnectionInfo, AddressError> {
    // The error of the library may repeat the address, and with it the password.
    url.into_connection_info().map_err(|_| AddressError::Host)
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Node(node) => write!(f, "redis at {}", host_and_port(node)),
            Target::Sentinel(sentinels) => {
                let (name, hosts) = (&sentinels.master_name, host_list(&sentinels.addresses));
                write!(f, "redis {name} by sentinels at {hosts}")
            }
            Target::Cluster(nodes) => write!(f, "redis cluster at {}", host_list(nodes)),
        }
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisAddress({self})")
    }
}

fn host_list(nodes: &[ConnectionInfo]) -> String {
    let hosts: Vec<_> = nodes.iter().map(host_and_port).collect();
    hosts.join(",")
}

fn host_and_port(node: &ConnectionInfo) -> String {
    let address = node.addr();
    if let ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } = address {
        format!("{host}:{port}")
    } else {
        address.to_string()
    }
}

/// An address is invalid. The error does not repeat it, because it may contain a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The scheme is unknown.
    #[error(
        "expected an address that begins with redis://, rediss://, redis+sentinel:// or redis+cluster://"
    )]
    Scheme,
    /// A host or a port cannot be parsed.
    #[error("expected [user:password@]host[:port], several of them separated by commas")]
    Host,
    /// A single node has several hosts.
    #[error(
        "expected one host: several of them belong to redis+sentinel://host,host/master-name or redis+cluster://host,host"
    )]
    ManyHosts,
    /// The user or the password has a character that ends it.
    #[error(
        "user and password must be percent-encoded: `%` as %25, `@` as %40, `/` as %2F, `:` as %3A, \
         `#` as %23, `?` as %3F, and a space as %20"
    )]
    NotEncoded,
    /// The user has no password, so that both would be dropped.
    #[error("expected a password behind the user, as in redis://user:password@host, or no `@`")]
    NoPassword,
    /// There is a `#`.
    #[error("expected no `#`: in a password it is percent-encoded as %23")]
    Fragment,
    /// There is a query.
    #[error(
        "expected no `?`: in a password it is percent-encoded as %3F, and options are not supported; the database goes into \
         the path, as in redis://host/1"
    )]
    Query,
    /// The database is no number.
    #[error("expected a number as the database, as in redis://host/1")]
    Database,
    /// The address of Sentinels lacks the name of the master.
    #[error(
        "expected the name of the master behind the sentinels: redis+sentinel://host,host/master-name"
    )]
    MasterName,
    /// The address of a Cluster names a database.
    #[error("expected nothing after the hosts of a cluster: it has no databases")]
    ClusterDatabase,
}

#[cfg(test)]
mod tests;
