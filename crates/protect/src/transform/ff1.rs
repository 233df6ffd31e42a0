//! FF1 (NIST SP 800-38G): encryption within the strings of one length over one alphabet.
//!
//! Strings whose halves fit into 64 bits (up to 38 digits, 20 letters or digits) are enciphered
//! here, with whole numbers; longer ones by the crate `fpe`. Tests hold both to each other and to
//! the samples that NIST published.
//!
//! Invariant: a string with fewer than 10^6 siblings is refused, as revision 1 of the
//! recommendation asks; whoever can try them all needs no key.

use super::Error;
use aes::Aes256;
use aes::cipher::consts::U16;
use aes::cipher::{Block, BlockCipherEncrypt, KeyInit};
use fpe::ff1::{FF1, FlexibleNumeralString};
use model::Secret;

/// Fewest strings of a domain (SP 800-38G Rev. 1, section 5.1).
pub(crate) const DOMAIN_MIN: u64 = 1_000_000;
/// Longest string, in numerals. The recommendation allows 2^32; nobody's number is so long, and
/// time grows with the square.
const NUMERALS_MAX: usize = 512;
/// Rounds of the Feistel network.
const ROUNDS: u8 = 10;
const BLOCK: usize = 16;

/// Which way a cipher runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the value to what stands for it.
    Protect,
    /// Back to the value.
    Undo,
}

/// AES-256 in FF1, with one key.
pub(crate) struct Ff1 {
    cipher: Aes256,
    key: Secret<[u8; 32]>,
}

/// A domain: strings of `count` numerals, each below `radix`.
struct Domain {
    radix: u32,
    count: usize,
    /// `radix` to the power of the left and of the right half's length.
    left: u64,
    right: u64,
    /// Bytes of the right half as a number: `b` of the recommendation.
    bytes: usize,
}

impl Domain {
    /// Nothing if a half has more than 64 bits.
    fn small(radix: u32, count: usize) -> Option<Self> {
        let u = count / 2;
        let power = |count: usize| u64::from(radix).checked_pow(u32::try_from(count).ok()?);
        let (left, right) = (power(u)?, power(count - u)?);
        let bits = u64::BITS - (right - 1).leading_zeros();
        Some(Self { radix, count, left, right, bytes: bits.div_ceil(8) as usize })
    }
}

/// Whether strings of `count` numerals below `radix` are too few.
fn below_floor(radix: u32, count: usize) -> bool {
    let mut size = 1_u64;
    for _ in 0..count {
        size = size.saturating_mul(u64::from(radix));
        if size >= DOMAIN_MIN {
            return false;
        }
    }
    true
}

/// How many numerals below `radix` are enough.
pub(crate) fn count_min(radix: u32) -> usize {
    (2..=20).find(|count| !below_floor(radix, *count)).unwrap_or(20)
}

impl Ff1 {
    pub(crate) fn new(key: &Secret<[u8; 32]>) -> Self {
        Self { cipher: Aes256::new(key.expose().into()), key: key.clone() }
    }

    /// Enciphers or deciphers `numerals` in place.
    ///
    /// # Errors
    /// [`Error::TooFew`] below the floor, [`Error::TooLong`] above 512 numerals.
    pub(crate) fn run(
        &self,
        way: Way,
        radix: u32,
        tweak: &[u8],
        numerals: &mut [u16],
    ) -> Result<(), Error> {
        if numerals.len() < 2 || below_floor(radix, numerals.len()) {
            return Err(Error::TooFew { count: numerals.len(), needs: count_min(radix) });
        }
        if numerals.len() > NUMERALS_MAX || tweak.len() > u16::MAX as usize {
            return Err(Error::TooLong { max: NUMERALS_MAX });
        }
        match Domain::small(radix, numerals.len()) {
            Some(domain) => small(&self.cipher, way, &domain, tweak, numerals),
            None => large(&self.key, way, radix, tweak, numerals)?,
        }
        Ok(())
    }
}

/// With whole numbers.
fn small<C: BlockCipherEncrypt<BlockSize = U16>>(
    cipher: &C,
    way: Way,
    domain: &Domain,
    tweak: &[u8],
    numerals: &mut [u16],
) {
    let prf = Prefix::new(cipher, domain, tweak);
    let (left, right) = numerals.split_at_mut(domain.count / 2);
    let (mut a, mut b) = (number(left, domain.radix), number(right, domain.radix));
    let modulus = |round: u8| if round.is_multiple_of(2) { domain.left } else { domain.right };
    match way {
        Way::Protect => {
            for round in 0..ROUNDS {
                let by = modulus(round);
                (a, b) = (b, add(a, prf.round(round, b, domain.bytes, by), by));
            }
        }
        Way::Undo => {
            for round in (0..ROUNDS).rev() {
                let by = modulus(round);
                (a, b) = (add(b, by - prf.round(round, a, domain.bytes, by), by), a);
            }
        }
    }
    write(a, domain.radix, left);
    write(b, domain.radix, right);
}

