//! Turns a sensitive value into one that may be seen, and back where that is possible.
//!
//! A [`Recipe`] says what is done with the values of one class, and [`Recipe::bind`] gives it
//! keys. The keys come from outside, one set for each class of each tenant; nothing here derives
//! any.
//!
//! Invariant: no error quotes a value.

mod alphabet;
mod card;
mod email;
mod error;
mod ff1;
mod general;
mod hash;
mod keys;
mod luhn;
mod mask;
mod name;
mod phone;
mod recipe;
mod shape;
mod subject;
mod token;
mod work;

pub use alphabet::Alphabet;
pub use error::Error;
pub use ff1::Way;
pub use keys::ClassKeys;
pub use luhn::is_luhn;
pub use name::{Mode, Names};
pub use recipe::{Kind, Recipe, Wrong};
pub use token::{Token, is_token};
pub use work::{Value, Work};
