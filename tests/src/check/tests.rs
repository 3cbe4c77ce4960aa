//! A check that lets everything pass is worth nothing: what it must find, it finds.

use super::*;

/// A stage on which people say what others see: `tell hans hello` shows hans a line, `end hans 4` ends him.
struct Puppets {
    unread: BTreeMap<String, VecDeque<Seen>>,
    typed: BTreeMap<String, usize>,
    now: Option<Duration>,
    file: Option<(FileName, Bytes)>,
}

impl Puppets {
    fn open(_: &Setup) -> Puppets {
        Puppets { unread: BTreeMap::new(), typed: BTreeMap::new(), now: None, file: None }
    }

    fn show(&mut self, who: &str, text: &str) {
        let line = Seen::Line { text: text.to_owned(), at: self.now };
        self.unread.entry(who.to_owned()).or_default().push_back(line);
    }

    fn obey(&mut self, who: &str, line: &str) {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["tell", whom, ref words @ ..] => self.show(whom, &words.join(" ")),
            ["end", whom, status] => {
                let status = status.parse().expect("a status");
                self.unread.entry(whom.to_owned()).or_default().push_back(Seen::End(status));
            }
            ["whoelse"] => self.show(who, "No other user is online."),
            _ => self.show(who, &format!("Error. Invalid command: {line}")),
        }
    }
}

impl Stage for Puppets {
    fn does(&mut self, who: &Who, deed: &Deed) {
        let Deed::Types(line) = deed else { return };
        let line = String::from_utf8(line.clone()).expect("a text");
        let typed = self.typed.entry(who.as_str().to_owned()).or_default();
        *typed += 1;
        match *typed {
            1 => {}
            2 => self.show(who.as_str(), &format!("Welcome, {}.", who.user())),
            _ => self.obey(who.as_str(), &line),
        }
    }

    fn next(&mut self, who: &Who) -> Seen {
        self.unread.get_mut(who.as_str()).and_then(VecDeque::pop_front).unwrap_or(Seen::Nothing)
    }

    fn moment(&mut self, moment: Duration) {
        self.now = Some(moment);
    }

    fn changes(&mut self, _: &Who, change: &Change) {
        match change {
            Change::Puts(name, bytes) => self.file = Some((name.clone(), bytes.clone())),
            _ => self.file = None,
        }
    }

    fn file(&mut self, _: &Who, name: &FileName) -> Option<Bytes> {
        self.file.clone().filter(|(there, _)| there == name).map(|(_, bytes)| bytes)
    }

    fn server(&mut self, _: Fate) {}
}

fn held(steps: &str) -> Result<(), String> {
    let text = format!("server 60 120\n(hans logs in)\nhans< Welcome, hans.\n{steps}");
    let transcript = Transcript::parse(&text).expect("a good transcript");
    hold(&transcript, Puppets::open)
}

/// The conversation goes another way at this line, for this reason.
fn goes_wrong(steps: &str, line: usize, reason: &str) {
    let error = held(steps).expect_err(steps);
    assert!(error.starts_with(&format!("line {line}: {reason}")), "{error}");
}

#[test]
fn what_is_as_written_passes() {
    held("hans> tell hans hello\nhans< hello\nhans< (nothing)\n@0\nhans> tell hans bye\nhans< bye").unwrap();
    held("hans> tell hans hello\nhans> end hans 3\nhans< hello\nhans< (exit 3)").unwrap();
    held("(luke logs in)\nluke< Welcome, luke.\n\nluke> tell hans hi\nothers< hi\nluke< (nothing)").unwrap();
}

#[test]
fn another_line_is_found() {
    goes_wrong("hans> tell hans hello\nhans< hallo", 5, "hans was to see \"hallo\" but saw \"hello\"");
    goes_wrong("hans< hello", 4, "hans was to see \"hello\" but saw nothing");
    goes_wrong("hans> end hans 3\nhans< hello", 5, "hans was to see \"hello\" but his client ended");
}

#[test]
fn a_line_too_many_is_found() {
    goes_wrong("hans> tell hans hello\nhans< (nothing)", 5, "hans was to see nothing but saw \"hello\"");
    goes_wrong("hans> tell hans hello", 4, "hans was to see nothing but saw \"hello\"");
    goes_wrong("hans> tell hans luke\nhans< (nothing)", 5, "hans was to see nothing but saw \"luke\"");
    let for_another =
        "(luke logs in)\nluke< Welcome, luke.\nluke> tell hans hi\nluke< (nothing)\nhans< (nothing)";
    goes_wrong(for_another, 8, "hans was to see nothing but saw \"hi\"");
}

#[test]
fn another_form_is_found() {
    held("hans> tell hans 7 of 16\nhans<~ # of #").unwrap();
    goes_wrong("hans> tell hans 7 of x\nhans<~ # of #", 5, "hans was to see \"# of #\" but saw \"7 of x\"");
    for (line, form) in
        [("12", "#"), ("", "*"), ("a, b", "*, *"), ("1 2", "# #"), ("übel", "*l"), ("a.b.c", "*.c")]
    {
        assert!(has_form(line, form), "{line} {form}");
    }
    for (line, form) in [("", "#"), ("ab", "*a"), ("12", "#1"), ("1 2", "# "), ("1", "#x"), ("x", "")] {
        assert!(!has_form(line, form), "{line} {form}");
    }
}

#[test]
fn another_file_is_found() {
    held("hans puts x = \"a\"\nhans has x = \"a\"\nhans removes x\nhans has no x").unwrap();
    goes_wrong("hans has x = \"a\"", 4, "hans was to have b\"a\" as x, but has none");
    goes_wrong("hans puts x = \"b\"\nhans has x = \"a\"", 5, "hans was to have b\"a\" as x, but has b\"b\"");
    goes_wrong("hans puts x = \"b\"\nhans has no x", 5, "hans was to have none as x, but has b\"b\"");
}

#[test]
fn another_end_is_found() {
    goes_wrong("hans> end hans 3\nhans< (exit 4)", 5, "hans's client was to end with status 4 but");
    goes_wrong("hans> tell hans hi\nhans> end hans 3\nhans< (exit 3)", 6, "hans's client was to end");
    goes_wrong("hans> end hans 3", 4, "hans was to see nothing but his client ended with status 3");
}

#[test]
fn a_line_too_early_is_found() {
    goes_wrong("@0\nhans> tell hans now\n@60\nhans< now", 7, "hans saw \"now\" at @0 already");
}

#[test]
fn who_has_no_client_can_do_nothing() {
    goes_wrong("luke> hello", 4, "luke has no client");
    goes_wrong("luke< (nothing)", 4, "luke has no client");
    goes_wrong("(hans logs in)", 4, "hans has a client already");
    goes_wrong("others< hello", 4, "there is nobody who could see it");
}
