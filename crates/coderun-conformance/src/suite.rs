//! Turns a list of clauses into tests, or into names to be compared with the sources.

/// Makes one test of each clause.
#[doc(hidden)]
#[macro_export]
macro_rules! clause_tests {
    (($suite:ident $backend:expr) $($group:ident { $($clause:ident),+ $(,)? })+) => { $($(
        #[$crate::tokio::test(
            flavor = "multi_thread",
            worker_threads = 2,
            crate = "coderun_conformance::tokio"
        )]
        async fn $clause() {
            $crate::$suite::$group::$clause($crate::Setup::new($backend)).await;
        }
    )+)+ };
}

/// Makes one test of each clause about a runner.
#[doc(hidden)]
#[macro_export]
macro_rules! runner_clause_tests {
    (($new:expr) $($group:ident { $($clause:ident),+ $(,)? })+) => { $($(
        #[$crate::tokio::test(
            flavor = "multi_thread",
            worker_threads = 2,
            crate = "coderun_conformance::tokio"
        )]
        async fn $clause() {
            $crate::code_runner::$group::$clause($crate::RunnerSetup::new($new)).await;
        }
    )+)+ };
}

/// Makes a list of the clauses: names, and the futures that try them.
#[doc(hidden)]
#[macro_export]
macro_rules! clause_list {
    (($suite:ident $backend:expr) $($group:ident { $($clause:ident),+ $(,)? })+) => {
        vec![$($((
            concat!(stringify!($suite), "::", stringify!($clause)),
            Box::pin($crate::$suite::$group::$clause($crate::Setup::new($backend))) as $crate::Clause,
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

    /// The words after `prefix` at the beginning of a line, up to `end`.
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

    #[test]
    fn every_clause_of_the_store_is_listed() {
        let groups = crate::execution_store_tests!(@list clause_names (execution_store));
        assert_complete(include_str!("execution_store.rs"), &groups);
    }

    #[test]
    fn every_clause_of_the_queue_is_listed() {
        let groups = crate::execution_queue_tests!(@list clause_names (execution_queue));
        assert_complete(include_str!("execution_queue.rs"), &groups);
    }

    #[test]
    fn every_clause_of_the_notifier_is_listed() {
        let groups = crate::notifier_tests!(@list clause_names (notifier));
        assert_complete(include_str!("notifier.rs"), &groups);
    }

    #[test]
    fn every_clause_of_the_input_relay_is_listed() {
        let groups = crate::input_relay_tests!(@list clause_names (input_relay));
        assert_complete(include_str!("input_relay.rs"), &groups);
    }

    #[test]
    fn every_clause_of_the_ticket_store_is_listed() {
        let groups = crate::ticket_store_tests!(@list clause_names (ticket_store));
        assert_complete(include_str!("ticket_store.rs"), &groups);
    }

    #[test]
    fn every_clause_of_the_worker_registry_is_listed() {
        let groups = crate::worker_registry_tests!(@list clause_names (worker_registry));
        assert_complete(include_str!("worker_registry.rs"), &groups);
    }

    #[test]
    fn every_clause_of_the_runner_is_listed() {
        let groups = crate::code_runner_tests!(@list clause_names (code_runner));
        assert_complete(include_str!("code_runner.rs"), &groups);
    }
}
