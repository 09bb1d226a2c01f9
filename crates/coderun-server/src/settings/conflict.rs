//! Refuses settings that do not go together.

use std::net::IpAddr;

use coderun_domain::ByteSize;

use crate::compose::values::RedisAddress;

use super::{Role, Runner, Settings, TokenIssuer, UserSettings, language_limits};

/// Settings that do not go together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SettingsConflict {
    /// A default is above its own maximum.
    #[error("`{limit}_DEFAULT` must not be above `{limit}_MAX`")]
    AboveMaximum {
        /// The name that both begin with.
        limit: &'static str,
    },
    /// A bound that leaves no room for what it bounds.
    #[error("`{name}` is {value}, which must not be below `{needed}`, which is {least}")]
    NoRoom {
        /// The bound.
        name: &'static str,
        /// Its value.
        value: ByteSize,
        /// The setting that must fit.
        needed: &'static str,
        /// The value of that.
        least: ByteSize,
    },
    /// Waiting for replicas where no connection can.
    #[error(
        "`REDIS_WAIT_REPLICAS` does not work with a Cluster: set `min-replicas-to-write` on its masters instead"
    )]
    ReplicasOfCluster,
    /// A limit of a language is above the maximum of the service, or above the language's own default.
    #[error(
        "`LANGUAGES_FILE`: language `{language}`: `limits.{part}.{key}` is {value}, which must not be above `{bound}`, which \
         is {maximum}"
    )]
    LanguageLimit {
        /// The language.
        language: String,
        /// Its defaults or its minima.
        part: &'static str,
        /// The limit.
        key: &'static str,
        /// Its value.
        value: u64,
        /// The setting or the key that it must not be above.
        bound: String,
        /// The value of that.
        maximum: String,
    },
    /// A role that needs other processes, without state that they share.
    #[error(
        "`ROLE={role}` needs state that other processes share: set `REDIS_URL`, or use `ROLE=all` to do everything in one \
         process"
    )]
    NoSharedState {
        /// The role.
        role: &'static str,
    },
    /// Tokens that others can create would be accepted from the network.
    #[error(
        "`HOST` is {host}, which other machines can reach, but {who} can create tokens of the {issuer}; listen on \
         127.0.0.1, or set `{permission}=true` to allow this"
    )]
    ExposedTokens {
        /// The address of the service.
        host: IpAddr,
        /// The issuer of the tokens.
        issuer: &'static str,
        /// The people who can create such tokens.
        who: &'static str,
        /// The setting that allows it.
        permission: &'static str,
    },
    /// The emulator, for a project that may have real users.
    #[error(
        "with `FIREBASE_AUTH_EMULATOR_HOST` anyone can sign in as any user, so `FIREBASE_PROJECT_ID` must begin with \
         `demo-`, as no real project does; set `DANGEROUSLY_EMULATE_A_REAL_PROJECT=true` to allow this"
    )]
    EmulatedProject,
    /// A setting that needs another one.
    #[error("`{name}` needs `{missing}`, which is not set")]
    Incomplete {
        /// The setting.
        name: &'static str,
        /// The setting that is missing.
        missing: &'static str,
    },
    /// Two settings that exclude each other.
    #[error("`{name}` and `{other}` exclude each other: unset one of them")]
    Contradiction {
        /// The setting.
        name: &'static str,
        /// The other one.
        other: &'static str,
    },
}

/// Refuses the first settings that do not go together.
pub(super) fn check(settings: &Settings) -> Result<(), SettingsConflict> {
    if let Some(limit) = settings.limits.default_above_maximum() {
        return Err(SettingsConflict::AboveMaximum { limit });
    }
    language_limits::check(settings)?;
    check_room(settings)?;
    let address = settings.redis_url.as_ref();
    if settings.redis_wait_replicas > 0 && address.is_some_and(RedisAddress::is_cluster) {
        return Err(SettingsConflict::ReplicasOfCluster);
    }
    let role = settings.role;
    if role != Role::All && !settings.shares_state() {
        let role = role.as_str();
        return Err(SettingsConflict::NoSharedState { role });
    }
    if settings.data_dir.is_some() && settings.shares_state() {
        return Err(SettingsConflict::Contradiction {
            name: "DATA_DIR",
            other: "REDIS_URL",
        });
    }
    if role.serves_api() {
        check_users(&settings.users)?;
        check_exposure(settings)?;
    }
    if role.runs_code() {
        check_runner(settings)?;
    }
    Ok(())
}

