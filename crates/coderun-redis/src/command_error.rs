//! What can go wrong on the way to the server and back.

use std::time::Duration;

use deadpool::managed::PoolError;
use deadpool_redis::redis::{ErrorKind, RedisError, ServerErrorKind};

/// What went wrong with one command. Shows no password; hosts only where the system's own error names them.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum CommandError {
    /// The server or the connection says so.
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
    /// The master has it, but too few replicas do.
    #[error("{reached} of {wanted} replicas have what was written")]
    NotReplicated {
        /// How many have it.
        reached: u32,
        /// How many should.
        wanted: u32,
    },
    /// The task that was to make the connection is gone.
    #[error("the runtime of the connections has ended")]
    Ended,
}

impl CommandError {
    /// Whether the same command may succeed soon. It may have run: only what may be repeated is sent here.
    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            Self::Redis(error) | Self::Connect(error) => is_passing(error),
            Self::ConnectTimedOut | Self::TimedOut(_) => true,
            // Waiting was all that could be done; whoever asks again waits again.
            Self::NotReplicated { .. } | Self::Ended => false,
        }
    }

    /// Whether the connection to a server is of no use any more: it is broken, or the server lost its role.
    pub(crate) fn breaks_connection(&self) -> bool {
        match self {
            Self::Redis(error) => {
                matches!(code(error), "READONLY" | "MASTERDOWN")
                    || error.is_io_error()
                    || error.is_unrecoverable_error()
            }
            Self::TimedOut(_) => true,
            Self::Connect(_) | Self::ConnectTimedOut | Self::NotReplicated { .. } | Self::Ended => {
                false
            }
        }
    }

    /// Whether the server does not know the script, so that it has to be sent in full.
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
                Self::Ended
            }
        }
    }
}

/// Whether the server, or the way to it, may be well again soon. Its memory may not: that is up to somebody else.
fn is_passing(error: &RedisError) -> bool {
    let is_of_the_way = matches!(
        error.kind(),
        ErrorKind::Io
            | ErrorKind::Parse
            | ErrorKind::ClusterConnectionNotFound
            | ErrorKind::MasterNameNotFoundBySentinel
    );
    // `BUSY` is the script of somebody else that takes too long, `NOREPLICAS` a master that waits for its replicas.
    is_of_the_way
        || matches!(
            code(error),
            "LOADING"
                | "TRYAGAIN"
                | "CLUSTERDOWN"
                | "MASTERDOWN"
                | "READONLY"
                | "MOVED"
                | "ASK"
                | "BUSY"
                | "NOREPLICAS"
        )
}

/// The word that an error of the server begins with. Redis 6 hides what a script has met behind a word of its own:
/// `ERR Error running script (call to f_…): @user_script:1: -READONLY You can't write against a read only replica.`
fn code(error: &RedisError) -> &str {
    let hidden = error
        .detail()
        .filter(|detail| detail.starts_with("Error running script"))
        .and_then(|detail| detail.rsplit_once(": -"))
        .and_then(|(_, error)| error.split_whitespace().next());
    hidden.or_else(|| error.code()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use deadpool_redis::redis::{Value, parse_redis_value};
    use rstest::rstest;

    use super::*;

    /// The error that the library makes of this line of the server.
    fn said(line: &str) -> CommandError {
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
    #[case("NOSCRIPT No matching script. Please use EVAL.", false, false)]
    fn what_the_server_says_is_known(
        #[case] line: &str,
        #[case] is_retryable: bool,
        #[case] breaks_connection: bool,
    ) {
        let fault = said(line);
        assert_eq!(fault.is_retryable(), is_retryable, "{fault:?}");
        assert_eq!(fault.breaks_connection(), breaks_connection, "{fault:?}");
    }

    #[test]
    fn an_unknown_script_is_told_from_the_rest() {
        assert!(said("NOSCRIPT No matching script.").is_unknown_script());
        assert!(!said("ERR no such thing").is_unknown_script());
    }

    #[test]
    fn a_timeout_is_tried_again_on_another_connection() {
        let fault = CommandError::TimedOut(Duration::from_secs(1));
        assert!(fault.is_retryable() && fault.breaks_connection());
    }
}
