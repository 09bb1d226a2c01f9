//! Makes the pipes that are a program's standard streams.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Gid, Uid, fchown};
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

/// Both ends of stdin, stdout and stderr.
#[derive(Debug)]
pub(super) struct Pipes {
    /// The program's ends.
    pub(super) inside: [OwnedFd; 3],
    /// The service's ends.
    pub(super) outside: [OwnedFd; 3],
}

impl Pipes {
    /// Makes pipes for a program of this user outside; `None` means the service's own.
    ///
    /// They belong to that user, so that the program can open them again by `/dev/stdin` or `/proc/self/fd/1`, which the
    /// kernel checks as it does for files.
    pub(super) fn create(owner: Option<u32>) -> io::Result<Self> {
        let [
            (stdin_inside, stdin),
            (stdout, stdout_inside),
            (stderr, stderr_inside),
        ] = [pipe(owner)?, pipe(owner)?, pipe(owner)?];
        for output in [&stdout, &stderr] {
            enlarge(output);
        }
        Ok(Self {
            inside: [stdin_inside, stdout_inside, stderr_inside],
            outside: [stdin, stdout, stderr],
        })
    }
}

/// The reading and the writing end.
fn pipe(owner: Option<u32>) -> io::Result<(OwnedFd, OwnedFd)> {
    let ends = pipe_with(PipeFlags::CLOEXEC)?;
    if let Some(id) = owner {
        // Either end stands for both.
        fchown(&ends.0, Some(Uid::from_raw(id)), Some(Gid::from_raw(id)))?;
    }
    Ok(ends)
}

/// The capacity of an output pipe: what a program can write and then exit at once without waiting, as Node does.
///
/// It is the most that the kernel lets an ordinary user have by default.
pub(super) const OUTPUT_BYTES: usize = 1 << 20;
/// The capacity that every pipe has.
const DEFAULT_BYTES: usize = 64 * 1024;

/// Gives a pipe as much capacity as the kernel allows. An ordinary user gets less when it has many such pipes.
fn enlarge(pipe: &OwnedFd) {
    let mut bytes = OUTPUT_BYTES;
    while bytes > DEFAULT_BYTES && fcntl_setpipe_size(pipe, bytes).is_err() {
        bytes /= 2;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use rustix::pipe::fcntl_getpipe_size;

    use super::*;

    #[test]
    fn output_pipes_are_large_and_the_input_pipe_is_not() {
        let [stdin, stdout, stderr] = Pipes::create(None).unwrap().inside;
        let sizes = [&stdin, &stdout, &stderr].map(|end| fcntl_getpipe_size(end).unwrap());
        assert_eq!(sizes, [DEFAULT_BYTES, OUTPUT_BYTES, OUTPUT_BYTES]);
    }

    #[test]
    fn pipes_belong_to_their_user() {
        let own = rustix::process::geteuid();
        let id = if own.is_root() { 54_321 } else { own.as_raw() };
        let pipes = Pipes::create(Some(id)).unwrap();
        for end in pipes.inside.into_iter().chain(pipes.outside) {
            let status = std::fs::File::from(end).metadata().unwrap();
            assert_eq!((status.uid(), status.gid()), (id, id));
        }
    }
}
