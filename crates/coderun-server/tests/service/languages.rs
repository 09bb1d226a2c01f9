//! Each language, and each way in which a program can go wrong, through the whole service.

use serde_json::Value;

use crate::support::Service;

async fn hello(language: &str, code: &str) {
    let service = Service::start();
    let record = service.run_code(language, code).await;
    assert_eq!(record["output"], "hello\n", "{record}");
    assert_eq!(record["status"], "completed", "{record}");
}

#[tokio::test]
async fn python_runs() {
    hello("python", "print('hello')").await;
}

#[tokio::test]
async fn javascript_runs() {
    hello("javascript", "console.log('hello')").await;
}

#[tokio::test]
async fn bash_runs() {
    hello("bash", "echo hello").await;
}

#[tokio::test]
async fn c_runs() {
    hello(
        "c",
        "#include <stdio.h>\nint main(void) { puts(\"hello\"); }",
    )
    .await;
}

#[tokio::test]
async fn cpp_runs() {
    hello(
        "c++",
        "#include <iostream>\nint main() { std::cout << \"hello\\n\"; }",
    )
    .await;
}

#[tokio::test]
async fn every_example_of_the_catalog_runs() {
    let service = Service::start();
    let languages: Value = service
        .client
        .get(service.url("/api/v1/languages"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let languages = languages["languages"].as_array().unwrap();
    let names: Vec<_> = languages
        .iter()
        .map(|spec| spec["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["python", "javascript", "bash", "c", "cpp"]);
    for spec in languages {
        let name = spec["name"].as_str().unwrap();
        let record = service
            .run_code(name, spec["example"].as_str().unwrap())
            .await;
        assert_eq!(record["verdict"], "accepted", "{name}: {record}");
        assert_ne!(record["output"], "", "{name}");
    }
}

#[tokio::test]
async fn a_program_that_fails_is_an_error_with_its_exit_code() {
    let record = Service::start()
        .run_code("python", "import sys; print('so far'); sys.exit(3)")
        .await;
    assert_eq!(record["status"], "error");
    assert_eq!(record["verdict"], "runtime_error");
    assert_eq!(record["exit_code"], 3);
    assert_eq!(record["output"], "so far\n");
    assert_eq!(record["error_output"], "The program exited with code 3");
}

#[tokio::test]
async fn a_program_that_never_ends_is_stopped_at_its_cpu_limit() {
    let service = Service::start_with(&[("CPU_TIME_DEFAULT", "1")]);
    let record = service.run_code("python", "while True: pass").await;
    assert_eq!(record["verdict"], "time_limit");
    assert_eq!(record["error_output"], "CPU time limit of 1 s exceeded");
}

#[tokio::test]
async fn a_program_that_sleeps_for_ever_is_stopped_by_the_clock() {
    let service = Service::start_with(&[("WALL_TIME_DEFAULT", "1")]);
    let record = service
        .run_code("python", "import time; time.sleep(100)")
        .await;
    assert_eq!(record["verdict"], "time_limit");
    assert_eq!(record["error_output"], "Time limit of 1 s exceeded");
}

#[tokio::test]
async fn a_program_that_floods_keeps_its_head_and_is_stopped() {
    let service = Service::start();
    let record = service
        .run_code("python", "while True: print('x' * 1000)")
        .await;
    assert_eq!(record["verdict"], "output_limit");
    assert_eq!(record["error_output"], "Output limit of 1 MiB exceeded");
    assert_eq!(record["output_truncated"], true);
    assert_eq!(record["output"].as_str().unwrap().len(), 1 << 20);
}

#[tokio::test]
async fn code_that_does_not_compile_shows_the_compilers_words() {
    let record = Service::start()
        .run_code("c", "int main(void) { return x; }")
        .await;
    assert_eq!(record["verdict"], "compile_error");
    let words = record["error_output"].as_str().unwrap();
    assert!(words.contains("undeclared"), "{words}");
}
