//! libFuzzer's entrance to `causeway_fuzz::submit`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    causeway_fuzz::submit::run(data);
});
