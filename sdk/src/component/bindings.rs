//! What the world says, as Rust: generated when the SDK is compiled, and used by this folder only.

// Generated code is not ours to tidy; it crosses a boundary, and nothing here is for authors.
#![allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    clippy::all,
    clippy::pedantic
)]

wit_bindgen::generate!({
    path: "../wit/storage-0.1.0",
    world: "plugin-full",
    pub_export_macro: true,
    export_macro_name: "export_component",
    default_bindings_module: "causeway_sdk::component::bindings",
});
