//! Which attributes of the context a policy can look at, found without running it.
//!
//! Decisions are remembered by what they depended on. Whatever this reader cannot follow counts
//! as reading everything, so a mistake here costs memory and never gives one caller another's
//! answer. It goes over the policy's words, of which Cedar has made sure that they are a policy:
//! Cedar's trees are walked by recursion, and a condition of a hundred parts is deep enough to end
//! a thread's stack.

use cedar_policy::Policy;
use std::collections::BTreeSet;

/// A set of context attributes.
///
/// `tenant` and `environment` are not in it: they are the function's own, and a function's
/// policies decide for that function only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reads(u8);

impl Reads {
    pub(crate) const NOTHING: Self = Self(0);
    pub(crate) const SOURCE: Self = Self(1);
    pub(crate) const METHOD: Self = Self(2);
    pub(crate) const ROUTE: Self = Self(4);
    pub(crate) const TRIGGER: Self = Self(8);
    pub(crate) const CLAIMS: Self = Self(16);
    /// Not of the context: which subject of an issuer, or which certificate, it is that asks.
    pub(crate) const SUBJECT: Self = Self(32);
    pub(crate) const EVERYTHING: Self = Self(63);

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn named(attribute: &str) -> Self {
        match attribute {
            "source" => Self::SOURCE,
            "method" => Self::METHOD,
            "route" => Self::ROUTE,
            "trigger" => Self::TRIGGER,
            "claims" => Self::CLAIMS,
            "tenant" | "environment" => Self::NOTHING,
            // An attribute that this list forgot.
            _ => Self::EVERYTHING,
        }
    }
}

/// The claims that policies can read by name, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClaimNames(Option<BTreeSet<Box<str>>>);

impl Default for ClaimNames {
    fn default() -> Self {
        Self(Some(BTreeSet::new()))
    }
}

impl ClaimNames {
    const ALL: Self = Self(None);

    pub(crate) fn and(self, other: &Self) -> Self {
        match (self.0, &other.0) {
            (Some(mut own), Some(other)) => {
                own.extend(other.iter().cloned());
                Self(Some(own))
            }
            _ => Self::ALL,
        }
    }

    /// The names, if they are known.
    pub(crate) fn known(&self) -> Option<&BTreeSet<Box<str>>> {
        self.0.as_ref()
    }
}

/// What `policy` can read, and of the claims which ones.
pub(crate) fn of_policy(policy: &Policy) -> (Reads, ClaimNames) {
    let text = policy.to_string();
    let words = words(&text);
    (of_words(&words).and(of_principal(&words)), claims_of(&words))
}

