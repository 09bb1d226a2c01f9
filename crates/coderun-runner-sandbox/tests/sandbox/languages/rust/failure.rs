fn main() {
    println!("before");
    panic!("no such luck");
}
