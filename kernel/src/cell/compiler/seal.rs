//! The end of each file of the cache: a checksum of what is before it, by which a file that a disk or a person has
//! damaged is told from a whole one. The loader and the compiler take no notice of it: to them, a library is what its
//! header says.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// What a seal begins with.
const MARK: &[u8; 8] = b"assay.1\n";
const LENGTH: usize = MARK.len() + 8;

/// Seals a file that is there already.
pub(super) fn close(path: &Path) -> io::Result<()> {
    let content = fs::read(path)?;
    File::options().append(true).open(path)?.write_all(&seal(&content))
}

/// Writes a file with its seal.
pub(super) fn add(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.write_all(&seal(content))
}

/// What is before the seal; `None` where the file is not there or not whole.
pub(super) fn read(path: &Path) -> Option<Vec<u8>> {
    let mut content = fs::read(path).ok()?;
    let at = content.len().checked_sub(LENGTH)?;
    if content[at..] != seal(&content[..at]) {
        return None;
    }
    content.truncate(at);
    Some(content)
}

fn seal(content: &[u8]) -> [u8; LENGTH] {
    let mut seal = [0; LENGTH];
    seal[..MARK.len()].copy_from_slice(MARK);
    seal[MARK.len()..].copy_from_slice(&checksum(content).to_le_bytes());
    seal
}

/// Against accidents, not against attackers, who would write the checksum too: 5 GB/s.
fn checksum(content: &[u8]) -> u64 {
    let mix = |sum: u64, word: u64| (sum.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut words = content.chunks_exact(8);
    let sum = words
        .by_ref()
        .fold(content.len() as u64, |sum, word| mix(sum, u64::from_le_bytes(word.try_into().unwrap_or_default())));
    words.remainder().iter().fold(sum, |sum, byte| mix(sum, u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::{add, close, read};

    #[test]
    fn any_damage_is_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let content: Vec<u8> = (0..1000_u32).map(|it| (it % 251) as u8).collect();
        std::fs::write(&path, &content).expect("a file");
        assert_eq!(read(&path), None);
        close(&path).expect("a file");
        assert_eq!(read(&path).as_ref(), Some(&content));
        let whole = std::fs::read(&path).expect("a file");
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).expect("a file");
            assert_eq!(read(&path), None, "{length} bytes");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            std::fs::write(&path, damaged).expect("a file");
            assert_eq!(read(&path), None, "byte {at}");
        }
        add(&path, b"").expect("a file");
        assert_eq!(read(&path), Some(Vec::new()));
    }
}
