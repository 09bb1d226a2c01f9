//! Checks the contract of [`CodeRunner`](coderun_domain::CodeRunner).
//!
//! The clauses run programs in Python and C, which every runner under test offers. Where the port
//! leaves a choice, [`Abilities`] name it, and the clause checks the promise that fits. Only the clauses about input to a
//! running program are left out, on a runner whose profile says that it passes none on.

pub mod at_most_once;
pub mod compile_limits;
pub mod endings;
pub mod independence;
pub mod interactive;
mod interactive_io;
pub mod limits;
pub mod offers;
mod program;
mod setup;
pub mod streams;

pub use interactive_io::{
    InteractiveClient, InteractiveIo, ProgramEvent, closed_io, interactive_io,
};
pub use program::{AskedLimits, CompletedRun, Program};
pub use setup::{
    Abilities, InteractiveRunner, Killing, LostAnswers, OutputFidelity, RunnerOfOne, RunnerSetup,
    RunnerUnderTest, SignalFidelity,
};

/// Makes one test of each clause for the runner that this constructor makes: a function or closure from how many programs
/// it is to run at a time to a future of [`RunnerUnderTest`](crate::RunnerUnderTest).
#[macro_export]
macro_rules! code_runner_tests {
    (@list $then:ident $context:tt) => {
        $crate::$then! { $context
            streams {
                stdout_stderr_and_the_exit_code_are_told_apart,
                the_submissions_input_is_stdin,
                arguments_reach_the_program,
                files_lie_beside_the_program,
                a_program_that_does_nothing_is_accepted,
                what_goes_to_both_streams_keeps_its_order_on_each,
                output_that_is_not_utf8_survives_or_is_replaced_by_ability,
                an_interactive_program_gets_its_own_input_and_then_more_or_the_end_by_profile,
            }
            endings {
                a_crash_is_a_report_with_its_signal_or_its_shells_code_by_ability,
                an_exception_is_a_report_with_its_message,
                a_program_that_does_not_compile_is_a_compile_error_with_the_compilers_text,
                a_compiled_program_has_a_report_of_both_stages,
            }
            limits {
                an_endless_loop_meets_the_time_limit,
                a_program_that_sleeps_meets_the_limit_on_the_clock,
                a_program_that_takes_memory_without_end_meets_the_memory_limit,
                a_flood_is_stopped_with_its_head_kept_and_known_to_be_cut,
                a_flood_on_stderr_is_stopped_too,
                output_that_just_fits_is_whole,
                limits_above_the_maximum_are_lowered_or_refused_and_never_exceeded,
            }
            compile_limits {
                a_compiler_that_runs_too_long_meets_its_time_limit,
                a_compiler_that_takes_too_much_memory_fails,
                what_a_compiler_writes_beyond_the_limit_is_dropped,
            }
            at_most_once {
                a_program_that_fails_is_started_once,
                a_program_whose_answer_is_lost_is_not_started_again,
            }
            independence {
                a_cancelled_program_is_gone_before_the_answer_or_abandoned_by_ability,
                a_program_that_is_cancelled_while_it_waits_is_never_begun,
                a_dropped_program_is_gone_at_once_or_by_its_limits_by_ability,
                a_slot_is_free_again_after_each_end,
                a_run_finds_no_files_of_the_one_before,
                two_runs_at_a_time_find_no_files_of_each_other,
            }
            interactive {
                input_that_comes_while_it_runs_arrives_in_order,
                a_prompt_is_passed_on_before_the_program_is_said_to_wait,
                waiting_is_reported_once_and_again_after_more_input,
                a_program_that_does_not_read_its_input_is_not_said_to_wait,
                the_end_of_input_ends_a_program_that_reads,
                a_program_that_never_reads_can_be_cancelled_although_much_was_sent,
                only_a_bounded_amount_of_input_is_requested,
                what_is_echoed_comes_back_byte_for_byte,
                a_program_may_end_while_input_still_comes,
            }
            offers {
                check_succeeds_on_a_working_runner,
                every_offered_language_runs_its_example_and_tells_its_version,
                a_language_that_is_not_offered_is_an_error,
                reports_match_the_profile,
            }
        }
    };
    ($new:expr $(,)?) => {
        $crate::code_runner_tests!(@list clause_tests (code_runner $crate::RunnerSetup($new)));
    };
}
