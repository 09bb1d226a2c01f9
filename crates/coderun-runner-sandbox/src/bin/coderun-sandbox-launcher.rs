//! Runs the launcher alone, so that tests and embedders need no program of their own for it.

fn main() {
    coderun_runner_sandbox::launcher_main();
}
