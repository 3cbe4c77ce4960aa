//! Bounds: whatever a peer does, what the server holds for it stays under its limit.

use super::book::Book;
use super::fact::Fact;
use super::{Finding, fail};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    /// A peer that has more unread than it may, and is to be cut in the step that learns of it.
    over: Option<u32>,
}

/// The most that one step adds to what waits for one peer: a window of mail or a page of names, each with
/// the frame that crossed the limit, and small replies.
const STEP_BYTES_MAX: u32 = 256 * 1024;

impl Bounds {
    /// Looks at a fact.
    pub fn see(&mut self, fact: &Fact<'_>, book: &mut Book) -> Finding {
        let hard = book.config.limits.unread_hard_bytes;
        match fact {
            Fact::Unread { link, bytes } if *bytes > hard => {
                self.over = Some(*link);
                if *bytes > hard + STEP_BYTES_MAX {
                    return fail!("{bytes} bytes wait for a peer that does not read");
                }
            }
            Fact::Shut { link, .. } if self.over == Some(*link) => self.over = None,
            Fact::Crashed => self.over = None,
            Fact::Stepped { .. } if self.over.take().is_some() => {
                return fail!("a peer with too much unread is not cut");
            }
            _ => {}
        }
        Ok(())
    }
}
