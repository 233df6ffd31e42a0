//! Rules of an operator: a pattern, words, a validator.
//!
//! A pattern becomes an automaton that is complete when it is made, so that its size is known and
//! bounded, and looking for it takes linear time and no memory. It is tried where a word begins,
//! and reaches to where a word ends.

use super::check;
use super::context::{self, Set};
use super::detector::Hit;
use super::rule::{Confidence, Rule, RuleId};
use super::secret::entropy;
use super::window::Window;
use model::DataClass;
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::util::start::Config as Start;
use regex_automata::util::syntax;
use regex_automata::{Anchored, MatchKind, nfa::thompson};
use serde::Deserialize;

/// Largest automaton, and the most memory that making it takes, in bytes.
const AUTOMATON_BYTES_MAX: usize = 1 << 20;
const MAKING_BYTES_MAX: usize = 8 << 20;
/// Longest match, unless a rule says less, in bytes.
const LENGTH_MAX: usize = 4096;

/// A rule of an operator's own.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Custom {
    /// The class of what it finds: a built-in one or a new one.
    pub class: DataClass,
    /// Its own name; that of the class if it has none.
    #[serde(default)]
    pub name: Option<String>,
    /// A regular expression over bytes, without look-around and references.
    pub pattern: String,
    /// Whether upper and lower case are the same.
    #[serde(default)]
    pub ignore_case: bool,
    /// Words of which one must stand before the value, `word*` for all that begin so; none if
    /// empty.
    #[serde(default)]
    pub words: Vec<String>,
    /// What checks the value's digits.
    #[serde(default)]
    pub validator: Option<Validator>,
    /// The least entropy, in bits per byte.
    #[serde(default)]
    pub entropy: Option<f64>,
    /// Longest value, in bytes; at most 4096.
    #[serde(default)]
    pub max_length: Option<usize>,
    /// Whether findings may be masked or blocked without being asked for.
    #[serde(default)]
    pub enforce: bool,
}

/// What checks the digits of a value; other characters of it are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Validator {
    /// ISO/IEC 7812-1, annex B.
    Luhn,
    /// Verhoeff's scheme.
    Verhoeff,
    /// The number modulo 97 is 1 (ISO 7064).
    Mod97,
    /// The number modulo 11 is 0.
    Mod11,
}

/// A rule that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rule `{rule}`: {what}")]
pub struct CustomError {
    /// Its name.
    pub rule: String,
    /// What is wrong with it.
    pub what: String,
}

impl CustomError {
    fn of(custom: &Custom, what: impl Into<String>) -> Self {
        Self { rule: custom.rule_name(), what: what.into() }
    }

    pub(super) fn many(custom: &Custom) -> Self {
        Self::of(custom, "there are too many rules")
    }

    #[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
    pub(super) fn class(error: model::data::ClassError) -> Self {
        Self { rule: "built-in".to_owned(), what: error.to_string() }
    }

    #[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
    pub(super) fn secrets(error: aho_corasick::BuildError) -> Self {
        Self { rule: "secrets".to_owned(), what: error.to_string() }
    }
}

impl Custom {
    fn rule_name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.class.to_string())
    }

    /// What is known of it as a rule.
    pub(super) fn rule(&self) -> Rule {
        let best = match (self.words.is_empty(), self.validator) {
            (true, None) => Confidence::Pattern,
            (false, None) => Confidence::Context,
            (true, Some(_)) => Confidence::Checksum,
            (false, Some(_)) => Confidence::Confirmed,
        };
        let (class, name) = (self.class.clone(), self.rule_name());
        Rule { class, name, report: best, enforce: self.enforce.then_some(best) }
    }
}

/// A rule made ready.
#[derive(Debug)]
pub(super) struct Automaton {
    rule: RuleId,
    dfa: dense::DFA<Vec<u32>>,
    first: [bool; 256],
    /// Those that have to stand before it, if any.
    words: Option<Set<Vec<String>>>,
    validator: Option<Validator>,
    /// In tenths of a bit per byte.
    entropy: u32,
    length: usize,
}

