//! Reading a transcript, a line a time.

use std::time::Duration;

use super::folder;
use super::quote::unquote;
use super::{Deed, Fate, Reach, Setup, Sight, Step, Transcript, What, Who, Whom};

/// The users that every transcript knows.
const SAMPLE_USERS: &str = include_str!("../../../credentials.txt");

pub(super) fn transcript(text: &str) -> Result<Transcript, String> {
    let mut reader = Reader::default();
    for (line, written) in (1..).zip(text.lines()) {
        reader.line(line, written).map_err(|error| format!("line {line}: {error}"))?;
    }
    reader.finish()
}

#[derive(Default)]
struct Reader {
    setup: Option<Setup>,
    steps: Vec<Step>,
    paragraph: usize,
}

impl Reader {
    fn line(&mut self, line: usize, written: &str) -> Result<(), String> {
        let text = written.trim_start();
        if text.is_empty() {
            self.paragraph += 1;
        } else if !text.starts_with('#') && !self.head(text)? {
            let paragraph = self.paragraph;
            self.steps.extend(step(text)?.into_iter().map(|what| Step { line, paragraph, what }));
        }
        Ok(())
    }

    /// Reads a line of the head. Says whether it was one.
    fn head(&mut self, text: &str) -> Result<bool, String> {
        let text = text.trim_end();
        if let Some(numbers) = text.strip_prefix("server ") {
            self.setup = Some(server(numbers)?);
            return Ok(true);
        }
        let setup = self.setup.as_mut().ok_or("the first line is `server <block_duration> <timeout>`")?;
        if let Some(user) = text.strip_prefix("user ") {
            let (name, password) = user.split_once(' ').ok_or("a user has a name and a password")?;
            setup.users.push((name.to_owned(), password.to_owned()));
        } else if let Some(limit) = text.strip_prefix("limit ") {
            let (key, value) = limit.split_once(" = ").ok_or("a limit is `limit <key> = <value>`")?;
            setup.limits.push((key.to_owned(), number(value)?));
        } else if let Some(seconds) = text.strip_prefix("patience ") {
            setup.patience = Duration::from_secs(number(seconds)?.into());
        } else if let Some(file) = text.strip_prefix("file ") {
            setup.files.push(folder::owned_file(file)?);
        } else if text == "only in process" {
            setup.reach = Reach::InProcess;
        } else if text == "only simulated" {
            setup.reach = Reach::Simulated;
        } else {
            return Ok(false);
        }
        if self.steps.is_empty() { Ok(true) } else { Err("the head stands before the first step".to_owned()) }
    }

    fn finish(self) -> Result<Transcript, String> {
        let setup = self.setup.ok_or("an empty transcript")?;
        Ok(Transcript { setup, steps: self.steps })
    }
}

fn server(numbers: &str) -> Result<Setup, String> {
    let (block_duration, timeout) = numbers.split_once(' ').ok_or("server <block_duration> <timeout>")?;
    let sample = SAMPLE_USERS.lines().filter_map(|line| line.split_once(' '));
    Ok(Setup {
        block_duration_s: number(block_duration)?,
        timeout_s: number(timeout)?,
        users: sample.map(|(name, password)| (name.to_owned(), password.to_owned())).collect(),
        limits: Vec::new(),
        patience: Duration::from_secs(1),
        reach: Reach::Programs,
        files: Vec::new(),
    })
}

pub(super) fn number(digits: &str) -> Result<u32, String> {
    digits.parse().map_err(|_| format!("not a number: {digits}"))
}

/// The steps that a line means.
fn step(text: &str) -> Result<Vec<What>, String> {
    if let Some(moment) = text.strip_prefix('@') {
        let seconds: f64 = moment.trim().parse().map_err(|_| format!("not a moment: @{moment}"))?;
        let moment = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
        return Ok(vec![What::Moment(moment)]);
    }
    if let Some(inside) = text.trim_end().strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        return event(inside);
    }
    if let Some(about_folder) = folder::step(text) {
        return about_folder.map(|what| vec![what]);
    }
    let at = text.find(['>', '<']).ok_or("a step is `hans> …`, `hans< …`, `@…` or `(…)`")?;
    let (who, rest) = (&text[..at], &text[at + 1..]);
    Ok(vec![match text.as_bytes()[at] {
        b'>' => What::Does(one(who)?, typed(rest)?),
        _ => What::Sees(whom(who)?, sight(rest)?),
    }])
}

pub(super) fn one(name: &str) -> Result<Who, String> {
    let allowed = |char: char| char.is_ascii_alphanumeric() || "_.-@".contains(char);
    if name.is_empty() || !name.chars().all(allowed) {
        return Err(format!("nobody can be called {name:?}"));
    }
    Ok(Who(name.to_owned()))
}

fn whom(name: &str) -> Result<Whom, String> {
    Ok(match name {
        "others" => Whom::Others,
        "everyone" => Whom::Everyone,
        name => Whom::One(one(name)?),
    })
}

fn typed(rest: &str) -> Result<Deed, String> {
    Ok(match rest {
        " (end of input)" => Deed::EndsInput,
        " (interrupt)" => Deed::Interrupts,
        _ => Deed::Types(written(rest)?),
    })
}

