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
    /// By the byte behind one: what of the above it still asks for.
    behind: [u8; 256],
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
    /// What [`Detector::limit`] says of what is at hand.
    limit: Option<usize>,
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
        (self.keyword, self.limit) = (None, None);
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

/// Who asks to look at a place, beside bytes. They go first where both do.
#[derive(Clone, Copy)]
enum Who {
    Exact,
    /// The keyword with this number.
    Keyword(usize),
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
        let mut behind = [!COLON; 256];
        for next in (0..=255_u8).filter(|byte| ip::goes_on(*byte)) {
            mark(&mut behind, next, COLON);
        }
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
        Ok(Self { rules, least, secrets, customs: automata, triggers, behind })
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
        let limit = *cursor.limit.get_or_insert_with(|| self.limit(window, exact));
        loop {
            let (stop, who) = self.stop(window, cursor, exact, limit);
            while let Some(at) = self.trigger(window.bytes, cursor.at, stop) {
                let _forgotten = window.short();
                let (hit, go_on) = self.examine(window, at);
                if window.short() {
                    return Next::Wait(at);
                }
                cursor.at = go_on;
                if let Some(hit) = self.take(hit, cursor) {
                    return Next::Found(hit, None);
                }
            }
            cursor.at = cursor.at.max(stop);
            let _forgotten = window.short();
            let (hit, known) = match who {
                None if limit < window.bytes.len() => return Next::Wait(limit),
                None => return Next::End,
                Some(Who::Exact) => {
                    let found = exact.and_then(|exact| exact.examine(window, stop));
                    (found.map(|found| found.0), found.map(|found| found.1))
                }
                Some(Who::Keyword(keyword)) => (self.secrets.examine(window, stop, keyword), None),
            };
            if window.short() {
                return Next::Wait(stop);
            }
            match who {
                Some(Who::Exact) => cursor.exact_at = stop + 1,
                _ => (cursor.keyword_at, cursor.keyword) = (stop + 1, None),
            }
            if let Some(hit) = self.take(hit, cursor) {
                return Next::Found(hit, known);
            }
        }
    }

    /// What of a hit is reported; the next one begins behind it.
    fn take(&self, hit: Option<Hit>, cursor: &mut Cursor) -> Option<Hit> {
        let hit = hit.filter(|hit| hit.start >= cursor.floor && self.reports(hit))?;
        cursor.floor = hit.end;
        cursor.at = cursor.at.max(hit.end);
        Some(hit)
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

    /// The next place below `limit` at which a known value or a keyword begins; `limit` if there is
    /// none.
    fn stop(
        &self,
        window: &Window<'_>,
        cursor: &mut Cursor,
        exact: Option<&Exact>,
        limit: usize,
    ) -> (usize, Option<Who>) {
        let from = cursor.keyword_at.max(cursor.floor);
        if cursor.keyword.is_none_or(|(at, _)| at < from) {
            cursor.keyword = None;
            if from < limit {
                cursor.keyword = self.secrets.find(window.bytes, from);
                cursor.keyword_at = cursor.keyword.map_or(limit, |(at, _)| at.min(limit));
            }
        }
        let keyword = cursor.keyword.filter(|(at, _)| *at < limit);
        let keyword = keyword.map(|(at, keyword)| (at, Who::Keyword(keyword)));
        let exact = exact.and_then(|exact| {
            let from = cursor.exact_at.max(cursor.floor);
            let found = exact.find(window.bytes, from, limit);
            cursor.exact_at = found.unwrap_or(limit);
            found.map(|at| (at, Who::Exact))
        });
        let first = [exact, keyword].into_iter().flatten().min_by_key(|(at, _)| *at);
        first.map_or((limit, None), |(at, who)| (at, Some(who)))
    }

    /// The next byte from `from` on, before `to`, that asks for a look.
    #[inline]
    fn trigger(&self, bytes: &[u8], from: usize, to: usize) -> Option<usize> {
        let rest = bytes.get(from..bytes.len().min(to + 1))?;
        let asks = |[byte, next]: &[u8; 2]| {
            trigger(&self.triggers, *byte) & trigger(&self.behind, *next) != 0
        };
        let last = || match rest {
            [.., byte] if to == bytes.len() => {
                (trigger(&self.triggers, *byte) != 0).then_some(rest.len() - 1)
            }
            _ => None,
        };
        rest.array_windows().position(asks).or_else(last).map(|at| from + at)
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
