//! Lines instead of a drawing: for pipes, logs and tests.

use std::io::{self, Write};

use crate::view::{LOAD_COLUMNS, POOL_COLUMNS, SERVER_COLUMNS, View};

/// Prints frames one below the other.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    frames: u64,
    /// How many of the news were printed.
    told: u64,
}

impl Plain {
    pub(crate) fn show(&mut self, view: &View) -> io::Result<()> {
        self.frames += 1;
        let mut out = io::stdout().lock();
        writeln!(out, "--- frame {}: {}", self.frames, view.title)?;
        table(&mut out, SERVER_COLUMNS, &view.servers)?;
        table(&mut out, POOL_COLUMNS, &view.pools)?;
        table(&mut out, LOAD_COLUMNS, &view.load)?;
        let new = usize::try_from(view.told - self.told).unwrap_or(usize::MAX).min(view.news.len());
        self.told = view.told;
        for line in &view.news[view.news.len() - new..] {
            writeln!(out, "event {line}")?;
        }
        out.flush()
    }
}

fn table<const N: usize>(out: &mut impl Write, columns: [&str; N], rows: &[[String; N]]) -> io::Result<()> {
    for row in rows {
        let cells: Vec<_> = columns
            .iter()
            .zip(row)
            .filter(|(_, cell)| !cell.is_empty())
            .map(|(name, cell)| format!("{name} {cell}"))
            .collect();
        writeln!(out, "{}", cells.join(", "))?;
    }
    Ok(())
}
