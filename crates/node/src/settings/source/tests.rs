//! What may stand in `[[source]]`.

use super::*;

fn read(text: &str) -> Result<Vec<Source>, String> {
    #[derive(Deserialize)]
    struct File {
        source: Vec<Section>,
    }
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    resolve(file.source, Path::new("/etc/casemate"), false, &mut rows)
        .map_err(|problem| problem.to_string())
}

fn redis(lines: &str) -> String {
    format!("[[source]]\nname = \"a\"\n[source.redis]\n{lines}\n")
}

fn nats(lines: &str) -> String {
    format!("[[source]]\nname = \"a\"\n[source.nats]\n{lines}\n")
}

fn folder(lines: &str) -> String {
    format!("[[source]]\nname = \"a\"\n[source.folder]\n{lines}\n")
}

#[test]
fn sources_have_safe_defaults() {
    let text = redis("url = \"redis://broker\"\nstream = \"orders\"");
    let found = read(&text).expect("a source");
    let Kind::Redis(config) = &found[0].kind else { panic!("not redis") };
    assert_eq!(
        (config.at.to_string().as_str(), config.group.as_str()),
        ("broker:6379", "casemate")
    );
    assert_eq!((config.secure, config.database, config.begin), (false, 0, Begin::Start));
    assert!(found[0].networks.is_empty() && found[0].secret.is_none());
    let found = read(&folder("path = \"inbox\"")).expect("a source");
    let Kind::Folder(config) = &found[0].kind else { panic!("not a folder") };
    assert_eq!((config.path.to_str(), config.keep), (Some("/etc/casemate/inbox"), true));
    let text = redis(
        "url = \"rediss://[2001:db8::7]:7000/3\"\nstream = \"s\"\nnetworks = [\"10.0.0.0/8\"]",
    );
    let found = read(&text).expect("a source");
    let Kind::Redis(config) = &found[0].kind else { panic!("not redis") };
    assert_eq!(config.at.to_string(), "[2001:db8::7]:7000");
    assert_eq!((config.secure, config.database, found[0].networks.len()), (true, 3, 1));
}

#[test]
fn a_stream_of_nats_is_pulled_by_a_consumer_that_is_made() {
    let found = read(&nats("url = \"nats://broker\"\nstream = \"ORDERS\"")).expect("a source");
    let Kind::Nats(config) = &found[0].kind else { panic!("not nats") };
    assert_eq!((config.at.to_string().as_str(), config.secure), ("broker:4222", false));
    assert_eq!((config.consumer.as_str(), config.begin), ("casemate", Begin::Start));
    assert_eq!((config.ack_wait.as_secs(), &config.subject), (30, &None));
    let text = "url = \"tls://broker:4443\"\nstream = \"S\"\nconsumer = \"c\"\nsubject = \"orders.*.>\"\nsecret = \"nats\"\nbegin = \"new\"\nack_wait = \"5m\"\nform = \"event\"";
    let found = read(&nats(text)).expect("a source");
    let Kind::Nats(config) = &found[0].kind else { panic!("not nats") };
    assert_eq!((config.secure, config.begin, &config.shape), (true, Begin::New, &Shape::Event));
    assert_eq!(found[0].secret.as_ref().map(SecretName::as_str), Some("nats"));
}

#[test]
fn what_would_be_unsafe_or_cannot_work_is_refused_and_says_why() {
    let with = |more: &str| redis(&format!("url = \"redis://b\"\nstream = \"s\"\n{more}"));
    let pulled = |more: &str| nats(&format!("url = \"nats://b\"\nstream = \"s\"\n{more}"));
    for (text, why) in [
        (nats("url = \"nats://me:pw@b\"\nstream = \"s\""), "no password in it"),
        (nats("url = \"redis://b\"\nstream = \"s\""), "begins with `nats://`"),
        (nats("url = \"nats://b/x\"\nstream = \"s\""), "host and the port"),
        (nats("url = \"nats://b\"\nstream = \"a.b\""), "no name in NATS"),
        (pulled("consumer = \"a b\""), "no name in NATS"),
        (pulled("subject = \"a b\""), "a space"),
        (pulled("user = \"u\""), "goes with `secret`"),
        (pulled("ack_wait = \"1s\""), "5s to 1h"),
        (pulled("form = \"path\""), "`data` or `event`"),
        (pulled("token = \"x\""), "unknown field"),
        (redis("url = \"redis://me:pw@b\"\nstream = \"s\""), "no password in it"),
        (redis("url = \"http://b\"\nstream = \"s\""), "begins with"),
        (redis("url = \"redis://b/x\"\nstream = \"s\""), "database's number"),
        (redis("url = \"redis://b:0\"\nstream = \"s\""), "port"),
        (redis("url = \"redis://b\"\nstream = \"\""), "`stream` must be"),
        (with("user = \"u\""), "goes with `secret`"),
        (with("password = \"x\""), "unknown field"),
        (with("claim_after = \"10ms\""), "at least 1s"),
        (with("form = \"event\""), "are about a `field`"),
        (with("field = \"f\"\nform = \"path\""), "`data` or `event`"),
        (with("field = \"f\"\ntype = \"json\""), "media type"),
        (with("field = \"f\"\nform = \"event\"\ntype = \"a/b\""), "has its own"),
        (folder("path = \"\""), "names the folder"),
        (folder("path = \"a\"\nform = \"path\"\nkeep = false"), "must be kept"),
        (folder("path = \"a\"\nstable = \"2d\""), "at most 1d"),
        ("[[source]]\nname = \"a\"\n".to_owned(), "write one of"),
        (format!("{}{}", folder("path = \"a\""), folder("path = \"b\"")), "this name"),
        (folder("path = \"a\"").replace("[source.", "backlog = 0\n[source."), "at least 1"),
    ] {
        let said = read(&text).expect_err(&text);
        assert!(said.contains(why), "{said:?} is not {why:?}");
    }
}
