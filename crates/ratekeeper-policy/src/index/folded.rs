//! Text in one case, without an allocation.

/// The last `MOST` bytes of a text, folded.
pub(super) struct Folded<const MOST: usize> {
    room: [u8; MOST],
    length: usize,
}

impl<const MOST: usize> Folded<MOST> {
    pub(super) fn lower(text: &[u8]) -> Self {
        Self::new(text, <[u8]>::make_ascii_lowercase)
    }

    pub(super) fn upper(text: &[u8]) -> Self {
        Self::new(text, <[u8]>::make_ascii_uppercase)
    }

    fn new(text: &[u8], fold: fn(&mut [u8])) -> Self {
        let end = &text[text.len().saturating_sub(MOST)..];
        let mut folded = Self { room: [0; MOST], length: end.len() };
        let room = &mut folded.room[..end.len()];
        room.copy_from_slice(end);
        fold(room);
        folded
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.room[..self.length]
    }
}
