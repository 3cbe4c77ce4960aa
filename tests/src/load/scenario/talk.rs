//! People talk, and the next message waits for an earlier one.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::load::bed::{Bed, WAIT_MAX, no_trouble};
use crate::load::client::Person;
use crate::load::crowd::{Crowd, Heard, Sound};
use crate::load::error::Error;
use crate::load::flow::Flow;
use crate::load::gauge::{Gauge, Spent};

/// Messages before the measurement, as a part of those that are measured.
const WARM_UP_PART: usize = 20;

/// When a message is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Everybody whom it goes to has it.
    Received,
    /// Its sender knows that it is stored.
    Stored,
}

/// What is said, and how fast.
pub(crate) struct Talk<S> {
    /// Who says the message with this number, and how.
    pub(crate) say: S,
    pub(crate) over: Over,
    /// Messages that are measured.
    pub(crate) messages: usize,
    /// Messages under way in all.
    pub(crate) under_way: usize,
    /// How often a message arrives.
    pub(crate) copies: u32,
}

/// What came of it.
pub(crate) struct Measured {
    pub(crate) spent: Spent,
    /// Copies that have arrived.
    pub(crate) delivered: u64,
    /// All messages have; false if the time was over before.
    pub(crate) complete: bool,
    /// From the moment a message was typed to that of each of its deliveries, nanoseconds.
    pub(crate) waits: Vec<u64>,
}

/// One round of talk.
struct Round {
    flow: Flow,
    said_at: Vec<u64>,
    waits: Vec<u64>,
    /// What each person has said and has not been answered. Answers hold no number of a message, but they
    /// come in the order of the questions.
    unanswered: BTreeMap<usize, VecDeque<usize>>,
}

impl<S: Fn(usize) -> (usize, Bytes)> Talk<S> {
    /// Talks, first unmeasured for a while.
    ///
    /// # Errors
    /// If something happens that is not planned.
    pub(crate) fn measure(&self, crowd: &mut Crowd<Person>, bed: &Bed) -> Result<Measured, Error> {
        let warm_up = self.round((self.messages / WARM_UP_PART).max(self.under_way), crowd, bed)?;
        if !warm_up.flow.is_over() {
            return Err(Error::TooLate("the first messages had arrived"));
        }
        let gauge = Gauge::begin(bed.host.pid)?;
        let Round { flow, waits, .. } = self.round(self.messages, crowd, bed)?;
        let spent = gauge.read()?;
        Ok(Measured { spent, delivered: flow.delivered(), complete: flow.is_over(), waits })
    }

    fn round(&self, messages: usize, crowd: &mut Crowd<Person>, bed: &Bed) -> Result<Round, Error> {
        let mut round = Round {
            flow: Flow::new(messages, self.under_way, self.copies),
            said_at: vec![0; messages],
            waits: Vec::with_capacity(messages),
            unanswered: BTreeMap::new(),
        };
        for number in round.flow.first() {
            self.speak(number, &mut round, crowd);
        }
        let mut heard = Vec::new();
        while !round.flow.is_over() && !bed.is_late() {
            crowd.turn(WAIT_MAX, &mut heard)?;
            for sound in &heard {
                no_trouble(sound)?;
                if let Some(number) = self.delivery(sound, &mut round) {
                    self.arrived(number, sound, &mut round, crowd)?;
                }
            }
        }
        Ok(round)
    }

    /// The message of which `sound` is a delivery, if it is one.
    fn delivery(&self, sound: &Sound, round: &mut Round) -> Option<usize> {
        match (self.over, sound.what) {
            (Over::Received, Heard::Text(number)) => Some(number),
            (Over::Stored, Heard::Queued) => round.unanswered.get_mut(&sound.who)?.pop_front(),
            _ => None,
        }
    }

    fn arrived(
        &self,
        number: usize,
        sound: &Sound,
        round: &mut Round,
        crowd: &mut Crowd<Person>,
    ) -> Result<(), Error> {
        let next = round.flow.arrived(number).map_err(|_| again(number, sound))?;
        round.waits.push(sound.at.saturating_sub(round.said_at[number]));
        if let Some(next) = next {
            self.speak(next, round, crowd);
        }
        Ok(())
    }

    fn speak(&self, number: usize, round: &mut Round, crowd: &mut Crowd<Person>) {
        let (who, line) = (self.say)(number);
        round.said_at[number] = crowd.now();
        if self.over == Over::Stored {
            round.unanswered.entry(who).or_default().push_back(number);
        }
        crowd.with(who, |person, ear| person.say(line, ear));
    }
}

/// A message came twice, or one that nobody had sent.
pub(crate) fn again(number: usize, sound: &Sound) -> Error {
    Error::Trouble(format!("message {number} came to person {}, for whom it is none", sound.who))
}
