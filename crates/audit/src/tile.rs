//! The geometry of tiles (<https://c2sp.org/tlog-tiles>): which there are for a size, how wide,
//! and under which path each is found.

use crate::hash::{HASH_BYTES, Hash, Peaks};
use ports::ledger::{TILE_WIDTH, Tile};

/// Bits of an index that lie within one tile.
const HEIGHT: u32 = TILE_WIDTH.trailing_zeros();

/// Where a tile is: its level and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct At {
    pub(crate) level: u8,
    pub(crate) index: u64,
}

impl From<&Tile> for At {
    fn from(tile: &Tile) -> Self {
        Self { level: tile.level, index: tile.index }
    }
}

/// How many hashes stand at every level of a tree of `size` leaves, lowest first: one per leaf,
/// then one per full tile of the level below.
pub(crate) fn hashes_by_level(size: u64) -> impl Iterator<Item = (u8, u64)> {
    let counts = std::iter::successors(Some(size), |count| Some(count >> HEIGHT));
    (0u8..).zip(counts.take_while(|count| *count > 0))
}

/// The tile at each level's end that is not full, lowest level first, with its width.
pub(crate) fn partial(size: u64) -> impl Iterator<Item = (At, u64)> {
    hashes_by_level(size).filter_map(|(level, count)| {
        let width = count % TILE_WIDTH;
        (width > 0).then_some((At { level, index: count / TILE_WIDTH }, width))
    })
}

/// Every tile of a tree of `size` leaves with its width, by level and index.
pub(crate) fn all(size: u64) -> impl Iterator<Item = (At, u64)> {
    hashes_by_level(size).flat_map(|(level, count)| {
        (0..count.div_ceil(TILE_WIDTH))
            .map(move |index| (At { level, index }, TILE_WIDTH.min(count - index * TILE_WIDTH)))
    })
}

/// The hashes in a tile's bytes. Bytes that are too few for a hash are left out.
pub(crate) fn hashes(bytes: &[u8]) -> impl Iterator<Item = Hash> {
    bytes.as_chunks::<HASH_BYTES>().0.iter().copied()
}

/// The hash at a place within a tile.
pub(crate) fn hash_at(bytes: &[u8], place: u64) -> Option<Hash> {
    bytes.as_chunks::<HASH_BYTES>().0.get(usize::try_from(place).ok()?).copied()
}

/// The root of the tree whose right edge these partial tiles are, lowest level first. `None` if
/// there are none.
pub(crate) fn root<'a>(edge: impl IntoIterator<Item = &'a [u8]>) -> Option<Hash> {
    // What is not yet in a full tile hangs to the right of what the level above holds.
    edge.into_iter().fold(None, |right, bytes| Peaks::over(hashes(bytes)).root(right))
}

/// The path of a numbered resource: three digits per element, `x` before all but the last, and
/// `.p/WIDTH` if it is partial.
pub(crate) fn path(prefix: &str, index: u64, width: u64) -> String {
    let mut groups = vec![format!("{:03}", index % 1000)];
    let mut rest = index / 1000;
    while rest > 0 {
        groups.push(format!("x{:03}", rest % 1000));
        rest /= 1000;
    }
    groups.reverse();
    let number = groups.join("/");
    match width {
        TILE_WIDTH.. => format!("{prefix}/{number}"),
        _ => format!("{prefix}/{number}.p/{width}"),
    }
}

/// Reads what [`path`] wrote, without the prefix and the slash behind it: index and width.
pub(crate) fn parse_path(prefix: &str, text: &str) -> Option<(u64, u64)> {
    let (number, width) = match text.split_once(".p/") {
        Some((number, width)) => (number, width.parse().ok()?),
        None => (text, TILE_WIDTH),
    };
    let mut index = 0u64;
    for group in number.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        index = index.checked_mul(1000)?.checked_add(digits.parse::<u16>().ok()?.into())?;
    }
    // Only one text says a number: what does not come out again the same is refused.
    let same = width > 0 && path(prefix, index, width).strip_prefix(prefix)?.get(1..)? == text;
    same.then_some((index, width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_tree_of_70_000_has_the_tiles_that_the_document_names() {
        let tiles: Vec<_> = all(70_000).collect();
        let at = |level, index| At { level, index };
        assert_eq!(tiles.iter().filter(|(at, _)| at.level == 0).count(), 274);
        for expected in
            [(at(0, 272), 256), (at(0, 273), 112), (at(1, 0), 256), (at(1, 1), 17), (at(2, 0), 1)]
        {
            assert!(tiles.contains(&expected), "{expected:?}");
        }
        assert_eq!(tiles.len(), 274 + 2 + 1);
        let edge: Vec<_> = partial(70_000).collect();
        assert_eq!(edge, [(at(0, 273), 112), (at(1, 1), 17), (at(2, 0), 1)]);
    }

    #[test]
    fn a_tree_of_256_has_one_full_tile_and_one_above() {
        let tiles: Vec<_> = all(256).map(|(at, width)| (at.level, at.index, width)).collect();
        assert_eq!(tiles, [(0, 0, 256), (1, 0, 1)]);
        assert_eq!(all(0).count(), 0);
        assert_eq!(hashes_by_level(u64::MAX).count(), 8);
    }

    #[test]
    fn paths_have_the_documented_form() {
        assert_eq!(path("tile/0", 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(path("tile/1", 67, 8), "tile/1/067.p/8");
        assert_eq!(path("tile/entries", 1000, 255), "tile/entries/x001/000.p/255");
    }

    #[test]
    fn other_ways_to_write_a_number_are_refused() {
        for text in [
            "",
            "/",
            "0",
            "00",
            "0000",
            "x000/001",
            "001/002",
            "x001",
            "x1/000",
            "001/",
            "/001",
            "x001//001",
            "001.p/",
            "001.p/0",
            "001.p/256",
            "001.p/01",
            "001.p/+1",
            "001.p/1/",
            "001.p",
            "..",
            "x00a/000",
            "+01",
            "x018/x446/x744/x073/x709/x551/616",
        ] {
            assert_eq!(parse_path("tile/0", text), None, "{text:?}");
        }
        assert_eq!(
            parse_path("tile/0", "x018/x446/x744/x073/x709/x551/615"),
            Some((u64::MAX, 256))
        );
    }

    proptest! {
        #[test]
        fn the_edge_is_the_one_that_stores_read(size: u64) {
            let ours: Vec<_> =
                partial(size).map(|(at, width)| (at.level, at.index, width as usize)).collect();
            prop_assert_eq!(ours, ports::ledger::partial_tiles(size));
        }

        #[test]
        fn paths_are_read_back_and_equal_the_other_implementation(
            index in 0u64..1 << 40, level in 0u8..64, width in 1u32..=256,
        ) {
            let prefix = format!("tile/{level}");
            let ours = path(&prefix, index, width.into());
            // The other implementation writes the height too, as Go's checksum database does.
            let theirs = tlog_tiles::Tile::new(8, level, index, width, false).path();
            prop_assert_eq!(theirs, ours.replacen("tile/", "tile/8/", 1));
            let text = &ours[prefix.len() + 1..];
            prop_assert_eq!(parse_path(&prefix, text), Some((index, width.into())));
        }

        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text: String) {
            let _ = parse_path("tile/0", &text);
        }
    }
}
