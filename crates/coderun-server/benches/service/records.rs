//! Measures whether many stored records make an execution dearer.

use std::io;
use std::sync::Arc;

use coderun_redis_fixture::RedisOptions;

use crate::comparison::{Contender, compare};
use crate::load::{COLUMNS, measure, submit};
use crate::server::{Server, Setup, runtime};

/// Stored records. They come from submissions like all others, so that they are what users leave behind.
const STORED: usize = 600_000;
/// One round takes minutes.
const ROUNDS: usize = 1;
/// Measured submissions.
const MEASURED: usize = 6_000;

/// Measures submissions to an empty Redis, and again when records are stored.
pub(crate) fn measure_records(contenders: &[Contender]) -> io::Result<()> {
    let title = "submit to completed, few and many records in Redis";
    compare(title, &COLUMNS, ROUNDS, contenders, |program| {
        let setup = Setup {
            redis: Some(&RedisOptions::default()),
            ..Setup::default()
        };
        let server = Arc::new(Server::start(program, &setup)?);
        let filling = format!("the {STORED} that are stored then");
        let phases = [
            ("no record", MEASURED),
            (filling.as_str(), STORED),
            ("with them", MEASURED),
        ];
        runtime()?.block_on(async {
            let mut rows = Vec::new();
            for (name, count) in phases {
                let submitting = async |server: Arc<Server>, _| {
                    submit(&server).await;
                };
                rows.push(measure(&server, name, count, submitting).await);
            }
            Ok(rows)
        })
    })
}
