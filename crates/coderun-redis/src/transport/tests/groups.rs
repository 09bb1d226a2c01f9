//! Tests how steps are joined into groups.

use futures_util::future::join_all;

use super::*;

/// Answers each step with its header, counts its runs, and lists the sizes of groups. The step `fail` is an error; the
/// first answer to `lose` is longer than the server sends; the first to `unstage` is that its staged value has gone.
pub(super) const COUNT_STEPS: &str = "
    redis.call('RPUSH', ARGV[1] .. 'groups', (#ARGV - 4) / 2)
    local answers = {}
    for i = 5, #ARGV, 2 do
      if ARGV[i] == 'fail' then error('no such step') end
      local runs = redis.call('HINCRBY', ARGV[1] .. 'runs', ARGV[i], 1)
      if ARGV[i] == 'lose' and runs == 1 then return string.rep('x', 8388608) end
      local is_unstaged = ARGV[i] == 'unstage' and runs == 1
      answers[#answers + 1] = is_unstaged and '\\168unstaged' or ARGV[i]
    end
    return answers";

const RUNS: &str = "coderun:3:{0}:runs";
const GROUPS: &str = "coderun:3:{0}:groups";

pub(super) fn step(name: &str, blob: usize) -> Step {
    Step::of(name.as_bytes().to_vec()).with_blob(vec![b'x'; blob])
}

/// Runs a step in the only partition.
pub(super) async fn run_step(transport: &Transport, step: Step) -> Result<StepReply, CommandError> {
    let partition = transport.scripts.layout.partitions().next().unwrap();
    transport.run(partition, Script::Hot, &step).await
}

/// Runs the step with this name.
pub(super) async fn run(transport: &Transport, name: &str) -> Result<StepReply, CommandError> {
    run_step(transport, step(name, 0)).await
}

pub(super) async fn assert_counted(transport: &Transport, name: &str) {
    let answer = run(transport, name).await;
    assert_eq!(answer.unwrap(), answer_of(name));
}

pub(super) fn answer_of(name: &str) -> StepReply {
    StepReply(Value::BulkString(name.as_bytes().to_vec()))
}

/// How often the step with this name has run.
pub(super) fn runs(server: &RedisServer, name: &str) -> usize {
    server
        .command(&["HGET", RUNS, name])
        .text()
        .parse()
        .unwrap()
}

/// Makes the server cut the connection of a client whose answer is long.
pub(super) fn limit_answers(server: &RedisServer) {
    let limit = "normal 1048576 0 0";
    let set = ["CONFIG", "SET", "client-output-buffer-limit", limit];
    assert_eq!(server.command(&set).text(), "OK");
}

/// The numbers of steps of all groups so far.
fn groups(server: &RedisServer) -> Vec<usize> {
    let all = server.command(&["LRANGE", GROUPS, "0", "-1"]);
    let sizes = all.parts().iter().map(coderun_redis_fixture::Reply::text);
    sizes.map(|size| size.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_step_alone_is_a_group_of_its_own() {
    let (server, transport) = start(LONG).await;
    for _ in 0..3 {
        assert_counted(&transport, "a").await;
    }
    assert_eq!(groups(&server), [1, 1, 1]);
}

/// The first of them has sent its step before the second had a turn.
#[tokio::test]
async fn steps_of_tasks_that_are_ready_share_a_group() {
    let (server, transport) = start(LONG).await;
    let second = async {
        tokio::task::yield_now().await;
        assert_counted(&transport, "b").await;
    };
    tokio::join!(assert_counted(&transport, "a"), second);
    assert_eq!(groups(&server), [2]);
}

/// Each caller gets the answer to its own step, and the order of arrival is the order of execution.
#[tokio::test]
async fn steps_that_come_together_form_bounded_groups() {
    let (server, transport) = start(LONG).await;
    let names: Vec<_> = (0..200).map(|number| number.to_string()).collect();
    let answers = join_all(names.iter().map(|name| run(&transport, name))).await;
    for (name, answer) in names.iter().zip(answers) {
        assert_eq!(answer.unwrap(), answer_of(name));
        assert_eq!(runs(&server, name), 1);
    }
    assert_eq!(groups(&server), [64, 64, 64, 8]);
}

#[tokio::test]
async fn the_bytes_of_a_group_are_bounded_too() {
    let (server, transport) = start(LONG).await;
    let sizes = [100 << 10, 100 << 10, 100 << 10, 300 << 10, 0];
    let steps = sizes.map(|size| run_step(&transport, step("a", size)));
    for answer in join_all(steps).await {
        answer.unwrap();
    }
    assert_eq!(groups(&server), [2, 1, 1, 1]);
}

/// A stream of other steps does not keep one from its turn.
#[tokio::test]
async fn a_step_is_not_starved_by_others() {
    let (server, transport) = start(LONG).await;
    let busy = join_all((0..300).map(|_| async {
        loop {
            assert_counted(&transport, "busy").await;
        }
    }));
    let seldom = async {
        for _ in 0..5 {
            assert_counted(&transport, "seldom").await;
        }
    };
    tokio::select! {
        _ = busy => unreachable!(),
        () = seldom => {}
    }
    // Each has waited for the groups in front of it only.
    let rounds = groups(&server).len();
    assert!(rounds <= 5 * 6 + 1, "{rounds} groups");
}

#[tokio::test]
async fn a_step_that_fails_spoils_no_other_of_its_group() {
    let (server, transport) = start(LONG).await;
    let names = ["a", "fail", "b"];
    let answers = join_all(names.map(|name| run(&transport, name))).await;
    let [a, failed, b] = &answers[..] else {
        panic!("three answers")
    };
    assert_eq!(a.as_ref().unwrap(), &answer_of("a"));
    assert_eq!(b.as_ref().unwrap(), &answer_of("b"));
    assert!(!failed.as_ref().unwrap_err().is_retryable());
    // The steps that are repeated know it.
    assert_eq!(groups(&server), [3, 1, 1, 1]);
    assert_eq!((runs(&server, "a"), runs(&server, "b")), (2, 1));
}

/// The server restarts, and knows the script no more.
#[tokio::test]
async fn an_unknown_script_is_sent_in_full() {
    let (server, transport) = start(LONG).await;
    assert_counted(&transport, "a").await;
    assert_eq!(server.command(&["SCRIPT", "FLUSH"]).text(), "OK");
    assert_counted(&transport, "a").await;
    assert_eq!(runs(&server, "a"), 2);
}

#[tokio::test]
async fn a_step_whose_caller_has_given_up_is_withdrawn() {
    let (server, transport) = start(LONG).await;
    server.pause();
    let first = run(&transport, "first");
    let mut first = std::pin::pin!(first);
    let mut second = Box::pin(run(&transport, "second"));
    for _ in 0..10 {
        tokio::select! {
            biased;
            _ = &mut first => panic!("a paused server answered"),
            () = tokio::task::yield_now() => {}
        }
    }
    assert!(futures_util::poll!(&mut second).is_pending());
    drop(second);
    server.resume();
    first.await.unwrap();
    assert_counted(&transport, "third").await;
    assert_eq!(server.command(&["HEXISTS", RUNS, "second"]).text(), "0");
}

/// The steps of a group whose answer is lost are repeated, and know it.
#[tokio::test]
async fn the_steps_of_a_lost_group_are_repeated_as_such() {
    let (server, transport) = start(LONG).await;
    limit_answers(&server);
    let steps = ["a", "b", "lose"].map(|name| {
        let step = step(name, 0).with_repeated(format!("{name} again").into_bytes());
        run_step(&transport, step)
    });
    let answers = join_all(steps).await;
    for (name, answer) in ["a again", "b again", "lose again"].iter().zip(answers) {
        assert_eq!(answer.unwrap(), answer_of(name));
    }
    assert_eq!((runs(&server, "a"), runs(&server, "lose")), (1, 1));
}

#[tokio::test]
async fn a_large_value_is_stored_before_its_step_runs() {
    let (server, transport) = start(LONG).await;
    let staged = step("a", 0).with_staged("staged".to_owned(), vec![b'y'; 100_000]);
    run_step(&transport, staged).await.unwrap();
    assert_eq!(server.command(&["STRLEN", "staged"]).text(), "100000");
    let ttl: u64 = server.command(&["PTTL", "staged"]).text().parse().unwrap();
    assert!(ttl <= 60_000, "{ttl}");
}

#[tokio::test]
async fn steps_fail_in_time_while_the_server_hangs() {
    let (server, transport) = start(SHORT).await;
    server.pause();
    let start = Instant::now();
    let steps = join_all((0..100).map(|_| run(&transport, "a"))).await;
    assert!(steps.iter().all(Result::is_err));
    assert!(start.elapsed() < SHORT + TOLERANCE, "{:?}", start.elapsed());
    server.resume();
    assert_counted(&transport, "b").await;
}

/// A failover between the two commands loses the value.
#[tokio::test]
async fn a_staged_value_that_was_lost_is_staged_again() {
    let (server, transport) = start(LONG).await;
    // Makes the server know the script: both commands are repeated otherwise.
    assert_counted(&transport, "a").await;
    let staged = step("unstage", 0).with_staged("coderun:3:{0}:s:1".to_owned(), vec![b'x'; 8]);
    let answer = run_step(&transport, staged).await;
    assert_eq!(answer.unwrap(), answer_of("unstage"));
    assert_eq!(runs(&server, "unstage"), 2);
    let sets = server.command(&["INFO", "commandstats"]).text();
    assert!(sets.contains("cmdstat_set:calls=2,"), "{sets}");
}
