#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| starling_sim::fuzzing::fetch_step(data));
