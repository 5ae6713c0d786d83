//! Which plugin is at work on which thread, so that the end of the process can be laid at its door.
//!
//! Every call into a plugin is marked on its thread while it lasts. When a fatal signal comes, or
//! somebody calls `exit`, a handler writes the names to a pipe that somebody else reads; a watchman
//! may ask which plugin has not come back for long. On a thread that no call ever ran on, the stack
//! is looked through for the code of a plugin: whose code is there started it.
//!
//! The handler does what is allowed in one: it reads atomics, calls `write`, and lets the signal do
//! what it would have done without it.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::image::{place, whose_thread};

/// Threads that can be told apart at the same time: those of a runtime, which stay, and those that are lent
/// for a question, which come and go.
const SEATS: usize = 512;
/// Signals that end a process because of what it did.
const FATAL: [i32; 6] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGABRT,
    libc::SIGSYS,
];
/// Longest name written.
const LONGEST: usize = 128;

/// The name of a plugin as the handler finds it. Never freed, like the plugin itself.
#[derive(Debug)]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn leaked(plugin: &str) -> &'static Self {
        Box::leak(Box::new(Self(plugin.to_owned())))
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

struct Seat {
    is_taken: AtomicBool,
    plugin: AtomicPtr<Name>,
    /// Since then, in milliseconds of the coarse clock.
    since: AtomicU64,
}

static ALL: [Seat; SEATS] = [const {
    Seat {
        is_taken: AtomicBool::new(false),
        plugin: AtomicPtr::new(std::ptr::null_mut()),
        since: AtomicU64::new(0),
    }
}; SEATS];
/// Seats that were ever taken are before this one.
static TAKEN: AtomicUsize = AtomicUsize::new(0);
static PIPE: AtomicI32 = AtomicI32::new(-1);

const NONE: usize = usize::MAX;

thread_local! {
    /// Where this thread sits. Made at compile time and never dropped: the handler reads it.
    static MINE: Cell<usize> = const { Cell::new(NONE) };
    /// Gives the seat back when this thread ends.
    static LEAVING: Leaving = const { Leaving };
}

struct Leaving;

impl Drop for Leaving {
    fn drop(&mut self) {
        // A thread that ends in the middle of a plugin's work takes the process along, by `exit`: the mark
        // stays for the last words. Else what is marked from now on, by whatever ends with this thread,
        // stays unmarked.
        let mine = ALL.get(MINE.get());
        if let Some(seat) = mine.filter(|it| it.plugin.load(Ordering::Acquire).is_null()) {
            MINE.set(SEATS);
            seat.is_taken.store(false, Ordering::Release);
        }
    }
}

/// As long as it lives, this thread works for a plugin.
pub(crate) struct Mark {
    seat: usize,
    before: *mut Name,
}

/// Marks this thread.
pub(crate) fn mark(plugin: &'static Name, now: Duration) -> Mark {
    let seat = MINE.get();
    let seat = if seat == NONE { sit_down() } else { seat };
    let Some(mine) = ALL.get(seat) else {
        return Mark {
            seat,
            before: std::ptr::null_mut(),
        };
    };
    let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    mine.since.store(now, Ordering::Relaxed);
    let plugin = std::ptr::from_ref(plugin).cast_mut();
    let before = mine.plugin.swap(plugin, Ordering::Release);
    Mark { seat, before }
}

impl Drop for Mark {
    fn drop(&mut self) {
        if let Some(mine) = ALL.get(self.seat) {
            mine.plugin.store(self.before, Ordering::Release);
        }
    }
}

#[cold]
fn sit_down() -> usize {
    let take = |it: &Seat| {
        it.is_taken
            .compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    };
    // More threads than seats work unmarked, and so does one that is ending.
    let is_staying = LEAVING.try_with(|_| ()).is_ok();
    let found = is_staying.then(|| ALL.iter().position(take)).flatten();
    let seat = found.unwrap_or(SEATS);
    if seat < SEATS {
        TAKEN.fetch_max(seat + 1, Ordering::Relaxed);
    }
    MINE.set(seat);
    seat
}

