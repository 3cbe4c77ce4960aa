//! Logins while few are online.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::json;

use crate::load::args::{Leave, Login};
use crate::load::bed::{Bed, WAIT_MAX, no_trouble};
use crate::load::client::Person;
use crate::load::crowd::{Crowd, Heard, Sound};
use crate::load::error::Error;
use crate::load::gauge::Gauge;
use crate::load::report::{Figures, figures, rounded};

/// People come, and the earliest go to make room.
struct Coming<'a> {
    args: &'a Login,
    crowd: Crowd<Person>,
    /// Who is online, the earliest first.
    online: VecDeque<usize>,
    joined: usize,
    welcome: usize,
    /// Connections that are not over, those of people who come and go included.
    present: usize,
}

pub(crate) fn run(args: &Login, bed: &mut Bed) -> Result<Figures, Error> {
    let crowd = Crowd::new(bed.secrecy)?;
    let mut coming = Coming { args, crowd, online: VecDeque::new(), joined: 0, welcome: 0, present: 0 };
    // The people who are there when it begins.
    coming.until(args.online_max as usize, bed)?;
    let gauge = Gauge::begin(bed.host.pid)?;
    let before = coming.welcome;
    coming.until(before + args.count as usize, bed)?;
    let spent = gauge.read()?;
    let logins = (coming.welcome - before) as u64;
    Ok(figures(json!({
        "online_max": args.online_max,
        "logins_at_once": args.under_way,
        "leave": if args.leave == Leave::Logout { "logout" } else { "close" },
        "complete": logins >= u64::from(args.count),
        "logins": logins,
        "logins_per_s": rounded(spent.per_second(logins)),
        "server_cpu_us_per_login": rounded(spent.micros_each(logins)),
        "logins_per_server_cpu_s": rounded(logins as f64 / spent.cpu.as_secs_f64().max(1e-9)),
        "threads_us_per_login": spent.threads_each(logins),
        "busy": spent.busy(),
    })))
}

impl Coming<'_> {
    /// Goes on until so many have been welcomed, or the time is over.
    fn until(&mut self, welcome: usize, bed: &Bed) -> Result<(), Error> {
        let mut heard = Vec::new();
        while self.welcome < welcome && !bed.is_late() {
            self.come(welcome, bed)?;
            self.crowd.turn(WAIT_MAX, &mut heard)?;
            for sound in &heard {
                self.hear(sound)?;
            }
        }
        Ok(())
    }

    /// Lets as many come as there is room for.
    fn come(&mut self, welcome_max: usize, bed: &Bed) -> Result<(), Error> {
        let Login { under_way, online_max, .. } = *self.args;
        while self.joined < welcome_max
            && self.joined - self.welcome < under_way as usize
            && self.present < online_max as usize
        {
            let number = self.joined % self.args.people() as usize;
            let person = Person::new(number, bed.run, self.crowd.time());
            self.crowd.join(bed.host.addr, person)?;
            self.joined += 1;
            self.present += 1;
        }
        Ok(())
    }

    /// How many stay, so that there is room for those who come.
    fn staying(&self) -> usize {
        self.args.online_max.saturating_sub(self.args.under_way) as usize
    }

    fn go(&mut self, who: usize) {
        match self.args.leave {
            Leave::Logout => {
                self.crowd.with(who, |person, ear| person.say(Bytes::from_static(b"logout"), ear))
            }
            Leave::Close => {
                self.crowd.leave(who);
                self.present -= 1;
            }
        }
    }

    fn hear(&mut self, sound: &Sound) -> Result<(), Error> {
        no_trouble(sound)?;
        match sound.what {
            Heard::Welcome => {
                self.welcome += 1;
                self.online.push_back(sound.who);
                if self.online.len() > self.staying() {
                    self.online.pop_front().into_iter().for_each(|earliest| self.go(earliest));
                }
            }
            Heard::Gone { planned: true } => {
                self.crowd.leave(sound.who);
                self.present -= 1;
            }
            _ => {}
        }
        Ok(())
    }
}
