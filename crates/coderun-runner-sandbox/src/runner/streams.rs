//! The service's side of the three pipes that are a program's streams.

use std::io;
use std::os::fd::OwnedFd;

use bytes::Bytes;
use coderun_domain::OutputStream;
use tokio::net::unix::pipe;

use super::input::Input;

/// The service's ends of a program's streams.
#[derive(Debug)]
pub(super) struct Streams {
    stdin: Option<pipe::Sender>,
    stdout: Option<pipe::Receiver>,
    stderr: Option<pipe::Receiver>,
    /// Ends that are read no more but stay open: a program that writes to one waits for its end, where a closed one
    /// would make it complain.
    unread: Vec<pipe::Receiver>,
    /// Whether input is for this stage, or waits for the next.
    takes_input: bool,
    buffer: Vec<u8>,
}

impl Streams {
    pub(super) fn new(stdin: OwnedFd, stdout: OwnedFd, stderr: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            stdin: Some(pipe::Sender::from_owned_fd(stdin)?),
            stdout: Some(pipe::Receiver::from_owned_fd(stdout)?),
            stderr: Some(pipe::Receiver::from_owned_fd(stderr)?),
            unread: Vec::new(),
            takes_input: true,
            buffer: vec![0; READ_BYTES],
        })
    }

    /// A program that reads nothing: its stdin is at its end at once, and input waits for the next stage.
    pub(super) fn without_stdin(mut self) -> Self {
        self.stdin = None;
        self.takes_input = false;
        self
    }

    /// Where input goes; `None` after its end.
    pub(super) fn stdin(&self) -> Option<&pipe::Sender> {
        self.stdin.as_ref()
    }

    /// Waits until there is something to read; for ever at the end of a stream.
    pub(super) async fn readable(&self, stream: OutputStream) {
        let receiver = match stream {
            OutputStream::Stdout => &self.stdout,
            OutputStream::Stderr => &self.stderr,
        };
        match receiver {
            // An error shows again where it is read.
            Some(receiver) => drop(receiver.readable().await),
            None => std::future::pending().await,
        }
    }

    /// Waits until something can be written; for ever after the end.
    pub(super) async fn writable(&self) {
        match &self.stdin {
            // An error shows again where it is written.
            Some(sender) => drop(sender.writable().await),
            None => std::future::pending().await,
        }
    }

    /// Reads no more of a stream.
    pub(super) fn leave_unread(&mut self, stream: OutputStream) {
        let receiver = match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        };
        self.unread.extend(receiver.take());
    }

    /// Reads what is there; `None` where there is nothing now, or never again.
    pub(super) fn read(&mut self, stream: OutputStream, how: Reading) -> Option<Bytes> {
        let Self {
            stdout,
            stderr,
            buffer,
            ..
        } = self;
        let receiver = match stream {
            OutputStream::Stdout => stdout,
            OutputStream::Stderr => stderr,
        };
        let pipe = receiver.as_ref()?;
        let read = match how {
            Reading::WhenReady => pipe.try_read(buffer),
            Reading::AtOnce => rustix::io::read(pipe, &mut *buffer).map_err(io::Error::from),
        };
        match read {
            Ok(0) => {
                *receiver = None;
                None
            }
            Ok(length) => buffer.get(..length).map(Bytes::copy_from_slice),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(_) => {
                *receiver = None;
                None
            }
        }
    }

    /// Writes what stdin takes. A program that has closed it gets nothing more.
    pub(super) fn write(&mut self, input: &mut Input) {
        let Some(stdin) = &self.stdin else {
            return;
        };
        match stdin.try_write(input.waiting()) {
            Ok(length) => input.advance(length),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.stdin = None,
        }
    }

    /// Ends stdin after the last input, and drops input that nobody will read.
    pub(super) fn settle(&mut self, input: &mut Input) {
        if input.is_at_end() {
            self.stdin = None;
        }
        if self.takes_input && self.stdin.is_none() {
            input.drop_waiting();
        }
    }
}

/// How a pipe is read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reading {
    /// After the runtime has said that there is something.
    WhenReady,
    /// Whatever the runtime knows, which may be less than is there.
    AtOnce,
}

/// As much as a pipe holds.
const READ_BYTES: usize = 64 * 1024;

#[cfg(test)]
pub(super) mod tests {
    use rustix::pipe::{PipeFlags, pipe_with};

    use super::*;

    /// Streams, and the program's ends of stdin, stdout and stderr.
    pub(crate) fn streams() -> (Streams, [OwnedFd; 3]) {
        let pipe = || pipe_with(PipeFlags::CLOEXEC).unwrap();
        let ((reader, stdin), (stdout, writer), (stderr, error_writer)) = (pipe(), pipe(), pipe());
        let streams = Streams::new(stdin, stdout, stderr).unwrap();
        (streams, [reader, writer, error_writer])
    }

    /// The runtime learns that there is nothing, and is given no time to learn of what comes after.
    pub(crate) fn hear_of_nothing(streams: &mut Streams) {
        while streams
            .read(OutputStream::Stdout, Reading::WhenReady)
            .is_some()
        {}
    }

    #[tokio::test]
    async fn the_rest_is_read_even_if_the_runtime_has_not_heard_of_it() {
        let (mut streams, [_reader, writer, _error_writer]) = streams();
        hear_of_nothing(&mut streams);
        rustix::io::write(&writer, b"rest").unwrap();
        let heard = streams.read(OutputStream::Stdout, Reading::WhenReady);
        let read = streams.read(OutputStream::Stdout, Reading::AtOnce);
        assert_eq!(heard, None);
        assert_eq!(read, Some(Bytes::from_static(b"rest")));
    }
}
