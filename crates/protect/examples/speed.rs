//! Measures the transforms on one core: `cargo run --release -p casemate-protect --example speed`.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures and prints")]

use casemate_protect::contract::{Contract, Direction, Field, Place, Tally};
use casemate_protect::transform::{ClassKeys, Kind, Recipe, Value, Way, Work};
use model::data::BuiltIn;
use model::{DataClass, Secret, TenantName};
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

const RUNS: u32 = 300_000;

fn main() -> Result<(), Box<dyn Error>> {
    let cases = [
        ("card, 6 and 4 kept", kept(Kind::Card, 6, 4), "pan", "4111111111111111"),
        ("card, nothing kept", Recipe::of(Kind::Card), "pan", "4111111111111111"),
        ("16 digits", Recipe::of(Kind::Digits), "pan", "4111111111111111"),
        (
            "20 letters and digits",
            Recipe::of(Kind::Alphanumerics),
            "customer",
            "abcdefghij0123456789",
        ),
        ("e-mail", Recipe::of(Kind::Email), "email", "somebody.else@example.com"),
        ("token of 16 bytes", Recipe::of(Kind::Token), "pan", "4111111111111111"),
        ("token of 60 bytes", Recipe::of(Kind::Token), "address", &"address ".repeat(8)[..60]),
        ("hash", Recipe::of(Kind::Hash), "pan", "4111111111111111"),
    ];
    for (name, recipe, class, value) in &cases {
        let work = bind(recipe, class)?;
        let text = Value::Text((*value).into());
        measure(&format!("{name}: protect"), &work, Way::Protect, &text)?;
        if recipe.kind.is_reversible() {
            let made = work.run(Way::Protect, &text, None)?;
            measure(&format!("{name}: undo"), &work, Way::Undo, &made)?;
        }
    }
    document()
}

/// A document of 2 KiB with a card and four tokens.
fn document() -> Result<(), Box<dyn Error>> {
    let field = |at: &str, transform, class: BuiltIn| {
        Ok::<_, Box<dyn Error>>(Field::new(Place::parse(at)?, class.into(), transform))
    };
    let mut fields = vec![
        field("body:/card/number", Kind::Card, BuiltIn::Pan)?,
        field("body:/name", Kind::Token, BuiltIn::Name)?,
        field("body:/email", Kind::Token, BuiltIn::Email)?,
        field("body:/phone", Kind::Token, BuiltIn::Phone)?,
        field("body:/address", Kind::Token, BuiltIn::Address)?,
    ];
    fields[0].keep_first = Some(6);
    fields[0].keep_last = Some(4);
    let contract = Contract { fields, ..Contract::default() };
    let tenant = TenantName::parse("default")?;
    let bound = contract.bind(&tenant, Direction::Protect, &mut |_| Ok(keys()))?;
    let items = r#"{"sku":"A-1002","count":2,"price":19.90},"#.repeat(43);
    let document = format!(
        r#"{{"card":{{"number":"4111111111111111"}},"name":"Jo Smith","email":"jo@example.com","phone":"+49 170 1234567","address":"1 Some Street","items":[{items}0]}}"#
    );
    let begin = Instant::now();
    for _ in 0..RUNS / 10 {
        black_box(bound.json(black_box(document.as_bytes()), None, &mut Tally::default())?);
    }
    let each = begin.elapsed() / (RUNS / 10);
    println!("{} bytes of JSON, a card and four tokens: {} ns", document.len(), each.as_nanos());
    Ok(())
}

fn kept(kind: Kind, first: u8, last: u8) -> Recipe {
    Recipe { keep_first: Some(first), keep_last: Some(last), ..Recipe::of(kind) }
}

fn keys() -> ClassKeys {
    ClassKeys {
        version: 1,
        fpe: Secret::new([1; 32]),
        siv: Secret::new([1; 64]),
        format_hash: Secret::new([1; 32]),
        hash: Secret::new([1; 32]),
        subject: None,
        salt: None,
        bound_to: None,
        others: Vec::new(),
    }
}

fn bind(recipe: &Recipe, class: &str) -> Result<Work, Box<dyn Error>> {
    Ok(recipe.bind(&TenantName::parse("default")?, &DataClass::parse(class)?, &keys())?)
}

fn measure(name: &str, work: &Work, way: Way, value: &Value<'_>) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    for _ in 0..RUNS {
        black_box(work.run(way, black_box(value), None)?);
    }
    let each = begin.elapsed() / RUNS;
    let rate = 1_000_000_000 / each.as_nanos().max(1);
    println!("{name:<36} {:>6} ns  {rate:>9} a second", each.as_nanos());
    Ok(())
}
