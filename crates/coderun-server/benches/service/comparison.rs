//! Measures this build and another in turn, and prints the medians of both beside each other.

use std::io;
use std::path::{Path, PathBuf};

/// How often most things are measured.
pub(crate) const ROUNDS: usize = 3;

/// A binary that is measured.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
}

impl Contender {
    pub(crate) fn this_build() -> Self {
        Self {
            name: "this build",
            program: env!("CARGO_BIN_EXE_coderun").into(),
        }
    }

    pub(crate) fn other(program: PathBuf) -> Self {
        Self {
            name: "other",
            program,
        }
    }
}

/// What one operation cost, a number for each column.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) numbers: Vec<f64>,
}

/// Measures all contenders in turn, in this many rounds, and prints a table. Every measurement has the same rows.
pub(crate) fn compare(
    title: &str,
    columns: &[&str],
    count: usize,
    contenders: &[Contender],
    measure: impl Fn(&Path) -> io::Result<Vec<Row>>,
) -> io::Result<()> {
    let mut rounds: Vec<Vec<Vec<Row>>> = contenders.iter().map(|_| Vec::new()).collect();
    for _ in 0..count {
        for (contender, rounds) in contenders.iter().zip(&mut rounds) {
            rounds.push(measure(&contender.program)?);
        }
    }
    println!("\n{title}");
    print_line("", columns.iter().map(|&column| column.to_owned()));
    for (index, row) in rounds[0][0].iter().enumerate() {
        println!("{}", row.name);
        let medians: Vec<Vec<f64>> = rounds.iter().map(|all| medians(all, index)).collect();
        for (contender, numbers) in contenders.iter().zip(&medians) {
            print_line(contender.name, numbers.iter().map(|&number| shown(number)));
        }
        if let [this, other] = medians.as_slice() {
            let ratios = this.iter().zip(other).map(|(this, other)| this / other);
            let shown = |ratio: f64| ratio.is_finite().then(|| format!("{ratio:.2}"));
            print_line(
                "ratio",
                ratios.map(|ratio| shown(ratio).unwrap_or_default()),
            );
        }
    }
    Ok(())
}

/// The medians of one row, column by column.
fn medians(rounds: &[Vec<Row>], row: usize) -> Vec<f64> {
    let columns = 0..rounds[0][row].numbers.len();
    let median = |column: usize| {
        let mut all: Vec<f64> = rounds
            .iter()
            .map(|rows| rows[row].numbers[column])
            .collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    columns.map(median).collect()
}

/// Three digits are more than the noise of a machine leaves.
fn shown(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

fn print_line(name: &str, cells: impl Iterator<Item = String>) {
    print!("  {name:<12}");
    for cell in cells {
        print!("{cell:>13}");
    }
    println!();
}
