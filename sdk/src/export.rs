//! One macro that makes a library out of a storage.

/// Makes a plugin out of a crate: `export_plugin!(MyStorage);` in its `lib.rs`, nothing else.
///
/// `Cargo.toml` says what is built: the library that the gateway loads, and an ordinary one for tests
/// and for programs that link the storage statically.
///
/// ```toml
/// [lib]
/// name = "causeway_plugin_answer"
/// crate-type = ["cdylib", "rlib"]
/// ```
///
/// The macro exports one static whose name is `CAUSEWAY_PLUGIN_V1_` and the crate's name, and the
/// host looks for what begins so. Because the name differs from crate to crate, several plugins can be
/// linked into one program, and no cargo feature decides whether a library is a plugin: every
/// build of the crate is one. A crate exports one storage.
///
/// ```
/// use causeway_sdk::*;
///
/// struct Empty;
///
/// impl Storage for Empty {
///     type Read = NoBody;
///     type Write = NoBody;
///
///     fn create(_config: &str, _host: Host) -> Result<Self> {
///         Ok(Empty)
///     }
///     fn describe(&self) -> Capabilities {
///         Capabilities {
///             name: "empty".into(),
///             schemes: vec!["empty".into()],
///             operations: [Operation::Stat].into(),
///             ..Capabilities::default()
///         }
///     }
///     async fn stat(&self, _cx: &Ctx, at: &Url) -> Result<Stat> {
///         Err(Error::new(ErrorKind::NotFound, format!("find {at}")))
///     }
/// }
///
/// causeway_sdk::export_plugin!(Empty);
/// # fn main() {}
/// ```
#[cfg(not(target_family = "wasm"))]
#[macro_export]
macro_rules! export_plugin {
    ($storage:ty) => {
        const _: () = {
            static ROOT: $crate::native::LibHeader = $crate::native::header::<$storage>();

            // The exported name is what makes it unsafe: it must mean the same in every plugin.
            #[allow(unsafe_code)]
            #[used]
            #[unsafe(export_name = concat!("CAUSEWAY_PLUGIN_V1_", env!("CARGO_CRATE_NAME")))]
            pub static PREAMBLE: $crate::native::Preamble = $crate::native::preamble(&ROOT);
        };
    };
}

/// Makes a plugin out of a crate: `export_plugin!(MyStorage);` in its `lib.rs`, nothing else. The
/// same line makes a native library or a component, by the target it is compiled for.
#[cfg(target_family = "wasm")]
#[macro_export]
macro_rules! export_plugin {
    ($storage:ty) => {
        // The exported names are what makes it unsafe: they are those of the world.
        #[allow(unsafe_code)]
        const _: () = {
            struct Component;

            impl $crate::component::Plugin for Component {
                type Storage = $storage;

                fn slot()
                -> &'static ::std::thread::LocalKey<::std::cell::OnceCell<&'static Self::Storage>>
                {
                    ::std::thread_local! {
                        static SLOT: ::std::cell::OnceCell<&'static $storage> =
                            const { ::std::cell::OnceCell::new() };
                    }
                    &SLOT
                }
            }

            $crate::component::bindings::export_component!(
                Component with_types_in $crate::component::bindings
            );
        };
    };
}
