//! Has the crate built again when a file of the page appears, changes or goes.

fn main() {
    println!("cargo:rerun-if-changed=dist");
}
