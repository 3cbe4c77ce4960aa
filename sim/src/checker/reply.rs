//! Replies: each command that was typed is answered once, as the server said, in the order of typing.

use std::collections::VecDeque;

use starling_core::client::{Complaint, Line};
use starling_core::filename::FileName;
use starling_core::id::RequestId;
use starling_core::name::Name;
use starling_core::wire::{Finding as FoundFile, Found, NamesPage, Outcome, Refusal, Request, ServerFrame};

use super::book::{Book, Wish};
use super::fact::{Command, Fact, Target};
use super::fetch::Listed;
use super::talk::is_private;
use super::{Finding, fail, fetch};
use crate::mark::Mark;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Replies {
    /// By link of the client.
    typed: Vec<VecDeque<Awaited>>,
}

#[derive(Clone, Debug)]
pub(super) struct Awaited {
    pub(super) command: Command,
    request: Option<RequestId>,
    pub(super) answer: Option<Answer>,
}

#[derive(Clone, Debug)]
pub(super) enum Answer {
    Done(Outcome),
    /// Names that came, sorted and shown one by one; true once all have come.
    Names(Vec<Name>, bool),
    /// Files that came; true once all have come.
    Found(Vec<FoundFile>, bool),
    /// Files that are still to be shown.
    Listed(VecDeque<Listed>),
    /// Downloads that are still to be shown.
    Running(VecDeque<FileName>),
    /// Contents to choose from are being shown.
    Choice,
}

/// How far a line fits.
pub(super) enum Fit {
    /// It is the last of this command.
    Last,
    /// More follow.
    More,
    /// This command has no line; look at the next.
    Silent,
}

impl Replies {
    /// Looks at a fact.
    pub fn see(&mut self, fact: &Fact<'_>, book: &mut Book) -> Finding {
        match fact {
            Fact::Typed { link, command } => self.typed(*link, **command, book),
            Fact::Asked { link, request } => {
                if let Some((id, wish)) = book.wish(request)
                    && let Some(awaited) = self.typed.get_mut(*link as usize)
                    && book.sight(*link).honest
                {
                    return heard(awaited, request, id, wish);
                }
            }
            Fact::Told { link, frame: ServerFrame::Done { request, outcome } } => {
                return self.done(*link, *request, *outcome, book);
            }
            Fact::Told { link, frame: ServerFrame::Found(page) } => self.found(*link, page),
            Fact::Told { link, frame: ServerFrame::Names(page) } => return self.names(*link, page),
            Fact::Shown { link, line, .. } => return self.shown(*link, line, book),
            Fact::Exited { link, .. } => {
                self.forget(*link);
            }
            Fact::Over => return self.all_answered(book),
            _ => {}
        }
        Ok(())
    }

    fn forget(&mut self, link: u32) {
        if let Some(awaited) = self.typed.get_mut(link as usize) {
            *awaited = VecDeque::new();
        }
    }

    fn typed(&mut self, link: u32, command: Command, book: &mut Book) {
        if let Command::Slip(slip) = command
            && Command::SLIPS[usize::from(slip)].1.is_none()
        {
            return;
        }
        if command.is_private() {
            return;
        }
        let at = link as usize;
        if self.typed.len() <= at {
            self.typed.resize_with(at + 1, VecDeque::new);
        }
        let awaited = &mut self.typed[at];
        awaited.push_back(Awaited { command, request: None, answer: None });
        if awaited.len() >= 64 {
            book.marks.reach(Mark::FullPipe);
        }
    }

    fn done(&mut self, link: u32, request: RequestId, outcome: Outcome, book: &Book) -> Finding {
        let sight = book.sight(link);
        let ends = sight.vouched.contains(&request) && outcome == Outcome::Refused(Refusal::BlockedBy);
        if book.asked(link, request).is_none() && !ends {
            return fail!("request {request:?} is answered, and nobody waits for that");
        }
        let Some(awaited) = self.typed.get_mut(link as usize) else { return Ok(()) };
        let Some(mine) = awaited.iter_mut().find(|awaited| awaited.request == Some(request)) else {
            return Ok(());
        };
        if mine.answer.replace(Answer::Done(outcome)).is_some() {
            return fail!("request {request:?} is answered twice");
        }
        // Commands that are answered by nothing wait for no line.
        let silent = |first: &mut Awaited| match first.answer {
            Some(Answer::Done(outcome)) => rendered(first.command, outcome, book).is_none(),
            _ => false,
        };
        while awaited.pop_front_if(silent).is_some() {}
        Ok(())
    }

