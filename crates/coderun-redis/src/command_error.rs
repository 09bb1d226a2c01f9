//! Names the errors of one command, and classifies them as transient or as the end of a connection.

use std::time::Duration;

use deadpool::managed::PoolError;
use deadpool_redis::redis::{ErrorKind, RedisError, ServerErrorKind};

/// The codes of server errors that may pass soon. `BUSY`: the script of another client takes too long. `NOREPLICAS`: the
/// master waits for its replicas.
const TRANSIENT_CODES: [&str; 9] = [
    "LOADING",
    "TRYAGAIN",
    "CLUSTERDOWN",
    "MASTERDOWN",
    "READONLY",
    "MOVED",
    "ASK",
    "BUSY",
    "NOREPLICAS",
];

/// The error of one command. Shows no password; hosts only where the system's own error names them.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum CommandError {
    /// The server refused the command, or the connection failed.
    #[error("redis failed")]
    Redis(#[from] RedisError),
    /// No connection could be made.
    #[error("cannot connect to redis")]
    Connect(#[source] RedisError),
    /// No connection could be made in time.
    #[error("cannot connect to redis in time")]
    ConnectTimedOut,
    /// There was no answer in time.
    #[error("redis did not answer within {0:?}")]
    TimedOut(Duration),
    /// The master has stored the change, but too few replicas have.
    #[error("only {reached} of {wanted} replicas have stored the change")]
    NotReplicated {
        /// The number of replicas that have it.
        reached: u32,
        /// The number of replicas that must have it.
        wanted: u32,
    },
    /// The user of the connection may not do everything that the service does.
    #[error("redis does not allow {0}")]
    MissingRights(String),
    /// The server has lost the staged value of a step, which has changed nothing.
    #[error("redis has lost a staged value")]
    Unstaged,
    /// The task that makes the connection has ended.
    #[error("the runtime of the connections has ended")]
    RuntimeEnded,
}

impl CommandError {
    /// Whether the same command may succeed soon. It may have run already: every command sent here can be repeated.
    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            Self::Redis(error) | Self::Connect(error) => is_transient(error),
            Self::ConnectTimedOut | Self::TimedOut(_) | Self::Unstaged => true,
            // The call has waited for the replicas already; a retry would wait as long again.
            Self::NotReplicated { .. } | Self::MissingRights(_) | Self::RuntimeEnded => false,
        }
    }

    /// Whether the server refused the command for good. Of a group, this may be the fault of any step.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Redis(_)) && !self.is_retryable()
    }

    /// Whether the connection must be replaced: it is broken, or its server is no longer the master.
    pub(crate) fn breaks_connection(&self) -> bool {
        match self {
            Self::Redis(error) => {
                matches!(code(error), "READONLY" | "MASTERDOWN")
                    || error.is_io_error()
                    || error.is_unrecoverable_error()
            }
            Self::TimedOut(_) => true,
            Self::Connect(_)
            | Self::ConnectTimedOut
            | Self::NotReplicated { .. }
            | Self::MissingRights(_)
            | Self::Unstaged
            | Self::RuntimeEnded => false,
        }
    }

    /// Whether the server does not know the script, so that it must be sent in full.
    pub(crate) fn is_unknown_script(&self) -> bool {
        matches!(self, Self::Redis(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
    }
}

impl From<PoolError<RedisError>> for CommandError {
    fn from(error: PoolError<RedisError>) -> Self {
        match error {
            PoolError::Backend(error) => Self::Connect(error),
            PoolError::Timeout(_) => Self::ConnectTimedOut,
            PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                Self::RuntimeEnded
            }
        }
    }
}

/// Whether the server refused the user or the password. The client of a Cluster tells that in the text of a network error.
pub(crate) fn is_refused_login(error: &RedisError) -> bool {
    let detail = error.detail().unwrap_or_default();
    error.kind() == ErrorKind::AuthenticationFailed || detail.contains("AuthenticationFailed")
}

/// Whether the server or the network may recover soon. A full memory (`OOM`) or a wrong password does not: an operator must act.
fn is_transient(error: &RedisError) -> bool {
    if is_refused_login(error) {
        return false;
    }
    let is_of_network = matches!(
        error.kind(),
        ErrorKind::Io
            | ErrorKind::Parse
            | ErrorKind::ClusterConnectionNotFound
            | ErrorKind::MasterNameNotFoundBySentinel
    );
    is_of_network || TRANSIENT_CODES.contains(&code(error)) || is_of_moving_slot(error)
}

