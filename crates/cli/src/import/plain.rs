//! Secrets that lie in an environment as plain text: found by what they look like and by what they
//! are called.

use model::data::{BuiltIn, DataClass};
use protect::detect::Detector;

/// What looks for them.
pub(super) struct Seeker {
    detector: Option<Detector>,
}

/// Last words of names whose values are secrets, whatever they look like.
const WORDS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "secret",
    "token",
    "apikey",
    "credential",
    "credentials",
    "passphrase",
    "privatekey",
    "accesskey",
    "secretkey",
];
/// Words of which two stand together.
const PAIRS: &[[&str; 2]] = &[
    ["api", "key"],
    ["private", "key"],
    ["access", "key"],
    ["secret", "key"],
    ["signing", "key"],
    ["encryption", "key"],
];
/// Words that say so at the end of a name.
const LAST: &[&str] = &["pass", "pw", "auth", "key"];
/// What stands before `key` where it opens nothing.
const NO_KEYS: &[&str] = &[
    "public",
    "partition",
    "sort",
    "primary",
    "foreign",
    "cache",
    "object",
    "routing",
    "hash",
    "range",
    "group",
    "shard",
    "lookup",
    "index",
    "idempotency",
    "dedup",
    "message",
];
/// Words at the end of a name that say that it is only about a secret.
const ABOUT: &[&str] = &[
    "name", "arn", "id", "path", "file", "url", "uri", "ttl", "expiry", "length", "type", "header",
    "field", "issuer", "audience", "endpoint", "enabled", "seconds",
];

impl Seeker {
    /// One with the built-in rules.
    pub(super) fn new() -> Self {
        let secrets = [DataClass::from(BuiltIn::Secret)];
        Self { detector: Detector::built_in().ok().map(|detector| detector.only(&secrets)) }
    }

    /// Why the value of a variable looks like a secret.
    pub(super) fn why(&self, name: &str, value: &str) -> Option<String> {
        let mut found = None;
        if let Some(detector) = &self.detector {
            detector.scan(value.as_bytes(), name.as_bytes(), |finding| {
                let rule = detector.rule(finding.rule).map(|rule| rule.name.clone());
                found = found.take().or(rule);
            });
        }
        let named = || is_named(name) && !is_no_secret(value);
        found.or_else(|| named().then(|| "its name".to_owned()))
    }

    /// Whether a command has a secret among its words: `--token=VALUE`, `--token VALUE`.
    pub(super) fn is_told(&self, command: &[String]) -> bool {
        let mut before = "";
        command.iter().any(|word| {
            let (name, value) = word.split_once('=').unwrap_or((before, word));
            let told = name.starts_with('-') || word.contains('=');
            before = word;
            self.why("", word).is_some() || told && self.why(name, value).is_some()
        })
    }

    /// A sentence without what in it looks like a secret.
    pub(super) fn covered(&self, text: String) -> String {
        let mut places = Vec::new();
        if let Some(detector) = &self.detector {
            detector
                .scan(text.as_bytes(), b"", |finding| places.push((finding.start, finding.end)));
        }
        let mut out = text;
        for (start, end) in places.into_iter().rev() {
            if let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end))
                && out.get(start..end).is_some()
            {
                out.replace_range(start..end, "***");
            }
        }
        out
    }
}

/// Whether a name says that what it names is a secret.
pub(super) fn is_named(name: &str) -> bool {
    let plain = super::name::plain(name);
    let words: Vec<&str> = plain.split('-').collect();
    if words.last().is_some_and(|last| ABOUT.contains(last)) {
        return false;
    }
    let ends = match words.as_slice() {
        [.., before, "key"] => !NO_KEYS.contains(before),
        [.., last] => LAST.contains(last),
        [] => false,
    };
    ends || words.iter().any(|word| WORDS.iter().any(|known| is_made_of(word, known)))
        || words.windows(2).any(|pair| PAIRS.iter().any(|known| pair == *known))
}

/// `dbpassword` is made of `password`, `secretary` not of `secret`.
fn is_made_of(word: &str, known: &str) -> bool {
    word == known || known.len() > 5 && word.ends_with(known)
}

/// What stands where a secret would, and is none.
fn is_no_secret(value: &str) -> bool {
    let low = value.to_lowercase();
    value.is_empty()
        || matches!(low.as_str(), "true" | "false" | "none" | "null")
        || value.starts_with("arn:")
        || value.bytes().all(|byte| byte.is_ascii_digit()) && value.len() < 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_by_shape_and_by_name() {
        let seeker = Seeker::new();
        // Put together, so that no scanner takes this file for one with a key in it.
        let key = format!("gh{}_{}", "p", "16C7e42F292c6912E7710c838347Ae178B4a");
        for (name, value) in [
            ("DB_PASSWORD", "hunter2"),
            ("stripeApiKey", "abc"),
            ("DBPASSWORD", "hunter2"),
            ("JWT_SECRET", "s3"),
            ("DB_PASS", "hunter2"),
            ("REDIS_AUTH", "hunter2"),
            ("STRIPE_KEY", "abc"),
            ("DATABASE_URL", "postgres://shop:hunter2hunter2@db/shop"),
            ("ANYTHING", &key),
        ] {
            assert!(seeker.why(name, value).is_some(), "{name}");
        }
        for (name, value) in [
            ("TABLE", "orders"),
            ("SECRET_NAME", "prod/db"),
            ("TOKEN_TTL", "3600"),
            ("LOG_LEVEL", "debug"),
            ("DB_PASSWORD", ""),
            ("DB_SECRET", "arn:aws:secretsmanager:eu-west-1:1:secret:db"),
            ("MONKEY", "banana"),
            ("PARTITION_KEY", "customer"),
            ("PASS_THROUGH", "yes"),
            ("SECRETARY", "Ada"),
            ("MAX_TOKENS", "4096"),
        ] {
            assert_eq!(seeker.why(name, value), None, "{name}");
        }
    }

    #[test]
    fn secrets_in_commands_and_sentences_are_found() {
        let seeker = Seeker::new();
        let told =
            |line: &str| seeker.is_told(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert!(told("./run --token=hunter2") && told("./run --password hunter2"));
        assert!(told("./run DB_PASSWORD=hunter2"));
        assert!(!told("python3 server.py --port 8080 --token-file=/run/x") && !told("./token x"));
        let key = format!("gh{}_{}", "p", "16C7e42F292c6912E7710c838347Ae178B4a");
        assert_eq!(seeker.covered(format!("ä `{key}` is none")), "ä `***` is none");
    }
}
