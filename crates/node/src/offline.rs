//! Reading a home that no node runs on.

use crate::assemble;
use crate::home::Home;
use crate::keyring::passphrase;
use keys::RootKeyFile;
use model::{Code, Problem};
use ports::Ledger;
use std::path::Path;
use std::sync::Arc;
use store_sqlite::Store;

/// The ledger of a home as files in the C2SP tlog-tiles layout, with `verifier-key` beside them.
///
/// # Errors
/// The home is in use, is not there, or cannot be read.
pub fn ledger_files(
    path: &Path,
    root_key_file: Option<&Path>,
) -> Result<Vec<(String, Vec<u8>)>, Problem> {
    if !path.join("registry.db").exists() {
        return Err(Problem::new(Code::NotRunning).detail(format!("{} is no home", path.display())));
    }
    let home = Home::open(path)?;
    assemble::refuse_headless(home.path())?;
    let key_path = root_key_file.map_or_else(|| home.join("root.key"), Path::to_owned);
    let ring = RootKeyFile::open(&key_path, passphrase(None)?.as_ref())
        .map_err(|error| error.problem())?;
    let key = assemble::ledger_key(&ring)?;
    let store =
        Store::open(home.path(), Arc::new(assemble::notary(&ring)?)).map_err(Problem::from)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Problem::new(Code::Internal).internal(error))?;
    let log = runtime.block_on(async {
        let size = store.size().await?;
        Ok(audit::Snapshot {
            leaves: store.leaves(0, size).await?,
            tiles: store.tiles().await?,
            checkpoints: store.checkpoints().await?,
        })
    });
    let log =
        log.map_err(|error: ports::ledger::Error| Problem::new(Code::StoreFailed).internal(error))?;
    let mut files = audit::export(&log).map_err(|error| error.problem())?;
    files.push(("verifier-key".to_owned(), format!("{key}\n").into_bytes()));
    Ok(files)
}
