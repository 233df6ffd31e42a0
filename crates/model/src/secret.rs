//! Two wrappers that make the type system remember what a value is.

use std::fmt;
use zeroize::Zeroize;

/// A value that must never be printed, logged or serialized, and is wiped when dropped.
///
/// It implements neither `Serialize` nor `Display`, and `Debug` prints a placeholder.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes the value in.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Every call is a place to look at in a review.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// A value that came from outside and that nobody has checked yet.
///
/// Only the stage that checks or hands it on unread takes it out.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Untrusted<T>(T);

impl<T> Untrusted<T> {
    /// Marks a value as coming from outside.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Takes the value out, to check it or to hand it on unread.
    pub fn into_unchecked(self) -> T {
        self.0
    }

    /// Looks at the value, to check it.
    pub fn unchecked(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Untrusted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[untrusted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_secrets_nor_foreign_text() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".to_owned())), "[secret]");
        assert_eq!(format!("{:?}", Untrusted::new("\x1b[31m")), "[untrusted]");
    }
}
