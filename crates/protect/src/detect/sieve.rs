//! Covers what is found in a stream, in as many bytes as it has.
//!
//! Invariant: what is passed on has the length of what came, so nobody has to count anew.
//! Invariant: no byte of a finding that is to be covered or blocked is ever passed on.
//! Invariant: what is held back is what could still become a finding, and not more than rules look
//! ahead.

use super::mask::{Action, Blocked};
use super::{Detector, Finding, Scanner};
use std::ops::Deref;

/// What a finding is covered with.
const COVER: u8 = b'*';

/// A stream on its way.
#[derive(Debug)]
pub struct Sieve<D> {
    scanner: Scanner<'static, D>,
    /// What came and was not passed on.
    held: Vec<u8>,
    /// How much of the stream was passed on.
    passed: u64,
    blocked: Option<Finding>,
}

impl<D: Deref<Target = Detector>> Sieve<D> {
    /// Begins with a stream.
    #[must_use]
    pub fn new(detector: D) -> Self {
        let scanner = Scanner::new(detector, None);
        Self { scanner, held: Vec::new(), passed: 0, blocked: None }
    }

    /// How many bytes are held back.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Takes the next bytes, and gives those that are decided. `judge` says what becomes of a
    /// finding, whose text it is given.
    ///
    /// # Errors
    /// [`Blocked`], now and ever after. What is held back is gone.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        judge: impl FnMut(&Finding, &[u8]) -> Action,
    ) -> Result<Vec<u8>, Blocked> {
        if let Some(finding) = self.blocked {
            return Err(Blocked(finding));
        }
        let mut found = Vec::new();
        self.held.extend_from_slice(bytes);
        self.scanner.feed(bytes, |finding| found.push(finding));
        self.judged(&found, judge)?;
        let decided = self.scanner.decided().saturating_sub(self.passed);
        let many = usize::try_from(decided).unwrap_or(usize::MAX).min(self.held.len());
        self.passed += u64::try_from(many).unwrap_or_default();
        let rest = self.held.split_off(many);
        Ok(std::mem::replace(&mut self.held, rest))
    }

    /// There are no more bytes: gives the rest.
    ///
    /// # Errors
    /// As [`Sieve::feed`].
    pub fn finish(
        &mut self,
        judge: impl FnMut(&Finding, &[u8]) -> Action,
    ) -> Result<Vec<u8>, Blocked> {
        let mut found = Vec::new();
        self.scanner.finish(|finding| found.push(finding));
        self.judged(&found, judge)?;
        self.passed += u64::try_from(self.held.len()).unwrap_or_default();
        Ok(std::mem::take(&mut self.held))
    }

    fn judged(
        &mut self,
        found: &[Finding],
        mut judge: impl FnMut(&Finding, &[u8]) -> Action,
    ) -> Result<(), Blocked> {
        if let Some(finding) = self.blocked {
            return Err(Blocked(finding));
        }
        for finding in found {
            let place =
                |at: u64| usize::try_from(at.saturating_sub(self.passed)).unwrap_or(usize::MAX);
            let range = place(finding.start)..place(finding.end).min(self.held.len());
            let Some(text) = self.held.get_mut(range) else { continue };
            match judge(finding, text) {
                Action::Observe => {}
                Action::Mask => text.fill(COVER),
                Action::Block => {
                    self.blocked = Some(*finding);
                    self.held.clear();
                    return Err(Blocked(*finding));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::{Arc, OnceLock};

    const TEXT: &str = "card=4111 1111 1111 1111, mail ada@example.com; iban: DE89370400440532013000\n\
                        and 4111111111111112 is none, nor is 20240101120000";

    fn detector() -> Arc<Detector> {
        static ONE: OnceLock<Arc<Detector>> = OnceLock::new();
        Arc::clone(ONE.get_or_init(|| Arc::new(Detector::built_in().expect("rules"))))
    }

    fn passed(pieces: &[&[u8]], action: Action) -> Result<(Vec<u8>, Vec<Vec<u8>>), Blocked> {
        let (mut sieve, mut texts) = (Sieve::new(detector()), Vec::new());
        let mut judge = |_: &Finding, text: &[u8]| {
            texts.push(text.to_vec());
            action
        };
        let mut out = Vec::new();
        for piece in pieces {
            out.extend(sieve.feed(piece, &mut judge)?);
        }
        out.extend(sieve.finish(&mut judge)?);
        assert_eq!(sieve.held(), 0);
        Ok((out, texts))
    }

    #[test]
    fn what_is_found_is_covered_in_as_many_bytes() {
        let (out, texts) = passed(&[TEXT.as_bytes()], Action::Mask).expect("nothing is blocked");
        let out = String::from_utf8(out).expect("text");
        assert_eq!(out.len(), TEXT.len());
        assert!(
            out.starts_with("card=*******************, mail ***************; iban: **"),
            "{out}"
        );
        assert!(out.ends_with("and 4111111111111112 is none, nor is 20240101120000"), "{out}");
        assert_eq!(texts.len(), 3, "{texts:?}");
        assert_eq!(texts.first().map(Vec::as_slice), Some(b"4111 1111 1111 1111".as_slice()));
        let (out, _) = passed(&[TEXT.as_bytes()], Action::Observe).expect("nothing is blocked");
        assert_eq!(out, TEXT.as_bytes());
    }

    #[test]
    fn nothing_of_what_is_blocked_is_passed_on_and_nothing_after_it() {
        let mut sieve = Sieve::new(detector());
        let mut out = sieve.feed(b"well, ada@exam", |_, _| Action::Block).expect("undecided");
        assert!(!out.windows(3).any(|it| it == b"ada"), "{out:?}");
        sieve.feed(b"ple.com and more ", |_, _| Action::Block).expect_err("found");
        sieve.feed(b"harmless", |_, _| Action::Observe).expect_err("for ever");
        assert!(sieve.finish(|_, _| Action::Observe).is_err());
        assert_eq!(sieve.held(), 0);
        out.clear();
    }

    #[test]
    fn little_is_held_back_however_long_the_stream_is() {
        let mut sieve = Sieve::new(detector());
        for _ in 0..2_000 {
            sieve
                .feed("1234567890 lorem ipsum, ".repeat(40).as_bytes(), |_, _| Action::Mask)
                .expect("fine");
            assert!(sieve.held() < 16 * 1024, "{}", sieve.held());
        }
    }

    proptest! {
        #[test]
        fn pieces_change_nothing(
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..10),
        ) {
            let text = TEXT.as_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|at| at.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            let whole = passed(&[text], Action::Mask).expect("nothing is blocked");
            prop_assert_eq!(passed(&pieces, Action::Mask).expect("nothing is blocked"), whole);
        }
    }
}
