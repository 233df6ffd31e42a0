//! What can be erased: contracts that say it rightly, and that nothing erased comes back.

use super::*;
use crate::contract::tests::{bind, complaint, contract, fields, keys};
use crate::contract::{Bound, Direction};
use crate::transform::is_token;
use model::{Code, Secret};
use proptest::prelude::*;
use serde_json::json;

/// Salts as a node keeps them.
#[derive(Default)]
struct Store {
    kept: HashMap<(DataClass, SubjectHash), Salt>,
    erased: BTreeSet<SaltId>,
    drawn: u8,
}

impl Store {
    fn fetch(&mut self, wants: &Wants) -> Salts {
        let mut salts = Salts::default();
        for (class, subjects) in &wants.subjects {
            for subject in subjects {
                let kept = self.kept.entry((class.clone(), *subject)).or_insert_with(|| {
                    self.drawn += 1;
                    let (id, secret) = (SaltId([self.drawn; 16]), Secret::new([self.drawn; 32]));
                    Salt { id, secret }
                });
                salts.put_subject(class, *subject, kept.clone());
            }
        }
        for (class, ids) in &wants.salts {
            for id in ids {
                let kept = self.kept.iter().find(|((own, _), it)| own == class && it.id == *id);
                let fate = match kept {
                    Some((_, salt)) => Fate::Kept(salt.clone()),
                    None if self.erased.contains(id) => Fate::Erased,
                    None => Fate::Unknown,
                };
                salts.put_fate(class, *id, fate);
            }
        }
        salts
    }

    fn erase(&mut self, class: &str, subject: &str) {
        let class = DataClass::parse(class).expect("a class");
        let hash = keys(&class).expect("keys").subject(subject).expect("a subject");
        let salt = self.kept.remove(&(class, hash)).expect("a salt");
        self.erased.insert(salt.id);
    }

    /// Applies a contract as a node does.
    fn run(&mut self, bound: &Bound, body: &str) -> Result<String, Code> {
        let mut tally = Tally::knowing(Vec::new());
        let mut made = bound.json(body.as_bytes(), None, &mut tally).map_err(|it| it.code())?;
        if let Some(wants) = tally.wants() {
            let mut again = Tally::knowing(Vec::new()).with_salts(self.fetch(wants));
            made = bound.json(body.as_bytes(), None, &mut again).map_err(|it| it.code())?;
            assert_eq!(again.wants(), None, "once is enough");
        }
        Ok(String::from_utf8(made).expect("UTF-8"))
    }
}

fn intake() -> Bound {
    let field = json!({
        "at": "body:/mail", "class": "email", "transform": "token",
        "erasable": true, "subject": "body:/who",
    });
    bind(&fields(json!([field])), Direction::Ingest)
}

fn reveal() -> Bound {
    let field = json!({ "at": "body:/mail", "class": "email", "transform": "token" });
    bind(&fields(json!([field])), Direction::Reveal)
}

fn document(who: &str, mail: &str) -> String {
    json!({ "mail": mail, "who": who }).to_string()
}

fn mail(document: &str) -> String {
    let read: serde_json::Value = serde_json::from_str(document).expect("JSON");
    read["mail"].as_str().expect("a text").to_owned()
}

#[test]
fn an_erased_token_says_so_and_what_comes_anew_gets_another() {
    let (mut store, intake, reveal) = (Store::default(), intake(), reveal());
    let made = |store: &mut Store, who: &str| {
        mail(&store.run(&intake, &document(who, "jo@example.com")).expect("protected"))
    };
    let (ann, ben) = (made(&mut store, "ann"), made(&mut store, "ben"));
    assert!(is_token(&ann) && ann != ben, "one value, two subjects: {ann} {ben}");
    assert_eq!(made(&mut store, "ann"), ann, "the same value of the same subject");
    store.erase("email", "ann");
    let anew = made(&mut store, "ann");
    assert_ne!(anew, ann);
    let back = |store: &mut Store, token: &str| {
        store.run(&reveal, &document("", token)).map(|document| mail(&document))
    };
    assert_eq!(back(&mut store, &ann), Err(Code::DataErased));
    for kept in [&ben, &anew] {
        assert_eq!(back(&mut store, kept).as_deref(), Ok("jo@example.com"));
    }
    let strange = ben.replace(ben.split('_').nth(3).expect("a salt"), &"a".repeat(26));
    assert_eq!(back(&mut store, &strange), Err(Code::DataTokenForeign));
    assert_eq!(Store::default().run(&reveal, &document("", &ben)), Err(Code::DataTokenForeign));
}

