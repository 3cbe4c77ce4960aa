#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| starling_sim::fuzzing::frame_from_peer(data));
