use rstest::rstest;

use super::*;

#[rstest]
#[case("redis://localhost", "redis at localhost:6379")]
#[case("redis://user:hush@10.0.0.1:7000/2", "redis at 10.0.0.1:7000")]
#[case("redis://host/", "redis at host:6379")]
#[case("redis://:hush:hush%23%40%2f@h", "redis at h:6379")]
#[case("rediss://[::1]:7000", "redis at ::1:7000")]
#[case(
    "redis+sentinel://:hush@a,b:7,c/mymaster/3",
    "redis mymaster by sentinels at a:26379,b:7,c:26379"
)]
#[case("redis+cluster://u:hush@a, b:7001/", "redis cluster at a:6379,b:7001")]
fn addresses_are_parsed_and_displayed_without_the_password(
    #[case] text: &str,
    #[case] shown: &str,
) {
    let address: RedisAddress = text.parse().unwrap();
    assert_eq!(address.to_string(), shown);
    assert!(!format!("{address:?}").contains("hush"));
}

#[rstest]
#[case("localhost:6379", AddressError::Scheme)]
#[case("http://localhost", AddressError::Scheme)]
#[case("valkey://localhost", AddressError::Scheme)]
#[case("redis://", AddressError::Host)]
#[case("redis://host:port", AddressError::Host)]
#[case("redis://host:", AddressError::Host)]
#[case("redis://host:0", AddressError::Host)]
#[case("redis://host:65536", AddressError::Host)]
#[case("redis://ho st", AddressError::Host)]
#[case("redis://a,b", AddressError::ManyHosts)]
#[case("redis://host/zero", AddressError::Database)]
#[case("redis://host/-1", AddressError::Database)]
#[case("redis://host/+1", AddressError::Database)]
#[case("redis://host//1", AddressError::Database)]
#[case("redis://host/1/2", AddressError::Database)]
#[case("redis://host/65536", AddressError::Database)]
#[case("redis://host?db=1", AddressError::Query)]
#[case("redis://host/0?protocol=resp3", AddressError::Query)]
#[case("redis://:pa?ss@host", AddressError::Query)]
#[case("rediss://host#insecure", AddressError::Fragment)]
#[case("redis://user:12#secret@host", AddressError::Fragment)]
#[case("redis://:p@ss#word@host", AddressError::NotEncoded)]
#[case("redis://:p@ss@host", AddressError::NotEncoded)]
#[case("redis://:pa/ss@host", AddressError::NotEncoded)]
#[case("redis://:50%off@host", AddressError::NotEncoded)]
#[case("redis://:100%@host", AddressError::NotEncoded)]
#[case("redis://:pass word@host", AddressError::NotEncoded)]
#[case("redis://:pass\tword@host", AddressError::NotEncoded)]
#[case("redis+cluster://u:p@a,u:p@b", AddressError::NotEncoded)]
#[case("redis://user@host", AddressError::NoPassword)]
#[case("redis://user:@host", AddressError::NoPassword)]
#[case("redis://:@host", AddressError::NoPassword)]
#[case("redis://@host", AddressError::NoPassword)]
#[case("redis+sentinel://a,b", AddressError::MasterName)]
#[case("redis+sentinel://a,b/", AddressError::MasterName)]
#[case("redis+sentinel://a,b/m/3/4", AddressError::Database)]
#[case("redis+sentinel://a,b/m?db=3", AddressError::Query)]
#[case("redis+cluster://a,,b", AddressError::Host)]
#[case("redis+cluster://a/1", AddressError::ClusterDatabase)]
fn a_bad_address_is_refused(#[case] text: &str, #[case] error: AddressError) {
    assert_eq!(text.parse::<RedisAddress>().unwrap_err(), error);
}

#[test]
fn an_encoded_password_is_decoded() {
    let address: RedisAddress = "redis://me:p%40s%23:%2F%3f%25@h/15".parse().unwrap();
    let Target::Node(node) = address.target else {
        panic!("expected a node");
    };
    let settings = node.redis_settings();
    assert_eq!(settings.username(), Some("me"));
    assert_eq!(settings.password(), Some("p@s#:/?%"));
    assert_eq!(settings.db(), 15);
}

#[test]
fn credentials_and_database_belong_to_the_master_and_not_to_the_sentinels() {
    let address: RedisAddress = "redis+sentinel://:hush@a/m/3".parse().unwrap();
    let Target::Sentinel(sentinels) = address.target else {
        panic!("expected sentinels");
    };
    assert_eq!(sentinels.addresses[0].redis_settings().password(), None);
    let settings = sentinels.master.redis_settings();
    assert_eq!((settings.password(), settings.db()), (Some("hush"), 3));
}
