//! Reads settings from defaults, file, environment and flags.
//!
//! Only the command line parser knows names, types and defaults. A value of the file or of the environment replaces a
//! default of the parser, so that it is checked like a flag.

use std::ffi::OsString;
use std::net::AddrParseError;
use std::num::ParseIntError;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgMatches, CommandFactory, FromArgMatches as _};
use coderun_domain::ErrorChain;

use super::conflict::{self, SettingsConflict};
use super::values::without_secrets;
use super::{Command, CommandLine, Invocation, Settings, ineffective, unsupported};
use crate::{Environment, NotUnicode, print_error};

/// Settings that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// The command line is wrong, or asks for help.
    #[error(transparent)]
    CommandLine(#[from] clap::Error),
    /// The settings file cannot be read.
    #[error("cannot read the settings file `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The settings file is not TOML.
    #[error("the settings file `{}` is not valid TOML", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Box<toml::de::Error>,
    },
    /// The settings file has a key that no setting has.
    #[error("{origin} has no setting `{key}`; `coderun --help` lists all of them")]
    UnknownKey {
        /// The file or the environment.
        origin: String,
        /// The key.
        key: String,
    },
    /// The value of a setting is invalid.
    #[error("{origin} sets `{key}` to `{value}`: {expectation}")]
    BadValue {
        /// The file or the environment.
        origin: String,
        /// The setting.
        key: String,
        /// The value.
        value: String,
        /// The expected kind of value.
        expectation: String,
    },
    /// Settings that do not go together.
    #[error(transparent)]
    Conflict(#[from] SettingsConflict),
    /// A variable is not Unicode.
    #[error(transparent)]
    NotUnicode(#[from] NotUnicode),
    /// A planned setting that this build does not support.
    #[error("`{name}` is set, but this build does not support it: {instead}")]
    Unsupported {
        /// The variable.
        name: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
}

impl SettingsError {
    /// Prints the error and returns the exit code. A request for help or version is not a failure.
    pub(crate) fn report(&self) -> ExitCode {
        if let Self::CommandLine(error) = self {
            drop(error.print());
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
        print_error(&format!("error: {}", ErrorChain(self)));
        ExitCode::from(2)
    }
}

/// Reads all sources and checks every value.
///
/// # Errors
/// [`SettingsError`] names the first problem.
pub(crate) fn read(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &dyn Environment,
) -> Result<Invocation, SettingsError> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let mut command = command_line();
    let keys = keys(&command);
    let flags = command.clone().try_get_matches_from(&arguments);
    let flags = flags.map_err(|error| of_flags(error, &keys))?;
    if let Some(path) = flags.get_one::<PathBuf>("config") {
        command = with_file(command, path)?;
    }
    if let Some((name, instead)) = unsupported::find(environment)? {
        return Err(SettingsError::Unsupported { name, instead });
    }
    command = with_environment(command, environment)?;
    let matches = command.try_get_matches_from(&arguments)?;
    let parsed = CommandLine::from_arg_matches(&matches)?;
    let settings = with_standard_variables(parsed.settings, environment)?;
    conflict::check(&settings)?;
    ineffective::check(&settings, |key| is_changed(key, &matches))?;
    let text = |value: OsString| value.to_string_lossy().into_owned();
    let effective = keys.into_iter().filter_map(|key| {
        let given = matches.get_raw(&key).and_then(|mut values| values.next());
        let found = match key.as_str() {
            "state_dir" => settings.state_dir.clone().map(OsString::from),
            "port" => Some(settings.port().to_string().into()),
            "toolchain_path" => settings.toolchain_path.clone().map(OsString::from),
            _ => None,
        };
        let value = text(given.map(OsString::from).or(found)?);
        Some((key.clone(), redacted(&key, &value)))
    });
    let effective = effective.collect();
    Ok(Invocation {
        command: parsed.command.unwrap_or(Command::Serve),
        settings,
        effective,
    })
}

/// Whether a setting differs from its default.
fn is_changed(key: &str, matches: &ArgMatches) -> bool {
    let command = command_line();
    let default = command.get_arguments().find(|arg| arg.get_id() == key);
    let default = default.map(Arg::get_default_values);
    let given = matches.get_raw(key).into_iter().flatten();
    let default = default.into_iter().flatten();
    !given.eq(default.map(clap::builder::OsStr::as_os_str))
}

/// Adds values from standard variables, such as `HOME` and `PATH`.
fn with_standard_variables(
    settings: Settings,
    environment: &dyn Environment,
) -> Result<Settings, NotUnicode> {
    let found = state_dir(environment)?;
    let path = environment.get("PATH")?;
    Ok(Settings {
        state_dir: settings.state_dir.or(found),
        toolchain_path: settings.toolchain_path.or(path),
        home: environment.get("HOME")?,
        ..settings
    })
}

/// The state directory by the XDG base directory specification.
fn state_dir(environment: &dyn Environment) -> Result<Option<PathBuf>, NotUnicode> {
    let base = environment.get("XDG_STATE_HOME")?.map(PathBuf::from);
    let home = environment.get("HOME")?;
    let base = base
        .filter(|path| path.is_absolute())
        .or_else(|| home.map(|home| Path::new(&home).join(".local/state")));
    Ok(base.map(|base| base.join("coderun")))
}

/// The parser, which accepts every setting before and after the name of the command.
pub(super) fn command_line() -> clap::Command {
    let allow_everywhere = |arg: Arg| match arg.get_id().as_str() {
        "help" | "version" => arg,
        _ => arg.global(true),
    };
    CommandLine::command().mut_args(allow_everywhere)
}

/// The keys of all settings, as in a file.
pub(super) fn keys(command: &clap::Command) -> Vec<String> {
    let is_setting = |arg: &&Arg| !matches!(arg.get_id().as_str(), "help" | "version" | "config");
    let settings = command.get_arguments().filter(is_setting);
    settings.map(|arg| arg.get_id().to_string()).collect()
}

fn with_file(command: clap::Command, path: &Path) -> Result<clap::Command, SettingsError> {
    let text = std::fs::read_to_string(path).map_err(|source| SettingsError::File {
        path: path.to_owned(),
        source,
    })?;
    let table: toml::Table = text.parse().map_err(|source| SettingsError::Toml {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    let known = keys(&command);
    let origin = format!("the settings file `{}`", path.display());
    table
        .into_iter()
        .try_fold(command, |command, (key, value)| {
            if !known.contains(&key) {
                let origin = origin.clone();
                return Err(SettingsError::UnknownKey { origin, key });
            }
            let value = match value {
                toml::Value::String(text) => text,
                toml::Value::Array(values) => joined(&values),
                other @ (toml::Value::Integer(_)
                | toml::Value::Float(_)
                | toml::Value::Boolean(_)
                | toml::Value::Datetime(_)
                | toml::Value::Table(_)) => other.to_string(),
            };
            with_default(command, &origin, &key, &value)
        })
}

/// Lists are separated by commas, in files as elsewhere.
fn joined(values: &[toml::Value]) -> String {
    let texts = values.iter().map(|value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    });
    texts.collect::<Vec<_>>().join(",")
}

fn with_environment(
    command: clap::Command,
    environment: &dyn Environment,
) -> Result<clap::Command, SettingsError> {
    keys(&command)
        .into_iter()
        .try_fold(command, |command, key| {
            let name = key.to_uppercase();
            match environment.get(&name)? {
                Some(value) => with_default(command, "the environment", &name, &value),
                None => Ok(command),
            }
        })
}

/// Replaces a default, if the parser accepts the value.
fn with_default(
    command: clap::Command,
    origin: &str,
    key: &str,
    value: &str,
) -> Result<clap::Command, SettingsError> {
    let default = value.to_owned();
    let changed = command.mut_arg(key.to_lowercase(), |arg| arg.default_value(default));
    let tried = changed
        .clone()
        .try_get_matches_from(["coderun"])
        .and_then(|matches| CommandLine::from_arg_matches(&matches));
    match tried {
        Ok(_) => Ok(changed),
        Err(error) => Err(SettingsError::BadValue {
            origin: origin.to_owned(),
            key: key.to_owned(),
            value: redacted_refused(&key.to_lowercase(), value),
            expectation: expectation(&error),
        }),
    }
}

/// An error of the command line. An invalid value is named like that of another source: the parser would show it with its
/// secrets.
fn of_flags(error: clap::Error, keys: &[String]) -> SettingsError {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let flag = text(ContextKind::InvalidArg);
    let name = flag.split([' ', '=', '[']).next().unwrap_or_default();
    let key = name.trim_start_matches('-').replace('-', "_");
    let is_value = matches!(
        error.kind(),
        clap::error::ErrorKind::ValueValidation | clap::error::ErrorKind::InvalidValue
    );
    if !is_value || !keys.contains(&key) {
        return error.into();
    }
    SettingsError::BadValue {
        origin: "the command line".to_owned(),
        key: name.to_owned(),
        value: redacted_refused(&key, &text(ContextKind::InvalidValue)),
        expectation: expectation(&error),
    }
}

/// A refused value without secrets; unlike an accepted address, a refused one may contain some.
fn redacted_refused(key: &str, value: &str) -> String {
    match key {
        // A password that is not encoded may end anywhere.
        "redis_url" => match value.split_once("://") {
            Some((scheme, _)) => format!("{scheme}://…"),
            None => "…".to_owned(),
        },
        "firebase_jwks_url" | "firebase_users_url" => without_secrets(value),
        _ => redacted(key, value),
    }
}

/// A value without secrets.
fn redacted(key: &str, value: &str) -> String {
    match key {
        "redis_url" | "code_execution_api_url" => without_secrets(value),
        "code_execution_api_key" => "…".to_owned(),
        _ => value.to_owned(),
    }
}

/// The expectation in an error of the parser, without the usage text around it.
fn expectation(error: &clap::Error) -> String {
    if let Some(ContextValue::Strings(valid)) = error.get(ContextKind::ValidValue) {
        return format!("expected {}", valid.join(" or "));
    }
    match std::error::Error::source(error) {
        Some(source) if source.is::<ParseIntError>() => "expected a whole number".to_owned(),
        Some(source) if source.is::<AddrParseError>() => {
            "expected an IP address, such as 127.0.0.1".to_owned()
        }
        Some(source) => source.to_string(),
        None => error.kind().to_string(),
    }
}
