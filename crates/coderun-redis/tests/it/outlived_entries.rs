//! Tests lists with entries of records that have expired or are gone.

use coderun_domain::{Clock as _, Sequence};

use crate::support::{Fixture, id, key, shared_key};

/// The records have expired, and no sweep has deleted them before their ids are submitted again.
#[tokio::test]
async fn a_sweep_spares_an_expired_id_that_was_submitted_again() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    fixture.redis.store.request_cancel(id(1)).await.unwrap();
    let lease = fixture.begin(2).await;
    fixture.finish(&lease).await;
    fixture.clock.advance(fixture.policy.retention);
    fixture.submit(1).await;
    fixture.submit(2).await;
    assert_eq!(fixture.redis.queue.sweep().await.unwrap().expired, 0);
    for number in [1, 2] {
        let waiting = fixture.get(number).await.unwrap();
        assert_eq!(waiting.sequence(), Sequence::from_number(1));
        assert_eq!(fixture.take().await.id(), id(number));
    }
    assert_eq!(fixture.list().await.len(), 2);
}

/// The number of times that a delete searches a list from one end.
async fn searches_of_a_delete(fixture: &Fixture, number: u128) -> String {
    fixture.command(&["CONFIG", "RESETSTAT"]);
    assert!(fixture.redis.store.delete(id(number)).await.unwrap());
    let searches = fixture.server.info("cmdstat_lrem").unwrap();
    searches.split(',').next().unwrap().to_owned()
}

/// The list of expiring records is too long to search all of it.
#[tokio::test]
async fn a_final_record_is_deleted_without_a_search_of_all_others() {
    let fixture = Fixture::start().await;
    for number in 1..=2 {
        let lease = fixture.begin(number).await;
        fixture.finish(&lease).await;
    }
    let retired = shared_key("retired");
    let expires = fixture.command(&["LINDEX", &retired, "0"])[..16].to_owned();
    let add = "for i = 1, 5000 do \
               redis.call('LPUSH', KEYS[1], string.format('%.0f', ARGV[2] - i) .. ' 1 o x') \
               redis.call('RPUSH', KEYS[1], string.format('%.0f', ARGV[2] + i) .. ' 1 o x') end";
    fixture.command(&["EVAL", add, "1", &retired, "", &expires]);
    assert_eq!(searches_of_a_delete(&fixture, 1).await, "calls=1");
    assert_eq!(fixture.command(&["LINDEX", &retired, "5000"]), expires);
    assert!(
        fixture
            .command(&["LINDEX", &retired, "5001"])
            .ends_with(&id(2).to_string())
    );
    fixture.clock.advance(fixture.policy.retention);
    assert_eq!(fixture.redis.queue.sweep().await.unwrap().expired, 1);
}

/// Redis has deleted the records by itself before a sweep.
#[tokio::test]
async fn a_sweep_trims_the_list_of_a_user_whose_records_are_gone() {
    let fixture = Fixture::start().await;
    for number in 1..=3 {
        let lease = fixture.begin(number).await;
        fixture.finish(&lease).await;
        fixture.lose(&key("e", number));
    }
    fixture.clock.advance(fixture.policy.retention);
    fixture.redis.queue.sweep().await.unwrap();
    let lists = fixture.keys().into_iter().filter(|key| key.contains(":u:"));
    assert_eq!(lists.count(), 0);
}

/// Entries of records that are gone are at the end of the list, and are removed from there.
#[tokio::test]
async fn a_list_looks_at_a_bounded_number_of_records() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    let lists = fixture.keys().into_iter().find(|key| key.contains(":u:"));
    let list = lists.unwrap();
    let created = (fixture.clock.now().unix_timestamp_nanos() / 1000).to_string();
    let add = "for i = 1, 5000 do redis.call('RPUSH', KEYS[1], ARGV[2] .. ' gone' .. i) end";
    fixture.command(&["EVAL", add, "1", &list, "", &created]);
    for _ in 0..5 {
        assert_ne!(fixture.command(&["LLEN", &list]), "1");
        assert_eq!(fixture.list().await.len(), 1);
    }
    assert_eq!(fixture.command(&["LLEN", &list]), "1");
}
