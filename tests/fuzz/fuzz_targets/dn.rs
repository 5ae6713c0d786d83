//! libFuzzer's entrance to `causeway_fuzz::dn`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    causeway_fuzz::dn::run(data);
});
