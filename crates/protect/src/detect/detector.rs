//! The rules together: where one is asked, which of several is right, and what is reported.

use super::custom::{Automaton, Custom, CustomError};
use super::exact::Exact;
use super::rule::{self, Confidence, Known, Rule, RuleId};
use super::scanner::Scanner;
use super::secret::Secrets;
use super::window::{LOOK_BACK, Window};
use super::{Finding, digits, email, ip};
use model::DataClass;

/// A finding within a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) rule: RuleId,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) confidence: Confidence,
}

impl Hit {
    /// The one that more speaks for; the first if they are equal.
    pub(super) fn stronger(self, other: Self) -> Self {
        let longer = other.confidence == self.confidence && other.end > self.end;
        if other.confidence > self.confidence || longer { other } else { self }
    }
}

/// What a byte asks for.
const DIGIT: u8 = 1;
const AT: u8 = 2;
const COLON: u8 = 4;
/// A rule of the operator's can begin here.
const CUSTOM: u8 = 8;

/// A set of rules, made once.
#[derive(Debug)]
pub struct Detector {
    rules: Vec<Rule>,
    /// The least that has to speak for a finding of each rule; `None`: it is not looked for.
    least: Vec<Option<Confidence>>,
    secrets: Secrets,
    customs: Vec<Automaton>,
    triggers: [u8; 256],
}

/// How far a stream was looked at. All places are within the window.
#[derive(Debug, Clone, Default)]
pub(super) struct Cursor {
    /// Where bytes are looked at next.
    pub(super) at: usize,
    /// Where the last finding ended: none may begin before.
    floor: usize,
    /// Where prefixes of keys are looked for next, and the next of them.
    keyword_at: usize,
    keyword: Option<(usize, usize)>,
    /// Where known values are looked for next.
    exact_at: usize,
}

impl Cursor {
    /// The window begins `by` bytes later.
    pub(super) fn shift(&mut self, by: usize) {
        self.at = self.at.saturating_sub(by);
        self.floor = self.floor.saturating_sub(by);
        self.keyword_at = self.keyword_at.saturating_sub(by);
        self.exact_at = self.exact_at.saturating_sub(by);
    }

    /// There are more bytes: what was found in fewer may be something longer.
    pub(super) fn refresh(&mut self) {
        self.keyword = None;
    }
}

/// What comes next in a window.
pub(super) enum Next {
    /// A finding, and which known value it is.
    Found(Hit, Option<u32>),
    /// Nothing up to here, and more bytes are needed to go on.
    Wait(usize),
    /// Nothing up to the end.
    End,
}

/// Who asks to look at a place. Earlier ones go first at the same place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Exact,
    Keyword,
    Byte,
}

impl Detector {
    /// The built-in rules.
    ///
    /// # Errors
    /// Never for the rules as they are; the tests make one.
    pub fn built_in() -> Result<Self, CustomError> {
        Self::with(&[])
    }

    /// The built-in rules, and an operator's.
    ///
    /// # Errors
    /// A rule that cannot be used, by its name.
    pub fn with(customs: &[Custom]) -> Result<Self, CustomError> {
        let mut rules = rule::all().map_err(CustomError::class)?;
        let mut triggers = [0; 256];
        for digit in b'0'..=b'9' {
            mark(&mut triggers, digit, DIGIT);
        }
        mark(&mut triggers, b'@', AT);
        mark(&mut triggers, b':', COLON);
        let mut automata = Vec::new();
        for custom in customs {
            let id = RuleId(u16::try_from(rules.len()).map_err(|_| CustomError::many(custom))?);
            let automaton = Automaton::new(custom, id)?;
            for byte in (0..=255).filter(|byte| automaton.begins_with(*byte)) {
                mark(&mut triggers, byte, CUSTOM);
            }
            automata.push(automaton);
            rules.push(custom.rule());
        }
        let least = rules.iter().map(|rule| Some(rule.report)).collect();
        let secrets = Secrets::new().map_err(CustomError::secrets)?;
        Ok(Self { rules, least, secrets, customs: automata, triggers })
    }

