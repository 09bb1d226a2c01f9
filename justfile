# Lists the recipes.
default:
    @just --list

# Starts the service (`just run --port 9000`).
run *arguments:
    cargo run -- {{ arguments }}

# Runs every test: unit, conformance, sandbox, the whole service, documentation.
test:
    cargo nextest run --workspace --all-features
    cargo test --workspace --all-features --doc

# Kills replicas and Redis under load for a minute, or for `just chaos 300`; prints what was counted. `CHAOS_SEED` varies it.
chaos seconds="60":
    CHAOS_SECONDS={{ seconds }} cargo nextest run --package coderun-server --test chaos --success-output immediate

# Checks formatting, lints and documentation.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

# Measures: CPU time per request and throughput of the service, cost of the sandbox as ratios to a bare spawn.
bench:
    cargo bench --package coderun-server --package coderun-runner-sandbox
