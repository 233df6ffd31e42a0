//! Walks over a JSON document and stops at the values that pointers lead to.
//!
//! What is remembered is one level for each container that is open, and in each the names on the
//! way to a field that were seen there: neither grows with the document.

use super::super::{Fault, Pointer, Step, alike};
use super::text::unescape;
use std::ops::Range;

/// Deepest nesting.
const DEPTH_MAX: usize = 128;

/// Where the walk stopped.
pub(super) enum Seen<'t> {
    /// At what a field's pointer leads to.
    Value { field: usize, range: Range<usize>, found: Found<'t> },
    /// At a name on the way to a field that stood in the same object before.
    Twice { field: usize },
}

/// What a pointer leads to.
#[derive(Clone, Copy)]
pub(super) enum Found<'t> {
    /// A string, as it stands between its quotes.
    Text(&'t str),
    /// A number, `true`, `false` or `null`.
    Literal(&'t str),
    /// An object or a list.
    Container,
}

/// An object or a list that is open.
struct Level<'t> {
    is_object: bool,
    /// The fields whose pointers lead here or further in.
    active: Vec<usize>,
    /// The number of the element in hand.
    index: usize,
    /// Names on the way to a field, as they were seen here.
    seen: Vec<std::borrow::Cow<'t, str>>,
}

/// What stands next.
#[derive(PartialEq, Eq)]
enum Expect {
    Value,
    /// A value, or the end of a list that has none.
    First,
    /// A comma or an end.
    Behind,
}

/// A walk.
pub(super) struct Walk<'t, 'p> {
    text: &'t str,
    at: usize,
    pointers: Vec<Option<&'p Pointer>>,
    /// Whether a name may not be like one on the way.
    strict: bool,
    stack: Vec<Level<'t>>,
    /// The fields whose pointers lead to the next value or into it.
    active: Vec<usize>,
    expect: Expect,
    /// What was found and is not told yet.
    pending: Vec<Seen<'t>>,
}

impl<'t, 'p> Walk<'t, 'p> {
    pub(super) fn new(text: &'t str, pointers: Vec<Option<&'p Pointer>>, strict: bool) -> Self {
        let active = (0..pointers.len()).filter(|at| pointers[*at].is_some()).collect();
        let (stack, pending) = (Vec::new(), Vec::new());
        Self { text, at: 0, pointers, strict, stack, active, expect: Expect::Value, pending }
    }