/// Whether a script has missed keys because their slot moves to another node of a Cluster. This error has no code of its own.
fn is_of_moving_slot(error: &RedisError) -> bool {
    let detail = error.detail().unwrap_or_default();
    detail.contains("attempted to access a non local key")
}

/// The code at the start of a server error. Redis 6 wraps the errors of commands inside a script:
/// `ERR Error running script (call to f_…): @user_script:1: -READONLY You can't write against a read only replica.`
pub(crate) fn code(error: &RedisError) -> &str {
    let wrapped = error
        .detail()
        .filter(|detail| detail.starts_with("Error running script"))
        .and_then(|detail| detail.rsplit_once(": -"))
        .and_then(|(_, error)| error.split_whitespace().next());
    wrapped.or_else(|| error.code()).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests {
    use deadpool_redis::redis::{Value, parse_redis_value};
    use rstest::rstest;

    use super::*;

    /// The error that the client library makes of this line of the server.
    pub(crate) fn server_error(line: &str) -> CommandError {
        let value = parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        let Value::ServerError(error) = value else {
            panic!("no error: {value:?}");
        };
        CommandError::Redis(error.into())
    }

    #[rstest]
    #[case("LOADING Redis is loading the dataset in memory", true, false)]
    #[case("READONLY You can't write against a read only replica.", true, true)]
    #[case("CLUSTERDOWN The cluster is down", true, false)]
    #[case("MASTERDOWN Link with MASTER is down", true, true)]
    #[case("TRYAGAIN Multiple keys request during rehashing of slot", true, false)]
    #[case("BUSY Redis is busy running a script", true, false)]
    #[case("NOREPLICAS Not enough good replicas to write.", true, false)]
    #[case(
        "OOM command not allowed when used memory > 'maxmemory'.",
        false,
        false
    )]
    #[case("MISCONF Errors writing to the AOF file", false, false)]
    #[case("NOPERM this user has no permissions", false, false)]
    #[case("WRONGTYPE Operation against a key", false, false)]
    #[case(
        "ERR Error running script (call to f_1): @user_script:1: no such field",
        false,
        false
    )]
    #[case(
        "ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed",
        false,
        false
    )]
    #[case(
        "ERR Error running script (call to f_1): @user_script:1: -READONLY You can't write.",
        true,
        true
    )]
    #[case("MOVED 3300 127.0.0.1:7001", true, false)]
    #[case("ASK 3300 127.0.0.1:7001", true, false)]
    #[case(
        "ERR Script attempted to access a non local key in a cluster node script: 1, on @user_script:9.",
        true,
        false
    )]
    #[case(
        "ERR Error running script (call to f_1): @user_script:9: @user_script: 9: Lua script attempted to access a non local \
         key in a cluster node",
        true,
        false
    )]
    #[case("NOSCRIPT No matching script. Please use EVAL.", false, false)]
    fn server_errors_are_classified_by_their_code(
        #[case] line: &str,
        #[case] is_retryable: bool,
        #[case] breaks_connection: bool,
    ) {
        let error = server_error(line);
        assert_eq!(error.is_retryable(), is_retryable, "{error:?}");
        assert_eq!(error.breaks_connection(), breaks_connection, "{error:?}");
    }

    #[test]
    fn an_unknown_script_is_distinguished_from_other_errors() {
        assert!(server_error("NOSCRIPT No matching script.").is_unknown_script());
        assert!(!server_error("ERR no such thing").is_unknown_script());
    }

    #[test]
    fn a_timeout_is_retried_on_another_connection() {
        let error = CommandError::TimedOut(Duration::from_secs(1));
        assert!(error.is_retryable() && error.breaks_connection());
    }

    #[test]
    fn only_what_the_server_refuses_may_be_the_fault_of_a_step() {
        assert!(server_error("ERR no such thing").is_refusal());
        assert!(!server_error("LOADING Redis is loading").is_refusal());
        let not_replicated = CommandError::NotReplicated {
            reached: 0,
            wanted: 1,
        };
        assert!(!not_replicated.is_refusal());
    }
}
