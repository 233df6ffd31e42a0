//! `[budget]` and `[keyvalue]`: what a request and all that it causes may spend together, and how
//! much a store may hold.

use super::pick::Pick;
use model::Budget;
use model::unit::{Duration, Size};
use serde::Deserialize;

/// The section's keys in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    cpu: Option<Duration>,
    host_calls: Option<u32>,
    egress: Option<Size>,
    descendants: Option<u32>,
    depth: Option<u16>,
}

impl File {
    pub(super) fn pick(&self, pick: &mut Pick) -> Budget {
        let default = Budget::default();
        let cpu = Duration { ms: default.cpu_us / 1000 };
        let egress = Size { bytes: default.egress_bytes };
        Budget {
            cpu_us: pick.of("budget.cpu", cpu, self.cpu).ms.saturating_mul(1000),
            host_calls: pick.of("budget.host_calls", default.host_calls, self.host_calls),
            egress_bytes: pick.of("budget.egress", egress, self.egress).bytes,
            descendants: pick.of("budget.descendants", default.descendants, self.descendants),
            depth: pick.of("budget.depth", default.depth, self.depth),
        }
    }
}

/// `[keyvalue]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyValueFile {
    size: Option<Size>,
}

impl KeyValueFile {
    /// Most bytes of one store.
    pub(super) fn pick(&self, pick: &mut Pick) -> Size {
        let default = Size { bytes: engine::HostLimits::default().keyvalue_bytes_max };
        pick.of("keyvalue.size", default, self.size)
    }
}
