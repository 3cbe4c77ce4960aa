//! What a person who means harm may write: everything that steers a terminal, in every form.

/// Bodies of control sequences: erase, colour, reports, modes, moves, printing, resets.
const CSI: [&str; 22] = [
    "2J", "3J", "K", "31m", "8m", "6n", "c", ">c", "?1049h", "?2004l", "?25l", "?1000h", "1;1H", "99A", "5i",
    "18t", "21t", "!p", "20h", "1;2r", "u", "1000b",
];
/// Bodies of operating system commands: titles, links, the clipboard, colours, files, notices.
const OSC: [&str; 12] = [
    "0;title",
    "2;title",
    "8;;http://evil.example/",
    "52;c;ZXZpbA==",
    "52;c;?",
    "4;1;?",
    "10;?",
    "7;file:///etc",
    "9;notice",
    "777;notify;a;b",
    "1337;File=name=eA==:AAAA",
    "133;A",
];
/// Bodies of device control strings: questions that a terminal answers into the line of whoever reads, pictures.
const DCS: [&str; 5] = ["$qm", "$q\"p", "+q544e", "1$r0m", "q#0;2;0;0;0#0~~"];
/// Bodies of strings that most terminals ignore and some obey.
const OTHER: [&str; 3] = ["Gf=24,s=1,v=1;AAAA", "private", "tmux;\u{1b}]0;x\u{7}"];
/// What ends a string: both forms of its terminator, a bell, the end of the text.
const ENDS: [&str; 4] = ["\u{1b}\\", "\u{9c}", "\u{7}", ""];
/// The rest of an escape sequence without parameters.
const SHORT: [&str; 22] = [
    "c", "7", "8", "=", ">", "D", "E", "H", "M", "N", "O", "Z", "#8", "(0", ")0", "%G", "%@", "|", "}", "~",
    "n", " F",
];
/// What moves on the line, makes new ones, or is nothing alone.
const MOVES: [&str; 14] = [
    "\r<bob> hi",
    "\n<bob> hi",
    "\r\n<bob> hi",
    "\u{85}<bob> hi",
    "\u{2028}bob: hi",
    "\u{2029}bob: hi",
    "\u{b}bob: hi",
    "\u{c}bob: hi",
    "\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}bob: hi",
    "\u{7f}\u{7f}",
    "\u{1b}",
    "\u{1b}\u{1b}\u{1b}[2J",
    "\u{1b}[\u{1b}[\u{1b}[",
    "\0\0\0",
];

/// Every sequence, as text; those of eight bits as the characters U+0080 to U+009F.
pub(crate) fn sequences() -> Vec<String> {
    let mut all = controls();
    all.extend(control_sequences());
    for (short, long, bodies) in [
        ("]", "\u{9d}", &OSC[..]),
        ("P", "\u{90}", &DCS),
        ("_", "\u{9f}", &OTHER),
        ("^", "\u{9e}", &OTHER),
        ("X", "\u{98}", &OTHER),
    ] {
        all.extend(strings(short, long, bodies));
    }
    all.extend(SHORT.iter().map(|rest| format!("\u{1b}{rest}")));
    all.extend(MOVES.map(str::to_owned));
    all.extend(invisible().map(|char| format!("yo{char}da")));
    all.extend(('\u{fe00}'..='\u{fe0f}').map(|selector| format!("a{selector}")));
    all
}

/// C0, DEL and C1, each alone in a text. A tab is honest.
fn controls() -> Vec<String> {
    let controls = ('\0'..='\u{9f}').filter(|char| char.is_control() && *char != '\t');
    controls.map(|char| format!("a{char}b")).collect()
}

/// In both forms, whole and cut off in the middle.
fn control_sequences() -> impl Iterator<Item = String> {
    let bodies = CSI.iter().flat_map(|body| [body, &body[..body.len() - 1]]);
    bodies.flat_map(|body| ["\u{1b}[", "\u{9b}"].map(|start| format!("{start}{body}")))
}

/// In both forms, with each end.
fn strings<'a>(short: &'a str, long: &'a str, bodies: &'a [&str]) -> impl Iterator<Item = String> + 'a {
    let starts = move || [format!("\u{1b}{short}"), long.to_owned()];
    bodies.iter().flat_map(move |body| {
        starts().into_iter().flat_map(move |start| ENDS.map(|end| format!("{start}{body}{end}")))
    })
}

/// Characters that nobody sees, or that turn the text around them.
pub(crate) fn invisible() -> impl Iterator<Item = char> {
    let lone = ['\u{61c}', '\u{200b}', '\u{200e}', '\u{200f}', '\u{feff}'];
    let ranges = ['\u{2028}'..='\u{202e}', '\u{2060}'..='\u{2069}'];
    let tags = ['\u{e0000}', '\u{e0001}', '\u{e0020}', '\u{e0041}', '\u{e007f}'];
    lone.into_iter().chain(ranges.into_iter().flatten()).chain(tags)
}

/// The same, and more, as bytes that need not be UTF-8: eight bits as a single byte, characters cut short,
/// characters longer than they may be, halves of pairs.
pub(crate) fn byte_sequences() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for text in sequences() {
        let narrow = text.chars().flat_map(|char| match u8::try_from(u32::from(char)) {
            Ok(byte @ 0x80..=0x9f) => vec![byte],
            _ => char.to_string().into_bytes(),
        });
        all.push(narrow.collect());
        all.push(text.into_bytes());
    }
    let broken: [&[u8]; 8] = [
        b"\xc0\x9b2J",
        b"\xe0\x80\x9b2J",
        b"\xf0\x80\x80\x9b2J",
        b"\xc2",
        b"\xe2\x80",
        b"\xf0\x9f\x8f",
        b"\xed\xa0\x80",
        b"\xff\xfe\x1b\x00",
    ];
    all.extend(broken.map(<[u8]>::to_vec));
    all
}

/// Whether it is one of those that nobody sees, or that turn the text around them.
pub(crate) fn is_invisible(char: char) -> bool {
    invisible().any(|other| other == char)
}
