//! `whoelse` and `whoelsesince`: exactly the sessions that overlap, less the asker and those who block him.

use std::time::Duration;

use starling_core::wire::{NamesPage, ServerFrame};

use super::book::{Book, Known, Wish};
use super::fact::Fact;
use super::{Finding, fail};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Who {
    /// Answers that have begun: link and what they must be.
    begun: Vec<(u32, Expected)>,
}

#[derive(Clone, Debug)]
struct Expected {
    request: starling_core::id::RequestId,
    must: Vec<u16>,
    may: Vec<u16>,
}

impl Who {
    /// Looks at a fact.
    pub fn see(&mut self, fact: &Fact<'_>, book: &mut Book) -> Finding {
        match fact {
            Fact::Told { link, frame: ServerFrame::Names(page) } => return self.told(*link, page, book),
            Fact::Gone { link } | Fact::Shut { link, .. } => self.begun.retain(|(other, _)| other != link),
            Fact::Crashed => self.begun.clear(),
            _ => {}
        }
        Ok(())
    }

    fn told(&mut self, link: u32, page: &NamesPage, book: &Book) -> Finding {
        let Some(asked) = book.asked(link, page.request) else { return fail!("names that nobody asked for") };
        let Wish::Who(seconds) = asked.wish else { return fail!("names answer {:?}", asked.wish) };
        let mine = |(other, expected): &(u32, Expected)| *other == link && expected.request == page.request;
        let at = self.begun.iter().position(mine).unwrap_or_else(|| {
            let (must, may) = expected(link, seconds, book);
            self.begun.push((link, Expected { request: page.request, must, may }));
            self.begun.len() - 1
        });
        let (_, left) = &mut self.begun[at];
        for name in &page.names {
            let Some(user) = book.people.find(*name) else { return fail!("{name} is listed and is no user") };
            if let Ok(at) = left.must.binary_search(&user) {
                left.must.remove(at);
            } else if let Ok(at) = left.may.binary_search(&user) {
                left.may.remove(at);
            } else {
                return fail!("{name} is listed, and should not be (since {seconds:?})");
            }
        }
        if page.last {
            let (_, left) = self.begun.swap_remove(at);
            if let Some(user) = left.must.first() {
                return fail!("{} is not listed (since {seconds:?})", book.people.name(*user));
            }
        }
        Ok(())
    }
}

/// Who must be listed, and who may be, ascending.
fn expected(link: u32, seconds: Option<u64>, book: &Book) -> (Vec<u16>, Vec<u16>) {
    let asker = book.sight(link).user;
    let since = seconds.map(|seconds| book.now.before(Duration::from_secs(seconds)));
    let (mut must, mut may) = (Vec::new(), Vec::new());
    for user in (0_u16..).take(book.online.len()) {
        let at = usize::from(user);
        let within = since.is_some_and(|since| book.left[at].is_some_and(|left| left >= since));
        let there = match (book.joined[at], within, book.left_surely[at]) {
            (Known::Yes, ..) | (_, true, true) => Known::Yes,
            (Known::Either, ..) | (_, true, false) => Known::Either,
            _ => continue,
        };
        if Some(user) == asker {
            continue;
        }
        match (asker.map_or(Known::No, |asker| book.blocks(user, asker)), there) {
            (Known::Yes, _) => {}
            (Known::No, Known::Yes) => must.push(user),
            _ => may.push(user),
        }
    }
    (must, may)
}