    /// The same rules for some classes only. `national-id` stands for those of all countries.
    #[must_use]
    pub fn only(mut self, classes: &[DataClass]) -> Self {
        for (rule, least) in self.rules.iter().zip(&mut self.least) {
            let family = rule.class.built_in().map(DataClass::from);
            let wanted = classes.iter().any(|c| *c == rule.class || Some(c) == family.as_ref());
            *least = least.filter(|_| wanted);
        }
        self
    }

    /// The same rules, which also report what little speaks for.
    #[must_use]
    pub fn reporting(mut self, least: Confidence) -> Self {
        for own in self.least.iter_mut().flatten() {
            *own = least.min(*own);
        }
        self
    }

    /// Every rule.
    pub fn rules(&self) -> impl Iterator<Item = (RuleId, &Rule)> {
        (0..).map(RuleId).zip(&self.rules)
    }

    /// What is known of a rule of this detector.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        self.rules.get(usize::from(id.0))
    }

    /// Whether a finding may be masked or blocked without somebody having asked for it.
    #[must_use]
    pub fn enforceable(&self, finding: &Finding) -> bool {
        self.rule(finding.rule).is_some_and(|rule| rule.enforceable(finding.confidence))
    }

    /// Begins with a stream.
    #[must_use]
    pub fn scanner(&self) -> Scanner<'_> {
        Scanner::new(self, None)
    }

    /// Begins with a stream in which known values are looked for, too.
    #[must_use]
    pub fn scanner_knowing<'a>(&'a self, exact: &'a Exact) -> Scanner<'a> {
        Scanner::new(self, Some(exact))
    }

    /// Finds what is in a whole text, in order. `about` is what is said about it elsewhere: the
    /// name of a field, the head of a column.
    pub fn scan(&self, text: &[u8], about: &[u8], mut found: impl FnMut(Finding)) {
        let window = Window::new(text, about, true);
        let mut cursor = Cursor::default();
        while let Next::Found(hit, known) = self.next(&window, &mut cursor, None) {
            found(hit.at(0, known));
        }
    }

    /// The next finding.
    pub(super) fn next(
        &self,
        window: &Window<'_>,
        cursor: &mut Cursor,
        exact: Option<&Exact>,
    ) -> Next {
        let limit = self.limit(window, exact);
        while let Some((at, who)) = self.candidate(window, cursor, exact, limit) {
            let _forgotten = window.short();
            let (hit, known, go_on) = match who {
                Who::Exact => {
                    let found = exact.and_then(|exact| exact.examine(window, at));
                    (found.map(|found| found.0), found.map(|found| found.1), at + 1)
                }
                Who::Keyword => {
                    let pattern = cursor.keyword.map_or(0, |(_, pattern)| pattern);
                    (self.secrets.examine(window, at, pattern), None, at + 1)
                }
                Who::Byte => {
                    let (hit, go_on) = self.examine(window, at);
                    (hit, None, go_on)
                }
            };
            if window.short() {
                return Next::Wait(at);
            }
            match who {
                Who::Exact => cursor.exact_at = go_on,
                Who::Keyword => (cursor.keyword_at, cursor.keyword) = (go_on, None),
                Who::Byte => cursor.at = go_on,
            }
            if let Some(hit) = hit.filter(|hit| hit.start >= cursor.floor && self.reports(hit)) {
                cursor.floor = hit.end;
                cursor.at = cursor.at.max(hit.end);
                return Next::Found(hit, known);
            }
        }
        cursor.at = cursor.at.max(limit);
        cursor.keyword_at = cursor.keyword_at.max(limit);
        cursor.exact_at = cursor.exact_at.max(limit);
        if limit < window.bytes.len() { Next::Wait(limit) } else { Next::End }
    }

    fn reports(&self, hit: &Hit) -> bool {
        let least = self.least.get(usize::from(hit.rule.0)).copied().flatten();
        hit.rule == Known::Exact.id() || least.is_some_and(|least| hit.confidence >= least)
    }

    /// Up to where it is sure that no prefix of a key and no known value begins that ends behind
    /// what is at hand.
    fn limit(&self, window: &Window<'_>, exact: Option<&Exact>) -> usize {
        let all = window.bytes.len();
        if window.last {
            return all;
        }
        let keyword = self.secrets.tail(window.bytes);
        keyword.min(exact.map_or(all, |exact| exact.tail(window.bytes)))
    }

    /// The next place below `limit` that somebody asks to look at.
    fn candidate(
        &self,
        window: &Window<'_>,
        cursor: &mut Cursor,
        exact: Option<&Exact>,
        limit: usize,
    ) -> Option<(usize, Who)> {
        let bytes = window.bytes.get(..limit).unwrap_or_default();
        let from = cursor.keyword_at.max(cursor.floor);
        let stale = cursor.keyword.is_none_or(|(at, _)| at < from);
        if stale && from < limit {
            cursor.keyword = self.secrets.find(window.bytes, from);
            cursor.keyword_at = cursor.keyword.map_or(limit, |(at, _)| at.min(limit));
        } else if stale {
            cursor.keyword = None;
        }
        let keyword =
            cursor.keyword.filter(|(at, _)| *at < limit).map(|(at, _)| (at, Who::Keyword));
        let rest = bytes.get(cursor.at..).unwrap_or_default();
        // Not further than the next keyword: what is behind it may be a part of its finding.
        let upto = keyword.map_or(rest.len(), |(at, _)| at.saturating_sub(cursor.at) + 1);
        let near = rest.get(..upto.min(rest.len())).unwrap_or_default();
        let byte = near.iter().position(|byte| trigger(&self.triggers, *byte) != 0);
        if byte.is_none() {
            cursor.at = cursor.at.max((cursor.at + near.len()).min(limit));
        }
        let byte = byte.map(|at| (cursor.at + at, Who::Byte));
        let exact = exact.and_then(|exact| {
            let from = cursor.exact_at.max(cursor.floor);
            let found = exact.find(window.bytes, from, limit);
            cursor.exact_at = found.unwrap_or(limit);
            found.map(|at| (at, Who::Exact))
        });
        [exact, keyword, byte].into_iter().flatten().min()
    }

    /// What stands around a byte, and where to go on.
    fn examine(&self, window: &Window<'_>, at: usize) -> (Option<Hit>, usize) {
        let kind = window.bytes.get(at).map_or(0, |byte| trigger(&self.triggers, *byte));
        let (own, next) = match kind & !CUSTOM {
            DIGIT => digits::examine(window, at),
            AT => (email::examine(window, at), at + 1),
            COLON => (ip::six(window, at), at + 1),
            _ => (None, at + 1),
        };
        if kind & CUSTOM == 0 {
            return (own, next);
        }
        let customs = self.customs.iter().filter_map(|custom| custom.examine(window, at));
        let hit = customs.chain(own.filter(|hit| self.reports(hit))).reduce(Hit::stronger);
        (hit, if self.customs.is_empty() { next } else { at + 1 })
    }
}

