//! Tests what is said of languages that workers know and do not run.

use super::*;

/// The same worker with a language that it knows and does not run.
fn without(offer: &WorkerOffer, name: &str, version: &str, cause: UnavailableCause) -> WorkerOffer {
    let mut offer = offer.clone();
    offer
        .languages
        .retain(|spec| spec.language.as_str() != name);
    offer.unavailable.push(UnavailableLanguage {
        language: language(name),
        aliases: Vec::new(),
        version: Some(version.to_owned()),
        cause,
    });
    offer
}

fn is_offered(fleet: &Fleet, name: &str) -> bool {
    fleet.view().unwrap().catalog().find(name).is_some()
}

/// What cannot be submitted, and why.
fn reasons(fleet: &Fleet) -> Vec<String> {
    let view = fleet.view().unwrap();
    let unavailable = view.catalog().unavailable().iter();
    unavailable.map(ToString::to_string).collect()
}

fn failing() -> UnavailableCause {
    UnavailableCause::Failing("its folder is gone".to_owned())
}

#[tokio::test]
async fn a_language_that_fails_at_its_only_worker_is_refused_at_once() {
    let (registry, fleet) = registry_and_fleet();
    let both = offer("w1", &[("python", &["3.11.2"]), ("c", &["17"])]);
    announce_all(&registry, [both.clone()]).await;
    fleet.refresh().await.unwrap();
    let only_c = without(&both, "python", "3.11.2", failing());
    announce_all(&registry, [only_c.clone()]).await;
    fleet.refresh().await.unwrap();
    assert!(!is_offered(&fleet, "python"));
    let reason = "python 3.11.2 does not run: its folder is gone".to_owned();
    assert_eq!(reasons(&fleet), [reason]);
    announce_all(&registry, [without(&only_c, "c", "17", failing())]).await;
    let error = fleet.refresh().await.unwrap_err();
    assert!(matches!(error, FleetError::NoWorker), "{error:?}");
    assert!(!is_offered(&fleet, "c"));
}

#[tokio::test]
async fn a_language_that_fails_at_one_worker_waits_for_another_one_that_is_gone() {
    let (registry, fleet) = registry_and_fleet();
    let offers = ["w1", "w2"].map(|name| offer(name, &[("python", &["3.11.2"])]));
    announce_all(&registry, offers.clone()).await;
    fleet.refresh().await.unwrap();
    let [staying, going] = offers;
    registry.withdraw(&going.worker).await.unwrap();
    announce_all(
        &registry,
        [without(&staying, "python", "3.11.2", failing())],
    )
    .await;
    let _no_worker = fleet.refresh().await.unwrap_err();
    assert!(is_offered(&fleet, "python"));
    assert_eq!(reasons(&fleet), [""; 0]);
}

#[tokio::test]
async fn a_worker_that_is_still_checking_takes_no_version_from_the_others() {
    let (registry, fleet) = registry_and_fleet();
    let ready = offer("w1", &[("cpp", &["17", "20"]), ("go", &["1.19"])]);
    let starting = offer("w2", &[("cpp", &["17"])]);
    let starting = without(&starting, "go", "1.19", UnavailableCause::BeingChecked);
    let mut starting = without(&starting, "rust", "1.63", UnavailableCause::BeingChecked);
    for version in ["20", "23"] {
        starting.unavailable.push(UnavailableLanguage {
            version: Some(version.to_owned()),
            language: language("cpp"),
            ..starting.unavailable[0].clone()
        });
    }
    announce_all(&registry, [starting, ready]).await;
    fleet.refresh().await.unwrap();
    let view = fleet.view().unwrap();
    assert_eq!(versions(&view, "cpp"), ["17", "20"]);
    assert_eq!(versions(&view, "go"), ["1.19"]);
    let reasons = reasons(&fleet);
    assert_eq!(
        reasons,
        ["rust 1.63 is being checked", "cpp 23 is being checked"]
    );
}

#[tokio::test]
async fn a_known_language_that_no_worker_has_is_named() {
    let known = ["python", "kotlin"].map(|name| UnavailableLanguage {
        language: language(name),
        aliases: Vec::new(),
        version: None,
        cause: UnavailableCause::NotInstalled,
    });
    let fleet = registry_and_fleet().1.with_known(known.to_vec());
    let fleet = fleet.with_worker(offer("w1", &[("python", &["3.11.2"])]));
    assert_eq!(reasons(&fleet), ["kotlin is not installed"]);
}
