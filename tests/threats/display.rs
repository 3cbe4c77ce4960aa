//! Lines that deceive, steer or choke the terminal of who reads them.

use std::num::NonZeroU16;

use proptest::prelude::*;
use starling_core::escape;
use starling_core::limits::TEXT_MAX;
use starling_core::name::Name;
use starling_core::text::Text;
use starling_core::wire::{Kind, PRODUCT_MAX, PeerFault, RawFrame, ServerFrame, VERSION};
use starling_runtime::face::prompt::{CELL_CHARS_MAX, GUTTER, MARKS_MAX};

use crate::support::honest::{PICTURES, TEXTS};
use crate::support::person::Person;
use crate::support::sinks::{NAME_SINKS, TEXT_SINKS, drawn, plain, printed};
use crate::support::terminal::{operations, shown};
use crate::support::{dice, hostile, one_of, tenth_of};

/// Texts that try to look like lines of somebody else. There are 5,000.
const FAKES: usize = 5_000;
/// Any strings through the sanitiser, if the attack is whole.
const ANY_STRINGS: u32 = 1_000_000;

/// A text is one line in a pipe, and on a terminal only its first row begins at the left edge, with the name
/// of whoever wrote it.
#[test]
fn t20_no_text_looks_like_a_line_of_somebody_else() {
    const PIECES: [&str; 20] = [
        "\n<bob> hi",
        "\r\nbob: hi",
        "\rbob: hi",
        "\u{85}bob: hi",
        "\u{2028}bob: hi",
        "\u{b}bob: hi",
        "\u{1b}[1E",
        "\u{1b}[A\u{1b}[G",
        "\t",
        "\t\t\t\t",
        "bob: hi",
        "bob logged out",
        "> ",
        " ",
        "          ",
        "日本語の文",
        "e\u{301}\u{301}",
        "👨\u{200d}👩\u{200d}👧",
        "☺\u{fe0f}☺\u{fe0f}☺\u{fe0f}",
        "\u{ad}\u{ad}",
    ];
    const WIDTHS: [fn() -> u16; 4] = [|| 20, || 33, || 80, || 132];
    let mut dice = dice(20);
    let mut person = Person::online();
    let mut piped = Vec::new();
    for _ in 0..FAKES {
        let mut text = String::from("x");
        (0..1 + dice.below(30)).for_each(|_| text.push_str(one_of::<&str>(&mut dice, &PIECES)));
        let lines = person.is_called(&text);
        piped.extend(lines.iter().cloned());
        for columns in WIDTHS {
            let rows = rows(&printed(&lines, columns), columns());
            assert!(rows[0].starts_with("hans: x"), "{rows:#?}");
            for row in &rows[1..] {
                assert!(row.starts_with(GUTTER) || GUTTER.starts_with(row.as_str()), "{row:?} of {rows:#?}");
            }
        }
    }
    let piped = String::from_utf8(plain(&piped)).expect("text");
    assert_eq!(piped.lines().filter(|line| line.starts_with("hans: x")).count(), FAKES);
    assert_eq!(piped.lines().count(), FAKES);
}

/// The rows that a terminal shows, to the last that is not empty.
fn rows(stream: &[u8], columns: u16) -> Vec<String> {
    let whole = |number| NonZeroU16::new(number).expect("not zero");
    let mut screen = vt100::Parser::new(whole(120), whole(columns), 0);
    screen.process(stream);
    let mut rows: Vec<String> =
        screen.screen().rows(0, columns).map(|row| row.trim_end().to_owned()).collect();
    while rows.pop_if(|row| row.is_empty()).is_some() {}
    rows
}

/// What a sink tells a terminal is what it tells it for an honest word, whatever stands in the text.
#[test]
fn t21_no_text_steers_a_terminal() {
    let sequences = hostile::sequences();
    assert!(sequences.len() >= 400, "{} sequences are too few", sequences.len());
    for (what, sink) in TEXT_SINKS.iter().chain(&NAME_SINKS) {
        let own = operations(&sink("hönest"));
        for text in &sequences {
            assert_eq!(operations(&sink(text)), own, "{what}: {text:?}");
        }
    }
}

