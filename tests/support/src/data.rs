//! Contents of files, and their checksums worked out by others than the product's own code.

use std::path::Path;
use std::time::{Duration, Instant};

use rand::{RngCore as _, SeedableRng as _};

/// Bytes that look random and are the same for the same size.
pub fn content(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    rand::rngs::StdRng::seed_from_u64(size as u64).fill_bytes(&mut bytes);
    bytes
}

/// Adler-32 as in RFC 1950, eight digits.
pub fn adler32(bytes: &[u8]) -> String {
    let (mut a, mut b) = (1_u32, 0_u32);
    // 5552 is the longest run that cannot overflow.
    for run in bytes.chunks(5552) {
        for byte in run {
            a += u32::from(*byte);
            b += a;
        }
        a %= 65521;
        b %= 65521;
    }
    format!("{:08x}", (b << 16) | a)
}

/// MD5, by the system's own program.
pub fn md5(file: &Path) -> String {
    let mut command = super::programs::clean("md5sum");
    let line = super::programs::expect(command.arg(file), Duration::from_secs(60));
    line.split_whitespace()
        .next()
        .expect("md5sum prints the sum first")
        .to_owned()
}

/// Writes a file that a server under another user may read, and replaces what is there.
pub fn put(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
}

/// Names in a directory and below, as paths relative to it, sorted; directories end in `/`.
pub fn tree(dir: &Path) -> Vec<String> {
    fn walk(dir: &Path, prefix: &str, names: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                names.push(format!("{name}/"));
                walk(&entry.path(), &format!("{name}/"), names);
            } else {
                names.push(name);
            }
        }
    }
    let mut names = Vec::new();
    walk(dir, "", &mut names);
    names.sort();
    names
}

/// Files in a directory and below.
pub fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let names = tree(dir).into_iter().filter(|name| !name.ends_with('/'));
    names.map(|name| dir.join(name)).collect()
}

/// Whether these bytes hold that part.
pub fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Waits until `what` is true; fails with its name after `limit`.
pub fn eventually(what: &str, limit: Duration, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adler32_is_that_of_the_standard() {
        assert_eq!(adler32(b""), "00000001");
        assert_eq!(adler32(b"Wikipedia"), "11e60398");
        assert_eq!(content(100), content(100));
    }
}
