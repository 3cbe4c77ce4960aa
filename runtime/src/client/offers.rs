//! What this client offers, for those who ask.
//!
//! Whoever asks while files are being hashed is answered when they are, but not so late that the server goes on
//! without this answer.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use starling_core::client::Input;
use starling_core::pattern::Pattern;
use starling_core::wire::Offer;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::share::{Folder, Index, Settings};

/// How long an answer waits for files that are being hashed. The server waits for two seconds.
const WAIT_MAX: Duration = Duration::from_millis(1_500);
/// Questions that wait; no honest server asks so many at once, and further ones have no answer.
const QUESTIONS_MAX: usize = 1_024;

/// See the module.
#[derive(Debug)]
pub struct Offers {
    /// Nothing if there is no folder.
    index: Option<Index>,
    changed: watch::Receiver<()>,
    questions: VecDeque<Question>,
}

#[derive(Debug)]
struct Question {
    number: u32,
    pattern: Pattern,
    until: Instant,
}

impl Offers {
    /// Nothing, ever.
    #[must_use]
    pub fn none() -> Offers {
        Offers { index: None, changed: watch::channel(()).1, questions: VecDeque::new() }
    }

    /// What is in a folder. What was found out of it is kept below `state`.
    ///
    /// # Errors
    /// If it cannot be looked through.
    pub fn of(folder: Folder, state: Option<PathBuf>) -> io::Result<Offers> {
        let (tell, changed) = watch::channel(());
        let index = Index::start(Arc::new(folder), &Settings::usual(state), move |_| tell.send_replace(()))?;
        Ok(Offers { index: Some(index), changed, questions: VecDeque::new() })
    }

    /// Somebody asks which files fit.
    pub fn ask(&mut self, number: u32, pattern: Pattern) {
        if self.questions.len() == QUESTIONS_MAX {
            return;
        }
        self.questions.push_back(Question { number, pattern, until: Instant::now() + WAIT_MAX });
    }

    /// The next answer, for the machine.
    pub async fn next(&mut self) -> Input {
        let Some(question) = self.questions.front() else { return std::future::pending().await };
        if let Some(index) = &self.index {
            // Once it has ended, nothing changes any more.
            while !index.is_settled(|name| question.pattern.fits(name))
                && matches!(timeout_at(question.until, self.changed.changed()).await, Ok(Ok(())))
            {
            }
        }
        let (number, pattern) = (question.number, question.pattern.clone());
        self.questions.pop_front();
        Input::Looked { question: number, offers: self.fitting(&pattern), indexing: false }
    }

    fn fitting(&self, pattern: &Pattern) -> Vec<Offer> {
        let offers = self.index.as_ref().map(Index::offers).unwrap_or_default();
        let fitting = offers.into_iter().filter(|(name, _)| pattern.fits(name));
        fitting
            .map(|(name, offer)| Offer { name, content: offer.content, size: offer.layout.size() })
            .collect()
    }
}
