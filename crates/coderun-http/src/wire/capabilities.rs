//! Encodes what each kind of runner enforces and offers, and how people sign in.

use std::collections::BTreeSet;

use coderun_domain::{RunnerProfile, WorkerOffer};
use serde::Serialize;

use super::SignInRecord;
use super::enforcement::WireEnforcement;
use crate::SignIn;

/// All runners of the announced workers, and the sign-in on the page.
#[derive(Debug, Serialize)]
pub(crate) struct Capabilities<'a> {
    runners: Vec<RunnerRecord<'a>>,
    sign_in: Option<SignInRecord<'a>>,
}

/// Workers that run programs in the same way.
#[derive(Debug, Serialize)]
struct RunnerRecord<'a> {
    name: &'a str,
    languages: BTreeSet<&'a str>,
    enforcement: WireEnforcement<'a>,
    interactive: bool,
    workers: usize,
    concurrency: u64,
}

impl<'a> Capabilities<'a> {
    /// The runners of these workers. Runners of one name that enforce different controls are listed separately.
    pub(crate) fn of(offers: &'a [WorkerOffer], sign_in: Option<&'a SignIn>) -> Self {
        let mut profiles: Vec<&RunnerProfile> = Vec::new();
        for offer in offers {
            if !profiles.contains(&&offer.runner) {
                profiles.push(&offer.runner);
            }
        }
        let record = |profile: &'a RunnerProfile| {
            let its = || offers.iter().filter(|offer| offer.runner == *profile);
            let languages = its().flat_map(|offer| &offer.languages);
            RunnerRecord {
                name: &profile.name,
                languages: languages.map(|spec| spec.language.as_str()).collect(),
                enforcement: WireEnforcement::from(&profile.enforcement),
                interactive: profile.interactive,
                workers: its().count(),
                concurrency: its().map(|offer| u64::from(offer.concurrency)).sum(),
            }
        };
        Self {
            runners: profiles.into_iter().map(record).collect(),
            sign_in: sign_in.map(SignInRecord::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use coderun_domain::Enforcement;
    use coderun_domain::testing::worker_offer;
    use serde_json::json;

    use super::*;

    #[test]
    fn workers_that_enforce_the_same_are_counted_together() {
        let on = |name, memory: &str| WorkerOffer {
            runner: RunnerProfile {
                name: "sandbox".to_owned(),
                enforcement: Enforcement {
                    memory: Some(memory.to_owned()),
                    ..Enforcement::default()
                },
                interactive: true,
                ignores_buffering: false,
            },
            ..worker_offer(name)
        };
        let mut offers = [on("w1", "cgroup2"), on("w2", "polled"), on("w3", "cgroup2")];
        offers[2].languages.remove(0);
        let value = serde_json::to_value(Capabilities::of(&offers, None)).unwrap();
        let summary = |index: usize| {
            let runner = &value["runners"][index];
            let memory = &runner["enforcement"]["memory"];
            json!([
                memory,
                runner["workers"],
                runner["concurrency"],
                runner["languages"]
            ])
        };
        assert_eq!(summary(0), json!(["cgroup2", 2, 4, ["c", "python"]]));
        assert_eq!(summary(1), json!(["polled", 1, 2, ["c", "python"]]));
    }
}