/// What is not UTF-8 does not get as far as a person: the wire refuses it as a text, the client as a line.
#[test]
fn t21_bytes_that_are_no_text_are_shown_to_nobody() {
    let mut refused = 0;
    let mut person = Person::online();
    for bytes in hostile::byte_sequences() {
        if std::str::from_utf8(&bytes).is_err() {
            refused += 1;
            assert!(Text::parse(bytes.clone().into()).is_err());
            let lines = person.types(&bytes).iter().map(ToString::to_string).collect::<Vec<_>>();
            assert_eq!(lines, ["Error. Not valid UTF-8."], "{}", bytes.escape_ascii());
        }
        assert!(
            operations(escape::bytes(&bytes).to_string().as_bytes()).is_empty(),
            "{}",
            bytes.escape_ascii()
        );
    }
    assert!(refused >= 200, "{refused} of them are no UTF-8");
}

/// What a program calls itself is printable ASCII, and what a user is called is less: nothing else is read.
#[test]
fn t21_names_of_programs_and_users_cannot_steer_a_terminal() {
    for bytes in hostile::byte_sequences() {
        let product = &bytes[..bytes.len().min(PRODUCT_MAX)];
        let len = u8::try_from(product.len()).expect("it is short");
        let greeting = [&VERSION.to_be_bytes()[..], &[len], product, &[0; 12]].concat();
        let raw = RawFrame { kind: Kind::GREETING, body: greeting.into() };
        assert_eq!(ServerFrame::decode(raw), Err(PeerFault::Malformed), "{}", product.escape_ascii());
        assert!(Name::parse(&bytes).is_err(), "{}", bytes.escape_ascii());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(tenth_of(ANY_STRINGS)))]

    /// The sanitiser alone: nothing active is left, nothing honest is lost, and to do it twice changes nothing.
    #[test]
    fn t21_nothing_active_passes_the_sanitiser(text in any_text()) {
        let once = escape::text(&text).to_string();
        prop_assert!(operations(once.as_bytes()).iter().all(|operation| operation == "control 0x9"));
        prop_assert_eq!(escape::text(&once).to_string(), once.clone());
        let name = escape::name(&text).to_string();
        prop_assert!(operations(name.as_bytes()).is_empty());
        prop_assert_eq!(escape::bytes(text.as_bytes()).to_string(), name);
        let honest = |char: &char| !char.is_control() && !hostile::is_invisible(*char) && !is_tag(*char);
        prop_assert!(text.chars().filter(honest).eq(without_escapes(&once).chars().filter(honest)));
    }
}

fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => any::<char>(),
        2 => prop::char::range('\0', '\u{9f}'),
        1 => prop::sample::select(hostile::invisible().collect::<Vec<_>>()),
        1 => prop::char::range('\u{e0000}', '\u{e007f}'),
    ];
    // A backslash is shown as typed; without any, what is escaped can be told from what is not.
    prop::collection::vec(piece, 0..40)
        .prop_map(|chars| chars.into_iter().filter(|char| *char != '\\').collect())
}

const fn is_tag(char: char) -> bool {
    matches!(char, '\u{e0000}'..='\u{e007f}')
}

/// `shown` without the escapes in it.
fn without_escapes(shown: &str) -> String {
    let mut pieces = shown.split('\\');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |all, piece| all + piece.split_once('}').map_or("", |(_, rest)| rest))
}