/// As long as it lives, this thread works for nobody: it waits for a plugin that works elsewhere, within a limit
/// of its own.
#[cfg(feature = "wasm")]
pub(crate) fn pause() -> Pause {
    let seat = MINE.get();
    let null = std::ptr::null_mut();
    let before = ALL
        .get(seat)
        .map_or(null, |it| it.plugin.swap(null, Ordering::Release));
    Pause(Mark { seat, before })
}

/// Ends a pause: what comes now begins now.
#[cfg(feature = "wasm")]
pub(crate) struct Pause(Mark);

#[cfg(feature = "wasm")]
impl Drop for Pause {
    fn drop(&mut self) {
        if let Some(mine) = ALL.get(self.0.seat) {
            let now = u64::try_from(coarse_time().as_millis()).unwrap_or(u64::MAX);
            mine.since.store(now, Ordering::Relaxed);
        }
    }
}

/// Time since the machine started, exact to a tick of the kernel. Cheaper than the exact clock, which
/// would cost as much as the border.
pub(crate) fn coarse_time() -> Duration {
    let time = clock_gettime(ClockId::MonotonicCoarse);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// The plugin that has been at work on one thread for longer than this, and how long.
pub fn stuck_for(limit: Duration) -> Option<(&'static str, Duration)> {
    let now = coarse_time();
    let taken = TAKEN.load(Ordering::Relaxed).min(SEATS);
    ALL[..taken].iter().find_map(|seat| {
        let since = Duration::from_millis(seat.since.load(Ordering::Relaxed));
        let name = name_at(seat)?;
        // Read again: what came back in between is not stuck.
        let same = seat.since.load(Ordering::Relaxed) == since.as_millis() as u64;
        let long = now.saturating_sub(since);
        (same && long > limit).then_some((name, long))
    })
}

fn name_at(seat: &Seat) -> Option<&'static str> {
    let name = seat.plugin.load(Ordering::Acquire);
    // SAFETY: only `mark` stores here: null, or a name that was leaked and is never changed.
    unsafe { name.as_ref() }.map(Name::text)
}

