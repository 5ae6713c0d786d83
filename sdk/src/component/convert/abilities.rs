//! What only some storages can do: third-party copies, tape, transfer URLs.

use std::time::Duration;

use super::{checksum, checksum_back, error, url_back, urls_back};
use crate::component::bindings::causeway::storage::types as wit;
use crate::component::bindings::exports::causeway::storage::{peer_copy, staging, turl};
use crate::component::credential;
use crate::{
    Access, Copied, CopyRequest, Direction, FileState, Outcome, StageRequest, Staged, StagingState,
    TransferUrl, TurlRequest,
};

pub(in crate::component) fn copy_request_back(
    it: peer_copy::CopyRequest,
) -> Result<CopyRequest, wit::Error> {
    Ok(CopyRequest {
        direction: match it.direction {
            peer_copy::Direction::Pull => Direction::Pull,
            peer_copy::Direction::Push => Direction::Push,
        },
        source: url_back(&it.source)?,
        destination: url_back(&it.destination)?,
        peer_credential: credential(it.peer_credential),
        overwrite: it.overwrite,
        streams: it.streams,
        size: it.size,
        expect: it.expect.map(checksum_back),
    })
}

pub(in crate::component) fn copied(it: Copied) -> peer_copy::Copied {
    peer_copy::Copied {
        bytes: it.bytes,
        checksum: it.checksum.and_then(checksum),
    }
}

pub(in crate::component) fn stage_request_back(
    it: staging::StageRequest,
) -> Result<StageRequest, wit::Error> {
    Ok(StageRequest {
        files: urls_back(&it.files)?,
        pin: Duration::from_millis(it.pin_ms),
        timeout: Duration::from_millis(it.timeout_ms),
        metadata: it.metadata,
    })
}

pub(in crate::component) fn staged(it: Staged) -> staging::Staged {
    staging::Staged {
        token: it.token,
        files: file_states(it.files),
    }
}

pub(in crate::component) fn file_states(states: Vec<FileState>) -> Vec<staging::FileState> {
    let one = |it: FileState| staging::FileState {
        url: it.url.as_str().to_owned(),
        state: match it.state {
            StagingState::Pending => staging::StagingState::Pending,
            StagingState::Done => staging::StagingState::Done,
            StagingState::Failed(reason) => staging::StagingState::Failed(error(reason)),
        },
    };
    states.into_iter().map(one).collect()
}

fn access_back(it: turl::Access) -> Access {
    match it {
        turl::Access::Read => Access::Read,
        turl::Access::Write => Access::Write,
    }
}

pub(in crate::component) fn turl_request_back(it: turl::TurlRequest) -> TurlRequest {
    TurlRequest {
        access: access_back(it.access),
        schemes: it.schemes,
        size: it.size,
        overwrite: it.overwrite,
    }
}

pub(in crate::component) fn transfer_url(it: TransferUrl) -> turl::TransferUrl {
    turl::TransferUrl {
        url: it.url.as_str().to_owned(),
        token: it.token,
        access: match it.access {
            Access::Read => turl::Access::Read,
            Access::Write => turl::Access::Write,
        },
    }
}

pub(in crate::component) fn transfer_url_back(
    it: turl::TransferUrl,
) -> Result<TransferUrl, wit::Error> {
    Ok(TransferUrl {
        url: url_back(&it.url)?,
        token: it.token,
        access: access_back(it.access),
    })
}

pub(in crate::component) fn outcome_back(it: turl::Outcome) -> Outcome {
    match it {
        turl::Outcome::Done => Outcome::Done,
        turl::Outcome::Aborted => Outcome::Aborted,
    }
}
