//! Replies to commands about files: what each may be answered with, and in how many lines.

use std::collections::VecDeque;

use starling_core::client::{Complaint, DownloadComplaint, DownloadLine, Line};
use starling_core::filename::FileName;
use starling_core::name::Name;
use starling_core::wire::{Finding as FoundFile, Offer};

use super::fact::Command;
use super::fail;
use super::reply::{Answer, Awaited, Fit};
use super::sight::Sight;
use crate::stock::Stock;

/// A file as it is listed, and who offers it.
pub(super) type Listed = (Offer, Vec<Name>);

/// Whether a line answers a command about files.
pub(super) fn is_reply(line: &Line) -> bool {
    match line {
        Line::Offered(_) | Line::NoFiles => true,
        Line::Download(line) => !matches!(
            line,
            DownloadLine::Downloaded { .. } | DownloadLine::Stopped(..) | DownloadLine::Waiting { .. }
        ),
        _ => false,
    }
}

/// How far a line fits a command about files.
pub(super) fn fit(awaited: &mut Awaited, line: &Line, sight: &Sight) -> Result<Fit, String> {
    match awaited.command {
        Command::Fetch(which, _) => begun(awaited, &Stock::name(which), line),
        Command::Cancel(which) => cancelled(&Stock::name(which), line, sight),
        Command::Downloads => running(awaited, line, sight),
        _ => listed(awaited, line),
    }
}

fn begun(awaited: &mut Awaited, name: &FileName, line: &Line) -> Result<Fit, String> {
    let (about, fit) = match line {
        Line::Download(
            DownloadLine::Downloading { name, .. }
            | DownloadLine::Resuming(name, _)
            | DownloadLine::AlreadyHere(name),
        ) => (name, Fit::Last),
        Line::Refused(Complaint::Download(
            DownloadComplaint::Nobody(name)
            | DownloadComplaint::Different(name)
            | DownloadComplaint::Running(name)
            | DownloadComplaint::CannotWrite(name, _),
        )) => (name, Fit::Last),
        Line::Refused(Complaint::Download(DownloadComplaint::Several(name))) => {
            awaited.answer = Some(Answer::Choice);
            (name, Fit::More)
        }
        Line::Download(DownloadLine::Choice(listing)) => (&listing.offer.name, Fit::More),
        Line::Download(DownloadLine::Choose(name)) => (name, Fit::Last),
        _ => return fail!("\"{line}\" is shown and {name} was asked for"),
    };
    let is_choice = matches!(line, Line::Download(DownloadLine::Choice(_) | DownloadLine::Choose(_)));
    let is_open = matches!(awaited.answer, Some(Answer::Choice));
    let in_turn = is_choice == (is_open && !matches!(line, Line::Refused(_)));
    match about == name && in_turn {
        true => Ok(fit),
        false => fail!("\"{line}\" is shown and {name} was asked for"),
    }
}

fn cancelled(name: &FileName, line: &Line, sight: &Sight) -> Result<Fit, String> {
    let fits = match line {
        Line::Download(DownloadLine::Cancelled(about, _)) => about == name && sight.fetching.contains(name),
        Line::Refused(Complaint::Download(DownloadComplaint::NotRunning(about))) => {
            about == name.as_str() && !sight.fetching.contains(name)
        }
        _ => false,
    };
    match fits {
        true => Ok(Fit::Last),
        false => fail!("\"{line}\" is shown, {name} was to be cancelled, under way: {:?}", sight.fetching),
    }
}

/// All downloads under way are listed, in order, and nothing else.
fn running(awaited: &mut Awaited, line: &Line, sight: &Sight) -> Result<Fit, String> {
    let all = || Answer::Running(sight.fetching.iter().cloned().collect());
    let Answer::Running(left) = awaited.answer.get_or_insert_with(all) else {
        return fail!("\"{line}\" follows another answer");
    };
    let expected: Option<FileName> = left.pop_front();
    let is_last = left.is_empty();
    match line {
        Line::Download(DownloadLine::Running(name, _)) if expected.as_ref() == Some(name) => {
            Ok(if is_last { Fit::Last } else { Fit::More })
        }
        Line::Download(DownloadLine::None) if expected.is_none() => Ok(Fit::Last),
        _ => fail!("\"{line}\" is shown, and {expected:?} is under way"),
    }
}

/// What the server has told of is listed, in order, and nothing else.
fn listed(awaited: &mut Awaited, line: &Line) -> Result<Fit, String> {
    if let Some(Answer::Found(findings, true)) = &mut awaited.answer {
        let listings = listings(std::mem::take(findings));
        awaited.answer = Some(Answer::Listed(listings));
    }
    let Some(Answer::Listed(left)) = &mut awaited.answer else {
        return fail!("\"{line}\" is shown before all files have come");
    };
    let expected = left.pop_front();
    let is_last = left.is_empty();
    match line {
        Line::Offered(listing) if expected == Some((listing.offer.clone(), listing.owners.clone())) => {
            Ok(if is_last { Fit::Last } else { Fit::More })
        }
        Line::NoFiles if expected.is_none() => Ok(Fit::Last),
        _ => fail!("\"{line}\" is shown instead of {expected:?}"),
    }
}

/// Findings as they are listed: by name and content, the owners of one in one line.
fn listings(mut findings: Vec<FoundFile>) -> VecDeque<Listed> {
    findings.sort_unstable();
    findings.dedup();
    let mut listings: VecDeque<Listed> = VecDeque::new();
    for FoundFile { offer, owner } in findings {
        match listings.back_mut().filter(|(other, _)| *other == offer) {
            Some((_, owners)) => owners.push(owner),
            None => listings.push_back((offer, vec![owner])),
        }
    }
    listings
}
