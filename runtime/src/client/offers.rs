//! What this client offers, for those who ask.
//!
//! Whoever asks while files are being hashed is answered when they are, but not so late that the server goes on
//! without this answer.

use std::collections::VecDeque;
use std::time::Duration;

use starling_core::client::Input;
use starling_core::pattern::Pattern;
use starling_core::wire::Offer;
use tokio::time::{Instant, timeout_at};

use super::files::Stock;

/// How long an answer waits for files that are being hashed. The server waits for two seconds.
const WAIT_MAX: Duration = Duration::from_millis(1_500);
/// Questions that wait; no honest server asks so many at once, and further ones have no answer.
const QUESTIONS_MAX: usize = 1_024;

/// See the module.
#[derive(Debug)]
pub struct Offers {
    /// Nothing if there is no folder.
    stock: Option<Stock>,
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
        Offers { stock: None, questions: VecDeque::new() }
    }

    /// What is in a folder.
    #[must_use]
    pub fn of(stock: Stock) -> Offers {
        Offers { stock: Some(stock), questions: VecDeque::new() }
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
        let mut indexing = false;
        if let Some(stock) = &mut self.stock {
            let waits = |stock: &Stock| !stock.index().is_settled(|name| question.pattern.fits(name));
            // Once it has ended, nothing changes any more.
            while waits(stock) && matches!(timeout_at(question.until, stock.changed()).await, Ok(true)) {}
            indexing = waits(stock);
        }
        let (number, pattern) = (question.number, question.pattern.clone());
        self.questions.pop_front();
        Input::Looked { question: number, offers: self.fitting(&pattern), indexing }
    }

    fn fitting(&self, pattern: &Pattern) -> Vec<Offer> {
        let offers = self.stock.as_ref().map(|stock| stock.index().offers()).unwrap_or_default();
        let fitting = offers.into_iter().filter(|(name, _)| pattern.fits(name));
        fitting
            .map(|(name, offer)| Offer { name, content: offer.content, size: offer.layout.size() })
            .collect()
    }
}
