//! Messages at even distances, whether earlier ones have arrived or not.

use std::time::Duration;

use bytes::Bytes;

use super::talk::{Measured, again};
use crate::load::bed::{Bed, WAIT_MAX, no_trouble};
use crate::load::client::Person;
use crate::load::crowd::{Crowd, Heard, Sound};
use crate::load::error::Error;
use crate::load::flow::Flow;
use crate::load::gauge::Gauge;

/// So many messages a second in all. Each waits from the moment it *should* have been sent: were it counted
/// from when it was, a generator that is held up would hide what its people would have waited.
pub(crate) struct Paced<S> {
    /// Who says the message with this number, and how.
    pub(crate) say: S,
    /// Messages that are measured.
    pub(crate) messages: usize,
    /// Messages a second.
    pub(crate) rate: u32,
}

struct Run {
    began: u64,
    next: usize,
    flow: Flow,
    waits: Vec<u64>,
    pace: Pace,
}

/// What the generator itself did to the figures, nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// By how much it was late with each message.
    pub(crate) late: Vec<u64>,
    /// From the moment each message was typed, late or not, to its receipt.
    pub(crate) on_the_way: Vec<u64>,
}

impl<S: Fn(usize) -> (usize, Bytes)> Paced<S> {
    /// Talks.
    ///
    /// # Errors
    /// If something happens that is not planned.
    pub(crate) fn measure(self, crowd: &mut Crowd<Person>, bed: &Bed) -> Result<(Measured, Pace), Error> {
        let gauge = Gauge::begin(bed.host.pid)?;
        let flow = Flow::new(self.messages, self.messages, 1);
        let mut run = Run { began: crowd.now(), next: 0, flow, waits: Vec::new(), pace: Pace::default() };
        let mut heard = Vec::new();
        while !run.flow.is_over() && !bed.is_late() {
            let wait = self.speak(&mut run, crowd);
            crowd.turn(wait, &mut heard)?;
            for sound in &heard {
                self.hear(&mut run, sound)?;
            }
        }
        let spent = gauge.read()?;
        let (delivered, complete) = (run.flow.delivered(), run.flow.is_over());
        Ok((Measured { spent, delivered, complete, waits: run.waits }, run.pace))
    }

    /// When the message with this number is due.
    fn due(&self, run: &Run, number: usize) -> u64 {
        run.began + number as u64 * 1_000_000_000 / u64::from(self.rate)
    }

    /// Says what is due; returns how long nothing will be.
    fn speak(&self, run: &mut Run, crowd: &mut Crowd<Person>) -> Duration {
        while run.next < self.messages {
            let (due, now) = (self.due(run, run.next), crowd.now());
            if due > now {
                return Duration::from_nanos(due - now).min(WAIT_MAX);
            }
            run.pace.late.push(now - due);
            let (who, line) = (self.say)(run.next);
            crowd.with(who, |person, ear| person.say(line, ear));
            run.next += 1;
        }
        WAIT_MAX
    }

    fn hear(&self, run: &mut Run, sound: &Sound) -> Result<(), Error> {
        no_trouble(sound)?;
        let Heard::Text(number) = sound.what else { return Ok(()) };
        run.flow.arrived(number).map_err(|_| again(number, sound))?;
        let wait = sound.at.saturating_sub(self.due(run, number));
        run.waits.push(wait);
        let late = run.pace.late.get(number).ok_or_else(|| again(number, sound))?;
        run.pace.on_the_way.push(wait.saturating_sub(*late));
        Ok(())
    }
}
