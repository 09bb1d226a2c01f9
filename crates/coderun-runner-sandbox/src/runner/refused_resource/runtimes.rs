//! Lists how runtimes end a program that was refused memory or a process.

use super::{Ending, Resource, Runtime};

pub(super) const RUNTIMES: [Runtime; 28] = [
    PYTHON,
    PYTHON_PROCESS,
    CPP,
    CPP_PROCESS,
    NODE_ABORT,
    NODE,
    JAVA_PROCESS,
    JAVA,
    GO,
    GO_PROCESS,
    RUST,
    RUST_PROCESS,
    RUBY,
    RUBY_PROCESS,
    PHP,
    PERL,
    OCAML,
    OCAML_PROCESS,
    CSHARP,
    CSHARP_PROCESS,
    HASKELL,
    FORTRAN,
    PASCAL,
    R,
    BASH,
    BASH_FORK,
    BASH_PROCESS,
    COMPILER,
];

const PYTHON: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &[
        "MemoryError",
        "MemoryError: *",
        "numpy.core._exceptions._ArrayMemoryError: *",
        "numpy._core._exceptions._ArrayMemoryError: *",
        "OSError: [Errno 12] Cannot allocate memory*",
    ],
    endings: &[Ending::Code(1)],
    trace: &[],
};

const PYTHON_PROCESS: Runtime = Runtime {
    resource: Resource::Process,
    messages: &[
        "BlockingIOError: [Errno 11] Resource temporarily unavailable",
        "RuntimeError: can't start new thread",
    ],
    ..PYTHON
};

const CPP: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &[
        "terminate called after throwing an instance of 'std::bad_alloc'",
        "  what():  std::bad_alloc",
        "libc++abi: terminating *std::bad_alloc*",
    ],
    endings: &[Ending::Signal(libc::SIGABRT)],
    trace: &[],
};

const CPP_PROCESS: Runtime = Runtime {
    resource: Resource::Process,
    messages: &["  what():  Resource temporarily unavailable"],
    ..CPP
};

/// V8 cannot go on without memory for its own heap.
const NODE_ABORT: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &[
        "FATAL ERROR: *JavaScript heap out of memory",
        "FATAL ERROR: *Allocation failed - process out of memory",
        "# Fatal process out of memory: *",
        "# Fatal JavaScript out of memory: *",
    ],
    endings: &[
        Ending::Signal(libc::SIGABRT),
        Ending::Signal(libc::SIGTRAP),
        Ending::Signal(libc::SIGILL),
    ],
    trace: &["----- * stack trace -----", "*: 0x*", "#", ""],
};

const NODE: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &[
        "RangeError: Array buffer allocation failed",
        "RangeError: WebAssembly.*: could not allocate memory*",
    ],
    endings: &[Ending::Code(1)],
    trace: &["    at *", "Node.js v*", ""],
};

const JAVA_PROCESS: Runtime = Runtime {
    resource: Resource::Process,
    messages: &["*java.lang.OutOfMemoryError: unable to create native thread*"],
    ..JAVA
};

const JAVA: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &[
        "Exception in thread *java.lang.OutOfMemoryError*",
        "Caused by: java.lang.OutOfMemoryError*",
        "# There is insufficient memory for the Java Runtime Environment to continue.",
        "Could not reserve enough space for *",
    ],
    endings: &[Ending::Code(1)],
    trace: &["\tat *", "\t... *", "# *", "#", ""],
};

const GO: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &[
        "fatal error: *out of memory*",
        "fatal error: *cannot allocate memory*",
    ],
    endings: &[Ending::Code(2)],
    trace: &[
        "goroutine *",
        "runtime stack:",
        "created by *",
        "\t*",
        "*)",
        "",
    ],
};

const GO_PROCESS: Runtime = Runtime {
    resource: Resource::Process,
    messages: &["fatal error: newosproc"],
    ..GO
};

const RUST: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &["memory allocation of * bytes failed"],
    endings: &[Ending::Signal(libc::SIGABRT)],
    trace: &[],
};

const RUST_PROCESS: Runtime = Runtime {
    resource: Resource::Process,
    messages: &["*failed to spawn thread: Os { code: 11,*"],
    endings: &[Ending::Code(101)],
    trace: &["note: *"],
};

const RUBY: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &["*: failed to allocate memory (NoMemoryError)"],
    endings: &[Ending::Code(1)],
    trace: &["\tfrom *"],
};

const RUBY_PROCESS: Runtime = Runtime {
    resource: Resource::Process,
    messages: &["*: can't create Thread: Resource temporarily unavailable (ThreadError)"],
    ..RUBY
};

const PHP: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &["Out of memory", "*Out of memory (allocated *"],
    endings: &[Ending::Code(1), Ending::Code(255)],
    trace: &[],
};

const PERL: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &["Out of memory!", "Out of memory in perl:*"],
    endings: &[Ending::Code(1)],
    trace: &[],
};

const OCAML: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &[
        "Fatal error: exception Out of memory",
        "Fatal error: exception Out_of_memory",
    ],
    endings: &[Ending::Code(2)],
    trace: &[],
};

const OCAML_PROCESS: Runtime = Runtime {
    resource: Resource::Process,
    messages: &[
        "Fatal error: exception Sys_error(\"Thread.create: Resource temporarily unavailable\")",
        "Fatal error: exception Unix.Unix_error(Unix.EAGAIN, \"fork\", *",
    ],
    ..OCAML
};

const CSHARP: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &["*System.OutOfMemoryException: *"],
    endings: &[Ending::Code(1)],
    trace: &["  at *"],
};

const CSHARP_PROCESS: Runtime = Runtime {
    resource: Resource::Process,
    messages: &["*System.ExecutionEngineException: Couldn't create thread*"],
    ..CSHARP
};

const HASKELL: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &["*: malloc: resource exhausted (out of memory)"],
    endings: &[Ending::Code(1)],
    trace: &[],
};

const FORTRAN: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &["*Error allocating * bytes*"],
    endings: &[Ending::Code(1)],
    trace: &["Error termination. Backtrace:", "#*", "\tat *", ""],
};

const PASCAL: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &["Runtime error 203 at $*", "EOutOfMemory: Out of memory"],
    endings: &[Ending::Code(203), Ending::Code(217)],
    trace: &["  $*", ""],
};

const R: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &["Error*: cannot allocate vector of size *"],
    endings: &[Ending::Code(1)],
    trace: &["Calls: *", "Execution halted"],
};

const BASH: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &[
        "*: xmalloc: cannot allocate * bytes*",
        "*: xrealloc: cannot allocate * bytes*",
    ],
    endings: &[Ending::Code(2)],
    trace: &[],
};

const BASH_FORK: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &["*: fork: Cannot allocate memory"],
    endings: &[Ending::Code(254)],
    trace: &[],
};

const BASH_PROCESS: Runtime = Runtime {
    resource: Resource::Process,
    messages: &["*: fork: Resource temporarily unavailable"],
    ..BASH_FORK
};

const COMPILER: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &[
        "*: out of memory allocating * bytes*",
        "virtual memory exhausted: *",
    ],
    endings: &[Ending::Code(1)],
    trace: &[],
};
