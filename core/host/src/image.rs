//! Which plugin code in memory belongs to: the libraries that came into the process with it.
//!
//! A thread that a plugin started works under no mark of ours. When it ends the process, its stack
//! still says whose it is: there are addresses of the plugin's code on it. They are looked for in the
//! handler of a fatal signal, so nothing here allocates or locks once the plugins are loaded, and
//! the stack is read by a system call that cannot fault.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::culprit::Name;

/// Pieces of code that can be told apart; what comes when all rows are taken stays nameless.
const ROWS: usize = 512;
/// Words of a stack that are read at a time. Small: a handler has little stack of its own.
const WORDS: usize = 64;
/// So often at most, which is 256 KiB.
const READS: usize = 512;

/// A piece of code and whose it is.
struct Row {
    start: AtomicUsize,
    end: AtomicUsize,
    plugin: AtomicPtr<Name>,
    /// The plugin's own library, not one that it brought along and others may use, too.
    own: AtomicBool,
}

static ALL: [Row; ROWS] = [const {
    Row {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        plugin: AtomicPtr::new(std::ptr::null_mut()),
        own: AtomicBool::new(false),
    }
}; ROWS];
/// Rows that are filled; they never change again.
static FILLED: AtomicUsize = AtomicUsize::new(0);
/// Held by whoever fills rows.
static FILLING: Mutex<()> = Mutex::new(());

/// A piece of code of a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    /// Number of its library, in the order in which they were opened.
    library: usize,
    start: usize,
    end: usize,
}

/// The code that is mapped at one moment.
pub(crate) struct Code(Vec<Piece>);

impl Code {
    /// The code that is mapped now.
    pub(crate) fn now() -> Self {
        let mut found = Found::default();
        // SAFETY: the callback has the signature that is asked for, and gets what it expects:
        // `found` lives until the call returns.
        unsafe { libc::dl_iterate_phdr(Some(note), (&raw mut found).cast()) };
        Self(found.pieces)
    }

    /// What was mapped since then belongs to a plugin.
    pub(crate) fn rest_belongs_to(&self, plugin: &'static Name) {
        let known = |piece: &Piece| self.0.iter().any(|it| it.start == piece.start);
        let now = Self::now().0;
        let new = now.into_iter().filter(|it| !known(it));
        fill(new, plugin);
    }
}

#[derive(Default)]
struct Found {
    pieces: Vec<Piece>,
    libraries: usize,
}

unsafe extern "C" fn note(
    info: *mut libc::dl_phdr_info,
    _size: libc::size_t,
    found: *mut libc::c_void,
) -> libc::c_int {
    // SAFETY: the linker lends a valid description for the length of this call.
    let info = unsafe { &*info };
    // SAFETY: `Code::now` passed a `Found` that nobody else uses meanwhile.
    let found = unsafe { &mut *found.cast::<Found>() };
    found.libraries += 1;
    if info.dlpi_phdr.is_null() {
        return 0;
    }
    // SAFETY: the linker vouches for pointer and number.
    let headers =
        unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    let is_code =
        |it: &&libc::Elf64_Phdr| it.p_type == libc::PT_LOAD && it.p_flags & libc::PF_X != 0;
    for header in headers.iter().filter(is_code) {
        let start = info.dlpi_addr.wrapping_add(header.p_vaddr) as usize;
        found.pieces.push(Piece {
            library: found.libraries,
            start,
            end: start.saturating_add(header.p_memsz as usize),
        });
    }
    0
}

fn fill(pieces: impl Iterator<Item = Piece>, plugin: &'static Name) {
    let _filling = FILLING.lock();
    let mut first = None;
    for piece in pieces {
        let filled = FILLED.load(Ordering::Relaxed);
        let Some(row) = ALL.get(filled) else {
            return;
        };
        // The linker opens what was asked for before what that needs.
        let own = *first.get_or_insert(piece.library) == piece.library;
        row.start.store(piece.start, Ordering::Relaxed);
        row.end.store(piece.end, Ordering::Relaxed);
        row.own.store(own, Ordering::Relaxed);
        row.plugin
            .store(std::ptr::from_ref(plugin).cast_mut(), Ordering::Relaxed);
        FILLED.store(filled + 1, Ordering::Release);
    }
}

/// Whose code is at an address, and whether it is in the plugin's own library.
fn owner(address: usize) -> Option<(&'static Name, bool)> {
    let filled = FILLED.load(Ordering::Acquire).min(ROWS);
    let holds = |row: &&Row| {
        let from = row.start.load(Ordering::Relaxed);
        (from..row.end.load(Ordering::Relaxed)).contains(&address)
    };
    let row = ALL[..filled].iter().find(holds)?;
    // SAFETY: only `fill` stores here, a name that was leaked and is never changed, before it
    // counts the row as filled.
    let name = unsafe { row.plugin.load(Ordering::Relaxed).as_ref() }?;
    Some((name, row.own.load(Ordering::Relaxed)))
}

