fn main() {
    let number: i32 = "a word";
}
