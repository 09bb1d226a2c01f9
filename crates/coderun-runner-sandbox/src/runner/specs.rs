//! Specifies the stages of a submission: which program runs on which files under which limits.

use bytes::Bytes;
use coderun_domain::{StageLimits, StorageLimits, Submission};

use crate::cgroup::GroupLimits;
use crate::protocol::{KernelLimits, SpecFile, StageSpec};
use crate::toolchain::Toolchain;

/// The environment variables of every program.
const ENVIRONMENT: [(&str, &str); 6] = [
    ("HOME", "/box"),
    ("LANG", "C.UTF-8"),
    ("LC_ALL", "C.UTF-8"),
    ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ("TMPDIR", "/tmp"),
    ("USER", "sandbox"),
];

/// The stack limit of one process. The group's memory limit bounds it too.
const STACK_BYTES: u64 = 64 << 20;

/// A specification and the contents of its files.
pub(super) struct SpecWithFiles {
    pub(super) spec: StageSpec,
    pub(super) contents: Vec<Bytes>,
}

/// The specification that builds a submission; `None` where its language needs no building.
pub(super) fn compile(submission: &Submission, toolchain: &Toolchain) -> Option<SpecWithFiles> {
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
    let limits = kernel_limits(&limits.compile, &limits.storage);
    Some(spec_with_files(argv, toolchain, files, limits))
}

/// The specification that runs a submission. The built program is not one of its files.
pub(super) fn run(submission: &Submission, toolchain: &Toolchain) -> SpecWithFiles {
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
    let limits = kernel_limits(&limits.run, &limits.storage);
    let mut spec = spec_with_files(argv, toolchain, files, limits);
    if submission.is_interactive() {
        let own = toolchain.interactive_environment.iter().cloned();
        spec.spec.environment.extend(own);
    }
    spec
}

/// The specification that runs `true`, which shows that a sandbox can be built.
pub(super) fn probe(limits: &StageLimits, storage: &StorageLimits) -> StageSpec {
    StageSpec {
        argv: vec!["/bin/true".to_owned()],
        environment: Vec::new(),
        visible: Vec::new(),
        files: Vec::new(),
        artefact: None,
        limits: kernel_limits(limits, storage),
    }
}

/// The limits of a stage's group. The first process counts beside those that the limit allows the program.
pub(super) fn group_limits(limits: &StageLimits) -> GroupLimits {
    GroupLimits {
        memory_bytes: limits.memory().as_bytes(),
        processes: u64::from(limits.processes()) + 1,
    }
}

fn spec_with_files(
    argv: Vec<String>,
    toolchain: &Toolchain,
    files: Vec<(String, Bytes)>,
    limits: KernelLimits,
) -> SpecWithFiles {
    let own = toolchain.entry.environment.iter();
    let environment = ENVIRONMENT
        .iter()
        .chain(own)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let artefact = toolchain.entry.build.as_ref();
    let spec_file = |(name, content): &(String, Bytes)| SpecFile {
        name: name.clone(),
        size_bytes: u64::try_from(content.len()).unwrap_or(u64::MAX),
    };
    SpecWithFiles {
        spec: StageSpec {
            argv,
            environment,
            visible: toolchain.extra_paths.clone(),
            files: files.iter().map(spec_file).collect(),
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

fn kernel_limits(stage: &StageLimits, storage: &StorageLimits) -> KernelLimits {
    KernelLimits {
        // The group's limit is met first. This one holds even if the service does not check.
        cpu_seconds: stage.cpu_time().as_secs().saturating_add(2),
        data_bytes: None,
        stack_bytes: STACK_BYTES.min(stage.memory().as_bytes()),
        processes: u64::from(stage.processes()).saturating_add(1),
        file_size_bytes: storage.file_size().as_bytes(),
        disk_bytes: storage.disk().as_bytes(),
        open_files: u64::from(storage.open_files()),
    }
}
