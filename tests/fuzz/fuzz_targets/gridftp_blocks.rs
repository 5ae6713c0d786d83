//! libFuzzer's entrance to `causeway_fuzz::gridftp_blocks`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    causeway_fuzz::gridftp_blocks::run(data);
});
