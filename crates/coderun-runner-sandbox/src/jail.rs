//! Holds everything from the launcher to the `exec` of an untrusted program.
//!
//! The launcher is a process of its own with a single thread; it alone clones. It clones the first process
//! (`init`) of a sandbox, which builds it from within and then starts the program. Nothing here knows the async
//! runtime, and nothing here reads the environment.

mod artefact;
mod clocks;
mod files;
mod host_proc;
mod init;
mod kernel_calls;
mod landlock;
mod launcher;
mod machine_files;
mod mounts;
mod network;
mod payload;
mod proc;
mod root;
mod seccomp;
mod shared_root;
mod step;
mod user_namespace;

pub(crate) use kernel_calls::has_same_memory;
pub(crate) use launcher::run as run_launcher;
