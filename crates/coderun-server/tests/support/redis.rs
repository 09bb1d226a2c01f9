//! Reads everything that a Redis server holds.

use coderun_redis_fixture::{RedisServer, Reply};

/// All keys, each with its content as text.
pub(crate) fn dump(redis: &RedisServer) -> Vec<(String, String)> {
    let keys = redis.command(&["KEYS", "*"]);
    let keys = keys.parts().iter().map(Reply::text);
    keys.map(|key| {
        let content = match redis.command(&["TYPE", &key]).text().as_str() {
            "string" => redis.command(&["GET", &key]),
            "hash" => redis.command(&["HGETALL", &key]),
            "list" => redis.command(&["LRANGE", &key, "0", "-1"]),
            "zset" => redis.command(&["ZRANGE", &key, "0", "-1", "WITHSCORES"]),
            other => panic!("a key of type {other}"),
        };
        (key, format!("{content:?}"))
    })
    .collect()
}
