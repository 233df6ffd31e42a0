//! The node's own log: lines on standard error.

use crate::settings::Settings;
use model::{Code, Problem};
use tracing_subscriber::EnvFilter;

/// Begins to log. A second call in one process changes nothing.
pub(crate) fn begin(settings: &Settings) -> Result<(), Problem> {
    let filter = EnvFilter::try_new(&settings.log)
        .map_err(|error| Problem::new(Code::BadConfig).detail(format!("`log`: {error}")))?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(false)
        .finish();
    let _first_one_stays = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}