fn check_room(settings: &Settings) -> Result<(), SettingsConflict> {
    let limits = &settings.limits;
    let budget = settings.runners.memory_budget;
    let budget = budget.unwrap_or(limits.memory_default);
    let pairs = [
        (
            "MEMORY_BUDGET",
            budget,
            "MEMORY_DEFAULT",
            limits.memory_default,
        ),
        (
            "LIVE_BYTES_MAX",
            limits.live_bytes_max,
            "BODY_MAX",
            limits.body_max,
        ),
        (
            "FINAL_BYTES_MAX",
            limits.final_bytes_max,
            "OUTPUT_MAX",
            limits.output_max,
        ),
    ];
    for (name, value, needed, least) in pairs {
        if value < least {
            return Err(SettingsConflict::NoRoom {
                name,
                value,
                needed,
                least,
            });
        }
    }
    Ok(())
}

fn check_users(users: &UserSettings) -> Result<(), SettingsConflict> {
    let has_emulator = users.firebase_auth_emulator_host.is_some();
    let has_account = users.firebase_service_account_path.is_some();
    if users.firebase_project_id.is_none() {
        let missing = "FIREBASE_PROJECT_ID";
        for (is_set, name) in [
            (has_emulator, "FIREBASE_AUTH_EMULATOR_HOST"),
            (has_account, "FIREBASE_SERVICE_ACCOUNT_PATH"),
        ] {
            if is_set {
                return Err(SettingsConflict::Incomplete { name, missing });
            }
        }
    }
    if let TokenIssuer::Firebase(_) = users.token_issuer()
        && users.firebase_web_api_key.is_some()
        && users.auth_domain().is_none()
    {
        // The id of the project, such as `example.org:name`, is no part of a host name.
        return Err(SettingsConflict::Incomplete {
            name: "FIREBASE_WEB_API_KEY",
            missing: "FIREBASE_AUTH_DOMAIN",
        });
    }
    if let TokenIssuer::Emulator(project, _) = users.token_issuer()
        && !users.dangerously_emulate_a_real_project
        && !project.as_str().starts_with("demo-")
    {
        return Err(SettingsConflict::EmulatedProject);
    }
    if has_emulator && has_account {
        return Err(SettingsConflict::Contradiction {
            name: "FIREBASE_SERVICE_ACCOUNT_PATH",
            other: "FIREBASE_AUTH_EMULATOR_HOST",
        });
    }
    Ok(())
}

fn check_exposure(settings: &Settings) -> Result<(), SettingsConflict> {
    let (host, users) = (settings.host, &settings.users);
    if host.is_loopback() || !users.are_local_only() {
        return Ok(());
    }
    match users.token_issuer() {
        TokenIssuer::Firebase(_) => Ok(()),
        TokenIssuer::Emulator(..) => Err(SettingsConflict::ExposedTokens {
            host,
            issuer: "Auth emulator",
            who: "anyone",
            permission: "DANGEROUSLY_EXPOSE_EMULATOR_TOKENS",
        }),
        TokenIssuer::Development => Err(SettingsConflict::ExposedTokens {
            host,
            issuer: "development issuer",
            who: "any user of this machine",
            permission: "DANGEROUSLY_EXPOSE_DEVELOPMENT_TOKENS",
        }),
    }
}

fn check_runner(settings: &Settings) -> Result<(), SettingsConflict> {
    let runners = &settings.runners;
    match runners.runner {
        Runner::Piston if runners.code_execution_api_url.is_none() => {
            Err(SettingsConflict::Incomplete {
                name: "RUNNER=piston",
                missing: "CODE_EXECUTION_API_URL",
            })
        }
        Runner::Piston | Runner::Sandbox => Ok(()),
    }
}
