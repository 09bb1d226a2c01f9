//! Turns the list of a suite's clauses into tests, or into names that are compared with the sources.

use crate::FromSetup;

/// Checks a clause in the situation that its parameter asks for.
#[doc(hidden)]
#[expect(clippy::print_stderr, reason = "a clause that is left out says so")]
pub async fn check<S, Situation, Checking>(setup: S, clause: impl FnOnce(Situation) -> Checking)
where
    Situation: FromSetup<S>,
    Checking: Future<Output = ()>,
{
    let situation = Situation::from_setup(setup).await;
    if situation.is_concerned() {
        clause(situation).await;
    } else {
        eprintln!("left out: the clause does not concern this adapter");
    }
}

/// Makes one test of each clause. Each begins with a setup of its own.
#[doc(hidden)]
#[macro_export]
macro_rules! clause_tests {
    (($suite:ident $setup:expr) $($group:ident { $($clause:ident),+ $(,)? })+) => { $($(
        #[$crate::tokio::test(
            flavor = "multi_thread",
            worker_threads = 2,
            crate = "coderun_conformance::tokio"
        )]
        async fn $clause() {
            $crate::check($setup, $crate::$suite::$group::$clause).await;
        }
    )+)+ };
}

/// Makes one test of each clause about storage, each suite in a module of its own.
#[macro_export]
macro_rules! storage_tests {
    ($backend:ident) => {
        mod execution_store {
            $crate::execution_store_tests!(super::$backend);
        }
        mod execution_queue {
            $crate::execution_queue_tests!(super::$backend);
        }
        mod notifier {
            $crate::notifier_tests!(super::$backend);
        }
        mod input_relay {
            $crate::input_relay_tests!(super::$backend);
        }
        mod ticket_store {
            $crate::ticket_store_tests!(super::$backend);
        }
        mod worker_registry {
            $crate::worker_registry_tests!(super::$backend);
        }
    };
}

/// Makes a list of the clauses of storage ports: their names, and futures that check them.
#[doc(hidden)]
#[macro_export]
macro_rules! clause_list {
    (($suite:ident $backend:expr) $($group:ident { $($clause:ident),+ $(,)? })+) => {
        vec![$($((
            concat!(stringify!($suite), "::", stringify!($clause)),
            Box::pin($crate::check($crate::Setup::new($backend), $crate::$suite::$group::$clause))
                as $crate::Clause,
        )),+),+]
    };
}

/// Makes a table of the groups: name, source and listed clauses.
#[cfg(test)]
macro_rules! clause_names {
    (($suite:ident) $($group:ident { $($clause:ident),+ $(,)? })+) => {
        [$((
            stringify!($group),
            include_str!(concat!(stringify!($suite), "/", stringify!($group), ".rs")),
            &[$(stringify!($clause)),+] as &[&str],
        )),+]
    };
}

#[cfg(test)]
pub(crate) use clause_names;

#[cfg(test)]
mod tests {
    type Group = (&'static str, &'static str, &'static [&'static str]);

    /// The names between `prefix`, at the beginning of a line, and `end`.
    fn declared<'a>(source: &'a str, prefix: &str, end: char) -> Vec<&'a str> {
        let declaration = |line: &'a str| line.strip_prefix(prefix)?.split(end).next();
        let mut names: Vec<_> = source.lines().filter_map(declaration).collect();
        names.sort_unstable();
        names
    }

    fn assert_complete(suite: &str, groups: &[Group]) {
        let mut listed: Vec<_> = groups.iter().map(|(group, ..)| *group).collect();
        listed.sort_unstable();
        assert_eq!(declared(suite, "pub mod ", ';'), listed, "groups");
        for (group, source, clauses) in groups {
            let mut listed = clauses.to_vec();
            listed.sort_unstable();
            assert_eq!(declared(source, "pub async fn ", '('), listed, "{group}");
        }
    }

    /// Makes a test for each suite.
    macro_rules! every_clause_is_listed {
        ($($suite:ident $tests:ident)+) => { $(
            #[test]
            fn $suite() {
                let groups = crate::$tests!(@list clause_names ($suite));
                assert_complete(include_str!(concat!(stringify!($suite), ".rs")), &groups);
            }
        )+ };
    }

    mod every_clause_is_listed {
        use super::*;

        every_clause_is_listed! {
            execution_store execution_store_tests
            execution_queue execution_queue_tests
            notifier notifier_tests
            input_relay input_relay_tests
            ticket_store ticket_store_tests
            worker_registry worker_registry_tests
            code_runner code_runner_tests
            token_verifier token_verifier_tests
        }
    }
}
