//! Numbers that are the same in every run.

/// A generator (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A number from `from` to `to`.
    pub(crate) fn within(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let count = u64::try_from(of.len()).expect("small");
        of[usize::try_from(self.below(count)).expect("small")]
    }

    /// So many characters of an alphabet.
    pub(crate) fn text(&mut self, alphabet: &str, count: usize) -> String {
        let bytes = alphabet.as_bytes();
        (0..count).map(|_| char::from(self.pick(bytes))).collect()
    }

    pub(crate) fn digits(&mut self, count: usize) -> String {
        self.text("0123456789", count)
    }

    pub(crate) fn hex(&mut self, count: usize) -> String {
        self.text("0123456789abcdef", count)
    }

    pub(crate) fn alnum(&mut self, count: usize) -> String {
        self.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", count)
    }

    pub(crate) fn uuid(&mut self) -> String {
        let parts = [8, 4, 4, 4, 12].map(|count| self.hex(count));
        parts.join("-")
    }
}
