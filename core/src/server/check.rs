//! What must hold between two steps.

use super::{Server, Stopping};

impl Server {
    /// Asserts every invariant of the server, inside its machines and between them.
    ///
    /// # Panics
    /// If one does not hold: that is a bug.
    pub fn check(&self) {
        assert!(self.post.is_empty(), "no envelope outlives its step");
        self.doors.check(&self.config.limits);
        self.roster.check();
        self.exchange.check(self.config.limits.findings_max);
        self.swarms.check();
        self.ledger.check();
        self.sessions.iter().for_each(|(_, session)| session.check());
        self.homes.iter().flatten().for_each(super::Home::check);
        self.check_who_is_online();
        let addresses_max = self.config.limits.addresses_max;
        assert!(self.addresses.len() <= addresses_max, "addresses are remembered up to a bound");
        assert!(self.stopping != Stopping::Done || self.ledger.is_idle(), "all is stored");
    }

    /// Sessions, homes and the roster agree about who is online.
    fn check_who_is_online(&self) {
        let mut online = 0;
        for (user, conn) in self.roster.online() {
            let home = self.homes[user.index()].as_ref().expect("who is online has a home");
            assert_eq!(home.online(), Some(conn), "the roster knows the session of {user:?}");
            let session = self.sessions.get(conn).expect("who is online has a session");
            assert_eq!(session.user(), Some(user), "the session of {user:?} is his");
            online += 1;
        }
        #[cfg(feature = "planted")]
        if self.config.planted == Some(super::Fault::TwoSessions) {
            return;
        }
        for (user, conn) in self.swarms.participants() {
            let session = self.sessions.get(conn).expect("who takes part in a content has a session");
            assert_eq!(session.user(), Some(user), "the session of {user:?} is his");
        }
        let homes = self.homes.iter().flatten().filter(|home| home.online().is_some()).count();
        assert!(online == homes || self.stopping != Stopping::No, "whoever is online is on the roster");
    }
}