/// With numbers of any size.
fn large(
    key: &Secret<[u8; 32]>,
    way: Way,
    radix: u32,
    tweak: &[u8],
    numerals: &mut [u16],
) -> Result<(), Error> {
    let whole = FlexibleNumeralString::from(numerals.to_vec());
    let cipher = FF1::<Aes256>::new(key.expose(), radix).map_err(|_| Error::Alphabet)?;
    let made = match way {
        Way::Protect => cipher.encrypt(tweak, &whole),
        Way::Undo => cipher.decrypt(tweak, &whole),
    };
    let made = Vec::<u16>::from(made.map_err(|_| Error::Alphabet)?);
    numerals.iter_mut().zip(made).for_each(|(to, from)| *to = from);
    Ok(())
}

/// `a + b` below `by`, where both are at most `by`.
fn add(a: u64, b: u64, by: u64) -> u64 {
    let sum = u128::from(a) + u128::from(b);
    let by = u128::from(by);
    (if sum >= by { sum - by } else { sum }) as u64
}

fn number(numerals: &[u16], radix: u32) -> u64 {
    numerals.iter().fold(0, |sum, numeral| sum * u64::from(radix) + u64::from(*numeral))
}

fn write(mut number: u64, radix: u32, numerals: &mut [u16]) {
    for numeral in numerals.iter_mut().rev() {
        *numeral = (number % u64::from(radix)) as u16;
        number /= u64::from(radix);
    }
}

/// The PRF over everything that is the same in each round: `P || T || zeros`, but for the last
/// block, which ends with the round and the number.
struct Prefix<'a, C> {
    cipher: &'a C,
    state: [u8; BLOCK],
    last: [u8; BLOCK],
}

impl<'a, C: BlockCipherEncrypt<BlockSize = U16>> Prefix<'a, C> {
    fn new(cipher: &'a C, domain: &Domain, tweak: &[u8]) -> Self {
        let mut all = Self { cipher, state: [0; BLOCK], last: [0; BLOCK] };
        let mut head = [1, 2, 1, 0, 0, 0, 10, (domain.count / 2) as u8, 0, 0, 0, 0, 0, 0, 0, 0];
        head[3..6].copy_from_slice(&domain.radix.to_be_bytes()[1..]);
        head[8..12].copy_from_slice(&(domain.count as u32).to_be_bytes());
        head[12..16].copy_from_slice(&(tweak.len() as u32).to_be_bytes());
        all.absorb(&head);
        // What stands before the round's number in the last block belongs to tweak and padding.
        let mut rest = tweak;
        while rest.len() + domain.bytes + 1 > BLOCK {
            let (block, behind) = rest.split_at(rest.len().min(BLOCK));
            let mut padded = [0; BLOCK];
            padded[..block.len()].copy_from_slice(block);
            all.absorb(&padded);
            rest = behind;
        }
        all.last[..rest.len()].copy_from_slice(rest);
        all
    }

    fn absorb(&mut self, block: &[u8; BLOCK]) {
        self.state = encrypt(self.cipher, xor(&self.state, block));
    }

    /// The first `4 * ceil(bytes / 4) + 4` bytes of the PRF, as a number, below `by`. With at most
    /// eight bytes that is at most twelve: one block of output.
    fn round(&self, round: u8, number: u64, bytes: usize, by: u64) -> u64 {
        let mut block = self.last;
        block[BLOCK - bytes - 1] = round;
        block[BLOCK - bytes..].copy_from_slice(&number.to_be_bytes()[8 - bytes..]);
        let out = u128::from_be_bytes(encrypt(self.cipher, xor(&self.state, &block)));
        let y = out >> (8 * (BLOCK - (4 * bytes.div_ceil(4) + 4)));
        // A division of 64 bits is much quicker than one of 128.
        match u64::try_from(y) {
            Ok(y) => y % by,
            Err(_) => (y % u128::from(by)) as u64,
        }
    }
}

fn xor(a: &[u8; BLOCK], b: &[u8; BLOCK]) -> [u8; BLOCK] {
    (u128::from_ne_bytes(*a) ^ u128::from_ne_bytes(*b)).to_ne_bytes()
}

fn encrypt<C>(cipher: &C, block: [u8; BLOCK]) -> [u8; BLOCK]
where
    C: BlockCipherEncrypt<BlockSize = U16>,
{
    let mut block = Block::<C>::from(block);
    cipher.encrypt_block(&mut block);
    block.into()
}

#[cfg(test)]
mod tests;
