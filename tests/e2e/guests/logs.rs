//! What guests write, and what becomes of it.

use super::{Ward, number};

#[test]
fn a_flood_ends_at_its_limit_and_the_record_survives_it() {
    let ward = Ward::open();
    let (before, _) = ward.call("/m/log?line=before");
    let (reply, record) = ward.call("/m/log-flood?bytes=2097152");
    assert_eq!(reply.status, 200);
    assert_eq!((record["outcome"].as_str(), number(&record, "status")), (Some("ok"), 200));
    let lines = ward.node.lines_of(record["id"].as_str().expect("an id"));
    let (own, guests): (Vec<_>, Vec<_>) =
        lines.iter().partition(|line| line["level"] == "platform");
    let kept: usize =
        guests.iter().map(|line| line["text"].as_str().expect("text").len() + 1).sum();
    assert!(guests.len() == 999 && kept <= 256 << 10, "{} lines, {kept} bytes", guests.len());
    assert_eq!(number(&record, "log_lines"), (256 << 10) / 64);
    assert_eq!(number(&record, "log_lines") + number(&record, "log_dropped"), (2 << 20) / 64);
    let said = own[0]["text"].as_str().expect("text");
    assert!(said.contains("the log limit of 262144 bytes was reached"), "{said}");
    // What others wrote is still there.
    let id = before.header("casemate-invocation").expect("an id");
    assert_eq!(ward.node.lines_of(id)[0]["text"], "before");
    // A limit of the manifest holds as well.
    let (_, record) = ward.call("/tight/log-flood?bytes=65536");
    assert_eq!(number(&record, "log_lines"), (8 << 10) / 64);
    let lines = ward.node.lines_of(record["id"].as_str().expect("an id"));
    assert_eq!(lines.len() as u64, (8 << 10) / 64 + 1, "all of them, and that there were more");
    ward.is_well("log-flood");
}

#[test]
fn lines_have_their_stream_and_a_long_one_is_cut() {
    let ward = Ward::open();
    let (_, record) = ward.call("/m/log?line=one");
    let lines = ward.node.lines_of(record["id"].as_str().expect("an id"));
    let mut found: Vec<_> = lines
        .iter()
        .map(|line| (line["level"].as_str().expect("level"), line["text"].as_str().expect("text")))
        .collect();
    found.sort_unstable();
    let expect = [("error", "one, to standard error"), ("info", "no end"), ("info", "one")];
    assert_eq!(found, expect);
    let (_, record) = ward.call("/m/log-long-line");
    let lines = ward.node.lines_of(record["id"].as_str().expect("an id"));
    assert_eq!((lines.len(), lines[0]["cut"].as_bool()), (1, Some(true)));
    assert_eq!(lines[0]["text"].as_str().expect("text").len(), 8 << 10);
}

#[test]
fn bytes_for_a_terminal_are_shown_and_not_sent_to_it() {
    let ward = Ward::open();
    let (_, record) = ward.call("/m/log-binary");
    let id = record["id"].as_str().expect("an id");
    let shown = ward.node.ok(&["logs", "--invocation", id]);
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
    assert!(shown.contains(r"\u{1b}[2J"), "{shown}");
    let json = ward.node.ok(&["--format", "json", "logs", "--invocation", id]);
    assert!(json.chars().all(|c| c == '\n' || !c.is_control()), "{json:?}");
    // A line that looks like a record is a text and nothing else.
    let lines = ward.node.lines_of(id);
    let forged =
        lines.iter().find(|line| line["text"].as_str().is_some_and(|t| t.contains("forged")));
    let forged = forged.expect("the line is there");
    assert_eq!((forged["level"].as_str(), forged["invocation"].as_str()), (Some("info"), Some(id)));
}
