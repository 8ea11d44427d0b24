//! Lines out of pieces of a body.

use crate::Error;

/// What of the last line has come.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<u8>);

impl Lines {
    /// Hands each line that is whole now to `each`.
    pub(super) fn feed(&mut self, piece: &[u8], mut each: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            rest = after.strip_prefix(b"\n").unwrap_or(after);
            if self.0.is_empty() {
                each(line)?;
            } else {
                self.0.extend_from_slice(line);
                each(&self.0)?;
                self.0.clear();
            }
        }
        self.0.extend_from_slice(rest);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_the_body_is_cut() {
        let body = b"one\ntwo\nthree\n";
        for cut in 0..=body.len() {
            let (mut lines, mut found) = (Lines::default(), Vec::new());
            let (begin, end) = body.split_at(cut);
            for piece in [begin, end] {
                lines
                    .feed(piece, |line| {
                        found.push(String::from_utf8_lossy(line).into_owned());
                        Ok(())
                    })
                    .unwrap();
            }
            assert_eq!(found, ["one", "two", "three"], "cut at {cut}");
        }
    }
}