/// The plugin whose thread this is, by what it runs and what is on its stack. The plugin's own code
/// counts more than libraries it brought along: those may be at work for another.
pub(crate) fn whose_thread(pc: usize, sp: usize) -> Option<&'static Name> {
    let mut guest = None;
    let mut own = |address| {
        let (name, own) = owner(address)?;
        guest = guest.or(Some(name));
        own.then_some(name)
    };
    if let Some(name) = own(pc) {
        return Some(name);
    }
    let mut words = [0_usize; WORDS];
    let step = size_of_val(&words);
    // What is read at a time does not cross a page.
    let mut at = sp - sp % step;
    for _ in 0..READS {
        let read = peek(at, &mut words);
        let places = words[..read].iter().enumerate();
        // Below the pointer is what has returned.
        let mut live = places.filter(|(index, _)| at + index * size_of::<usize>() >= sp);
        if let Some(name) = live.find_map(|(_, word)| own(*word)) {
            return Some(name);
        }
        if read < WORDS {
            break;
        }
        at = at.saturating_add(step);
    }
    guest
}

/// Reads words of the own memory, as many as there are.
fn peek(at: usize, into: &mut [usize; WORDS]) -> usize {
    let here = libc::iovec {
        iov_base: into.as_mut_ptr().cast(),
        iov_len: size_of_val(into),
    };
    let there = libc::iovec {
        iov_base: std::ptr::without_provenance_mut(at),
        iov_len: size_of_val(into),
    };
    // SAFETY: the kernel writes to `into` and nowhere else; what cannot be read is an error and
    // no fault.
    let read = unsafe {
        libc::process_vm_readv(libc::getpid(), &raw const here, 1, &raw const there, 1, 0)
    };
    usize::try_from(read).unwrap_or(0) / size_of::<usize>()
}

/// Where a thread was, and its stack, when a signal came.
///
/// # Safety
/// The context is one that the kernel handed to a handler, or null.
pub(crate) unsafe fn place(context: *mut libc::c_void) -> (usize, usize) {
    let context = context.cast::<libc::ucontext_t>();
    // SAFETY: the caller vouches for it.
    let Some(context) = (unsafe { context.as_ref() }) else {
        return (0, 0);
    };
    let (pc, sp) = registers(&context.uc_mcontext);
    (pc as usize, sp as usize)
}

#[cfg(target_arch = "x86_64")]
fn registers(machine: &libc::mcontext_t) -> (u64, u64) {
    let register = |number: i32| machine.gregs[number as usize].cast_unsigned();
    (register(libc::REG_RIP), register(libc::REG_RSP))
}

#[cfg(target_arch = "aarch64")]
fn registers(machine: &libc::mcontext_t) -> (u64, u64) {
    (machine.pc, machine.sp)
}

/// Elsewhere a crash on a thread of a plugin's own has no name.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn registers(_machine: &libc::mcontext_t) -> (u64, u64) {
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn deeper(depth: u32) -> Option<&'static str> {
        if depth > 0 {
            return std::hint::black_box(deeper(depth - 1));
        }
        let here = 0_usize;
        let sp = std::ptr::from_ref(std::hint::black_box(&here)).addr();
        whose_thread(0, sp).map(Name::text)
    }

    #[test]
    fn a_stack_says_whose_thread_it_is() {
        let code = deeper as fn(u32) -> Option<&'static str> as usize;
        assert_eq!(deeper(3), None);
        // The test program plays the part of a plugin.
        let mine = Code::now().0;
        let mine = mine.iter().filter(|it| (it.start..it.end).contains(&code));
        let mine: Vec<Piece> = mine.copied().collect();
        assert_eq!(mine.len(), 1);
        fill(mine.iter().copied(), Name::leaked("tested"));
        assert_eq!(deeper(3), Some("tested"));
        assert_eq!(whose_thread(code, 8).map(Name::text), Some("tested"));
        // Nothing can be read there, and nothing happens.
        assert!(whose_thread(0, 8).is_none() && whose_thread(0, usize::MAX - 7).is_none());
        let filled = FILLED.load(Ordering::Relaxed);
        Code::now().rest_belongs_to(Name::leaked("nobody"));
        assert_eq!(FILLED.load(Ordering::Relaxed), filled, "nothing was opened");
    }
}
