//! Reads the resources that this process uses from `/proc`.

use std::fs;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

use super::catalog::{CPU_TIME, Kind, MEMORY, METRICS, OPEN_FILES, OPEN_FILES_MAX};

/// All readings in the text format, without those that fail.
pub(super) fn render() -> String {
    let readings = [
        (CPU_TIME, cpu_seconds()),
        (MEMORY, resident_bytes()),
        (OPEN_FILES, open_files()),
        (OPEN_FILES_MAX, open_files_max()),
    ];
    let rendered = readings
        .into_iter()
        .filter_map(|(name, reading)| metric_text(name, reading?));
    rendered.collect()
}

fn metric_text(name: &str, reading: f64) -> Option<String> {
    let metric = METRICS.iter().find(|metric| metric.name == name)?;
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram(_) => "histogram",
    };
    let meaning = metric.meaning;
    Some(format!(
        "# HELP {name} {meaning}\n# TYPE {name} {kind}\n{name} {reading}\n"
    ))
}

/// The 14th and the 15th field of `/proc/self/stat`, in ticks (proc(5)). The second, the name, may hold anything.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok().map(f64::from);
    let ticks = ticks()? + ticks()?;
    let per_second = u32::try_from(clock_ticks_per_second()).ok()?;
    Some(ticks / f64::from(per_second))
}

/// The second field of `/proc/self/statm`, in pages (proc(5)).
fn resident_bytes() -> Option<f64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u32 = statm.split_whitespace().nth(1)?.parse().ok()?;
    let page_bytes = u32::try_from(page_size()).ok()?;
    Some(f64::from(pages) * f64::from(page_bytes))
}

fn open_files() -> Option<f64> {
    // The folder itself is open only for this reading.
    let open = fs::read_dir("/proc/self/fd").ok()?.count().checked_sub(1)?;
    u32::try_from(open).ok().map(f64::from)
}

fn open_files_max() -> Option<f64> {
    let most = getrlimit(Resource::Nofile).current?;
    u32::try_from(most).ok().map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reading_of_this_process_is_plausible() {
        assert!(resident_bytes().unwrap() > 1e6);
        assert!(open_files().unwrap() >= 3.0);
        assert!(open_files_max().unwrap() >= open_files().unwrap());
        assert!(cpu_seconds().unwrap() >= 0.0);
    }

    #[test]
    fn an_open_file_is_counted() {
        let before = open_files().unwrap();
        let file = fs::File::open("/proc/self/stat").unwrap();
        assert!(open_files().unwrap() > before);
        drop(file);
    }

    #[test]
    fn every_reading_is_rendered_with_its_kind() {
        let text = render();
        assert!(
            text.contains("# TYPE process_cpu_seconds_total counter\n"),
            "{text}"
        );
        assert!(
            text.contains("# TYPE process_open_fds gauge\nprocess_open_fds "),
            "{text}"
        );
        assert_eq!(text.lines().count(), 12, "{text}");
    }
}
