//! The simulator's world, driven by hand. Its time is its own, so a wait costs nothing.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use starling_core::filename::FileName;
use starling_core::server::Config;
use starling_core::time::Time;
use starling_sim::world::script::Script;

use super::folder::make;
use super::limits::limits;
use super::{Seen, Stage};
use crate::transcript::{Change, Deed, Fate, Setup, Who};

/// How exactly it is noted when a line was seen.
const STRIDE: Duration = Duration::from_millis(1);

/// See the module.
#[derive(Debug)]
pub struct Simulated {
    script: Script,
    setup: Setup,
    /// When the first moment was, less its number.
    origin: Option<Time>,
    /// Seen, and not yet asked for, by everybody who has a client.
    unread: BTreeMap<Who, VecDeque<(Time, String)>>,
}

impl Simulated {
    /// A stage with a server that listens.
    #[must_use]
    pub fn open(setup: &Setup) -> Simulated {
        let span = |seconds: u32| Duration::from_secs(seconds.into());
        let mut config = Config::new(span(setup.block_duration_s), span(setup.timeout_s));
        config.limits = limits(setup);
        let users = setup.users.iter().map(|(name, password)| (name.as_str(), password.as_str()));
        let mut script = Script::new(config, users);
        // Moments are counted from the first one, and may be counted back from it.
        script.advance(Duration::from_secs(1));
        Simulated { script, setup: setup.clone(), origin: None, unread: BTreeMap::new() }
    }

    /// Lets a stride of time pass, and notes what was seen.
    ///
    /// # Panics
    /// If a checker of the simulator finds that something must not have been.
    fn stride(&mut self, span: Duration) {
        self.script.advance(span);
        self.collect();
        if let Some(violation) = self.script.violation() {
            panic!("a checker accuses: {violation:?}");
        }
    }

    fn collect(&mut self) {
        let now = self.script.now();
        for (who, unread) in &mut self.unread {
            unread.extend(self.script.take_lines(who.as_str()).into_iter().map(|line| (now, line)));
        }
    }

    fn seen(&mut self, who: &Who) -> Option<Seen> {
        let (at, text) = self.unread.get_mut(who)?.pop_front()?;
        Some(Seen::Line { text, at: self.origin.map(|origin| at.since(origin)) })
    }
}

impl Stage for Simulated {
    fn does(&mut self, who: &Who, deed: &Deed) {
        let (script, terminal) = (&mut self.script, who.as_str());
        match deed {
            Deed::Connects => {
                script.start(terminal);
                self.unread.insert(who.clone(), VecDeque::new());
            }
            Deed::Types(line) => script.type_line(terminal, line),
            Deed::EndsInput => script.end_input(terminal),
            Deed::Interrupts => script.interrupt(terminal),
            Deed::IsKilled => {
                script.kill(terminal);
                self.unread.remove(who);
            }
            Deed::StandsStill => script.stand_still(terminal),
            Deed::GoesOn => script.go_on(terminal),
            Deed::IsCut => script.reset(terminal),
            Deed::LogsIn => unreachable!("taken apart before"),
        }
    }

    fn next(&mut self, who: &Who) -> Seen {
        let until = self.script.now() + self.setup.patience;
        loop {
            if let Some(seen) = self.seen(who) {
                return seen;
            }
            if let Some(status) = self.script.exit(who.as_str()) {
                return Seen::End(status.into());
            }
            if self.script.now() >= until {
                return Seen::Nothing;
            }
            self.stride(STRIDE);
        }
    }

    fn moment(&mut self, moment: Duration) {
        let now = self.script.now();
        let origin = *self.origin.get_or_insert(now.before(moment));
        let target = origin + moment;
        assert!(target >= now, "@{} is over", moment.as_secs_f64());
        while self.script.now() < target {
            self.stride(STRIDE.min(target.since(self.script.now())));
        }
    }

    fn server(&mut self, fate: Fate) {
        match fate {
            Fate::Killed => self.script.kill_server(),
            Fate::Stopped => self.script.stop_server(),
            Fate::Started => self.script.restart_server(),
            Fate::DiskFull => self.script.fill_disk(),
            Fate::DiskHasRoom => self.script.mend_disk(),
        }
        self.collect();
    }

    fn changes(&mut self, who: &Who, change: &Change) {
        make(self.script.folder(who.as_str()), change);
    }

    fn file(&mut self, who: &Who, name: &FileName) -> Option<Bytes> {
        self.script.folder(who.as_str()).read(name).cloned()
    }
}