/// Whether one subject of an issuer, or one certificate, can differ from the next: where such an
/// entity is named, or where the principal is looked at outside of the scope.
fn of_principal(words: &[Word<'_>]) -> Reads {
    let times = |name: &str| words.iter().filter(|word| **word == Word::Name(name)).count();
    if times("Subject") > 0 || times("Certificate") > 0 || times("principal") > 1 {
        return Reads::SUBJECT;
    }
    Reads::NOTHING
}

/// The claims that are asked for as `context.claims.hasTag("…")` or `getTag`; any other use of the
/// context's claims, or of the context as a whole, is of all of them.
fn claims_of(words: &[Word<'_>]) -> ClaimNames {
    let mut names = BTreeSet::new();
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        rest = after;
        if *word != Word::Name("context") {
            continue;
        }
        let inner = match after {
            [Word::Mark('.'), Word::Name("claims"), inner @ ..]
            | [Word::Mark('['), Word::Quoted("claims"), Word::Mark(']'), inner @ ..] => inner,
            // Another attribute; what comes later is looked at in its turn.
            [Word::Mark('.'), Word::Name(other), ..]
            | [Word::Mark('['), Word::Quoted(other), ..]
            | [Word::Name("has"), Word::Name(other) | Word::Quoted(other), ..]
                if !Reads::named(other).has(Reads::CLAIMS) =>
            {
                continue;
            }
            _ => return ClaimNames::ALL,
        };
        match inner {
            [
                Word::Mark('.'),
                Word::Name("hasTag" | "getTag"),
                Word::Mark('('),
                Word::Quoted(name),
                Word::Mark(')'),
                ..,
            ] if !name.contains('\\') => {
                names.insert((*name).into());
            }
            _ => return ClaimNames::ALL,
        }
    }
    ClaimNames(Some(names))
}

/// Looks at what follows each `context`: an attribute's name, or the test for one.
/// A context that is used in any other way, as a value, is read as a whole.
fn of_words(words: &[Word<'_>]) -> Reads {
    let mut reads = Reads::NOTHING;
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        if *word == Word::Name("context") {
            reads = reads.and(match after {
                [Word::Mark('.'), Word::Name(attribute), ..]
                | [Word::Mark('['), Word::Quoted(attribute), ..]
                | [Word::Name("has"), Word::Name(attribute) | Word::Quoted(attribute), ..] => {
                    Reads::named(attribute)
                }
                _ => Reads::EVERYTHING,
            });
        }
        rest = after;
    }
    reads
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word<'a> {
    /// An identifier, a keyword or a number.
    Name(&'a str),
    /// What stands between two quotation marks, escapes and all.
    Quoted(&'a str),
    /// Anything else but white space.
    Mark(char),
}

/// Cuts a policy into words, without its comments (<https://docs.cedarpolicy.com/policies/syntax-grammar.html>).
fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if first == '"' {
            let (quoted, end) = quoted(rest);
            words.push(Word::Quoted(quoted));
            end
        } else if is_name(first) {
            let end = rest.find(|next| !is_name(next)).unwrap_or(rest.len());
            words.push(Word::Name(rest.get(..end).unwrap_or_default()));
            end
        } else {
            words.extend((!first.is_whitespace()).then_some(Word::Mark(first)));
            first.len_utf8()
        };
        rest = rest.get(end..).unwrap_or_default();
    }
    words
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// The inside of the string that `text` begins with, and where the string ends.
fn quoted(text: &str) -> (&str, usize) {
    let mut after_backslash = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if after_backslash => after_backslash = false,
            '\\' => after_backslash = true,
            '"' => return (text.get(1..at).unwrap_or_default(), at + 1),
            _ => {}
        }
    }
    (text, text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(condition: &str, expect: Reads) {
        let text = format!("forbid(principal, action, resource) when {{ {condition} }};");
        let policy = Policy::parse(None, &text).expect(condition);
        assert_eq!(of_policy(&policy).0, expect, "{condition}");
    }

    fn check_claims(condition: &str, expect: Option<&[&str]>) {
        let text = format!("forbid(principal, action, resource) when {{ {condition} }};");
        let policy = Policy::parse(None, &text).expect(condition);
        let expect = expect.map(|names| names.iter().map(|name| (*name).into()).collect());
        assert_eq!(of_policy(&policy).1, ClaimNames(expect), "{condition}");
    }

    #[test]
    fn finds_the_claims_that_conditions_name() {
        check_claims("context.method == \"GET\"", Some(&[]));
        let role = "context.claims.hasTag(\"role\")";
        check_claims(role, Some(&["role"]));
        check_claims(&role.replace(".claims", "[\"claims\"]"), Some(&["role"]));
        check_claims(
            &format!("{role} && context.claims.getTag(\"x.y\").contains(context.method)"),
            Some(&["role", "x.y"]),
        );
        check_claims("context.claims.hasTag(context.method)", None);
        check_claims("context.claims.hasTag(\"r\\u{6f}le\")", None);
        check_claims("(if true then context.claims else context.claims).hasTag(\"x\")", None);
        check_claims("context has claims", None);
        check_claims("(context).claims.hasTag(\"x\")", None);
        check("context.claims.hasTag(\"x\")", Reads::CLAIMS);
    }

    #[test]
    fn finds_policies_that_look_at_one_subject() {
        let reads = |text: &str| of_policy(&Policy::parse(None, text).expect(text)).0;
        for text in [
            "permit(principal == Casemate::Subject::\"shop/a\", action, resource);",
            "permit(principal is Casemate::Subject, action, resource);",
            "permit(principal, action, resource) when { principal == Casemate::Certificate::\"cn:a\" };",
            "permit(principal, action, resource) when { principal in [Casemate::Public::\"public\"] };",
        ] {
            assert_eq!(reads(text), Reads::SUBJECT, "{text}");
        }
        for text in [
            "permit(principal in Casemate::Issuer::\"shop\", action, resource);",
            "@note(\"principal Subject\") permit(principal, action, resource);",
        ] {
            assert_eq!(reads(text), Reads::NOTHING, "{text}");
        }
    }

    #[test]
    fn finds_the_attributes_that_conditions_name() {
        check("true", Reads::NOTHING);
        check("context.method == \"GET\"", Reads::METHOD);
        check("context[\"route\"] like \"/x*\"", Reads::ROUTE);
        check("context has source", Reads::SOURCE);
        check("context.tenant == context.environment", Reads::NOTHING);
        check("principal is Casemate::Token", Reads::SUBJECT);
        check(
            "if context.trigger == \"http\" then [context.method].contains(\"x\") else {a: context.route}.a == \"y\"",
            Reads::TRIGGER.and(Reads::METHOD).and(Reads::ROUTE),
        );
        check("!(context.source.isInRange(ip(\"10.0.0.0/8\")))", Reads::SOURCE);
    }

    #[test]
    fn takes_what_it_cannot_follow_as_reading_everything() {
        check("context == context", Reads::EVERYTHING);
        check("(context).method == \"GET\"", Reads::EVERYTHING);
        check("context[\"me\\u{74}hod\"] == \"GET\"", Reads::EVERYTHING);
        check("{a: context}.a.method == \"GET\"", Reads::EVERYTHING);
        check("(if true then context else context).method == \"GET\"", Reads::EVERYTHING);
        check("context.unheard == 1", Reads::EVERYTHING);
    }

    #[test]
    fn the_words_in_names_and_annotations_are_not_conditions() {
        let text = r#"@note("context.source") // context.route "
            permit(principal == Casemate::Token::"\"context.method\\", action, resource);"#;
        let policy = Policy::parse(None, text).expect("a policy");
        assert_eq!(of_policy(&policy).0, Reads::NOTHING);
    }

    #[test]
    fn white_space_and_comments_do_not_hide_an_attribute() {
        check("context // \"\n . // x\n method == \"\"", Reads::METHOD);
        check("context\n[ \"route\" ] == \"context\"", Reads::ROUTE);
        check(
            "context has\tsource && \"//\" != context.trigger",
            Reads::SOURCE.and(Reads::TRIGGER),
        );
    }
}
