//! Checksums of pieces, and of the whole from them.

use causeway_sdk::checksum::adler32_combine;
use causeway_sdk::{Algorithm, Checksum, Hasher};

use crate::resume_track::{Piece, Track, bytes_of};

/// Sums up bytes that come in order, piece by piece.
pub(crate) struct Summing<'a> {
    track: &'a Track,
    at: u64,
    hasher: Hasher,
}

impl<'a> Summing<'a> {
    /// From the beginning of a piece on.
    pub(crate) fn from(track: &'a Track, start: u64) -> Self {
        Self {
            track,
            at: start,
            hasher: Algorithm::Adler32.hasher(),
        }
    }

    /// Takes bytes; gives back the pieces that end in them.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) -> Vec<Piece> {
        let mut ended = Vec::new();
        while !bytes.is_empty() {
            let index = self.at / self.track.range();
            let piece = bytes_of(&self.track.header, index);
            let left = piece.end.saturating_sub(self.at);
            let (now, later) = bytes.split_at(bytes.len().min(left as usize));
            if now.is_empty() {
                // Behind the end of the file, which whoever counts the bytes will see.
                return ended;
            }
            self.hasher.update(now);
            self.at += now.len() as u64;
            bytes = later;
            if self.at == piece.end {
                let hasher = std::mem::replace(&mut self.hasher, Algorithm::Adler32.hasher());
                ended.push(Piece {
                    index,
                    adler: value(&hasher.finish()),
                    len: piece.end - piece.start,
                });
            }
        }
        ended
    }
}

/// The number that an Adler-32 is.
pub(crate) fn value(sum: &Checksum) -> u32 {
    u32::from_str_radix(&sum.hex, 16).expect("our own hasher writes eight hexadecimal digits")
}

/// An Adler-32 from its number.
pub(crate) fn adler(value: u32) -> Checksum {
    Checksum::new(Algorithm::Adler32, format!("{value:08x}"))
}

/// The checksum of a file from those of all its pieces.
pub(crate) fn combine(mut pieces: Vec<Piece>) -> Checksum {
    pieces.sort_unstable_by_key(|it| it.index);
    // 1 is the sum of nothing.
    adler(
        pieces
            .iter()
            .fold(1, |sum, it| adler32_combine(sum, it.adler, it.len)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resume_track::tests::track;

    fn sum(bytes: &[u8]) -> Checksum {
        let mut hasher = Algorithm::Adler32.hasher();
        hasher.update(bytes);
        hasher.finish()
    }

    #[test]
    fn pieces_add_up_however_the_bytes_are_cut() {
        let data: Vec<u8> = (0..10_000_u32).map(|i| (i * 7) as u8).collect();
        for chunk in [1, 999, 3000, 20_000] {
            let track = track(10_000, 3000, &[]);
            let mut summing = Summing::from(&track, 0);
            let mut pieces: Vec<Piece> = data
                .chunks(chunk)
                .flat_map(|bytes| summing.take(bytes))
                .collect();
            assert_eq!(pieces.len(), 4);
            assert_eq!(adler(pieces[1].adler), sum(&data[3000..6000]));
            pieces.reverse();
            assert_eq!(combine(pieces), sum(&data));
        }
    }

    #[test]
    fn bytes_behind_the_end_are_no_piece() {
        let track = track(100, 60, &[]);
        let mut summing = Summing::from(&track, 60);
        assert_eq!(summing.take(&[0; 45]).len(), 1);
        assert!(summing.take(&[0; 500]).is_empty());
    }
}