    fn names(&mut self, link: u32, page: &NamesPage) -> Finding {
        let Some(awaited) = self.typed.get_mut(link as usize) else { return Ok(()) };
        let Some(mine) = awaited.iter_mut().find(|awaited| awaited.request == Some(page.request)) else {
            return Ok(());
        };
        let Answer::Names(names, all) = mine.answer.get_or_insert_with(|| Answer::Names(Vec::new(), false))
        else {
            return fail!("names follow another answer");
        };
        names.extend_from_slice(&page.names);
        *all = page.last;
        if page.last {
            names.sort_unstable();
        }
        Ok(())
    }

    fn found(&mut self, link: u32, page: &Found) {
        let Some(awaited) = self.typed.get_mut(link as usize) else { return };
        let Some(mine) = awaited.iter_mut().find(|awaited| awaited.request == Some(page.request)) else {
            return;
        };
        if let Answer::Found(files, all) = mine.answer.get_or_insert(Answer::Found(Vec::new(), false)) {
            files.extend_from_slice(&page.findings);
            *all = page.last;
        }
    }

    /// When all is calm, no command waits for its answer.
    fn all_answered(&self, book: &Book) -> Finding {
        let waits = |awaited: &&Awaited| match awaited.answer {
            Some(Answer::Done(outcome)) => rendered(awaited.command, outcome, book).is_some(),
            _ => true,
        };
        match self.typed.iter().flatten().find(waits) {
            Some(awaited) => fail!("{:?} is not answered", awaited.command),
            None => Ok(()),
        }
    }

    fn shown(&mut self, link: u32, line: &Line, book: &Book) -> Finding {
        if !is_reply(line) || is_private(line) {
            return Ok(());
        }
        if *line == Line::LoggedOut {
            // Ctrl-C asks for it as well, and leaves other answers behind.
            self.forget(link);
            return Ok(());
        }
        let Some(awaited) = self.typed.get_mut(link as usize) else {
            return fail!("\"{line}\" answers nothing");
        };
        while let Some(first) = awaited.front_mut() {
            match fit(first, line, link, book)? {
                Fit::More => return Ok(()),
                Fit::Last => {
                    awaited.pop_front();
                    return Ok(());
                }
                Fit::Silent => {
                    awaited.pop_front();
                }
            }
        }
        fail!("\"{line}\" answers nothing")
    }
}

fn is_reply(line: &Line) -> bool {
    matches!(
        line,
        Line::Listed(_)
            | Line::NobodyOnline
            | Line::NobodySince
            | Line::Queued(_)
            | Line::Partly
            | Line::Blocked(_)
            | Line::Unblocked(_)
            | Line::Refused(_)
            | Line::LoggedOut
    ) || fetch::is_reply(line)
}

/// What the server hears next from a client is the next command that was typed.
fn heard(awaited: &mut VecDeque<Awaited>, request: &Request, id: RequestId, wish: Wish) -> Finding {
    if matches!(request, Request::Files { .. }) {
        let is_next = |awaited: &&mut Awaited| awaited.request.is_none() && awaited.command == Command::Files;
        return match awaited.iter_mut().find(is_next) {
            Some(next) => {
                next.request = Some(id);
                Ok(())
            }
            None => fail!("the server hears {request:?}, and nobody typed it"),
        };
    }
    if matches!(wish, Wish::Call(_) | Wish::Know(_) | Wish::Files) {
        return Ok(());
    }
    let remote = |awaited: &&mut Awaited| awaited.request.is_none() && !is_local(awaited.command);
    let Some(next) = awaited.iter_mut().find(remote) else {
        // `logout` may come from the end of the input or an interruption, which nobody types.
        return if wish == Wish::Logout {
            Ok(())
        } else {
            fail!("the server hears {request:?}, and nobody typed it")
        };
    };
    let same = match (next.command, wish) {
        (Command::Message(to, tag), Wish::Message(other, number)) => to == other && Some(tag) == number,
        (Command::Broadcast(tag), Wish::Broadcast(number)) => Some(tag) == number,
        (Command::Who, Wish::Who(None)) | (Command::Logout, Wish::Logout) => true,
        (Command::Since(seconds), Wish::Who(Some(other))) => seconds == other,
        (Command::Block(whom, on), Wish::Block(other, other_on)) => (whom, on) == (other, other_on),
        (_, Wish::Logout) => return Ok(()),
        _ => false,
    };
    next.request = Some(id);
    if same { Ok(()) } else { fail!("the server hears {wish:?} instead of {:?}", next.command) }
}

