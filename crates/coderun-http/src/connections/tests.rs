use super::*;

/// Opens connections and lets each do something, a second after the one before.
async fn open_each(
    connections: &Rc<Connections>,
    acts: &[fn(&Rc<RequestState>)],
) -> Vec<(Rc<RequestState>, CountedConnection)> {
    let mut opened = Vec::new();
    for act in acts {
        let state = connections.open();
        act(&state);
        opened.push((Rc::clone(&state), state.counted()));
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    opened
}

fn is_silent(state: &Rc<RequestState>) {
    state.wait();
}

fn has_sent_half_a_head(state: &Rc<RequestState>) {
    state.receive(10);
    state.wait();
}

fn is_kept_alive(state: &Rc<RequestState>) {
    state.begin(false);
    state.end();
}

fn is_answered(state: &Rc<RequestState>) {
    state.begin(false);
}

#[tokio::test(start_paused = true)]
async fn half_heads_are_closed_first_and_then_what_has_waited_longest() {
    let config = HttpConfig {
        connections_max: 8,
        ..HttpConfig::default()
    };
    let connections = Connections::new(&config);
    let acts: [fn(&Rc<RequestState>); 7] = [
        is_answered,
        is_silent,
        has_sent_half_a_head,
        is_kept_alive,
        has_sent_half_a_head,
        is_silent,
        is_answered,
    ];
    let mut opened = open_each(&connections, &acts).await;
    let mut order = Vec::new();
    for _ in 0..6 {
        let new = open_each(&connections, &[is_answered]).await;
        new[0].0.end();
        opened.extend(new);
        let states = opened.iter().enumerate();
        let closed = states.filter(|(_, (state, _))| state.is_closed());
        let closed: Vec<usize> = closed.map(|(number, _)| number).collect();
        order.extend(
            closed
                .into_iter()
                .filter(|it| !order.contains(it))
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(order, [2, 4, 1, 3, 5, 7]);
}

#[tokio::test(start_paused = true)]
async fn sockets_count_among_the_connections_until_they_end() {
    let config = HttpConfig {
        connections_max: 3,
        ..HttpConfig::default()
    };
    let connections = Connections::new(&config);
    let opened = open_each(&connections, &[is_answered, is_silent]).await;
    let [(state, socket), (silent, _silent)] = <[_; 2]>::try_from(opened).unwrap();
    state.close();
    let third = open_each(&connections, &[is_silent]).await;
    assert!(silent.is_closed());
    drop(socket);
    drop(open_each(&connections, &[is_silent]).await);
    assert!(!third[0].0.is_closed());
}

#[tokio::test(start_paused = true)]
async fn the_only_connection_that_there_is_room_for_may_wait() {
    let config = HttpConfig {
        connections_max: 1,
        ..HttpConfig::default()
    };
    let connections = Connections::new(&config);
    let opened = open_each(&connections, &[is_kept_alive]).await;
    assert!(!opened[0].0.is_closed());
}

/// So that a flood does not take the connection of a client that sends its next request soon.
#[tokio::test(start_paused = true)]
async fn a_connection_may_be_idle_for_a_second_however_many_there_are() {
    let keep_alive = HttpConfig::default().timeouts.keep_alive;
    may_send_nothing_for_a_second(is_kept_alive, keep_alive).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_may_be_silent_for_a_second_however_many_there_are() {
    let head_timeout = HttpConfig::default().timeouts.request_head;
    may_send_nothing_for_a_second(is_silent, head_timeout).await;
}

async fn may_send_nothing_for_a_second(act: fn(&Rc<RequestState>), otherwise: Duration) {
    let config = HttpConfig {
        connections_max: 4,
        ..HttpConfig::default()
    };
    let connections = Connections::new(&config);
    let open = |act: fn(&Rc<RequestState>)| {
        let state = connections.open();
        act(&state);
        (Rc::clone(&state), state.counted())
    };
    let (idle, _counted) = open(act);
    assert_eq!(idle.deadline(), Some(Instant::now() + otherwise));
    let _busy = [(); 3].map(|()| open(is_answered));
    assert_eq!(idle.deadline(), Some(Instant::now() + IDLE_MIN));
    let (other, counted) = open(act);
    assert!(!idle.is_closed() && !other.is_closed());
    drop((other, counted));
    tokio::time::advance(IDLE_MIN).await;
    let (half, _counted) = open(has_sent_half_a_head);
    assert!(idle.is_closed() && !half.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_head_that_has_just_arrived_is_parsed_however_many_there_are() {
    let config = HttpConfig {
        connections_max: 3,
        ..HttpConfig::default()
    };
    let connections = Connections::new(&config);
    let acts: [fn(&Rc<RequestState>); 4] = [
        is_answered,
        is_answered,
        has_sent_half_a_head,
        has_sent_half_a_head,
    ];
    let opened = open_each(&connections, &acts).await;
    let closed = opened.iter().map(|(state, _)| state.is_closed());
    assert_eq!(closed.collect::<Vec<_>>(), [false, false, true, false]);
}

/// A search that finds nothing to close is not repeated for a while, unless there is something since.
#[tokio::test(start_paused = true)]
async fn half_heads_make_room_at_once_although_all_were_silent_before() {
    let config = HttpConfig {
        connections_max: 3,
        ..HttpConfig::default()
    };
    let connections = Connections::new(&config);
    let opened = [(); 3].map(|()| connections.open());
    opened.iter().for_each(is_silent);
    let [first, second, _] = &opened;
    has_sent_half_a_head(first);
    has_sent_half_a_head(second);
    assert!(first.is_closed() && !second.is_closed());
}
