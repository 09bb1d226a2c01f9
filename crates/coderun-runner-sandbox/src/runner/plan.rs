//! Plans the stages of a submission: which program runs on which files under which limits.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use coderun_domain::{Buffering, ByteSize, StageLimits, StorageLimits, Submission, ZeroLimit};

use super::compiler_files::CompilerFiles;
use super::placeholders::Placeholders;
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

/// The parts of a stage before it starts.
#[derive(Debug)]
pub(super) struct StagePlan {
    pub(super) spec: StageSpec,
    /// The contents of the submitted files, one after the other.
    pub(super) contents: Vec<Bytes>,
    pub(super) limits: StageLimits,
    pub(super) artefact_in: Option<OwnedFd>,
    /// A compilation reads no input, and the program that it builds is copied out.
    pub(super) is_compilation: bool,
}

impl StagePlan {
    /// Builds a submission; `None` where its language needs no building.
    pub(super) fn compile(submission: &Submission, toolchain: &Toolchain) -> Option<Self> {
        if !toolchain.entry.is_compiled() {
            return None;
        }
        let limits = submission.limits();
        let placeholders = Placeholders::new(submission, toolchain, limits.compile.memory());
        let argv = placeholders.replace_all(&toolchain.entry.compile);
        let files = submitted_files(submission, toolchain, placeholders.file());
        let mut plan = Self::new(argv, files, limits.compile, &limits.storage);
        plan.is_compilation = true;
        // Compilers report a file that they cannot write, and take a signal that ends one of their parts for their own fault.
        plan.spec.ignored_signals.push(libc::SIGXFSZ);
        let files = CompilerFiles::new(&limits.storage);
        plan.spec.limits.file_size_bytes = files.file_size.as_bytes();
        plan.spec.limits.disk_bytes = files.disk.as_bytes();
        Some(plan.with_toolchain(toolchain, &placeholders))
    }

    /// Runs a submission, or the program that was built from it, which is not one of the files.
    pub(super) fn run(
        submission: &Submission,
        toolchain: &Toolchain,
        artefact: Option<OwnedFd>,
    ) -> Self {
        let entry = &toolchain.entry;
        let limits = submission.limits();
        let placeholders = Placeholders::new(submission, toolchain, limits.run.memory());
        let mut files = submitted_files(submission, toolchain, placeholders.file());
        if entry.is_compiled() {
            files.retain(|(name, _)| !is_in_the_way(name, &entry.artefact));
        }
        let mut argv = placeholders.replace_all(&entry.run);
        argv.extend(submission.args().iter().cloned());
        let mut plan = Self::new(argv, files, limits.run, &limits.storage)
            .with_toolchain(toolchain, &placeholders);
        plan.artefact_in = artefact;
        match submission.buffering() {
            Buffering::Line => {
                let variables = toolchain.line_buffering.iter().cloned();
                plan.spec.environment.extend(variables);
            }
            Buffering::Full => {}
        }
        plan
    }

    /// Runs `true`, which shows that a sandbox can be built.
    pub(super) fn probe() -> Result<Self, ZeroLimit> {
        let (time, memory, disk) = (
            Duration::from_secs(5),
            ByteSize::from_mib(64),
            ByteSize::from_mib(1),
        );
        let limits = StageLimits::new(time, time, memory, 8)?;
        let storage = StorageLimits::new(PROBE_OUTPUT, disk, disk, 16)?;
        let argv = vec!["/bin/true".to_owned()];
        Ok(Self::new(argv, Vec::new(), limits, &storage))
    }

    fn new(
        argv: Vec<String>,
        files: Vec<(String, Bytes)>,
        limits: StageLimits,
        storage: &StorageLimits,
    ) -> Self {
        let spec_file = |(name, content): &(String, Bytes)| SpecFile {
            name: name.clone(),
            size_bytes: u64::try_from(content.len()).unwrap_or(u64::MAX),
        };
        Self {
            spec: StageSpec {
                argv,
                environment: Vec::new(),
                ignored_signals: Vec::new(),
                files: files.iter().map(spec_file).collect(),
                artefact: None,
                processors: Vec::new(),
                limits: kernel_limits(&limits, storage),
            },
            contents: files.into_iter().map(|(_, content)| content).collect(),
            limits,
            artefact_in: None,
            is_compilation: false,
        }
    }

    fn with_toolchain(mut self, toolchain: &Toolchain, placeholders: &Placeholders<'_>) -> Self {
        let entry = &toolchain.entry;
        let common = ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let own = entry.environment.iter();
        let own = own.map(|(name, value)| (name.clone(), placeholders.replace(value)));
        self.spec.environment = common.into_iter().chain(own).collect();
        self.spec.artefact = entry.is_compiled().then(|| entry.artefact.clone());
        self
    }
}

/// The output limit of the program that shows that a sandbox can be built.
pub(super) const PROBE_OUTPUT: ByteSize = ByteSize::from_kib(4);

/// Whether one of two paths is the other, or a folder above it, so that not both can be files.
pub(super) fn is_in_the_way(name: &str, other: &str) -> bool {
    let (name, other) = (Path::new(name), Path::new(other));
    name.starts_with(other) || other.starts_with(name)
}

fn submitted_files(
    submission: &Submission,
    toolchain: &Toolchain,
    code_file: &str,
) -> Vec<(String, Bytes)> {
    let entry = &toolchain.entry;
    let code = Bytes::copy_from_slice(submission.source_text().as_bytes());
    let mut files = vec![(code_file.to_owned(), code)];
    let submitted = submission.source_files(&entry.file);
    files.extend(submitted.map(|(name, content)| (name.as_str().to_owned(), content)));
    for (name, text) in &entry.files {
        if !files.iter().any(|(it, _)| is_in_the_way(it, name)) {
            files.push((name.clone(), Bytes::from(text.clone())));
        }
    }
    files
}

fn kernel_limits(stage: &StageLimits, storage: &StorageLimits) -> KernelLimits {
    KernelLimits {
        // The group's limit is met first. This one holds even if the service does not check.
        cpu_seconds: stage.cpu_time().as_secs().saturating_add(2),
        memory_bytes: stage.memory().as_bytes(),
        data_bytes: None,
        processes: u64::from(stage.processes()).saturating_add(1),
        file_size_bytes: storage.file_size().as_bytes(),
        disk_bytes: storage.disk().as_bytes(),
        open_files: u64::from(storage.open_files()),
    }
}