/// What is answered here, or of which the server hears nothing at that moment.
fn is_local(command: Command) -> bool {
    command.is_about_files()
        || matches!(
            command,
            Command::Slip(_)
                | Command::Message(Target::Impossible, _)
                | Command::Block(Target::Impossible, _)
        )
}

fn fit(awaited: &mut Awaited, line: &Line, link: u32, book: &Book) -> Result<Fit, String> {
    if let Command::Slip(slip) = awaited.command {
        let expected = Command::SLIPS[usize::from(slip)].1;
        return if expected.is_some_and(|expected| expected == line.to_string()) {
            Ok(Fit::Last)
        } else {
            fail!("\"{line}\" is shown instead of {expected:?}")
        };
    }
    if awaited.command.is_about_files() {
        return fetch::fit(awaited, line, book.sight(link));
    }
    if is_local(awaited.command) {
        let expected = Line::Refused(Complaint::UnknownUser(Target::IMPOSSIBLE.to_owned()));
        return if *line == expected {
            Ok(Fit::Last)
        } else {
            fail!("\"{line}\" is shown instead of \"{expected}\"")
        };
    }
    match &mut awaited.answer {
        None => fail!("\"{line}\" is shown and {:?} is not answered yet", awaited.command),
        Some(Answer::Names(_, false)) => fail!("\"{line}\" is shown before all names have come"),
        Some(Answer::Names(names, true)) => names_fit(names, awaited.command, line),
        Some(Answer::Found(..) | Answer::Listed(_) | Answer::Running(_) | Answer::Choice) => {
            fail!("files answer {:?}", awaited.command)
        }
        Some(Answer::Done(outcome)) => match rendered(awaited.command, *outcome, book) {
            None => Ok(Fit::Silent),
            Some(expected) if expected == *line => Ok(Fit::Last),
            Some(expected) => fail!("\"{line}\" is shown instead of \"{expected}\""),
        },
    }
}

fn names_fit(names: &mut Vec<Name>, command: Command, line: &Line) -> Result<Fit, String> {
    if names.is_empty() {
        let nobody = if command == Command::Who { Line::NobodyOnline } else { Line::NobodySince };
        return if *line == nobody {
            Ok(Fit::Last)
        } else {
            fail!("\"{line}\" is shown instead of \"{nobody}\"")
        };
    }
    let name = names.remove(0);
    match line {
        Line::Listed(shown) if *shown == name => Ok(if names.is_empty() { Fit::Last } else { Fit::More }),
        _ => fail!("\"{line}\" is shown instead of {name}"),
    }
}

/// How an outcome reads (behaviour.md §4).
fn rendered(command: Command, outcome: Outcome, book: &Book) -> Option<Line> {
    let name = |target: Target| match target {
        Target::User(user) => book.people.name(user),
        Target::Nobody | Target::Impossible => Name::parse(Target::NOBODY.as_bytes()).expect("a name"),
    };
    let complaint = match (command, outcome) {
        (Command::Message(to, _), Outcome::Queued) => return Some(Line::Queued(name(to))),
        (Command::Broadcast(_), Outcome::Partly) => return Some(Line::Partly),
        (Command::Broadcast(_), Outcome::NobodyOnline) => return Some(Line::NobodyOnline),
        (Command::Block(whom, true), Outcome::Accepted) => return Some(Line::Blocked(name(whom))),
        (Command::Block(whom, false), Outcome::Accepted) => return Some(Line::Unblocked(name(whom))),
        (Command::Logout, Outcome::LoggedOut) => return Some(Line::LoggedOut),
        (Command::Message(to, _), Outcome::Refused(refusal)) => match refusal {
            Refusal::UnknownUser => Complaint::UnknownUser(name(to).as_str().to_owned()),
            Refusal::Yourself => Complaint::MessageYourself,
            Refusal::BlockedBy => Complaint::BlockedBy(name(to)),
            Refusal::MailboxFull => Complaint::MailboxFull(name(to)),
            _ => Complaint::CannotStore,
        },
        (Command::Block(whom, on), Outcome::Refused(refusal)) => match refusal {
            Refusal::UnknownUser => Complaint::UnknownUser(name(whom).as_str().to_owned()),
            Refusal::Yourself if on => Complaint::BlockYourself,
            Refusal::Yourself => Complaint::UnblockYourself,
            Refusal::AlreadyBlocked => Complaint::AlreadyBlocked(name(whom)),
            Refusal::NotBlocked => Complaint::NotBlocked(name(whom)),
            _ => Complaint::NotStored,
        },
        _ => return None,
    };
    Some(Line::Refused(complaint))
}
