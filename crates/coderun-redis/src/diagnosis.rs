//! Says in plain words what is wrong with Redis, and what an operator can do about it.
//!
//! The sentences are shown to everyone who may ask for the readiness, so they have no hosts, keys or passwords.

use coderun_domain::Diagnosis;
use deadpool_redis::redis::{ErrorKind, RedisError};

use crate::adapter_error::AdapterError;
use crate::command_error::{CommandError, code, is_refused_login};

/// Where the rights of a Redis user are listed.
const RIGHTS: &str = "docs/operations.md lists the rights that it needs";

const UNREACHABLE: &str =
    "Redis cannot be reached: check that it runs at the host and port of REDIS_URL";
const NO_ANSWER: &str =
    "Redis does not answer in time: it hangs, is overloaded or cannot be reached";
const NO_CONNECTION: &str = "Redis accepts no connection in time: it hangs, cannot be reached, or does not speak TLS where \
     REDIS_URL asks for it (rediss://)";
const CREDENTIALS: &str = "Redis refuses the user and password of REDIS_URL: give those of a user that Redis has and that is \
     on, or none if Redis has no password";
const NO_CREDENTIALS: &str = "Redis requires a password, and REDIS_URL has none";
const IS_CLUSTER: &str = "the Redis of REDIS_URL is a node of a Cluster: use redis+cluster://";
const UNKNOWN_MASTER: &str = "no Sentinel of REDIS_URL names a master that confirms its role: check the name of the master, and \
     the Sentinels";

/// What is wrong by the code at the start of an error of the server.
const BY_CODE: [(&str, &str); 12] = [
    ("NOAUTH", NO_CREDENTIALS),
    ("WRONGPASS", CREDENTIALS),
    (
        "OOM",
        "the memory of Redis is full: raise its maxmemory, or delete keys that others keep there",
    ),
    (
        "READONLY",
        "Redis is a read-only replica: REDIS_URL must name the master, or Sentinels (redis+sentinel://)",
    ),
    (
        "LOADING",
        "Redis is loading its data after a start: it will work when it has",
    ),
    (
        "CLUSTERDOWN",
        "the Redis Cluster does not serve all slots: `redis-cli --cluster check` shows which nodes are missing",
    ),
    (
        "MASTERDOWN",
        "Redis is a replica that has lost its master: REDIS_URL must name the master, or Sentinels (redis+sentinel://)",
    ),
    (
        "MISCONF",
        "Redis refuses writes because it cannot save its data to disk: the log of Redis says why, such as a full disk",
    ),
    (
        "NOREPLICAS",
        "Redis refuses writes because too few replicas are connected (min-replicas-to-write)",
    ),
    (
        "BUSY",
        "Redis runs a script that takes too long: `SCRIPT KILL` ends it",
    ),
    ("MOVED", IS_CLUSTER),
    ("CROSSSLOT", IS_CLUSTER),
];

/// What is wrong by a part of the text of other errors, in the order in which they are tried.
const BY_TEXT: [(&str, &str); 13] = [
    ("AUTH <password> called without any password", CREDENTIALS),
    (
        "DB index is out of range",
        "Redis has no database of the number at the end of REDIS_URL",
    ),
    (
        "cluster support disabled",
        "the Redis of REDIS_URL is no Cluster: use redis:// instead of redis+cluster://",
    ),
    (
        "max number of clients",
        "Redis has as many clients as it may have: raise its maxclients",
    ),
    (
        "unknown command",
        "Redis lacks a command that is needed: it must be Redis 6.2 or later, or Valkey, without renamed commands",
    ),
    (
        "InvalidContentType",
        "Redis does not speak TLS at this port: use redis:// instead of rediss://, or the port for TLS",
    ),
    (
        "UnknownIssuer",
        "the certificate of Redis is signed by an authority that is unknown here: name its certificate in SSL_CERT_FILE",
    ),
    (
        "NotValidForName",
        "the certificate of Redis is not valid for the host of REDIS_URL",
    ),
    (
        "certificate expired",
        "the certificate of Redis has expired",
    ),
    (
        "CertificateRequired",
        "Redis requires a certificate of its clients, which is not supported: set tls-auth-clients to no",
    ),
    (
        "invalid peer certificate",
        "the certificate of Redis is not valid",
    ),
    (
        "failed to lookup address",
        "the host of REDIS_URL is unknown: its name cannot be resolved",
    ),
    ("Connection refused", UNREACHABLE),
];

/// Adds to an error of an adapter what is wrong, if that is known.
pub(crate) fn diagnosed(error: AdapterError) -> coderun_domain::BackendError {
    match diagnose(&error) {
        Some(text) => Box::new(Diagnosis::new(text, error)),
        None => Box::new(error),
    }
}

fn diagnose(error: &AdapterError) -> Option<String> {
    let AdapterError::Command(error) = error else {
        return None;
    };
    match error {
        CommandError::Connect(error) if error.is_timeout() => Some(NO_CONNECTION.to_owned()),
        CommandError::ConnectTimedOut => Some(NO_CONNECTION.to_owned()),
        CommandError::Redis(error) | CommandError::Connect(error) => of_redis(error),
        CommandError::TimedOut(_) => Some(NO_ANSWER.to_owned()),
        CommandError::NotReplicated { reached, wanted } => Some(format!(
            "only {reached} of {wanted} replicas of Redis have stored a change in time (REDIS_WAIT_REPLICAS)"
        )),
        CommandError::MissingRights(rights) => Some(format!(
            "the Redis user of REDIS_URL may not use {rights}: {RIGHTS}"
        )),
        CommandError::Unstaged | CommandError::RuntimeEnded => None,
    }
}

