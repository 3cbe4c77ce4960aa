//! Numbers and arguments at the edge, typed by a person and sent by a program.

use std::time::Duration;

use starling_core::id::{MsgId, RequestId, Seq};
use starling_core::limits::TEXT_MAX;
use starling_core::server::Config;
use starling_core::wire::{LoginRefusal, Outcome, PeerFault, Request, ServerFrame};
use starling_sim::world::script::Script;

use crate::support::frames::text_of;
use crate::support::house::{House, name_of, outcome};

/// So many seconds ago: any number of digits is a number.
const NUMBERS: [&str; 24] = [
    "0",
    "1",
    "00",
    "000000000000000000000000000000000000000001",
    "59",
    "60",
    "255",
    "256",
    "65535",
    "65536",
    "86400",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "1000000000",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551614",
    "18446744073709551615",
    "18446744073709551616",
    "18446744073710",
    "340282366920938463463374607431768211456",
    "99999999999999999999999999999999999999999999999999999999999999999999999999999999",
];
/// And anything else is none.
const NO_NUMBERS: [&str; 34] = [
    "",
    " ",
    "-1",
    "-0",
    "+1",
    "--1",
    "1.0",
    "1.",
    ".5",
    "1,000",
    "1_000",
    "1e9",
    "1E9",
    "0x10",
    "0b1",
    "0o7",
    "inf",
    "NaN",
    "null",
    "true",
    "1 2",
    "1s",
    "'1'",
    "\"1\"",
    "$1",
    "%d",
    "1;",
    "1\t",
    "\t1",
    "1\0",
    "٣",
    "１",
    "²",
    "1\u{200b}",
];
/// Nobody is called so.
const NO_NAMES: [&str; 26] = [
    ".",
    "..",
    "-",
    "--",
    "_",
    "*",
    "?",
    "0",
    "-1",
    "18446744073709551616",
    "LUKE",
    "Luke",
    "luke.",
    "luke,",
    "luke:",
    "../luke",
    "luke/",
    "luke\0",
    "luke\t",
    "lukе",
    "luke\u{301}",
    "luke\u{200d}",
    "%s%n",
    "{}",
    "--help",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

/// hans and luke, online, at a server of which everything else is the real thing.
fn conversation() -> Script {
    let config = Config::new(Duration::from_secs(60), Duration::from_secs(3_600));
    let mut script = Script::new(config, [("hans", "falcon"), ("luke", "lightsaber")]);
    for (name, password) in [("luke", "lightsaber"), ("hans", "falcon")] {
        script.start(name);
        script.type_line(name, name);
        script.type_line(name, password);
        script.until_quiet();
    }
    script.take_lines("hans");
    script
}

/// What hans sees when he types that, and that nothing is wrong afterwards.
fn answer(script: &mut Script, line: impl AsRef<[u8]>) -> Vec<String> {
    script.type_line("hans", line);
    script.until_quiet();
    let lines = script.take_lines("hans");
    script.type_line("hans", "whoelse");
    script.until_quiet();
    assert_eq!(script.take_lines("hans"), ["luke"], "he is still served");
    assert_eq!(script.violation(), None);
    lines
}

#[test]
fn t54_any_number_of_seconds_is_a_number() {
    let mut script = conversation();
    for number in NUMBERS {
        assert_eq!(answer(&mut script, format!("whoelsesince {number}")), ["luke"], "{number}");
    }
    assert_eq!(answer(&mut script, format!("whoelsesince {}", "9".repeat(60_000))), ["luke"]);
    for number in NO_NUMBERS {
        let lines = answer(&mut script, format!("whoelsesince {number}"));
        assert_eq!(lines, ["Error. Usage: whoelsesince <seconds>"], "{number:?}");
    }
}

#[test]
fn t54_any_name_has_an_answer() {
    let mut script = conversation();
    for name in NO_NAMES.iter().map(ToString::to_string).chain(["x".repeat(33), "x".repeat(60_000)]) {
        for line in [format!("message {name} hi"), format!("block {name}"), format!("unblock {name}")] {
            let lines = answer(&mut script, &line);
            assert_eq!(lines.len(), 1, "{line:?}: {lines:?}");
            assert!(lines[0].starts_with("Error. Unknown user: "), "{line:?}: {lines:?}");
        }
    }
    for (line, complaint) in [
        ("message hans hi", "Error. Cannot message yourself."),
        ("block hans", "Error. Cannot block yourself."),
        ("unblock hans", "Error. Cannot unblock yourself."),
        ("message", "Error. Usage: message <user> <text>"),
        ("message luke ", "Error. Usage: message <user> <text>"),
        ("message luke      ", "Error. Usage: message <user> <text>"),
        ("block", "Error. Usage: block <user>"),
        ("block luke luke", "Error. Usage: block <user>"),
    ] {
        assert_eq!(answer(&mut script, line), [complaint], "{line:?}");
    }
}

#[test]
fn t54_texts_and_lines_end_at_their_limits() {
    let mut script = conversation();
    let text = |len: usize| format!("message luke {}", "x".repeat(len));
    assert_eq!(answer(&mut script, text(TEXT_MAX)), [""; 0]);
    assert_eq!(script.take_lines("luke").pop(), Some(format!("hans: {}", "x".repeat(TEXT_MAX))));
    let too_long = "Error. Message too long (limit 16384 bytes).";
    for len in [TEXT_MAX + 1, 65_536 - "message luke ".len()] {
        assert_eq!(answer(&mut script, text(len)), [too_long]);
    }
    for len in [65_536, 65_538, 1_000_000] {
        // A face cuts what no line may have.
        let line = &text(len).into_bytes()[..65_538.min(len)];
        let lines = answer(&mut script, line);
        let expected =
            if line.len() > 65_536 { "Error. Line too long (limit 65536 bytes)." } else { too_long };
        assert_eq!(lines, [expected], "{len}");
    }
    assert_eq!(answer(&mut script, b"message luke \xff"), ["Error. Not valid UTF-8."]);
}

/// A program that uses every number to its end.
#[test]
fn t54_requests_may_carry_any_numbers() {
    let mut house = House::new(&["hans", "luke"]);
    let (hans, luke) = (house.login("hans"), house.login("luke"));
    for number in [0, 1, u32::MAX / 2, u32::MAX - 1, u32::MAX, 0] {
        for seconds in [0, 1, u64::MAX / 1_000_000, u64::MAX / 1_000_000 + 1, u64::MAX - 1, u64::MAX] {
            let said = house.asked(hans, &Request::Since { request: RequestId(number), seconds });
            assert!(
                said.iter().any(|frame| matches!(frame, ServerFrame::Names(page) if page.names.len() == 1))
            );
        }
    }
    for (instance, counter) in [(0, 1), (u64::MAX, u64::MAX), (u64::MAX, u64::MAX), (0, u64::MAX), (0, 1)] {
        let (id, to) = (MsgId { instance, counter }, name_of("luke"));
        let said = Request::Message { request: RequestId(9), id, to, text: text_of("x") };
        house.ask(hans, &said);
        for frame in house.take(luke) {
            if let ServerFrame::Mail { seq, .. } = frame {
                house.ask(luke, &Request::Ack { seq });
            }
        }
        house.pass(Duration::from_millis(5));
        assert_eq!(outcome(&house.take(hans), 9), Some(Outcome::Accepted), "{instance} {counter}");
    }
    house.ask(luke, &Request::Ack { seq: Seq::MAX });
    assert_eq!(house.take(luke), [ServerFrame::Fault(PeerFault::BadAck)]);
    house.server.check();
}

/// A server whose operator wants everything to last for ever.
#[test]
fn t54_spans_may_be_as_long_as_can_be() {
    for span in [Duration::from_secs(u64::from(u32::MAX)), Duration::from_secs(u64::MAX), Duration::MAX] {
        let mut house = House::with(Config::new(span, span), &["hans", "luke"]);
        let luke = house.login("luke");
        for _ in 0..3 {
            let conn = house.greeted();
            house.knock(conn, b"hans", b"guess");
            house.pass(Duration::from_millis(5));
            assert!(matches!(house.take(conn)[..], [ServerFrame::LoginRefused(_)]));
        }
        house.pass(Duration::from_secs(20));
        let conn = house.greeted();
        house.knock(conn, b"hans", b"secret");
        let said = house.take(conn);
        let [ServerFrame::LoginRefused(LoginRefusal::Locked { seconds })] = said[..] else {
            panic!("{said:?}")
        };
        assert!(seconds > 4_000_000_000);
        assert!(!house.is_closed(luke));
        house.server.check();
    }
}
