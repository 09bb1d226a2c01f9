fn main() {
    let total = 3;
    total += 4;
    println!("{total}");
}
