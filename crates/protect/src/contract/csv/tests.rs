//! Contracts on tables.

use super::super::tests::{bind, contract, fields};
use super::super::{Contract, Direction, Format, Stream};
use super::*;
use model::Code;
use serde_json::json;

fn run(
    contract: &Contract,
    direction: Direction,
    table: &[u8],
    piece: usize,
) -> Result<Vec<u8>, Fault> {
    let bound = bind(contract, direction);
    let mut stream = Stream::new(&bound, Format::Csv)?;
    let mut out = Vec::new();
    for piece in table.chunks(piece) {
        stream.push(piece, &mut out)?;
    }
    stream.finish(&mut out)?;
    Ok(out)
}

fn pan() -> Contract {
    fields(json!([
        { "at": "csv:pan", "class": "pan", "transform": "card", "keep_first": 6, "keep_last": 4 },
        { "at": "csv:name", "class": "name", "transform": "token" },
    ]))
}

const TABLE: &[u8] = b"\xef\xbb\xbfid,\"pan\",name,note\r\n\
    1,4111111111111111,\"Smith, \"\"Jo\"\"\",\"two\nlines\"\n\
    \n\
    2,\"4111 1111 1111 1111\",5\" pipe,\"a \"\"b\"\" c\"\r\n\
    3,,,\xff\n\
    4,5555555555554444,last";

#[test]
fn only_the_named_columns_change_and_all_comes_back_byte_for_byte() {
    let made = run(&pan(), Direction::Protect, TABLE, usize::MAX).expect("applied");
    let text = String::from_utf8_lossy(&made);
    assert!(text.starts_with("\u{feff}id,\"pan\",name,note\r\n1,411111"), "{text}");
    for shown in ["4111111111111111", "Smith", "pipe", "last", "5555555555554444"] {
        assert!(!text.contains(shown), "{shown} in {text}");
    }
    assert!(text.contains("\"two\nlines\"\n\n2,\"4111 11"), "{text}");
    assert!(text.contains("\"a \"\"b\"\" c\"\r\n3,,,"), "{text}");
    assert_eq!(run(&pan(), Direction::Undo, &made, usize::MAX).expect("applied"), TABLE);
}

#[test]
fn how_a_table_is_cut_into_pieces_changes_nothing() {
    let whole = run(&pan(), Direction::Protect, TABLE, usize::MAX).expect("applied");
    for piece in [1, 2, 3, 7, 64] {
        assert_eq!(
            run(&pan(), Direction::Protect, TABLE, piece).expect("applied"),
            whole,
            "{piece}"
        );
    }
}

#[test]
fn columns_without_names_have_numbers_and_any_delimiter() {
    let contract = contract(json!({
        "csv": { "delimiter": ";", "header": false },
        "field": [{ "at": "csv:2", "class": "pan", "transform": "digits", "mode": "isolated", "record": "csv:1" }],
    }));
    let made =
        run(&contract, Direction::Protect, b"a;123456789\nb;123456789\n", 5).expect("applied");
    let text = String::from_utf8(made.clone()).expect("text");
    let cells: Vec<&str> = text.lines().filter_map(|line| line.split(';').nth(1)).collect();
    assert!(cells[0] != cells[1] && cells.iter().all(|cell| cell.len() == 9), "{text}");
    let back = run(&contract, Direction::Undo, &made, 5).expect("applied");
    assert_eq!(back, b"a;123456789\nb;123456789\n");
    let named = json!({ "csv": { "header": false }, "field": [{ "at": "csv:pan", "class": "pan", "transform": "token" }] });
    assert!(super::super::tests::contract(named).check().is_err());
}

#[test]
fn what_is_wrong_with_a_table_is_named_with_its_row() {
    let fault = |table: &[u8]| run(&pan(), Direction::Protect, table, 9).expect_err("refused");
    assert_eq!(fault(b"id,name\n").at.as_deref(), Some("csv:pan"));
    assert_eq!(fault(b"id,name\n").code(), Code::DataMissing);
    assert_eq!(fault(b"pan,pan,name\n").code(), Code::DataForm);
    let quoted = fault(b"pan,name\n,a\n\"4111\"x,a\n");
    assert_eq!((quoted.code(), quoted.line), (Code::DataForm, Some(3)));
    assert_eq!(fault(b"pan,name\n\"4111,a\n").code(), Code::DataForm);
    assert_eq!(fault(b"pan,name\n,a\rb\n").code(), Code::DataForm);
    let value = fault(b"pan,name\n4111111111111112,a\n");
    assert_eq!(
        (value.code(), value.line, value.at.as_deref()),
        (Code::DataValue, Some(2), Some("csv:pan"))
    );
    assert_eq!(fault(b"pan,name\n,\xff\n").code(), Code::DataForm);
}

#[test]
fn a_row_that_never_ends_is_refused_before_it_fills_the_memory() {
    let bound = bind(&pan(), Direction::Protect);
    let mut stream = Stream::new(&bound, Format::Csv).expect("fits");
    let piece = vec![b'"'; 1 << 20];
    let mut out = Vec::new();
    let fault = (0..20).find_map(|_| stream.push(&piece, &mut out).err()).expect("refused");
    assert_eq!(fault.code(), Code::DataForm);
}
