//! Holds a conversation on a stage and compares what is seen with what the transcript says.
//!
//! That nothing was seen is proved by a barrier: the person types three commands whose answers are known,
//! and no other line may come before the last of them. So `(nothing)` is something that he does.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use starling_core::filename::FileName;

use crate::stage::{Seen, Stage};
use crate::transcript::{Change, Deed, Fate, Setup, Sight, Step, Transcript, What, Who, Whom};

/// How many lines of what happened are told with a failure.
const TOLD_MAX: usize = 30;

/// Holds the conversation of the file at `path` on the stage that `open` makes.
///
/// # Errors
/// Says where the conversation went another way, and what happened before.
pub fn check<S: Stage>(path: &Path, open: impl FnOnce(&Setup) -> S) -> Result<(), String> {
    let transcript = Transcript::read(path)?;
    hold(&transcript, open).map_err(|error| format!("{}: {error}", path.display()))
}

fn hold<S: Stage>(transcript: &Transcript, open: impl FnOnce(&Setup) -> S) -> Result<(), String> {
    let mut conversation = Conversation::new(open(&transcript.setup), &transcript.setup);
    let mut last = 0;
    let mut held = || {
        transcript.setup.files.iter().for_each(|(who, change)| conversation.stage.changes(who, change));
        for step in &transcript.steps {
            last = step.line;
            conversation.step(step)?;
        }
        conversation.finish()
    };
    held().map_err(|error| {
        let told = conversation.told.split_off(conversation.told.len().saturating_sub(TOLD_MAX));
        format!("line {last}: {error}\n    what happened:\n        {}", told.join("\n        "))
    })
}

struct Conversation<'a, S> {
    stage: S,
    setup: &'a Setup,
    people: BTreeMap<Who, Person>,
    /// Who was named in this paragraph.
    named: BTreeSet<Who>,
    paragraph: usize,
    moment: Duration,
    barriers: usize,
    /// What happened.
    told: Vec<String>,
}

#[derive(Default)]
struct Person {
    /// He has been welcomed.
    online: bool,
    /// He did something that the server may not have seen yet.
    busy: bool,
    still: bool,
    /// Seen, and not yet compared.
    unread: VecDeque<Seen>,
}

