//! libFuzzer's entrance to `causeway_fuzz::url`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    causeway_fuzz::url::run(data);
});
