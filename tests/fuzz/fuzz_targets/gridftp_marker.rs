//! libFuzzer's entrance to `causeway_fuzz::gridftp_marker`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    causeway_fuzz::gridftp_marker::run(data);
});