/// From now on a fatal signal, or an `exit`, leaves the names of the plugins at work in this pipe,
/// one line `in <name>` for each.
///
/// # Errors
/// When a handler cannot be installed.
pub fn leave_last_words(pipe: OwnedFd) -> std::io::Result<()> {
    PIPE.store(pipe.as_raw_fd(), Ordering::Release);
    // Open as long as the process lives.
    std::mem::forget(pipe);
    // SAFETY: the function has the signature that is asked for, and is there until the end.
    if unsafe { libc::atexit(exiting) } != 0 {
        return Err(std::io::Error::other("no place for a handler of exits"));
    }
    for signal in FATAL {
        // SAFETY: an all-zero `sigaction` is valid; the fields that matter are set below.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = last_words;
        action.sa_sigaction = handler as usize;
        // On the stack that the standard library keeps for overflows; once, then as it was before
        // anybody handled it.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESETHAND;
        // SAFETY: `action` is initialised, the handler has the signature `SA_SIGINFO` asks for and
        // does only what is allowed in a handler.
        let outcome = unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
        if outcome != 0 {
            return Err(std::io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Ends the process now, in order: no destructor and no handler of a plugin's runs.
pub fn leave() -> ! {
    // SAFETY: it does not come back, and touches no memory on the way.
    unsafe { libc::_exit(0) }
}

/// The plugin that this thread works for, or whose thread it is.
fn responsible(pc: usize, sp: usize) -> Option<&'static str> {
    match MINE.get() {
        NONE => whose_thread(pc, sp).map(Name::text),
        seat => ALL.get(seat).and_then(name_at),
    }
}

/// Whoever calls `exit` gets here on its own thread. The process itself leaves by [`leave`].
extern "C" fn exiting() {
    let here = 0_usize;
    let sp = std::ptr::from_ref(std::hint::black_box(&here)).addr();
    if let Some(name) = responsible(0, sp) {
        say(name);
    }
}

extern "C" fn last_words(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: with `SA_SIGINFO` the kernel hands over a valid structure.
    let code = unsafe { (*info).si_code };
    // A fault, or a thread that signalled itself, is the work of this thread. A signal to the
    // whole process may be delivered anywhere.
    if code > 0 || code == libc::SI_TKILL {
        // SAFETY: the same.
        let (pc, sp) = unsafe { place(context) };
        if let Some(name) = responsible(pc, sp) {
            say(name);
        }
    } else {
        let taken = TAKEN.load(Ordering::Relaxed).min(SEATS);
        for name in ALL[..taken].iter().filter_map(name_at) {
            say(name);
        }
    }
    // SAFETY: `raise` is allowed in a handler. The signal is blocked until this returns, and by
    // then its action is the default one.
    unsafe { libc::raise(signal) };
}

fn say(name: &str) {
    let mut line = [0_u8; LONGEST + 4];
    let name = &name.as_bytes()[..name.len().min(LONGEST)];
    line[..3].copy_from_slice(b"in ");
    line[3..3 + name.len()].copy_from_slice(name);
    line[3 + name.len()] = b'\n';
    // SAFETY: `write` is allowed in a handler; the buffer is as long as said. There is nobody to
    // tell that it failed.
    unsafe {
        libc::write(
            PIPE.load(Ordering::Acquire),
            line.as_ptr().cast(),
            name.len() + 4,
        )
    };
}

/// Writes one more line to the pipe of the last words.
pub fn add_last_words(text: &str) {
    // SAFETY: the descriptor stays open for ever, or is -1, which `write` refuses; the text is as
    // long as said. There is nobody to tell that it failed.
    unsafe {
        libc::write(
            PIPE.load(Ordering::Acquire),
            text.as_ptr().cast(),
            text.len(),
        )
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_lasts_as_long_as_it_lives_and_nests() {
        let (outer, inner) = (Name::leaked("outer"), Name::leaked("inner"));
        std::thread::spawn(move || {
            let here = || ALL.get(MINE.get()).and_then(name_at);
            let one = mark(outer, coarse_time());
            assert_eq!(here(), Some("outer"));
            let two = mark(inner, coarse_time());
            assert_eq!(here(), Some("inner"));
            drop(two);
            assert_eq!(here(), Some("outer"));
            drop(one);
            assert_eq!(here(), None);
        })
        .join()
        .unwrap();
    }

    #[cfg(feature = "wasm")]
    #[test]
    fn who_waits_for_a_limit_of_its_own_is_not_at_work() {
        let name = Name::leaked("waits");
        std::thread::spawn(move || {
            let here = || ALL.get(MINE.get()).and_then(name_at);
            let marked = mark(name, coarse_time());
            let pausing = pause();
            assert_eq!(here(), None);
            drop(pausing);
            assert_eq!(here(), Some("waits"));
            drop(marked);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_thread_that_ends_gives_its_seat_back() {
        let name = Name::leaked("passes by");
        // One after the other: nobody else takes so many at once.
        for _ in 0..SEATS * 2 {
            let seat = std::thread::spawn(move || {
                drop(mark(name, coarse_time()));
                MINE.get()
            });
            assert!(seat.join().unwrap() < SEATS);
        }
    }

    #[test]
    fn who_does_not_come_back_is_found() {
        let name = Name::leaked("sleepy");
        let (done, waiting) = std::sync::mpsc::channel::<()>();
        let (marked, ready) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let long_ago = coarse_time().saturating_sub(Duration::from_secs(60));
            let _mark = mark(name, long_ago);
            marked.send(()).unwrap();
            // The other end goes when the test has seen enough.
            assert!(waiting.recv().is_err());
        });
        ready.recv().unwrap();
        let (found, long) = stuck_for(Duration::from_secs(30)).unwrap();
        assert_eq!(found, "sleepy");
        assert!(long >= Duration::from_secs(60));
        assert!(stuck_for(Duration::from_secs(3600)).is_none());
        drop(done);
        thread.join().unwrap();
    }
}
