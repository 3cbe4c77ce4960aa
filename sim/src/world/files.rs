//! Files in the hands of persons: what they ask for, what they have, and what they must have got in the end.

use std::time::Duration;

use starling_core::filename::FileName;
use starling_core::id::ConnId;

use super::World;
use crate::checker::book::Known;
use crate::checker::fact::{Command, Fact};
use crate::folder::{File, Folder};
use crate::person::Verb;
use crate::stock::Stock;
use crate::tape::{RECORD_BYTES, scale};

/// A deed is about files if its byte is at least this.
const OFTEN: u8 = 112;

/// A file that a person must have got before the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct DueFile {
    person: usize,
    which: u8,
    version: u8,
}

impl World {
    /// Everybody begins with what the tape says.
    pub(super) fn hand_out_files(&mut self) {
        self.judge.stock = self.options.files.clone();
        let Some(stock) = &self.options.files else { return };
        for (at, person) in self.persons.iter_mut().enumerate() {
            person.devices.iter_mut().for_each(|device| device.folder = Folder::new(Stock::BOUNDS));
            person.devices[0].folder = stock.folder(at);
            if stock.has_two_devices(at) {
                person.devices[1].folder = stock.folder(at);
            }
        }
        self.look_into_folders();
    }

    /// What a deed means where there are files; nothing if it has nothing to do with them.
    pub(super) fn file_commands(&self, verb: Verb, record: [u8; RECORD_BYTES]) -> Vec<Command> {
        let Some(stock) = &self.options.files else { return Vec::new() };
        let [.., often, which, what] = record;
        let talks = matches!(
            verb,
            Verb::Say
                | Verb::Who
                | Verb::Cast
                | Verb::Since
                | Verb::Slip
                | Verb::Paste
                | Verb::Long
                | Verb::Start
                | Verb::Whisper
        );
        if !talks || often < OFTEN {
            return Vec::new();
        }
        // Several at once meet each other's answers.
        let count = 1 + u32::from((often - OFTEN) / 2 % 4);
        (0..count).map(|at| command(stock, which.rotate_left(at), what.rotate_left(at))).collect()
    }

    /// How long a person thinks after a deed, as a rule: some who have to do with files are hasty, so that their
    /// next deed falls into a download.
    pub(super) fn longest_pause(&self, record: [u8; RECORD_BYTES]) -> Duration {
        let [.., often, _, _] = record;
        let is_hasty = self.options.files.is_some() && often >= OFTEN && often % 2 == 1;
        if is_hasty { self.options.pause / 100 } else { self.options.pause }
    }

    /// A client gives a piece to another, or takes one from him.
    pub(super) fn piece_goes(&mut self, client: u32, peer: ConnId) {
        if let Some(with) = self.met(client, peer) {
            let link = self.clients[client as usize].link;
            self.tell(&Fact::Piece { link, with });
        }
    }

    pub(super) fn look_into_folder(&mut self, person: u32, device: u8) {
        let World { persons, judge, now, .. } = self;
        let person = &persons[person as usize];
        let folder = &person.devices[usize::from(device)].folder;
        judge.see(*now, &Fact::Folder { user: person.user, device, folder });
    }

    pub(super) fn look_into_folders(&mut self) {
        for (person, _) in (0..).zip(0..self.persons.len()) {
            (0..2).for_each(|device| self.look_into_folder(person, device));
        }
    }

    // --- In the calm ---

    /// Whatever was under way has come to an end, one way or the other.
    pub(super) fn nothing_is_under_way(&mut self) {
        for client in 0..self.clients.len() {
            let node = &self.clients[client];
            let fetching = &self.judge.book.sight(node.link).fetching;
            if node.is_alive()
                && let Some(name) = fetching.first()
            {
                let story = format!("the download of {name} by client {client} neither goes on nor ends");
                return self.judge.accuse(self.now, "calm", story);
            }
        }
    }

    /// Everybody asks for all files that he has not.
    pub(super) fn everybody_fetches(&mut self) {
        self.due_files = self.missing();
        for DueFile { person, which, version } in self.due_files.clone() {
            self.type_in_calm(person, Command::Fetch(which, Some(version)));
        }
        self.everybody_stays();
    }

    /// Everybody shows that he is there.
    pub(super) fn everybody_stays(&mut self) {
        (0..self.persons.len()).for_each(|person| self.type_in_calm(person, Command::Who));
    }

    fn type_in_calm(&mut self, person: usize, command: Command) {
        let Some(client) = self.persons[person].client else { return };
        let line = self.line(command, &[], None);
        self.clients[client as usize].lines.push_back(line);
        self.take_lines(client);
    }

    /// Everybody has what he asked for in the calm.
    pub(super) fn everybody_has_files(&mut self) {
        let is_missing = |due: &&DueFile| {
            let folder = &self.persons[due.person].devices[0].folder;
            folder.read(&Stock::name(due.which)).is_none()
        };
        if let Some(due) = self.due_files.iter().find(is_missing) {
            let name = self.people.name(self.persons[due.person].user);
            let file = Stock::NAMES[usize::from(due.which)];
            self.judge.accuse(self.now, "calm", format!("{name} has not got {file}"));
        }
    }

    /// What persons have not, and could get: somebody has it who does not block them, nor is blocked by them.
    fn missing(&self) -> Vec<DueFile> {
        let Some(stock) = &self.options.files else { return Vec::new() };
        let mut missing = Vec::new();
        for person in 0..self.persons.len() {
            for which in (0..).take(Stock::NAMES.len()) {
                let name = Stock::name(which);
                if self.persons[person].devices[0].folder.read(&name).is_some() {
                    continue;
                }
                let versions = (0_u8..).zip(stock.versions(&name));
                let mut there = versions.filter(|(_, file)| self.is_offered(person, &name, file));
                missing.extend(there.next().map(|(version, _)| DueFile { person, which, version }));
            }
        }
        missing
    }

    /// Somebody offers this to a person.
    fn is_offered(&self, person: usize, name: &FileName, file: &File) -> bool {
        let (book, user) = (&self.judge.book, self.persons[person].user);
        self.persons.iter().any(|other| {
            let blocks = [book.blocks(user, other.user), book.blocks(other.user, user)];
            let mut files = other.devices[0].folder.files();
            let has = files.any(|(other, there)| other == name && there.content() == file.content());
            blocks == [Known::No, Known::No] && has
        })
    }
}

/// What two bytes mean.
fn command(stock: &Stock, which: u8, what: u8) -> Command {
    // The one that has several chunks is asked for most.
    let file = 2 - scale(which, 4).saturating_sub(1);
    let several = stock.versions(&Stock::name(file)).len() > 1;
    let version = (several && !which.is_multiple_of(4)).then_some(which % 2);
    match what {
        0..=159 => Command::Fetch(file, version),
        160..=207 => Command::Cancel(file),
        208..=231 => Command::Downloads,
        _ => Command::Files,
    }
}
