//! `[blobs]`: how much a container of blobs may hold.

use super::pick::Pick;
use model::unit::Size;
use ports::blobs::Quota;
use serde::Deserialize;

/// The section's keys in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    size: Option<Size>,
    objects: Option<u64>,
}

impl File {
    pub(super) fn pick(&self, pick: &mut Pick) -> Quota {
        let default = engine::HostLimits::default().blobs;
        let size = Size { bytes: default.bytes_max };
        Quota {
            bytes_max: pick.of("blobs.size", size, self.size).bytes,
            objects_max: pick.of("blobs.objects", default.objects_max, self.objects),
        }
    }
}
