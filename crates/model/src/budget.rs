//! What an invocation may spend, has used, and costs.

use serde::{Deserialize, Serialize};

/// What a root request and all its descendants may still spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// CPU time of guests, in microseconds.
    pub cpu_us: u64,
    /// Calls to the host.
    pub host_calls: u32,
    /// Bytes sent out through the host.
    pub egress_bytes: u64,
    /// Invocations that this one may cause, directly or not.
    pub descendants: u32,
    /// How deep a chain of calls may still grow.
    pub depth: u16,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            cpu_us: 60_000_000,
            host_calls: 10_000,
            egress_bytes: 256 << 20,
            descendants: 1000,
            depth: 16,
        }
    }
}

/// What an invocation was measured to use. Never estimated.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Usage {
    /// CPU time of the guest, by thread clock, in microseconds.
    pub cpu_us: u64,
    /// Most bytes of linear memory and tables that were in use at once.
    pub memory_peak_bytes: u64,
    /// Bytes of the request's body that the guest was given.
    pub bytes_in: u64,
    /// Bytes of the reply's body that the guest produced.
    pub bytes_out: u64,
}

/// A price in units, by a formula that has a version.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Cost {
    /// Which formula: see [`Cost::of`].
    pub formula: u16,
    /// Thousandths of a unit.
    pub milliunits: u64,
}

impl Cost {
    /// The formula that [`Cost::of`] uses today.
    pub const FORMULA: u16 = 2;

    /// Formula 2: one unit is a millisecond of CPU, or 64 MiB held for 100 ms of wall time, or
    /// 10 host calls, or 1 MiB sent as a reply or moved by host calls; each part is counted in
    /// thousandths and summed. Formula 1 was the same without what host calls moved.
    #[must_use]
    pub fn of(usage: &Usage, wall_us: u64, host_calls: u32, moved_bytes: u64) -> Self {
        let cpu = usage.cpu_us;
        let memory = u128::from(usage.memory_peak_bytes) * u128::from(wall_us) / ((64 << 20) * 100);
        let calls = u64::from(host_calls) * 100;
        let sent = ((u128::from(usage.bytes_out) + u128::from(moved_bytes)) * 1000) >> 20;
        let memory = u64::try_from(memory).unwrap_or(u64::MAX);
        let sent = u64::try_from(sent).unwrap_or(u64::MAX);
        Self {
            formula: Self::FORMULA,
            milliunits: cpu.saturating_add(memory).saturating_add(calls).saturating_add(sent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formula_2_counts_what_it_says() {
        let cpu = Usage { cpu_us: 1000, ..Usage::default() };
        assert_eq!(Cost::of(&cpu, 0, 0, 0).milliunits, 1000);
        let memory = Usage { memory_peak_bytes: 64 << 20, ..Usage::default() };
        assert_eq!(Cost::of(&memory, 100_000, 0, 0).milliunits, 1000);
        assert_eq!(Cost::of(&Usage::default(), 0, 10, 0).milliunits, 1000);
        let sent = Usage { bytes_out: 1 << 20, ..Usage::default() };
        assert_eq!(Cost::of(&sent, 0, 0, 1 << 20).milliunits, 2000);
        let absurd = Usage {
            cpu_us: u64::MAX,
            memory_peak_bytes: u64::MAX,
            bytes_out: u64::MAX,
            bytes_in: 0,
        };
        assert_eq!(Cost::of(&absurd, u64::MAX, u32::MAX, u64::MAX).milliunits, u64::MAX);
    }
}
