//! Metadata, directories, and what opening, writing and copying answer.

use causeway_abi::values::{EntryKind, Locality};
use causeway_abi::{self as abi, Ext};

use super::text::valid;
use super::value::{Crossing, checksums_back, many, many_back, text, text_back};
use crate::{Checksum, Copied, DirPage, Entry, Opened, Progress, Result, Space, Stat, Written};

impl Crossing for Stat {
    type Abi = abi::Stat;

    #[inline]
    fn into_abi(self) -> abi::Stat {
        abi::Stat {
            kind: match self.kind {
                crate::EntryKind::File => EntryKind::FILE,
                crate::EntryKind::Directory => EntryKind::DIRECTORY,
                crate::EntryKind::Symlink => EntryKind::SYMLINK,
                crate::EntryKind::Other => EntryKind::OTHER,
            },
            locality: match self.locality {
                crate::Locality::Unknown => Locality::UNKNOWN,
                crate::Locality::Online => Locality::ONLINE,
                crate::Locality::Nearline => Locality::NEARLINE,
                crate::Locality::OnlineAndNearline => Locality::ONLINE_AND_NEARLINE,
                crate::Locality::Lost => Locality::LOST,
            },
            size: self.size.into(),
            mode: self.mode.into(),
            nlink: self.nlink.into(),
            mtime: self.mtime.into(),
            atime: self.atime.into(),
            ctime: self.ctime.into(),
            etag: text(self.etag),
            checksums: many(self.checksums),
            ext: Ext::NONE,
        }
    }

    #[inline]
    fn from_abi(abi: abi::Stat) -> Result<Self> {
        Ok(Self {
            kind: match abi.kind {
                EntryKind::FILE => crate::EntryKind::File,
                EntryKind::DIRECTORY => crate::EntryKind::Directory,
                EntryKind::SYMLINK => crate::EntryKind::Symlink,
                _ => crate::EntryKind::Other,
            },
            locality: match abi.locality {
                Locality::ONLINE => crate::Locality::Online,
                Locality::NEARLINE => crate::Locality::Nearline,
                Locality::ONLINE_AND_NEARLINE => crate::Locality::OnlineAndNearline,
                Locality::LOST => crate::Locality::Lost,
                _ => crate::Locality::Unknown,
            },
            size: abi.size.into(),
            mode: abi.mode.into(),
            nlink: abi.nlink.into(),
            mtime: abi.mtime.into(),
            atime: abi.atime.into(),
            ctime: abi.ctime.into(),
            etag: text_back(abi.etag),
            checksums: checksums_back(abi.checksums),
        })
    }
}

impl Crossing for Entry {
    type Abi = abi::Entry;

    #[inline]
    fn into_abi(self) -> abi::Entry {
        abi::Entry {
            name: self.name.into(),
            stat: self.stat.into_abi(),
        }
    }

    #[inline]
    fn from_abi(abi: abi::Entry) -> Result<Self> {
        Ok(Self {
            name: valid(abi.name),
            stat: Stat::from_abi(abi.stat)?,
        })
    }
}

impl Crossing for DirPage {
    type Abi = abi::DirPage;

    #[inline]
    fn into_abi(self) -> abi::DirPage {
        abi::DirPage {
            entries: many(self.entries),
            next: text(self.next),
            ext: Ext::NONE,
        }
    }

    #[inline]
    fn from_abi(abi: abi::DirPage) -> Result<Self> {
        Ok(Self {
            entries: many_back(abi.entries)?,
            next: text_back(abi.next),
        })
    }
}

impl Crossing for Space {
    type Abi = abi::Space;

    #[inline]
    fn into_abi(self) -> abi::Space {
        abi::Space {
            total: self.total.into(),
            used: self.used.into(),
            free: self.free.into(),
            ext: Ext::NONE,
        }
    }

    #[inline]
    fn from_abi(abi: abi::Space) -> Result<Self> {
        Ok(Self {
            total: abi.total.into(),
            used: abi.used.into(),
            free: abi.free.into(),
        })
    }
}

impl Crossing for Opened {
    type Abi = abi::Opened;

    #[inline]
    fn into_abi(self) -> abi::Opened {
        abi::Opened {
            size: self.size.into(),
            etag: text(self.etag),
            ext: Ext::NONE,
        }
    }

    #[inline]
    fn from_abi(abi: abi::Opened) -> Result<Self> {
        Ok(Self {
            size: abi.size.into(),
            etag: text_back(abi.etag),
        })
    }
}

impl Crossing for Written {
    type Abi = abi::Written;

    #[inline]
    fn into_abi(self) -> abi::Written {
        abi::Written {
            bytes: self.bytes,
            etag: text(self.etag),
            checksums: many(self.checksums),
            ext: Ext::NONE,
        }
    }

    #[inline]
    fn from_abi(abi: abi::Written) -> Result<Self> {
        Ok(Self {
            bytes: abi.bytes,
            etag: text_back(abi.etag),
            checksums: checksums_back(abi.checksums),
        })
    }
}

impl Crossing for Copied {
    type Abi = abi::Copied;

    #[inline]
    fn into_abi(self) -> abi::Copied {
        abi::Copied {
            bytes: self.bytes.into(),
            checksum: self.checksum.map(Checksum::into_abi).into(),
            ext: Ext::NONE,
        }
    }

    #[inline]
    fn from_abi(abi: abi::Copied) -> Result<Self> {
        Ok(Self {
            bytes: abi.bytes.into(),
            checksum: abi
                .checksum
                .into_option()
                .map(Checksum::from_abi)
                .transpose()?,
        })
    }
}

impl Crossing for Progress {
    type Abi = abi::Progress;

    #[inline]
    fn into_abi(self) -> abi::Progress {
        abi::Progress {
            bytes: self.bytes,
            ext: Ext::NONE,
        }
    }

    #[inline]
    fn from_abi(abi: abi::Progress) -> Result<Self> {
        Ok(Self { bytes: abi.bytes })
    }
}
