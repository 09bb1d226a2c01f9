//! Finds out which limits a runtime takes, without running anything.
//!
//! Piston refuses a limit above its own and names its own. It looks at one limit after the other, so a request whose limits
//! are all far too high tells the first that it has; the next request leaves that one out. Two mistakes in every request see
//! to it that nothing runs even where Piston has no limit at all: the CPU time, which it checks last, is no number, and
//! stdin, from which it makes a job after all checks, is no text. When it is the turn of the CPU time, stdin remains.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::limits::{Cap, Caps, LimitField, NUMBER_MAX};
use super::refusal::{self, Refusal};
use super::runtimes::Runtime;
use crate::client::Answer;

/// What is found out about one runtime, request by request.
#[derive(Debug)]
pub(super) struct Probe<'a> {
    runtime: &'a Runtime,
    caps: Caps,
}

/// Whether there is more to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Ask,
    /// These are the caps.
    Done(Caps),
    /// It cannot be found out now.
    Later,
}

impl<'a> Probe<'a> {
    pub(super) fn new(runtime: &'a Runtime) -> Self {
        Self {
            runtime,
            caps: Caps::default(),
        }
    }

    /// The next question.
    pub(super) fn question(&self) -> Bytes {
        let mut question = Map::new();
        question.insert("language".to_owned(), json!(self.runtime.language));
        question.insert("version".to_owned(), json!(self.runtime.version));
        let nothing = json!([{"name": "nothing", "content": ""}]);
        question.insert("files".to_owned(), nothing);
        question.insert("stdin".to_owned(), json!(1));
        for field in LimitField::ALL {
            if self.caps.get(field) == Cap::Unknown {
                question.insert(field.as_str().to_owned(), json!(NUMBER_MAX));
            }
        }
        if self.caps.first_unknown() != Some(LimitField::RunCpuTime) {
            let name = LimitField::RunCpuTime.as_str();
            question.insert(name.to_owned(), json!("not a number"));
        }
        Bytes::from(Value::Object(question).to_string())
    }

    /// Learns from the answer.
    pub(super) fn learn(&mut self, answer: &Answer) -> Next {
        let refusal = refusal::read(answer.status, &answer.body);
        let is_last = self.caps.first_unknown() == Some(LimitField::RunCpuTime);
        match refusal {
            Refusal::LimitTooHigh { field, max } => self.learn_cap(field, max),
            // All that were far too high passed.
            Refusal::Unknown if is_last => Next::Done(self.without_caps(&LimitField::ALL)),
            Refusal::Unknown => {
                let [before @ .., _] = LimitField::ALL;
                self.caps = self.without_caps(&before);
                Next::Ask
            }
            Refusal::Busy
            | Refusal::UnknownRuntime
            | Refusal::TooLarge
            | Refusal::Invalid(_)
            | Refusal::Unusable(_)
            | Refusal::Failed(_) => Next::Later,
        }
    }

    fn learn_cap(&mut self, field: LimitField, max: u64) -> Next {
        if self.caps.get(field) != Cap::Unknown {
            // That one was not asked for.
            return Next::Later;
        }
        let before: Vec<LimitField> = LimitField::ALL
            .into_iter()
            .take_while(|other| *other != field)
            .collect();
        self.caps = self.without_caps(&before).with(field, Cap::At(max));
        match self.caps.first_unknown() {
            Some(_) => Next::Ask,
            None => Next::Done(self.caps),
        }
    }

    /// The caps when those of these limits that are unknown are none.
    fn without_caps(&self, fields: &[LimitField]) -> Caps {
        let unknown = fields
            .iter()
            .filter(|field| self.caps.get(**field) == Cap::Unknown);
        unknown.fold(self.caps, |caps, field| caps.with(*field, Cap::None))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::StatusCode;

    use super::*;

    fn runtime() -> Runtime {
        Runtime {
            language: "python".to_owned(),
            version: "3.12.0".to_owned(),
        }
    }

    fn answer(status: u16, body: &Value) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: None,
            body: Bytes::from(body.to_string()),
        }
    }

    /// Answers as Piston does, one check after the other.
    fn piston(question: &Bytes, caps: &Caps) -> Answer {
        let question: Value = serde_json::from_slice(question).unwrap();
        for field in LimitField::ALL {
            let name = field.as_str();
            let Some(value) = question.get(name) else {
                continue;
            };
            if !value.is_number() {
                let message = format!("If specified, {name} must be a number");
                return answer(400, &json!({"message": message}));
            }
            if let Cap::At(max) = caps.get(field)
                && value.as_u64().unwrap() > max
            {
                let message = format!("{name} cannot exceed the configured limit of {max}");
                return answer(400, &json!({"message": message}));
            }
        }
        assert!(!question["stdin"].is_string(), "this would run");
        answer(400, &json!({}))
    }

    fn cap() -> impl Strategy<Value = Cap> {
        prop_oneof![Just(Cap::None), (1..NUMBER_MAX).prop_map(Cap::At)]
    }

    proptest! {
        #[test]
        fn whatever_is_configured_is_found_out_in_seven_questions(caps in prop::array::uniform6(cap())) {
            let caps = LimitField::ALL.into_iter().zip(caps).fold(Caps::default(), |all, (field, cap)| {
                all.with(field, cap)
            });
            let runtime = runtime();
            let mut probe = Probe::new(&runtime);
            let found = (0..7).find_map(|_| match probe.learn(&piston(&probe.question(), &caps)) {
                Next::Ask => None,
                Next::Done(caps) => Some(caps),
                Next::Later => panic!("Piston always answers"),
            });
            prop_assert_eq!(found, Some(caps));
        }
    }

    #[test]
    fn who_does_not_answer_as_piston_does_is_asked_later() {
        let runtime = runtime();
        let twice = json!({"message": "run_timeout cannot exceed the configured limit of 3000"});
        for (status, body) in [
            (200, json!({})),
            (429, json!({})),
            (500, json!({})),
            (404, json!({})),
        ] {
            assert_eq!(
                Probe::new(&runtime).learn(&answer(status, &body)),
                Next::Later
            );
        }
        let mut probe = Probe::new(&runtime);
        assert_eq!(probe.learn(&answer(400, &twice)), Next::Ask);
        assert_eq!(probe.learn(&answer(400, &twice)), Next::Later);
    }
}
