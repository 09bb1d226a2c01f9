firebase_suite := "crates/coderun-server/tests/firebase"
client := "web/client"
playground := "web/playground"
machine := "crates/coderun-runner-sandbox/tests/machine"
abuse := "RUST_BACKTRACE=0 cargo test --package coderun-server --test abuse " + \
    "--config 'target.\"cfg(unix)\".runner=\"" + justfile_directory() + "/crates/coderun-server/tests/abuse/confined\"'"
# What every run of the tests repeats as an ordinary user: what limits, processes, files and the network make of programs, not
# what languages do by themselves.
differs_by_user := "test(/^language_page::packages_/) or not test(/^(mistakes|java|language_page)::|" + \
    "^languages::.*::(stdin|unicode|failure|broken)$|" + of_languages + "/)"
of_languages := "^programs::.*::(buffers|byte_order_mark|classes|closures|crlf|dates|does_not_compile|es_module|" + \
    "exceptions|functions|generators|generic|generics|hello|json|json_and_text|lists|sorting|templates|text)$"
# What is built once for all recipes that test: another selection of packages builds half of the dependencies again.
everything := "--workspace --all-features"
# Where cargo-deny keeps the database of known weaknesses.
advisories := env("CARGO_HOME", home_directory() / ".cargo") / "advisory-dbs"

# Lists the recipes.
default:
    @just --list

# Starts the service (`just run --port 9000`).
run *arguments:
    cargo run -- {{ arguments }}

# Runs every test: unit, conformance, sandbox in three modes, service, documentation, the real Firebase SDK, the client, the page.
test: test-rust (test-sandbox-user differs_by_user) test-groups test-firebase test-client test-playground

# Runs the tests of the crates.
test-rust:
    cargo nextest run {{ everything }}
    cargo test {{ everything }} --doc

# Runs the sandbox's tests as an ordinary user who may use no control groups (`just test-sandbox-user 'test(/^memory::/)'`).
test-sandbox-user filter="all()":
    cargo nextest run {{ everything }} -E 'package(coderun-runner-sandbox) and ({{ filter }})' --config 'target."cfg(unix)".runner="{{ justfile_directory() }}/crates/coderun-runner-sandbox/tests/as-ordinary-user"' -- --skip another_process_namespace

# The kernel is user-mode Linux; with `KERNEL=qemu` it lacks nothing, and is slow.
# Runs the sandbox's tests on control groups of version 2, as root and as a delegated user (`just test-cgroup2 'test(/^memory::/)'`).
test-cgroup2 filter="all()":
    {{ machine }}/suite '{{ filter }}'

# Runs the programs of all languages in three modes, or some (`just languages-table user`), and writes into docs/languages.md what passed.
languages-table *modes:
    crates/coderun-runner-sandbox/tests/languages-table {{ modes }}

# Runs what every run of the tests has of `test-cgroup2`, and starts the service in groups of all kinds.
test-groups:
    {{ machine }}/suite 'test(/^(processes|service|missing_means)::|stands_still/)'
    {{ machine }}/boot {{ machine }}/layouts {{ justfile_directory() }}/target/debug/coderun

# Tests deploy/coderun.service under systemd as process 1 of a kernel of its own.
test-systemd:
    cargo test {{ everything }} --no-run --quiet
    {{ machine }}/systemd target/debug/coderun

# Signs up, submits, watches and is disabled, with Firebase's own emulator and JavaScript SDK (0.5 GB from npm at first).
test-firebase: (npm-test firebase_suite)

# Tests the client for TypeScript: its types, its package, its examples, in Node.js and in Chromium, with the service.
test-client: (npm-test client)

# Tests the page in Chromium, with the service, and that its built files are those of its sources.
test-playground: (npm-test playground)

# Builds the page into crates/coderun-playground/dist, which is committed. `npm run dev` shows it while you change it.
build-playground:
    cd {{ playground }} && npm ci --ignore-scripts --no-audit --no-fund && npm run build

# Measures the page with a release build: its bytes, the time to the first output, the time until it can be used.
bench-playground:
    cargo build --release --package coderun-server
    cd {{ playground }} && npm ci --ignore-scripts --no-audit --no-fund && CODERUN_BINARY={{ justfile_directory() }}/target/release/coderun npm run measure

# Takes the pictures of the documentation again.
screenshots:
    cargo build --package coderun-server
    cd {{ playground }} && npm ci --ignore-scripts --no-audit --no-fund && CODERUN_BINARY={{ justfile_directory() }}/target/debug/coderun npm run screenshots -- {{ justfile_directory() }}/docs/images

# Tests an npm package with the service.
[private]
npm-test folder:
    cargo test {{ everything }} --no-run --quiet
    cd {{ folder }} && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --ignore-scripts --no-audit --no-fund; }
    cd {{ folder }} && CODERUN_BINARY={{ justfile_directory() }}/target/debug/coderun npm test

# Kills replicas and Redis under load for a minute, or for `just chaos 300`; prints what was counted. `CHAOS_SEED` varies it.
chaos seconds="60":
    CHAOS_SECONDS={{ seconds }} cargo nextest run --package coderun-server --test chaos --success-output immediate

# Sends the service what Schemathesis (27 MB from PyPI at first) makes of the OpenAPI document, valid and not, for 5 minutes.
fuzz-api seconds="300" seed="1":
    cargo build --package coderun-server
    crates/coderun-server/tests/fuzz-api/run target/debug/coderun target/schemathesis {{ seconds }} {{ seed }}

# Attacks a release build as hostile users and clients do, for some minutes, and prints a table (`just abuse burners channels`: only these).
abuse *arguments:
    cargo build --release --package coderun-server
    {{ abuse }} -- --release {{ arguments }}

# Does the same as an ordinary user who may use no control groups.
abuse-user *arguments:
    cargo build --release --package coderun-server
    ABUSE_AS=user {{ abuse }} -- --release {{ arguments }}

# Checks formatting, lints, documentation, licences and dependencies; known weaknesses too where their database was fetched.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features
    cargo deny --log-level error check bans licenses sources
    {{ if path_exists(advisories) == "true" { "cargo deny --log-level error check --disable-fetch advisories" } else { "" } }}
    cargo nextest run --package coderun-server --test layers

# Fetches the database of known weaknesses of crates (RustSec, on GitHub) and checks the dependencies against it.
advisories:
    cargo deny check advisories

# Its arguments choose some of `memory redis sockets live faults redis-file records order`; `--server /PATH` adds another
# binary to compare with.
# Measures the service and the sandbox.
bench *arguments:
    cargo bench --package coderun-server --bench service -- {{ arguments }}
    {{ if arguments == "" { "cargo bench --package coderun-runner-sandbox" } else { "" } }}
