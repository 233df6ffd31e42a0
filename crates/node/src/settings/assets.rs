//! `[assets]`: files that applications carry.

use super::pick::Pick;
use model::unit::Size;
use serde::Deserialize;

/// `[assets]`
#[derive(Debug, Clone)]
pub struct Assets {
    /// Files that are kept in memory.
    pub cache: Size,
}

/// The section's keys in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    cache: Option<Size>,
}

impl Assets {
    pub(super) fn pick(pick: &mut Pick, file: &File) -> Self {
        Self { cache: pick.of("assets.cache", Size::mib(64), file.cache) }
    }
}
