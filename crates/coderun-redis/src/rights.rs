//! Checks whether the server lets its user do everything that the service does.

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::command::command;
use crate::command_error::CommandError;
use crate::reply::byte_strings;

/// The commands on keys of the layout, in scripts and outside. The key comes first.
const ON_KEYS: &str = "DEL EXISTS GET GETEX GETRANGE HDEL HEXISTS HGET HGETALL HMGET HSCAN HSET HSTRLEN LINDEX LINSERT LLEN \
     LPOP LPOS LPUSH LRANGE LREM LSET LTRIM MGET PEXPIRE PTTL RPOP RPUSH SET UNLINK ZADD ZCARD ZRANGE \
     ZRANGEBYSCORE ZRANK ZREM ZSCORE";
/// The same with a second key.
const ON_TWO_KEYS: &str = "RENAME RENAMENX";
/// The commands on channels.
const ON_CHANNELS: &str = "PUBLISH SUBSCRIBE";
/// The most commands that a message names.
const SHOWN: usize = 5;

/// Answers which of the commands the user may not use. Before Redis 7 it cannot know, and answers none.
const SCRIPT: &str = "
local missing = {}
if not redis.acl_check_cmd then return missing end
local function check(list, ...)
  for name in list:gmatch('%S+') do
    if not redis.acl_check_cmd(name, ...) then missing[#missing + 1] = name end
  end
end
check(ARGV[1], KEYS[1])
check(ARGV[2], KEYS[1], KEYS[1])
check(ARGV[3], ARGV[4])
return missing";

/// Fails if the user of the connection lacks a right.
pub(crate) async fn check_rights(client: &Client) -> Result<(), AdapterError> {
    let Some(partition) = client.layout.partitions().next() else {
        return Ok(());
    };
    let check = command(&[
        "EVAL",
        SCRIPT,
        "1",
        &client.layout.live_key(partition),
        ON_KEYS,
        ON_TWO_KEYS,
        ON_CHANNELS,
        &client.layout.signals_channel(),
    ]);
    let missing = byte_strings(client.transport.probe(&check).await?)?;
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.iter().map(|name| String::from_utf8_lossy(name));
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>();
    let more = names.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| format!(" and {more} more"));
    let (shown, more) = (shown.join(", "), more.unwrap_or_default());
    let shown = format!("{shown}{more} with the keys and channels of coderun");
    Err(CommandError::MissingRights(shown).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripts::Scripts;
    use crate::step::Script;

    /// Words in capitals that are options of commands.
    const OPTIONS: &str = "BEFORE COUNT GT LIMIT MAXLEN NX PX WITHSCORES";

    #[test]
    fn every_command_of_the_scripts_is_checked() {
        let scripts = Scripts::new();
        let texts = [Script::Hot, Script::Rare].map(|script| scripts.source(script).text);
        let quoted = texts.iter().flat_map(|text| text.split('\''));
        let is_word =
            |text: &&str| text.len() > 1 && text.bytes().all(|it| it.is_ascii_uppercase());
        for word in quoted.filter(is_word) {
            let known = [ON_KEYS, ON_TWO_KEYS, ON_CHANNELS, OPTIONS];
            let mut known = known.iter().flat_map(|words| words.split(' '));
            assert!(known.any(|it| it == word), "{word}");
        }
    }
}
