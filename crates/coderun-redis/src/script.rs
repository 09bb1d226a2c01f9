//! Holds the scripts of all steps: each is sent by its hash, or in full to a server that does not know it.

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

/// The scripts of all steps. Each file in `scripts/` is a step, except the shared parts `base`, `records`, `users`,
/// `states` and `inputs`.
#[derive(Debug)]
pub(crate) struct Scripts {
    pub(crate) submit: Script,
    pub(crate) list: Script,
    pub(crate) cancel: Script,
    pub(crate) delete: Script,
    pub(crate) take: Script,
    pub(crate) renew: Script,
    pub(crate) append: Script,
    pub(crate) finish: Script,
    pub(crate) release: Script,
    pub(crate) sweep: Script,
    pub(crate) watch: Script,
    pub(crate) depth: Script,
    pub(crate) position: Script,
    pub(crate) send: Script,
    pub(crate) receive: Script,
    pub(crate) issue: Script,
    pub(crate) redeem: Script,
}

/// A step, after the shared parts that it needs.
macro_rules! step {
    ($name:literal: $($part:literal)*) => {
        Script::new(concat!(
            include_str!("scripts/base.lua"),
            $(include_str!(concat!("scripts/", $part, ".lua")),)*
            include_str!(concat!("scripts/", $name, ".lua")),
        ))
    };
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self {
            submit: step!("submit": "records" "users" "states"),
            list: step!("list":),
            cancel: step!("cancel": "records" "users" "states"),
            delete: step!("delete": "records" "users" "states"),
            take: step!("take": "records" "users" "states"),
            renew: step!("renew": "records"),
            append: step!("append": "records"),
            finish: step!("finish": "records" "users" "states"),
            release: step!("release": "records" "users" "states"),
            sweep: step!("sweep": "records" "users" "states"),
            watch: step!("watch": "records"),
            depth: step!("depth": "records" "users"),
            position: step!("position": "records" "users"),
            send: step!("send": "records" "inputs"),
            receive: step!("receive": "records" "inputs"),
            issue: step!("issue": "records"),
            redeem: step!("redeem": "records"),
        }
    }
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
