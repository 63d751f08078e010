//! Memory stores, kept over a restart.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::Path;

use ratekeeper_engine::Engine;

use crate::failure::Failure;

/// Reads what the server before has left. A file that cannot be understood is set aside, and said so: a limiter that does
/// not start would be worse than one that begins anew.
pub(super) fn restore(engine: &Engine, path: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = path else {
        return Ok(());
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            tracing::info!(path = %path.display(), "no state was left here: counters begin anew");
            return Ok(());
        }
        Err(source) => return Err(Failure::Read { path: path.to_owned(), source }),
    };
    match engine.restore(&mut BufReader::new(file)) {
        Ok(counters) => tracing::info!(path = %path.display(), counters, "counters were restored"),
        Err(error) => {
            let aside = path.with_extension("broken");
            let moved = fs::rename(path, &aside);
            tracing::error!(
                path = %path.display(), aside = %aside.display(), moved = moved.is_ok(),
                "counters begin anew: the state cannot be restored: {error}"
            );
        }
    }
    Ok(())
}

/// Leaves the counters for the next server. The file is replaced as a whole, and only readable by its owner.
pub(super) fn save(engine: &Engine, path: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = path else {
        return Ok(());
    };
    let written = write(engine, path);
    let counters = written.map_err(|source| Failure::WriteFile { path: path.to_owned(), source })?;
    tracing::info!(path = %path.display(), counters, "counters were saved");
    Ok(())
}

fn write(engine: &Engine, path: &Path) -> io::Result<u64> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let beside = path.with_extension("new");
    let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    let mut out = BufWriter::new(file);
    let counters = engine.dump(&mut out)?;
    out.flush()?;
    out.get_ref().sync_all()?;
    fs::rename(&beside, path)?;
    Ok(counters)
}