fn of_redis(error: &RedisError) -> Option<String> {
    if let Some(denied) = denied(error) {
        return Some(format!("the Redis user of REDIS_URL {denied}: {RIGHTS}"));
    }
    let mut by_code = BY_CODE.iter().filter(|(it, _)| *it == code(error));
    let sentence = by_code.next().map(|(_, sentence)| *sentence);
    let sentence = sentence
        .or_else(|| by_kind(error))
        .or_else(|| by_text(error));
    sentence.map(str::to_owned)
}

fn by_kind(error: &RedisError) -> Option<&'static str> {
    if is_refused_login(error) {
        Some(CREDENTIALS)
    } else if error.kind() == ErrorKind::MasterNameNotFoundBySentinel {
        Some(UNKNOWN_MASTER)
    } else {
        None
    }
}

fn by_text(error: &RedisError) -> Option<&'static str> {
    let text = format!("{error} {error:?}");
    let mut known = BY_TEXT.iter().filter(|(part, _)| text.contains(part));
    match known.next() {
        Some((_, sentence)) => Some(sentence),
        None if error.is_timeout() => Some(NO_ANSWER),
        None => is_of_network(error).then_some(UNREACHABLE),
    }
}

fn is_of_network(error: &RedisError) -> bool {
    error.is_io_error() || error.kind() == ErrorKind::ClusterConnectionNotFound
}

/// What the user lacks the right for, in the words of Redis 6.2 to 8 and Valkey, outside and inside of scripts.
fn denied(error: &RedisError) -> Option<String> {
    let text = error.detail().unwrap_or_default();
    let is_denied = code(error) == "NOPERM"
        || text.contains("user executing the script can't")
        || text.contains("ACL failure in script");
    if !is_denied {
        return None;
    }
    let quoted = text
        .split_once("run the '")
        .and_then(|(_, rest)| rest.split_once('\''));
    Some(match quoted {
        Some((command, _)) => format!("may not run the command `{command}`"),
        None if text.contains("channel") => "may not use the channels of coderun".to_owned(),
        None if text.contains("key") => "may not access the keys of coderun".to_owned(),
        None => "lacks a right".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::command_error::tests::server_error;

    #[rstest]
    #[case("NOAUTH Authentication required.", "requires a password")]
    #[case(
        "WRONGPASS invalid username-password pair or user is disabled.",
        "refuses the user and password"
    )]
    #[case(
        "ERR AUTH <password> called without any password configured for the default user.",
        "or none if Redis has no password"
    )]
    #[case(
        "NOPERM this user has no permissions to run the 'get' command",
        "may not run the command `get`: docs"
    )]
    #[case(
        "NOPERM User app has no permissions to run the 'config|get' command",
        "may not run the command `config|get`"
    )]
    #[case(
        "NOPERM this user has no permissions to access one of the keys used as arguments",
        "may not access the keys"
    )]
    #[case(
        "NOPERM User app has no permissions to access the 'coderun:3:x' key",
        "may not access the keys of coderun:"
    )]
    #[case(
        "NOPERM this user has no permissions to access one of the channels used as arguments",
        "may not use the channels"
    )]
    #[case(
        "ERR The user executing the script can't publish to the channel mentioned in the command script: 3, on @user_script:1.",
        "may not use the channels"
    )]
    #[case(
        "ERR The user executing the script can't access at least one of the keys mentioned in the command \
         arguments script: 2, on @user_script:1.",
        "may not access the keys"
    )]
    #[case(
        "ERR The user executing the script can't run this command or subcommand script: 2, on @user_script:1.",
        "lacks a right: docs/operations.md"
    )]
    #[case(
        "OOM command not allowed when used memory > 'maxmemory'.",
        "memory of Redis is full"
    )]
    #[case(
        "OOM command not allowed when used memory > 'maxmemory'. script: 8, on @user_script:1.",
        "memory of Redis is full"
    )]
    #[case(
        "ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed",
        "memory of Redis is full"
    )]
    #[case(
        "READONLY You can't write against a read only replica.",
        "must name the master"
    )]
    #[case("LOADING Redis is loading the dataset in memory", "loading its data")]
    #[case("CLUSTERDOWN The cluster is down", "does not serve all slots")]
    #[case(
        "MISCONF Errors writing to the AOF file: No space left on device",
        "cannot save its data to disk"
    )]
    #[case(
        "NOREPLICAS Not enough good replicas to write.",
        "min-replicas-to-write"
    )]
    #[case("MASTERDOWN Link with MASTER is down", "lost its master")]
    #[case("BUSY Redis is busy running a script.", "SCRIPT KILL")]
    #[case("MOVED 3300 127.0.0.1:7001", "use redis+cluster://")]
    #[case("ERR This instance has cluster support disabled", "is no Cluster")]
    #[case("ERR DB index is out of range", "no database of the number")]
    #[case("ERR max number of clients reached", "raise its maxclients")]
    #[case(
        "ERR unknown command 'GETEX', with args beginning with: 'a'",
        "Redis 6.2 or later"
    )]
    #[case("ERR syntax error", "")]
    fn an_error_of_the_server_is_explained(#[case] line: &str, #[case] expected: &str) {
        let text = diagnose(&server_error(line).into()).unwrap_or_default();
        assert!(text.contains(expected), "{text}");
        assert_eq!(text.is_empty(), expected.is_empty(), "{text}");
        assert!(
            !text.contains("coderun:3:x") && !text.contains("127.0.0.1"),
            "{text}"
        );
    }
}
