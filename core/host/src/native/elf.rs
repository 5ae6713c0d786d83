//! A look at a library without loading it: is it one for this machine, is it whole, does it export
//! a plugin.
//!
//! The dynamic linker maps a file before it has seen all of it, so a cut file kills the process
//! that opens it, and constructors of a foreign library run. Both are found out here, by reading.
//! Format: System V ABI, ELF-64.

/// What was found in a library.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Symbol {
    /// Name of the exported preamble.
    pub(super) name: String,
    /// Its size in bytes.
    pub(super) size: u64,
}

const ELF64_LITTLE_ENDIAN: [u8; 6] = [0x7f, b'E', b'L', b'F', 2, 1];
const SHARED_OBJECT: u16 = 3;
const LOADABLE: u32 = 1;
const DYNAMIC_SYMBOLS: u32 = 11;

#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = 62;
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = 183;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const MACHINE: u16 = 0;

const CUT: &str = "the file is cut short: copy or build it again";

/// Finds the exported symbol whose name begins with `prefix`.
///
/// # Errors
/// A sentence, when this is no complete library for this machine.
pub(super) fn find_symbol(file: &[u8], prefix: &str) -> Result<Option<Symbol>, String> {
    if !file.starts_with(&ELF64_LITTLE_ENDIAN[..4]) {
        return Err(
            "it is not a library: a native plugin is an ELF shared object (.so)".to_owned(),
        );
    }
    if !file.starts_with(&ELF64_LITTLE_ENDIAN) {
        return Err(
            "it is not a 64-bit little-endian library: build it for this machine".to_owned(),
        );
    }
    let file = File(file);
    if file.u16(16)? != SHARED_OBJECT {
        return Err(
            "it is a program or an object file: build a shared library (cdylib)".to_owned(),
        );
    }
    let machine = file.u16(18)?;
    if MACHINE != 0 && machine != MACHINE {
        return Err(format!(
            "it was built for another processor (ELF machine {machine}): build it for this one"
        ));
    }
    file.check_segments()?;
    file.search(prefix)
}

/// The bytes, read with every bound checked.
struct File<'a>(&'a [u8]);

impl<'a> File<'a> {
    fn bytes<const N: usize>(&self, at: u64) -> Result<[u8; N], String> {
        usize::try_from(at)
            .ok()
            .and_then(|at| self.0.get(at..at.checked_add(N)?))
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| CUT.to_owned())
    }

    fn u16(&self, at: u64) -> Result<u16, String> {
        self.bytes(at).map(u16::from_le_bytes)
    }

    fn u32(&self, at: u64) -> Result<u32, String> {
        self.bytes(at).map(u32::from_le_bytes)
    }

    fn u64(&self, at: u64) -> Result<u64, String> {
        self.bytes(at).map(u64::from_le_bytes)
    }

    /// Offsets of the entries of a header table, all inside the file.
    fn table(&self, at: u64, entry: u16, count: u16) -> Result<Vec<u64>, String> {
        let len = u64::from(entry) * u64::from(count);
        self.check_range(at, len)?;
        Ok((0..u64::from(count))
            .map(|i| at + i * u64::from(entry))
            .collect())
    }

    fn check_range(&self, at: u64, len: u64) -> Result<(), String> {
        match at.checked_add(len) {
            Some(end) if end <= self.0.len() as u64 => Ok(()),
            _ => Err(CUT.to_owned()),
        }
    }

    fn check_segments(&self) -> Result<(), String> {
        for header in self.table(self.u64(32)?, self.u16(54)?, self.u16(56)?)? {
            if self.u32(header)? == LOADABLE {
                self.check_range(self.u64(header + 8)?, self.u64(header + 32)?)?;
            }
        }
        Ok(())
    }

    fn search(&self, prefix: &str) -> Result<Option<Symbol>, String> {
        let sections = self.table(self.u64(40)?, self.u16(58)?, self.u16(60)?)?;
        for header in &sections {
            if self.u32(header + 4)? != DYNAMIC_SYMBOLS {
                continue;
            }
            let names = sections
                .get(self.u32(header + 40)? as usize)
                .ok_or_else(|| CUT.to_owned())?;
            let names = self.section(*names)?;
            for symbol in self.section(*header)?.chunks_exact(24) {
                let symbol = File(symbol);
                let name = name_at(names, symbol.u32(0)?);
                // Section 0 means that the symbol is wanted, not offered.
                if symbol.u16(6)? != 0 && name.starts_with(prefix.as_bytes()) {
                    return Ok(Some(Symbol {
                        name: String::from_utf8_lossy(name).into_owned(),
                        size: symbol.u64(16)?,
                    }));
                }
            }
        }
        Ok(None)
    }

    fn section(&self, header: u64) -> Result<&'a [u8], String> {
        let (at, len) = (self.u64(header + 24)?, self.u64(header + 32)?);
        self.check_range(at, len)?;
        Ok(&self.0[at as usize..(at + len) as usize])
    }
}

fn name_at(names: &[u8], at: u32) -> &[u8] {
    let rest = names.get(at as usize..).unwrap_or_default();
    rest.split(|byte| *byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_through_files_that_are_no_library() {
        let program = std::fs::read("/proc/self/exe").unwrap();
        for (bytes, expected) in [
            (&b""[..], "not a library"),
            (b"#!/bin/sh\n", "not a library"),
            (b"\x7fELF\x01\x01rest", "not a 64-bit"),
            (b"\x7fELF\x02\x01\x01", "cut short"),
            (&program[..100], "cut short"),
        ] {
            let sentence = find_symbol(bytes, "X").unwrap_err();
            assert!(sentence.contains(expected), "{sentence}");
        }
    }

    #[test]
    fn no_cut_or_flip_makes_it_panic() {
        // Position-independent programs are shared objects, so the test itself is one.
        let program = std::fs::read("/proc/self/exe").unwrap();
        let mut head = program[..4096].to_vec();
        for at in 0..64 {
            for flip in [0x01, 0x80, 0xff] {
                head[at] ^= flip;
                // Whatever it answers, it answers.
                drop(find_symbol(&head, "X"));
                head[at] ^= flip;
            }
        }
    }
}
