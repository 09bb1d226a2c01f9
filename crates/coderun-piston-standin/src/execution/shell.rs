//! The shell scripts that stand between Isolate and compilers and programs, in each of Piston's packages.

use crate::runtime::{Package, Runtime};

/// What the script's shell says of a program that a signal ended; `None` where it is silent.
pub(super) fn obituary(runtime: &Runtime, package: &Package, signal: i32) -> Option<String> {
    let words = match signal {
        3 => "Quit",
        4 => "Illegal instruction",
        5 => "Trace/breakpoint trap",
        6 => "Aborted",
        7 => "Bus error",
        8 => "Floating point exception",
        9 => "Killed",
        11 => "Segmentation fault",
        15 => return Some("Terminated\n".to_owned()),
        24 => "CPU time limit exceeded",
        25 => "File size limit exceeded",
        31 => "Bad system call",
        _ => return None,
    };
    let (name, version) = (runtime.package_name(), &runtime.version);
    let (line, command) = (package.run_line, package.run_command);
    Some(format!(
        "/piston/packages/{name}/{version}/run: line {line}: {PROCESS:>5} {words:<23} {command}\n"
    ))
}

/// The program is the first that the shell starts, after the shell itself and Isolate's own.
const PROCESS: u32 = 3;

/// What the compile script adds where the compiler made nothing: its last command fails instead of the compiler.
pub(super) const NOTHING_BUILT: &str = "chmod: cannot access 'a.out': No such file or directory\n";
