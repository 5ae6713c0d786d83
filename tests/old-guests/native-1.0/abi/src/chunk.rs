//! Bytes that cross without being copied.
//!
//! A [`Chunk`] is a piece of memory, its owner, and the two functions that count the owner. Made
//! from `Bytes`, it becomes the very same `Bytes` when it comes back to the image it was made in;
//! anywhere else it becomes `Bytes` that keep the chunk alive.
//!
//! # Invariants
//! - The bytes never change after the chunk was made.
//! - The owner lies in the chunk itself, so that handing one over allocates nothing. Only the image
//!   that made it knows what it is; it may be moved.
//! - The functions may be called from any thread, and for as long as the process lives: images are
//!   never unloaded.

use std::cell::UnsafeCell;
use std::fmt;
use std::mem::{ManuallyDrop, MaybeUninit};

use abi_stable::StableAbi;
use bytes::Bytes;

/// Place for an owner: as many words as `Bytes` has. A cell, since `Bytes` may note in itself that it
/// is shared when it is cloned for the first time.
#[repr(transparent)]
#[derive(StableAbi)]
struct Owner(UnsafeCell<[*const (); 4]>);

// Each image checks this for the `Bytes` it was built with.
const _: () =
    assert!(size_of::<Bytes>() == size_of::<Owner>() && align_of::<Bytes>() <= align_of::<Owner>());

/// Functions of a [`Chunk`]'s owner.
#[repr(C)]
#[derive(StableAbi)]
pub struct ChunkVtable {
    /// Another owner of the same bytes, written to the second place.
    clone: unsafe extern "C" fn(*const Owner, *mut Owner),
    /// Gives an owner back.
    drop: unsafe extern "C" fn(*mut Owner),
}

/// Immutable bytes with their owner.
#[repr(C)]
#[derive(StableAbi)]
pub struct Chunk {
    ptr: *const u8,
    len: usize,
    owner: Owner,
    vtable: &'static ChunkVtable,
}

// SAFETY: the bytes are immutable, and the owner is a `Bytes` (`Send + Sync`) or, from another image,
// something that promised the same by making a chunk.
unsafe impl Send for Chunk {}
// SAFETY: as above.
unsafe impl Sync for Chunk {}

// One static per image: its address tells whether a chunk was made here.
static BYTES: ChunkVtable = ChunkVtable {
    clone: clone_bytes,
    drop: drop_bytes,
};

fn owner_of(bytes: Bytes) -> Owner {
    // SAFETY: of the same size, and an owner is only ever used as the `Bytes` it was. Its words are
    // all initialised: three pointers and a length, without padding.
    unsafe { std::mem::transmute::<Bytes, Owner>(bytes) }
}

unsafe extern "C" fn clone_bytes(owner: *const Owner, out: *mut Owner) {
    // SAFETY: with this table the owner is a `Bytes` that the calling chunk keeps, and `out` is free
    // for another.
    unsafe { out.write(owner_of((*owner.cast::<Bytes>()).clone())) }
}

unsafe extern "C" fn drop_bytes(owner: *mut Owner) {
    // SAFETY: with this table the owner is a `Bytes`, given back once.
    let bytes = unsafe { owner.cast::<Bytes>().read() };
    // Owners of `Bytes` may be anything with a drop of its own, and a panic must not cross.
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(bytes))).is_err() {
        eprintln!("causeway: the owner of a chunk panicked while it was dropped");
    }
}

impl Chunk {
    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: the owner keeps `len` immutable bytes at `ptr` alive as long as we hold it.
        unsafe { std::slice::from_raw_parts(self.ptr, self.len) }
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl From<Bytes> for Chunk {
    #[inline]
    fn from(bytes: Bytes) -> Self {
        Self {
            ptr: bytes.as_ptr(),
            len: bytes.len(),
            owner: owner_of(bytes),
            vtable: &BYTES,
        }
    }
}

impl From<Chunk> for Bytes {
    #[inline]
    fn from(chunk: Chunk) -> Self {
        if std::ptr::eq(chunk.vtable, &raw const BYTES) {
            let chunk = ManuallyDrop::new(chunk);
            // SAFETY: our own table, so the owner is our `Bytes`; the chunk that held it is not
            // dropped.
            return unsafe { (&raw const chunk.owner).cast::<Self>().read() };
        }
        Self::from_owner(chunk)
    }
}

impl Clone for Chunk {
    fn clone(&self) -> Self {
        let mut owner = MaybeUninit::uninit();
        // SAFETY: the owner belongs to the table, which writes another one.
        let owner = unsafe {
            (self.vtable.clone)(&raw const self.owner, owner.as_mut_ptr());
            owner.assume_init()
        };
        Self {
            ptr: self.ptr,
            len: self.len,
            owner,
            vtable: self.vtable,
        }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: the owner belongs to the table and is given back once.
        unsafe { (self.vtable.drop)(&raw mut self.owner) }
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunk({} bytes)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // What another image's table looks like to this one.
    static FOREIGN: ChunkVtable = ChunkVtable {
        clone: clone_bytes,
        drop: drop_bytes,
    };

    #[test]
    fn comes_home_as_the_same_bytes() {
        let bytes = Bytes::from(vec![7_u8; 4096]);
        let chunk = Chunk::from(bytes.clone());
        let copy = chunk.clone();
        let home = Bytes::from(chunk);
        assert_eq!(home.as_ptr(), bytes.as_ptr());
        assert_eq!(Bytes::from(copy).as_ptr(), bytes.as_ptr());
        drop((bytes, home));
    }

    #[test]
    fn the_first_clone_of_unshared_bytes_is_counted() {
        // A boxed slice is promoted to a counted one by its first clone.
        let chunk = Chunk::from(Bytes::from(vec![7_u8; 64].into_boxed_slice()));
        let copies = [chunk.clone(), chunk.clone()];
        drop(chunk);
        assert!(copies.iter().all(|it| it.as_slice() == [7; 64]));
    }

    #[test]
    fn stays_where_it_is_in_another_image() {
        let bytes = Bytes::from(vec![7_u8; 4096]);
        let address = bytes.as_ptr();
        let mut chunk = Chunk::from(bytes);
        chunk.vtable = &FOREIGN;
        let there = Bytes::from(chunk);
        assert_eq!(there.as_ptr(), address);
        assert_eq!(there.slice(1..3).as_ptr(), address.wrapping_add(1));
    }

    #[test]
    fn an_empty_chunk_is_empty() {
        let chunk = Chunk::from(Bytes::new());
        assert!(chunk.as_slice().is_empty());
    }
}