impl Hit {
    /// The finding in a stream of whose bytes `base` were before the window.
    pub(super) fn at(self, base: u64, known: Option<u32>) -> Finding {
        let place = |at: usize| base + u64::try_from(at).unwrap_or(u64::MAX);
        let (start, end) = (place(self.start), place(self.end));
        Finding { rule: self.rule, start, end, confidence: self.confidence, known }
    }
}

fn mark(triggers: &mut [u8; 256], byte: u8, kind: u8) {
    if let Some(place) = triggers.get_mut(usize::from(byte)) {
        *place |= kind;
    }
}

#[inline]
fn trigger(triggers: &[u8; 256], byte: u8) -> u8 {
    triggers.get(usize::from(byte)).copied().unwrap_or_default()
}

/// The first place at which a finding could begin that a look from `at` on brings: local parts of
/// addresses and letters of numbers stand before what is looked at.
pub(super) fn first_start(bytes: &[u8], at: usize) -> usize {
    let at = at.min(bytes.len());
    let belongs = |byte: u8| email::is_local(byte) || matches!(byte, b'(' | b'\\');
    let back = |from: usize| {
        let text = bytes.get(from.saturating_sub(LOOK_BACK / 2 + 2)..from).unwrap_or_default();
        from - text.iter().rev().take_while(|byte| belongs(**byte)).count()
    };
    let start = back(at);
    // `AB 12 34 56 C`
    let spaced = bytes.get(start.saturating_sub(3)..start).unwrap_or_default();
    match spaced {
        [a, b, b' '] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => start - 3,
        _ => start,
    }
}
