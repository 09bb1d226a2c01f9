//! Tests the catalog, and the documents and dashboards that use its names.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::metrics::catalog::{Kind, METRICS};
use crate::metrics::testing::Recorded;

const DASHBOARD: &str = include_str!("../../../../../deploy/grafana/coderun.json");
const ALERTS: &str = include_str!("../../../../../deploy/prometheus/alerts.yml");
const OPERATIONS: &str = include_str!("../../../../../docs/operations.md");

/// Every name that a metric has where it is asked for.
fn names() -> BTreeSet<String> {
    let of = |name: &str, kind| match kind {
        Kind::Counter | Kind::Gauge => vec![name.to_owned()],
        Kind::Histogram(_) => ["bucket", "sum", "count"]
            .map(|part| format!("{name}_{part}"))
            .to_vec(),
    };
    let metrics = METRICS.iter();
    metrics
        .flat_map(|metric| of(metric.name, metric.kind))
        .collect()
}

/// The words of an expression that look like one of our metrics.
fn used(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("coderun_") || word.starts_with("process_"))
}

/// All texts under this key, however deep.
fn texts<'json>(key: &str, json: &'json Value, found: &mut Vec<&'json str>) {
    match json {
        Value::Object(object) => {
            for (name, value) in object {
                match value.as_str() {
                    Some(text) if name == key => found.push(text),
                    Some(_) | None => texts(key, value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| texts(key, value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_dashboard_asks_for_metrics_that_exist() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let (names, mut expressions) = (names(), Vec::new());
    texts("expr", &dashboard, &mut expressions);
    assert!(expressions.len() >= 20, "{}", expressions.len());
    for expression in expressions {
        let mut asked = used(expression).peekable();
        assert!(asked.peek().is_some(), "no metric in {expression}");
        for name in asked {
            assert!(names.contains(name), "{name} of {expression}");
        }
    }
}

#[test]
fn every_metric_is_on_the_dashboard() {
    for metric in METRICS {
        assert!(DASHBOARD.contains(metric.name), "{} is not", metric.name);
    }
}

#[test]
fn the_panels_of_the_dashboard_are_apart_and_use_the_datasource_that_was_chosen() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len(), "ids are not unique");
    let mut places = BTreeSet::new();
    for panel in panels {
        let place = &panel["gridPos"];
        let number = |key: &str| place[key].as_u64().unwrap();
        assert!(number("x") + number("w") <= 24, "{place}");
        for x in number("x")..number("x") + number("w") {
            for y in number("y")..number("y") + number("h") {
                assert!(places.insert((x, y)), "{} overlaps", panel["title"]);
            }
        }
        if panel["type"] != "row" {
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
        }
    }
}

#[test]
fn alerts_ask_for_metrics_that_exist() {
    let names = names();
    let expressions: Vec<_> = ALERTS
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "))
        .collect();
    assert!(expressions.len() >= 5, "{expressions:?}");
    for name in expressions.iter().flat_map(|expression| used(expression)) {
        assert!(names.contains(name), "{name}");
    }
}

/// One row for each metric: name, kind, labels, meaning.
fn table() -> String {
    let rows = METRICS.iter().map(|metric| {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        let labels: Vec<_> = metric.labels.iter().map(|it| format!("`{it}`")).collect();
        let (name, labels, meaning) = (metric.name, labels.join(", "), metric.meaning);
        format!("| `{name}` | {kind} | {labels} | {meaning} |")
    });
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_documentation_lists_every_metric() {
    let table = table();
    assert!(
        OPERATIONS.contains(&table),
        "docs/operations.md must contain this table:\n{table}"
    );
}

#[test]
fn names_follow_the_rules_of_prometheus_and_are_unique() {
    let unique: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(unique.len(), METRICS.len());
    for metric in METRICS {
        let is_total = metric.name.ends_with("_total");
        assert_eq!(is_total, metric.kind == Kind::Counter, "{}", metric.name);
        let is_duration = metric.name.ends_with("_seconds");
        let is_histogram = matches!(metric.kind, Kind::Histogram(_));
        assert!(is_duration || !is_histogram, "{}", metric.name);
        assert!(metric.labels.is_sorted(), "{}", metric.name);
    }
}

#[test]
fn bounds_of_buckets_grow() {
    for metric in METRICS {
        if let Kind::Histogram(buckets) = metric.kind {
            assert!(buckets.bounds().is_sorted(), "{}", metric.name);
        }
    }
}

#[test]
fn the_build_is_known_from_the_start() {
    let recorded = Recorded::during(std::future::ready(()));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        recorded.lines("coderun_build_info"),
        [format!(r#"coderun_build_info{{version="{version}"}} 1"#)]
    );
    let text = recorded.text();
    assert!(
        text.contains("# HELP coderun_build_info Always 1"),
        "{text}"
    );
}