#[test]
fn a_token_passes_with_its_own_subject_only() {
    let (mut store, intake) = (Store::default(), intake());
    let ann = mail(&store.run(&intake, &document("ann", "a@example.com")).expect("protected"));
    let same = store.run(&intake, &document("ann", &ann)).expect("its own");
    assert_eq!(mail(&same), ann);
    assert_eq!(store.run(&intake, &document("ben", &ann)), Err(Code::DataTokenForeign));
    let plain = bind(
        &fields(json!([{ "at": "body:/mail", "class": "email", "transform": "token" }])),
        Direction::Ingest,
    );
    let unsalted = mail(&store.run(&plain, &document("ann", "a@example.com")).expect("protected"));
    assert_eq!(store.run(&intake, &document("ann", &unsalted)), Err(Code::DataTokenForeign));
    // Where nothing is erasable, a token that stands for a subject's value still is one.
    assert_eq!(mail(&store.run(&plain, &document("ann", &ann)).expect("opened")), ann);
    store.erase("email", "ann");
    assert_eq!(store.run(&intake, &document("ann", &ann)), Err(Code::DataErased));
    assert_eq!(store.run(&plain, &document("ann", &ann)), Err(Code::DataErased));
}

#[test]
fn a_value_without_a_subject_is_refused_and_nothing_is_kept_for_it() {
    let (mut store, intake) = (Store::default(), intake());
    for body in [
        r#"{"mail":"a@example.com"}"#.to_owned(),
        r#"{"mail":"a@example.com","who":""}"#.to_owned(),
        r#"{"mail":"a@example.com","who":null}"#.to_owned(),
        r#"{"mail":"a@example.com","who":["ann"]}"#.to_owned(),
        document(&"s".repeat(1025), "a@example.com"),
    ] {
        assert_eq!(store.run(&intake, &body), Err(Code::DataNoSubject), "{body}");
    }
    assert!(store.kept.is_empty());
    let absent = r#"{"who":"ann","mail":""}"#;
    assert_eq!(store.run(&intake, absent).as_deref(), Ok(absent), "nothing to protect");
    assert!(store.run(&intake, r#"{"mail":"a@example.com","who":17}"#).is_ok());
    assert_eq!(store.kept.len(), 1);
}

#[test]
fn forms_tables_and_queries_say_whose_value_it_is_too() {
    let field = |at: &str, subject: &str| json!({ "at": at, "class": "email", "transform": "token", "erasable": true, "subject": subject });
    type Apply = fn(&Bound, &[u8], &mut Tally) -> Result<Vec<u8>, super::super::Fault>;
    let cases: [(&str, &str, &[u8], Apply); 3] = [
        ("form:mail", "form:who", b"mail=a%40b.example&who=ann", |bound, bytes, tally| {
            bound.form(bytes, None, tally)
        }),
        ("query:mail", "query:who", b"who=ann&mail=a%40b.example", |bound, bytes, tally| {
            bound.query(bytes, None, tally)
        }),
        ("csv:mail", "csv:who", b"who,mail\nann,a@b.example\n", |bound, bytes, tally| {
            bound.csv(bytes, None, tally)
        }),
    ];
    for (at, subject, bytes, apply) in cases {
        let bound = bind(&fields(json!([field(at, subject)])), Direction::Ingest);
        let mut tally = Tally::knowing(Vec::new());
        apply(&bound, bytes, &mut tally).expect(at);
        let mut store = Store::default();
        let salts = store.fetch(tally.wants().expect("a salt is wanted"));
        store.erase("email", "ann");
        let made = apply(&bound, bytes, &mut Tally::knowing(Vec::new()).with_salts(salts));
        let made = String::from_utf8(made.expect(at)).expect("UTF-8");
        assert!(made.contains("tok_email_1_aeaqcaibaeaqcaibaeaqcaibae_"), "{at}: {made}");
    }
}

#[test]
fn every_transform_with_a_key_depends_on_the_subject() {
    let mut store = Store::default();
    for (class, transform, value) in [
        ("pan", "card", "4111111111111111"),
        ("phone", "digits", "0301234567"),
        ("email", "email", "somebody@example.com"),
        ("name", "hash", "Jo"),
    ] {
        let field = json!({
            "at": "body:/mail", "class": class, "transform": transform,
            "erasable": true, "subject": "body:/who",
        });
        let bound =
            bind(&contract(json!({ "classes": ["name"], "field": [field] })), Direction::Ingest);
        let mut of = |who: &str| mail(&store.run(&bound, &document(who, value)).expect(transform));
        let (ann, ben, again) = (of("ann"), of("ben"), of("ann"));
        assert!(ann != ben && ann == again && ann != value, "{transform}: {ann} {ben}");
    }
}

#[test]
fn what_is_wrong_with_an_erasable_field_is_named() {
    let good = json!({
        "at": "body:/mail", "class": "email", "transform": "token",
        "erasable": true, "subject": "body:/who",
    });
    let with = |key: &str, value: serde_json::Value| {
        let mut field = good.clone();
        field[key] = value;
        let (code, pointer, said) = complaint(json!({ "field": [field] }));
        assert_eq!(code, "E0301", "{said}");
        (pointer, said)
    };
    for (key, value, pointer) in [
        ("subject", json!(null), "/field/0/erasable"),
        ("erasable", json!(false), "/field/0/subject"),
        ("transform", json!("mask"), "/field/0/erasable"),
        ("mode", json!("isolated"), "/field/0/mode"),
        ("subject", json!("query:who"), "/field/0/subject"),
        ("subject", json!("header:who"), "/field/0/subject"),
        ("subject", json!("body:/all/*/who"), "/field/0/subject"),
        ("subject", json!("body:/mail"), "/field/0/subject"),
        ("at", json!("header:mail"), "/field/0/subject"),
    ] {
        let (found, said) = with(key, value.clone());
        assert_eq!(found, pointer, "{key} = {value}: {said}");
    }
    let other = json!({ "at": "body:/other", "class": "email", "transform": "hash" });
    let (_, pointer, said) = complaint(json!({ "field": [good, other] }));
    assert_eq!(pointer, "/field/0/erasable", "{said}");
    let masked = json!({ "at": "body:/other", "class": "email", "transform": "mask" });
    fields(json!([good, masked])).check().expect("a mask has no key to lose");
}

#[test]
fn nobody_protects_what_is_erasable_without_the_salts() {
    let field = json!({
        "at": "body:/mail", "class": "email", "transform": "token",
        "erasable": true, "subject": "body:/who",
    });
    let contract = fields(json!([field]));
    let tenant = TenantName::parse("default").expect("a name");
    for direction in [Direction::Protect, Direction::Undo, Direction::UndoPartly] {
        let problem = contract.bind(&tenant, direction, &mut keys).expect_err("no salts there");
        assert!(problem.to_string().contains("node"), "{problem}");
    }
    let mut without =
        |class: &DataClass| keys(class).map(|keys| ClassKeys { subject: None, ..keys });
    assert!(contract.bind(&tenant, Direction::Ingest, &mut without).is_err());
}

#[test]
fn unnamed_values_of_what_can_be_erased_become_no_tokens() {
    let spec = |class: &str, unnamed: &str| -> DataSpec {
        let text = format!(
            r#"{{"unnamed":{unnamed},"in":[{{"at":"body:/a","class":"{class}","transform":"token","erasable":true,"subject":"body:/who"}}]}}"#
        );
        serde_json::from_str(&text).expect("a spec")
    };
    let checked = |class: &str, unnamed: &str| {
        let spec = spec(class, unnamed);
        let contract = Contract::of_intake(&spec, &model::manifest::Arrival::Http);
        contract.expect("good").expect("fields").names_all(&spec)
    };
    assert!(checked("email", r#"{"email":"mask","pan":"token"}"#).is_ok());
    for (class, unnamed) in
        [("email", r#"{"email":"token"}"#), ("national-id-it", r#"{"national-id":"token"}"#)]
    {
        let problem = checked(class, unnamed).expect_err(class);
        assert!(
            problem.pointer.as_deref().is_some_and(|it| it.starts_with("/unnamed/")),
            "{problem}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is protected and erased in whatever order: what came before a subject's erasure
    /// stays away, and everything else comes back.
    #[test]
    fn erased_tokens_never_come_back_and_others_are_not_touched(
        steps in proptest::collection::vec((0_u8..4, 0_u8..3, any::<bool>()), 1..40),
    ) {
        let (mut store, intake, reveal) = (Store::default(), intake(), reveal());
        let mut tokens: Vec<(u8, String, String, bool)> = Vec::new();
        for (who, value, erases) in steps {
            let subject = format!("subject {who}");
            let known = tokens.iter().any(|(own, _, _, alive)| *own == who && *alive);
            if erases && known {
                store.erase("email", &subject);
                tokens.iter_mut().filter(|it| it.0 == who).for_each(|it| it.3 = false);
                continue;
            }
            let value = format!("v{value}@example.com");
            let made = store.run(&intake, &document(&subject, &value));
            let made = mail(&made.expect("protected"));
            for (own, plain, token, alive) in &tokens {
                let same = *own == who && *plain == value && *alive;
                prop_assert_eq!(same, *token == made, "{} {}", own, plain);
            }
            tokens.push((who, value, made, true));
        }
        for (_, plain, token, alive) in &tokens {
            let back = store.run(&reveal, &document("", token)).map(|it| mail(&it));
            match alive {
                true => prop_assert_eq!(back.as_ref(), Ok(plain)),
                false => prop_assert_eq!(back, Err(Code::DataErased)),
            }
        }
    }
}
