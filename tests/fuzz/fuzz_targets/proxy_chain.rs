//! libFuzzer's entrance to `causeway_fuzz::proxy_chain`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    causeway_fuzz::proxy_chain::run(data);
});
