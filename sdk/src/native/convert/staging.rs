//! Tape and transfer URLs.

use causeway_abi::abi_stable::std_types::{ROption, RVec};
use causeway_abi::values::{Access, StagingState};
use causeway_abi::{self as abi, Ext};

use super::value::{Crossing, many, many_back};
use crate::error::ErrorKind;
use crate::{Error, FileState, Result, Staged, TransferUrl, Url};

impl Crossing for FileState {
    type Abi = abi::FileState;

    fn into_abi(self) -> abi::FileState {
        let (state, error) = match self.state {
            crate::StagingState::Pending => (StagingState::PENDING, ROption::RNone),
            crate::StagingState::Done => (StagingState::DONE, ROption::RNone),
            crate::StagingState::Failed(error) => {
                (StagingState::FAILED, ROption::RSome(error.into_abi()))
            }
        };
        abi::FileState {
            url: self.url.as_str().into(),
            state,
            error,
            ext: Ext::NONE,
        }
    }

    fn from_abi(abi: abi::FileState) -> Result<Self> {
        let state = match (abi.state, abi.error) {
            (StagingState::DONE, _) => crate::StagingState::Done,
            (StagingState::FAILED, ROption::RSome(error)) => {
                crate::StagingState::Failed(Error::from_abi(error)?)
            }
            (StagingState::FAILED, ROption::RNone) => crate::StagingState::Failed(Error::new(
                ErrorKind::Remote,
                "the storage gave no reason",
            )),
            _ => crate::StagingState::Pending,
        };
        Ok(Self {
            url: parse(abi.url.as_str())?,
            state,
        })
    }
}

fn parse(url: &str) -> Result<Url> {
    url.parse().map_err(|reason| {
        Error::new(
            ErrorKind::Internal,
            format!("understand a URL from the plugin: {reason}"),
        )
    })
}

impl Crossing for Vec<FileState> {
    type Abi = RVec<abi::FileState>;

    fn into_abi(self) -> Self::Abi {
        many(self)
    }

    fn from_abi(abi: Self::Abi) -> Result<Self> {
        many_back(abi)
    }
}

impl Crossing for Staged {
    type Abi = abi::Staged;

    fn into_abi(self) -> abi::Staged {
        abi::Staged {
            token: self.token.into(),
            files: many(self.files),
            ext: Ext::NONE,
        }
    }

    fn from_abi(abi: abi::Staged) -> Result<Self> {
        Ok(Self {
            token: abi.token.into(),
            files: many_back(abi.files)?,
        })
    }
}

impl Crossing for TransferUrl {
    type Abi = abi::TransferUrl;

    fn into_abi(self) -> abi::TransferUrl {
        abi::TransferUrl {
            url: self.url.as_str().into(),
            token: self.token.into(),
            access: match self.access {
                crate::Access::Read => Access::READ,
                crate::Access::Write => Access::WRITE,
            },
            ext: Ext::NONE,
        }
    }

    fn from_abi(abi: abi::TransferUrl) -> Result<Self> {
        Ok(Self {
            url: parse(abi.url.as_str())?,
            token: abi.token.into(),
            access: match abi.access {
                Access::WRITE => crate::Access::Write,
                _ => crate::Access::Read,
            },
        })
    }
}
