//! Defines the messages between the service, the launcher and the first process of a sandbox.
//!
//! The service sends one [`Dispatch`] a stage, with file descriptors in the order that [`Dispatch`] names. The launcher
//! answers on the stage's own socket with [`LauncherMessage`]s. All that only the sandbox needs to know is in the
//! [`StageSpec`], in a file in memory, so that the launcher neither reads nor keeps anything of a user.

use std::io::{self, Write};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The hidden first argument that makes a program the launcher. After it come the number of processors that a program may use,
/// and the folders and files of toolchains, which all programs see at the same place.
pub(crate) const LAUNCHER_ARGUMENT: &str = "--coderun-sandbox-launcher";

/// The longest message of any kind, in bytes: far above what they need.
pub(crate) const MESSAGE_MAX_BYTES: usize = 4096;

/// The most file descriptors that come with a [`Dispatch`].
pub(crate) const DESCRIPTORS_MAX: usize = 16;

/// The most files and folders that a compiler may build.
pub(crate) const BUILT_ENTRIES_MAX: usize = 1000;

/// The step of the launcher that needs the right to give programs ids of their own.
pub(crate) const MAP_USERS: &str = "write `uid_map`";

/// The step that executes the program, when its sandbox is built.
pub(crate) const START_PROGRAM: &str = "start the program";

/// The folder of the submitted files, in which programs start.
pub(crate) const BOX: &str = "/box";

/// The user and group inside every sandbox.
pub(crate) const INSIDE_ID: u32 = 1000;

/// The folders of programs and libraries in every sandbox. A folder that is a link into `/usr` is a link in the sandbox too.
pub(crate) const SYSTEM_FOLDERS: [&str; 7] = [
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
];

/// The machine's settings that programs need: where libraries are, which of several tools is the default, and where fonts are.
pub(crate) const SETTINGS: [&str; 3] = ["/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts"];

/// Asks the launcher to start a stage.
///
/// Comes with these descriptors: the specification, the stage's socket, stdin, stdout, stderr; then, as the fields say, the
/// artefact to read, the artefact to write, the version 2 control group, and the `tasks` files of version 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dispatch {
    /// The user and group outside that the sandbox's user is; `None` means the launcher's own.
    pub(crate) outside_id: Option<u32>,
    /// Whether a built program is among the descriptors.
    pub(crate) artefact_in: bool,
    /// Whether a built program is wanted.
    pub(crate) artefact_out: bool,
    /// Whether the stage is cloned into a version 2 control group.
    pub(crate) cgroup: bool,
    /// How many version 1 control groups it joins.
    pub(crate) tasks_files: usize,
}

/// The sandbox that its first process builds, and the program that it starts. The contents of the files follow it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StageSpec {
    /// The program and its arguments.
    pub(crate) argv: Vec<String>,
    /// All of its environment.
    pub(crate) environment: Vec<(String, String)>,
    /// Signals that it ignores from the start, beside which it begins with none ignored.
    pub(crate) ignored_signals: Vec<i32>,
    /// Files for `/box`.
    pub(crate) files: Vec<SpecFile>,
    /// The file in `/box` that is the built program, or the folder if it ends with `/`.
    pub(crate) artefact: Option<String>,
    /// The numbers of the processors that it may use; empty if it may use all.
    pub(crate) processors: Vec<usize>,
    /// Limits that the kernel enforces by itself.
    pub(crate) limits: KernelLimits,
}

/// A file for `/box`. Its content comes after the specification.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SpecFile {
    /// Its path, relative to `/box`.
    pub(crate) name: String,
    /// Its size, in bytes.
    pub(crate) size_bytes: u64,
}

/// Limits that the kernel enforces by itself on a process or a file system.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct KernelLimits {
    /// CPU seconds of one process: the last resort behind the group's limit.
    pub(crate) cpu_seconds: u64,
    /// Memory of the sandbox, which programs are told.
    pub(crate) memory_bytes: u64,
    /// Greatest data segment of one process; `None` where a control group counts memory.
    pub(crate) data_bytes: Option<u64>,
    /// Processes and threads of the sandbox.
    pub(crate) processes: u64,
    /// Any one file.
    pub(crate) file_size_bytes: u64,
    /// All files together.
    pub(crate) disk_bytes: u64,
    /// Open descriptors of one process.
    pub(crate) open_files: u64,
}

/// A message of the launcher on a stage's socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LauncherMessage {
    /// The first process exists, with this id outside.
    Started {
        /// Its process id.
        pid: i32,
    },
    /// The first process was killed, as the service asked. The kernel has not ended the sandbox yet.
    Killed,
    /// The sandbox is gone, with everything in it.
    Ended {
        /// The report of its first process, unless that was killed before.
        report: Option<InitReport>,
        /// Whether the first process ended by a signal.
        was_killed: bool,
    },
    /// It could not be started.
    Refused {
        /// The reason, for the operator.
        reason: String,
    },
}

/// The report of the first process of a sandbox, before it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum InitReport {
    /// The sandbox could not be built.
    Failed {
        /// The step that failed.
        step: String,
        /// The kernel's error number.
        errno: i32,
    },
    /// The program ended.
    Ended(ProgramEnd),
}

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProgramEnd {
    /// As the kernel encodes it for `wait`.
    pub(crate) wait_status: i32,
    /// CPU time that building the sandbox took.
    pub(crate) setup_cpu: Duration,
    /// Time between the start of the program and its end.
    pub(crate) wall: Duration,
    /// CPU time of all that was waited for.
    pub(crate) cpu: Duration,
    /// Peak memory of the largest process that was waited for.
    pub(crate) peak_bytes: u64,
    /// Whether it left processes behind, alive or waited for by nobody.
    pub(crate) has_left_processes: bool,
    /// Whether landlock is in force.
    pub(crate) landlock: bool,
}

/// Writes a header that says what follows it in a file, with its length before it.
pub(crate) fn write_header<T: Serialize>(file: &mut impl Write, header: &T) -> io::Result<()> {
    let header = encode(header)?;
    let length = u32::try_from(header.len()).map_err(io::Error::other)?;
    file.write_all(&length.to_le_bytes())?;
    file.write_all(&header)
}

/// Writes a message as bytes.
pub(crate) fn encode<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    serde_json::to_vec(message).map_err(io::Error::from)
}

/// Reads a message from bytes.
pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> io::Result<T> {
    serde_json::from_slice(bytes).map_err(io::Error::from)
}
