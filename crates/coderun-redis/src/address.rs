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
    pub(crate) const fn is_cluster(&self) -> bool {
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
        let target = match scheme {
            "redis" | "rediss" => Target::Node(parse_node(text)?),
            "redis+sentinel" => parse_sentinel("redis", rest)?,
            "rediss+sentinel" => parse_sentinel("rediss", rest)?,
            "redis+cluster" => parse_cluster("redis", rest)?,
            "rediss+cluster" => parse_cluster("rediss", rest)?,
            _ => return Err(AddressError::Scheme),
        };
        Ok(Self { target })
    }
}

fn parse_node(url: &str) -> Result<ConnectionInfo, AddressError> {
    // The error of the library may repeat the address, and with it the password.
    url.into_connection_info().map_err(|_| AddressError::Host)
}

fn parse_sentinel(scheme: &str, rest: &str) -> Result<Target, AddressError> {
    let (authority, path) = rest.split_once('/').ok_or(AddressError::MasterName)?;
    let (master_name, database) = path.split_once('/').unwrap_or((path, ""));
    if master_name.is_empty() {
        return Err(AddressError::MasterName);
    }
    let (credentials, hosts) = split_credentials(authority);
    let addresses = parse_hosts(scheme, "", hosts, SENTINEL_PORT)?;
    let master = parse_node(&format!("{scheme}://{credentials}master/{database}"))?;
    Ok(Target::Sentinel(Sentinels {
        addresses,
        master_name: master_name.to_owned(),
        master,
        has_tls: scheme == "rediss",
    }))
}

fn parse_cluster(scheme: &str, rest: &str) -> Result<Target, AddressError> {
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains('/') {
        return Err(AddressError::Database);
    }
    let (credentials, hosts) = split_credentials(authority);
    Ok(Target::Cluster(parse_hosts(
        scheme,
        credentials,
        hosts,
        NODE_PORT,
    )?))
}

/// Splits into the credentials with their `@`, and the hosts.
fn split_credentials(authority: &str) -> (&str, &str) {
    let end = authority.rfind('@').map_or(0, |at| at + 1);
    authority.split_at(end)
}

fn parse_hosts(
    scheme: &str,
    credentials: &str,
    hosts: &str,
    default_port: u16,
) -> Result<Vec<ConnectionInfo>, AddressError> {
    let parse = |host: &str| {
        let host = host.trim();
        // A colon inside brackets belongs to an IPv6 address.
        let has_port = host.rsplit(']').next().is_some_and(|it| it.contains(':'));
        let port = if has_port {
            String::new()
        } else {
            format!(":{default_port}")
        };
        match host {
            "" => Err(AddressError::Host),
            host => parse_node(&format!("{scheme}://{credentials}{host}{port}")),
        }
    };
    hosts.split(',').map(parse).collect()
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
    /// A host, port or database cannot be parsed.
    #[error(
        "expected [user:password@]host[:port], several of them separated by commas, and a number as the database"
    )]
    Host,
    /// The address of Sentinels lacks the name of the master.
    #[error(
        "expected the name of the master behind the sentinels: redis+sentinel://host,host/master-name"
    )]
    MasterName,
    /// The address of a Cluster names a database.
    #[error("expected nothing after the hosts of a cluster: it has no databases")]
    Database,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("redis://localhost", "redis at localhost:6379")]
    #[case("redis://user:hush@10.0.0.1:7000/2", "redis at 10.0.0.1:7000")]
    #[case("rediss://[::1]:7000", "redis at ::1:7000")]
    #[case(
        "redis+sentinel://:hush@a,b:7,c/mymaster/3",
        "redis mymaster by sentinels at a:26379,b:7,c:26379"
    )]
    #[case("redis+cluster://u:hush@a, b:7001/", "redis cluster at a:6379,b:7001")]
    fn addresses_are_parsed_and_displayed_without_the_password(
        #[case] text: &str,
        #[case] shown: &str,
    ) {
        let address: RedisAddress = text.parse().unwrap();
        assert_eq!(address.to_string(), shown);
        assert!(!format!("{address:?}").contains("hush"));
    }

    #[rstest]
    #[case("localhost:6379", AddressError::Scheme)]
    #[case("http://localhost", AddressError::Scheme)]
    #[case("redis://", AddressError::Host)]
    #[case("redis://host:port", AddressError::Host)]
    #[case("redis://host/zero", AddressError::Host)]
    #[case("redis+sentinel://a,b", AddressError::MasterName)]
    #[case("redis+sentinel://a,b/", AddressError::MasterName)]
    #[case("redis+cluster://a,,b", AddressError::Host)]
    #[case("redis+cluster://a/1", AddressError::Database)]
    fn a_bad_address_is_refused(#[case] text: &str, #[case] error: AddressError) {
        assert_eq!(text.parse::<RedisAddress>().unwrap_err(), error);
    }

    #[test]
    fn credentials_and_database_belong_to_the_master_and_not_to_the_sentinels() {
        let address: RedisAddress = "redis+sentinel://:hush@a/m/3".parse().unwrap();
        let Target::Sentinel(sentinels) = address.target else {
            panic!("expected sentinels");
        };
        assert_eq!(sentinels.addresses[0].redis_settings().password(), None);
        let settings = sentinels.master.redis_settings();
        assert_eq!((settings.password(), settings.db()), (Some("hush"), 3));
    }
}
