//! Screens at the starts of blocks, compressed, in bounded memory.

use std::collections::BTreeMap;

/// More is not held: each second one is dropped then, and a seek takes up to twice as long.
const HELD_BYTES: usize = 48 << 20;

/// A keyframe compresses to a third at a level that costs nothing beside emulating a block.
const LEVEL: i32 = 1;

/// The largest screen takes about so much; no keyframe is longer.
pub(crate) const KEYFRAME_LIMIT: usize = 16 << 20;

/// Keyframes by the number of the block that they are the start of.
#[derive(Debug, Default)]
pub(crate) struct Keyframes {
    held: BTreeMap<usize, Box<[u8]>>,
    bytes: usize,
}

impl Keyframes {
    /// Adds a keyframe; one that cannot be compressed is left out.
    pub(crate) fn add(&mut self, block: usize, keyframe: &[u8]) {
        if let Ok(packed) = zstd::bulk::compress(keyframe, LEVEL) {
            self.add_packed(block, packed.into());
        }
    }

    pub(crate) fn add_packed(&mut self, block: usize, packed: Box<[u8]>) {
        self.bytes += packed.len();
        if let Some(before) = self.held.insert(block, packed) {
            self.bytes -= before.len();
        }
        while self.bytes > HELD_BYTES && self.held.len() > 1 {
            let mut is_kept = false;
            self.held.retain(|_, _| {
                is_kept = !is_kept;
                is_kept
            });
            self.bytes = self.held.values().map(|packed| packed.len()).sum();
        }
    }

    /// All, compressed, by block.
    pub(crate) fn packed(&self) -> impl ExactSizeIterator<Item = (usize, &[u8])> {
        self.held.iter().map(|(&block, packed)| (block, &**packed))
    }

    /// The last one that is not behind this block, and not before that one.
    pub(crate) fn nearest(&self, from: usize, to: usize) -> Option<usize> {
        if from > to {
            return None;
        }
        self.held.range(from..=to).next_back().map(|(&block, _)| block)
    }

    pub(crate) fn get(&self, block: usize) -> Option<Vec<u8>> {
        zstd::bulk::decompress(self.held.get(&block)?, KEYFRAME_LIMIT).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_what_is_kept_is_spread() {
        let mut keyframes = Keyframes::default();
        let noise: Vec<u8> =
            (0..1_u64 << 20).map(|byte| (byte.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect();
        for block in 0..200 {
            let mut keyframe = noise.clone();
            keyframe.rotate_left(block);
            keyframes.add(block, &keyframe);
            assert!(keyframes.bytes <= HELD_BYTES);
        }
        assert_eq!(keyframes.bytes, keyframes.held.values().map(|packed| packed.len()).sum::<usize>());
        let gaps = keyframes.held.keys().zip(keyframes.held.keys().skip(1)).map(|(one, next)| next - one);
        assert!(gaps.max() <= Some(16), "{:?}", keyframes.held.keys());
        let nearest = keyframes.nearest(0, 150).unwrap();
        assert_eq!(keyframes.get(nearest).unwrap()[0], noise[nearest]);
    }
}
