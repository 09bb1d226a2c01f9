use std::thread;
use std::time::Duration;

fn main() {
    let wait = || thread::sleep(Duration::from_secs(60));
    let threads: Vec<_> = (0..1000).map(|_| thread::spawn(wait)).collect();
    for thread in threads {
        thread.join().unwrap();
    }
}
