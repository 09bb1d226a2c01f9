//! Which request meets which fault.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::Turn;

/// A part of the protocol that can misbehave by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `GET /`
    Root,
    /// `GET /api/v2/runtimes`
    Runtimes,
    /// `GET /api/v2/packages`
    Packages,
    /// `POST /api/v2/execute`
    Execute,
}

impl Endpoint {
    /// The endpoint with this path, in any case and with or without a slash at its end.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path).to_ascii_lowercase();
        match path.as_str() {
            "" => Some(Self::Root),
            "/api/v2/runtimes" => Some(Self::Runtimes),
            "/api/v2/packages" => Some(Self::Packages),
            "/api/v2/execute" => Some(Self::Execute),
            _ => None,
        }
    }
}

/// The turns of the requests to come.
#[derive(Debug, Default)]
pub(crate) struct FaultScript(Mutex<HashMap<Endpoint, Turns>>);

#[derive(Debug)]
struct Turns {
    next: VecDeque<Turn>,
    then: Turn,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            next: VecDeque::new(),
            then: Turn::Good,
        }
    }
}

impl FaultScript {
    pub(crate) fn add(&self, endpoint: Endpoint, turns: impl IntoIterator<Item = Turn>) {
        self.with(endpoint, |script| script.next.extend(turns));
    }

    pub(crate) fn always(&self, endpoint: Endpoint, turn: Turn) {
        self.with(endpoint, |script| script.then = turn);
    }

    pub(crate) fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// What a request meets that has come now.
    pub(crate) fn take(&self, endpoint: Endpoint) -> Turn {
        self.with(endpoint, |script| {
            let next = script.next.pop_front();
            next.unwrap_or_else(|| script.then.clone())
        })
    }

    fn with<T>(&self, endpoint: Endpoint, act: impl FnOnce(&mut Turns) -> T) -> T {
        let mut scripts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(scripts.entry(endpoint).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fault;

    #[test]
    fn a_script_is_followed_by_what_is_always_so() {
        let script = FaultScript::default();
        script.add(
            Endpoint::Execute,
            [Fault::Reset.into(), Turn::Good, Fault::Hang.into()],
        );
        script.always(Endpoint::Execute, Turn::AfterRun(Fault::EmptyBody));
        assert_eq!(script.take(Endpoint::Runtimes), Turn::Good);
        let taken: Vec<Turn> = (0..5).map(|_| script.take(Endpoint::Execute)).collect();
        let always = Turn::AfterRun(Fault::EmptyBody);
        assert_eq!(
            taken,
            [
                Fault::Reset.into(),
                Turn::Good,
                Fault::Hang.into(),
                always.clone(),
                always
            ]
        );
        script.clear();
        assert_eq!(script.take(Endpoint::Execute), Turn::Good);
    }

    #[test]
    fn paths_are_known_in_any_case_and_with_a_slash() {
        for path in ["/api/v2/execute", "/API/v2/Execute/"] {
            assert_eq!(Endpoint::of_path(path), Some(Endpoint::Execute), "{path}");
        }
        assert_eq!(Endpoint::of_path("/"), Some(Endpoint::Root));
        assert_eq!(Endpoint::of_path("/api/v2/execute//"), None);
    }
}