/// Names and texts that are not what they seem: every character that hides or turns, at five places.
#[test]
fn t22_nothing_is_hidden() {
    let places: [fn(char) -> String; 5] = [
        |char| format!("yo{char}da"),
        |char| format!("{char}yoda"),
        |char| format!("invoice{char}fdp.exe"),
        |char| format!("a{char}{char}b"),
        |char| format!("\u{5d0}{char}\u{5d1}"),
    ];
    let spoofs: Vec<(char, String)> =
        hostile::invisible().flat_map(|char| places.map(|place| (char, place(char)))).collect();
    assert!(spoofs.len() >= 120, "{} spoofs are too few", spoofs.len());
    for (what, sink) in TEXT_SINKS.iter().chain(&NAME_SINKS) {
        for (char, spoof) in &spoofs {
            let seen = shown(&sink(spoof));
            let told = format!("\\u{{{:x}}}", u32::from(*char));
            assert!(!seen.contains(*char) && seen.contains(&told), "{what}: {spoof:?} is seen as {seen:?}");
        }
    }
}

/// What honest people write in twenty scripts, and their pictures, are seen as they were written. So is what
/// looks like a name and is none: a user is named in ASCII.
#[test]
fn t22_honest_scripts_stay_whole() {
    // A name ends at a space. In the log a string is quoted, and a quoted joiner is told.
    let words = || TEXTS.iter().chain(&PICTURES).filter(|text| !text.contains(' '));
    for (what, sink) in NAME_SINKS.iter().filter(|(what, _)| !what.ends_with("as a string")) {
        for word in words() {
            assert!(shown(&sink(word)).contains(word), "{what}: {word}");
        }
    }
    for (what, sink) in &TEXT_SINKS {
        for text in TEXTS.iter().chain(&PICTURES) {
            assert!(shown(&sink(text)).contains(text), "{what}: {text}");
        }
    }
    for lookalike in ["уoda", "yodа", "ｙoda", "yoda\u{301}", "yoda\u{200d}", "yоda", "ÿoda"] {
        assert!(Name::parse(lookalike.as_bytes()).is_err(), "{lookalike}");
    }
}

/// The longest texts that are hardest to draw.
fn bombs() -> Vec<String> {
    let full = |piece: &str| piece.repeat(TEXT_MAX / piece.len());
    vec![
        full("\u{301}"),
        full("a\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}\u{309}\u{30a}\u{30b}\u{30c}"),
        full("\u{200d}"),
        full("😀\u{200d}"),
        full("🇩"),
        full("🏴\u{e0067}"),
        full("\u{fe0f}"),
        full("க\u{bcd}"),
        full("\u{1b}"),
        full("\u{e0001}"),
        full("\t"),
        full("x"),
        full("日"),
    ]
}

/// A clock-free twin of "drawn within 50 ms": what a terminal gets is bounded by what was written, and no
/// character carries more marks than some script needs.
#[test]
fn t23_marks_do_not_pile_up_and_nothing_is_drawn_out_of_proportion() {
    // A tab takes eight columns instead of a byte, and a gutter comes with every sixteen columns at least; no
    // escape is worse.
    let most = 12 * TEXT_MAX;
    let mut person = Person::online();
    for bomb in bombs() {
        for columns in [(|| 20) as fn() -> u16, || 80] {
            let out = printed(&person.is_called(&bomb), columns);
            assert!(out.len() <= most, "{} bytes for {:?}", out.len(), bomb.chars().next());
            assert!(longest_pile(&shown(&out)) <= MARKS_MAX, "{:?}", bomb.chars().take(3));
        }
    }
}

/// The row of a half-typed line is drawn at every key: it costs what the row shows, not what the line holds.
#[test]
fn t23_a_row_costs_its_columns_and_not_its_line() {
    let most = 80 * CELL_CHARS_MAX * 4 + 64;
    for bomb in bombs() {
        for (before, after) in [(bomb.as_str(), ""), ("", bomb.as_str()), (&bomb, &bomb)] {
            let out = drawn(before, after, || 80);
            assert!(out.len() <= most, "{} bytes for {:?}", out.len(), bomb.chars().next());
            assert!(longest_pile(&shown(&out)) <= MARKS_MAX);
        }
    }
}

/// The most marks in a row.
fn longest_pile(text: &str) -> usize {
    let is_mark =
        |char| matches!(char, '\u{300}'..='\u{36f}' | '\u{200c}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    text.split(|char| !is_mark(char)).map(|pile| pile.chars().count()).max().unwrap_or(0)
}