fn sight(rest: &str) -> Result<Sight, String> {
    let status = rest.strip_prefix(" (exit ").and_then(|rest| rest.strip_suffix(')'));
    let text = |rest| String::from_utf8(written(rest)?).map_err(|error| error.to_string());
    Ok(match (rest, status, rest.strip_prefix('~')) {
        (" (nothing)", _, _) => Sight::Nothing,
        (_, Some(status), _) => Sight::Exit(status.parse().map_err(|_| format!("no status: {status}"))?),
        (_, _, Some(form)) => Sight::Form(text(form)?),
        _ => Sight::Line(text(rest)?),
    })
}

/// What stands after a `>` or `<`: quoted, or a space and the line as it is.
fn written(rest: &str) -> Result<Vec<u8>, String> {
    match rest.strip_prefix(' ') {
        _ if rest.starts_with('"') => unquote(rest),
        _ if rest.is_empty() => Ok(Vec::new()),
        Some(line) if line.ends_with(' ') => Err("trailing spaces stand in quotes".to_owned()),
        Some(line) => Ok(line.as_bytes().to_vec()),
        None => Err("a space or a quote follows".to_owned()),
    }
}

/// What the words in brackets mean.
fn event(words: &str) -> Result<Vec<What>, String> {
    let server = |fates: &[Fate]| Ok(fates.iter().copied().map(What::Server).collect());
    match words {
        "the server is killed" => return server(&[Fate::Killed]),
        "the server is told to stop" => return server(&[Fate::Stopped]),
        "the server starts again" => return server(&[Fate::Started]),
        "the disk is full" => return server(&[Fate::DiskFull]),
        "the disk has room again" => return server(&[Fate::DiskHasRoom]),
        "the server is killed and starts again" => return server(&[Fate::Killed, Fate::Started]),
        _ => {}
    }
    if let Some(about_folder) = folder::event(words) {
        return about_folder.map(|what| vec![what]);
    }
    for (ending, deed) in [
        (" connects", Deed::Connects),
        (" logs in", Deed::LogsIn),
        ("'s client is killed", Deed::IsKilled),
        ("'s client stands still", Deed::StandsStill),
        ("'s client goes on", Deed::GoesOn),
        ("'s line is cut", Deed::IsCut),
    ] {
        if let Some(who) = words.strip_suffix(ending) {
            return Ok(vec![What::Does(one(who)?, deed)]);
        }
    }
    let names = words.strip_suffix(" are online").or_else(|| words.strip_suffix(" is online"));
    let names = names.ok_or_else(|| format!("what does ({words}) mean?"))?.replace(" and ", ", ");
    Ok(vec![What::AreOnline(names.split(", ").map(one).collect::<Result<_, _>>()?)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Vec<What> {
        let transcript = transcript(&format!("server 1 2\n{text}")).unwrap();
        transcript.steps.into_iter().map(|step| step.what).collect()
    }

    fn who(name: &str) -> Who {
        Who(name.to_owned())
    }

    #[test]
    fn a_head_says_where_it_is_held() {
        let text = "# why\nserver 60 120\nuser bob a b\nlimit page_bytes = 7\npatience 3\nonly in process\n";
        let setup = transcript(text).unwrap().setup;
        assert_eq!((setup.block_duration_s, setup.timeout_s), (60, 120));
        assert_eq!((setup.password_of("hans"), setup.password_of("bob")), (Some("falcon"), Some("a b")));
        assert_eq!(setup.limits, [("page_bytes".to_owned(), 7)]);
        assert!(setup.patience == Duration::from_secs(3) && setup.reach == Reach::InProcess);
    }

    #[test]
    fn lines_are_kept_as_they_are_written() {
        assert_eq!(
            steps("hans> message yoda Hey  Dude\n    yoda< hans: Hey  Dude\nhans>\nhans>\"a \""),
            [
                What::Does(who("hans"), Deed::Types(b"message yoda Hey  Dude".to_vec())),
                What::Sees(Whom::One(who("yoda")), Sight::Line("hans: Hey  Dude".to_owned())),
                What::Does(who("hans"), Deed::Types(Vec::new())),
                What::Does(who("hans"), Deed::Types(b"a ".to_vec())),
            ]
        );
        let form = Sight::Form("# of 16".to_owned());
        assert_eq!(steps("hans<~ # of 16"), [What::Sees(Whom::One(who("hans")), form)]);
    }

    #[test]
    fn words_in_brackets_are_events() {
        assert_eq!(
            steps("(hans, luke and yoda are online)\n(yoda@laptop logs in)\nluke< (exit 4)\n@1.5"),
            [
                What::AreOnline(vec![who("hans"), who("luke"), who("yoda")]),
                What::Does(who("yoda@laptop"), Deed::LogsIn),
                What::Sees(Whom::One(who("luke")), Sight::Exit(4)),
                What::Moment(Duration::from_millis(1500)),
            ]
        );
        assert_eq!(
            steps("(the server is killed and starts again)"),
            [What::Server(Fate::Killed), What::Server(Fate::Started)]
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for wrong in ["hans", "hans>x", "hans> x ", "(hans sings)", "@soon", "h ns> x", "hans>\"x"] {
            let error = transcript(&format!("server 1 2\n{wrong}\n")).unwrap_err();
            assert!(error.starts_with("line 2: "), "{wrong}: {error}");
        }
        assert!(transcript("hans> whoelse\n").is_err());
        assert!(transcript("server 1 2\nhans>\nuser a b\n").is_err());
    }
}
