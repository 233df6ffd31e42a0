//! Until when each line of releases is mended by its makers, and the newest of it that is known here.
//!
//! Reviewed by hand with each release of ours, last in November 2026, against the published schedules:
//! devguide.python.org/versions, github.com/nodejs/release, adoptium.net/support,
//! www.php.net/supported-versions.php, www.ruby-lang.org/en/downloads/branches and
//! dotnet.microsoft.com/platform/support/policy. A distribution may mend for longer.

use super::kind::Kind;

/// A line of releases.
#[derive(Debug, Clone, Copy)]
pub(super) struct Release {
    kind: Kind,
    line: &'static str,
    /// The last day, YYYY-MM-DD.
    pub(super) end_of_life: &'static str,
    /// The newest that is known.
    pub(super) newest: Option<&'static str>,
}

const fn release(
    kind: Kind,
    line: &'static str,
    end_of_life: &'static str,
    newest: Option<&'static str>,
) -> Release {
    Release { kind, line, end_of_life, newest }
}

const RELEASES: &[Release] = &[
    release(Kind::Python, "3.8", "2024-10-07", Some("3.8.20")),
    release(Kind::Python, "3.9", "2025-10-31", Some("3.9.25")),
    release(Kind::Python, "3.10", "2026-10-31", Some("3.10.21")),
    release(Kind::Python, "3.11", "2027-10-31", Some("3.11.16")),
    release(Kind::Python, "3.12", "2028-10-31", Some("3.12.14")),
    release(Kind::Python, "3.13", "2029-10-31", Some("3.13.15")),
    release(Kind::Python, "3.14", "2030-10-31", Some("3.14.7")),
    release(Kind::Node, "16", "2023-09-11", Some("16.20.2")),
    release(Kind::Node, "18", "2025-04-30", Some("18.20.8")),
    release(Kind::Node, "20", "2026-04-30", Some("20.20.2")),
    release(Kind::Node, "22", "2027-04-30", Some("22.23.3")),
    release(Kind::Node, "24", "2028-04-30", Some("24.21.0")),
    release(Kind::Node, "26", "2029-04-30", Some("26.10.0")),
    release(Kind::Java, "8", "2030-12-31", None),
    release(Kind::Java, "11", "2027-10-31", None),
    release(Kind::Java, "17", "2027-10-31", None),
    release(Kind::Java, "21", "2029-12-31", None),
    release(Kind::Java, "25", "2031-09-30", None),
    release(Kind::Php, "8.1", "2025-12-31", None),
    release(Kind::Php, "8.2", "2026-12-31", None),
    release(Kind::Php, "8.3", "2027-12-31", None),
    release(Kind::Php, "8.4", "2028-12-31", None),
    release(Kind::Php, "8.5", "2029-12-31", None),
    release(Kind::Ruby, "3.1", "2025-03-26", None),
    release(Kind::Ruby, "3.2", "2026-03-31", None),
    release(Kind::Ruby, "3.3", "2027-03-31", None),
    release(Kind::Ruby, "3.4", "2028-03-31", None),
    release(Kind::Dotnet, "6", "2024-11-12", None),
    release(Kind::Dotnet, "8", "2026-11-10", None),
    release(Kind::Dotnet, "9", "2026-11-10", None),
    release(Kind::Dotnet, "10", "2028-11-14", None),
];

/// The line that a version is of.
pub(super) fn of(kind: Kind, version: Option<&str>) -> Option<&'static Release> {
    let line = kind.line(version?);
    RELEASES.iter().find(|release| release.kind == kind && release.line == line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_there_once_with_a_day_and_a_version_of_its_own() {
        for (at, release) in RELEASES.iter().enumerate() {
            let same = |other: &&Release| other.kind == release.kind && other.line == release.line;
            assert_eq!(RELEASES.iter().filter(same).count(), 1, "{release:?}");
            let digits = release.end_of_life.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
            assert!(digits && release.end_of_life.len() == 10, "{release:?}");
            let newest = release.newest.map(|newest| release.kind.line(newest));
            assert!(newest.is_none_or(|line| line == release.line), "{at}: {release:?}");
        }
    }
}
