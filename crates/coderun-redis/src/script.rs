//! Builds the commands of all steps: a script goes by its hash, or in full if the server lacks it.

use std::borrow::Cow;

use deadpool_redis::redis::{self, Cmd};

/// The script of one step.
#[derive(Debug)]
pub(crate) struct Script {
    source: &'static str,
    hash: String,
}

impl Script {
    fn new(source: &'static str) -> Self {
        let hash = redis::Script::new(source).get_hash().to_owned();
        Self { source, hash }
    }

    /// Builds the command that runs the script in the slot of this key.
    pub(crate) fn command(&self, is_known: bool, key: &str) -> Cmd {
        let mut command = Cmd::new();
        if is_known {
            command.arg("EVALSHA").arg(&self.hash);
        } else {
            command.arg("EVAL").arg(self.source);
        }
        command.arg(1).arg(key);
        command
    }
}

/// Defines the scripts of all steps, each with the shared parts that it needs.
macro_rules! scripts {
    ($($step:ident: $($part:literal)*;)*) => {
        /// The scripts of all steps. Each file in `scripts/` is a step, except the shared parts `base`, `records`,
        /// `users`, `states` and `inputs`.
        #[derive(Debug)]
        pub(crate) struct Scripts {
            $(pub(crate) $step: Script,)*
        }

        impl Scripts {
            pub(crate) fn new() -> Self {
                Self {
                    $($step: Script::new(concat!(
                        include_str!("scripts/base.lua"),
                        $(include_str!(concat!("scripts/", $part, ".lua")),)*
                        include_str!(concat!("scripts/", stringify!($step), ".lua")),
                    )),)*
                }
            }
        }
    };
}

scripts! {
    submit: "records" "users" "states";
    list:;
    cancel: "records" "users" "states";
    delete: "records" "users" "states";
    take: "records" "users" "states";
    renew: "records";
    append: "records";
    finish: "records" "users" "states";
    release: "records" "users" "states";
    sweep: "records" "users" "states";
    watch: "records";
    depth: "records" "users";
    position: "records" "users";
    send: "records" "inputs";
    receive: "records" "inputs";
    issue: "records";
    redeem: "records";
}

/// The arguments of a step, after those that every step takes.
#[derive(Default)]
pub(crate) struct Arguments<'a>(Vec<Cow<'a, [u8]>>);

impl<'a> Arguments<'a> {
    pub(crate) fn text(mut self, text: impl Into<Cow<'a, str>>) -> Self {
        self.0.push(match text.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        });
        self
    }

    pub(crate) fn number(self, number: impl Into<i128>) -> Self {
        self.text(number.into().to_string())
    }

    pub(crate) fn bytes(mut self, bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        self.0.push(bytes.into());
        self
    }

    /// Adds names and values in turn.
    pub(crate) fn fields(mut self, fields: Vec<(&'static str, Cow<'a, [u8]>)>) -> Self {
        for (name, value) in fields {
            self = self.text(name).bytes(value);
        }
        self
    }

    /// Appends all arguments to a command.
    pub(crate) fn add_to(&self, command: &mut Cmd) {
        for argument in &self.0 {
            command.arg(argument.as_ref());
        }
    }
}
