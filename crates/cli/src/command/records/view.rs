//! A record as people read it: one line per fact, every number with its unit.

use crate::voice::{Voice, safe};
use model::api::Record;
use model::wire::v1::{Call, Decision};

/// Microseconds in the unit that reads best.
pub(in crate::command) fn time(us: u64) -> String {
    match us {
        0..1000 => format!("{us} us"),
        1000..1_000_000 => format!("{}.{} ms", us / 1000, us % 1000 / 100),
        _ => format!("{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000),
    }
}

/// Bytes in the unit that reads best.
pub(in crate::command) fn size(bytes: u64) -> String {
    let (unit, shift) = match bytes {
        0..1024 => return format!("{bytes} B"),
        1024..1_048_576 => ("KiB", 10),
        1_048_576..1_073_741_824 => ("MiB", 20),
        _ => ("GiB", 30),
    };
    let tenths = (u128::from(bytes) * 10) >> shift;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// The status that the caller saw.
pub(super) fn status(record: &Record) -> String {
    if record.status == 0 { "-".to_owned() } else { record.status.to_string() }
}

/// How long it took, if it ended.
pub(super) fn took(record: &Record) -> String {
    let length = record.end_us.and_then(|end| u64::try_from(end - record.start_us).ok());
    length.map_or_else(|| "-".to_owned(), time)
}

/// Writes the record.
pub(super) fn print(voice: &Voice, record: &Record) -> anyhow::Result<()> {
    voice.line(format_args!("record {}", record.id))?;
    for (name, value) in facts(record) {
        voice.line(format_args!("  {name:<12} {}", safe(&value)))?;
    }
    for call in &record.calls {
        voice.line(format_args!("    {}", safe(&describe(call))))?;
    }
    if record.calls_omitted > 0 {
        voice.line(format_args!("    and {} more that are not listed", record.calls_omitted))?;
    }
    if record.log_lines > 0 {
        voice.hint(format_args!("casemate logs --invocation {}", record.id));
    }
    Ok(())
}

fn facts(record: &Record) -> Vec<(&'static str, String)> {
    let usage = &record.usage;
    let cost = record.cost.milliunits;
    let mut facts = vec![
        ("function", format!("{} in {}/{}", record.function, record.tenant, record.env)),
        ("revision", format!("{} ({})", record.revision, record.digest.short())),
        ("outcome", outcome(record)),
    ];
    facts.extend(record.reason.clone().map(|reason| ("reason", reason)));
    facts.extend([
        ("caller", record.caller.clone()),
        ("trigger", record.trigger.clone()),
        ("started", record.start.clone()),
        ("took", took(record)),
        ("cpu", time(usage.cpu_us)),
        ("memory peak", size(usage.memory_peak_bytes)),
        ("body in", size(usage.bytes_in)),
        ("body out", size(usage.bytes_out)),
        (
            "cost",
            format!("{}.{:03} units (formula {})", cost / 1000, cost % 1000, record.cost.formula),
        ),
        ("policy", format!("version {}", record.policy)),
    ]);
    if !record.labels.is_empty() {
        facts.push(("labels", record.labels.to_string()));
    }
    if let Some(parent) = record.parent {
        facts.push(("parent", format!("{parent}, of the tree {}", record.root)));
    }
    facts.extend(record.traceparent.clone().map(|trace| ("trace", trace)));
    facts.push(("log", log(record)));
    facts.push(("host calls", calls(record)));
    facts
}

pub(super) fn outcome(record: &Record) -> String {
    let status =
        if record.status == 0 { String::new() } else { format!(", HTTP {}", record.status) };
    match &record.code {
        Some(code) => format!("{} ({code}{status})", record.outcome),
        None => format!("{}{status}", record.outcome),
    }
}

fn log(record: &Record) -> String {
    match record.log_dropped {
        0 => format!("{} lines", record.log_lines),
        dropped => format!("{} lines, {dropped} more dropped at the limit", record.log_lines),
    }
}

fn calls(record: &Record) -> String {
    let count = record.calls.len() as u64 + u64::from(record.calls_omitted);
    if count == 0 { "none".to_owned() } else { count.to_string() }
}

pub(super) fn describe(call: &Call) -> String {
    let decision = match call.decision {
        Decision::Allowed => "allowed",
        Decision::Denied => "DENIED",
        Decision::Failed => "failed",
        Decision::Limited => "LIMITED",
    };
    format!(
        "+{} {} {}: {decision}, {}, {}",
        time(call.at_us),
        call.operation,
        call.resource,
        size(call.bytes),
        time(call.duration_us)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_readable_units() {
        let times = [0, 999, 1000, 12_345, 999_999, 1_000_000, 61_250_000].map(time);
        assert_eq!(times, ["0 us", "999 us", "1.0 ms", "12.3 ms", "999.9 ms", "1.00 s", "61.25 s"]);
        let sizes = [0, 1023, 1024, 1536, 5 << 20, u64::MAX].map(size);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 MiB", "17179869183.9 GiB"]);
    }
}