impl<'a, S: Stage> Conversation<'a, S> {
    fn new(stage: S, setup: &'a Setup) -> Self {
        Conversation {
            stage,
            setup,
            people: BTreeMap::new(),
            named: BTreeSet::new(),
            paragraph: 0,
            moment: Duration::ZERO,
            barriers: 0,
            told: Vec::new(),
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        if self.paragraph != step.paragraph {
            self.paragraph = step.paragraph;
            self.named.clear();
        }
        match &step.what {
            What::Moment(moment) => {
                self.told.push(format!("@{}", moment.as_secs_f64()));
                self.moment = *moment;
                self.stage.moment(*moment);
                Ok(())
            }
            What::AreOnline(people) => people.iter().try_for_each(|who| self.come_online(who)),
            What::Does(who, deed) => self.does(who, deed),
            What::Sees(whom, sight) => self.see(whom, sight),
            What::Server(fate) => self.server(*fate),
            What::Changes(who, change) => self.changes(who, change),
            What::Has(who, name, expected) => self.has(who, name, expected.as_ref()),
        }
    }

    fn come_online(&mut self, who: &Who) -> Result<(), String> {
        let before = self.online(&BTreeSet::new());
        self.log_in(who)?;
        self.sees_line(who, &format!("Welcome, {}.", who.user()))?;
        before.iter().try_for_each(|other| self.sees_line(other, &format!("{} logged in", who.user())))
    }

    fn server(&mut self, fate: Fate) -> Result<(), String> {
        self.told.push(format!("(the server: {fate:?})"));
        self.stage.server(fate);
        Ok(())
    }

    // --- Folders ---

    fn changes(&mut self, who: &Who, change: &Change) -> Result<(), String> {
        self.told.push(format!("({who}: {change:?})"));
        self.stage.changes(who, change);
        Ok(())
    }

    fn has(&mut self, who: &Who, name: &FileName, expected: Option<&Bytes>) -> Result<(), String> {
        let there = self.stage.file(who, name);
        if there.as_ref() == expected {
            return Ok(());
        }
        let [expected, there] =
            [expected, there.as_ref()].map(|file| file.map_or("none".to_owned(), weighed));
        Err(format!("{who} was to have {expected} as {name}, but has {there}"))
    }

    // --- Doing ---

    fn does(&mut self, who: &Who, deed: &Deed) -> Result<(), String> {
        self.named.insert(who.clone());
        match deed {
            Deed::LogsIn => return self.log_in(who),
            Deed::IsKilled => {
                self.act(who, deed)?;
                self.people.remove(who);
                return Ok(());
            }
            Deed::StandsStill | Deed::GoesOn => self.person(who)?.still = *deed == Deed::StandsStill,
            _ => {}
        }
        self.act(who, deed)
    }

    fn log_in(&mut self, who: &Who) -> Result<(), String> {
        let password = self.setup.password_of(who.user()).ok_or("that user has no password")?;
        self.act(who, &Deed::Connects)?;
        self.act(who, &Deed::Types(who.user().into()))?;
        self.act(who, &Deed::Types(password.into()))
    }

    fn act(&mut self, who: &Who, deed: &Deed) -> Result<(), String> {
        self.told.push(match deed {
            Deed::Types(line) => format!("{who}> {}", shortened(&String::from_utf8_lossy(line))),
            deed => format!("({who}: {deed:?})"),
        });
        if *deed == Deed::Connects {
            let before = self.people.insert(who.clone(), Person::default());
            if before.is_some() {
                return Err(format!("{who} has a client already"));
            }
        }
        self.person(who)?.busy = true;
        self.stage.does(who, deed);
        Ok(())
    }

    // --- Seeing ---

    fn see(&mut self, whom: &Whom, sight: &Sight) -> Result<(), String> {
        let people = match whom {
            Whom::One(who) => {
                self.named.insert(who.clone());
                vec![who.clone()]
            }
            Whom::Others => self.online(&self.named),
            Whom::Everyone => self.online(&BTreeSet::new()),
        };
        if people.is_empty() {
            return Err("there is nobody who could see it".to_owned());
        }
        people.iter().try_for_each(|who| self.sees(who, sight))
    }

    fn sees(&mut self, who: &Who, sight: &Sight) -> Result<(), String> {
        match sight {
            Sight::Line(line) => self.sees_line(who, line),
            Sight::Form(form) => self.sees_form(who, form),
            Sight::Nothing => {
                self.settle_others(who)?;
                self.barrier(who)
            }
            Sight::Exit(status) => self.sees_exit(who, *status),
        }
    }

    fn sees_line(&mut self, who: &Who, expected: &str) -> Result<(), String> {
        match self.next(who)? {
            Seen::Line { text, .. } if text == expected => {
                if expected.starts_with("Welcome, ") {
                    self.person(who)?.online = true;
                }
                Ok(())
            }
            seen => Err(format!("{who} was to see {:?} but {}", shortened(expected), told(&seen))),
        }
    }

    fn sees_form(&mut self, who: &Who, form: &str) -> Result<(), String> {
        match self.next(who)? {
            Seen::Line { text, .. } if has_form(&text, form) => Ok(()),
            seen => Err(format!("{who} was to see {:?} but {}", shortened(form), told(&seen))),
        }
    }

    fn sees_exit(&mut self, who: &Who, expected: i32) -> Result<(), String> {
        match self.next(who)? {
            Seen::End(status) if status == expected => {
                self.people.remove(who);
                Ok(())
            }
            seen => Err(format!("{who}'s client was to end with status {expected} but {}", told(&seen))),
        }
    }

    /// The next thing that somebody sees, whenever it came. It must not have come before its moment.
    fn next(&mut self, who: &Who) -> Result<Seen, String> {
        let seen = match self.person(who)?.unread.pop_front() {
            Some(seen) => seen,
            None => self.fresh(who),
        };
        match &seen {
            Seen::Line { text, at: Some(at) } if *at < self.moment => {
                Err(format!("{who} saw {text:?} at @{} already", at.as_secs_f64()))
            }
            _ => Ok(seen),
        }
    }

    fn fresh(&mut self, who: &Who) -> Seen {
        let seen = self.stage.next(who);
        self.told.push(match &seen {
            Seen::Line { text, .. } => format!("    {who}< {}", shortened(text)),
            seen => format!("    {who} {}", told(seen)),
        });
        seen
    }

    // --- Barriers ---

    /// Everything that the others have done has reached the server. What they see meanwhile is kept.
    fn settle_others(&mut self, who: &Who) -> Result<(), String> {
        let busy = self.people.iter().filter(|(other, person)| person.busy && *other != who);
        let busy: Vec<Who> =
            busy.filter(|(_, person)| person.is_awake()).map(|(who, _)| who.clone()).collect();
        for other in busy {
            let mut seen = self.pass_barrier(&other)?;
            self.person(&other)?.unread.append(&mut seen);
        }
        Ok(())
    }

    /// Nothing has been seen, and nothing is on its way.
    fn barrier(&mut self, who: &Who) -> Result<(), String> {
        let person = self.person(who)?;
        if !person.is_awake() {
            return Err(format!("{who} is not online: whether he sees nothing cannot be known"));
        }
        let mut seen = std::mem::take(&mut person.unread);
        seen.append(&mut self.pass_barrier(who)?);
        match seen.pop_front() {
            None => Ok(()),
            Some(seen) => Err(format!("{who} was to see nothing but {}", told(&seen))),
        }
    }

    /// Has somebody type commands with known answers; returns what else was seen before the last answer.
    fn pass_barrier(&mut self, who: &Who) -> Result<VecDeque<Seen>, String> {
        let marks = [self.barriers, self.barriers + 1].map(|number| format!("barrier-{number}"));
        self.barriers += 2;
        for line in [&marks[0], "whoelse", &marks[1]] {
            self.stage.does(who, &Deed::Types(line.into()));
        }
        let [mut other, list] = [self.up_to(who, &marks[0])?, self.up_to(who, &marks[1])?];
        let mut last_name = String::new();
        for seen in list {
            let Seen::Line { text, .. } = &seen else { continue };
            let is_answer =
                *text > last_name && !text.contains([' ', ':']) || text == "No other user is online.";
            if is_answer {
                last_name.clone_from(text);
            } else {
                other.push_back(seen);
            }
        }
        self.person(who)?.busy = false;
        Ok(other)
    }

    /// What is seen before the complaint about an unknown command.
    fn up_to(&mut self, who: &Who, command: &str) -> Result<VecDeque<Seen>, String> {
        let complaint = format!("Error. Invalid command: {command}");
        let mut seen = VecDeque::new();
        loop {
            match self.fresh(who) {
                Seen::Line { text, .. } if text == complaint => return Ok(seen),
                line @ Seen::Line { .. } => seen.push_back(line),
                end => return Err(format!("{who} was to see nothing but {}", told(&end))),
            }
        }
    }

    /// Nobody has seen anything that stands nowhere.
    fn finish(&mut self) -> Result<(), String> {
        let people: Vec<Who> = self.people.keys().cloned().collect();
        for who in &people {
            if self.person(who)?.is_awake() {
                self.settle_others(who)?;
                self.barrier(who)?;
            }
        }
        Ok(())
    }

    fn online(&self, without: &BTreeSet<Who>) -> Vec<Who> {
        let people = self.people.iter().filter(|(who, person)| person.online && !without.contains(who));
        people.map(|(who, _)| who.clone()).collect()
    }

    fn person(&mut self, who: &Who) -> Result<&mut Person, String> {
        self.people.get_mut(who).ok_or_else(|| format!("{who} has no client"))
    }
}

impl Person {
    fn is_awake(&self) -> bool {
        self.online && !self.still
    }
}

/// Whether a line has this form, in which each `#` is some number, and each `*` any text.
fn has_form(line: &str, form: &str) -> bool {
    let Some(place) = form.find(['#', '*']) else { return line == form };
    let (before, after) = (&form[..place], &form[place + 1..]);
    let Some(rest) = line.strip_prefix(before) else { return false };
    if form.as_bytes()[place] == b'*' {
        let mut starts = rest.char_indices().map(|(start, _)| start).chain([rest.len()]);
        return starts.any(|start| has_form(&rest[start..], after));
    }
    let next = rest.trim_start_matches(|char: char| char.is_ascii_digit());
    next.len() < rest.len() && has_form(next, after)
}

/// A short file as it is, of a longer one how long it is, and its hash.
fn weighed(file: &Bytes) -> String {
    const BYTES_MAX: usize = 40;
    match file.len() {
        0..=BYTES_MAX => format!("{file:?}"),
        len => format!("{len} bytes {:.16}", blake3::hash(file).to_hex()),
    }
}

fn told(seen: &Seen) -> String {
    match seen {
        Seen::Line { text, .. } => format!("saw {:?}", shortened(text)),
        Seen::End(status) => format!("his client ended with status {status}"),
        Seen::Nothing => "saw nothing".to_owned(),
    }
}

fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}
