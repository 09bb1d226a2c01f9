//! Nothing but the launcher: lets tests and embedders start one without a program of their own.

fn main() {
    coderun_runner_sandbox::launcher_main();
}
