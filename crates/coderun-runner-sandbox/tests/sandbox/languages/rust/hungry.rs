fn main() {
    let mut kept = Vec::new();
    loop {
        kept.push(vec![1_u8; 1_000_000]);
    }
}
