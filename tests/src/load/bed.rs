//! Where a scenario runs: the server, and how much time there is.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use starling_tests::line::Secrecy;

use super::args::Args;
use super::client::Person;
use super::crowd::{Crowd, Heard, Sound, Voice};
use super::error::Error;
use super::host::Host;

/// Nothing heard for so long is quiet: several windows of presence.
const QUIET: Duration = Duration::from_millis(300);
/// How long one turn waits at most before it looks at the time.
pub(crate) const WAIT_MAX: Duration = Duration::from_millis(100);

/// See the module.
#[derive(Debug)]
pub(crate) struct Bed {
    pub(crate) host: Host,
    pub(crate) secrecy: Secrecy,
    /// Differs from run to run.
    pub(crate) run: u64,
    until: Instant,
}

/// How a crowd comes in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// How many people.
    pub(crate) people: usize,
    /// How many logins at once.
    pub(crate) under_way: usize,
}

impl Bed {
    /// Finds or starts the server.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn make(args: &Args, secrecy: Secrecy) -> Result<Bed, Error> {
        let until = Instant::now() + Duration::from_secs(args.deadline_s);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let run = u64::try_from(since.as_nanos()).unwrap_or(0);
        let host = Host::find(&args.target, args.scenario.setup(), secrecy)?;
        Ok(Bed { host, secrecy, run, until })
    }

    /// Whether the time is over.
    pub(crate) fn is_late(&self) -> bool {
        Instant::now() >= self.until
    }

    /// A crowd of `people` with client machines, logged in, when all is quiet.
    ///
    /// # Errors
    /// If somebody is not let in, or the time is over.
    pub(crate) fn gather(&self, people: usize) -> Result<Crowd<Person>, Error> {
        let mut crowd = Crowd::new(self.secrecy)?;
        let make = |crowd: &Crowd<Person>, number| Person::new(number, self.run, crowd.time());
        self.let_in(&mut crowd, Entry { people, under_way: 64 }, make, |_| {})?;
        self.calm(&mut crowd, |_| {})?;
        Ok(crowd)
    }

    /// Lets people in, so many logins at once. Everything that is heard meanwhile goes to `listen`.
    ///
    /// # Errors
    /// If somebody is not let in, or the time is over.
    pub(crate) fn let_in<V: Voice>(
        &self,
        crowd: &mut Crowd<V>,
        entry: Entry,
        make: impl Fn(&Crowd<V>, usize) -> V,
        mut listen: impl FnMut(&Sound),
    ) -> Result<(), Error> {
        let (mut joined, mut welcome) = (0, 0);
        let mut heard = Vec::new();
        while welcome < entry.people {
            if self.is_late() {
                return Err(Error::TooLate("everybody was logged in"));
            }
            while joined < entry.people && joined < welcome + entry.under_way {
                let voice = make(crowd, joined);
                crowd.join(self.host.addr, voice)?;
                joined += 1;
            }
            crowd.turn(WAIT_MAX, &mut heard)?;
            for sound in &heard {
                welcome += usize::from(sound.what == Heard::Welcome);
                no_trouble(sound)?;
                listen(sound);
            }
        }
        Ok(())
    }

    /// Waits until nothing more is heard.
    ///
    /// # Errors
    /// If that does not happen before the time is over.
    pub(crate) fn calm<V: Voice>(
        &self,
        crowd: &mut Crowd<V>,
        mut listen: impl FnMut(&Sound),
    ) -> Result<(), Error> {
        let mut heard = Vec::new();
        let mut quiet_since = Instant::now();
        while quiet_since.elapsed() < QUIET {
            if self.is_late() {
                return Err(Error::TooLate("all was quiet"));
            }
            crowd.turn(WAIT_MAX, &mut heard)?;
            if !heard.is_empty() {
                quiet_since = Instant::now();
            }
            for sound in &heard {
                no_trouble(sound)?;
                listen(sound);
            }
        }
        Ok(())
    }
}

/// Ends a scenario in which something happens that it does not plan.
///
/// # Errors
/// What happened.
pub(crate) fn no_trouble(sound: &Sound) -> Result<(), Error> {
    match sound.what {
        Heard::Trouble(what) => Err(Error::Trouble(format!("person {}: {what}", sound.who))),
        Heard::Gone { planned: false } => Err(Error::Trouble(format!("person {} was thrown out", sound.who))),
        _ => Ok(()),
    }
}
