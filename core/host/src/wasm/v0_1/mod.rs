//! Version 0.1 of the contract: the types of `wit/storage-0.1.0`, made by the engine's macro.
//!
//! Everything behind this module speaks the SDK's types. A later version gets a module of its own
//! beside this one.

mod calls;
mod convert;
mod exports;
mod files;
mod host;
mod wire;

pub(super) use exports::{Exports, Indices};
pub(super) use files::Data;
pub(super) use host::add_to_linker;

/// Prefix of the names of everything this version defines.
pub(super) const PACKAGE: &str = "causeway:storage/";
/// Its version.
pub(super) const VERSION: &str = "0.1.0";

// Code of the macro, from the published files.
#[allow(unreachable_pub, missing_docs, clippy::all, clippy::pedantic)]
mod wit {
    wasmtime::component::bindgen!({
        path: "../../wit/storage-0.1.0",
        inline: "
            package causeway:gateway;
            world gateway {
                include causeway:storage/plugin-full@0.1.0;
                import causeway:storage/timer-poll@0.1.0;
                import causeway:storage/http-poll@0.1.0;
                export causeway:storage/storage-poll@0.1.0;
            }
        ",
        world: "causeway:gateway/gateway",
        imports: {
            "causeway:storage/timer-poll": async | trappable,
            "causeway:storage/http-poll": async | trappable,
            default: trappable,
        },
        exports: { default: async | store },
        with: {
            "causeway:storage/types.credential": crate::wasm::state::Held,
            "causeway:storage/types.call-context": crate::wasm::state::Call,
            "causeway:storage/http-poll.incoming": crate::wasm::http::Incoming,
            "causeway:storage/http-poll.outgoing": crate::wasm::http::Outgoing,
        },
    });
}
