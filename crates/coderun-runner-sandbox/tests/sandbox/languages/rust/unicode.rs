use std::io;

fn main() {
    let mut line = String::new();
    io::stdin().read_line(&mut line).unwrap();
    print!("{line}");
    println!("žluťoučký 🐎");
}
