//! Time-outs: who does nothing is logged out after exactly so long, and nobody else.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use starling_core::time::{Time, micros};
use starling_core::wire::{Farewell, Request, ServerFrame};

use super::book::Book;
use super::fact::Fact;
use super::{Finding, fail};
use crate::mark::Mark;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Idle {
    watch: BinaryHeap<Reverse<(Time, u32)>>,
}

impl Idle {
    /// Looks at a fact.
    pub fn see(&mut self, fact: &Fact<'_>, book: &mut Book) -> Finding {
        match fact {
            Fact::Told { link, frame: ServerFrame::Welcome { .. } } => {
                self.watch.push(Reverse((book.now + book.config.timeout, *link)));
            }
            Fact::Told { link, frame: ServerFrame::Farewell(Farewell::Idle { seconds }) } => {
                return timed_out(*link, *seconds, book);
            }
            Fact::Asked { link, request }
                if is_activity(request) && book.sight(*link).active + book.config.timeout == book.now =>
            {
                book.marks.reach(Mark::TimeoutTie);
            }
            Fact::Crashed => self.watch.clear(),
            Fact::Stepped { chime } => return self.overdue(*chime, book),
            _ => {}
        }
        Ok(())
    }

    fn overdue(&mut self, chime: bool, book: &Book) -> Finding {
        while let Some(Reverse((at, link))) = self.watch.peek().copied() {
            if at + book.late > book.now || (at + book.late == book.now && !chime) {
                return Ok(());
            }
            self.watch.pop();
            let sight = book.sight(link);
            if !sight.open || sight.user.is_none() {
                continue;
            }
            let due = sight.active + book.config.timeout;
            let over = due + book.late < book.now || (due + book.late == book.now && chime);
            if over && !sight.vague {
                return fail!("somebody active at {} is online at {}", sight.active, book.now);
            }
            let again = if over { book.now + book.config.timeout } else { due };
            self.watch.push(Reverse((again.max(book.now + Duration::from_micros(1)), link)));
        }
        Ok(())
    }
}

fn is_activity(request: &Request) -> bool {
    !matches!(request, Request::Ack { .. } | Request::Ping { .. } | Request::Pong { .. })
}

fn timed_out(link: u32, seconds: u32, book: &mut Book) -> Finding {
    let timeout = book.config.timeout;
    if u64::from(seconds) * 1_000_000 != micros(timeout) {
        return fail!("a time-out of {timeout:?} is told as {seconds} seconds");
    }
    let sight = book.sight(link);
    let due = sight.active + timeout;
    if book.now < due {
        return fail!("somebody active at {} is timed out already at {}", sight.active, book.now);
    }
    if !sight.vague && book.now > due + book.late {
        return fail!("somebody active at {} is timed out only at {}", sight.active, book.now);
    }
    book.marks.reach(Mark::TimedOut);
    Ok(())
}
