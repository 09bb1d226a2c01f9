//! Starts the launcher, sends it dispatches, and replaces it when it has died or hangs, or when what it shows has been replaced.

use std::io::{self, IoSlice};
use std::num::NonZero;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    sendmsg, socketpair,
};

use crate::file_identity::FileIdentity;
use crate::protocol::{DESCRIPTORS_MAX, Dispatch, LAUNCHER_ARGUMENT, SETTINGS, encode};

/// The launcher of new stages, running or to be started with the next dispatch.
#[derive(Debug)]
pub(crate) struct LauncherProcess {
    program: PathBuf,
    /// How many processors a program may use.
    processors: NonZero<u32>,
    /// The folders and files of toolchains that programs see.
    toolchains: Mutex<Vec<PathBuf>>,
    current: Mutex<Option<Arc<Launcher>>>,
}

/// A running launcher, as far as the service knows. It lives as long as a stage holds it, since all its programs end with it.
#[derive(Debug)]
pub(crate) struct Launcher {
    socket: OwnedFd,
    child: Mutex<Child>,
    /// The files and folders of the machine that it shows, as they were when it started.
    shown: Vec<Option<FileIdentity>>,
}

impl LauncherProcess {
    /// A launcher that will be started with the first dispatch.
    pub(crate) const fn new(
        program: PathBuf,
        processors: NonZero<u32>,
        toolchains: Vec<PathBuf>,
    ) -> Self {
        Self {
            program,
            processors,
            toolchains: Mutex::new(toolchains),
            current: Mutex::new(None),
        }
    }

    /// Asks for a stage, and returns the launcher that was asked, which the stage must keep. Does not wait for it: the launcher
    /// answers on the stage's own socket. A launcher that has died is replaced, and so is one that shows files or folders that
    /// are not those of the machine any more; the stages that it has started go on to their end.
    pub(crate) fn dispatch(
        &self,
        dispatch: &Dispatch,
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<Arc<Launcher>> {
        let message = encode(dispatch)?;
        let toolchains = self.toolchains.lock().clone();
        let shown = Self::identities_to_show(&toolchains);
        let mut current = self.current.lock();
        drop_outdated(&mut current, &shown);
        if let Some(living) = current.as_ref() {
            match living.send(&message, descriptors) {
                Err(Errno::PIPE | Errno::CONNRESET) => {
                    tracing::warn!("sandbox launcher ended and is started again");
                }
                answer => return Ok(answer.map(|()| Arc::clone(living))?),
            }
        }
        let fresh = current.insert(Arc::new(self.open(&toolchains, shown)?));
        fresh.send(&message, descriptors)?;
        Ok(Arc::clone(fresh))
    }

    /// Has the programs of new stages see these folders and files of toolchains.
    pub(crate) fn show(&self, toolchains: Vec<PathBuf>) {
        *self.toolchains.lock() = toolchains;
    }

    fn identities_to_show(toolchains: &[PathBuf]) -> Vec<Option<FileIdentity>> {
        let settings = SETTINGS.iter().map(Path::new);
        let shown = settings.chain(toolchains.iter().map(PathBuf::as_path));
        shown.map(FileIdentity::of).collect()
    }

    /// Kills a launcher that does not answer, and with it every program that it has started. The next dispatch starts
    /// another launcher. Blocks until the old one is dead.
    pub(crate) fn replace(&self, hung: &Arc<Launcher>) {
        let is_hung = |launcher: &mut Arc<Launcher>| Arc::ptr_eq(launcher, hung);
        let was_current = self.current.lock().take_if(is_hung);
        if was_current.is_some() {
            tracing::error!("sandbox launcher does not answer and is replaced");
        }
        hung.kill();
    }

    /// `shown` are the identities of before the launcher looks: a file that is replaced between is seen as such later.
    fn open(
        &self,
        toolchains: &[PathBuf],
        shown: Vec<Option<FileIdentity>>,
    ) -> io::Result<Launcher> {
        let (socket, launcher) = stage_socket()?;
        let child = Command::new(&self.program)
            .arg(LAUNCHER_ARGUMENT)
            .arg(self.processors.to_string())
            .args(toolchains)
            .env_clear()
            .current_dir("/")
            // Of its own, so that Ctrl-C in a terminal stops the service alone, and the service drains.
            .process_group(0)
            .stdin(launcher)
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Launcher {
            socket,
            child: Mutex::new(child),
            shown,
        })
    }
}

impl Launcher {
    fn send(&self, message: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<(), Errno> {
        let mut space =
            [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(Errno::TOOBIG);
        }
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        sendmsg(&self.socket, &[IoSlice::new(message)], &mut control, flags)?;
        Ok(())
    }
}

impl Launcher {
    fn kill(&self) {
        let mut child = self.child.lock();
        // Errors do not matter: the launcher is dead already or dies now.
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Lets go of a launcher that shows other files than these. Blocks until it is dead if it has no stage left.
fn drop_outdated(current: &mut Option<Arc<Launcher>>, shown: &[Option<FileIdentity>]) {
    if current
        .take_if(|launcher| launcher.shown != shown)
        .is_some()
    {
        tracing::info!("a toolchain was replaced: new programs get a new sandbox launcher");
    }
}

/// Creates both ends of a socket that keeps messages apart and carries descriptors.
pub(crate) fn stage_socket() -> io::Result<(OwnedFd, OwnedFd)> {
    let (kind, flags) = (SocketType::SEQPACKET, SocketFlags::CLOEXEC);
    Ok(socketpair(AddressFamily::UNIX, kind, flags, None)?)
}

/// The descriptors for the launcher, in the order of the protocol.
#[derive(Debug)]
pub(crate) struct LauncherEnds {
    pub(crate) spec: OwnedFd,
    pub(crate) socket: OwnedFd,
    pub(crate) stdio: [OwnedFd; 3],
    pub(crate) artefact_in: Option<OwnedFd>,
    pub(crate) artefact_out: Option<OwnedFd>,
    pub(crate) cgroup: Option<OwnedFd>,
    pub(crate) tasks_files: Vec<OwnedFd>,
}

impl LauncherEnds {
    /// The dispatch that announces these descriptors.
    pub(crate) const fn dispatch(&self, outside_id: Option<u32>) -> Dispatch {
        Dispatch {
            outside_id,
            artefact_in: self.artefact_in.is_some(),
            artefact_out: self.artefact_out.is_some(),
            cgroup: self.cgroup.is_some(),
            tasks_files: self.tasks_files.len(),
        }
    }

    /// The descriptors in their order.
    pub(crate) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        [&self.spec, &self.socket]
            .into_iter()
            .chain(&self.stdio)
            .chain(&self.artefact_in)
            .chain(&self.artefact_out)
            .chain(&self.cgroup)
            .chain(&self.tasks_files)
            .map(AsFd::as_fd)
            .collect()
    }
}
