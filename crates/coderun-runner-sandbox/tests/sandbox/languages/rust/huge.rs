fn main() {
    let block = vec![1_u8; 1 << 40];
    println!("{}", block.len());
}
