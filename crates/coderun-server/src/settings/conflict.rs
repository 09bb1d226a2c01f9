//! What no setting can be checked for alone.

use std::net::IpAddr;

use super::{Issuers, Role, Runner, Settings, UserSettings};

/// Says which settings do not go together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SettingsConflict {
    /// A default is above its own maximum.
    #[error("`{default}` must not be above `{maximum}`")]
    AboveMaximum {
        /// The default.
        default: &'static str,
        /// The maximum.
        maximum: &'static str,
    },
    /// A role that works with other processes, over state that none of them could see.
    #[error(
        "`ROLE` is {role}, which needs state that other processes share, but `REDIS_URL` is not set; set it, or use \
         `ROLE=all` to do everything in one process"
    )]
    NoSharedState {
        /// The role.
        role: &'static str,
    },
    /// Tokens that anybody can make would be accepted from everywhere.
    #[error(
        "`HOST` is {host}, which others can reach, but tokens are those of the {issuer}, which anybody {who} can make; \
         listen on 127.0.0.1, or set `{permission}=true` if that is what you want"
    )]
    ExposedTokens {
        /// Where the service was to listen.
        host: IpAddr,
        /// Who issues the tokens.
        issuer: &'static str,
        /// Who can make them.
        who: &'static str,
        /// The setting that allows it.
        permission: &'static str,
    },
    /// The emulator, for a project that may have users to be harmed.
    #[error(
        "with `FIREBASE_AUTH_EMULATOR_HOST` anybody can pass for any user, so `FIREBASE_PROJECT_ID` must begin with \
         `demo-`, as no real project does; or set `DANGEROUSLY_EMULATE_A_REAL_PROJECT=true` if that is what you want"
    )]
    EmulatedProject,
    /// A setting that means nothing without another one.
    #[error("`{name}` is set, which needs `{missing}`")]
    Incomplete {
        /// The setting.
        name: &'static str,
        /// What it needs.
        missing: &'static str,
    },
    /// A setting that another one makes useless.
    #[error("`{name}` is set, which has no meaning with `{other}`: unset one of them")]
    Contradiction {
        /// The setting.
        name: &'static str,
        /// The other one.
        other: &'static str,
    },
}

/// Checks what no setting can be checked for alone.
pub(super) fn check(settings: &Settings) -> Result<(), SettingsConflict> {
    if let Some((default, maximum)) = settings.limits.default_above_maximum() {
        return Err(SettingsConflict::AboveMaximum { default, maximum });
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

fn check_users(users: &UserSettings) -> Result<(), SettingsConflict> {
    let has_emulator = users.firebase_auth_emulator_host.is_some();
    let has_account = users.firebase_service_account_path.is_some();
    if users.firebase_project_id.is_none() {
        let missing = "FIREBASE_PROJECT_ID";
        if has_emulator {
            let name = "FIREBASE_AUTH_EMULATOR_HOST";
            return Err(SettingsConflict::Incomplete { name, missing });
        }
        if has_account {
            let name = "FIREBASE_SERVICE_ACCOUNT_PATH";
            return Err(SettingsConflict::Incomplete { name, missing });
        }
    }
    if let Issuers::Emulator(project, _) = users.issuers()
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
    if host.is_loopback() || !users.are_for_this_machine_alone() {
        return Ok(());
    }
    match users.issuers() {
        Issuers::Firebase(_) => Ok(()),
        Issuers::Emulator(..) => Err(SettingsConflict::ExposedTokens {
            host,
            issuer: "Auth emulator",
            who: "at all",
            permission: "DANGEROUSLY_EXPOSE_EMULATOR_TOKENS",
        }),
        Issuers::Development => Err(SettingsConflict::ExposedTokens {
            host,
            issuer: "development issuer",
            who: "on this machine",
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
