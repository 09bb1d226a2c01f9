//! The contract of [`CodeRunner`](coderun_domain::CodeRunner).
//!
//! The clauses run programs in Python and C, which every runner under test offers. What a runner cannot do by its nature it
//! says in its [`Abilities`]; the clause then checks the weaker promise of the port, and none is left out.

pub mod endings;
pub mod independence;
pub mod limits;
pub mod offers;
mod program;
mod setup;
pub mod streams;

pub use setup::{Abilities, Killing, OutputFidelity, RunnerSetup, RunnerUnderTest, SignalFidelity};

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
                a_program_that_does_nothing_ends_well,
                what_goes_to_both_streams_keeps_its_order_on_each,
                output_that_is_no_text_survives_or_is_replaced_by_ability,
            }
            endings {
                a_crash_is_a_report_with_its_signal_or_its_shells_code_by_ability,
                an_exception_is_a_report_with_its_words,
                what_the_compiler_refuses_is_a_compile_error_with_its_words_and_is_not_run,
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
            independence {
                a_cancelled_program_is_gone_before_the_answer,
                a_program_that_is_cancelled_while_it_waits_is_never_begun,
                a_dropped_program_is_gone_at_once_or_by_its_limits_by_ability,
                a_place_is_free_again_after_each_end,
                a_run_finds_no_files_of_the_one_before,
                two_runs_at_a_time_find_no_files_of_each_other,
            }
            offers {
                a_good_runner_says_so,
                every_offered_language_runs_its_example_and_tells_its_version,
                a_language_that_is_not_offered_is_an_error,
                the_profile_is_what_reports_say,
            }
        }
    };
    ($new:expr $(,)?) => {
        $crate::code_runner_tests!(@list runner_clause_tests ($new));
    };
}