    /// Goes on to the next place, or to the end of the document.
    pub(super) fn next(&mut self) -> Result<Option<Seen<'t>>, Fault> {
        loop {
            if let Some(seen) = self.pending.pop() {
                return Ok(Some(seen));
            }
            self.blank();
            match self.expect {
                Expect::Value => self.value()?,
                Expect::First => self.first()?,
                Expect::Behind if self.stack.is_empty() => {
                    let rest = self.at < self.text.len();
                    return if rest {
                        Err(self.wrong("there is more behind the document"))
                    } else {
                        Ok(None)
                    };
                }
                Expect::Behind => self.behind()?,
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn wrong(&self, what: &str) -> Fault {
        Fault::form(format!("not JSON at byte {}: {what}", self.at))
    }

    fn value(&mut self) -> Result<(), Fault> {
        let begin = self.at;
        match self.peek() {
            Some(open @ (b'{' | b'[')) => return self.open(open == b'{'),
            Some(b'"') => {
                let inner = self.string()?;
                self.found(begin, Found::Text(inner));
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                self.literal(begin);
            }
            Some(b't') => self.word("true", begin)?,
            Some(b'f') => self.word("false", begin)?,
            Some(b'n') => self.word("null", begin)?,
            _ => return Err(self.wrong("a value is missing")),
        }
        self.expect = Expect::Behind;
        Ok(())
    }

    fn word(&mut self, word: &str, begin: usize) -> Result<(), Fault> {
        if !self.text[begin..].starts_with(word) {
            return Err(self.wrong("this is no value"));
        }
        self.at += word.len();
        self.literal(begin);
        Ok(())
    }

    fn literal(&mut self, begin: usize) {
        let text = self.text;
        self.found(begin, Found::Literal(&text[begin..self.at]));
    }

    /// Notes which fields lead to the value that ends here. Of several the first counts.
    fn found(&mut self, begin: usize, found: Found<'t>) {
        let depth = self.stack.len();
        let leads =
            |at: &&usize| self.pointers[**at].is_some_and(|pointer| pointer.steps().len() == depth);
        if let Some(field) = self.active.iter().find(leads) {
            let range = begin..self.at.max(begin);
            self.pending.push(Seen::Value { field: *field, range, found });
        }
    }

    fn open(&mut self, is_object: bool) -> Result<(), Fault> {
        if self.stack.len() >= DEPTH_MAX {
            return Err(self.wrong("it is nested deeper than 128 levels"));
        }
        self.found(self.at, Found::Container);
        self.at += 1;
        let active = std::mem::take(&mut self.active);
        self.stack.push(Level { is_object, active, index: 0, seen: Vec::new() });
        self.expect = Expect::First;
        Ok(())
    }

    fn first(&mut self) -> Result<(), Fault> {
        let is_object = self.stack.last().is_some_and(|level| level.is_object);
        let end = if is_object { b'}' } else { b']' };
        if self.peek() == Some(end) {
            self.close();
            return Ok(());
        }
        self.enter()
    }

    fn close(&mut self) {
        self.at += 1;
        self.stack.pop();
        self.expect = Expect::Behind;
    }

    fn behind(&mut self) -> Result<(), Fault> {
        let Some(level) = self.stack.last_mut() else { return Ok(()) };
        let end = if level.is_object { b'}' } else { b']' };
        match self.text.as_bytes().get(self.at) {
            Some(b',') => {
                level.index += 1;
                self.at += 1;
                self.blank();
                self.enter()
            }
            Some(byte) if *byte == end => {
                self.close();
                Ok(())
            }
            _ => Err(self.wrong("a comma or an end is missing")),
        }
    }

    /// Goes to the next member or element: reads the name, and finds which fields lead there.
    fn enter(&mut self) -> Result<(), Fault> {
        let depth = self.stack.len().saturating_sub(1);
        let is_object = self.stack.last().is_some_and(|level| level.is_object);
        let name = if is_object { Some(self.name()?) } else { None };
        self.expect = Expect::Value;
        let Some(level) = self.stack.last_mut() else { return Ok(()) };
        // Nearly everywhere nobody looks, and then no name is read.
        if level.active.is_empty() {
            self.active.clear();
            return Ok(());
        }
        // A name with half a surrogate pair is in no pointer.
        let name = name.map(|raw| unescape(raw).unwrap_or_default());
        let fits = |step: Option<&Step>| match (step, &name) {
            (Some(Step::Each), None) => true,
            (Some(Step::Each), Some(name)) => name == "*",
            (Some(Step::Name(step)), Some(name)) => step == name,
            (Some(Step::Name(step)), None) => *step == level.index.to_string(),
            (None, _) => false,
        };
        let pointers = &self.pointers;
        if let Some(name) = &name {
            let steps = || {
                let step = |at: &usize| pointers[*at].and_then(|p| p.steps().get(depth));
                level.active.iter().filter_map(step).filter_map(|step| match step {
                    Step::Name(step) => Some(step.as_str()),
                    Step::Each => None,
                })
            };
            if self.strict && alike::is_like(steps, name) {
                return Err(self.wrong(alike::WHY));
            }
        }
        let leads = |at: &&usize| pointers[**at].is_some_and(|p| fits(p.steps().get(depth)));
        self.active = level.active.iter().filter(leads).copied().collect();
        if let (Some(field), Some(name)) = (self.active.first(), name) {
            if level.seen.contains(&name) {
                self.pending.push(Seen::Twice { field: *field });
            } else {
                level.seen.push(name);
            }
        }
        Ok(())
    }

    fn name(&mut self) -> Result<&'t str, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong("a name is missing"));
        }
        let name = self.string()?;
        self.blank();
        if self.peek() != Some(b':') {
            return Err(self.wrong("a colon is missing"));
        }
        self.at += 1;
        Ok(name)
    }

    /// Reads a string and gives what stands between its quotes.
    fn string(&mut self) -> Result<&'t str, Fault> {
        let begin = self.at + 1;
        self.at = begin;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(0..0x20) => return Err(self.wrong("a control character in a string")),
                Some(_) => self.at += 1,
                None => return Err(self.wrong("a string does not end")),
            }
        }
        let text = self.text;
        let inner = &text[begin..self.at];
        self.at += 1;
        Ok(inner)
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let bytes = self.text.as_bytes();
        let long = bytes.get(self.at + 2..self.at + 6);
        self.at += match bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') if long.is_some_and(|four| four.iter().all(u8::is_ascii_hexdigit)) => 6,
            _ => return Err(self.wrong("an escape that JSON does not have")),
        };
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let begin = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == begin { Err(self.wrong("a digit is missing")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), Fault> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }
}
