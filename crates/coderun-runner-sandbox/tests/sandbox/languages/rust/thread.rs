use std::thread;

fn main() {
    let threads: Vec<_> = (1..=4).map(|number| thread::spawn(move || number)).collect();
    let total: i32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    println!("{total}");
}
