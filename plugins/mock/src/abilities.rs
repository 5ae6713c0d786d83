//! What the mock can do: everything that can be simulated.

use causeway_sdk::capability::{Admission, CopyAbility, CredentialKind, ReadAbility, WriteAbility};
use causeway_sdk::{Algorithm, Capabilities, Operation};

use crate::content::CHUNK;
use crate::storage::SCHEME;

pub(crate) fn all() -> Capabilities {
    use Operation as Op;
    Capabilities {
        name: SCHEME.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        schemes: vec![SCHEME.to_owned()],
        operations: [
            Op::Stat,
            Op::List,
            Op::Read,
            Op::Write,
            Op::Mkdir,
            Op::Unlink,
            Op::Checksum,
            Op::Copy,
            Op::Staging,
            Op::Archive,
        ]
        .into(),
        read: ReadAbility {
            ranges: true,
            parallel: 16,
            preferred_chunk: CHUNK as u32,
        },
        write: WriteAbility {
            positional: true,
            needs_size: false,
            atomic: true,
            parents: true,
            resumable: false,
        },
        checksums: Algorithm::ALL.into(),
        copy: CopyAbility {
            pull_from: vec![SCHEME.to_owned()],
            push_to: vec![SCHEME.to_owned()],
            atomic: true,
        },
        credentials: vec![CredentialKind::None],
        admission: Admission::All,
        ..Capabilities::default()
    }
}
