use std::sync::{LazyLock, mpsc};
use std::time::Duration;

use actix_web::FromRequest as _;
use actix_web::test::TestRequest;
use coderun_domain::testing::user;
use parking_lot::Mutex;
use rstest::rstest;
use serde::de::{IgnoredAny, MapAccess};

use super::*;
use crate::watching::tests::support::World;
use crate::wire::SubmitRequest;

#[rstest]
#[case("application/json")]
#[case("Application/JSON")]
#[case("application/json; charset=utf-8")]
#[case("application/json;charset=\"UTF-8\"")]
#[case("application/vnd.example+json")]
fn json_media_types_are_taken(#[case] content_type: &str) {
    assert!(is_json(content_type));
}

#[rstest]
#[case("")]
#[case("text/plain")]
#[case("text/json")]
#[case("application/jsonx")]
#[case("application/x-www-form-urlencoded")]
#[case("application/json; charset=latin1")]
#[case("image/svg+json")]
fn other_media_types_are_not(#[case] content_type: &str) {
    assert!(!is_json(content_type));
}

/// A body whose parsing waits until the test lets it go on.
struct HeldUp;

static RELEASE: LazyLock<(mpsc::Sender<()>, Mutex<mpsc::Receiver<()>>)> = LazyLock::new(|| {
    let (release, released) = mpsc::channel();
    (release, Mutex::new(released))
});

impl FromJson for HeldUp {
    const EXPECTED: &'static str = "must be an object";

    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        let released = RELEASE.1.lock().recv_timeout(Duration::from_secs(10));
        Ok(released.is_ok().then_some(Self))
    }
}

#[tokio::test]
async fn a_long_body_does_not_hold_up_the_event_loop() {
    let body = format!("{{\"code\":\"{}\"}}", "x".repeat(INLINE_MAX_BYTES));
    let (request, mut payload) = TestRequest::post().set_payload(body).to_http_parts();
    let payload = Payload::from_request(&request, &mut payload).await.unwrap();
    let (world, alice) = (World::new(), user("alice"));
    let reading = read_json::<HeldUp>(request.headers(), payload, &world.state, &alice);
    let releasing = async { RELEASE.0.send(()).unwrap() };
    let (read, ()) = tokio::join!(reading, releasing);
    assert!(read.is_ok());
}

#[tokio::test(start_paused = true)]
async fn slow_bodies_take_no_memory_that_parsing_needs() {
    let body = format!("{{\"code\":\"{}\"}}", "x".repeat(INLINE_MAX_BYTES));
    let (request, mut payload) = TestRequest::post().set_payload(body).to_http_parts();
    let payload = Payload::from_request(&request, &mut payload).await.unwrap();
    let (world, alice) = (World::new(), user("alice"));
    let budget = &world.state.body_budget;
    // More than there is takes all but the reserve.
    let _held = budget.acquire(&user("mallory"), usize::MAX).await.unwrap();
    assert!(budget.acquire(&alice, 1 << 20).await.is_err());
    let reading = read_json::<SubmitRequest>(request.headers(), payload, &world.state, &alice);
    assert!(reading.await.is_ok());
}
