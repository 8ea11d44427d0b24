//! `make fuzz TARGET=session`: see `bayeux::fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Err(what) = bayeux::fuzz::session(input) {
        panic!("{what}");
    }
});
