//! What a submission means for each stage: which program runs on which files under which limits.

use bytes::Bytes;
use coderun_domain::{StageLimits, StorageLimits, Submission};

use crate::cgroup::GroupLimits;
use crate::protocol::{Order, OrderFile, OrderLimits};
use crate::toolchain::Toolchain;

/// What every program finds in its environment.
const ENVIRONMENT: [(&str, &str); 6] = [
    ("HOME", "/box"),
    ("LANG", "C.UTF-8"),
    ("LC_ALL", "C.UTF-8"),
    ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ("TMPDIR", "/tmp"),
    ("USER", "sandbox"),
];

/// The greatest stack of one process; the group's memory bounds it too.
const STACK_BYTES: u64 = 64 << 20;

/// An order and the contents of its files.
pub(super) struct Ordered {
    pub(super) order: Order,
    pub(super) contents: Vec<Bytes>,
}

/// The order that builds a submission; `None` where its language needs no building.
pub(super) fn compile(submission: &Submission, toolchain: &Toolchain) -> Option<Ordered> {
    let build = toolchain.entry.build.as_ref()?;
    let mut argv = vec![toolchain.program.clone()];
    argv.extend(build.arguments.iter().map(ToString::to_string));
    // So that a name that begins with a dash is not taken for an option.
    argv.push(format!("./{}", toolchain.entry.entry_file));
    argv.extend(
        submission
            .files()
            .iter()
            .map(|file| file.name().as_str())
            .filter(|name| name.ends_with(build.source_ending))
            .map(|name| format!("./{name}")),
    );
    argv.extend(build.last_arguments.iter().map(ToString::to_string));
    let limits = submission.limits();
    let files = submitted_files(submission, toolchain);
    let limits = order_limits(&limits.compile, &limits.storage);
    Some(ordered(argv, toolchain, files, limits))
}

/// The order that runs a submission; what was built comes along by itself.
pub(super) fn run(submission: &Submission, toolchain: &Toolchain) -> Ordered {
    let entry = toolchain.entry;
    let mut argv = if let Some(build) = &entry.build {
        vec![format!("./{}", build.artefact)]
    } else {
        let mut argv = vec![toolchain.program.clone()];
        argv.extend(entry.interpreter_arguments.iter().map(ToString::to_string));
        argv.push(entry.entry_file.to_owned());
        argv
    };
    argv.extend(submission.args().iter().cloned());
    let limits = submission.limits();
    let artefact = entry.build.as_ref().map(|build| build.artefact);
    let mut files = submitted_files(submission, toolchain);
    files.retain(|(name, _)| Some(name.as_str()) != artefact);
    let limits = order_limits(&limits.run, &limits.storage);
    let mut ordered = ordered(argv, toolchain, files, limits);
    if submission.is_interactive() {
        let own = toolchain.interactive_environment.iter().cloned();
        ordered.order.environment.extend(own);
    }
    ordered
}

/// The order that does nothing: it shows that a sandbox can be built.
pub(super) fn probe(limits: &StageLimits, storage: &StorageLimits) -> Order {
    Order {
        argv: vec!["/bin/true".to_owned()],
        environment: Vec::new(),
        visible: Vec::new(),
        files: Vec::new(),
        artefact: None,
        limits: order_limits(limits, storage),
    }
}

/// What the group of a stage enforces: its first process is one more than the limit allows the program.
pub(super) fn group_limits(limits: &StageLimits) -> GroupLimits {
    GroupLimits {
        memory_bytes: limits.memory().as_bytes(),
        processes: u64::from(limits.processes()) + 1,
    }
}

fn ordered(
    argv: Vec<String>,
    toolchain: &Toolchain,
    files: Vec<(String, Bytes)>,
    limits: OrderLimits,
) -> Ordered {
    let own = toolchain.entry.environment.iter();
    let environment = ENVIRONMENT
        .iter()
        .chain(own)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let artefact = toolchain.entry.build.as_ref();
    let order_file = |(name, content): &(String, Bytes)| OrderFile {
        name: name.clone(),
        size_bytes: u64::try_from(content.len()).unwrap_or(u64::MAX),
    };
    Ordered {
        order: Order {
            argv,
            environment,
            visible: toolchain.parts.clone(),
            files: files.iter().map(order_file).collect(),
            artefact: artefact.map(|build| build.artefact.to_owned()),
            limits,
        },
        contents: files.into_iter().map(|(_, content)| content).collect(),
    }
}

fn submitted_files(submission: &Submission, toolchain: &Toolchain) -> Vec<(String, Bytes)> {
    let code = Bytes::copy_from_slice(submission.code().as_bytes());
    let others = submission
        .files()
        .iter()
        .map(|file| (file.name().as_str().to_owned(), file.content().clone()));
    std::iter::once((toolchain.entry.entry_file.to_owned(), code))
        .chain(others)
        .collect()
}

fn order_limits(stage: &StageLimits, storage: &StorageLimits) -> OrderLimits {
    OrderLimits {
        // The group's limit comes first; this one holds even if nobody looks.
        cpu_seconds: stage.cpu_time().as_secs().saturating_add(2),
        data_bytes: None,
        stack_bytes: STACK_BYTES.min(stage.memory().as_bytes()),
        processes: u64::from(stage.processes()).saturating_add(1),
        file_size_bytes: storage.file_size().as_bytes(),
        disk_bytes: storage.disk().as_bytes(),
        open_files: u64::from(storage.open_files()),
    }
}