impl Automaton {
    pub(super) fn new(custom: &Custom, rule: RuleId) -> Result<Self, CustomError> {
        let wrong = |what: String| CustomError::of(custom, what);
        let length = custom.max_length.unwrap_or(256);
        if !(1..=LENGTH_MAX).contains(&length) {
            return Err(wrong(format!("`max-length` is from 1 to {LENGTH_MAX}")));
        }
        let config = dense::Config::new()
            .start_kind(StartKind::Anchored)
            .match_kind(MatchKind::LeftmostFirst)
            .dfa_size_limit(Some(AUTOMATON_BYTES_MAX))
            .determinize_size_limit(Some(MAKING_BYTES_MAX));
        let syntax = syntax::Config::new()
            .unicode(false)
            .utf8(false)
            .nest_limit(50)
            .case_insensitive(custom.ignore_case);
        let thompson = thompson::Config::new().utf8(false).nfa_size_limit(Some(MAKING_BYTES_MAX));
        let dfa = dense::Builder::new()
            .configure(config)
            .syntax(syntax)
            .thompson(thompson)
            .build(&custom.pattern)
            .map_err(|error| wrong(explain(&error)))?;
        let first = first(&dfa).map_err(|error| wrong(error.to_string()))?;
        let words = (!custom.words.is_empty()).then(|| Set::new(custom.words.clone()));
        let validator = custom.validator;
        let least = custom.entropy.unwrap_or_default().clamp(0.0, 8.0) * 10.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 80")]
        let entropy = least as u32;
        Ok(Self { rule, dfa, first, words, validator, entropy, length })
    }

    /// Whether a match can begin with this byte.
    pub(super) fn begins_with(&self, byte: u8) -> bool {
        self.first.get(usize::from(byte)).copied().unwrap_or_default()
    }

    /// The value that begins at `at`.
    pub(super) fn examine(&self, window: &Window<'_>, at: usize) -> Option<Hit> {
        let byte = window.bytes.get(at).copied()?;
        let within = is_word(byte) && window.before(at).is_some_and(is_word) && !window.begins(at);
        if within || !self.begins_with(byte) {
            return None;
        }
        let end = self.end(window, at).filter(|end| *end > at)?;
        let text = window.slice(at, end);
        let cut = text.last().copied().is_some_and(is_word) && window.at(end).is_some_and(is_word);
        if cut || !self.checks(text) || (self.entropy > 0 && entropy(text) < self.entropy) {
            return None;
        }
        let told = self.words.as_ref().is_some_and(|words| context::says(window, at, words));
        let confidence = match (told, self.validator) {
            (false, None) => Confidence::Pattern,
            (true, None) => Confidence::Context,
            (false, Some(_)) => Confidence::Checksum,
            (true, Some(_)) => Confidence::Confirmed,
        };
        Some(Hit { rule: self.rule, start: at, end, confidence })
    }

    /// Where the match that begins at `start` ends.
    fn end(&self, window: &Window<'_>, start: usize) -> Option<usize> {
        let config = Start::new().anchored(Anchored::Yes).look_behind(window.before(start));
        let mut state = self.dfa.start_state(&config).ok()?;
        let mut end = None;
        // A match is known one byte after its last.
        for at in start..=start + self.length {
            let byte = window.at(at);
            state = match byte {
                Some(byte) => self.dfa.next_state(state, byte),
                None => self.dfa.next_eoi_state(state),
            };
            if self.dfa.is_match_state(state) {
                end = Some(at);
            } else if self.dfa.is_dead_state(state) || self.dfa.is_quit_state(state) {
                return end;
            }
            if byte.is_none() {
                return end;
            }
        }
        end
    }

    fn checks(&self, text: &[u8]) -> bool {
        let Some(validator) = self.validator else { return true };
        let digits = text.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0');
        let digits: Vec<u8> = digits.collect();
        let rest =
            |by: u32| digits.iter().fold(0, |sum, digit| (sum * 10 + u32::from(*digit)) % by);
        !digits.is_empty()
            && match validator {
                Validator::Luhn => check::luhn(&digits),
                Validator::Verhoeff => check::verhoeff(&digits),
                Validator::Mod97 => rest(97) == 1,
                Validator::Mod11 => rest(11) == 0,
            }
    }
}

/// Like [`super::window::is_word`], but `_` may stand before a value.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

fn explain(error: &dense::BuildError) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    match error.is_size_limit_exceeded() {
        true => "its pattern makes an automaton of more than 1 MiB: repeat less, and name fewer \
                 alternatives"
            .to_owned(),
        false => format!("its pattern cannot be used: {last}"),
    }
}

/// Which bytes a match can begin with.
fn first(dfa: &dense::DFA<Vec<u32>>) -> Result<[bool; 256], regex_automata::dfa::StartError> {
    let mut first = [false; 256];
    for behind in (0..=255).map(Some).chain([None]) {
        let state = dfa.start_state(&Start::new().anchored(Anchored::Yes).look_behind(behind))?;
        for (byte, place) in (0..=255).zip(&mut first) {
            *place |= !dfa.is_dead_state(dfa.next_state(state, byte));
        }
    }
    Ok(first)
}
