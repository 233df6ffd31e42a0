//! When schedules are due, around the hours that do not exist or come twice.

use super::*;
use proptest::prelude::*;

fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().expect(text).as_microsecond())
}

fn times(cron: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let rhythm = Rhythm::cron(cron, Some(zone)).expect(cron);
    let mut now = at(from);
    let mut next = || {
        now = rhythm.next(now).expect("another");
        now.to_string().replace(".000Z", "Z")
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn times_are_those_of_the_zone() {
    assert_eq!(
        times("0 2 * * *", "Europe/Berlin", "2026-07-01T00:30:00Z", 2),
        ["2026-07-02T00:00:00Z", "2026-07-03T00:00:00Z"]
    );
    assert_eq!(
        times("*/20 * * * * *", "UTC", "2026-01-01T00:00:59.5Z", 1),
        ["2026-01-01T00:01:00Z"]
    );
    assert_eq!(times("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", 1), ["2028-02-29T00:00:00Z"]);
    let quarter = Rhythm::every("15m".parse().expect("a duration")).expect("a rhythm");
    assert_eq!(quarter.next(at("2026-01-01T00:15:00Z")), Some(at("2026-01-01T00:30:00Z")));
    assert_eq!(quarter.next(Timestamp(-1)), Some(Timestamp(0)));
}

/// In Berlin, 2026-03-29 has no 02:00 to 03:00, and 2026-10-25 has it twice.
#[test]
fn a_named_time_that_does_not_exist_is_right_after_the_gap_and_one_that_comes_twice_is_the_first() {
    assert_eq!(
        times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
        ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    );
    assert_eq!(
        times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
        ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
    );
}

#[test]
fn steps_skip_the_hour_that_does_not_exist_and_go_through_both_that_come_twice() {
    assert_eq!(
        times("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:15:00Z", 3),
        ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]
    );
    assert_eq!(
        times("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:15:00Z", 4),
        [
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-25T02:00:00Z"
        ]
    );
}

#[test]
fn refuses_what_is_no_expression_no_zone_or_never() {
    for cron in [
        "",
        "*",
        "* * * *",
        "0 2 * * * * *",
        "0 0 1 1 * * 9999",
        "60 * * * *",
        "x * * * *",
        "@daily",
        "0 25 * * *",
        "* * * * \u{0}",
        "*/0 * * * *",
        "5-1 * * * *x",
        "\u{1b}[31m 2 * * *",
    ] {
        let (key, error) = Rhythm::cron(cron, None).expect_err(cron);
        assert_eq!(key, "cron", "{cron}: {error}");
        assert!(!error.to_string().contains('\u{1b}'));
    }
    assert!(matches!(Rhythm::cron("0 0 30 2 *", None), Err(("cron", Error::Never(_)))));
    for zone in ["", "Mars/Olympus", "../UTC", "CEST+", "Europe/Berlin\n"] {
        assert!(matches!(Rhythm::cron("* * * * *", Some(zone)), Err(("zone", _))), "{zone}");
    }
    let endless = Rhythm::cron("* * * * *", None).expect("a rhythm");
    assert_eq!(endless.next(Timestamp(i64::MAX)), None);
    assert_eq!(endless.next(LATEST), None);
    let every = Rhythm::every("366d".parse().expect("a duration")).expect("a rhythm");
    assert_eq!(every.next(Timestamp(i64::MAX)), None);
    assert!(every.next(Timestamp(i64::MIN)).is_none_or(|next| next > Timestamp(i64::MIN)));
}

#[test]
fn the_last_of_many_missed_times_are_found_without_counting_all() {
    let second = Rhythm::cron("* * * * * *", None).expect("a rhythm");
    let found = second.between(at("2000-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"), 3);
    let last = ["2025-12-31T23:59:58Z", "2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z"];
    assert_eq!(found, last.map(at));
    assert!(second.between(at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"), 3).is_empty());
    let rare = Rhythm::cron("0 0 29 2 *", None).expect("a rhythm");
    let found = rare.between(at("2019-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"), 100);
    assert_eq!(found, ["2020-02-29T00:00:00Z", "2024-02-29T00:00:00Z"].map(at));
}

const ZONES: [&str; 6] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
];
const CRONS: [&str; 8] = [
    "* * * * *",
    "30 2 * * *",
    "*/7 1-3 * * *",
    "0 0 1 * *",
    "15 2 * 3,10 SUN",
    "59 59 23 31 12 *",
    "0 3 L * *",
    "*/30 * * * * *",
];

proptest! {
    #[test]
    fn the_next_time_is_later_fits_the_expression_and_nothing_lies_before_it(
        cron in 0..CRONS.len(), zone in 0..ZONES.len(), second in 1_500_000_000i64..2_500_000_000,
    ) {
        let rhythm = Rhythm::cron(CRONS[cron], Some(ZONES[zone])).expect("a rhythm");
        let from = Timestamp(second * 1_000_000 + 17);
        let next = rhythm.next(from).expect("another");
        prop_assert!(next > from);
        // Whoever looks again between the two finds the same.
        for part in [1, 2, 3] {
            let between = Timestamp(from.0 + (next.0 - from.0) / 4 * part);
            prop_assert_eq!(rhythm.next(between), Some(next));
        }
        let between = rhythm.between(from, next, 5);
        prop_assert_eq!(between, vec![next]);
    }

    /// Around the hours of 2026 that do not exist or come twice.
    #[test]
    fn times_around_a_change_of_the_clock_only_grow(
        cron in 0..CRONS.len(), zone in 0..ZONES.len(), autumn: bool, minute in 0i64..2880,
    ) {
        let rhythm = Rhythm::cron(CRONS[cron], Some(ZONES[zone])).expect("a rhythm");
        let day = if autumn { "2026-10-24T12:00:00Z" } else { "2026-03-28T12:00:00Z" };
        let mut now = at(day).plus_us(minute * 60_000_000);
        for _ in 0..20 {
            let next = rhythm.next(now).expect("another");
            prop_assert!(next > now);
            prop_assert_eq!(rhythm.next(Timestamp(next.0 - 1)), Some(next));
            now = next;
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[0-9*/,LW#?a-z@ -]{0,30}", zone in "[A-Za-z/_+0-9]{0,20}") {
        if let Ok(rhythm) = Rhythm::cron(&text, Some(&zone)) {
            prop_assert!(rhythm.next(Timestamp(0)).is_some());
        }
    }
}
